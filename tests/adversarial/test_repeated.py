"""Once each, and each once: the same payment wished twice is two payments, one wish taken up twice is one."""

from __future__ import annotations

import pytest

from agent.demo.scene import signing
from agent.desk import OwnDesk
from strongroom.protocols.erc20 import encode_transfer
from strongroom.settings import Mode
from strongroom.world.anvil import BASE_FEE_WEI
from strongroom.world.people import AGENT, ALICE, GUARDIANS, OPERATOR, STRANGER
from strongroom.world.treasury import USDC, units
from tests.adversarial.lodge import PAYROLL, Lodge, Picture

TWO = GUARDIANS[:2]
_DAY = 86_400
ORDER = "pay 10 USDC to alice for the audit"


def test_the_same_order_given_twice_is_paid_twice(lodge: Lodge) -> None:
    """Two orders with equal calldata are two actions: nothing of the first may pass for the second."""
    before = lodge.picture()
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        desk = OwnDesk(treasurer)
        (first,), (second,) = (desk.chat(OPERATOR.name, ORDER)["units"] for _ in range(2))
    assert first["status"] == second["status"] == "executed"
    assert first["tx_hash"] != second["tx_hash"]
    assert lodge.picture().since(before).payees[ALICE.address, USDC] == units(USDC, 20)
    lodge.require_sound_ledger()


def test_every_months_payroll_is_paid(lodge: Lodge) -> None:
    before = lodge.picture()
    for month in ("2030-01", "2030-02"):
        with lodge.treasurer(Mode.GUARDED) as treasurer:
            (unit,) = OwnDesk(treasurer).cycle("payroll", month)["units"]
        assert (unit["status"], unit["lane"]) == ("executed", "agent")
        lodge.house.world.advance(31 * _DAY)
    assert lodge.picture().since(before).payees == {key: 2 * paid for key, paid in PAYROLL.items()}


def test_an_order_does_not_take_the_place_of_a_transaction_that_a_killed_process_had_signed(lodge: Lodge) -> None:
    """Both need the next nonce of the agent's account: what was signed first goes first."""
    before = lodge.picture()
    lodge.killed(Mode.GUARDED, "cycle", "payroll", at="signed")
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        (order,) = OwnDesk(treasurer).chat(OPERATOR.name, ORDER)["units"]
        treasurer.runner.poll()
        assert [row.status for row in treasurer.units.all()] == ["executed", "executed"]
    assert order["status"] == "executed"
    paid = PAYROLL | {(ALICE.address, USDC): PAYROLL[ALICE.address, USDC] + units(USDC, 10)}
    assert lodge.picture().since(before).payees == paid
    lodge.require_sound_ledger()


@pytest.mark.parametrize("mode", [Mode.PROPOSE, Mode.SHADOW])
def test_a_unit_that_another_mode_cut_off_is_neither_lost_nor_begun_again(lodge: Lodge, mode: Mode) -> None:
    """Its Kernel call is signed. A mode without the agent lane cannot go on with it; a proposal beside it would pay
    everybody twice."""
    before = lodge.picture()
    lodge.killed(Mode.GUARDED, "cycle", "payroll", at="signed")
    with lodge.treasurer(mode) as treasurer:
        treasurer.runner.poll()
        (unit,) = OwnDesk(treasurer).cycle("payroll")["units"]
        assert (unit["status"], len(treasurer.units.all())) == ("running", 1)
        assert "set `mode` in treasury.toml back" in treasurer.units.get(unit["id"]).why
    assert lodge.picture().since(before).payees == dict.fromkeys(PAYROLL, 0)
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        assert [row.status for row in treasurer.runner.poll()] == ["executed"]
    assert lodge.picture().since(before).payees == PAYROLL
    lodge.require_sound_ledger()


def test_a_proposal_that_stands_is_never_joined_by_a_second_one_for_the_same_payments(lodge: Lodge) -> None:
    """A signed proposal that drifted can still be executed by anybody: whatever happens in between, another attempt at
    its payments takes its nonce, so that only one of them ever executes."""
    with lodge.treasurer(Mode.PROPOSE) as treasurer:
        desk = OwnDesk(treasurer)
        (first,) = desk.cycle("payroll")["units"]
        lodge.house.sign(first["proposal"], *TWO)
        _take_the_payroll(lodge)
        assert [row.status for row in treasurer.runner.poll()] == ["drifted"]
        assert [unit["status"] for unit in desk.cycle("payroll")["units"]] == ["denied"]
        _bring_it_back(lodge)
        (again,) = desk.cycle("payroll")["units"]
    assert (again["status"], again["nonce"]) == ("waiting", first["nonce"])


def test_beside_a_proposal_that_stands_the_kernel_pays_nothing(lodge: Lodge) -> None:
    """The Kernel knows no nonce of the Safe's: it would pay, and the guardians' signatures, which stay good though the
    service has forgotten them, would pay again."""
    before = lodge.picture()
    with lodge.treasurer(Mode.PROPOSE) as treasurer:
        (first,) = OwnDesk(treasurer).cycle("payroll")["units"]
        lodge.house.sign(first["proposal"], *TWO)
        lodge.gas_costs(_TOO_DEAR_WEI)
        assert [row.status for row in treasurer.runner.poll()] == ["drifted"]
    lodge.gas_costs(BASE_FEE_WEI)
    lodge.house.queue.withdraw(first["proposal"], signing(GUARDIANS[0]))
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        (again,) = OwnDesk(treasurer).cycle("payroll")["units"]
        lodge.house.sign(again["proposal"], *TWO)
        assert (again["lane"], again["nonce"], again["proposal"]) == ("owner", first["nonce"], first["proposal"])
        assert [row.status for row in treasurer.runner.poll()] == ["executed"]
        assert [row.status for row in treasurer.runner.poll()] == ["denied"]
    assert lodge.picture().since(before) == Picture(PAYROLL, safe_nonce=1, agent_nonce=1, kernel_payments=0)
    lodge.require_sound_ledger()


def test_a_second_attempt_that_is_killed_at_its_start_still_takes_the_nonce_of_the_first(lodge: Lodge) -> None:
    """It is then the very transaction that the guardians have signed already, and executes once."""
    before = lodge.picture()
    with lodge.treasurer(Mode.PROPOSE) as treasurer:
        (first,) = OwnDesk(treasurer).cycle("payroll")["units"]
        lodge.house.sign(first["proposal"], *TWO)
        _take_the_payroll(lodge)
        assert [row.status for row in treasurer.runner.poll()] == ["drifted"]
    _bring_it_back(lodge)
    lodge.killed(Mode.PROPOSE, "cycle", "payroll", at="unit added")
    with lodge.child(Mode.PROPOSE, "run", "--every", "0.05") as successor:
        successor.until(": executed\n")
        # Of the first attempt only the rejection of its proposal was left to wait for.
        successor.until(": denied\n")
    assert lodge.house.queue.pending(first["nonce"] + 1) == ()
    assert lodge.picture().since(before) == Picture(PAYROLL, safe_nonce=1, agent_nonce=1, kernel_payments=0)
    lodge.require_sound_ledger()


def test_an_agent_without_gas_signs_nothing_and_executes_once_when_funded(lodge: Lodge) -> None:
    """Proposing costs nothing; executing does. The guardians' signatures are not lost while it waits for coin."""
    before, world = lodge.picture(), lodge.house.world
    with lodge.treasurer(Mode.PROPOSE) as treasurer:
        (unit,) = OwnDesk(treasurer).cycle("payroll")["units"]
        lodge.house.sign(unit["proposal"], *TWO)
        world.set_balance(AGENT.address, 0)
        for _ in range(2):
            assert treasurer.runner.poll() == ()
            row = treasurer.units.get(unit["id"])
            assert row.status == "waiting" and "nothing was started" in row.why and not row.tx_hash
        assert lodge.picture() == before
        world.set_balance(AGENT.address, 10**18)
        (row,) = treasurer.runner.poll()
    assert row.status == "executed"
    assert lodge.picture().since(before) == Picture(PAYROLL, safe_nonce=1, agent_nonce=1, kernel_payments=0)
    lodge.require_sound_ledger()


_SHORT = units(USDC, 398_000)
_TOO_DEAR_WEI = 400 * 10**9


def _take_the_payroll(lodge: Lodge) -> None:
    """The payroll's money leaves the Safe by somebody else's hand."""
    world = lodge.house.world
    usdc, data = world.contracts.tokens[USDC], encode_transfer(STRANGER.address, _SHORT)
    assert world.send_as(world.account.safe, usdc, data).success


def _bring_it_back(lodge: Lodge) -> None:
    lodge.house.world.mint(USDC, lodge.house.world.account.safe, _SHORT)
