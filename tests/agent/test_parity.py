"""Before guarded mode starts: what stands on chain is ours and says what the documents say, field by field."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from agent.blueprint import price_terms
from strongroom.chain.rpc import RpcChain
from strongroom.errors import NotDeployed, PolicyMismatch
from strongroom.model import Address
from strongroom.protocols.price_source import PriceTerms, terms_from, terms_reads
from strongroom.wallet.deploy import artifact
from strongroom.world.people import ALICE, STRANGER
from strongroom.world.treasury import DAI, WETH
from strongroom.world.world import World
from tests.agent.installed import Site


@pytest.fixture
def site(world: World, chain: RpcChain, tmp_path: Path) -> Site:
    return Site.of(world, chain, tmp_path)


def test_what_was_planned_passes(site: Site) -> None:
    registry = site.world.deploy(artifact("AuditRegistry").creation)
    site.check(site.stand(site.birth()), registry)


# THE KERNEL


@pytest.mark.parametrize(
    ("field", "seconds", "said"),
    [
        ("config_delay_seconds", 7_260, "`config_delay` of [kernel] is `2 hours` here and `121 minutes` in the Kernel"),
        ("rekey_delay_seconds", 7_200, "`rekey_delay` of [kernel] is `1 hour` here and `2 hours` in the Kernel"),
        ("window_seconds", 8 * 86_400, "`window` of [kernel] is `1 week` here and `8 days` in the Kernel"),
    ],
)
def test_a_kernel_born_with_another_delay_is_refused_by_name(site: Site, field: str, seconds: int, said: str) -> None:
    """Root, hash and key are the documents' own: nothing else would show it."""
    kernel = site.stand(replace(site.birth(), **{field: seconds}))
    with pytest.raises(PolicyMismatch, match=re.escape(said)):
        site.check(kernel)


def test_a_kernel_gated_by_somebodys_registry_is_refused_by_name(site: Site) -> None:
    """A registry that refuses to bind would stop the agent whenever it likes."""
    kernel = site.stand(replace(site.birth(), registry=STRANGER.address))
    with pytest.raises(PolicyMismatch, match=f"the Kernel's own registry is .* `{STRANGER.address}`"):
        site.check(kernel)


def test_a_pause_only_key_that_the_kernel_lacks_is_refused_until_the_safe_adds_it(site: Site) -> None:
    terms = replace(site.policy.kernel, pause_only=(ALICE.address,))
    site.rewrite(replace(site.policy, kernel=terms))
    kernel = site.stand(replace(site.birth(), guardians=()))
    with pytest.raises(PolicyMismatch, match=rf"`pause_only` of \[kernel\] is `{ALICE.address}`") as refused:
        site.check(kernel)
    (data,) = re.findall(r"`0x([0-9a-f]+)`", str(refused.value))
    site.as_safe(kernel, bytes.fromhex(data))
    site.check(kernel)


# THE PRICE SOURCES


def stranger_source(site: Site, **changes: object) -> Address:
    """A source of our code for WETH with other terms, named in the policy, and a Kernel born with that policy."""
    listed = site.policy.tokens[WETH]
    terms = replace(price_terms(listed, site.policy, site.known), **changes)
    source = site.world.deploy(artifact("PriceSource").creation + terms.encoded)
    site.rewrite(replace(site.policy, tokens={**site.policy.tokens, WETH: replace(listed, source=source)}))
    return source


def test_every_term_of_a_source_reads_back(site: Site) -> None:
    listed = site.policy.tokens[WETH]
    wanted = replace(price_terms(listed, site.policy, site.known), first_max_age_seconds=61, second_max_age_seconds=62)
    source = stranger_source(site, first_max_age_seconds=61, second_max_age_seconds=62)
    assert terms_from(site.chain.read(terms_reads(source), site.chain.head())) == wanted


def _other_terms(site: Site) -> dict[str, object]:
    dai = site.policy.tokens[DAI]
    return {
        "token": dai.token.address,
        "first_feed": dai.feeds[0],
        "second_feed": dai.feeds[1],
        "first_max_age_seconds": 4_501,
        "second_max_age_seconds": 7 * 86_400,
        "max_deviation_bps": 151,
        "sequencer": dai.feeds[0],
    }


@pytest.mark.parametrize("field", [f for f in PriceTerms.__slots__ if f != "decimals"])
def test_a_strangers_source_is_refused_by_the_name_of_the_term_that_differs(site: Site, field: str) -> None:
    """Decimals cannot differ alone: the constructor compares them with the token's."""
    ours = price_terms(site.policy.tokens[WETH], site.policy, site.known)
    other = _other_terms(site)[field]
    source = stranger_source(site, **{field: other})
    kernel = site.stand(site.birth())
    said = f"`{field}` of the price source of `WETH` is `{getattr(ours, field)}` here and `{other}` in {source}"
    with pytest.raises(PolicyMismatch, match=re.escape(said)):
        site.check(kernel)


def test_a_source_with_our_terms_at_another_address_is_refused(site: Site) -> None:
    """Its constants that nobody can read could be anything: only the planned address commits to them."""
    source = stranger_source(site)
    kernel = site.stand(site.birth())
    with pytest.raises(PolicyMismatch, match=f"the address of the price source of `WETH` .* `{source}`"):
        site.check(kernel)


def test_a_source_of_other_code_is_refused(site: Site) -> None:
    listed = site.policy.tokens[WETH]
    other = site.world.deploy(artifact("AuditRegistry").creation)
    site.rewrite(replace(site.policy, tokens={**site.policy.tokens, WETH: replace(listed, source=other)}))
    kernel = site.stand(site.birth())
    with pytest.raises(NotDeployed, match=f"price source of `WETH` at `{other}`; .* in policy.toml"):
        site.check(kernel)


def test_a_source_that_watches_no_sequencer_is_refused_on_an_l2(site: Site) -> None:
    kernel = site.stand(site.birth())
    site.check(kernel)
    feed = site.world.feeds[DAI][0]
    site.edit("chains.toml", 'kind = "l1"', f'kind = "l2"\nsequencer = "{feed}"')
    with pytest.raises(PolicyMismatch, match=f"`sequencer` of the price source of .* is `{feed}` here"):
        site.check(kernel)


# THE REGISTRY


def test_a_registry_of_other_code_is_refused(site: Site) -> None:
    kernel = site.stand(site.birth())
    for other in (STRANGER.address, kernel):
        with pytest.raises(NotDeployed, match=f"AuditRegistry of this version at `{other}`"):
            site.check(kernel, other)
