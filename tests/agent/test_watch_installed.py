"""The watch from document to chain: installed with the Kernel, added to one that stands, exchanged, and used."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.app import open_documents
from agent.cli.installing import deploy_text, update_lines
from agent.example import TEAM
from agent.installing import plan_installation
from agent.updating import plan_update
from policies.terms import PolicyDocument
from policies.watching import counted
from strongroom.chain.rpc import RpcChain
from strongroom.model import NATIVE, Address, Operation, WatchState
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.kernel import guardian_read, state_from, state_reads
from strongroom.protocols.price_source import terms_from, terms_reads
from strongroom.protocols.watch import birth_from, birth_reads, encode_trip, watch_from, watch_reads
from strongroom.quantities import format_seconds
from strongroom.world.people import AGENT, ALICE, DEPLOYER, GUARDIANS, STRANGER
from strongroom.world.treasury import PRICES_E8, USDC, WETH, units
from strongroom.world.world import World
from tests.agent.conftest import Run
from tests.agent.installed import Site

CONFIRM, HOUR = 5, 3_600


@pytest.fixture
def site(world: World, chain: RpcChain, tmp_path: Path) -> Site:
    return Site.of(world, chain, tmp_path)


def read(site: Site, reads: Any) -> list[Any]:
    return site.chain.read(list(reads), site.chain.head())


def state(site: Site, watch: Address) -> WatchState:
    found = watch_from(watch, read(site, watch_reads(watch)))
    assert found is not None
    return found


def is_guardian(site: Site, kernel: Address, watch: Address) -> bool:
    return bool(read(site, [guardian_read(kernel, watch)])[0])


def paused(site: Site, kernel: Address) -> bool:
    found = state_from(kernel, read(site, state_reads(kernel)), {}, True)
    assert found is not None
    return found.paused


def trip(site: Site, watch: Address) -> bool:
    return site.world.send_as(STRANGER.address, watch, encode_trip()).success


# INSTALLED WITH THE KERNEL


def test_the_watch_is_born_with_the_documents_own_terms_and_guards_the_kernel(site: Site) -> None:
    planned = plan_installation(site.folder, AGENT.address)
    kernel, watch = site.sign(planned), planned["watch"]
    policy = site.policy
    assert policy.watch is not None
    born = birth_from(read(site, birth_reads(watch)))
    assert born is not None and (born.kernel, born.own_token) == (kernel, policy.watch.own_token)
    assert (born.max_drawdown_bps, born.confirm_blocks, born.expiry_blocks) == (1_000, CONFIRM, 600)
    tokens = {policy.token(id_).address for id_ in counted(policy)}  # type: ignore[union-attr]
    assert {each.token for each in born.watched} == tokens and len(tokens) == 6
    for each in born.watched:
        terms = terms_from(read(site, terms_reads(each.source)))
        assert terms is not None and terms.token == each.token
    assert is_guardian(site, kernel, watch)
    site.check(kernel, watch=watch)


def test_the_command_names_the_watch_and_what_to_write_into_treasury_toml(site: Site) -> None:
    planned = plan_installation(site.folder, AGENT.address)
    lines = deploy_text({**planned, "file": "installation.json"}).splitlines()
    assert f'   watch = "{planned["watch"]}"  # in [account]' in lines
    assert {line.split()[3] for line in lines if line.startswith("price source of")} == set(planned["sources"])
    assert {"ETH", "USDC@aave", "WETH"} <= set(planned["sources"])


def test_once_ether_has_lost_a_third_a_stranger_pauses_the_kernel_and_not_before(site: Site) -> None:
    """With the example's own weights and bounds."""
    planned = plan_installation(site.folder, AGENT.address)
    kernel, watch = site.sign(planned), planned["watch"]
    assert not trip(site, watch)
    site.world.move_market(WETH, PRICES_E8[WETH][0] * 65 // 100)
    site.world.advance(60)
    assert state(site, watch).has_fallen and trip(site, watch) and not paused(site, kernel)
    site.world.ask("anvil_mine", hex(CONFIRM))
    assert trip(site, watch) and paused(site, kernel)


def test_without_the_table_no_watch_is_planned(site: Site) -> None:
    site.rewrite(replace(site.policy, watch=None))
    planned = plan_installation(site.folder, AGENT.address)
    assert planned["watch"] is None and set(planned["sources"]) == {"WETH", "USDC", "DAI", "HALL"}
    assert "watch" not in deploy_text({**planned, "file": "x"})


def test_another_bound_is_another_kernel_and_another_watch(site: Site) -> None:
    """The document's hash covers it."""
    before = plan_installation(site.folder, AGENT.address)
    site.edit("policy.toml", 'max_drawdown = "10 %"', 'max_drawdown = "11 %"')
    after = plan_installation(site.folder, AGENT.address)
    assert before["kernel"] != after["kernel"] and before["watch"] != after["watch"]


def test_a_watch_that_somebody_made_before_takes_its_mark_from_the_installation(site: Site) -> None:
    """Its maker chose the hour: the mark of a poorer day would hide losses."""
    planned = plan_installation(site.folder, AGENT.address)
    site.world.move_market(WETH, PRICES_E8[WETH][0] * 65 // 100)
    site.world.advance(60)
    for call in made_by_anybody(site, planned):
        assert site.world.send_as(DEPLOYER.address, call[0], call[1]).success
    poor = state(site, planned["watch"]).mark_e8
    site.world.move_market(WETH, PRICES_E8[WETH][0])
    site.world.advance(60)
    again = plan_installation(site.folder, AGENT.address)
    assert again["watch"] == planned["watch"]
    site.sign(again)
    found = state(site, planned["watch"])
    assert found.mark_e8 == found.wealth_e8 and found.mark_e8 > poor


def made_by_anybody(site: Site, planned: dict[str, Any]) -> list[tuple[Address, bytes]]:
    """The factory's calls of the installation: whoever reads the queue may send them first."""
    from strongroom.protocols.multisend import decode_multisend

    data = bytes.fromhex(planned["transaction"]["data"][2:])
    factory = site.known.create2_factory
    return [(each.to, each.data) for each in decode_multisend(site.policy.account, data) if each.to == factory]


# ADDED TO A KERNEL THAT STANDS


def installed(site: Site, policy: PolicyDocument) -> Address:
    """The Kernel of another policy, named in treasury.toml, with its watch where it has one."""
    wanted = site.policy
    site.rewrite(policy)
    planned = plan_installation(site.folder, AGENT.address)
    kernel = site.sign(planned)
    named = "".join(f'{each} = "{planned[each]}"\n' for each in ("kernel", "watch") if planned[each])
    site.edit("treasury.toml", "[account]\n", f"[account]\n{named}")
    site.rewrite(wanted)
    return kernel


def carry_out(site: Site, update: dict[str, Any]) -> None:
    """The owners sign it; after the delay a guardian sends the rest."""
    tx = update["transaction"]
    data, operation = bytes.fromhex(tx["data"][2:]), Operation(tx["operation"])
    world, to = site.world, Address(tx["to"])
    assert world.safe_exec(world.account, GUARDIANS[:2], to, data, 0, operation).success
    world.advance(2 * HOUR)
    assert guardian_sends(site, update["kernel"], update["set_policy"])


def guardian_sends(site: Site, kernel: Address, data: str) -> bool:
    return site.world.send_as(GUARDIANS[0].address, kernel, bytes.fromhex(data[2:])).success


def test_a_kernel_without_a_watch_gets_the_policys_in_the_transaction_that_announces_it(site: Site) -> None:
    kernel = installed(site, replace(site.policy, watch=None))
    update = plan_update(site.folder)
    assert update["adds_watch"] and set(update["sources"]) == {"ETH", "USDC@aave", "DAI@aave"}
    carry_out(site, update)
    assert is_guardian(site, kernel, update["watch"])
    site.check(kernel, watch=update["watch"])
    told = list(update_lines({**update, "file": "update.json"}))
    assert f'3. Then, in treasury.toml: watch = "{update["watch"]}"  # in [account]' in told


def test_the_command_keeps_a_long_transaction_in_a_file_that_holds_all_of_it(site: Site, run: Run) -> None:
    installed(site, replace(site.policy, watch=None))
    code, out, _ = run("policy", "update", "--config", site.folder)
    kept = json.loads((site.folder / "update.json").read_text())
    update = plan_update(site.folder)
    assert code == 0 and {**kept, "file": ""} == {**update, "file": ""}
    assert f"   hash {update['safe_tx_hash']}" in out.splitlines() and "update.json" in out
    assert f"makes the watch {update['watch']} a guardian, which may pause at once" in out


def test_a_kernel_whose_watch_stands_is_asked_for_one_plain_call(site: Site) -> None:
    installed(site, site.policy)
    site.edit("policy.toml", "15_000 USDC", "14_000 USDC")
    update = plan_update(site.folder)
    assert (update["adds_watch"], update["sources"], update["dropped"]) == (False, {}, None)
    tx = update["transaction"]
    assert (tx["to"], tx["operation"], tx["data"]) == (update["kernel"], 0, update["announce"])


def test_another_bound_makes_another_watch_and_the_old_one_is_dropped_by_announcement(site: Site) -> None:
    kernel = installed(site, site.policy)
    old = open_documents(site.folder).treasury.watch
    assert old is not None
    site.edit("policy.toml", 'max_drawdown = "10 %"', 'max_drawdown = "20 %"')
    update = plan_update(site.folder)
    assert update["watch"] != old and update["dropped"]["watch"] == old
    carry_out(site, update)
    site.check(kernel, watch=update["watch"])
    assert is_guardian(site, kernel, old)
    site.as_safe(kernel, bytes.fromhex(update["dropped"]["announce"][2:]))
    assert not guardian_sends(site, kernel, update["dropped"]["remove"]), "it waits"
    site.world.advance(2 * HOUR)
    assert guardian_sends(site, kernel, update["dropped"]["remove"])
    assert not is_guardian(site, kernel, old) and is_guardian(site, kernel, update["watch"])
    told = "\n".join(update_lines({**update, "file": "update.json"}))
    assert f"After step 2: the watch {old} may pause until the Kernel drops it" in told


def test_a_policy_that_wants_no_watch_any_more_drops_the_one_that_stands(site: Site) -> None:
    installed(site, site.policy)
    site.rewrite(replace(site.policy, watch=None))
    update = plan_update(site.folder)
    assert (update["watch"], update["adds_watch"]) == (None, False)
    assert update["dropped"]["watch"] == open_documents(site.folder).treasury.watch
    assert "3. Then treasury.toml names no `watch`" in list(update_lines({**update, "file": "update.json"}))


def test_without_an_anchoring_key_the_deployment_says_that_nothing_is_anchored(site: Site) -> None:
    told = deploy_text({**plan_installation(site.folder, AGENT.address), "file": "x"})
    assert f"no anchoring key at {site.folder / 'state' / 'keystore' / 'anchor.json'}" in told
    assert "the log will not be anchored" in told and "registry =" not in told
    assert "after a fall of 10 % anybody can use it to pause the Kernel" in told


def test_what_the_kernel_enforces_already_is_nothing_to_sign(site: Site, run: Run) -> None:
    installed(site, site.policy)
    code, out, _ = run("policy", "update", "--config", site.folder)
    assert (code, out) == (0, "the Kernel already enforces this policy; nothing to sign\n")
    assert not (site.folder / "update.json").exists()


def test_the_caps_that_change_are_told_with_the_delay_and_long_data_is_kept_in_a_file(site: Site, run: Run) -> None:
    installed(site, site.policy)
    caps = site.policy.caps
    cap = caps[TEAM][USDC]
    smaller = replace(cap, at_once_units=units(USDC, 10_000))
    site.rewrite(replace(site.policy, caps={**caps, TEAM: {**caps[TEAM], USDC: smaller}}))
    code, out, _ = run("policy", "update", "--config", site.folder)
    kept = json.loads((site.folder / "update.json").read_text())
    assert code == 0 and max(map(len, out.splitlines())) < 250
    (row,) = [line for line in out.splitlines() if " -> " in line]
    assert row.split()[:3] == ["pay", "team", "USDC"]
    assert "15,000.00 at once" in row and "10,000.00 at once" in row.partition("->")[2]
    delay = site.policy.kernel.config_delay_seconds
    assert f"2. After {format_seconds(delay)}, unless a guardian vetoes" in out
    assert kept["set_policy"].startswith("0x") and kept["set_policy"] not in out
    site.as_safe(Address(kept["kernel"]), bytes.fromhex(kept["announce"][2:]))
    site.world.advance(delay)
    assert guardian_sends(site, Address(kept["kernel"]), kept["set_policy"])
    assert plan_update(site.folder)["unchanged"]


def test_a_guardian_stops_an_announced_policy_with_the_data_that_the_update_prints(site: Site, run: Run) -> None:
    installed(site, site.policy)
    site.edit("policy.toml", 'max_drawdown = "10 %"', 'max_drawdown = "11 %"')
    code, out, _ = run("policy", "update", "--config", site.folder)
    kept = json.loads((site.folder / "update.json").read_text())
    kernel = Address(kept["kernel"])
    assert code == 0 and f"   to {kernel}, data: {kept['veto']}" in out.splitlines()
    site.as_safe(kernel, bytes.fromhex(kept["announce"][2:]))
    site.world.advance(site.policy.kernel.config_delay_seconds)
    assert guardian_sends(site, kernel, kept["veto"])
    assert not guardian_sends(site, kernel, kept["set_policy"])


def test_large_payments_of_the_owners_and_ether_itself_are_seen(site: Site) -> None:
    """What leaves beside the Kernel is a loss until the Safe sets the mark anew."""
    planned = plan_installation(site.folder, AGENT.address)
    site.sign(planned)
    before = state(site, planned["watch"])
    usdc = site.policy.tokens[USDC].token.address
    site.as_safe(usdc, encode_transfer(ALICE.address, units(USDC, 200_000)))
    after = state(site, planned["watch"])
    assert after.has_fallen and before.wealth_e8 - after.wealth_e8 >= 199_000 * 10**8  # type: ignore[operator]
    site.world.set_balance(site.world.account.safe, 0)
    assert NATIVE in {each.token for each in birth_from(read(site, birth_reads(planned["watch"]))).watched}  # type: ignore[union-attr]
    assert state(site, planned["watch"]).wealth_e8 < after.wealth_e8  # type: ignore[operator]
