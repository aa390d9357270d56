"""Over two hundred varied actions: what was rehearsed is what then happens, by either way of simulating."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from simulations.rehearse import rehearse
from strongroom.chain.rpc import RpcChain
from strongroom.model import NATIVE, Action, Address, Allowance, Delta, Facts, KernelCall, Rehearsal, TokenId
from strongroom.ports import MinedTransaction, Read
from strongroom.protocols.erc20 import read_allowance, read_balance
from strongroom.protocols.safe import state_from, state_reads
from strongroom.world.people import GUARDIANS
from strongroom.world.world import World
from tests.chain.partial_node import PartialNode
from tests.simulations.corpus.cases import CAUGHT, CHANGES, MOVES, NOTHING, REFUSED, Case, corpus
from tests.simulations.corpus.stage import EVERYBODY, Stage, open_stage

LEAST_CASES, MOST_PER_CELL = 200, 20
SIGNATURES_GAS = 8_000
"""Two owners' signatures cost more to check, and to send, than the approvals that stand for them: at most so much."""


@pytest.fixture(scope="module")
def opened(module_world: World, module_chain: RpcChain) -> Stage:
    return open_stage(module_world, module_chain)


@pytest.fixture
def stage(opened: Stage, world: World) -> Stage:
    return opened


@pytest.fixture
def cases(stage: Stage) -> list[Case]:
    return corpus(stage)


@pytest.fixture
def without(world: World) -> Iterator[RpcChain]:
    """The same node, behind a door that does not offer `eth_simulateV1`."""
    with PartialNode(world.url, ("eth_simulateV1",)) as node:
        chain = RpcChain(node.url)
        yield chain
        chain.close()


def test_the_corpus_is_varied(cases: list[Case]) -> None:
    cells = Counter(case.cell for case in cases)
    assert len(cases) >= LEAST_CASES
    assert max(cells.values()) <= MOST_PER_CELL, cells.most_common(1)
    assert {case.outcome for case in cases} == {MOVES, REFUSED, CAUGHT, NOTHING, CHANGES}


def test_what_is_rehearsed_is_what_happens(stage: Stage, cases: list[Case]) -> None:
    facts, wrong = stage.look(), []
    for case in cases:
        wrong += [f"{case.cell}: {why}" for why in compared(stage, facts, case)]
    assert not wrong, "\n".join(wrong)


def compared(stage: Stage, facts: Facts, case: Case) -> Iterator[str]:
    """What differs between the rehearsal of a case and its execution in the next block."""
    action, snapshot = case.action(facts), stage.world.snapshot()
    rehearsal = rehearse(stage.chain, action, facts, stage.holders, [])
    try:
        mined = executed(stage, facts, action)
        if rehearsal.success != mined.success:
            yield f"rehearsed {rehearsal.success} ({rehearsal.revert}), mined {mined.success}"
        if outcome(facts, rehearsal) != case.outcome:
            yield f"expected {case.outcome}, rehearsed {rehearsal}"
        if rehearsal.success:
            yield from _effects(stage, facts, action, rehearsal, mined)
    finally:
        stage.world.revert(snapshot)


def _effects(
    stage: Stage, facts: Facts, action: Action, rehearsal: Rehearsal, mined: MinedTransaction
) -> Iterator[str]:
    moved = held_after(stage, facts, mined)
    if rehearsal.deltas != moved:
        yield f"rehearsed {rehearsal.deltas}, moved {moved}"
    more = mined.gas_used - rehearsal.gas_used
    if not 0 <= more <= (0 if isinstance(action, KernelCall) else SIGNATURES_GAS):
        yield f"rehearsed {rehearsal.gas_used} gas, used {mined.gas_used}"
    spenders = [allowance.spender for allowance in rehearsal.allowances]
    if set(rehearsal.allowances) != (left := allowed(stage, facts, mined, spenders)):
        yield f"rehearsed {rehearsal.allowances}, left {left}"
    stands = state_from(stage.chain.read(state_reads(stage.safe), mined.block))
    if rehearsal.safe_after != stands:
        yield f"rehearsed {rehearsal.safe_after}, is {stands}"


def executed(stage: Stage, facts: Facts, action: Action) -> MinedTransaction:
    """Signed by owners or sent by the agent, in a block one second after the facts', as rehearsed."""
    world = stage.world
    world.ask("evm_setNextBlockTimestamp", facts.block.timestamp + 1)
    if isinstance(action, KernelCall):
        return world.send_as(action.agent, action.kernel, action.data)
    return world.safe_exec(action.account, GUARDIANS[:2], action.to, action.data, action.value_wei, action.operation)


def outcome(facts: Facts, rehearsal: Rehearsal) -> str:
    """What the rehearsal shows, in the corpus's words."""
    if not rehearsal.success:
        return REFUSED
    if rehearsal.caught:
        return CAUGHT
    before, after = rehearsal.safe_before, rehearsal.safe_after
    shape = [(s.owners, s.threshold, s.modules, s.guard, s.fallback_handler, s.singleton) for s in (before, after)]
    if shape[0] != shape[1]:
        return CHANGES
    return MOVES if rehearsal.deltas else NOTHING


def held_after(stage: Stage, facts: Facts, mined: MinedTransaction) -> tuple[Delta, ...]:
    """Balance changes at the time of the mined block: what has been lent earns each second, whoever acts."""
    holders = list(dict.fromkeys([stage.safe, *stage.holders]))
    tokens = {NATIVE: TokenId("ETH")} | {t.address: t.id for t in facts.tokens.values()}
    pairs = [(holder, at) for holder in holders for at in tokens]
    time = mined.block.timestamp
    early = balances(stage.world, pairs, facts.block.number, time)
    late = balances(stage.world, pairs, mined.block.number, time)
    rows = zip(pairs, early, late, strict=True)
    return tuple(Delta(holder, tokens[at], after - before) for (holder, at), before, after in rows if after != before)


def balances(world: World, pairs: Sequence[tuple[Address, Address]], number: int, time: int) -> list[int]:
    asked = [
        ("eth_getBalance", [holder, hex(number)]) if at == NATIVE else _call(read_balance(at, holder), number, time)
        for holder, at in pairs
    ]
    return [int(answer, 16) for answer in world._node.ask_all(asked)]


def _call(read: Read[int], number: int, time: int) -> tuple[str, list[object]]:
    call = {"to": read.target, "data": "0x" + read.data.hex()}
    return "eth_call", [call, hex(number), {}, {"time": hex(time)}]


def allowed(stage: Stage, facts: Facts, mined: MinedTransaction, spenders: Sequence[Address]) -> set[Allowance]:
    listed = [token for token in facts.tokens.values() if token.address != NATIVE]
    pairs = [(token, spender) for token in listed for spender in dict.fromkeys(spenders)]
    reads = [read_allowance(token.address, stage.safe, spender) for token, spender in pairs]
    values = stage.chain.read(reads, mined.block)
    return {Allowance(token.id, spender, units) for (token, spender), units in zip(pairs, values, strict=True) if units}


def told(rehearsal: Rehearsal) -> str:
    return rehearsal.revert.replace("execution failed", "execution reverted")


def test_without_eth_simulate_the_rehearsal_is_the_same(stage: Stage, cases: list[Case], without: RpcChain) -> None:
    """By traces, on the same node, to the last unit of gas. Only for a revert without data are the words the node's."""
    facts, one_each = stage.look(), {(case.protocol, case.outcome): case for case in cases}
    for case in list(one_each.values())[::2]:
        action = case.action(facts)
        first, second = (rehearse(chain, action, facts, EVERYBODY, []) for chain in (stage.chain, without))
        assert replace(first, revert=told(first)) == replace(second, revert=told(second)), case.cell
