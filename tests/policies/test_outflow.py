"""[outflow]: what leaves in USD over all tokens together, at exactly its limits and 1e-8 USD beyond."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.cases import sample
from policies.document import document_hash, load
from policies.engine import judge
from policies.grants import off_chain_only
from policies.orders import Order
from policies.outflow import OutflowLimit
from policies.rules import outflow
from policies.scenario import NOW, Judged
from policies.template import render
from policies.terms import PolicyDocument
from strongroom.addresses import to_address, to_digest
from strongroom.errors import InputError
from strongroom.model import Decision, Outflow, TokenId, Verdict
from strongroom.valuation import E8

ALLOW, ASK, DENY = Verdict.ALLOW, Verdict.ASK, Verdict.DENY
USDC, DAI, WETH, HALL = (TokenId(each) for each in ("USDC", "DAI", "WETH", "HALL"))
DAY = 86_400
MONTH = 30 * DAY
LIMIT = OutflowLimit(40_000 * E8, MONTH, 10_000 * E8, 20_000 * E8, (HALL,))
TABLE = """[outflow]
cap = "40_000 USD per 30 days"
at_once = "10_000 USD"
never_above = "20_000 USD"
unpriced = ["HALL"]
"""
TEXT = render(replace(load(sample("active_treasury")[0]), outflow=None))


@pytest.fixture(scope="module")
def fenced(desk: Any) -> Any:
    return desk.under(replace(desk.document, outflow=LIMIT))


def limited(desk: Any, **changes: Any) -> Any:
    return desk.under(replace(desk.document, outflow=replace(LIMIT, **changes)))


def asked(desk: Any, judged: Judged) -> Decision:
    """What the rule alone says."""
    return judge(desk.open(judged), {outflow.RULE: outflow.judge})


def verdict(desk: Any, judged: Judged) -> Verdict:
    return asked(desk, judged).verdict


def priced(desk: Any, judged: Judged, token: TokenId, *answers: int) -> Judged:
    rounds = judged.facts.rounds
    told = tuple(replace(each, answer=answer) for each, answer in zip(rounds[token], answers, strict=True))
    changed: Judged = desk.with_facts(judged, rounds={**rounds, token: told})
    return changed


def test_without_the_table_nothing_is_measured(desk: Any) -> None:
    (finding,) = asked(desk, desk.stage("pay 15_000 USDC to alice")).findings
    assert (finding.verdict, finding.reason) == (ALLOW, "the policy limits no outflow in USD")


@pytest.mark.parametrize(
    ("requests", "says"),
    [
        (["pay 10_000 USDC to alice"], ALLOW),
        (["pay 10_000.000001 USDC to alice"], ASK),
        (["pay 6_000 USDC to alice", "pay 4_000 DAI to dana"], ALLOW),
        (["pay 6_000 USDC to alice", "pay 4_000.00000001 DAI to dana"], ASK),
        (["pay 6_000 USDC to alice", "pay 4_000.000000000000000001 DAI to dana"], ASK),
        (["pay 7_000 USDC to alice", "pay 1 ETH to grants_safe"], ALLOW),
        (["pay 7_000.000001 USDC to alice", "pay 1 ETH to grants_safe"], ASK),
        (["pay 15_000 USDC to alice", "pay 5_000 DAI to dana"], ASK),
        (["pay 15_000 USDC to alice", "pay 5_000.000000000000000001 DAI to dana"], DENY),
        (["pay 10_000 USDC to alice", "pay 100_000 HALL to grants_safe"], ALLOW),
        (["swap 20 WETH to USDC"], ALLOW),
        (["supply 100_000 USDC to aave"], ALLOW),
    ],
)
def test_tokens_and_classes_add_up_and_round_against_the_agent(fenced: Any, requests: list[str], says: Verdict) -> None:
    assert verdict(fenced, fenced.stage(*requests)) is says


@pytest.mark.parametrize(("key", "value"), [("at_once_e8", ASK), ("never_e8", DENY)])
def test_1e_8_usd_less_room_is_too_little(desk: Any, key: str, value: Verdict) -> None:
    whole = limited(desk, at_once_e8=9_000 * E8, never_e8=9_000 * E8)
    judged = whole.stage("pay 9_000 USDC to alice")
    assert verdict(whole, judged) is ALLOW
    less = whole.under(replace(whole.document, outflow=replace(whole.document.outflow, **{key: 9_000 * E8 - 1})))
    assert verdict(less, judged) is value


@pytest.mark.parametrize(
    ("past", "waiting", "says"),
    [
        (["1_000 USDC to bob 29 days ago"], [], ALLOW),
        (["30_000 USDC to 0x1111111111111111111111111111111111111111 29 days ago"], ["0.01 USDC to bob"], ASK),
        (["3_000 USDC to bob 3 days ago"], [], ALLOW),
        (["3_000.000001 USDC to bob 3 days ago"], [], ASK),
        (["90_000 USDC to 0x2E24C4639a2d2A57f2dFf3fD43ED8b310c8966bF 1 day ago"], [], ALLOW),
        (["90_000 USDC to 0x9C631feBa0347cCF93F2a4915BA96Eb884a3A594 1 day ago"], [], ALLOW),
        (["90_000 HALL to grants_safe 1 day ago"], [], ALLOW),
        ([], ["0.000001 USDC to bob"], ASK),
        ([], ["1 HALL to grants_safe"], ALLOW),
    ],
)
def test_what_left_and_what_waits_takes_room(fenced: Any, past: list[str], waiting: list[str], says: Verdict) -> None:
    assert verdict(fenced, fenced.stage("pay 10_000 USDC to alice", past=past, waiting=waiting)) is says


@pytest.mark.parametrize(
    ("past", "says"),
    [
        (["30_000 USDC to bob 29 days ago"], ALLOW),
        (["30_000.000001 USDC to bob 29 days ago"], ASK),
        (["20_000 USDC to bob 29 days ago", "10_000.00000001 DAI to dana 28 days ago"], ASK),
        (["30_000.000001 USDC to bob 2_591_999 seconds ago"], ASK),
        (["30_000.000001 USDC to bob 30 days ago"], ALLOW),
    ],
)
def test_the_window_rolls_and_ends_to_the_second(fenced: Any, past: list[str], says: Verdict) -> None:
    findings = asked(fenced, fenced.stage("pay 10_000 USDC to alice", past=past)).findings
    (window,) = (each for each in findings if "within 30 days" in each.reason)
    assert window.verdict is says


def test_what_flows_back_is_counted_to_1e_8_usd(fenced: Any) -> None:
    """The bucket holds 10,000 USD and 1,000 a day flow back."""
    for amount, says in (("9_000", ALLOW), ("9_000.00000001", ASK)):
        unit = fenced.stage(f"pay {amount} DAI to dana", past=["2_000 USDC to bob 1 day ago"])
        assert verdict(fenced, unit) is says


def test_what_leaves_counts_at_the_higher_source(fenced: Any) -> None:
    judged = fenced.stage("pay 10_000 USDC to alice")
    assert verdict(fenced, priced(fenced, judged, USDC, E8 - 100_000, E8)) is ALLOW
    assert verdict(fenced, priced(fenced, judged, USDC, E8, E8 + 1)) is ASK


@pytest.mark.parametrize("token", ["USDC", "DAI"])
def test_without_a_fresh_price_of_all_that_counts_it_denies(fenced: Any, token: str) -> None:
    keys: dict[str, Any] = {"past": ["1 DAI to dana 1 day ago"]}
    decision = asked(fenced, fenced.stage("pay 1 USDC to alice", stale=[token], **keys))
    assert decision.verdict is DENY and f"`{token}` has no healthy price" in decision.findings[0].reason
    assert verdict(fenced, fenced.stage("pay 1 USDC to alice", stale=["WETH"], **keys)) is ALLOW
    judged = fenced.stage("pay 1 USDC to alice", **keys)
    without = {id_: rounds for id_, rounds in judged.facts.rounds.items() if id_ != token}
    assert verdict(fenced, fenced.with_facts(judged, rounds=without)) is DENY


def test_only_a_named_token_counts_nothing_without_a_price(desk: Any) -> None:
    strict = limited(desk, unpriced=())
    assert verdict(strict, strict.stage("pay 1 HALL to grants_safe")) is DENY
    assert verdict(strict, strict.stage("pay 1 USDC to alice", past=["1 HALL to grants_safe 1 day ago"])) is DENY


def test_a_share_that_was_given_away_counts_as_its_token(fenced: Any) -> None:
    (share,) = (id_ for id_, (_, reserve) in fenced.document.shares().items() if reserve.token == USDC)
    judged = fenced.stage("pay 9_000 USDC to alice")
    gone = Outflow(share, to_address(b"\1" * 20), 2_000_000_001, NOW - DAY, to_digest(b"\1" * 32))
    assert verdict(fenced, fenced.with_facts(judged, outflows=(gone,))) is ASK
    assert verdict(fenced, fenced.with_facts(judged, outflows=(replace(gone, units=2_000_000_000),))) is ALLOW


def test_salaries_take_room_and_never_wait_for_it(desk: Any) -> None:
    order = Order("alice_salary", "alice", USDC, 11_000 * 10**6, 21 * DAY)
    ordered = desk.under(replace(desk.document, outflow=LIMIT, orders={order.id: order}))
    assert verdict(ordered, ordered.stage("pay 11_000 USDC to alice")) is ALLOW
    assert verdict(ordered, ordered.stage("pay 11_000 USDC to alice", past=["90_000 USDC to bob 1 day ago"])) is ALLOW
    assert verdict(ordered, ordered.stage("pay 11_000 USDC to alice", "pay 0.000001 USDC to bob")) is ASK
    assert verdict(ordered, ordered.stage("pay 1 USDC to bob", past=["11_000 USDC to alice 1 hour ago"])) is ASK
    assert verdict(ordered, ordered.stage("pay 1 USDC to bob", waiting=["11_000 USDC to alice"])) is ASK
    assert verdict(ordered, ordered.stage("pay 11_000 USDC to alice", stale=["USDC"])) is DENY
    low = ordered.under(replace(ordered.document, outflow=replace(LIMIT, never_e8=11_000 * E8 - 1)))
    assert verdict(low, low.stage("pay 11_000 USDC to alice")) is DENY


def test_the_numbers_behind_the_findings_are_kept(fenced: Any) -> None:
    findings = asked(fenced, fenced.stage("pay 10_000 USDC to alice", past=["5 USDC to bob 1 day ago"])).findings
    measures = [each.measure for each in findings]
    assert [(m.value, m.limit) for m in measures if m][:2] == [
        (10_000 * E8, 20_000 * E8),
        (10_005 * E8, 40_000 * E8),
    ]
    assert findings[0].measured == "10,000.00 USD" and findings[0].limit == "20,000.00 USD"


payments = st.lists(
    st.tuples(st.sampled_from(["USDC", "DAI"]), st.integers(1, 9_000), st.integers(0, 12 * DAY)),
    min_size=3,
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(payments)
def test_no_window_sees_more_than_the_cap_in_usd(desk: Any, wanted: list[tuple[str, int, int]]) -> None:
    """Whatever is asked for and whenever: what passed alone never adds up to more than `cap` in any window, nor to more
    than `at_once` in one moment."""
    fenced, now, done = desk.under(replace(desk.document, outflow=LIMIT)), NOW, list[Outflow]()
    for token, amount, later in wanted:
        now += later
        payee = "dana" if token == "DAI" else "alice"
        judged = fenced.stage(f"pay {amount} {token} to {payee}")
        facts = replace(judged.facts, block=replace(judged.facts.block, timestamp=now), outflows=tuple(done))
        rounds = {id_: tuple(replace(r, updated_at=now) for r in each) for id_, each in facts.rounds.items()}
        judged = replace(judged, facts=replace(facts, rounds=rounds))
        if verdict(fenced, judged) is ALLOW:
            units = fenced.units(f"{amount} {token}")
            recipient = fenced.document.payees[payee].address
            done.append(Outflow(TokenId(token), recipient, units, now, to_digest(len(done).to_bytes(32))))
    usd = {USDC: 10**6, DAI: 10**18}
    for last in done:
        seen = [each for each in done if last.timestamp - MONTH < each.timestamp <= last.timestamp]
        assert sum(each.units // usd[each.token] for each in seen) <= 40_000
        assert sum(each.units // usd[each.token] for each in done if each.timestamp == last.timestamp) <= 10_000


limits = st.builds(
    lambda cap, at_once, never, window, own: OutflowLimit(
        cap, window, min(at_once, cap * 9 // 10), max(never, at_once), own
    ),
    st.integers(10, 10**18), st.integers(1, 10**18), st.integers(1, 10**18), st.integers(1, 10**9), st.just((HALL,)),
)  # fmt: skip


@given(limits)
def test_what_is_rendered_is_loaded_again(limit: OutflowLimit) -> None:
    document = replace(load(TEXT), outflow=limit)
    again = load(render(document))
    assert again == document and document_hash(again) == document_hash(document) != document_hash(load(TEXT))


def test_the_table_is_optional_and_says_what_it_means() -> None:
    document: PolicyDocument = load(TEXT + TABLE)
    assert load(TEXT).outflow is None and "[outflow]" not in TEXT
    assert document.outflow == LIMIT
    assert "Standing orders take room" in render(document)
    assert set(off_chain_only(document)) - set(off_chain_only(load(TEXT))) == {
        "what leaves in USD over all tokens together"
    }
    assert replace(document, outflow=replace(LIMIT, window_seconds=900 * DAY)).history_seconds() >= 900 * DAY


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"40_000 USD per 30 days"', '"40_000 USD"', "write for example `100_000 USD per 30 days`"),
        ('"40_000 USD per 30 days"', '"40_000 USDC per 30 days"', "`cap` in [outflow] of policy.toml"),
        ('"40_000 USD per 30 days"', '"40_000 USD per 0 days"', "write a duration"),
        ('at_once = "10_000 USD"', 'at_once = "36_000.00000001 USD"', "at most nine tenths of `cap`"),
        ('at_once = "10_000 USD"', 'at_once = "0 USD"', "more than zero"),
        ('at_once = "10_000 USD"', "", "`at_once`"),
        ('"20_000 USD"', '"9_999.99999999 USD"', "`never_above` in [outflow] of policy.toml"),
        ('["HALL"]', "[]", "`HALL`, which has no price"),
        ('["HALL"]', '["HALL", "HALL"]', "name each token once"),
        ('["HALL"]', '["HALL", "USDC"]', "what has a price counts"),
        ('["HALL"]', '["HALL", "ETH"]', "what has a price counts"),
        ("unpriced", "unprized", "did you mean `unpriced`"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_a_mend(old: str, new: str, said: str) -> None:
    assert TABLE.count(old) == 1
    with pytest.raises(InputError) as refusal:
        load(TEXT + TABLE.replace(old, new))
    assert said in str(refusal.value) and "\n" not in str(refusal.value)
