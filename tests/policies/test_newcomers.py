"""Newcomers: how little a payee gets at first, for how long, and what counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.document import document_hash, load
from policies.grants import granted_legs, off_chain_only
from policies.moments import parse_moment, write_moment
from policies.newcomers import Newcomers
from policies.orders import Order
from policies.template import render
from policies.terms import PolicyDocument
from strongroom.errors import InputError
from strongroom.model import AnnouncedRun, KernelCall, TokenId, Verdict
from strongroom.protocols.kernel_legs import NO_LEAF, encode_legs
from strongroom.quantities import quantity

DAY = 86_400
USDC, DAI = TokenId("USDC"), TokenId("DAI")
LISTED, OLD = parse_moment("2026-11-20", ""), parse_moment("2024-01-01", "")
TERMS = Newcomers(7 * DAY, {USDC: 500 * 10**6}, Verdict.ASK)
DURING = "2026-11-22 14:00 UTC"
TABLE = """
[newcomers]
cooling_off = "7 days"
at_most = ["500 USDC"]
otherwise = "ask"
"""


def guarded(document: PolicyDocument, terms: Newcomers = TERMS) -> PolicyDocument:
    """The document with newcomers, of whom chidi is the only one, read again from its own text."""
    return load(render(replace(_dated(document), newcomers=terms)))


def _dated(document: PolicyDocument) -> PolicyDocument:
    payees = {id_: replace(each, since=LISTED if id_ == "chidi" else OLD) for id_, each in document.payees.items()}
    return replace(document, payees=payees)


def test_a_treasurer_s_table_says_what_it_means(document: PolicyDocument) -> None:
    read = load(render(_dated(document)) + TABLE)
    assert read.newcomers == TERMS
    assert read.payees["chidi"].since == LISTED
    assert (document.newcomers, document.payees["chidi"].since) == (None, None)


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ("pay 499.999999 USDC to chidi", {}),
        ("pay 500 USDC to chidi", {}),
        ("pay 500.000001 USDC to chidi", {"newcomers": Verdict.ASK}),
        ("pay 0.01 DAI to chidi", {"newcomers": Verdict.ASK}),
        ("pay 5_000 USDC to bob", {}),
    ],
)
def test_a_newcomer_gets_a_test_payment_and_no_more(
    desk: Any, document: PolicyDocument, request_: str, says: dict[str, Verdict]
) -> None:
    new = desk.under(guarded(document))
    assert new.says(new.stage(request_, at=DURING)) == says


def test_a_newcomer_gets_no_more_at_all_where_the_policy_says_so(desk: Any, document: PolicyDocument) -> None:
    strict = desk.under(guarded(document, replace(TERMS, otherwise=Verdict.DENY)))
    assert strict.says(strict.stage("pay 501 USDC to chidi", at=DURING)) == {"newcomers": Verdict.DENY}


@pytest.mark.parametrize(
    ("at", "new"),
    [
        ("2026-11-19", True),
        ("2026-11-20", True),
        ("2026-11-26 23:59:59 UTC", True),
        ("2026-11-27", False),
        ("2027-11-27", False),
    ],
)
def test_a_payee_is_new_until_the_last_second_of_its_cooling_off(
    desk: Any, document: PolicyDocument, at: str, new: bool
) -> None:
    """Also before the day on which it says to be listed."""
    desk = desk.under(guarded(document))
    assert desk.says(desk.stage("pay 501 USDC to chidi", at=at)) == ({"newcomers": Verdict.ASK} if new else {})


@pytest.mark.parametrize(
    "keys",
    [
        {"past": ["400 USDC to chidi 1 day ago"]},
        {"past": ["200 USDC to chidi 1 day ago", "200 USDC to chidi 2 days ago"]},
        {"waiting": ["400 USDC to chidi"]},
        {"past": ["200 USDC to chidi 1 day ago"], "waiting": ["200 USDC to chidi"]},
    ],
)
def test_many_small_payments_are_no_way_round_it(desk: Any, document: PolicyDocument, keys: Any) -> None:
    new = desk.under(guarded(document))
    assert new.says(new.stage("pay 100 USDC to chidi", at=DURING, **keys)) == {}
    assert new.says(new.stage("pay 100.000001 USDC to chidi", at=DURING, **keys)) == {"newcomers": Verdict.ASK}


def test_nor_is_one_payment_in_two_parts(desk: Any, document: PolicyDocument) -> None:
    new = desk.under(guarded(document))
    assert new.says(new.stage("pay 300 USDC to chidi", "pay 200 USDC to chidi", at=DURING)) == {}
    assert new.says(new.stage("pay 300 USDC to chidi", "pay 201 USDC to chidi", at=DURING)) == {
        "newcomers": Verdict.ASK
    }


def test_what_others_got_is_no_matter_of_a_newcomer_s(desk: Any, document: PolicyDocument) -> None:
    new = desk.under(guarded(document))
    keys = {"past": ["900 USDC to bob 1 day ago", "900 DAI to chidi 1 day ago"], "waiting": ["900 USDC to bob"]}
    assert new.says(new.stage("pay 500 USDC to chidi", at=DURING, **keys)) == {}


@pytest.mark.parametrize(("seconds", "counts"), [(7 * DAY - 1, True), (7 * DAY, False)])
def test_what_it_got_earlier_counts_for_one_cooling_off(
    desk: Any, document: PolicyDocument, seconds: int, counts: bool
) -> None:
    """A payee taken out and listed once more starts small again."""
    new = desk.under(guarded(document))
    unit = new.stage("pay 500 USDC to chidi", past=[f"1 USDC to chidi {seconds} seconds ago"], at=DURING)
    assert new.says(unit) == ({"newcomers": Verdict.ASK} if counts else {})


def test_what_was_announced_counts_in_either_lane(desk: Any, document: PolicyDocument) -> None:
    dated = guarded(document)
    slow = {**dated.payees, "chidi": replace(dated.payees["chidi"], delay_seconds=DAY)}
    new = desk.under(replace(dated, payees=slow))
    unit = new.stage("pay 400 USDC to chidi", at=DURING)
    legs = granted_legs(unit.compiled.calls, new.document)
    assert legs is not None
    data = encode_legs(legs)
    beside = new.with_facts(unit, announced=(AnnouncedRun(NO_LEAF, data, 0, 1, NO_LEAF),))
    by_agent = replace(beside, action=KernelCall(document.account, document.account.safe, document.account.safe, data))
    assert new.says(unit) == {}
    assert new.says(beside) == {"newcomers": Verdict.ASK}
    assert new.says(by_agent)["newcomers"] is Verdict.ASK


def test_a_newcomer_s_first_salary_is_asked_for_too(desk: Any, document: PolicyDocument) -> None:
    """An address may be as wrong for a salary."""
    salary = Order("salary", "chidi", USDC, 10**9, 21 * DAY)
    new = desk.under(guarded(replace(document, orders={salary.id: salary})))
    assert new.says(new.stage("pay 1_000 USDC to chidi", at=DURING)) == {"newcomers": Verdict.ASK}
    assert new.says(new.stage("pay 1_000 USDC to chidi", at="2026-11-27")) == {}
    paid = new.stage("pay 10 USDC to chidi", past=["1_000 USDC to chidi 1 day ago"], at=DURING)
    assert new.says(paid) == {"newcomers": Verdict.ASK}


@pytest.mark.parametrize(
    ("request_", "keys", "says"),
    [
        ("swap 500 USDC to WETH", {}, True),
        ("swap 500.000001 USDC to WETH", {}, False),
        ("swap 100 USDC to WETH", {"past": ["400 USDC to POOL 1 day ago"]}, True),
        ("swap 100.000001 USDC to WETH", {"past": ["400 USDC to POOL 1 day ago"]}, False),
        ("swap 0.1 WETH to USDC", {}, False),
        ("supply 500 USDC to aave", {}, True),
        ("supply 501 USDC to aave", {}, False),
        ("supply 1 USDC to aave", {"past": ["500 USDC to SHARE 1 day ago"]}, False),
        ("withdraw 900 USDC from aave", {"supplied": ["900 USDC"]}, True),
    ],
)
def test_a_new_venue_gets_little_at_first_as_well(
    desk: Any, document: PolicyDocument, request_: str, keys: Any, says: bool
) -> None:
    """What it is sold or lent; what comes home is no matter of it."""
    new = desk.under(guarded(document, replace(TERMS, venues={"uniswap": LISTED, "aave": LISTED})))
    pool, share = document.venues["uniswap"].pools[0].address, document.markets["aave"].reserves[0].share
    past = [text.replace("POOL", pool).replace("SHARE", share) for text in keys.get("past", ())]
    arrives = {"arrives": "99.7 %"} if request_.startswith("swap") else {}
    unit = new.stage(request_, at=DURING, **{**keys, **arrives, "past": past})
    assert new.says(unit) == ({} if says else {"newcomers": Verdict.ASK})


def test_a_venue_is_new_until_the_last_second_and_only_where_it_is_named(desk: Any, document: PolicyDocument) -> None:
    new = desk.under(guarded(document, replace(TERMS, venues={"aave": LISTED})))
    supply, swap = "supply 501 USDC to aave", "swap 501 USDC to WETH"
    assert new.says(new.stage(supply, at="2026-11-26 23:59:59 UTC")) == {"newcomers": Verdict.ASK}
    assert new.says(new.stage(supply, at="2026-11-27")) == {}
    assert new.says(new.stage(swap, at=DURING, arrives="99.7 %")) == {}


def test_the_finding_says_until_when_and_how_much(desk: Any, document: PolicyDocument) -> None:
    new = desk.under(guarded(document))
    findings = new.decide(new.stage("pay 600 USDC to chidi", at=DURING)).findings
    (finding,) = [each for each in findings if each.rule == "newcomers"]
    assert finding.reason.startswith("until 2026-11-27 `chidi` is new")
    assert (finding.measured, finding.limit) == ("600.00 USDC", "500.00 USDC")
    assert finding.measure is not None
    assert finding.measure.margin == -100 * 10**6


def test_a_payee_without_a_day_of_listing_is_denied(desk: Any, document: PolicyDocument) -> None:
    """No document that loads has one; a missing day is still no licence."""
    lost = desk.under(replace(document, newcomers=TERMS))
    assert lost.says(lost.stage("pay 1 USDC to chidi")) == {"newcomers": Verdict.DENY}


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 300 * 10**6), st.integers(1, 3 * DAY)), min_size=1, max_size=12))
def test_nobody_new_ever_gets_more_than_a_test_payment_unasked(
    desk: Any, document: PolicyDocument, tries: list[tuple[int, int]]
) -> None:
    """However payments are cut and timed: what was let through while the payee is new stays within `at_most`."""
    new, now, paid = desk.under(guarded(document)), LISTED, list[tuple[int, int]]()
    for units, step in tries:
        now += step
        past = [f"{_usdc(each)} to chidi {now - at} seconds ago" for each, at in paid]
        unit = new.stage(f"pay {_usdc(units)} to chidi", past=past, at=write_moment(now))
        if "newcomers" not in new.says(unit):
            paid.append((units, now))
    assert sum(units for units, at in paid if at < LISTED + 7 * DAY) <= 500 * 10**6


def _usdc(units: int) -> str:
    return f"{quantity(units, 6)} USDC"


@settings(deadline=None, max_examples=30)
@given(
    st.builds(
        Newcomers,
        st.integers(1, 10**8),
        st.dictionaries(st.sampled_from([USDC, DAI]), st.integers(1, 10**24)),
        st.sampled_from([Verdict.ASK, Verdict.DENY]),
        st.dictionaries(
            st.sampled_from(["uniswap", "uniswap_v2", "aave"]), st.integers(1, 40_000).map(lambda n: n * DAY)
        ),
    )
)
def test_all_terms_are_written_and_read_back_exactly(document: PolicyDocument, terms: Newcomers) -> None:
    written = guarded(document, terms)
    assert written.newcomers == terms
    assert load(render(written)) == written
    assert document_hash(written) != document_hash(_dated(document)) != document_hash(document)
    assert written.history_seconds() == max(document.history_seconds(), terms.cooling_off_seconds)


def test_the_kernel_is_not_said_to_know_newcomers(document: PolicyDocument) -> None:
    assert "`at_most` of newcomers" in off_chain_only(guarded(document))
    assert not any("newcomers" in each for each in off_chain_only(document))


def test_a_payee_that_does_not_say_since_when_is_named(document: PolicyDocument) -> None:
    text = render(_dated(document)) + TABLE
    assert text.count('since = "2026-11-20"\n') == 1
    with pytest.raises(InputError) as refusal:
        load(text.replace('since = "2026-11-20"\n', ""))
    assert "payee `chidi` in policy.toml" in str(refusal.value)
    assert 'write for example `since = "2026-11-20"`' in str(refusal.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"7 days"', '"a week"', "`cooling_off` in [newcomers]"),
        ('"500 USDC"', '"500 GOLD"', "a listed token"),
        ('"500 USDC"', '"0 USDC"', "write one amount per token"),
        ('"500 USDC"', '"500 USDC", "5 USDC"', "write one amount per token"),
        ('"500 USDC"', '"1 ETH"', "`ETH` cannot be used for `at_most` in [newcomers]"),
        ('"ask"', '"allow"', "choose one of `ask`, `deny`"),
        (
            'otherwise = "ask"',
            'otherwise = "ask"\nvenues = { curve = "2026-11-20" }',
            "name a venue for swaps or loans: `uniswap`",
        ),
        ('otherwise = "ask"', 'otherwise = "ask"\nvenues = { aave = "November" }', "`aave` in [newcomers.venues]"),
        ("cooling_off", "cooling", "did you mean `cooling_off`"),
    ],
)
def test_terms_that_cannot_be_kept_are_refused_with_a_mend(
    document: PolicyDocument, old: str, new: str, said: str
) -> None:
    assert TABLE.count(old) == 1
    with pytest.raises(InputError) as refusal:
        load(render(_dated(document)) + TABLE.replace(old, new))
    assert said in str(refusal.value)
