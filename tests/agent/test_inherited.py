"""A Kernel in the place of another, on the real Safe: what was spent, stopped and watched goes on."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.app import subject_of as subject_with_key
from agent.cli.installing import deploy_text, update_lines
from agent.parity import require_parity
from agent.updating import plan_update
from guardians.blueprint import birth_of, plan_watch
from guardians.documents import open_documents
from guardians.inheritance import inherited_levels
from policies.grants import compile_policy
from policies.kernel.buckets import level_at, room_at
from policies.terms import PolicyDocument
from strongroom.addresses import to_address, to_digest
from strongroom.chain.rpc import RpcChain
from strongroom.errors import BadValue, NotReplaceable
from strongroom.model import NATIVE, Address, Bucket, Call
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.kernel import (
    Birth,
    BucketSetting,
    decode_birth,
    encode_block,
    encode_disable_module,
    encode_enable_module,
)
from strongroom.protocols.owner_guard import encode_set_guard
from strongroom.protocols.watch import encode_rebase, watch_from, watch_reads
from strongroom.wallet.deploy import artifact, plan_kernel
from strongroom.world.people import AGENT, ALICE, GUARDIANS, NEXT_AGENT, STRANGER
from strongroom.world.treasury import USDC, WETH, units
from strongroom.world.world import World
from tests.agent.installed import Site
from tests.agent.stand import DAY, Stand, rekey, replaced

INES, JONAS, KEMI = GUARDIANS


@pytest.fixture
def stand(world: World, chain: RpcChain, tmp_path: Path) -> Stand:
    return Stand(Site.of(world, chain, tmp_path))


@pytest.fixture
def unguarded(stand: Stand) -> Stand:
    """The same without the owners' guard, so that a replacement needs one transaction."""
    stand.site.rewrite(replace(stand.site.policy, owner_guard=None))
    return stand


# WHAT A NEW KERNEL INHERITS


def test_a_replaced_kernel_cannot_pay_again_what_the_old_one_paid(unguarded: Stand) -> None:
    """The thief empties the bucket, the owners replace the Kernel, and the next thief finds what had flowed back."""
    old = unguarded.install()
    full = unguarded.room(old)
    taken = unguarded.drain(old, AGENT.address)
    assert full - units(USDC, 10) <= taken
    planned = replaced(unguarded, old)
    left = unguarded.room(old)
    assert unguarded.signs(planned) and unguarded.state.modules == (planned["kernel"],)
    new = Address(planned["kernel"])
    assert unguarded.room(new) <= unguarded.room(old) and left < units(USDC, 10)
    assert unguarded.drain(new, NEXT_AGENT.address) <= units(USDC, 10)
    unguarded.world.advance(15 * DAY)
    assert unguarded.room(new) <= unguarded.room(old)
    assert unguarded.drain(new, NEXT_AGENT.address) > 0
    assert not unguarded.pays(old, AGENT.address, 1)


def test_a_kernel_without_predecessor_is_born_empty(stand: Stand) -> None:
    assert all(each["level_units"] == 0 for each in stand.plan(AGENT.address)["buckets"])


def test_a_bucket_that_the_old_kernel_did_not_have_starts_full(unguarded: Stand) -> None:
    policy = unguarded.site.policy
    unguarded.site.rewrite(replace(policy, losses=None))
    old = unguarded.install()
    policy = unguarded.site.rewrite(policy)
    planned = replaced(unguarded, old)
    assert policy.losses
    (lost,) = (each for each in planned["buckets"] if int(each["token"], 16) == 2)
    assert int(lost["level_units"]) == int(lost["capacity_units"]) == policy.losses.at_once_e8


amounts = st.integers(0, 2**96 - 1)
times = st.integers(0, 2**32 - 1)


@given(amounts, amounts, amounts, st.integers(1, 2**32 - 1), times, times)
def test_no_replacement_makes_room_whatever_the_capacities(
    old_capacity: int, level: int, capacity: int, drain: int, updated: int, later: int
) -> None:
    """Not more room than there was, nor than the new capacity less what was spent; never above the new capacity."""
    old = Bucket(old_capacity, level, updated, drain if old_capacity else 0)
    setting, now = BucketSetting(NATIVE, 7, capacity, drain), updated + later
    made = inherited_levels([setting], {setting.key: old}, now)[setting.key]
    assert 0 <= made <= capacity
    assert capacity - made <= room_at(old, now)
    assert made == capacity or made >= level_at(old, now)
    assert inherited_levels([setting], {}, now)[setting.key] == capacity


def test_the_mark_of_the_watch_goes_on(unguarded: Stand) -> None:
    old = unguarded.install()
    before = _mark(unguarded, open_documents(unguarded.site.folder)[0].watch)
    unguarded.world.move_market(WETH, 2_900_00000000)
    unguarded.world.advance(60)
    planned = replaced(unguarded, old)
    assert unguarded.signs(planned)
    assert _mark(unguarded, planned["watch"]) == before
    policy, kernel = unguarded.site.policy, Address(planned["kernel"])
    subject = subject_with_key(policy, NEXT_AGENT.address, kernel, watch=Address(planned["watch"]))
    require_parity(unguarded.site.chain, subject, policy, NEXT_AGENT.address, unguarded.site.known)


def _mark(stand: Stand, watch: Address | None) -> int:
    assert watch
    found = watch_from(watch, stand.site.chain.read(list(watch_reads(watch)), stand.site.chain.head()))
    assert found
    return found.mark_e8


def test_a_kernel_that_was_disabled_in_an_emergency_still_counts(unguarded: Stand) -> None:
    """The kill card's last step must not be a way to fresh caps."""
    old = unguarded.install()
    unguarded.drain(old, AGENT.address)
    sentinel = Address("0x" + "00" * 19 + "01")
    assert unguarded.sends(unguarded.safe, encode_disable_module(sentinel, old))
    with pytest.raises(NotReplaceable, match="it is live"):
        unguarded.plan()
    planned = replaced(unguarded, old)
    found = unguarded.reviewed().installation
    assert planned["replaces"] == old and found and found.replaces == old
    assert unguarded.signs(planned) and unguarded.state.modules == (planned["kernel"],)
    assert unguarded.drain(Address(planned["kernel"]), NEXT_AGENT.address) <= units(USDC, 10)


def test_a_kernel_that_somebody_made_before_the_owners_did_is_no_former_one(unguarded: Stand) -> None:
    """Though treasury.toml names it already."""
    planned = unguarded.plan(AGENT.address)
    for call in unguarded.calls()[:-2]:
        assert unguarded.world.send_as(STRANGER.address, call.to, call.data).success
    unguarded.names(planned)
    again = unguarded.plan(AGENT.address)
    assert (again["replaces"], again["kernel"]) == (None, planned["kernel"])
    assert unguarded.signs(again)


def test_a_kernel_of_another_version_still_counts(unguarded: Stand) -> None:
    """A release that mends the contract must not hand out every cap anew, nor leave the old one enabled beside."""
    old = unguarded.install()
    unguarded.drain(old, AGENT.address)
    code = unguarded.world.ask("eth_getCode", old, "latest")
    unguarded.world.ask("anvil_setCode", old, f"{code}00")
    with pytest.raises(NotReplaceable, match="it is live"):
        unguarded.plan()
    planned = replaced(unguarded, old)
    assert planned["replaces"] == old
    found = unguarded.reviewed().installation
    assert found and found.replaces == old
    assert unguarded.signs(planned) and unguarded.state.modules == (planned["kernel"],)
    assert unguarded.drain(Address(planned["kernel"]), NEXT_AGENT.address) <= units(USDC, 10)


def test_a_disabled_kernel_counts_for_whoever_names_it_and_has_no_watch(unguarded: Stand) -> None:
    """The planner's treasury.toml forgets it; the guardian's does not."""
    unguarded.site.rewrite(replace(unguarded.site.policy, watch=None))
    old = unguarded.install()
    unguarded.drain(old, AGENT.address)
    sentinel = Address("0x" + "00" * 19 + "01")
    assert unguarded.sends(unguarded.safe, encode_disable_module(sentinel, old))
    unguarded.site.edit("treasury.toml", f'kernel = "{old}"\n', "")
    assert unguarded.plan()["replaces"] is None
    assert unguarded.reviewed().installation
    unguarded.site.edit("treasury.toml", "[account]\n", f'[account]\nkernel = "{old}"\n')
    assert unguarded.reviewed().installation is None


# WHAT A REPLACEMENT IS REFUSED FOR


def test_a_live_kernel_is_not_replaced(unguarded: Stand) -> None:
    old = unguarded.install()
    with pytest.raises(NotReplaceable, match=r"it is live, .*; pause it first") as refused:
        unguarded.plan()
    assert old in str(refused.value) and "\n" not in str(refused.value)


def test_a_pause_ends_with_another_key_only(unguarded: Stand) -> None:
    unguarded.pause(unguarded.install())
    with pytest.raises(NotReplaceable, match=r"is the key that it was paused with; .*make a new one"):
        unguarded.plan(AGENT.address)


def test_a_burned_key_does_not_come_back(unguarded: Stand) -> None:
    old = unguarded.install()
    rekey(unguarded, old)
    unguarded.pause(old)
    with pytest.raises(NotReplaceable, match=f"`{AGENT.address}` is burned there"):
        unguarded.plan(AGENT.address)


@pytest.mark.parametrize("what", ["payee", "token", "venue", "source", "market"])
def test_whom_a_guardian_has_blocked_is_not_let_in_again(unguarded: Stand, what: str) -> None:
    old, policy = unguarded.install(), unguarded.site.policy
    usdc = policy.tokens[USDC]
    party = {
        "payee": ALICE.address,
        "token": usdc.token.address,
        "venue": policy.venues["uniswap"].router,
        "source": usdc.source,
        "market": policy.markets["aave"].pool,
    }[what]
    assert party and unguarded.world.send_as(KEMI.address, old, encode_block(party)).success
    unguarded.pause(old)
    with pytest.raises(NotReplaceable, match=f"a guardian has blocked `{party}` there, of `.*`; take it out"):
        unguarded.plan()


def test_a_revoked_rule_is_not_let_in_again(unguarded: Stand) -> None:
    old = unguarded.install()
    compiled = compile_policy(unguarded.site.policy)
    leaf = next(leaf for leaf, name in compiled.names.items() if "alice" in name)
    assert unguarded.sends(old, encode_call("revoke(bytes32)", bytes.fromhex(leaf[2:])))
    unguarded.pause(old)
    with pytest.raises(NotReplaceable, match=r"has revoked the rule `.*alice.*` there"):
        unguarded.plan()


def test_an_order_that_the_old_kernel_paid_is_not_paid_again_early(unguarded: Stand) -> None:
    """The day to write is told; with another one it is refused again, and with that one the new Kernel waits."""
    old, (name, *_) = unguarded.install(), unguarded.site.policy.orders
    assert unguarded.pays_order(old, AGENT.address, name)
    unguarded.world.advance(DAY)
    with pytest.raises(
        NotReplaceable, match=rf'\[orders.{name}\] was paid on .*; so that it .*, write `from = "'
    ) as refused:
        replaced(unguarded, old)
    told = str(refused.value).rpartition('from = "')[2].partition('"')[0]
    first_day = int(datetime.fromisoformat(f"{told}T00:00:00+00:00").timestamp())
    _begins(unguarded, name, first_day - DAY)
    with pytest.raises(NotReplaceable, match="was paid on"):
        unguarded.plan()
    _begins(unguarded, name, first_day)
    planned = unguarded.plan()
    assert unguarded.signs(planned) and planned["early_orders"] == []
    assert not unguarded.pays_order(planned["kernel"], NEXT_AGENT.address, name)
    unguarded.world.advance(first_day - unguarded.world.now())
    assert unguarded.pays_order(planned["kernel"], NEXT_AGENT.address, name)


def _begins(stand: Stand, name: str, day: int) -> None:
    policy = stand.site.policy
    stand.site.rewrite(replace(policy, orders={**policy.orders, name: replace(policy.orders[name], not_before=day)}))


def test_an_order_with_other_terms_is_told_where_its_payee_got_that_token_lately(unguarded: Stand) -> None:
    """Nobody can know whether that was it, so owners are told to look; at an update of the policy as well."""
    old, (name, *_) = unguarded.install(), unguarded.site.policy.orders
    assert unguarded.pays_order(old, AGENT.address, name)
    policy = unguarded.site.policy
    order = policy.orders[name]
    unguarded.site.rewrite(replace(policy, orders={**policy.orders, name: replace(order, units=order.units + 1)}))
    update = plan_update(unguarded.site.folder)
    assert [line.partition(" is ")[0] for line in update["early_orders"]] == [f"[orders.{name}]"]
    assert any(line.startswith(f"LOOK    [orders.{name}]") for line in update_lines({**update, "file": "f"}))
    planned = replaced(unguarded, old)
    assert [line.partition(" is ")[0] for line in planned["early_orders"]] == [f"[orders.{name}]"]
    assert f"LOOK    [orders.{name}] is new" in deploy_text({**planned, "file": "f"})


def test_a_mark_is_not_forgotten_and_the_line_to_write_is_told(unguarded: Stand) -> None:
    old = unguarded.install()
    watch = open_documents(unguarded.site.folder)[0].watch
    unguarded.pause(old)
    line = f'write `inherits = "{watch}"` in \\[watch\\] of policy.toml'
    with pytest.raises(NotReplaceable, match=line):
        unguarded.plan()
    unguarded.site.edit("treasury.toml", f'watch = "{watch}"\n', "")
    with pytest.raises(NotReplaceable, match=line):
        unguarded.plan()
    unguarded.inherits(STRANGER.address)
    with pytest.raises(BadValue, match="is not the watch of the Kernel that this one replaces"):
        unguarded.plan()


def test_a_first_kernel_has_nothing_to_inherit(stand: Stand) -> None:
    stand.inherits(STRANGER.address)
    with pytest.raises(BadValue, match="take it out"):
        stand.plan(AGENT.address)


# WHAT GUARDIANS TAKE FOR A REPLACEMENT


places = st.binary(min_size=20, max_size=20).map(to_address)
words = st.binary(min_size=32, max_size=32).map(to_digest)
numbers = st.integers(0, 2**32 - 1)
settings_ = st.builds(BucketSetting, places, numbers, amounts, numbers, amounts)
lists = st.lists(settings_, max_size=4).map(tuple)
guardians_ = st.lists(places, max_size=3).map(tuple)
births = st.builds(Birth, places, places, places, guardians_, words, words, lists, numbers, numbers, numbers)


@given(births, st.data())
def test_a_birth_is_read_as_it_was_written_and_not_from_other_bytes(birth: Birth, data: st.DataObject) -> None:
    """The levels that guardians compare are those that the Kernel is born with."""
    assert decode_birth(birth.encoded) == birth
    place = data.draw(st.integers(0, len(birth.encoded) - 1))
    changed = bytearray(birth.encoded)
    changed[place] ^= data.draw(st.integers(1, 255))
    with suppress(ValueError):
        assert decode_birth(bytes(changed)).encoded == bytes(changed)
    with pytest.raises(ValueError, match="not"):
        decode_birth(birth.encoded + b"\0")


def test_a_guardian_recognises_the_replacement_of_the_own_policy(unguarded: Stand) -> None:
    old = unguarded.install()
    planned = replaced(unguarded, old)
    found = unguarded.reviewed().installation
    assert found and (found.replaces, found.birth.agent) == (old, NEXT_AGENT.address)
    assert found.kernel == planned["kernel"]


def _with_levels(stand: Stand, change: int) -> list[Call]:
    """The batch with a Kernel whose fullest bucket has `change` units more or less spent, and all that follows."""
    told = stand.reviewed().installation
    assert told
    fullest = max(told.birth.buckets, key=lambda each: each.level_units)
    settings = (
        replace(each, level_units=each.level_units + change) if each == fullest else each for each in told.birth.buckets
    )
    return _with_kernel(stand, replace(told.birth, buckets=tuple(settings)), stand.site.policy)


def _with_kernel(stand: Stand, birth: Birth, policy: PolicyDocument) -> list[Call]:
    """The batch with the Kernel of another birth, and the watch of a policy for it."""
    account, factory, calls = stand.world.account, stand.site.known.create2_factory, stand.calls()
    kernel = plan_kernel(account, birth, factory)
    watch = plan_watch(policy, kernel.address, NATIVE, factory)
    assert watch
    *before, _, disable, enable, _ = calls
    first = [kernel.call if artifact("Kernel").creation in each.data else each for each in before]
    enabled = replace(enable, data=encode_enable_module(kernel.address))
    return [*first, watch.watch.call, disable, enabled, *watch.adding(account, is_new=True)]


def test_a_batch_that_replaces_otherwise_is_not_recognised(unguarded: Stand) -> None:
    """Another watch believed, or none; the old Kernel left enabled; anything beside."""
    old = unguarded.install()
    replaced(unguarded, old)
    calls = unguarded.calls()
    *_, watch, disable, enable, add = calls
    usdc, made = unguarded.world.contracts.tokens[USDC], to_address(add.data[-20:])
    kept, elsewhere = [each for each in calls if each is not disable], encode_disable_module(enable.to, old)
    wrong = {
        "the old Kernel stays": kept,
        "the old Kernel leaves last": [*kept, disable],
        "another place in the list": [replace(each, data=elsewhere) if each is disable else each for each in calls],
        "no watch added": calls[:-1],
        "no watch made": [each for each in calls if each is not watch],
        "a mark set anew": [*calls, replace(add, to=made, data=encode_rebase())],
        "a guard set": [*calls, replace(enable, data=encode_set_guard(STRANGER.address))],
        "a payment": [*calls, replace(add, to=usdc, data=encode_transfer(STRANGER.address, 1))],
    }
    reviewed = unguarded.reviewed()
    assert unguarded.reads_as_planned(reviewed, calls)
    assert [name for name, each in wrong.items() if unguarded.reads_as_planned(reviewed, each)] == []


def test_a_kernel_with_more_room_than_the_old_one_left_is_not_recognised(unguarded: Stand) -> None:
    """By a unit more than has drained meanwhile: with exactly the levels planned it is."""
    old = unguarded.install()
    unguarded.drain(old, AGENT.address)
    replaced(unguarded, old)
    assert unguarded.recognises(_with_levels(unguarded, 0))
    assert not unguarded.recognises(_with_levels(unguarded, -units(USDC, 10)))


def test_what_was_planned_a_day_ago_still_replaces_a_paused_kernel(unguarded: Stand) -> None:
    """Time only drains what was spent, so the levels in the bytes are at least those of now."""
    old = unguarded.install()
    unguarded.drain(old, AGENT.address)
    replaced(unguarded, old)
    before = unguarded.level(old)
    unguarded.world.advance(DAY)
    assert 0 < unguarded.level(old) < before
    assert unguarded.reviewed().installation is not None


def test_a_kernel_that_came_back_to_life_is_not_replaced_by_what_was_planned_before(unguarded: Stand) -> None:
    old = unguarded.install()
    replaced(unguarded, old)
    unguarded.plan(STRANGER.address)
    assert unguarded.reviewed().installation is not None
    rekey(unguarded, old)
    assert unguarded.reviewed().installation is None


def test_a_batch_is_delegated_to_safes_own_contract_or_not_at_all(unguarded: Stand) -> None:
    """Policy.toml names it, and nobody knows such an address by heart: other code there could take the whole Safe."""
    unguarded.plan(AGENT.address)
    world, real = unguarded.world, unguarded.site.policy.multisend
    assert unguarded.reviewed().installation
    world.ask("anvil_setCode", real, world.ask("eth_getCode", real, "latest") + "00")
    reviewed = unguarded.reviewed()
    assert reviewed.installation is None
    assert [each.rule for each in reviewed.decision.findings if "MultiSendCallOnly, and would" in each.reason] == [
        "multisend"
    ]


@pytest.mark.parametrize("is_named", [True, False])
def test_a_watch_that_forgets_the_mark_is_not_recognised(unguarded: Stand, is_named: bool) -> None:
    """Where the guardian's treasury.toml names the old one, and where the policy tells where it stands."""
    old = unguarded.install()
    replaced(unguarded, old)
    treasury, policy = open_documents(unguarded.site.folder)
    told = unguarded.reviewed().installation
    assert policy.watch and told
    forgetful = unguarded.site.rewrite(replace(policy, watch=replace(policy.watch, inherits=None)))
    if not is_named:
        unguarded.site.edit("treasury.toml", f'watch = "{treasury.watch}"\n', "")
    levels = {each.key: each.level_units for each in told.birth.buckets}
    calls = _with_kernel(unguarded, birth_of(forgetful, NEXT_AGENT.address, levels), forgetful)
    assert not unguarded.recognises(calls)
