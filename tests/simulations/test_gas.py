"""The base fee's bounds are the protocol's, held against a real node's own blocks; its spread is that of the past."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulations.gas import LEAST_BLOCKS, bounds_wei, next_base_fee_wei, predict
from strongroom.chain.rpc import RpcChain
from strongroom.ports import FeeHistory
from strongroom.world.people import ALICE, BOB, CHIDI
from strongroom.world.world import World

LIMIT = 30_000_000
LOOP = bytes.fromhex("5b600056")
fees = st.integers(7, 10**12)


def test_a_nodes_next_base_fee_is_ours(world: World) -> None:
    """Blocks nearly empty, and one whose only transaction burns most of its gas."""
    world.set_code(BOB.address, LOOP)
    for to in (CHIDI.address, BOB.address, CHIDI.address):
        world.send_as(ALICE.address, to, gas=21_000 if to == CHIDI.address else 25_000_000)
        header = world.ask("eth_getBlockByNumber", "latest", False)
        world.ask("evm_mine")
        after = world.ask("eth_getBlockByNumber", "latest", False)
        used, limit, fee = (int(header[name], 16) for name in ("gasUsed", "gasLimit", "baseFeePerGas"))
        assert int(after["baseFeePerGas"], 16) == next_base_fee_wei(fee, used, limit)


def test_the_history_is_read_from_a_node(world: World, chain: RpcChain) -> None:
    world.mine(20)
    block = chain.head()
    history = chain.fee_history(10, block)
    assert len(history.ratios) == 10
    assert history.base_fees_wei[-2] == chain.base_fee_wei(block)


@given(fees, st.lists(st.floats(0, 1), max_size=20), st.integers(5_000, LIMIT))
@example(10**12, [1.0] * 5, LIMIT - 1)
def test_no_blocks_leave_the_bounds(fee: int, used: list[float], limit: int) -> None:
    """Whatever their gas limit; in full blocks of an odd one, more than twice the target is used."""
    reached = fee
    for ratio in used:
        reached = next_base_fee_wei(reached, round(ratio * limit), limit)
    least, most = bounds_wei(fee, len(used))
    assert least <= reached <= most


def test_the_bounds_are_reached_by_empty_and_by_full_blocks() -> None:
    assert bounds_wei(10**9, 0) == (10**9, 10**9)
    assert bounds_wei(10**9, 1) == (875_000_000, next_base_fee_wei(10**9, 5_001, 5_001))
    assert 1_125_000_000 <= bounds_wei(10**9, 1)[1] <= 1_125_050_000
    assert bounds_wei(7, 1) == (7, 8), "one wei up at least; an eighth of seven is nothing"


def test_thin_history_gives_the_exact_bounds_and_says_so() -> None:
    flat = FeeHistory((10**9,) * LEAST_BLOCKS, (0.5,) * (LEAST_BLOCKS - 1))
    found = predict(flat, 2)
    assert (found.low_wei, found.middle_wei, found.high_wei) == (found.least_wei, 10**9, found.most_wei)
    assert found.why == f"{LEAST_BLOCKS - 2} stretches of 2 blocks are known, at least {LEAST_BLOCKS} are needed"


@given(st.lists(st.floats(0, 1), min_size=LEAST_BLOCKS + 5, max_size=300), st.integers(0, 5))
def test_a_forecast_lies_within_the_bounds_and_in_order(ratios: list[float], blocks: int) -> None:
    made = [10**10]
    for ratio in ratios:
        made.append(next_base_fee_wei(made[-1], int(ratio * LIMIT), LIMIT))
    found = predict(FeeHistory(tuple(made), tuple(ratios)), blocks)
    assert found.least_wei <= found.low_wei <= found.middle_wei <= found.high_wei <= found.most_wei
    assert found.why == ""


def test_nineteen_in_twenty_of_a_steady_chain_stay_below_the_high_end() -> None:
    """Blocks full and empty by a fixed pattern: what came is what is said to come."""
    ratios = [((n * 7919) % 101) / 100 for n in range(2_000)]
    made = [10**10]
    for ratio in ratios:
        made.append(next_base_fee_wei(made[-1], int(ratio * LIMIT), LIMIT))
    half = 1_000
    found = [
        (predict(FeeHistory(tuple(made[: n + 1]), tuple(ratios[:n])), 3), made[n + 3]) for n in range(half, 1_990, 9)
    ]
    above = sum(came > said.high_wei for said, came in found) / len(found)
    assert above <= 0.1


@pytest.mark.parametrize(("fees_wei", "ratios"), [((1,), (0.5,)), ((-1, 1), (0.5,)), ((1, 1), (1.5,)), ((), ())])
def test_a_history_that_cannot_be_is_refused(fees_wei: tuple[int, ...], ratios: tuple[float, ...]) -> None:
    with pytest.raises(ValueError):
        FeeHistory(fees_wei, ratios)


def test_a_block_above_its_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="is no block"):
        next_base_fee_wei(1, 2, 1)
