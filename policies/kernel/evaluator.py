"""The one door: what a Kernel in this state does when it is called, without asking it."""

from __future__ import annotations

from policies.kernel import changes, runs
from policies.kernel.calls import (
    AddGuardian,
    Announce,
    AnnounceRun,
    AnyCall,
    Block,
    Cancel,
    LowerBucket,
    Pause,
    PayCall,
    Revoke,
    Run,
    Veto,
    VetoRun,
)
from policies.kernel.values import Facts, Refusal, Refused, State, Terms, is_guardian, refuse
from strongroom.model import Address

_SAFES = Announce | Cancel | AddGuardian | LowerBucket | Revoke
_GUARDIANS = VetoRun | Block | Veto


def evaluate(state: State, call: AnyCall, sender: Address, facts: Facts, terms: Terms) -> State | Refusal:
    """The Kernel's state after `sender` made `call`, or what it refuses with: the first of its checks that fails.

    `facts.outcomes` has one for each leg of a payment or run. `CallFailed` comes without the reason that the called
    contract gave. An arithmetic overflow, or bytes that are no ABI encoding, cannot be written as a call here.
    """
    try:
        return _evaluated(state, call, sender, facts, terms)
    except Refused as ended:
        return ended.refusal


def _evaluated(state: State, call: AnyCall, sender: Address, facts: Facts, terms: Terms) -> State:
    if isinstance(call, Pause):
        return _pause(state, sender, terms)
    if isinstance(call, _SAFES) and sender != terms.safe:
        refuse("NotSafe", sender)
    if isinstance(call, _GUARDIANS) and not is_guardian(state, terms, sender):
        refuse("NotGuardian", sender)
    if state.busy:
        refuse("Busy")
    if isinstance(call, _SAFES | _GUARDIANS):
        return _humans(state, call, sender, facts, terms)
    match call:
        case PayCall():
            return runs.pay_alone(state, call, sender, facts, terms)
        case Run():
            return runs.run(state, call, sender, facts, terms)
        case AnnounceRun():
            return runs.announce_run(state, call, sender, facts, terms)
    return changes.make(state, call, sender, facts, terms)


def _humans(state: State, call: _SAFES | _GUARDIANS, sender: Address, facts: Facts, terms: Terms) -> State:
    match call:
        case Announce():
            return changes.announce(state, call, facts, terms)
        case Cancel():
            return changes.cancel(state, call, facts)
        case AddGuardian():
            return changes.add_guardian(state, call, terms)
        case LowerBucket():
            return changes.lower_bucket(state, call, facts)
        case Revoke():
            return changes.revoke(state, call)
        case VetoRun():
            return runs.veto_run(state, call, sender, facts, terms)
        case Block():
            return changes.block(state, call)
        case Veto():
            return changes.veto(state, call, sender, facts)


def _pause(state: State, sender: Address, terms: Terms) -> State:
    if sender not in (state.agent, terms.safe) and not is_guardian(state, terms, sender):
        refuse("NotAllowedToPause", sender)
    return runs.paused_by(state)
