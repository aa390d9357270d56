"""Before guarded mode starts: what stands on chain is ours and says what the documents say, field by field."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.app import subject_of
from agent.blueprint import price_terms
from agent.parity import require_parity
from policies.terms import PolicyDocument
from strongroom.chain.rpc import RpcChain
from strongroom.errors import BadValue, NotDeployed, PolicyMismatch
from strongroom.model import NATIVE, Address
from strongroom.protocols.abi import encode_call
from strongroom.protocols.kernel import encode_add_guardian, encode_announce, encode_enable_module
from strongroom.protocols.price_source import PriceTerms, terms_from, terms_reads
from strongroom.protocols.watch import Watched
from strongroom.wallet.deploy import artifact
from strongroom.world.people import AGENT, ALICE, STRANGER
from strongroom.world.treasury import DAI, ETH, HALL, WETH
from strongroom.world.world import World
from tests.agent.installed import Site


@pytest.fixture
def site(world: World, chain: RpcChain, tmp_path: Path) -> Site:
    return Site.of(world, chain, tmp_path)


def test_what_was_planned_passes(site: Site) -> None:
    registry = site.world.deploy(artifact("AuditRegistry").creation)
    site.check(site.stand(site.birth()), registry)


class Counting:
    """The real chain, and what it is asked."""

    def __init__(self, chain: RpcChain) -> None:
        self._chain, self.asked = chain, list[str]()

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def ask(*arguments: Any) -> Any:
            self.asked.append(method)
            return getattr(self._chain, method)(*arguments)

        return ask


def test_all_is_read_in_one_batch_and_each_contracts_code_once(site: Site) -> None:
    """Before each run: eleven contracts must not take as many questions as they have fields."""
    registry = site.world.deploy(artifact("AuditRegistry").creation)
    kernel = site.stand(site.birth())
    subject = subject_of(site.policy, AGENT.address, kernel, watch=site.plan_watch(kernel).watch.address)
    chain: Any = Counting(site.chain)
    require_parity(chain, subject, site.policy, AGENT.address, site.known, registry)
    plan = site.plan_watch(kernel)
    sources = {each.address for each in plan.sources.values()} | {each.source for each in site.policy.tokens.values()}
    ours = len(("Kernel", "Watch", "AuditRegistry")) + len(sources - {None})
    assert sorted(chain.asked) == sorted(["head", "read", *["code"] * ours])


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
    with pytest.raises(PolicyMismatch, match=rf"`{ALICE.address}` in `pause_only` of \[kernel\]") as refused:
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


def _other_terms(site: Site) -> dict[str, tuple[object, str, str, str]]:
    """By the field of `PriceTerms`: another value, the term's name, and how people write ours and the other."""
    dai, ours = site.policy.tokens[DAI], price_terms(site.policy.tokens[WETH], site.policy, site.known)
    other = dai.token.address, *dai.feeds
    return {
        "token": (other[0], "token", ours.token, other[0]),
        "first_feed": (other[1], "first_feed", ours.first_feed, other[1]),
        "second_feed": (other[2], "second_feed", ours.second_feed, other[2]),
        "first_max_age_seconds": (4_501, "first_max_age", "75 minutes", "4501 seconds"),
        "second_max_age_seconds": (7 * 86_400, "second_max_age", "75 minutes", "1 week"),
        "max_deviation_bps": (151, "max_deviation", "1.5 %", "1.51 %"),
        "sequencer": (other[1], "sequencer", "none", other[1]),
    }


@pytest.mark.parametrize("field", [f for f in PriceTerms.__slots__ if f != "decimals"])
def test_a_strangers_source_is_refused_by_the_name_of_the_term_that_differs(site: Site, field: str) -> None:
    """Decimals cannot differ alone: the constructor compares them with the token's."""
    value, term, ours, other = _other_terms(site)[field]
    source = stranger_source(site, **{field: value})
    kernel = site.stand(site.birth())
    said = f"`{term}` of the price source of `WETH` is `{ours}` here and `{other}` in {source}"
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


# THE WATCH


def born_otherwise(site: Site, kernel: Address, **changes: object) -> Address:
    """A watch of our code with other terms, which the owners make a guardian."""
    birth = replace(site.plan_watch(kernel).birth, **changes)
    watch = site.world.deploy(artifact("Watch").creation + birth.encoded)
    site.as_safe(kernel, encode_add_guardian(watch))
    return watch


def without_watch(site: Site) -> PolicyDocument:
    return site.rewrite(replace(site.policy, watch=None))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("own_token", NATIVE, "`own_token` of [watch] is `0x.*` here and `none` in the watch"),
        ("max_drawdown_bps", 1_050, "`max_drawdown` of [watch] is `10 %` here and `10.5 %` in the watch"),
        ("confirm_blocks", 6, "`confirm_blocks` of [watch] is `5` here and `6` in the watch"),
        ("expiry_blocks", 1, "`expiry_blocks` of [watch] is `600` here and `1` in the watch"),
    ],
)
def test_a_watch_born_with_another_term_is_refused_by_name(site: Site, field: str, value: object, said: str) -> None:
    kernel = site.stand(site.birth())
    pattern = said.replace("[watch]", r"\[watch\]")
    with pytest.raises(PolicyMismatch, match=f"{pattern}; `strongroom policy update` plans"):
        site.check(kernel, watch=born_otherwise(site, kernel, **{field: value}))


def test_the_watch_of_another_kernel_is_refused(site: Site) -> None:
    kernel, other = site.stand(site.birth()), site.stand(replace(site.birth(), window_seconds=8 * 86_400))
    watch = site.plan_watch(other).watch.address
    with pytest.raises(PolicyMismatch, match=f"the Kernel is `{kernel}` here and `{other}` in the watch"):
        site.check(kernel, watch=watch)


def test_a_watch_that_counts_one_token_less_or_one_more_is_refused(site: Site) -> None:
    """Less and it sees a loss where there is none, or none where there is one."""
    assert site.policy.watch is not None
    site.rewrite(replace(site.policy, watch=replace(site.policy.watch, own_token=None)))
    kernel = site.stand(site.birth())
    all_ = site.plan_watch(kernel).birth.watched
    dai = site.policy.tokens[DAI].token.address
    fewer = tuple(each for each in all_ if each.token != dai)
    with pytest.raises(PolicyMismatch, match=r"`DAI` in `tokens` of \[watch\] is `counted` here"):
        site.check(kernel, watch=born_otherwise(site, kernel, watched=fewer))
    hall = site.policy.tokens[HALL]
    more = (*all_, Watched(hall.token.address, hall.source or NATIVE))
    with pytest.raises(PolicyMismatch, match=r"`HALL` in `tokens` of \[watch\] is `not counted` here"):
        site.check(kernel, watch=born_otherwise(site, kernel, watched=more))


def test_a_watch_with_another_price_source_is_refused_by_the_sources_own_terms(site: Site) -> None:
    """Ether's and the shares' sources stand in no document."""
    kernel = site.stand(site.birth())
    planned = site.plan_watch(kernel)
    terms = replace(planned.terms[ETH], first_max_age_seconds=7 * 86_400)
    source = site.world.deploy(artifact("PriceSource").creation + terms.encoded)
    watched = tuple(Watched(NATIVE, source) if each.token == NATIVE else each for each in planned.birth.watched)
    watch = born_otherwise(site, kernel, watched=watched)
    with pytest.raises(PolicyMismatch, match="`first_max_age` of the price source of `ETH` is `75 minutes` here"):
        site.check(kernel, watch=watch)


def test_a_source_with_the_same_terms_elsewhere_is_refused_for_the_watch_too(site: Site) -> None:
    kernel = site.stand(site.birth())
    planned = site.plan_watch(kernel)
    source = site.world.deploy(artifact("PriceSource").creation + planned.terms[ETH].encoded)
    watched = tuple(Watched(NATIVE, source) if each.token == NATIVE else each for each in planned.birth.watched)
    watch = born_otherwise(site, kernel, watched=watched)
    with pytest.raises(PolicyMismatch, match=f"the address of the price source of `ETH` .* `{source}` in the watch"):
        site.check(kernel, watch=watch)


def test_a_watch_that_stands_elsewhere_is_refused_although_all_its_terms_are_right(site: Site) -> None:
    """Only the planned address commits to the Safe whose balances it reads."""
    kernel = site.stand(site.birth())
    watch = born_otherwise(site, kernel)
    with pytest.raises(PolicyMismatch, match=f"the address of the watch is .* `{watch}` in treasury.toml"):
        site.check(kernel, watch=watch)


def test_a_watch_that_is_no_guardian_is_refused_since_it_could_pause_nothing(site: Site) -> None:
    kernel = site.stand(site.birth())
    watch = site.plan_watch(kernel).watch.address
    site.as_safe(kernel, encode_announce(encode_call("removeGuardian(address)", watch)))
    site.world.advance(2 * 3_600)
    site.as_safe(kernel, encode_call("removeGuardian(address)", watch))
    with pytest.raises(PolicyMismatch, match="the watch is `guardian` here and `no guardian` in the Kernel"):
        site.check(kernel)


def test_a_policy_with_a_watch_that_treasury_toml_does_not_name_is_refused(site: Site) -> None:
    kernel = site.stand(site.birth())
    subject = subject_of(site.policy, AGENT.address, kernel)
    with pytest.raises(NotDeployed, match=r"no watch at `nowhere`; name `watch` in treasury\.toml"):
        require_parity(site.chain, subject, site.policy, AGENT.address, site.known)


def test_a_watch_of_other_code_is_refused(site: Site) -> None:
    kernel = site.stand(site.birth())
    for other in (STRANGER.address, kernel):
        with pytest.raises(NotDeployed, match=f"Watch of this version at `{other}`; .* in treasury.toml"):
            site.check(kernel, watch=other)


def test_a_watch_that_the_policy_knows_nothing_of_is_refused(site: Site) -> None:
    """It could pause on terms that nobody signed for."""
    watch = site.plan_watch(site.stand(site.birth())).watch.address
    policy = without_watch(site)
    kernel = site.world.deploy(artifact("Kernel").creation + site.birth().encoded)
    site.as_safe(site.world.account.safe, encode_enable_module(kernel))
    subject = subject_of(policy, AGENT.address, kernel)
    require_parity(site.chain, subject, policy, AGENT.address, site.known)
    with pytest.raises(BadValue, match=f"`{watch}` .* `watch` in treasury.toml; policy.toml has no"):
        require_parity(site.chain, replace(subject, watch=watch), policy, AGENT.address, site.known)
