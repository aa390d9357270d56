"""Whether the node answers, serves the right chain at the right time, and can rehearse."""

from __future__ import annotations

from agent.onboarding.examination import Result, fail, ok, warn
from agent.onboarding.premises import Premises
from strongroom.chain.transport import without_secrets
from strongroom.errors import NodeUnreachable, WrongChain
from strongroom.model import NATIVE
from strongroom.ports import SimulatedCall

_OLDEST_HEAD_SECONDS = 15 * 60
_FURTHEST_AHEAD_SECONDS = 60
_LOCAL_CHAIN_ID = 31_337
"""Everybody's local chain: nowhere else can time be moved."""


def reachable(premises: Premises) -> Result:
    shown = without_secrets(premises.rpc)
    try:
        return ok(f"{shown} is at block {premises.block.number}")
    except NodeUnreachable as error:
        if not premises.is_bare:
            raise
        return fail(str(error).partition("; ")[0], "check what `--rpc` names")


def chain_id(premises: Premises) -> Result:
    if (found := premises.chain.chain_id()) != premises.account.chain_id:
        raise WrongChain(without_secrets(premises.rpc), found, premises.account.chain_id)
    return ok(str(found))


def simulation(premises: Premises) -> Result:
    """By `eth_simulateV1`, or by traces. With neither nothing is ever rehearsed, so everything would be denied."""
    premises.chain.simulate([SimulatedCall(NATIVE, NATIVE, 0, b"")], {}, premises.block)
    return ok("actions can be rehearsed on it")


def clock(premises: Premises) -> Result:
    """Wall time against the newest block's: a stuck node, or a clock that is off, spoils ledger and delegates."""
    ahead = premises.block.timestamp - premises.clock.now()
    if ahead > _FURTHEST_AHEAD_SECONDS and premises.chain.chain_id() == _LOCAL_CHAIN_ID:
        return ok(f"the local world's time was moved on: its newest block is {ahead} s in the future")
    if ahead > _FURTHEST_AHEAD_SECONDS:
        return warn(f"the newest block is {ahead} s in the future", "set this machine's clock by a time server")
    if -ahead > _OLDEST_HEAD_SECONDS:
        return warn(f"the newest block is {-ahead} s old", "see whether the node is in sync and this clock right")
    return ok(f"{abs(ahead)} s from the newest block")
