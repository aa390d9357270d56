"""[holdings] and [runway]: what the treasury's value is made of and how long it lasts, at exactly the limits, one unit
beyond, and against fractions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.cases import sample
from policies.document import document_hash, load
from policies.engine import judge
from policies.grants import off_chain_only
from policies.holdings import HoldingTerms
from policies.rules import concentration, runway, stables
from policies.runway import RunwayTerms
from policies.scenario import Judged
from policies.template import render
from strongroom.errors import InputError
from strongroom.model import Delta, Finding, Queued, TokenId, Verdict
from strongroom.protocols.safe import safe_tx_hash
from strongroom.valuation import E8

ALLOW, ASK, DENY = Verdict.ALLOW, Verdict.ASK, Verdict.DENY
USDC, DAI, WETH, ETH, HALL = (TokenId(each) for each in ("USDC", "DAI", "WETH", "ETH", "HALL"))
DAY = 86_400
RULES = {module.RULE: module.judge for module in (concentration, stables, runway)}
MOST = HoldingTerms({WETH: 6_000})
LEAST = HoldingTerms(stables=(USDC, DAI), stables_least_bps=4_000)
LASTS = RunwayTerms(180 * DAY, 10_000 * E8, 30 * DAY)
units = st.integers(0, 10**12)
around = st.tuples(st.integers(99_500_000, 100_500_000), st.integers(99_500_000, 100_500_000))
TEXT = render(replace(load(sample("active_treasury")[0]), holdings=None, runway=None))
TABLES = """[holdings]
most = { WETH = "60 %" }
stables = ["USDC", "DAI"]
stables_least = "40 %"
[runway]
least = "180 days"
spend = "10_000 USD per 30 days"
"""


def under(desk: Any, holdings: HoldingTerms | None, runway: RunwayTerms | None = None) -> Any:
    return desk.under(replace(desk.document, holdings=holdings, runway=runway))


def held(usdc: str = "0", dai: str = "0", weth: str = "0", ether: str = "0") -> list[str]:
    return [f"{usdc} USDC", f"{dai} DAI", f"{weth} WETH", f"{ether} ETH"]


def findings(desk: Any, judged: Judged, rule: str) -> tuple[Finding, ...]:
    found: tuple[Finding, ...] = judge(desk.open(judged), {rule: RULES[rule]}).findings
    return found


def verdict(desk: Any, judged: Judged, rule: str) -> Verdict:
    (finding,) = findings(desk, judged, rule)
    return finding.verdict


def test_without_the_tables_nothing_is_measured(desk: Any) -> None:
    judged = desk.stage("pay 1 USDC to alice", stale=["USDC", "WETH"])
    assert [verdict(desk, judged, rule) for rule in RULES] == [ALLOW] * 3


@pytest.mark.parametrize(
    ("request_", "balances", "says"),
    [
        # 20 WETH are 60,000 USD; 40,000 others beside them are exactly 60 %.
        ("pay 10_000 USDC to alice", held("50_000", weth="20"), ALLOW),
        ("pay 10_000.000001 USDC to alice", held("50_000", weth="20"), ASK),
        ("pay 0.000001 USDC to alice", held("40_000", weth="20"), ASK),
        ("pay 9_000 DAI to dana", held("31_000", "18_000", weth="20"), ALLOW),
        ("pay 9_000.000000000000000001 DAI to dana", held("31_000", "18_000", weth="20"), ASK),
        ("pay 9_000 DAI to dana", held("31_000", "18_000", "19.999999999999999999", "0.000000000000000002"), ASK),
        ("swap 3_000 USDC to WETH", held("43_000", weth="19"), ALLOW),
        ("swap 3_000 USDC to WETH", held("42_999.999999", weth="19"), ASK),
        ("swap 1 WETH to USDC", held("30_000", weth="23.333333333333333333"), ALLOW),
        ("pay 1 HALL to grants_safe", held("1", weth="20"), ALLOW),
        ("pay 1 ETH to grants_safe", held("1_000", weth="20", ether="1"), ALLOW),
        ("supply 10_000 USDC to aave", held("40_000", weth="20"), ALLOW),
    ],
)
def test_no_token_is_more_than_its_share_unless_the_unit_lowers_it(
    desk: Any, request_: str, balances: list[str], says: Verdict
) -> None:
    capped = under(desk, MOST)
    assert verdict(capped, capped.stage(request_, balances=balances), "concentration") is says


def test_a_share_that_stays_as_it_is_passes_beyond_its_limit(desk: Any) -> None:
    """A tenth of all goes: nine tenths of it ether, as before."""
    whole = under(desk, HoldingTerms({WETH: 6_000}, (USDC,), 4_000))
    judged = whole.stage("pay 3 ETH to grants_safe", "pay 1_000 USDC to alice", balances=held("10_000", ether="30"))
    assert [verdict(whole, judged, rule) for rule in ("concentration", "stables")] == [ALLOW, ALLOW]
    more = whole.stage(
        "pay 3 ETH to grants_safe", "pay 1_000.000001 USDC to alice", balances=held("10_000", ether="30")
    )
    assert [verdict(whole, more, rule) for rule in ("concentration", "stables")] == [ASK, ASK]


def test_selling_down_from_70_to_65_percent_is_good_and_says_so(desk: Any) -> None:
    capped = under(desk, MOST)
    (finding,) = findings(
        capped, capped.stage("swap 5 WETH to USDC", balances=held("90_000", weth="70")), "concentration"
    )
    assert (finding.verdict, finding.measured, finding.limit) == (ALLOW, "65 %", "60 %")
    assert finding.reason == "WETH becomes no larger part of the treasury's value"
    assert finding.measure and finding.measure.margin == -500


@pytest.mark.parametrize(
    ("request_", "balances", "says"),
    [
        ("pay 10_000 USDC to alice", held("50_000", weth="20"), ALLOW),
        ("pay 10_000.000001 USDC to alice", held("50_000", weth="20"), ASK),
        ("pay 5_000 USDC to alice", held("25_000", "20_000", weth="20"), ALLOW),
        ("pay 5_000 USDC to alice", held("25_000", "19_999.999999999999999999", weth="20"), ASK),
        ("swap 1_000 USDC to DAI", held("10_000", weth="20"), ALLOW),
        ("swap 3_000 USDC to WETH", held("43_000", weth="19"), ALLOW),
        ("swap 3_000 USDC to WETH", held("42_999.999999", weth="19"), ASK),
        ("swap 1 WETH to USDC", held("100", weth="20"), ALLOW),
        ("pay 1 ETH to grants_safe", held("100", weth="20", ether="1"), ALLOW),
        ("pay 10_000 USDC to alice", held("10_000"), ASK),
    ],
)
def test_stables_stay_their_share_unless_the_unit_raises_it(
    desk: Any, request_: str, balances: list[str], says: Verdict
) -> None:
    kept = under(desk, LEAST)
    assert verdict(kept, kept.stage(request_, balances=balances), "stables") is says


@pytest.mark.parametrize(
    ("request_", "balances", "says"),
    [
        ("pay 10_000 USDC to alice", held("70_000", weth="20"), ALLOW),
        ("pay 10_000.000001 USDC to alice", held("70_000", weth="20"), ASK),
        ("pay 10_000 USDC to alice", held("69_999", "1"), ALLOW),
        ("pay 10_000 USDC to alice", held("69_999", "0.999999999999999999"), ASK),
        ("swap 1 WETH to USDC", held("100", weth="20"), ALLOW),
        ("swap 1 USDC to WETH", held("100", weth="20"), ASK),
        ("pay 1 ETH to grants_safe", held("100", ether="1"), ALLOW),
    ],
)
def test_the_stables_last_as_long_as_the_policy_wants(
    desk: Any, request_: str, balances: list[str], says: Verdict
) -> None:
    lasting = under(desk, LEAST, LASTS)
    assert verdict(lasting, lasting.stage(request_, balances=balances), "runway") is says


def test_of_an_empty_treasury_the_first_token_counts_in_full(desk: Any) -> None:
    """What comes first is no smaller part than before only because there was nothing."""
    kept = under(desk, LEAST)
    judged = kept.stage("pay 1 USDC to alice", balances=held())
    safe = kept.document.account.safe
    bought = kept.with_rehearsal(judged, deltas=(Delta(safe, WETH, 10**18),))
    stable = kept.with_rehearsal(judged, deltas=(Delta(safe, USDC, 1),))
    assert [verdict(kept, each, "stables") for each in (bought, stable)] == [ASK, ALLOW]


WAITING = ["20_000 USDC to bob"]


@pytest.mark.parametrize(
    ("rule", "terms", "balance", "reason"),
    [
        # Each balance is exactly enough for what waits and what is paid.
        ("concentration", (MOST, None), held("70_000", weth="20"), "at most this part of the value is WETH"),
        ("stables", (LEAST, None), held("70_000", weth="20"), "at least this part of the value is in USDC, DAI"),
        ("runway", (LEAST, LASTS), held("90_000", weth="20"), "the stables last at least so long"),
    ],
)
def test_what_waits_counts_as_gone_once(
    desk: Any, rule: str, terms: tuple[Any, Any], balance: list[str], reason: str
) -> None:
    whole = under(desk, *terms)

    def of(request: str, *waiting: str) -> tuple[Finding, ...]:
        return findings(whole, whole.stage(request, balances=balance, waiting=list(waiting)), rule)

    assert [each.verdict for each in of("pay 10_000 USDC to alice", *WAITING)] == [ALLOW, ALLOW]
    today, then = of("pay 10_000.000001 USDC to alice", *WAITING)
    assert (today.verdict, then.verdict, then.reason) == (ALLOW, ASK, f"{reason}, once what waits has left")
    assert [each.verdict for each in of("pay 10_000.000001 USDC to alice")] == [ALLOW]
    assert [each.verdict for each in of("pay 10_000 USDC to alice", *WAITING, "0.000001 USDC to bob")] == [ALLOW, ASK]


@pytest.mark.parametrize("rule", RULES)
def test_the_units_own_transaction_in_the_queue_is_not_counted_beside_it(desk: Any, rule: str) -> None:
    """Guardians judge a payment that lies in the queue itself: a salary counts once."""
    whole = under(desk, replace(LEAST, most_bps={WETH: 6_000}), LASTS)
    judged = whole.stage("pay 10_000 USDC to alice", balances=held("70_000", weth="30"))
    own = Queued(judged.action, safe_tx_hash(judged.action), whole.document.guardians.members[0], (), "")
    assert verdict(whole, whole.with_facts(judged, queue=(own,)), rule) is ALLOW
    other = replace(own, tx=replace(judged.action, nonce=judged.action.nonce + 1))
    both = findings(whole, whole.with_facts(judged, queue=(own, other)), rule)
    assert [each.verdict for each in both] == [ALLOW, ASK]


def test_what_waits_beyond_what_there_is_leaves_no_runway(desk: Any) -> None:
    lasting = under(desk, LEAST, LASTS)
    judged = lasting.stage("pay 1 USDC to alice", balances=held("61_000"), waiting=["61_001 USDC to bob"])
    today, then = findings(lasting, judged, "runway")
    assert (today.verdict, then.verdict, then.measured) == (ALLOW, ASK, "0 days")


def swap_waits(desk: Any, judged: Judged, request: str) -> Judged:
    """The same unit while a swap waits in the queue."""
    swap = desk.stage(request).action
    tx = replace(swap, nonce=judged.action.nonce + 1)
    queued = Queued(tx, safe_tx_hash(tx), desk.document.guardians.members[0], (), "")
    beside: Judged = desk.with_facts(judged, queue=(queued,))
    return beside


def test_two_purchases_that_are_too_much_together_are_asked_about(desk: Any) -> None:
    """6 of 10 parts at most: 55,500 of 100,000 USD in ether, and each purchase is of 3,000."""
    capped = under(desk, MOST)
    judged = capped.stage("swap 3_000 USDC to WETH", balances=held("44_500", weth="18.5"))
    assert verdict(capped, judged, "concentration") is ALLOW
    shown = findings(capped, swap_waits(capped, judged, "swap 3_000 USDC to WETH"), "concentration")
    assert [each.verdict for each in shown] == [ALLOW, ASK, ASK]
    assert shown[-1].reason.endswith(", once what waits has left and come")


@settings(max_examples=60, deadline=None)
@given(units, units, units, st.lists(st.integers(1, 10**6), min_size=1, max_size=3))
def test_what_waits_never_makes_room(desk: Any, usdc: int, weth: int, paid: int, waits: list[int]) -> None:
    whole = under(desk, replace(LEAST, most_bps={WETH: 6_000}), LASTS)
    keys: dict[str, Any] = {"balances": [f"{usdc} USDC", f"{weth // 10**6} WETH"]}
    request = f"pay {1 + paid // 10**6} USDC to alice"
    free = whole.stage(request, **keys)
    waiting = whole.stage(request, **keys, waiting=[f"{each} USDC to bob" for each in waits])
    for each in (
        waiting,
        swap_waits(whole, free, "swap 3_000 USDC to WETH"),
        swap_waits(whole, free, "swap 1 WETH to USDC"),
    ):
        for rule in RULES:
            worst = max(found.verdict.rank for found in findings(whole, each, rule))
            assert worst >= verdict(whole, free, rule).rank


def test_the_runway_is_told_in_days_and_seconds(desk: Any) -> None:
    lasting = under(desk, LEAST, LASTS)
    (finding,) = findings(lasting, lasting.stage("pay 0.000001 USDC to alice", balances=held("60_000")), "runway")
    assert (finding.measured, finding.limit) == ("179 days and 86,399 s", "180 days")
    assert finding.measure and (finding.measure.value, finding.measure.at_least) == (180 * DAY - 1, True)


def test_the_policy_may_deny_instead(desk: Any) -> None:
    strict = under(
        desk, replace(MOST, stables=(USDC,), stables_least_bps=4_000, otherwise=DENY), replace(LASTS, otherwise=DENY)
    )
    judged = strict.stage("pay 1 USDC to alice", balances=held("40_000", weth="20"))
    assert [verdict(strict, judged, rule) for rule in RULES] == [DENY] * 3


def test_what_is_lent_counts_as_its_token(desk: Any) -> None:
    whole = under(desk, replace(LEAST, most_bps={WETH: 6_000}), LASTS)
    keys: dict[str, Any] = {"balances": held("15_000", weth="20"), "supplied": ["55_000 USDC"]}
    assert [verdict(whole, whole.stage("pay 10_000 USDC to alice", **keys), rule) for rule in RULES] == [ALLOW] * 3
    for request in ("supply 10_000 USDC to aave", "withdraw 10_000 USDC from aave"):
        poor = whole.stage(request, balances=held("10_000", weth="90"), supplied=["10_000 USDC"])
        assert [verdict(whole, poor, rule) for rule in RULES] == [ALLOW] * 3
        arrived = whole.stage(request, balances=held("10_000", weth="90"), supplied=["10_000 USDC"], arrives="99 %")
        assert [verdict(whole, arrived, rule) for rule in RULES] == [ASK] * 3


@pytest.mark.parametrize("rule", RULES)
def test_a_missing_or_stale_fact_denies(desk: Any, rule: str) -> None:
    whole = under(desk, replace(LEAST, most_bps={WETH: 6_000}), LASTS)
    assert verdict(whole, whole.stage("pay 1 USDC to alice", balances=held("90_000", weth="1")), rule) is ALLOW
    judged = whole.stage("pay 1 USDC to alice", balances=held("90_000", weth="1"), stale=["WETH"])
    (finding,) = findings(whole, judged, rule)
    assert finding.verdict is DENY and "`WETH` has no healthy price: feed" in finding.reason
    assert verdict(whole, whole.stage("pay 1 HALL to grants_safe", stale=["WETH"]), rule) is ALLOW
    assert verdict(whole, whole.stage("pay 1 USDC to alice", balances=held("9"), stale=["WETH"]), rule) is not DENY
    facts = whole.stage("pay 1 USDC to alice", balances=held("90_000")).facts
    for token in (USDC, WETH, next(iter(whole.document.shares()))):
        judged = whole.stage("pay 1 USDC to alice", balances=held("90_000"))
        balances = {id_: units for id_, units in facts.balances.items() if id_ != token}
        (finding,) = findings(whole, whole.with_facts(judged, balances=balances), rule)
        assert finding.verdict is DENY and finding.reason.endswith("is not known")


def test_the_dao_s_own_token_counts_nothing_even_with_a_price(desk: Any) -> None:
    """100 % of what counts is then USDC, however much DAI lies there."""
    document = desk.document
    own = replace(document.watch, tokens=(USDC, WETH), own_token=document.tokens[DAI].token.address)
    whole = desk.under(replace(document, watch=own, holdings=HoldingTerms({USDC: 9_999})))
    judged = whole.stage("pay 1 USDC to alice", "swap 1 WETH to USDC", balances=held("100_000", "100_000", weth="1"))
    (finding,) = findings(whole, judged, "concentration")
    assert (finding.verdict, finding.measured) == (ASK, "100 %")


def prices_apart(judged: Judged, apart: dict[TokenId, tuple[int, int]]) -> dict[TokenId, Any]:
    rounds = dict(judged.facts.rounds)
    for token, answers in apart.items():
        rounds[token] = tuple(replace(r, answer=a) for r, a in zip(rounds[token], answers, strict=True))
    return rounds


@settings(max_examples=150, deadline=None)
@given(st.tuples(units, units, units), st.tuples(units, units, units), st.tuples(around, around, around), st.data())
def test_the_share_rules_equal_fractions(
    desk: Any, was: tuple[int, ...], becomes: tuple[int, ...], priced: tuple[tuple[int, int], ...], data: st.DataObject
) -> None:
    """Limits are drawn beside the very share that comes out, so both sides of them are met."""
    names, scale = (USDC, DAI, WETH), (6, 18, 18)
    low = [Fraction(min(p)) * u / 10**d for p, u, d in zip(priced, becomes, scale, strict=True)]
    high = [Fraction(max(p)) * u / 10**d for p, u, d in zip(priced, becomes, scale, strict=True)]
    low_was = [Fraction(min(p)) * u / 10**d for p, u, d in zip(priced, was, scale, strict=True)]
    high_was = [Fraction(max(p)) * u / 10**d for p, u, d in zip(priced, was, scale, strict=True)]

    def part(own: Fraction, others: Fraction) -> Fraction:
        return own / (own + others) if own + others else Fraction(0)

    share, share_was = part(high[2], low[0] + low[1]), part(high_was[2], low_was[0] + low_was[1])
    safe = part(low[0] + low[1], high[2])
    safe_was = part(low_was[0] + low_was[1], high_was[2])
    beside = st.integers(-2, 2)
    most = min(max(int(share * 10_000) + data.draw(beside), 1), 9_999)
    least = min(max(int(safe * 10_000) + data.draw(beside), 1), 9_999)
    lasts = RunwayTerms(max(int((low[0] + low[1]) * 7) + data.draw(beside), 1), 1, 7)
    whole = under(desk, HoldingTerms({WETH: most}, (USDC, DAI), least), lasts)

    judged = whole.stage("pay 1 USDC to alice")
    balances = {**judged.facts.balances, **dict(zip(names, was, strict=True)), ETH: 0}
    rounds = prices_apart(judged, dict(zip(names, priced, strict=True)))
    judged = whole.with_facts(judged, balances=balances, rounds=rounds)
    account = whole.document.account.safe
    deltas = tuple(Delta(account, t, b - a) for t, a, b in zip(names, was, becomes, strict=True) if a != b)
    judged = whole.with_rehearsal(judged, deltas=deltas)

    assert (verdict(whole, judged, "concentration") is ASK) == (share > share_was and share > Fraction(most, 10_000))
    assert (verdict(whole, judged, "stables") is ASK) == (
        bool(deltas) and (safe < safe_was or not any(becomes) or not any(was)) and safe < Fraction(least, 10_000)
    )
    left, had = low[0] + low[1], low_was[0] + low_was[1]
    assert (verdict(whole, judged, "runway") is ASK) == (left < had and left * 7 < lasts.least_seconds)


bps = st.integers(4_000, 9_999)


def some_terms() -> Iterator[Any]:
    return st.builds(
        HoldingTerms,
        st.dictionaries(st.sampled_from([USDC, DAI, WETH]), bps, max_size=3),
        st.sampled_from([(USDC,), (DAI, USDC), (USDC, DAI)]),
        st.integers(0, 4_000),
        st.sampled_from([ASK, DENY]),
    )


runways = st.builds(
    RunwayTerms, st.integers(1, 10**9), st.integers(1, 10**18), st.integers(1, 10**9), st.sampled_from([ASK, DENY])
)


@given(some_terms(), st.none() | runways)
def test_what_is_rendered_is_loaded_again(holdings: HoldingTerms, lasts: RunwayTerms | None) -> None:
    document = replace(load(TEXT), holdings=holdings, runway=lasts)
    again = load(render(document))
    assert again == document and document_hash(again) == document_hash(document) != document_hash(load(TEXT))


def test_the_tables_are_optional_and_say_what_they_mean() -> None:
    document = load(TEXT + TABLES)
    assert (load(TEXT).holdings, load(TEXT).runway) == (None, None)
    assert document.holdings == replace(LEAST, most_bps={WETH: 6_000}) and document.runway == LASTS
    assert "selling\n# down from 70 % to 65 % is good" in render(document)
    assert set(off_chain_only(document)) - set(off_chain_only(load(TEXT))) == {
        "shares of the treasury's value ([holdings])",
        "the runway",
    }


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('WETH = "60 %"', 'ETH = "60 %"', "`ETH` cannot be used for `most` in [holdings] of policy.toml"),
        ('WETH = "60 %"', 'HALL = "60 %"', "name tokens that have price feeds of their own: `USDC`, `DAI`, `WETH`"),
        ('WETH = "60 %"', 'GOLD = "60 %"', "`GOLD`"),
        ('WETH = "60 %"', 'WETH = "100 %"', "between nothing and all"),
        ('WETH = "60 %"', 'WETH = "0 %"', "between nothing and all"),
        ('WETH = "60 %"', 'WETH = "60"', "write a percentage"),
        ('WETH = "60 %"', 'WETH = "30 %", USDC = "30 %", DAI = "39.99 %"', "add up to less than `100 %`"),
        ('WETH = "60 %"', 'USDC = "19.99 %", DAI = "20 %"', "lets `stables` be 39.99 % together"),
        ('["USDC", "DAI"]', '["USDC", "ETH"]', "`stables` in [holdings] of policy.toml"),
        ('["USDC", "DAI"]', '["USDC", "USDC"]', "name each token once"),
        ('stables = ["USDC", "DAI"]', "", "`stables`"),
        ('"40 %"', '"101 %"', "a percentage is at most"),
        ("stables_least", "stables_lest", "did you mean `stables_least`"),
        ('least = "180 days"', 'least = "half a year"', "write a duration"),
        ('least = "180 days"', "", "`least`"),
        ('spend = "10_000 USD per 30 days"', 'spend = "0 USD per 30 days"', "write what the DAO spends"),
        ('spend = "10_000 USD per 30 days"', 'spend = "10_000 USD"', "per 30 days"),
        ('spend = "10_000 USD per 30 days"', "", "`spend`"),
        ('least = "180 days"', 'least = "180 days"\notherwise = "allow"', "choose one of `ask`, `deny`"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_a_mend(old: str, new: str, said: str) -> None:
    assert TABLES.count(old) == 1
    with pytest.raises(InputError) as refusal:
        load(TEXT + TABLES.replace(old, new))
    assert said in str(refusal.value) and "\n" not in str(refusal.value)


def test_a_runway_needs_stables() -> None:
    with pytest.raises(InputError, match="what is spent comes out of stables"):
        load(TEXT + TABLES[TABLES.index("[runway]") :])
