"""What the Safe may change, at once or announced, what guardians may stop, and the breaker."""

from __future__ import annotations

from dataclasses import replace

from policies.kernel.buckets import is_lowering, opened
from policies.kernel.calls import (
    AddGuardian,
    Announce,
    Block,
    Cancel,
    Change,
    LowerBucket,
    Rekey,
    RemoveGuardian,
    Revoke,
    SetPolicy,
    Unblock,
    Veto,
)
from policies.kernel.values import NO_CODE, Facts, Pending, State, Terms, is_guardian, refuse, voided
from strongroom.addresses import keccak, to_address, to_digest
from strongroom.model import NATIVE, Address, Bucket, Digest
from strongroom.protocols.abi import selector
from strongroom.protocols.kernel import BucketSetting

_REKEY = selector("rekey(address,bytes32,address[])")
_REMOVAL = selector("removeGuardian(address)")
_OTHERS = (
    selector("setPolicy(bytes32,bytes32,(address,uint32,uint96,uint96,uint32)[])"),
    selector("unblockAddress(address)"),
)
_CLOSED = Bucket(0, 0, 0, 0)


def announce(state: State, call: Announce, facts: Facts, terms: Terms) -> State:
    """`announce`: what loosens waits, and one guardian may veto it; a re-key cannot be vetoed. Announced again after a
    veto, it takes one more."""
    change = to_digest(keccak(call.data))
    asked = call.data[:4] if len(call.data) >= len(_REKEY) else bytes(4)
    if _in_force(state, change, facts.now):
        refuse("AlreadyAnnounced", change)
    if asked not in (_REKEY, _REMOVAL, *_OTHERS):
        refuse("NotAnnounceable", asked)
    ready = facts.now + (terms.rekey_delay_seconds if asked == _REKEY else terms.config_delay_seconds)
    needed = 0 if asked == _REKEY else state.times_vetoed.get(change, 0) + 1
    subject = to_address(call.data[16:36]) if asked == _REMOVAL else NATIVE
    pending = Pending(ready, ready + terms.window_seconds, needed, subject)
    return replace(state, pending={**state.pending, change: pending})


def cancel(state: State, call: Cancel, facts: Facts) -> State:
    """`cancel`: the Safe takes back what is in force."""
    if not _in_force(state, call.change, facts.now):
        refuse("NotAnnounced", call.change)
    return _without(state, call.change)


def veto(state: State, call: Veto, sender: Address, facts: Facts) -> State:
    """`veto`: one vote; the change is dead when there are as many as it needs."""
    change = call.change
    if not (pending := _in_force(state, change, facts.now)):
        refuse("NotAnnounced", change)
    if not pending.needed or pending.subject == sender:
        refuse("NotVetoable", change)
    if sender in pending.vetoed_by:
        refuse("AlreadyVetoed", change, sender)
    voted = replace(pending, vetoed_by=pending.vetoed_by | {sender})
    if len(voted.vetoed_by) < pending.needed:
        return replace(state, pending={**state.pending, change: voted})
    return replace(_without(state, change), times_vetoed={**state.times_vetoed, change: pending.needed})


def make(state: State, call: Change, sender: Address, facts: Facts, terms: Terms) -> State:
    """An announced change, made by the Safe, a guardian or an owner."""
    if sender != terms.safe and not is_guardian(state, terms, sender):
        refuse("NotGuardian", sender)
    change = to_digest(keccak(call.calldata))
    if not (pending := _in_force(state, change, facts.now)):
        refuse("NotAnnounced", change)
    if facts.now < pending.ready_at:
        refuse("NotReady", change, pending.ready_at)
    state = _without(state, change)
    state = replace(state, times_vetoed={key: n for key, n in state.times_vetoed.items() if key != change})
    match call:
        case SetPolicy():
            return _set_policy(state, call, facts)
        case RemoveGuardian():
            return replace(state, guardians=state.guardians - {call.guardian})
        case Unblock():
            return replace(state, blocked=state.blocked - {call.target})
        case Rekey():
            return _rekey(state, call, facts, terms)


def block(state: State, call: Block) -> State:
    """`blockAddress`: at once."""
    return replace(state, blocked=state.blocked | {call.target})


def add_guardian(state: State, call: AddGuardian, terms: Terms) -> State:
    """`addGuardian`: neither the agent, present or past, nor the Safe or the Kernel."""
    if call.guardian in (NATIVE, terms.kernel, terms.safe, state.agent) or call.guardian in state.burned:
        refuse("BadGuardian", call.guardian)
    return replace(state, guardians=state.guardians | {call.guardian})


def lower_bucket(state: State, call: LowerBucket, facts: Facts) -> State:
    """`lowerBucket`: voids what was announced before."""
    setting = call.setting
    if not is_lowering(state.buckets.get((setting.token, setting.bucket_class), _CLOSED), setting):
        refuse("NotLowering", setting.token, setting.bucket_class)
    return voided(_reset(state, setting, facts.now))


def revoke(state: State, call: Revoke) -> State:
    """`revoke`: until the next version; voids what was announced before."""
    return voided(replace(state, revoked=state.revoked | {call.rule}))


def _in_force(state: State, change: Digest, now: int) -> Pending | None:
    found = state.pending.get(change)
    return found if found and now <= found.expires_at else None


def _without(state: State, change: Digest) -> State:
    return replace(state, pending={key: each for key, each in state.pending.items() if key != change})


def _set_policy(state: State, call: SetPolicy, facts: Facts) -> State:
    """Revocations end with the version."""
    for setting in call.settings:
        state = _reset(state, setting, facts.now)
    return voided(replace(state, root=call.root, version=state.version + 1, revoked=frozenset()))


def _reset(state: State, setting: BucketSetting, now: int) -> State:
    if setting.level_units or bool(setting.capacity_units) != bool(setting.drain_seconds):
        refuse("BadBucket", setting.token, setting.bucket_class)
    made = opened(state.buckets, setting, now)
    return replace(state, buckets={**state.buckets, (setting.token, setting.bucket_class): made})


def _rekey(state: State, call: Rekey, facts: Facts, terms: Terms) -> State:
    state = replace(state, burned=state.burned | {state.agent}, guardians=state.guardians - set(call.dropped))
    if call.agent in (NATIVE, terms.safe) or is_guardian(state, terms, call.agent):
        refuse("BadAgent", call.agent)
    if call.agent in state.burned:
        refuse("KeyBurned", call.agent)
    if call.code_hash != facts.code_hashes.get(call.agent, NO_CODE):
        refuse("BadAgent", call.agent)
    live = replace(voided(state), agent=call.agent, agent_code_hash=call.code_hash)
    return replace(live, epoch=state.epoch + 1, paused=False)
