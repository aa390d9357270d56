"""Idle tokens are lent and come back when they are needed, on the real Aave V3, by the mandate alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from agent.app import open_documents, open_treasurer
from agent.demo import guarded
from agent.demo.scene import PASSWORD, Scene
from agent.desk import OwnDesk
from guardians.documents import subject_of
from guardians.review import find_queued, review
from guardians.wording import describe_calls
from strongroom.addresses import keccak
from strongroom.chain.rpc import RpcChain
from strongroom.ledger.reading import read_entries
from strongroom.model import Address, Digest, TokenId, Verdict
from strongroom.notices import MemoryNotices
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import encode_approve, read_allowance, read_balance
from strongroom.protocols.kernel import encode_pause
from strongroom.protocols.uniswap_v3 import ExactInput, encode_exact_input
from strongroom.settings import Mode
from strongroom.world.people import DEPLOYER, GUARDIANS, OPERATOR
from strongroom.world.treasury import DAI, USDC, WETH, units
from strongroom.world.world import World
from tests.agent.begun import begun_scene
from tests.agent.house import House


@pytest.fixture
def scene(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setenv("STRONGROOM_PASSWORD", PASSWORD)
    with begun_scene(world, tmp_path) as begun:
        yield guarded.install(begun)


def desk(stack: ExitStack, scene: Scene) -> OwnDesk:
    opened = open_treasurer(open_documents(scene.documents(Mode.GUARDED)), MemoryNotices())
    return OwnDesk(stack.enter_context(opened))


def told(unit: dict[str, Any]) -> tuple[str, str, list[Any]]:
    return unit["lane"], unit["status"], unit["findings"]


ALONE = ("agent", "executed", [])
ALONE_USDC = 300_000
"""The most that one supply of USDC may be without guardians."""


def lent(scene: Scene, token: TokenId) -> int:
    lending, safe = scene.world.contracts.lending, scene.world.account.safe
    return scene.read(read_balance(lending.reserves[token].a_token, safe))


def test_idle_tokens_are_lent_alone_and_payments_take_back_what_they_need(scene: Scene) -> None:
    contracts, safe = scene.world.contracts, scene.world.account.safe
    with ExitStack() as stack:
        treasurer = desk(stack, scene)
        supplied = treasurer.cycle("lend")["units"]
        assert [told(unit) for unit in supplied] == [ALONE, ALONE]
        # Interest has come on top since.
        assert units(USDC, ALONE_USDC) - 2 <= lent(scene, USDC) < units(USDC, ALONE_USDC + 1)
        assert units(DAI, 50_000) - 2 <= lent(scene, DAI) < units(DAI, 50_001)
        _leave(scene, USDC, units(USDC, 1_000))
        (payroll,) = treasurer.cycle("payroll")["units"]
        assert told(payroll) == ALONE
        assert scene.held(safe, USDC) == 0
        assert abs(lent(scene, USDC) - units(USDC, ALONE_USDC - 27_500)) < units(USDC, 1)
        (bonus,) = treasurer.chat(OPERATOR.name, "pay 400 USDC to alice for the audit")["units"]
        assert told(bonus) == ALONE
    assert scene.held(safe, USDC) == 0
    with closing(RpcChain(scene.world.url)) as chain:
        left = read_allowance(contracts.tokens[USDC], safe, contracts.lending.pool)
        assert chain.read([left], chain.head()) == [0]


def test_no_guardian_is_asked_for_interest(scene: Scene) -> None:
    """A day later the bucket is still near empty: what flowed back is lent, and the rest waits for another day."""
    with ExitStack() as stack:
        treasurer = desk(stack, scene)
        first = treasurer.cycle("lend")
        assert first["rationale"] == (
            "lend 300,000.00 USDC and 50,000.00 DAI; the mandate keeps 25,000.00 USDC and 30,000.00 DAI in the Safe"
        )
        scene.world.advance(86_400)
        second = treasurer.cycle("lend")["units"]
    (dai,) = [unit for unit in second if DAI in unit["id"]]
    assert [told(unit) for unit in second] == [ALONE] * len(second)
    assert 0 < int(dai["lends"][DAI]) < units(DAI, 50_000)


def test_nothing_is_lent_while_the_kernel_is_paused(scene: Scene) -> None:
    assert scene.kernel is not None
    with ExitStack() as stack:
        treasurer = desk(stack, scene)
        assert scene.world.send_as(GUARDIANS[0].address, scene.kernel, encode_pause()).success
        answer = treasurer.cycle("lend")
    assert answer["units"] == [] and answer["rationale"].startswith("the Kernel is paused")


def _leave(scene: Scene, token: TokenId, amount: int) -> None:
    """As though the rest had been spent so long ago that no window still counts it."""
    _hold(scene, scene.world.account.safe, token, amount)


def _hold(scene: Scene, holder: Address, token: TokenId, amount: int) -> None:
    """Writes the balance into the token's storage."""
    slot = keccak(bytes(12) + bytes.fromhex(holder[2:]) + bytes(32))
    scene.world.ask("anvil_setStorageAt", scene.world.contracts.tokens[token], "0x" + slot.hex(), f"0x{amount:064x}")
    assert scene.held(holder, token) == amount


def _sell_at_the_cheapest_pool(scene: Scene, amount: int) -> None:
    """A stranger's trade, after which it is no longer the best place for all of a swap."""
    world, contracts = scene.world, scene.world.contracts
    world.mint(WETH, DEPLOYER.address, amount)
    pair = contracts.tokens[WETH], contracts.tokens[USDC]
    order = ExactInput(*pair, 500, DEPLOYER.address, 2**40, amount, 0)
    world.send_as(DEPLOYER.address, pair[0], encode_approve(contracts.swap_router, amount))
    assert world.send_as(DEPLOYER.address, contracts.swap_router, encode_exact_input(order)).success


def test_a_swap_alone_goes_over_pools_and_pairs_and_leaves_no_approval(scene: Scene) -> None:
    contracts, safe = scene.world.contracts, scene.world.account.safe
    _sell_at_the_cheapest_pool(scene, units(WETH, 60))
    with ExitStack() as stack:
        treasurer = desk(stack, scene)
        unit = treasurer.chat(OPERATOR.name, "swap 15 WETH to USDC")["units"][0]
    assert told(unit) == ALONE
    used = {pool["pool"] for pool in unit["swaps"][0]["pools"]}
    assert contracts.pair(WETH, USDC).address in used
    assert len(used) > 1
    with closing(RpcChain(scene.world.url)) as chain:
        routers = (contracts.swap_router, contracts.pair_router)
        left = [read_allowance(contracts.tokens[WETH], safe, router) for router in routers]
        assert chain.read(left, chain.head()) == [0, 0]


def test_what_the_mandate_keeps_comes_back_and_a_market_without_cash_stops_the_payment(scene: Scene) -> None:
    contracts, safe = scene.world.contracts, scene.world.account.safe
    with ExitStack() as stack:
        treasurer = desk(stack, scene)
        treasurer.cycle("lend")
        _leave(scene, USDC, units(USDC, 20_000))
        scene.world.advance(86_400)
        tomorrow = [unit for unit in treasurer.cycle("lend")["units"] if USDC in unit["id"]]
        assert [told(unit) for unit in tomorrow] == [ALONE]
        assert scene.held(safe, USDC) == units(USDC, 25_000)
        _leave(scene, USDC, units(USDC, 1_000))
        _hold(scene, contracts.lending.reserves[USDC].a_token, USDC, units(USDC, 500))
        before = lent(scene, USDC)
        (payroll,) = treasurer.cycle("payroll")["units"]
    assert (payroll["status"], payroll["tx_hash"]) == ("denied", "")
    assert any("not lent out" in finding["reason"] for finding in payroll["findings"])
    assert scene.held(safe, USDC) == units(USDC, 1_000)
    assert lent(scene, USDC) >= before


def test_a_position_that_earns_while_a_payment_is_mined_is_as_rehearsed(scene: Scene) -> None:
    """Interest of an hour is in what moved, and nobody is alarmed by it."""
    with ExitStack() as stack:
        treasurer = desk(stack, scene)
        treasurer.cycle("lend")
        scene.world.ask("evm_increaseTime", 3_600)
        (paid,) = treasurer.chat(OPERATOR.name, "pay 400 USDC to alice for the audit")["units"]
    assert told(paid) == ALONE
    entries = [entry.body for entry in read_entries(scene.state / "ledger") if entry.type == "tx.mined"]
    mined = next(body for body in entries if body["unit"] == paid["id"])
    earned = [int(delta["units"]) for delta in mined["deltas"] if delta["token"] == "USDC@aave"]
    assert len(earned) == 1 and units(USDC, 1) // 10 < earned[0] < units(USDC, 10)
    assert [body["as_rehearsed"] for body in entries if "as_rehearsed" in body] == [True] * 3


def test_an_account_with_a_debt_lends_nothing_more(scene: Scene) -> None:
    contracts, safe = scene.world.contracts, scene.world.account.safe
    terms = (contracts.tokens[USDC], units(USDC, 1), 2, 0, safe)
    borrow = encode_call("borrow(address,uint256,uint256,uint16,address)", *terms)
    with ExitStack() as stack:
        treasurer = desk(stack, scene)
        treasurer.cycle("lend")
        assert scene.world.safe_exec(scene.world.account, GUARDIANS[:2], contracts.lending.pool, borrow).success
        scene.world.advance(86_400)
        later = treasurer.cycle("lend")
    assert not later["units"]
    assert later["rationale"] == "the Safe owes something at aave: nothing is lent or taken back there"


def test_guardians_read_what_is_lent_sign_it_and_it_is_executed(house: House, chain: RpcChain) -> None:
    with house.treasurer(Mode.PROPOSE) as treasurer:
        plan = treasurer.runner.cycle({"operation": "lend", "actor": "job:lend", "period": "2026-11", "since": 0})
        unit = next(row for row in plan[1] if USDC in row.id)
        policy = treasurer.documents.policy
        queued = find_queued(house.queue, Digest(unit.binding))
        seen = review(chain, house.queue, policy, subject_of(policy), queued)
        assert {finding.rule for finding in seen.decision.findings if finding.verdict is not Verdict.ALLOW} <= ASKING
        said = " ".join(describe_calls(seen.proposal, policy))
        assert "lend 300,000.00 USDC at aave for the Safe" in said
        house.sign(unit.binding, *GUARDIANS[:2])
        moved = treasurer.runner.poll()
    assert unit.id in {row.id for row in moved if row.status == "executed"}
    share = house.world.contracts.lending.reserves[USDC].a_token
    (position,) = chain.read([read_balance(share, house.world.account.safe)], chain.head())
    assert position >= units(USDC, ALONE_USDC) - 2


ASKING = {"provenance"}
"""Who chose an amount is not in the bytes, so a review counts it as a model's choice."""
