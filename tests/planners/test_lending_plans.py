"""What the lending job wants: the mandate's share stays, and what waits for guardians stays beside it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agent.planners.deterministic import DeterministicPlanner
from policies.metering import promised
from policies.scenario import Scenario, dress, facts_of
from strongroom.model import Account, Amount, Call, Digest, Facts, Idle, Queued, Supply, Withdraw
from strongroom.protocols.aave_v3 import Supply as SupplyOrder
from strongroom.protocols.aave_v3 import Withdraw as WithdrawOrder
from strongroom.protocols.aave_v3 import encode_supply, encode_withdraw
from strongroom.protocols.erc20 import encode_transfer
from tests.planners.study import DOCUMENT, MANDATE, USDC, ask, units

STEP = units(USDC, 1_000)
IDLE = Idle(units(USDC, 20_000), "aave", STEP)
PLANNER = DeterministicPlanner(replace(MANDATE, idle={USDC: IDLE}), DOCUMENT)
ALICE = DOCUMENT.payees["alice"].address
POOL, ACCOUNT = DOCUMENT.markets["aave"].pool, DOCUMENT.account
AMOUNTS = st.integers(0, units(USDC, 60_000))


def facts(held: int, lent: int, waiting: tuple[int, ...] = ()) -> Facts:
    balances = {**dict.fromkeys(DOCUMENT.tokens, 0), USDC: held}
    queued = tuple((ALICE, Amount(USDC, each)) for each in waiting)
    return facts_of(Scenario((), balances, {}, waiting=queued, supplied={USDC: lent}), DOCUMENT)


def wanted(seen: Facts) -> int:
    """Units of USDC that the job lends, below zero those it takes back."""
    moves = [intent for unit in PLANNER.plan(ask("lend"), seen).units for intent in unit.intents]
    if not moves:
        return 0
    (move,) = moves
    assert isinstance(move, Supply | Withdraw)
    return move.amount_units.value if isinstance(move, Supply) else -move.amount_units.value


@given(AMOUNTS, AMOUNTS, st.lists(AMOUNTS.filter(bool), max_size=3))
def test_lending_leaves_what_waits_for_guardians_beside_what_the_mandate_keeps(
    held: int, lent: int, waiting: list[int]
) -> None:
    """It never lends below both together, and brings back as much of what is missing as is lent."""
    move, both = wanted(facts(held, lent, tuple(waiting))), IDLE.keep_units + sum(waiting)
    if move > 0:
        assert held - move >= both
    elif move < 0:
        assert -move == min(both - held, lent)
    else:
        assert abs(held - both) < STEP or not lent or held >= both


@given(st.integers(0, units(USDC, 500_000)))
def test_a_supply_leaves_room_for_the_interest_that_comes_before_it_is_mined(lent: int) -> None:
    """At the very largest position the Kernel refuses it, a block later."""
    (reserve,) = (each for each in DOCUMENT.markets["aave"].reserves if each.token == USDC)
    move = wanted(facts(units(USDC, 900_000), lent))
    assert move >= 0
    assert move == 0 or lent + move <= reserve.most_units - reserve.most_units // 1_000
    assert move > 0 or lent + STEP > reserve.most_units - reserve.most_units // 1_000


def test_a_rejected_nonce_frees_what_was_kept_for_it() -> None:
    seen = facts(units(USDC, 60_000), 0, (units(USDC, 30_000),))
    assert wanted(seen) == units(USDC, 10_000)
    used = replace(seen, safe=replace(seen.safe, nonce=seen.queue[0].tx.nonce + 1))
    assert wanted(used) == units(USDC, 40_000)


def queued(seen: Facts, *calls: Call) -> Facts:
    """With a transaction of these calls waiting at the next nonce."""
    tx = dress(calls, DOCUMENT, seen.safe.nonce)
    return replace(seen, queue=(Queued(tx, Digest("0x" + "00" * 32), ALICE, (), ""),))


def call(to: str, data: bytes) -> Call:
    return Call(Account(ACCOUNT.chain_id, ACCOUNT.safe), to, 0, data)  # type: ignore[arg-type]


def test_what_a_waiting_unit_takes_back_itself_need_not_be_kept_for_it() -> None:
    usdc = DOCUMENT.tokens[USDC].token.address
    withdrawal = call(POOL, encode_withdraw(WithdrawOrder(usdc, 700, ACCOUNT.safe)))
    payment = call(usdc, encode_transfer(ALICE, 1_000))
    supply = call(POOL, encode_supply(SupplyOrder(usdc, 50, ACCOUNT.safe)))
    seen = facts(0, 0)
    assert promised(queued(seen, withdrawal, payment), DOCUMENT) == {USDC: 300}
    assert promised(queued(seen, withdrawal), DOCUMENT) == {}
    assert promised(queued(seen, supply, payment), DOCUMENT) == {USDC: 1_050}
    assert promised(queued(seen, call(ALICE, b"\x01\x02\x03\x04")), DOCUMENT) == {}
