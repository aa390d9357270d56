"""`strongroom rekey`: what it prints is sent as it is, and after a fall the new key is not paused again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.installing import plan_installation
from strongroom.chain.rpc import RpcChain
from strongroom.model import Address, Operation
from strongroom.observe import safe_state
from strongroom.protocols.kernel import guardian_read, state_from, state_reads
from strongroom.protocols.watch import encode_trip
from strongroom.world.people import AGENT, GUARDIANS, NEXT_AGENT, STRANGER
from strongroom.world.treasury import PRICES_E8, WETH
from strongroom.world.world import World
from tests.agent.conftest import Run
from tests.agent.installed import Site

CONFIRM, HOUR = 5, 3_600


@pytest.fixture
def site(world: World, chain: RpcChain, tmp_path: Path) -> Site:
    return Site.of(world, chain, tmp_path)


def install(site: Site) -> dict[str, Any]:
    """Kernel and, where the policy wants one, watch; treasury.toml names them. The Safe is under its owners' guard,
    which no re-key waits for."""
    planned = plan_installation(site.folder, AGENT.address)
    site.sign(planned)
    assert safe_state(site.chain, site.world.account.safe, site.chain.head()).guard == planned["owner_guard"]
    named = "".join(f'{each} = "{planned[each]}"\n' for each in ("kernel", "watch") if planned[each])
    site.edit("treasury.toml", "[account]\n", f"[account]\n{named}")
    return planned


def trip(site: Site, watch: Address) -> bool:
    return site.world.send_as(STRANGER.address, watch, encode_trip()).success


def falls_and_pauses(site: Site, watch: Address) -> None:
    site.world.move_market(WETH, PRICES_E8[WETH][0] * 65 // 100)
    assert trip(site, watch)
    site.world.ask("anvil_mine", hex(CONFIRM))
    assert trip(site, watch)


def kernel_state(site: Site, kernel: Address) -> Any:
    found = state_from(kernel, site.chain.read(list(state_reads(kernel)), site.chain.head()), {}, True)
    assert found is not None
    return found


def printed(site: Site, run: Run, *options: str) -> dict[str, Any]:
    code, out, _ = run("rekey", NEXT_AGENT.address, *options, "--config", site.folder, "--json")
    assert code == 0
    return dict(json.loads(out))


def send_batch(site: Site, batch: dict[str, Any]) -> bool:
    data, operation = bytes.fromhex(batch["data"][2:]), Operation(batch["operation"])
    world = site.world
    return world.safe_exec(world.account, GUARDIANS[:2], Address(batch["to"]), data, 0, operation).success


def test_after_a_fall_one_safe_transaction_re_keys_and_sets_the_mark_anew(site: Site, run: Run) -> None:
    planned = install(site)
    kernel, watch = planned["kernel"], planned["watch"]
    falls_and_pauses(site, watch)
    plan = printed(site, run)
    site.as_safe(kernel, bytes.fromhex(plan["announce"][2:]))
    assert not send_batch(site, plan["batch"]), "the delay is not over"
    site.world.advance(HOUR)
    assert send_batch(site, plan["batch"])
    state = kernel_state(site, kernel)
    assert (state.agent, state.paused) == (NEXT_AGENT.address, False)
    assert not trip(site, watch), "the fall is in the mark"


def test_the_re_key_alone_leaves_the_fall_to_be_tripped_again(site: Site, run: Run) -> None:
    """Why the batch is what is printed first; the plain call is there for when a price is missing."""
    planned = install(site)
    kernel, watch = planned["kernel"], planned["watch"]
    falls_and_pauses(site, watch)
    plan = printed(site, run)
    site.as_safe(kernel, bytes.fromhex(plan["announce"][2:]))
    site.world.advance(2 * 86_400, feeds=False)
    assert not send_batch(site, plan["batch"]), "no mark without a price"
    assert site.world.send_as(GUARDIANS[0].address, kernel, bytes.fromhex(plan["rekey"][2:])).success
    assert kernel_state(site, kernel).agent == NEXT_AGENT.address
    site.world.advance(1)
    assert trip(site, watch)


def test_both_ways_are_told_in_words_with_the_bytes_of_the_json(site: Site, run: Run) -> None:
    install(site)
    plan = printed(site, run)
    _, told, _ = run("rekey", NEXT_AGENT.address, "--config", site.folder)
    lines = [line.strip() for line in told.splitlines()]
    assert [lines.count(each) for each in (plan["announce"], plan["batch"]["data"], plan["rekey"])] == [1, 1, 1]
    assert f"It re-keys and sets the mark of the watch {plan['watch']} anew" in told
    assert lines[-1].startswith("3. An owner removes the old delegate")


def test_without_a_watch_any_guardian_sends_the_re_key(site: Site, run: Run) -> None:
    site.rewrite(replace(site.policy, watch=None))
    kernel = install(site)["kernel"]
    plan = printed(site, run)
    assert (plan["watch"], plan["rebase"], plan["batch"]) == (None, None, None)
    _, told, _ = run("rekey", NEXT_AGENT.address, "--config", site.folder)
    assert "2. After 1 hour, and within 1 week then, any guardian or owner sends: to " in told
    assert "watch" not in told.replace(str(site.folder), "")
    site.as_safe(kernel, bytes.fromhex(plan["announce"][2:]))
    site.world.advance(HOUR)
    assert site.world.send_as(GUARDIANS[2].address, kernel, bytes.fromhex(plan["rekey"][2:])).success


def test_a_guardian_dropped_in_the_same_step_is_the_watch_if_it_is_named(site: Site, run: Run) -> None:
    planned = install(site)
    kernel, watch = planned["kernel"], planned["watch"]
    plan = printed(site, run, "--drop", watch)
    site.as_safe(kernel, bytes.fromhex(plan["announce"][2:]))
    site.world.advance(HOUR)
    assert send_batch(site, plan["batch"])
    assert site.chain.read([guardian_read(kernel, watch)], site.chain.head()) == [False]


def refused(run: Run, site: Site, *arguments: str) -> str:
    code, out, err = run("rekey", *arguments, "--config", site.folder)
    assert (code, out) == (1, "")
    return str(err)


def test_a_key_that_the_kernel_would_refuse_is_refused_before_anybody_signs(site: Site, run: Run) -> None:
    """In the kill card's words; the Kernel itself says so only after the owners have signed and the delay is over."""
    install(site)
    for address, why in (
        (AGENT.address, "it is the agent already"),
        (GUARDIANS[0].address, "it owns the Safe"),
        (site.world.account.safe, "it has code"),
    ):
        assert f"`{address}` cannot be used for the new agent; {why}" in refused(run, site, address)
    printed(site, run)


def test_nobody_is_dropped_who_is_no_guardian(site: Site, run: Run) -> None:
    planned = install(site)
    new = NEXT_AGENT.address
    told = refused(run, site, new, "--drop", planned["watch"], "--drop", STRANGER.address)
    assert f"`{STRANGER.address}` cannot be used for --drop; it is no guardian" in told
    told = refused(run, site, new, "--drop", GUARDIANS[0].address)
    assert f"`{GUARDIANS[0].address}` cannot be used for --drop; it owns the Safe" in told


def test_without_a_kernel_there_is_nothing_to_re_key(site: Site, run: Run) -> None:
    assert "treasury.toml names no `kernel`; " in refused(run, site, NEXT_AGENT.address)


def test_the_file_holds_the_safe_transaction_that_is_next(site: Site, run: Run) -> None:
    """First the announcement; once that is in force, the batch that makes it, at the nonce and hash that are told."""
    planned = install(site)
    first = printed(site, run)
    written = json.loads((site.folder / "rekey.json").read_text())
    assert (written, written["transaction"]["data"]) == (first, first["announce"])
    _, told, _ = run("rekey", NEXT_AGENT.address, "--config", site.folder)
    assert f"nonce {first['transaction']['nonce']}, hash {first['safe_tx_hash']}, in {first['file']}:" in told
    assert first["ready_at"] == 0 and "Step 1 is done" not in told
    site.as_safe(planned["kernel"], bytes.fromhex(first["announce"][2:]))
    second = printed(site, run)
    _, told, _ = run("rekey", NEXT_AGENT.address, "--config", site.folder)
    assert second["transaction"]["data"] == second["batch"]["data"] and not second["is_ready"]
    assert "Step 1 is done: it is announced, and can be made from 20" in told and second["safe_tx_hash"] in told
    site.world.advance(HOUR)
    assert printed(site, run)["is_ready"]
    assert site.world.safe_exec(
        site.world.account,
        GUARDIANS[:2],
        Address(second["transaction"]["to"]),
        bytes.fromhex(second["transaction"]["data"][2:]),
        0,
        Operation(second["transaction"]["operation"]),
    ).success
