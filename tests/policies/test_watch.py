"""The watch's mark moves with large payments of the owners and with nothing else, and guardians read from what to
what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.compiler import compile_unit, dress_for_owners
from guardians.decompile import decompile, read_moves
from policies.document import document_hash
from policies.effects import Opaque, Rebase, understand
from policies.engine import decide
from policies.grants import compile_policy
from policies.marks import own_watch, rebase_after
from policies.scenario import Judged
from policies.watching import WatchTerms
from strongroom.model import (
    NATIVE,
    Address,
    Amount,
    Bucket,
    Call,
    Compiled,
    Facts,
    Finding,
    KernelCall,
    KernelState,
    Lane,
    SafeTx,
    TokenId,
    Verdict,
    WatchState,
)
from strongroom.protocols.abi import encode_call
from strongroom.protocols.kernel_acts import ActRule, GrantedAct, Template
from strongroom.protocols.kernel_legs import encode_legs
from strongroom.protocols.watch import encode_rebase, encode_trip
from strongroom.valuation import E8, Problem

ALLOW, ASK, DENY = Verdict.ALLOW, Verdict.ASK, Verdict.DENY
WATCH, OTHER = (Address("0x" + digit * 40) for digit in "78")
KERNEL = Address("0x2222222222222222222222222222222222222222")
USDC, WETH, HALL = TokenId("USDC"), TokenId("WETH"), TokenId("HALL")
MARK_E8 = 400_000 * E8
"""A fall of 40,000 USD is allowed, so payments above 10,000 move the mark."""
LARGE, SMALL = "pay 10_000.000001 USDC to alice", "pay 10_000 USDC to alice"
HELD = ["200_000 USDC", "40 WETH"]


def watching(**changes: Any) -> WatchState:
    state = WatchState(WATCH, KERNEL, MARK_E8, MARK_E8 * 9 // 10, 0, 25, 380_000 * E8)
    return replace(state, **changes)


@pytest.fixture(scope="module")
def guarded(desk: Any) -> Any:
    """A desk whose policy has a watch that counts dollars and ether."""
    terms = WatchTerms(1_000, 25, 600, (USDC, WETH), None)
    return desk.under(replace(desk.document, watch=terms))


def compiled(desk: Any, judged: Judged, lane: Lane = Lane.OWNER) -> Compiled:
    found = compile_unit(judged.compiled.unit, judged.facts, desk.document, lane)
    assert isinstance(found, Compiled)
    return found


def staged(desk: Any, *requests: str, state: WatchState | None = None, **keys: Any) -> Judged:
    """A unit in the owner lane as the compiler makes it, before a watch."""
    judged: Judged = desk.stage(*requests, **({"balances": HELD} | keys))
    judged = desk.with_facts(judged, watch=state or watching())
    found = compiled(desk, judged)
    nonce = judged.action.nonce  # type: ignore[union-attr]
    return replace(judged, compiled=found, action=dress_for_owners(found, desk.document.multisend, nonce))


def tampered(desk: Any, judged: Judged, *calls: Call) -> Judged:
    changed: Judged = desk.with_calls(judged, *calls)
    return changed


def rebase(desk: Any, to: Address = WATCH, value_wei: int = 0, data: bytes | None = None) -> Call:
    return Call(desk.document.account, to, value_wei, encode_rebase() if data is None else data)


def of_watch(desk: Any, judged: Judged) -> list[Finding]:
    return [finding for finding in desk.decide(judged).findings if finding.rule == "watch"]


def test_payments_above_a_quarter_of_the_fall_end_with_a_new_mark_and_smaller_ones_do_not(guarded: Any) -> None:
    large, small = staged(guarded, LARGE), staged(guarded, SMALL)
    assert large.compiled.calls[-1] == rebase(guarded)
    assert [call.data for call in small.compiled.calls] != [encode_rebase()] and len(small.compiled.calls) == 1
    assert guarded.says(large) == {"watch": ASK}
    assert guarded.says(small) == {}


def test_guardians_read_from_what_to_what_the_mark_moves(guarded: Any) -> None:
    """From 400,000 to 200,000 USDC and 40 WETH at 3,000, less the payment, rounded down; 12,000 of it is paid here."""
    judged = staged(guarded, "pay 12_000 USDC to alice")
    (told,) = [finding for finding in of_watch(guarded, judged) if finding.verdict is ASK]
    assert told.measured == "from 400,000.00 USD to 308,000.00 USD"
    assert "12,000.00 USD of the change is what this unit pays" in told.reason


def test_several_payments_count_together_and_what_the_watch_does_not_count_counts_nothing(guarded: Any) -> None:
    three = staged(guarded, "pay 4_000 USDC to alice", "pay 4_000 USDC to bob", "pay 4_000 USDC to chidi")
    assert three.compiled.calls[-1] == rebase(guarded)
    own = staged(guarded, "pay 100_000 HALL to grants_safe", balances=[*HELD, "900_000 HALL"])
    assert rebase(guarded) not in own.compiled.calls
    assert of_watch(guarded, own)[0].verdict is ALLOW


def test_the_agent_lane_never_takes_a_new_mark(guarded: Any) -> None:
    """The Kernel counts what it pays itself, so there the watch sees no loss."""
    judged = staged(guarded, "pay 12_000 USDC to alice")
    facts = replace(judged.facts, kernel=live_kernel(guarded, judged.facts))
    found = compile_unit(judged.compiled.unit, facts, guarded.document, Lane.AGENT)
    assert isinstance(found, Compiled) and len(found.calls) == 1
    without = replace(facts, kernel=replace(facts.kernel, paused=True))  # type: ignore[type-var]
    asked = compile_unit(judged.compiled.unit, without, guarded.document, Lane.AGENT)
    assert isinstance(asked, Compiled) and asked.calls[-1] == rebase(guarded), "guardians are asked at once"


def live_kernel(desk: Any, facts: Facts) -> KernelState:
    policy, at = compile_policy(desk.document), facts.block.timestamp
    buckets = {each.key: Bucket(each.capacity_units, 0, at, each.drain_seconds) for each in policy.buckets}
    terms = (policy.root, document_hash(desk.document), 86_400, buckets)
    return KernelState(KERNEL, desk.document.account.safe, True, OTHER, 0, 1, False, *terms)


@pytest.mark.parametrize("to", [OTHER, KERNEL])
def test_no_other_contract_is_told_so(guarded: Any, to: Address) -> None:
    judged = staged(guarded, LARGE)
    assert guarded.says(tampered(guarded, judged, judged.compiled.calls[0], rebase(guarded, to))) == {"watch": DENY}


@pytest.mark.parametrize(
    "data", [encode_trip(), encode_rebase() + b"\0", encode_rebase()[:3], encode_call("pause()"), encode_call("mark()")]
)
def test_nothing_else_is_asked_of_the_watch(guarded: Any, data: bytes) -> None:
    judged = staged(guarded, LARGE)
    says = guarded.says(tampered(guarded, judged, judged.compiled.calls[0], rebase(guarded, data=data)))
    assert says["calls"] is DENY


def test_no_ether_goes_along(guarded: Any) -> None:
    judged = staged(guarded, LARGE)
    says = guarded.says(tampered(guarded, judged, judged.compiled.calls[0], rebase(guarded, value_wei=1)))
    assert says["calls"] is DENY


def test_the_new_mark_is_taken_once_and_last(guarded: Any) -> None:
    judged = staged(guarded, "pay 12_000 USDC to alice", "pay 1 USDC to bob")
    one, two, mark = judged.compiled.calls
    for calls in ((mark, one, two), (one, mark, two), (one, two, mark, mark), (mark, one, two, mark)):
        assert guarded.says(tampered(guarded, judged, *calls)) == {"watch": DENY}
    assert guarded.says(tampered(guarded, judged, one, two, mark)) == {"watch": ASK}


@pytest.mark.parametrize("request_", [SMALL, "pay 1 USDC to alice", "pay 100 HALL to grants_safe"])
def test_no_new_mark_goes_with_little_or_nothing(guarded: Any, request_: str) -> None:
    judged = staged(guarded, request_, balances=[*HELD, "900_000 HALL"])
    assert guarded.says(tampered(guarded, judged, *judged.compiled.calls, rebase(guarded))) == {"watch": DENY}


def test_no_new_mark_goes_with_a_swap_alone(guarded: Any) -> None:
    judged: Judged = guarded.with_facts(guarded.stage("swap 10 WETH to USDC", arrives="99.7 %"), watch=watching())
    marked = tampered(guarded, judged, *judged.compiled.calls, rebase(guarded))
    assert guarded.says(marked)["watch"] is DENY


@pytest.mark.parametrize("fallen", [True, False])
def test_a_fall_that_the_watch_shows_is_never_hidden(guarded: Any, fallen: bool) -> None:
    """Just below the floor nothing is rebased, and guardians are told that the payment comes on top."""
    wealth_e8 = MARK_E8 * 9 // 10 - (1 if fallen else 0)
    judged = staged(guarded, LARGE, state=watching(wealth_e8=wealth_e8, observed_at=990))
    assert (rebase(guarded) in judged.compiled.calls) is not fallen
    assert guarded.says(judged) == {"watch": ASK}
    if fallen:
        (told,) = of_watch(guarded, judged)
        assert "the treasury has fallen to 359,999.99 USD, below 360,000.00 USD" in told.reason
        marked = tampered(guarded, judged, *judged.compiled.calls, rebase(guarded))
        assert guarded.says(marked) == {"watch": DENY}


def test_without_a_price_no_mark_is_taken_and_guardians_are_told(guarded: Any) -> None:
    judged = staged(guarded, LARGE, state=watching(wealth_e8=None))
    assert rebase(guarded) not in judged.compiled.calls
    (told,) = of_watch(guarded, judged)
    assert told.verdict is ASK and "a price that it counts by is missing" in told.reason
    assert told.measured == "10,000.01 USD"
    unpriced = staged(guarded, LARGE, stale=["USDC"])
    assert rebase(guarded) not in unpriced.compiled.calls
    (told,) = of_watch(guarded, unpriced)
    assert told.verdict is ASK and "USDC: feed" in told.reason
    for each in (judged, unpriced):
        assert guarded.says(tampered(guarded, each, *each.compiled.calls, rebase(guarded))) == {"watch": DENY}


def test_a_mark_that_cannot_be_told_is_denied(guarded: Any) -> None:
    """Guardians would sign they know not what: another counted token has no price, or no balance."""
    judged = staged(guarded, LARGE)
    rounds = {token: rounds for token, rounds in judged.facts.rounds.items() if token != WETH}
    assert guarded.says(guarded.with_facts(judged, rounds=rounds)) == {"watch": DENY}
    balances = {token: units for token, units in judged.facts.balances.items() if token != WETH}
    assert guarded.says(guarded.with_facts(judged, balances=balances)) == {"watch": DENY}


def test_a_policy_that_does_not_say_what_the_watch_counts_moves_no_mark(desk: Any) -> None:
    silent = desk.under(replace(desk.document, watch=None))
    judged = staged(silent, LARGE)
    assert rebase(silent) not in judged.compiled.calls
    (told,) = of_watch(silent, judged)
    assert told.verdict is ASK and "does not say what it counts" in told.reason


def test_a_watch_of_another_kernel_is_none(guarded: Any) -> None:
    judged = staged(guarded, LARGE)
    other = replace(live_kernel(guarded, judged.facts), address=OTHER)
    assert own_watch(judged.facts) is not None
    facts = replace(judged.facts, kernel=other)
    assert own_watch(facts) is None and own_watch(replace(facts, kernel=replace(other, address=KERNEL))) is not None
    assert guarded.says(guarded.with_facts(judged, kernel=other)) == {"watch": DENY}
    found = compiled(guarded, replace(judged, facts=facts))
    assert rebase(guarded) not in found.calls


def test_without_a_watch_nothing_is_said_and_every_rebase_is_denied(guarded: Any) -> None:
    judged = staged(guarded, LARGE)
    assert guarded.says(guarded.with_facts(judged, watch=None)) == {"watch": DENY}
    plain: Judged = guarded.stage(LARGE, balances=HELD)
    assert guarded.says(plain) == {}


def test_a_large_payment_without_its_mark_is_pointed_out(guarded: Any) -> None:
    judged = staged(guarded, LARGE)
    bare = tampered(guarded, judged, judged.compiled.calls[0])
    assert guarded.says(bare) == {"watch": ASK}
    (told,) = of_watch(guarded, bare)
    assert "end the unit with its `rebase()`" in told.reason and told.measured == "10,000.01 USD"


def test_the_kernel_cannot_be_made_to_send_it(guarded: Any) -> None:
    """A stolen key invents an act that calls the watch: beside having no grant, it is the owners' alone."""
    judged = staged(guarded, LARGE)
    tokens = [guarded.document.tokens[token].token.address for token in (USDC, WETH)]
    act = ActRule(WATCH, NATIVE, tokens[0], tokens[1], Template.of(encode_rebase()), 0, 1, 0, 0)
    leg = GrantedAct(act, 0, 0, 2**40, encode_rebase(), ())
    action = KernelCall(guarded.document.account, OTHER, KERNEL, encode_legs([leg]))
    changed = replace(judged, action=action, compiled=replace(judged.compiled, calls=(rebase(guarded),)))
    assert "only owners make the watch take a new mark, the agent's key never" in [
        finding.reason for finding in of_watch(guarded, changed) if finding.verdict is DENY
    ]


def test_a_guardian_reads_the_same_from_the_bytes_alone(guarded: Any) -> None:
    """No Kernel is in a guardian's facts; who chose the amount is not in the bytes, so that is asked besides."""
    judged = staged(guarded, LARGE)
    assert isinstance(judged.action, SafeTx)
    read = decompile(judged.action, guarded.document)
    assert (read.calls, read.envelope) == (judged.compiled.calls, judged.compiled.envelope)
    assert [type(move).__name__ for move in read_moves(judged.action, guarded.document)] == ["Payment", "Rebase"]
    decision = decide(read, judged.action, judged.rehearsal, judged.facts, guarded.document)
    assert [each for each in decision.findings if each.rule == "watch"] == of_watch(guarded, judged)
    assert decision.verdict is ASK


def test_only_the_bare_call_is_read_as_a_new_mark(guarded: Any) -> None:
    assert understand(rebase(guarded, OTHER), guarded.document) == Rebase(OTHER)
    usdc = guarded.document.tokens[USDC].token.address
    router = guarded.document.venues["uniswap"].router
    for call in (rebase(guarded, usdc), rebase(guarded, router), rebase(guarded, value_wei=1)):
        assert isinstance(understand(call, guarded.document), Opaque)


UNITS = st.integers(1, 15_000 * 10**6)
ALLOWED = st.integers(0, 100_000 * E8)


@given(UNITS, ALLOWED, st.integers(1, 2 * E8), st.integers(0, 100))
def test_the_quarter_is_counted_at_the_high_price_and_to_the_last_unit(
    guarded: Any, units: int, allowed_e8: int, answer: int, apart_bps: int
) -> None:
    """A mark moves exactly when 4 * ceil(units * high) > mark - floor."""
    high = answer + answer * apart_bps // 10_000
    staged_ = guarded.stage(SMALL, balances=HELD)
    one, two = staged_.facts.rounds[USDC]
    rounds = {**staged_.facts.rounds, USDC: (replace(one, answer=answer), replace(two, answer=high))}
    state = watching(floor_e8=MARK_E8 - allowed_e8, wealth_e8=MARK_E8)
    facts = replace(staged_.facts, rounds=rounds, watch=state)
    due = rebase_after([Amount(USDC, units)], facts, guarded.document)
    assert not isinstance(due, Problem)
    assert (due == WATCH) is (4 * -(-units * high // 10**6) > allowed_e8)


@given(UNITS, UNITS, ALLOWED)
def test_more_paid_never_needs_a_mark_less(guarded: Any, some: int, more: int, allowed_e8: int) -> None:
    facts = replace(guarded.stage(SMALL, balances=HELD).facts, watch=watching(floor_e8=MARK_E8 - allowed_e8))
    fewer, all_ = (
        rebase_after([Amount(USDC, units) for units in paid], facts, guarded.document)
        for paid in ([some], [some, more])
    )
    assert fewer is None or all_ == fewer
