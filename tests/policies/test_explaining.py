"""What would get a unit a better verdict does so when it is done, and one step less does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.case import open_case
from policies.cases import load_cases, sample, samples
from policies.consistency import check
from policies.document import document_hash, load
from policies.engine import decide
from policies.explaining.counterfactuals import Amend, Amended, Counterfactual, LeaveOut, Lower, Prospect, Wait
from policies.explaining.explanation import Explanation, explain
from policies.explaining.levers import levers
from policies.explaining.margins import margin_words
from policies.explaining.parts import amount_of
from policies.explaining.scaling import with_amount, without
from policies.explaining.search import boundary, verdict_on
from policies.explaining.timing import at
from policies.explaining.words import explanation_data, prospect_lines
from policies.grants import compile_policy, granted_legs
from policies.scenario import NOW, Judged, stage
from policies.terms import PolicyDocument, Tier
from policies.watching import WatchTerms
from strongroom.model import (
    Address,
    Bucket,
    Call,
    Finding,
    KernelCall,
    KernelState,
    Leg,
    Measure,
    Route,
    TokenId,
    Verdict,
    WatchState,
)
from strongroom.protocols.kernel_legs import encode_legs
from strongroom.protocols.watch import encode_rebase
from strongroom.quantities import format_units
from strongroom.valuation import E8

ALLOW, ASK, DENY = Verdict.ALLOW, Verdict.ASK, Verdict.DENY
USDC = TokenId("USDC")
PURE = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
CASES = [
    pytest.param(name, case.name, id=f"{name}: {case.name}")
    for name in samples()
    for case in load_cases(sample(name)[1], load(sample(name)[0]))
]


def said(judged: Judged, document: PolicyDocument) -> Verdict:
    return decide(judged.compiled, judged.action, judged.rehearsal, judged.facts, document).verdict


def holds(verdict: Verdict, prospect: Prospect) -> bool:
    return verdict.rank <= prospect.verdict.rank


def amend(limits: tuple[Amended, ...], document: PolicyDocument) -> PolicyDocument:
    """The limits written into the policy, by their names alone."""
    for each in limits:
        document = _amended(each, document)
    return document


def _amended(limit: Amended, document: PolicyDocument) -> PolicyDocument:
    room, *names = limit.table.split(".")
    token, value = TokenId(limit.unit), limit.value
    if room == "caps":
        row = document.caps[names[0]]
        fields = {"at_once": "at_once_units", "cap": "cap_units", "never_above": "never_units"}
        fields |= {"model_alone": "model_units"}
        old = row[token]
        if limit.key in fields:
            new = replace(old, **{fields[limit.key]: value})
        else:
            place = next(n for n, tier in enumerate(old.tiers) if _is_named(tier, limit))
            tier = replace(old.tiers[place], above_units=value)
            new = replace(old, tiers=(*old.tiers[:place], tier, *old.tiers[place + 1 :]))
        return replace(document, caps={**document.caps, names[0]: {**row, token: new}})
    if room == "payees":
        payee = document.payees[names[0]]
        payee = replace(payee, max_units={**payee.max_units, token: value})
        return replace(document, payees={**document.payees, names[0]: payee})
    if room == "tokens":
        return replace(document, tokens={**document.tokens, token: replace(document.tokens[token], keep_units=value)})
    if room == "venues":
        market = document.markets[names[0]]
        reserves = tuple(replace(r, most_units=value) if r.token == token else r for r in market.reserves)
        return replace(document, markets={**document.markets, names[0]: replace(market, reserves=reserves)})
    if room == "swaps":
        return replace(document, max_loss_bps=value)
    assert limit.key == "max_units"
    return replace(document, gas=replace(document.gas, max_gas_units=value))


def _is_named(tier: Tier, limit: Amended) -> bool:
    plural = "s" if tier.approvals > 1 else ""
    return (limit.key, limit.from_value) == (f"ask, {tier.approvals} guardian{plural} above", tier.above_units)


def nearer(limits: tuple[Amended, ...]) -> Iterator[tuple[Amended, ...]]:
    """The same limits with one of them a step nearer to what it was. `cap` goes along with `at_once`."""
    for place, limit in enumerate(limits):
        if limit.key != "cap":
            step = 1 if limit.from_value > limit.value else -1
            yield (*limits[:place], replace(limit, value=limit.value + step), *limits[place + 1 :])


def consistent(document: PolicyDocument) -> bool:
    try:
        check(document, "policy.toml")
    except Exception:  # noqa: BLE001 - what a policy may not say is no policy
        return False
    return True


def require_exact(way: Counterfactual, prospect: Prospect, judged: Judged, document: PolicyDocument) -> None:
    """The change gives the verdict that is told, and a step less does not give what is wanted."""
    change = way.change
    if isinstance(change, Lower):
        done = with_amount(judged, change.place, change.units, document)
        more = with_amount(judged, change.place, change.units + 1, document)
        assert done is not None and more is not None and change.units < change.from_units
        assert said(done, document) is way.verdict and holds(way.verdict, prospect)
        assert not holds(said(more, document), prospect)
    elif isinstance(change, Wait):
        assert said(at(judged, change.until), document) is way.verdict and holds(way.verdict, prospect)
        assert not holds(said(at(judged, change.until - 1), document), prospect)
    elif isinstance(change, LeaveOut):
        done = without(judged, change.places, document)
        assert done is not None and said(done, document) is way.verdict and holds(way.verdict, prospect)
        for fewer in combinations(change.places, len(change.places) - 1):
            less = without(judged, fewer, document) if fewer else judged
            assert less is not None and not holds(said(less, document), prospect)
    else:
        changed = amend(change.limits, document)
        assert consistent(changed)
        assert said(judged, changed) is way.verdict and holds(way.verdict, prospect)
        for limits in nearer(change.limits):
            less_open = amend(limits, document)
            assert not (consistent(less_open) and holds(said(judged, less_open), prospect)), limits


def require_all_exact(judged: Judged, document: PolicyDocument) -> Explanation:
    explanation = explain(judged, document)
    assert explanation.decision.verdict is said(judged, document)
    assert bool(explanation.prospects) == (explanation.decision.verdict is not ALLOW)
    for prospect in explanation.prospects:
        assert prospect.ways or prospect.why_none
        for way in prospect.ways:
            require_exact(way, prospect, judged, document)
    return explanation


@pytest.mark.parametrize(("name", "case_name"), CASES)
def test_each_sample_case_flips_as_it_is_told_or_says_why_not(name: str, case_name: str) -> None:
    policy, text = sample(name)
    document = load(policy)
    case = next(each for each in load_cases(text, document) if each.name == case_name)
    explanation = require_all_exact(stage(case.scenario, document), document)
    data = json.loads(json.dumps(explanation_data(explanation, document)))
    assert data["verdict"] == case.verdict and len(data["prospects"]) == len(explanation.prospects)


@pytest.fixture(scope="module")
def shipped() -> PolicyDocument:
    """With its standing orders, and a payee's reserve that payments can reach."""
    return load(sample("active_treasury")[0])


_AMOUNT = st.integers(1, 40_000 * 10**6).map(lambda units: f"{format_units(units, 6)} USDC")
_PAYS = st.builds("pay {} to {}".format, _AMOUNT, st.sampled_from(["alice", "bob", "chidi", "grants_safe"]))
_LENDS = st.builds("supply {} to aave".format, _AMOUNT)
_SWAPS = st.builds("swap {} to WETH".format, _AMOUNT)
_REQUESTS = st.lists(_PAYS | _LENDS | _SWAPS, min_size=1, max_size=3)
_AGE = st.integers(1, 40 * 86_400)
_PAST = st.lists(
    st.builds("{} to {} {} seconds ago".format, _AMOUNT, st.sampled_from(["alice", "bob", "grants_safe"]), _AGE),
    max_size=3,
)
_HELD = st.integers(80_000, 250_000).map(lambda usd: f"{usd} USDC")


@PURE
@given(requests=_REQUESTS, past=_PAST, held=_HELD, by=st.sampled_from(["operator", "mandate", "model"]))
def test_whatever_is_asked_a_counterfactual_flips_and_one_step_less_does_not(
    desk: Any, shipped: PolicyDocument, requests: list[str], past: list[str], held: str, by: str
) -> None:
    judged = desk.under(shipped).stage(*requests, past=past, balances=[held], amount_by=by, arrives="99.7 %")
    require_all_exact(judged, shipped)


@PURE
@given(requests=_REQUESTS, data=st.data())
def test_a_scaled_unit_is_what_staging_it_anew_makes(desk: Any, requests: list[str], data: Any) -> None:
    """Bytes, envelope and rehearsal alike; of a swap the least is rounded up, and what comes beyond it down."""
    judged = desk.stage(*requests)
    place = data.draw(st.integers(0, len(requests) - 1))
    units = data.draw(st.integers(1, amount_of(judged.compiled.unit.intents[place])))
    verb, _, rest = requests[place].split(" ", 2)
    asked = [*requests[:place], f"{verb} {format_units(units, 6)} {rest}", *requests[place + 1 :]]
    fresh, scaled = desk.stage(*asked), with_amount(judged, place, units, desk.document)
    assert scaled is not None
    if not any(request.startswith("swap") for request in requests):
        assert scaled.action == fresh.action
    assert _sums(scaled.compiled.envelope.max_out) == _sums(fresh.compiled.envelope.max_out)
    for (holder, token), moved in _moved(fresh).items():
        got = _moved(scaled).get((holder, token), 0)
        assert moved - 5 <= got <= moved + 1 if token == "WETH" else got == moved


def _sums(amounts: Any) -> dict[str, int]:
    return {token: sum(a.units for a in amounts if a.token == token) for token in {a.token for a in amounts}}


def _moved(judged: Judged) -> dict[tuple[str, str], int]:
    return {(delta.holder, delta.token): delta.units for delta in judged.rehearsal.deltas}


def test_at_its_own_amount_a_unit_is_itself(desk: Any) -> None:
    judged = desk.stage(
        "pay 20_000 USDC to alice", "swap 3 WETH to USDC", "withdraw 5 DAI from aave", "pay 1 USDC to bob"
    )
    same = with_amount(judged, 1, 3 * 10**18, desk.document)
    assert same is not None and same.action == judged.action
    assert _moved(same) == _moved(judged)
    assert _sums(same.compiled.envelope.min_in) == _sums(judged.compiled.envelope.min_in)


def test_what_the_bytes_do_beyond_the_unit_is_never_mended_in_silence(desk: Any) -> None:
    """A denied unit must not look allowable because its tampered action would be dressed anew."""
    judged = desk.stage("pay 20_000 USDC to alice")
    other = desk.stage("pay 19_999 USDC to alice")
    tampered = replace(judged, action=other.action)
    assert with_amount(tampered, 0, 1, desk.document) is None
    explanation = explain(tampered, desk.document)
    assert explanation.decision.verdict is DENY
    assert all(isinstance(way.change, Amend | Wait) for prospect in explanation.prospects for way in prospect.ways)
    assert not any(prospect.ways for prospect in explanation.prospects)


def test_calls_that_cannot_be_told_apart_are_not_changed(desk: Any) -> None:
    judged = desk.stage("pay 20_000 USDC to alice", "pay 1 USDC to bob")
    opaque = desk.with_calls(judged, *judged.compiled.calls, Call(desk.document.account, judged.action.to, 0, b"\x01"))
    swapped = desk.with_calls(judged, *reversed(judged.compiled.calls))
    for odd in (opaque, swapped):
        assert with_amount(odd, 0, 1, desk.document) is None and without(odd, (0,), desk.document) is None


def test_what_came_short_comes_as_short_in_a_smaller_amount(desk: Any) -> None:
    """A fee must not round away in dust, or the dust would look allowed."""
    judged = desk.stage("supply 5_000 USDC to aave", arrives="99.9 %")
    dust = with_amount(judged, 0, 2, desk.document)
    assert dust is not None and said(dust, desk.document) is DENY


def test_a_swap_over_two_pools_keeps_its_split_and_its_least(desk: Any) -> None:
    """Together the legs sell exactly the amount, and none accepts less in proportion than before."""
    one, two = (desk.stage(f"swap {amount} WETH to USDC") for amount in ("2", "3"))
    calls = (*one.compiled.calls, *two.compiled.calls)
    intents = desk.stage("swap 5 WETH to USDC").compiled.unit.intents
    unit = replace(one.compiled.unit, intents=intents)
    both = desk.with_calls(replace(one, compiled=replace(one.compiled, unit=unit)), *calls)
    scaled = with_amount(both, 0, 7 * 10**17 + 1, desk.document)
    assert scaled is not None
    before, after = (open_case(j.compiled, j.action, j.rehearsal, j.facts, desk.document) for j in (both, scaled))
    assert sum(e.units_in for e in after.exchanges) == 7 * 10**17 + 1
    for old, new in zip(before.exchanges, after.exchanges, strict=True):
        assert new.min_out_units * old.units_in >= old.min_out_units * new.units_in
        assert abs(new.units_in - old.units_in * (7 * 10**17 + 1) // (5 * 10**18)) <= 1


def test_waiting_keeps_the_age_of_prices(desk: Any) -> None:
    """Feeds answer meanwhile: a price is neither too old nor in the future for having waited."""
    judged = desk.stage("swap 1 WETH to USDC", arrives="99.7 %")
    later = at(judged, NOW + 90 * 86_400)
    assert verdict_on(later, desk.document) is verdict_on(judged, desk.document) is ALLOW
    stale = at(desk.stage("swap 1 WETH to USDC", stale=["WETH"], arrives="99.7 %"), NOW + 10**6)
    assert verdict_on(stale, desk.document) is DENY


def test_a_due_order_is_found_above_what_the_caps_have_left(desk: Any, shipped: PolicyDocument) -> None:
    past = ["14_000 USDC to grants_safe 1 second ago", "14_000 USDC to bob 1 second ago"]
    judged = desk.under(shipped).stage("pay 12_500 USDC to alice", past=past)
    lower = [w.change for w in require_all_exact(judged, shipped).prospects[0].ways if isinstance(w.change, Lower)]
    assert [(each.order, each.units) for each in lower][-1] == ("alice_salary", 11_000 * 10**6)
    assert lower[0].order == "" and lower[0].units < 2_000 * 10**6


def test_an_order_that_is_due_tomorrow_is_waited_for(desk: Any, shipped: PolicyDocument) -> None:
    """Though the caps have room only much later: becoming due is an event of its own."""
    age = 21 * 86_400 - 3_600
    past = [f"11_000 USDC to alice {age} seconds ago", "14_999 USDC to bob 1 second ago"]
    judged = desk.under(shipped).stage("pay 11_000 USDC to alice", past=past)
    waits = [w.change for w in require_all_exact(judged, shipped).prospects[0].ways if isinstance(w.change, Wait)]
    assert waits == [Wait(NOW + 3_600)]


def test_a_denial_says_what_would_get_it_asked_about(desk: Any) -> None:
    explanation = require_all_exact(desk.stage("swap 101 WETH to USDC", arrives="99.7 %"), desk.document)
    lines = list(prospect_lines(explanation, desk.document))
    assert lines[0] == "to be allowed:" and "to be asked about instead of denied:" in lines
    at_most = [line for line in lines if "at most" in line]
    assert "swap to USDC at most 10.00 WETH instead of 101.00 WETH" in at_most[0]
    assert "swap to USDC at most 100.00 WETH instead of 101.00 WETH" in at_most[1]
    assert all("by estimate; a new rehearsal decides" in line for line in at_most)
    assert sum("as a last resort people change policy.toml" in line for line in lines) == 2


def test_who_is_not_listed_can_only_be_listed(desk: Any) -> None:
    judged = desk.stage("pay 10 USDC to 0x71C7656EC7ab88b098defB751B7401B5f6d8976F")
    explanation = require_all_exact(judged, desk.document)
    (prospect,) = explanation.prospects
    assert prospect.ways == () and "people list in policy.toml" in prospect.why_none
    assert "no smaller amount" in "\n".join(prospect_lines(explanation, desk.document))


def test_a_failed_rehearsal_is_the_only_reason_given(desk: Any) -> None:
    explanation = explain(desk.stage("swap 1 WETH to USDC", reverts="Too little received"), desk.document)
    assert explanation.prospects[0].why_none.startswith("the rehearsal fails: Too little received")
    assert "envelope" not in explanation.prospects[0].why_none and ";" not in explanation.prospects[0].why_none[90:]


def test_nothing_is_proposed_to_what_is_allowed(desk: Any) -> None:
    explanation = explain(desk.stage("pay 5_000 USDC to alice"), desk.document)
    assert explanation.prospects == () and list(prospect_lines(explanation, desk.document)) == []


def test_levers_only_ever_let_more_through(desk: Any) -> None:
    """Moving any single limit to its widest never makes a verdict worse: what the bisection stands on."""
    judged = desk.stage("pay 13_000 USDC to alice", "supply 120_000 USDC to aave", "swap 30_000 USDC to WETH")
    before = said(judged, desk.document)
    found = list(levers(desk.open(judged)))
    assert {"at_most", "at_once", "never_above", "keep", "max_loss", "most of USDC"} <= {each.key for each in found}
    for lever in found:
        assert said(judged, lever.write(desk.document, lever.widest)).rank <= before.rank, lever.key
        assert lever.write(desk.document, lever.value) == desk.document, lever.key


@given(turn=st.integers(-50, 50), bad=st.integers(51, 10**30), guesses=st.lists(st.integers(-60, 60), max_size=3))
def test_a_boundary_is_the_last_that_is_fine(turn: int, bad: int, guesses: list[int]) -> None:
    assert boundary(lambda value: value <= turn, bad, -50, guesses) == turn
    assert boundary(lambda value: value >= -turn, -bad, 50, (-guess for guess in guesses)) == -turn


@given(value=st.integers(0, 10**30), limit=st.integers(0, 10**30), decimals=st.integers(0, 18), least=st.booleans())
def test_a_margin_in_words_is_the_margin_in_numbers(value: int, limit: int, decimals: int, least: bool) -> None:
    measure = Measure(value, limit, least)
    shown = [f"{format_units(each, decimals)} USDC" for each in (value, limit)]
    words = margin_words(Finding("caps", ALLOW, "so", *shown, measure))
    assert words.startswith(f"{format_units(abs(measure.margin), decimals)} USDC ")
    assert words.endswith(("over", "short")) == (measure.margin < 0)


def test_a_finding_that_measures_nothing_has_no_margin() -> None:
    assert margin_words(Finding("caps", ALLOW, "so", "1.00 USDC", "2.00 USDC")) == ""
    assert margin_words(Finding("caps", ALLOW, "so", "1.00 USDC", "2.00 DAI", Measure(1, 2))) == ""
    assert margin_words(Finding("gas", ALLOW, "so", "1,000", "2,500", Measure(1_000, 2_500))) == "1,500 left"


def test_every_rule_that_compares_amounts_keeps_them(desk: Any) -> None:
    """Both texts a number of one token: then it was measured, but for what must be exactly equal."""
    judged = desk.stage("pay 13_000 USDC to alice", "supply 120_000 USDC to aave", "swap 30 WETH to USDC")
    measured = {finding.rule for finding in desk.decide(judged).findings if finding.measure}
    assert {"payments", "lending", "envelope", "caps", "approvals", "reserves", "losses", "gas"} <= measured


def test_routes_follow_their_calls(desk: Any) -> None:
    judged = desk.stage("swap 4 WETH to USDC")
    (exchange,) = desk.open(judged).exchanges
    leg = Leg(exchange.pool, 500, exchange.units_in, exchange.min_out_units + 10, exchange.min_out_units)
    route = Route(exchange.token_in, exchange.token_out, leg.amount_in_units, leg.min_out_units, (leg,))
    routed = replace(judged, compiled=replace(judged.compiled, routes=(route,)))
    scaled = with_amount(routed, 0, 10**18, desk.document)
    assert scaled is not None
    (new,), (moved,) = scaled.compiled.routes, desk.open(scaled).exchanges
    assert (
        (new.amount_in_units, new.min_out_units)
        == (moved.units_in, moved.min_out_units)
        == (
            new.legs[0].amount_in_units,
            new.legs[0].min_out_units,
        )
    )


@pytest.fixture
def by_kernel(desk: Any) -> Judged:
    """More than the Kernel's rule lets go alone is no call of its; this much it takes, but another rule asks."""
    judged = desk.stage("pay 9_000 USDC to alice", "pay 2_000 USDC to bob", balances=["110_000 USDC"])
    compiled, kernel = compile_policy(desk.document), Address("0x" + "77" * 20)
    now = judged.facts.block.timestamp
    buckets = {s.key: Bucket(s.capacity_units, 0, now, s.drain_seconds) for s in compiled.buckets}
    terms = (compiled.root, document_hash(desk.document), 86_400, buckets)
    state = KernelState(kernel, desk.document.account.safe, True, kernel, 0, 1, False, *terms)
    safe = replace(judged.facts.safe, modules=(kernel,))
    legs = granted_legs(judged.compiled.calls, desk.document)
    assert legs is not None
    call = KernelCall(desk.document.account, kernel, kernel, encode_legs(legs))
    judged = desk.with_rehearsal(judged, safe_before=safe, safe_after=safe)
    out: Judged = replace(desk.with_facts(judged, safe=safe, kernel=state), action=call)
    return out


def test_a_call_to_the_kernel_is_changed_leg_by_leg(desk: Any, by_kernel: Judged) -> None:
    """The reserve asks: a smaller payment, or one payment alone, leaves enough in hand, in the Kernel's own bytes."""
    prospect = require_all_exact(by_kernel, desk.document).prospects[0]
    changes = [way.change for way in prospect.ways]
    assert Lower(0, USDC, 8_000 * 10**6, 9_000 * 10**6) in changes
    assert Lower(1, USDC, 1_000 * 10**6, 2_000 * 10**6) in changes
    assert {LeaveOut((0,)), LeaveOut((1,))} <= set(changes)
    # The Kernel holds today's policy: a changed one it takes only after an announcement.
    assert not any(isinstance(change, Amend) for change in changes)


def test_a_full_kernel_bucket_is_waited_for(desk: Any, by_kernel: Judged) -> None:
    kernel = by_kernel.facts.kernel
    assert kernel is not None
    full = {key: replace(bucket, level=bucket.capacity) for key, bucket in kernel.buckets.items()}
    judged = desk.with_facts(
        by_kernel, kernel=replace(kernel, buckets=full), balances={**by_kernel.facts.balances, USDC: 10**12}
    )
    prospect = require_all_exact(judged, desk.document).prospects[0]
    assert any(isinstance(way.change, Wait) for way in prospect.ways)


def test_where_no_single_intent_is_too_much_the_first_to_come_are_kept(desk: Any) -> None:
    """Four payments of 7,500 USDC into room for two."""
    judged = desk.stage(*(f"pay 7_500 USDC to {who}" for who in ("alice", "bob", "chidi", "emre")), past=[])
    tight = desk.document.caps["team"][USDC]
    cap = replace(tight, cap_units=30_000 * 10**6, at_once_units=15_000 * 10**6)
    narrow = replace(desk.document, caps={**desk.document.caps, "team": {**desk.document.caps["team"], USDC: cap}})
    ways = require_all_exact(judged, narrow).prospects[0].ways
    assert [way.change for way in ways if isinstance(way.change, LeaveOut)] == [LeaveOut((2, 3))]


def test_a_smaller_payment_takes_no_new_mark_any_more(desk: Any) -> None:
    """The watch's `rebase()` goes with large payments only: left in, it would get the smaller one denied."""
    watch, kernel = (Address("0x" + digit * 40) for digit in "78")
    watched = desk.under(replace(desk.document, watch=WatchTerms(1_000, 25, 600, (USDC,), None)))
    staged = watched.stage("pay 11_000 USDC to alice", balances=["400_000 USDC"])
    state = WatchState(watch, kernel, 400_000 * E8, 360_000 * E8, 0, 25, 400_000 * E8)
    judged = watched.with_calls(
        watched.with_facts(staged, watch=state),
        *staged.compiled.calls,
        Call(watched.document.account, watch, 0, encode_rebase()),
    )
    (prospect,) = require_all_exact(judged, watched.document).prospects
    assert [way.change for way in prospect.ways] == [Lower(0, USDC, 10_000 * 10**6, 11_000 * 10**6)]
    small = with_amount(judged, 0, 10_000 * 10**6, watched.document)
    assert small is not None and len(small.compiled.calls) == 1


def test_what_cannot_be_read_is_denied_and_explained_all_the_same(desk: Any) -> None:
    """A guardian's check of hostile bytes or facts never fails on the explanation."""
    judged = desk.stage("swap 1 WETH to USDC", arrives="99.7 %")
    unreadable = desk.with_facts(judged, rounds=dict.fromkeys(judged.facts.rounds, (None, None)))
    explanation = explain(unreadable, desk.document)
    assert explanation.decision.verdict is DENY
    (prospect,) = explanation.prospects
    assert prospect.ways == () and prospect.why_none.startswith("no change can be computed: AttributeError")
    strange = replace(judged.compiled, unit=replace(judged.compiled.unit, intents=(None,)))
    (prospect,) = explain(replace(judged, compiled=strange), desk.document).prospects
    assert prospect.ways == () and "an unknown kind" in prospect.why_none
