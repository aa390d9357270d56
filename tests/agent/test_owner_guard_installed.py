"""The owners' guard from document to chain: installed with the Kernel, exchanged, and what it lets a replacement do."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.cli.installing import update_lines
from agent.guard_announcements import ANNOUNCEMENT, INSTALLATION
from agent.updating import plan_update
from guardians.blueprint import birth_of, plan_owner_guard
from policies.owner_guarding import OwnerGuardTerms
from strongroom.chain.rpc import RpcChain
from strongroom.errors import BadValue
from strongroom.model import NATIVE, Address
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.kernel import (
    encode_disable_module,
    encode_enable_module,
)
from strongroom.protocols.multisend import decode_multisend
from strongroom.protocols.owner_guard import change_hash, encode_announce_change, encode_set_guard, encode_veto
from strongroom.wallet.deploy import artifact, plan_kernel
from strongroom.world.people import AGENT, ALICE, GUARDIANS, NEXT_AGENT, STRANGER
from strongroom.world.treasury import USDC, units
from strongroom.world.world import World
from tests.agent.conftest import Run
from tests.agent.installed import Site
from tests.agent.stand import DAY, Stand, replaced

INES, JONAS, KEMI = GUARDIANS


@pytest.fixture
def stand(world: World, chain: RpcChain, tmp_path: Path) -> Stand:
    return Stand(Site.of(world, chain, tmp_path))


@pytest.fixture
def unguarded(stand: Stand) -> Stand:
    """The same without the owners' guard, so that a replacement needs one transaction."""
    stand.site.rewrite(replace(stand.site.policy, owner_guard=None))
    return stand


# THE GUARD, INSTALLED WITH THE KERNEL


def test_the_guard_is_set_last_and_the_agent_pays_under_it(stand: Stand) -> None:
    planned = stand.plan(AGENT.address)
    last = decode_multisend(stand.world.account, bytes.fromhex(planned["transaction"]["data"][2:]))[-1]
    assert (last.to, last.data) == (stand.safe, encode_set_guard(planned["owner_guard"]))
    assert stand.signs(planned) and stand.state.guard == planned["owner_guard"]
    wanted = plan_owner_guard(stand.site.policy, planned["kernel"], stand.site.known.create2_factory)
    assert wanted and wanted.address == planned["owner_guard"]
    assert stand.pays(planned["kernel"], AGENT.address, units(USDC, 100))


def test_owners_who_do_not_announce_a_module_are_refused_and_still_pay(stand: Stand) -> None:
    stand.install()
    assert not stand.sends(stand.safe, encode_enable_module(STRANGER.address))
    assert not stand.sends(stand.safe, encode_set_guard(NATIVE))
    usdc = stand.world.contracts.tokens[USDC]
    assert stand.sends(usdc, encode_transfer(ALICE.address, 1))


def test_a_policy_may_leave_the_guard_out(stand: Stand) -> None:
    assert stand.site.policy.owner_guard == OwnerGuardTerms()
    stand.site.rewrite(replace(stand.site.policy, owner_guard=None))
    planned = stand.plan(AGENT.address)
    assert planned["owner_guard"] is None and planned["guard_delays"] is None
    assert stand.signs(planned) and stand.state.guard == NATIVE


def test_a_safe_with_another_guard_is_refused_in_one_line(stand: Stand) -> None:
    """Whoever set it decides about it."""
    kernel = stand.world.deploy(artifact("Kernel").creation + birth_of(stand.site.policy, STRANGER.address).encoded)
    foreign = stand.world.deploy(_answers_as_guard())
    assert kernel and stand.sends(stand.safe, encode_set_guard(foreign))
    with pytest.raises(BadValue, match=f"`{foreign}` cannot be used for a Safe's guard beside ours") as refused:
        stand.plan(AGENT.address)
    assert "\n" not in str(refused.value)
    stand.site.rewrite(replace(stand.site.policy, owner_guard=None))
    assert stand.plan(AGENT.address)["owner_guard"] is None


def _answers_as_guard() -> bytes:
    """Creation code of a contract that answers one to whatever it is asked."""
    runtime = bytes.fromhex("600160005260206000f3")
    return bytes.fromhex("69") + runtime + bytes.fromhex("600052600a6016f3")


# A REPLACEMENT UNDER THE GUARD


def guarded_replacement(stand: Stand) -> tuple[Address, dict[str, Any]]:
    """Kernel, watch and guard stand, a thief took what there was, and the replacement is planned."""
    old = stand.install()
    stand.drain(old, AGENT.address)
    return old, replaced(stand, old)


def announce(stand: Stand, planned: dict[str, Any]) -> None:
    assert planned["announcement"]["transaction"] and stand.signs(planned["announcement"])


def test_under_the_guard_a_replacement_is_announced_and_made_when_the_delay_is_over(stand: Stand) -> None:
    """The same Kernel at both times, though levels have drained meanwhile."""
    old, planned = guarded_replacement(stand)
    told = planned["announcement"]
    assert told["guard"] == stand.state.guard and not told["is_ready"]
    disable = encode_disable_module(Address("0x" + "00" * 19 + "01"), old)
    wanted = [disable, encode_enable_module(planned["kernel"]), encode_set_guard(planned["owner_guard"])]
    assert told["calls"] == ["0x" + each.hex() for each in wanted]
    assert not stand.signs(planned)
    announce(stand, planned)
    waiting = stand.plan()
    assert waiting["announcement"]["transaction"] is None and not waiting["announcement"]["is_ready"]
    assert not stand.signs(waiting)
    stand.world.advance(2 * DAY)
    ready = stand.plan()
    assert ready["announcement"]["is_ready"]
    assert {each["kernel"] for each in (planned, waiting, ready)} == {planned["kernel"]}
    assert stand.signs(ready) and stand.state.modules == (planned["kernel"],)
    assert stand.state.guard == planned["owner_guard"]
    assert stand.room(Address(planned["kernel"])) <= stand.room(old)


def test_without_the_kept_plan_another_kernel_is_planned_and_announced_anew(stand: Stand) -> None:
    """The levels of now are another Kernel's: what was announced for the first does not let it in."""
    _, planned = guarded_replacement(stand)
    announce(stand, planned)
    stand.world.advance(2 * DAY)
    (stand.site.folder / INSTALLATION).unlink()
    anew = stand.plan()
    assert anew["kernel"] != planned["kernel"] and anew["announcement"]["transaction"]
    assert len(anew["announcement"]["changes"]) == 3 and not stand.signs(anew)


@pytest.mark.parametrize("spoilt", ["", "{}", '{"buckets": [], "kernel": 1}', '{"buckets": 3}'])
def test_a_spoilt_plan_is_no_plan(stand: Stand, spoilt: str) -> None:
    _, planned = guarded_replacement(stand)
    (stand.site.folder / INSTALLATION).write_text(spoilt)
    assert stand.plan()["announcement"]["transaction"] and planned


def test_a_plan_with_less_spent_than_was_is_not_kept(stand: Stand) -> None:
    _, planned = guarded_replacement(stand)
    emptied = [{**each, "level_units": 0} for each in planned["buckets"]]
    birth, factory = birth_of(stand.site.policy, NEXT_AGENT.address), stand.site.known.create2_factory
    kernel = plan_kernel(stand.world.account, birth, factory).address
    (stand.site.folder / INSTALLATION).write_text(json.dumps({**planned, "buckets": emptied, "kernel": kernel}))
    assert stand.plan()["kernel"] != kernel


def test_an_owner_vetoes_a_new_kernel(stand: Stand) -> None:
    _, planned = guarded_replacement(stand)
    announce(stand, planned)
    change = change_hash(encode_enable_module(planned["kernel"]))
    assert stand.world.send_as(KEMI.address, stand.state.guard, encode_veto(change)).success
    stand.world.advance(2 * DAY)
    again = stand.plan()
    missing = decode_multisend(stand.world.account, bytes.fromhex(again["announcement"]["transaction"]["data"][2:]))
    assert [each.data for each in missing] == [encode_announce_change(encode_enable_module(planned["kernel"]))]
    assert not stand.signs(again)


def test_the_guard_cannot_be_left_out_while_it_stands(stand: Stand) -> None:
    stand.pause(stand.install())
    stand.site.rewrite(replace(stand.site.policy, owner_guard=None))
    with pytest.raises(BadValue, match="take the guard out first"):
        stand.plan()


def test_a_guardian_recognises_it_under_the_guard_once_it_is_announced_and_ready(stand: Stand) -> None:
    _, planned = guarded_replacement(stand)
    assert stand.reviewed().installation is None
    announce(stand, planned)
    stand.world.advance(2 * DAY)
    stand.plan()
    found = stand.reviewed().installation
    assert found and found.owner_guard == planned["owner_guard"]


# THE GUARD FOR A KERNEL THAT STANDS


def test_an_update_sets_the_guard_that_is_missing_as_its_last_call(unguarded: Stand) -> None:
    kernel = unguarded.install()
    unguarded.site.rewrite(replace(unguarded.site.policy, owner_guard=OwnerGuardTerms()))
    update = plan_update(unguarded.site.folder)
    wanted = plan_owner_guard(unguarded.site.policy, kernel, unguarded.site.known.create2_factory)
    assert wanted and update["owner_guard"] == wanted.address and update["exchanges_guard"] is None
    assert not update["unchanged"] and unguarded.signs(update)
    assert f"   and sets the owners' guard {wanted.address}" in "\n".join(update_lines({**update, "file": "f"}))
    assert unguarded.state.guard == wanted.address
    assert plan_update(unguarded.site.folder)["owner_guard"] is None


def test_an_update_exchanges_a_guard_with_other_terms_by_announcing(stand: Stand) -> None:
    kernel = stand.install()
    standing = stand.state.guard
    stand.site.rewrite(replace(stand.site.policy, owner_guard=OwnerGuardTerms(3 * DAY, 7 * DAY)))
    update = plan_update(stand.site.folder)
    told = update["exchanges_guard"]
    assert told["guard"] == standing and told["ready_at"] == 0
    assert f"announces the new guard {update['owner_guard']}: 2 days later" in "\n".join(
        update_lines({**update, "file": "f"})
    )
    assert stand.signs(update) and stand.state.guard == standing
    change = bytes.fromhex(told["set_guard"][2:])
    assert not stand.sends(stand.safe, change)
    stand.world.advance(2 * DAY)
    assert plan_update(stand.site.folder)["exchanges_guard"]["ready_at"]
    assert stand.sends(stand.safe, change) and stand.state.guard == update["owner_guard"]
    assert stand.state.modules == (kernel,)


# WHAT THE COMMAND SAYS


def test_the_command_says_each_step_of_a_replacement_under_the_guard(stand: Stand, run: Run) -> None:
    old = stand.install()
    replaced(stand, old)
    (stand.site.folder / INSTALLATION).unlink()

    def told() -> str:
        code, out, err = run("policy", "deploy", "--agent", NEXT_AGENT.address, "--config", stand.site.folder)
        assert (code, err) == (0, "")
        return out

    first = told()
    assert "UNAUDITED contracts: begin with caps you could afford to lose." in first.splitlines()
    assert f"instead of the paused {old}: what that has spent counts as spent" in first
    assert "1. The Safe is under its owners' guard" in first and "2. The owners sign this Safe transaction" in first
    kernel = json.loads((stand.site.folder / INSTALLATION).read_text())["kernel"]
    announcement = json.loads((stand.site.folder / ANNOUNCEMENT).read_text())
    assert f"--change 'enableModule({kernel})'" in first
    assert announcement["safe_tx_hash"] in first and stand.signs(announcement)
    assert "1. The changes are announced. Wait until" in told()
    stand.world.advance(2 * DAY)
    last = told()
    assert "1. The owners sign this Safe transaction" in last and "2. Then, in treasury.toml:" in last
    assert stand.signs(json.loads((stand.site.folder / INSTALLATION).read_text()))
