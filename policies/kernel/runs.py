"""The agent's entries, legs one after another, announced runs, and guardians' exits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from policies.kernel.buckets import count_call
from policies.kernel.calls import AnnounceRun, PayCall, Run, VetoRun
from policies.kernel.payments import pay, pay_order
from policies.kernel.rules import EXIT, Act, AnyRule, Leg, Order, Pay, Swap, is_in_tree, leaf_of
from policies.kernel.values import NO_CODE, Facts, Outcome, State, Terms, is_guardian, refuse, voided
from policies.kernel.venues import act, swap
from strongroom.addresses import from_digest, keccak, to_digest
from strongroom.model import Address, Digest
from strongroom.protocols.abi import encode_arguments

_RUN_ID = ("uint32", "uint32", "(uint8,bytes,bytes32[],uint96,uint256,uint256,bytes)[]")
_LONGEST_DELAY = 2**32 - 1


def pay_alone(state: State, call: PayCall, sender: Address, facts: Facts, terms: Terms) -> State:
    """`pay`: one payment; rules with a delay are refused."""
    state = _entered(state, sender, facts)
    leaf = _listed(state, call.rule, call.proof)
    if call.rule.delay_seconds:
        refuse("RuleDelayed", leaf, call.rule.delay_seconds)
    outcome = facts.outcomes[0]
    return paused_meanwhile(pay(state, call.rule, call.units, outcome, facts.now), outcome)


def run(state: State, call: Run, sender: Address, facts: Facts, terms: Terms) -> State:
    """`run`: the agent's legs, all or nothing; the soft limit of losses pauses after the last. Others run exits."""
    if sender != state.agent:
        return _run_exits(state, call, sender, facts, terms)
    state = _entered(state, sender, facts)
    if not call.legs:
        refuse("EmptyRun")
    is_over = is_announced = False
    for leg, outcome in zip(call.legs, facts.outcomes, strict=True):
        if state.paused:
            refuse("KernelPaused")
        leaf = _listed(state, leg.rule, leg.proof)
        if leg.rule.delay_seconds and not is_announced:
            state, is_announced = _taken(state, call, leaf, leg, facts.now), True
        state, is_over_now = _ran(state, leg, facts, outcome, terms)
        is_over, facts = is_over or is_over_now, _afterwards(facts, leg, outcome)
        state = paused_meanwhile(state, outcome)
    return paused_by(state) if is_over else state


def announce_run(state: State, call: AnnounceRun, sender: Address, facts: Facts, terms: Terms) -> State:
    """`announceRun`: ready after the longest delay of the legs; counts as one call of the agent."""
    state = _entered(state, sender, facts)
    run_id = run_id_of(state, call.legs)
    if ready_at(state, run_id, facts.now):
        refuse("AlreadyAnnounced", run_id)
    for leg in call.legs:
        if leg.rule.kind == EXIT:
            refuse("KindNotAllowed", EXIT)
        _listed(state, leg.rule, leg.proof)
    delay = max((leg.rule.delay_seconds for leg in call.legs), default=0)
    if not delay:
        refuse("BadDelay", delay, 1, _LONGEST_DELAY)
    times = (facts.now + delay, facts.now + delay + terms.window_seconds)
    return replace(state, runs={**state.runs, run_id: times})


def veto_run(state: State, call: VetoRun, sender: Address, facts: Facts, terms: Terms) -> State:
    """`vetoRun`: any one guardian, as often as it is announced."""
    if not ready_at(state, call.run_id, facts.now):
        refuse("NotAnnounced", call.run_id)
    return _without_run(state, call.run_id)


def run_id_of(state: State, legs: Sequence[Leg]) -> Digest:
    """keccak256(abi.encode(epoch, version, legs))"""
    encoded = encode_arguments(_RUN_ID, [state.epoch, state.version, [leg_fields(leg) for leg in legs]])
    return to_digest(keccak(encoded))


def leg_fields(leg: Leg) -> tuple[object, ...]:
    """A leg as the ABI takes it."""
    proof = [from_digest(sibling) for sibling in leg.proof]
    return leg.rule.kind, leg.rule.encoded, proof, leg.units, leg.min_out_units, leg.deadline, leg.data


def ready_at(state: State, run_id: Digest, now: int) -> int:
    """When an announced run is ready; zero when none is in force."""
    ready, expires = state.runs.get(run_id, (0, -1))
    return ready if now <= expires else 0


def paused_by(state: State) -> State:
    """The state after a pause: what was announced is void, unless it was paused before."""
    return state if state.paused else replace(voided(state), paused=True)


def paused_meanwhile(state: State, outcome: Outcome) -> State:
    """A pause works in the middle of a run too."""
    return paused_by(state) if outcome.pauses else state


def _entered(state: State, sender: Address, facts: Facts) -> State:
    if sender != state.agent or facts.code_hashes.get(sender, NO_CODE) not in (NO_CODE, state.agent_code_hash):
        refuse("NotAgent", sender)
    if state.paused:
        refuse("KernelPaused")
    return count_call(state, facts.now)


def _listed(state: State, rule: AnyRule, proof: Sequence[Digest]) -> Digest:
    leaf = leaf_of(rule)
    if not is_in_tree(leaf, proof, state.root):
        refuse("NotInPolicy", leaf)
    return leaf


def _taken(state: State, call: Run, leaf: Digest, leg: Leg, now: int) -> State:
    """One announcement covers all legs, once; the first leg with a delay asks for it."""
    run_id = run_id_of(state, call.legs)
    ready = ready_at(state, run_id, now)
    if not ready:
        refuse("RuleDelayed", leaf, leg.rule.delay_seconds)
    if now < ready:
        refuse("NotReady", run_id, ready)
    return _without_run(state, run_id)


def _without_run(state: State, run_id: Digest) -> State:
    return replace(state, runs={key: times for key, times in state.runs.items() if key != run_id})


def _ran(state: State, leg: Leg, facts: Facts, outcome: Outcome, terms: Terms) -> tuple[State, bool]:
    match leg.rule:
        case Pay():
            return pay(state, leg.rule, leg.units, outcome, facts.now), False
        case Order():
            return pay_order(state, leg.rule, leg.units, outcome, facts.now), False
        case Swap():
            return swap(state, leg, leg.rule, facts, outcome, terms)
        case Act():
            if leg.rule.kind == EXIT:
                refuse("KindNotAllowed", EXIT)
            return act(state, leg, leg.rule, facts, outcome, terms), False


def _run_exits(state: State, call: Run, sender: Address, facts: Facts, terms: Terms) -> State:
    if not is_guardian(state, terms, sender):
        refuse("NotAgent", sender)
    if not state.paused:
        refuse("KernelLive")
    if not call.legs:
        refuse("EmptyRun")
    for leg, outcome in zip(call.legs, facts.outcomes, strict=True):
        if not isinstance(leg.rule, Act) or leg.rule.kind != EXIT:
            refuse("KindNotAllowed", leg.rule.kind)
        leaf = _listed(state, leg.rule, leg.proof)
        if leg.rule.delay_seconds:
            refuse("RuleDelayed", leaf, leg.rule.delay_seconds)
        state = act(state, leg, leg.rule, facts, outcome, terms)
        facts = _afterwards(facts, leg, outcome)
    return state


def _afterwards(facts: Facts, leg: Leg, outcome: Outcome) -> Facts:
    rule, held = leg.rule, dict(facts.balances)
    paid = rule.token if isinstance(rule, Pay | Order) else rule.token_in
    held[paid] = held.get(paid, 0) - outcome.spent_units
    if not isinstance(rule, Pay | Order):
        held[rule.token_out] = held.get(rule.token_out, 0) + outcome.received_units
    return replace(facts, balances=held)
