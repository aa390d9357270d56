"""Payees who are paid only after an announcement: how long it waits, who may veto it, and what is announced counts as.

`[payees.NAME] delay` is its one home: every rule that pays this payee carries it, on chain, so that nobody with the
agent's key pays sooner.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from policies.effects import Move
from policies.terms import PolicyDocument
from policies.unwrapping import moves_of_action
from strongroom.errors import BadValue
from strongroom.model import NATIVE, Facts, KernelCall
from strongroom.protocols.kernel import MAX_DELAY_SECONDS, MIN_DELAY_SECONDS
from strongroom.protocols.kernel_legs import AnyLeg, delay_of
from strongroom.quantities import format_seconds


def check_delays(document: PolicyDocument, name: str) -> None:
    """Raises `BadValue` for a delay that is no time to veto in, or that nobody would wait for."""
    for payee in document.payees.values():
        if payee.delay_seconds and not MIN_DELAY_SECONDS <= payee.delay_seconds <= MAX_DELAY_SECONDS:
            least, most = format_seconds(MIN_DELAY_SECONDS), format_seconds(MAX_DELAY_SECONDS)
            mend = f"write `{least}` to `{most}`, or leave it out"
            raise BadValue(format_seconds(payee.delay_seconds), f"`delay` of payee `{payee.id}` in {name}", mend)


def announced_seconds(document: PolicyDocument) -> int:
    """How long an announced run can stay in force at most, zero where the policy lets none be announced."""
    longest = max((payee.delay_seconds for payee in document.payees.values()), default=0)
    return longest and longest + document.kernel.window_seconds


def longest_delay(legs: Sequence[AnyLeg]) -> int:
    """Seconds that a run of these legs must have been announced; zero: it needs no announcement."""
    return max(map(delay_of, legs), default=0)


def told(seconds: int, document: PolicyDocument) -> str:
    """The delay in words, with who may veto meanwhile: each of them alone."""
    owners, others = len(document.guardians.members), len(document.kernel.pause_only)
    who = f"each of {owners + others} guardians" if owners + others > 1 else "one guardian"
    return f"announced first, and {who} may veto it for {format_seconds(seconds)}"


def announced(seconds: int, document: PolicyDocument) -> str:
    """`told`, to follow a rule's name; empty without a delay."""
    return f", {told(seconds, document)}" if seconds else ""


def moves_announced(facts: Facts, document: PolicyDocument) -> Iterator[Move]:
    """What the announced runs would do; nothing is reserved for them on chain. Calls that cannot be read give none: no
    policy of ours lets them be announced."""
    for each in facts.announced:
        with suppress(ValueError):
            yield from run_moves(each.run, document)


def run_moves(run: bytes, document: PolicyDocument) -> tuple[Move, ...]:
    """What the calldata of a run would do. Raises `ValueError` where it cannot be read."""
    call = KernelCall(document.account, NATIVE, NATIVE, run)
    return moves_of_action(call, document)
