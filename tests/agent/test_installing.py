"""What is planned for the owners to sign: everything from the documents, and nothing that could not run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.installing import plan_installation
from agent.updating import plan_update
from strongroom.addresses import keccak
from strongroom.chain.rpc import RpcChain
from strongroom.errors import BadValue, NotNamed, PolicyMismatch
from strongroom.model import Address
from strongroom.protocols.abi import encode_arguments, encode_call
from strongroom.protocols.kernel import (
    MAX_DELAY_SECONDS,
    MIN_DELAY_SECONDS,
    MIN_WINDOW_SECONDS,
    fixed_from,
    fixed_reads,
    guardian_read,
)
from strongroom.wallet.deploy import artifact
from strongroom.world.artifacts import creation_code
from strongroom.world.people import AGENT, ALICE, DEPLOYER, GUARDIANS
from strongroom.world.treasury import WETH
from strongroom.world.world import World
from tests.agent.installed import Site

UP, DOWN = 0, 1
HOUR = 3_600


@pytest.fixture
def site(world: World, chain: RpcChain, tmp_path: Path) -> Site:
    return Site.of(world, chain, tmp_path)


# THE KERNEL'S OWN TERMS


def test_the_kernel_is_planned_with_the_documents_own_terms(site: Site) -> None:
    """And has them once the owners have signed."""
    terms = replace(
        site.policy.kernel, config_delay_seconds=5 * HOUR, rekey_delay_seconds=6 * HOUR, pause_only=(ALICE.address,)
    )
    site.rewrite(replace(site.policy, kernel=terms))
    planned = plan_installation(site.folder, AGENT.address)
    assert planned["delays"] == {"config": 5 * HOUR, "rekey": 6 * HOUR, "window": 7 * 86_400}
    kernel = site.sign(planned)
    *fixed, is_guardian = site.chain.read(
        [*fixed_reads(kernel), guardian_read(kernel, ALICE.address)], site.chain.head()
    )
    found = fixed_from(fixed)
    assert found is not None
    assert (found.config_delay_seconds, found.rekey_delay_seconds, found.window_seconds) == (
        *(5 * HOUR, 6 * HOUR),
        7 * 86_400,
    )
    assert is_guardian
    site.check(kernel)


def test_another_term_is_another_kernel(site: Site) -> None:
    """The address commits to them, so what the owners read is what they get."""
    before = plan_installation(site.folder, AGENT.address)["kernel"]
    site.edit("policy.toml", 'rekey_delay = "1 hour"', 'rekey_delay = "2 hours"')
    assert plan_installation(site.folder, AGENT.address)["kernel"] != before


@pytest.mark.parametrize("field", ["config_delay_seconds", "rekey_delay_seconds", "window_seconds"])
def test_the_document_takes_exactly_what_the_contract_takes(site: Site, field: str) -> None:
    least = MIN_WINDOW_SECONDS if field == "window_seconds" else MIN_DELAY_SECONDS
    kernel, birth = artifact("Kernel").creation, site.birth()
    for seconds in (least, MAX_DELAY_SECONDS):
        site.world.deploy(kernel + replace(birth, **{field: seconds}).encoded)
    for seconds in (least - 1, MAX_DELAY_SECONDS + 1):
        with pytest.raises(ValueError, match="reverted"):
            site.world.deploy(kernel + replace(birth, **{field: seconds}).encoded)


def test_an_agent_that_is_a_guardian_is_refused(site: Site) -> None:
    site.rewrite(replace(site.policy, kernel=replace(site.policy.kernel, pause_only=(ALICE.address,))))
    for key in (ALICE.address, GUARDIANS[0].address):
        with pytest.raises(BadValue, match="a key of its own"):
            plan_installation(site.folder, key)


# CHANGING THE POLICY OF A KERNEL THAT STANDS


@pytest.fixture
def standing(site: Site) -> Site:
    kernel = site.sign(plan_installation(site.folder, AGENT.address))
    site.edit("treasury.toml", "[account]\n", f'[account]\nkernel = "{kernel}"\n')
    return site


def test_a_changed_policy_is_planned_for_the_kernel_that_stands(standing: Site) -> None:
    standing.edit("policy.toml", "15_000 USDC", "14_000 USDC")
    assert len(plan_update(standing.folder)["announce"]) > 10


def test_delays_are_for_good_so_an_update_of_them_is_refused(standing: Site) -> None:
    """The owners would sign for days, and then guarded mode would not start."""
    standing.edit("policy.toml", 'config_delay = "2 hours"', 'config_delay = "1 hour"')
    with pytest.raises(PolicyMismatch, match="they are for good"):
        plan_update(standing.folder)


def test_a_new_pause_only_key_is_added_before_the_policy_names_it(standing: Site) -> None:
    terms = replace(standing.policy.kernel, pause_only=(ALICE.address,))
    standing.rewrite(replace(standing.policy, kernel=terms))
    with pytest.raises(PolicyMismatch, match="the Safe sends the Kernel"):
        plan_update(standing.folder)


# SOURCES ON AN L2


def sequencer_feed(world: World, answer: int) -> Address:
    """Chainlink's uptime feeds answer 0 for up and 1 for down."""
    return world.deploy(creation_code("MockV3Aggregator") + encode_arguments(["uint8", "int256"], [0, answer]))


def report(world: World, feed: Address, answer: int) -> None:
    world.send_as(DEPLOYER.address, feed, encode_call("updateAnswer(int256)", answer))


def declare_l2(site: Site, feed: Address | None) -> None:
    named = f'\nsequencer = "{feed}"' if feed else ""
    site.edit("chains.toml", 'kind = "l1"', f'kind = "l2"{named}')


def prices(site: Site, source: Address) -> str:
    """What `prices()` reverts with, by its first four bytes; empty where it answers."""
    from strongroom.errors import NodeRefused

    try:
        site.world.ask("eth_call", {"to": source, "data": "0x" + encode_call("prices()").hex()}, "latest")
    except NodeRefused as refused:
        return refused.data[:4].hex()
    return ""


def test_on_an_l2_no_source_is_planned_without_the_feed_of_its_sequencer(site: Site) -> None:
    declare_l2(site, None)
    with pytest.raises(NotNamed, match=r"\[chains.31337\] of chains.toml names no `sequencer`; .* uptime feed"):
        plan_installation(site.folder, AGENT.address)


def test_payments_on_an_l2_need_no_sequencer(site: Site) -> None:
    declare_l2(site, None)
    bare = {id_: replace(listed, source=None) for id_, listed in site.policy.tokens.items()}
    site.rewrite(replace(site.policy, losses=None, watch=None, tokens=bare))
    assert plan_installation(site.folder, AGENT.address)["sources"] == {}


def test_a_chain_that_nobody_describes_is_not_installed_on(site: Site) -> None:
    """It might be an L2."""
    (site.folder / "chains.toml").unlink()
    with pytest.raises(BadValue, match="`31337` cannot be used for the chain"):
        plan_installation(site.folder, AGENT.address)


def test_the_source_of_another_sequencer_is_not_the_one_named(site: Site) -> None:
    """The policy was written for an L1; what it names would watch nothing."""
    declare_l2(site, sequencer_feed(site.world, UP))
    with pytest.raises((BadValue, NotNamed), match=r"\[tokens\..* write `source = "):
        plan_installation(site.folder, AGENT.address)


def test_sources_on_an_l2_stop_while_its_sequencer_is_down_and_an_hour_longer(site: Site) -> None:
    feed = sequencer_feed(site.world, UP)
    declare_l2(site, feed)
    site.name_sources()
    planned = plan_installation(site.folder, AGENT.address)
    site.world.advance(HOUR)
    site.check(site.sign(planned))
    down, source = keccak(b"SequencerDown(uint256)")[:4].hex(), planned["sources"][WETH]
    assert prices(site, source) == ""
    report(site.world, feed, DOWN)
    assert prices(site, source) == down
    report(site.world, feed, UP)
    site.world.advance(HOUR - 60)
    assert prices(site, source) == down
    site.world.advance(60)
    assert prices(site, source) == ""
