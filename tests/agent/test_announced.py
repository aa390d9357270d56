"""Announced runs on a real Kernel: shown first, run once after their delay, and never once somebody has objected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from agent import example
from agent.app import Treasurer
from agent.demo.scene import PASSWORD, write_key
from agent.desk import OwnDesk
from agent.nodes import announcing
from agent.units import Row
from policies.terms import Cap
from strongroom.chain.rpc import RpcChain
from strongroom.errors import NodeRefused
from strongroom.model import Address, Digest, Plan
from strongroom.ports import Read
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import encode_transfer, read_balance
from strongroom.protocols.kernel import BucketSetting, class_number, encode_pause
from strongroom.protocols.kernel_runs import ANNOUNCED_TOPIC, encode_veto_run, run_ready_read
from strongroom.settings import Mode
from strongroom.world.people import AGENT, ALICE, BOB, GUARDIANS, OPERATOR
from strongroom.world.treasury import USDC, units
from strongroom.world.world import World
from tests.adversarial.lodge import PAYROLL, Lodge, Picture, install, sampled
from tests.agent.conftest import Run
from tests.agent.house import open_house

DAY = 86_400
PAID = units(USDC, 1_000)
ORDER = "pay 1,000 USDC to alice"


@pytest.fixture(scope="module", autouse=True)
def slow_alice() -> Iterator[None]:
    """The example DAO's policy, but alice is paid a day after it was announced."""
    whole = example._policy
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(example, "_policy", lambda world: _slowed(whole(world)))
        yield


def _slowed(policy: Any) -> Any:
    alice = replace(policy.payees[ALICE.name], delay_seconds=DAY)
    return replace(policy, payees={**policy.payees, ALICE.name: alice})


@pytest.fixture(scope="module")
def kernel(slow_alice: None, module_world: World, tmp_path_factory: pytest.TempPathFactory) -> Address:
    folder = tmp_path_factory.mktemp("install")
    texts = example.documents(module_world, "http://127.0.0.1:9", folder / "state", Mode.PROPOSE)
    return install(module_world, example.write(texts, folder))


@pytest.fixture
def lodge(
    kernel: Address,
    world: World,
    chain: RpcChain,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Lodge]:
    monkeypatch.setenv("STRONGROOM_PASSWORD", PASSWORD)
    with open_house(world, tmp_path_factory.mktemp("lodge")) as house:
        yield Lodge(house, chain, kernel)


def held(lodge: Lodge) -> int:
    return ask(lodge, read_balance(lodge.house.world.contracts.tokens[USDC], ALICE.address))


def ask(lodge: Lodge, wanted: Read[int]) -> int:
    (answer,) = lodge.chain.read([wanted], lodge.chain.head())
    assert isinstance(answer, int)
    return answer


def announce(treasurer: Treasurer) -> tuple[dict[str, Any], Digest]:
    (unit,) = OwnDesk(treasurer).chat(OPERATOR.name, ORDER)["units"]
    assert (unit["lane"], unit["status"], unit["verdict"]) == ("agent", "announced", "allow"), unit
    return unit, run_of(treasurer)


def run_of(treasurer: Treasurer) -> Digest:
    (row,) = treasurer.units.asleep()
    return Digest(treasurer.runner.state(row)["announced"]["id"])


def statuses(treasurer: Treasurer) -> list[str]:
    return [row.status for row in treasurer.units.all()]


def test_an_announced_payment_waits_for_its_delay_and_is_then_paid_once(lodge: Lodge) -> None:
    before, world = held(lodge), lodge.house.world
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        announce(treasurer)
        assert treasurer.runner.poll() == ()
        assert held(lodge) == before
        world.advance(DAY - 3_600)
        assert treasurer.runner.poll() == ()
        world.advance(3_600)
        (row,) = treasurer.runner.poll()
        assert (row.lane, row.status) == ("agent", "executed"), row
        assert held(lodge) == before + PAID
        assert treasurer.runner.poll() == ()
    lodge.require_sound_ledger()
    assert lodge.kinds()["tx.intent"] == lodge.kinds()["tx.mined"] == 2


def test_it_sleeps_through_a_spike_of_gas_instead_of_being_denied_for_good(lodge: Lodge) -> None:
    before, world = held(lodge), lodge.house.world
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        announce(treasurer)
        world.advance(DAY)
        most = treasurer.documents.policy.gas.max_base_fee_wei
        world.ask("anvil_setNextBlockBaseFeePerGas", hex(2 * most))
        world.ask("evm_mine")
        assert (treasurer.runner.poll(), statuses(treasurer)) == ((), ["announced"])
        assert "goes on once gas is cheaper" in lodge.house.notices.told[-1]
        world.advance(60)
        (row,) = treasurer.runner.poll()
        assert (row.status, held(lodge)) == ("executed", before + PAID)


def test_a_payroll_with_one_slow_payee_waits_as_a_whole_and_pays_everybody_once(lodge: Lodge) -> None:
    """Standing orders: one of them waits, and the unit is atomic."""
    before = lodge.picture()
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        (unit,) = OwnDesk(treasurer).cycle("payroll")["units"]
        assert (unit["lane"], unit["status"]) == ("agent", "announced"), unit
        assert lodge.picture().since(before).kernel_payments == 0
        assert OwnDesk(treasurer).cycle("payroll")["units"][0]["status"] == "announced"
        lodge.house.world.advance(DAY)
        assert [row.status for row in treasurer.runner.poll()] == ["executed"]
    assert lodge.picture().since(before) == Picture(PAYROLL, 0, 2, len(PAYROLL))
    assert _announcements(lodge) == 1


def test_it_is_announced_and_paid_by_whoever_holds_the_state_folder_next(lodge: Lodge) -> None:
    before = held(lodge)
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        announce(treasurer)
    lodge.house.world.advance(DAY)
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        assert [row.status for row in treasurer.runner.poll()] == ["executed"]
    assert held(lodge) == before + PAID


def test_what_a_guardian_vetoes_is_over_and_never_announced_again(lodge: Lodge) -> None:
    before, world = held(lodge), lodge.house.world
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        _, run = announce(treasurer)
        world.send_as(GUARDIANS[0].address, lodge.kernel, encode_veto_run(run))
        assert [row.status for row in treasurer.runner.poll()] == ["vetoed"]
        world.advance(DAY)
        assert treasurer.runner.poll() == ()
        (row,) = treasurer.units.all()
        assert [each.id for each in treasurer.runner.start(_plan(row), row.cause)] == [row.id]
    (dropped,) = [entry for entry in lodge.entries() if entry.type == "tx.dropped"]
    assert (dropped.body["event"], dropped.body["guardian"]) == ("vetoed", GUARDIANS[0].address)
    assert held(lodge) == before
    lodge.require_sound_ledger()


def _plan(row: Row) -> Plan:
    return Plan(row.plan, row.actor, (row.value(),), "again")


def test_a_veto_counts_also_where_it_comes_once_the_run_is_ready(lodge: Lodge) -> None:
    before, world = held(lodge), lodge.house.world
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        _, run = announce(treasurer)
        world.advance(DAY)
        world.send_as(GUARDIANS[0].address, lodge.kernel, encode_veto_run(run))
        assert [row.status for row in treasurer.runner.poll()] == ["vetoed"]
    assert held(lodge) == before


def test_what_was_not_run_in_its_time_lapses(lodge: Lodge) -> None:
    before, world = held(lodge), lodge.house.world
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        announce(treasurer)
        world.advance(9 * DAY)
        assert [row.status for row in treasurer.runner.poll()] == ["lapsed"]
    assert held(lodge) == before


def test_a_pause_voids_what_is_announced(lodge: Lodge) -> None:
    before, world = held(lodge), lodge.house.world
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        announce(treasurer)
        world.send_as(GUARDIANS[1].address, lodge.kernel, encode_pause())
        assert [row.status for row in treasurer.runner.poll()] == ["voided"]
        world.advance(DAY)
        assert treasurer.runner.poll() == ()
    assert held(lodge) == before


@pytest.mark.parametrize("tightening", ["revoke", "lower"])
def test_what_the_safe_tightens_voids_what_is_announced(lodge: Lodge, tightening: str) -> None:
    world = lodge.house.world
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        announce(treasurer)
        cap = team(treasurer)
        setting = BucketSetting(world.contracts.tokens[USDC], class_number(cap.bucket_class), PAID // 2, DAY)
        lower = encode_call("lowerBucket((address,uint32,uint96,uint96,uint32))", setting.fields)
        call = lower if tightening == "lower" else encode_call("revoke(bytes32)", b"\x11" * 32)
        assert world.safe_exec(world.account, GUARDIANS[:2], lodge.kernel, call).success
        assert [row.status for row in treasurer.runner.poll()] == ["voided"]


def team(treasurer: Treasurer) -> Cap:
    policy = treasurer.documents.policy
    return policy.caps[policy.payees[ALICE.name].bucket_class][USDC]


def test_a_run_that_the_stolen_key_made_is_not_paid_a_second_time(lodge: Lodge) -> None:
    """The thief sends the very run that the treasurer announced; the treasurer finds it gone and pays nothing."""
    before, world = held(lodge), lodge.house.world
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        announce(treasurer)
        (row,) = treasurer.units.asleep()
        run = bytes.fromhex(treasurer.runner.state(row)["action"]["data"][2:])
        world.advance(DAY)
        assert world.send_as(AGENT.address, lodge.kernel, run).success
        assert [row.status for row in treasurer.runner.poll()] == ["taken"]
        assert [each.id for each in treasurer.runner.start(_plan(row), row.cause)] == [row.id]
    assert held(lodge) == before + PAID


@pytest.mark.parametrize("then", ["its time passes", "all is voided"])
def test_a_run_that_was_made_elsewhere_stays_made_whatever_comes_after(lodge: Lodge, then: str) -> None:
    """A folder restored from a backup looks late: what was paid is not announced anew as lapsed or voided."""
    before, world = held(lodge), lodge.house.world
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        announce(treasurer)
        (row,) = treasurer.units.asleep()
        run = bytes.fromhex(treasurer.runner.state(row)["action"]["data"][2:])
        world.advance(DAY)
        assert world.send_as(AGENT.address, lodge.kernel, run).success
        if then == "its time passes":
            world.advance(9 * DAY)
        else:
            revoke = encode_call("revoke(bytes32)", b"\x11" * 32)
            assert world.safe_exec(world.account, GUARDIANS[:2], lodge.kernel, revoke).success
        assert [each.status for each in treasurer.runner.poll()] == ["taken"]
        assert [each.id for each in treasurer.runner.start(_plan(row), row.cause)] == [row.id]
    assert held(lodge) == before + PAID


def test_what_the_owners_paid_by_hand_meanwhile_is_not_paid_again(lodge: Lodge) -> None:
    """Nobody who pays a waiting invoice by hand has to know that it was announced."""
    before, world = held(lodge), lodge.house.world
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        announce(treasurer)
        by_hand = encode_transfer(ALICE.address, PAID)
        assert world.safe_exec(world.account, GUARDIANS[:2], world.contracts.tokens[USDC], by_hand).success
        world.advance(DAY)
        assert [each.status for each in treasurer.runner.poll()] == ["denied"]
        assert treasurer.runner.poll() == ()
    assert held(lodge) == before + PAID


def test_a_veto_while_it_is_being_judged_again_ends_it_as_a_veto(lodge: Lodge, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was ready when it was woken: nothing is announced again because a policy seemed to deny it."""
    before, became = held(lodge), announcing.became
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        _, run = announce(treasurer)
        lodge.house.world.advance(DAY)

        def vetoed_then(*seen: Any) -> str | None:
            said = became(*seen)
            if said == announcing.READY:
                lodge.house.world.send_as(GUARDIANS[0].address, lodge.kernel, encode_veto_run(run))
            return said

        monkeypatch.setattr(announcing, "became", vetoed_then)
        treasurer.runner.poll()
        assert statuses(treasurer) == ["vetoed"]
    assert held(lodge) == before


def test_the_kernel_refuses_a_run_that_nobody_announced(lodge: Lodge) -> None:
    before, world = held(lodge), lodge.house.world
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        _, run = announce(treasurer)
        (row,) = treasurer.units.asleep()
        data = bytes.fromhex(treasurer.runner.state(row)["action"]["data"][2:])
    world.send_as(GUARDIANS[0].address, lodge.kernel, encode_veto_run(run))
    world.advance(DAY)
    with pytest.raises(NodeRefused):
        world.ask("eth_call", {"from": AGENT.address, "to": lodge.kernel, "data": "0x" + data.hex()}, "latest")
    assert held(lodge) == before


def test_the_same_payment_is_not_announced_beside_itself(lodge: Lodge) -> None:
    """The Kernel knows an announcement by its bytes: the second order is denied, and made again once the first is
    paid."""
    before = held(lodge)
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        announce(treasurer)
        (second,) = OwnDesk(treasurer).chat(OPERATOR.name, ORDER)["units"]
        assert (second["status"], second["findings"][-1]["rule"]) == ("denied", "announced")
        lodge.house.world.advance(DAY)
        assert [row.status for row in treasurer.runner.poll()] == ["executed"]
    assert held(lodge) == before + PAID


def test_what_is_announced_is_spoken_for(lodge: Lodge) -> None:
    """Two payments that fit the caps one by one and not together: the second is for guardians."""
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        assert team(treasurer).at_once_units < units(USDC, 9_000 + 8_000)
        desk = OwnDesk(treasurer)
        (first,) = desk.chat(OPERATOR.name, "pay 9,000 USDC to alice")["units"]
        (second,) = desk.chat(OPERATOR.name, "pay 8,000 USDC to bob")["units"]
    assert [(each["lane"], each["status"]) for each in (first, second)] == [
        ("agent", "announced"),
        ("owner", "waiting"),
    ]


def test_what_the_caps_do_not_let_out_when_it_is_ready_is_for_the_owners(lodge: Lodge) -> None:
    """Judged a second time: meanwhile the owners paid somebody else of the same class."""
    before, world = held(lodge), lodge.house.world
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        (unit,) = OwnDesk(treasurer).chat(OPERATOR.name, "pay 9,000 USDC to alice")["units"]
        world.advance(DAY)
        owners_pay = encode_transfer(BOB.address, units(USDC, 14_000))
        assert world.safe_exec(world.account, GUARDIANS[:2], world.contracts.tokens[USDC], owners_pay).success
        (row,) = treasurer.runner.poll()
        assert (row.id, row.lane, row.status) == (unit["id"], "owner", "waiting")
        world.advance(DAY)
        treasurer.runner.poll()
        assert statuses(treasurer) == ["waiting"]
    assert held(lodge) == before


def test_guardians_see_it_and_one_of_them_stops_it(lodge: Lodge, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`status`, the report and the guardians' command say who is paid what, until when, and how to veto it."""
    config, keystore = lodge.config(Mode.GUARDED), lodge.house.home / "kemi.json"
    write_key(keystore, GUARDIANS[1])
    monkeypatch.setenv("STRONGROOM_GUARDIAN_PASSWORD", PASSWORD)
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        unit, id_ = announce(treasurer)
    assert f"announced as run {id_}, made from" in run("show", unit["id"], "--config", config)[1]
    _, status, _ = run("status", "--config", config)
    _, runs, _ = run("guardian", "runs", "--config", config)
    page = page_of(lodge, run)
    for shown in (status, runs, page):
        assert "pay 1,000.00 USDC to alice" in shown and f"veto-run {id_}" in shown, shown
    code, said, err = run("guardian", "veto-run", id_, "--keystore", keystore, "--yes", "--config", config)
    assert code == 0 and said.startswith(f"vetoed as {GUARDIANS[1].address}"), err
    code, _, err = run("guardian", "veto-run", id_, "--keystore", keystore, "--yes", "--config", config)
    assert code == 1 and "no announced run" in err
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        treasurer.runner.poll()
        assert statuses(treasurer) == ["vetoed"]
    assert f"{GUARDIANS[1].address} vetoed it" in page_of(lodge, run)
    assert "nothing is announced" in run("guardian", "runs", "--config", config)[1]


def page_of(lodge: Lodge, run: Run) -> str:
    out = lodge.house.home / "report.html"
    assert run("report", "--out", out, "--config", lodge.config(Mode.GUARDED))[0] == 0
    return out.read_text()


def test_a_stranger_vetoes_nothing(lodge: Lodge, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    config, keystore = lodge.config(Mode.GUARDED), lodge.house.home / "alice.json"
    write_key(keystore, ALICE)
    monkeypatch.setenv("STRONGROOM_GUARDIAN_PASSWORD", PASSWORD)
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        _, id_ = announce(treasurer)
    code, _, err = run("guardian", "veto-run", id_, "--keystore", keystore, "--yes", "--config", config)
    assert code == 1 and "NotGuardian" in err
    assert ask(lodge, run_ready_read(lodge.kernel, id_)) > 0


POINTS = ["verdict recorded", "intent recorded", "signed", "sent", "sending recorded", "mined", "mining recorded"]


@pytest.mark.parametrize("point", sampled(POINTS, ["signed"]))
def test_it_is_announced_once_whoever_is_killed_while_announcing(lodge: Lodge, point: str) -> None:
    before = held(lodge)
    lodge.killed(Mode.GUARDED, "chat", "--as", OPERATOR.name, "-m", ORDER, at=point)
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        treasurer.runner.poll()
        assert statuses(treasurer) == ["announced"]
    assert _announcements(lodge) == 1
    pay(lodge)
    assert held(lodge) == before + PAID


@pytest.mark.parametrize("point", sampled(POINTS, ["sent"]))
def test_it_is_paid_once_whoever_is_killed_while_running_it(lodge: Lodge, point: str) -> None:
    before = held(lodge)
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        announce(treasurer)
    lodge.house.world.advance(DAY)
    lodge.killed(Mode.GUARDED, "run", at=point)
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        treasurer.runner.poll()
        assert statuses(treasurer) == ["executed"]
    assert (held(lodge), _announcements(lodge)) == (before + PAID, 1)
    lodge.require_sound_ledger()


def test_a_veto_that_a_treasurer_died_on_ends_it_all_the_same(lodge: Lodge) -> None:
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        _, run = announce(treasurer)
    lodge.house.world.send_as(GUARDIANS[0].address, lodge.kernel, encode_veto_run(run))
    lodge.killed(Mode.GUARDED, "run", at="drop recorded")
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        treasurer.runner.poll()
        assert statuses(treasurer) == ["vetoed"]
    assert lodge.kinds()["tx.dropped"] == 1


def pay(lodge: Lodge) -> None:
    lodge.house.world.advance(DAY)
    with lodge.treasurer(Mode.GUARDED) as treasurer:
        treasurer.runner.poll()
        assert statuses(treasurer) == ["executed"]


def _announcements(lodge: Lodge) -> int:
    logs = {"address": lodge.kernel, "topics": [ANNOUNCED_TOPIC], "fromBlock": "0x0"}
    return len(lodge.house.world.ask("eth_getLogs", logs))
