"""A unit with another amount, with fewer intents or at another time is what the treasurer would have made of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.case import open_case
from policies.document import document_hash
from policies.explaining.counterfactuals import Amend, LeaveOut, Lower, Wait
from policies.explaining.explanation import explain
from policies.explaining.parts import amount_of
from policies.explaining.scaling import with_amount, without
from policies.explaining.search import verdict_on
from policies.explaining.timing import at
from policies.grants import compile_policy, granted_legs
from policies.scenario import NOW, Judged
from policies.watching import WatchTerms
from strongroom.model import (
    Address,
    Bucket,
    Call,
    KernelCall,
    KernelState,
    Leg,
    Route,
    WatchState,
)
from strongroom.protocols.kernel_legs import encode_legs
from strongroom.protocols.watch import encode_rebase
from strongroom.quantities import format_units
from strongroom.valuation import E8
from tests.policies.exactness import ALLOW, DENY, REQUESTS, USDC, require_all_exact, said

PURE = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@PURE
@given(requests=REQUESTS, data=st.data())
def test_a_scaled_unit_is_what_staging_it_anew_makes(desk: Any, requests: list[str], data: Any) -> None:
    """Bytes, envelope and rehearsal alike; of each swap the least is rounded up, and what comes beyond it down."""
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
    swaps = sum(request.startswith("swap") for request in requests)
    for (holder, token), moved in _moved(fresh).items():
        got = _moved(scaled).get((holder, token), 0)
        assert moved - 5 <= got <= moved + swaps if token == "WETH" else got == moved


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
