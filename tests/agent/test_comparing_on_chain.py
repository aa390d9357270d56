"""Every constant and every word of storage that a field is about, altered on chain: that field turns red, and no other.

A contract whose constants are patched is still our code: only what it answers tells it from ours.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.comparing.fields import Contract
from agent.comparing.installed import Installed
from agent.parity import compare
from strongroom.addresses import keccak, to_address
from strongroom.chain.rpc import RpcChain
from strongroom.model import Address
from strongroom.protocols.abi import encode_arguments, encode_call
from strongroom.protocols.kernel import encode_enable_module
from strongroom.protocols.safe import GUARD_SLOT, HANDLER_SLOT, SINGLETON_SLOT, THRESHOLD_SLOT
from strongroom.wallet.deploy import artifact
from strongroom.world.people import ALICE, BOB, GUARDIANS, STRANGER
from strongroom.world.treasury import HALL
from strongroom.world.world import World
from tests.agent.installed import Site
from tests.agent.standing import Named, install, red

BUCKETS, GUARDIAN_KEYS = 5, 9
"""Slots of the Kernel's maps; `tests/contracts/test_artifacts` holds the layout."""
GATES, HEADS = 0, 1
DRAIN_BIT, SECONDS_BIT = 224, 16
SWAPPED = GUARDIANS[0].address, GUARDIANS[1].address, STRANGER.address
"""The second owner leaves; the first stands before it in the Safe's list."""


class Altered:
    """The installation and the chain it stands on, with whatever was altered put back by `again`."""

    def __init__(self, site: Site, installed: Installed) -> None:
        self.site, self.world, self.chain, self.installed = site, site.world, site.chain, installed

    def look(self) -> set[Named]:
        return red(compare(self.chain, self.installed, self.chain.head()))

    def code(self, address: Address) -> bytes:
        return self.chain.code(address, self.chain.head())

    def with_code(self, address: Address, code: bytes) -> set[Named]:
        """What turns red with this code in the place of what is there."""
        before = self.code(address)
        self.world.set_code(address, code)
        found = self.look()
        self.world.set_code(address, before)
        return found

    def with_word(self, address: Address, slot: int, word: int | None = None, flip: int = 0) -> set[Named]:
        """What turns red with this word, or with these bits of the present one the other way round."""
        (before,) = self.chain.storage(address, [slot], self.chain.head())
        present = int.from_bytes(before, "big")
        self._store(address, slot, present ^ flip if word is None else word)
        found = self.look()
        self._store(address, slot, present)
        return found

    def _store(self, address: Address, slot: int, word: int) -> None:
        self.world.ask("anvil_setStorageAt", address, hex(slot), f"0x{word:064x}")


@pytest.fixture(scope="module")
def module_altered(module_world: World, module_chain: RpcChain, tmp_path_factory: pytest.TempPathFactory) -> Altered:
    site = Site.of(module_world, module_chain, tmp_path_factory.mktemp("site"))
    return Altered(site, install(site))


@pytest.fixture
def altered(module_altered: Altered) -> Iterator[Altered]:
    """As installed again after each test."""
    snapshot = module_altered.world.snapshot()
    yield module_altered
    module_altered.world.revert(snapshot)


def mapped(slot: int, kind: str, key: object) -> int:
    """Where a map in `slot` has the value of `key` (Solidity's storage layout)."""
    return int.from_bytes(keccak(encode_arguments([kind, "uint256"], [key, slot])), "big")


CONSTANTS = {
    Contract.KERNEL: {
        "the Safe",
        "the Kernel's own registry",
        *(f"`{each}` of [kernel]" for each in ("config_delay", "rekey_delay", "window")),
    },
    Contract.PRICE_SOURCE: {
        f"`{each}`"
        for each in (
            *("token", "decimals", "first_feed", "second_feed"),
            *("first_max_age", "second_max_age", "max_deviation", "sequencer"),
        )
    },
    Contract.WATCH: {
        *("the Kernel", "the Safe that it counts"),
        *(f"`{each}` of [watch]" for each in ("own_token", "max_drawdown", "confirm_blocks", "expiry_blocks")),
    },
    Contract.OWNER_GUARD: {
        *("the Safe that it guards", "the Kernel that it waits for"),
        *(f"`{each}` of [owner_guard]" for each in ("delay", "window")),
    },
}


def _standing(installed: Installed, contract: Contract) -> tuple[str, Address]:
    assert installed.watch is not None and installed.guard_plan is not None
    source = installed.document.tokens[HALL].source
    assert source is not None
    return {
        Contract.KERNEL: ("Kernel", installed.kernel),
        Contract.PRICE_SOURCE: (f"price source of `{HALL}`", source),
        Contract.WATCH: ("watch", installed.watch),
        Contract.OWNER_GUARD: ("owners' guard", installed.guard_plan.address),
    }[contract]


@pytest.mark.parametrize("contract", CONSTANTS)
def test_every_constant_that_is_patched_turns_its_own_field_red(altered: Altered, contract: Contract) -> None:
    """Each place of the code that the constructor filled in, one after the other: those that a getter gives turn one
    field red, the others are the address's to commit to."""
    name, address = _standing(altered.installed, contract)
    code, reached = altered.code(address), set[Named]()
    for start, length in artifact(contract).immutables:
        patched = bytearray(code)
        patched[start + length - 1] ^= 1
        found = altered.with_code(address, bytes(patched))
        assert len(found) <= 1, found
        reached |= found
    assert reached == {(name, field) for field in CONSTANTS[contract]}
    assert altered.look() == set()


def test_every_word_of_the_kernel_turns_its_own_field_red(altered: Altered) -> None:
    kernel = altered.installed.kernel
    words = ("the agent's key", "the policy's root", "the policy's hash", "the agent's code")
    for slot, name in enumerate(words):
        assert altered.with_word(kernel, slot, flip=1) == {("Kernel", name)}
    guardian = mapped(GUARDIAN_KEYS, "address", ALICE.address)
    pause_only = f"`{ALICE.address}` in `pause_only` of [kernel]"
    assert altered.with_word(kernel, guardian, 0) == {("Kernel", pause_only)}
    assert altered.with_word(kernel, mapped(GUARDIAN_KEYS, "address", altered.installed.watch), 0) == {
        ("watch", "the watch")
    }


def test_every_bucket_turns_its_own_fields_red(altered: Altered) -> None:
    seen = set[Named]()
    for setting in altered.installed.compiled.buckets:
        slot = mapped(BUCKETS, "bytes32", bytes.fromhex(setting.key[2:]))
        for flip, said in ((1, ", at once"), (1 << DRAIN_BIT, ", flows back in")):
            (found,) = altered.with_word(altered.installed.kernel, slot, flip=flip)
            assert found not in seen and found[1].startswith("bucket") and found[1].endswith(said)
            seen.add(found)


def test_every_term_of_the_log_turns_its_own_field_red(altered: Altered) -> None:
    registry, kernel = altered.installed.registry, altered.installed.kernel
    assert registry is not None
    gate, head = (mapped(slot, "address", kernel) for slot in (GATES, HEADS))
    for flip, name in ((1, "actions"), (1 << SECONDS_BIT, "time")):
        assert altered.with_word(registry, gate, flip=flip) == {("audit log", f"{name} without an anchor")}
    assert altered.with_word(registry, head, flip=1) == {("audit log", "the anchoring key")}
    assert altered.with_word(registry, gate, 0) == {("audit log", "the Kernel's log")}


def test_every_token_that_the_watch_counts_turns_its_own_field_red(altered: Altered) -> None:
    """The last of its list takes the place of one after the other."""
    watch, plan = altered.installed.watch, altered.installed.watch_plan
    assert watch is not None and plan is not None
    first, tokens = int.from_bytes(keccak(bytes(32)), "big"), sorted(each.token for each in plan.terms.values())
    tokens.sort(key=lambda token: int(token, 16))
    words = altered.chain.storage(watch, range(first, first + 2 * len(tokens)), altered.chain.head())
    assert [to_address(word[12:]) for word in words[::2]] == tokens
    ids = {terms.token: id_ for id_, terms in plan.terms.items()}
    altered._store(watch, 0, len(tokens) - 1)
    for place, token in enumerate(tokens):
        for offset in (0, 1):
            altered._store(watch, first + 2 * place + offset, int.from_bytes(words[offset - 2], "big"))
        assert altered.look() == {("watch", f"`{ids[token]}` in `tokens` of [watch]")}
        for offset in (0, 1):
            altered._store(watch, first + 2 * place + offset, int.from_bytes(words[2 * place + offset], "big"))


def test_everything_of_the_safe_turns_its_own_field_red(altered: Altered) -> None:
    safe, world = altered.installed.document.account.safe, altered.world
    code = altered.code(world.contracts.safe_singleton)
    world.set_code(BOB.address, code)
    guard, handler, singleton = "the Safe's guard", "fallback handler", "singleton"
    assert altered.with_word(safe, GUARD_SLOT, 0) == {("owners' guard", guard)}
    assert altered.with_word(safe, HANDLER_SLOT, int(BOB.address, 16)) == {("Safe", handler)}
    assert altered.with_word(safe, SINGLETON_SLOT, int(BOB.address, 16)) == {("Safe", singleton)}
    assert altered.with_word(safe, THRESHOLD_SLOT, 1) == {("Safe", "`approvals` of [guardians]")}


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (encode_enable_module(STRANGER.address), ("Safe", "modules beside the Kernel")),
        (
            encode_call("addOwnerWithThreshold(address,uint256)", STRANGER.address, 2),
            ("Safe", "`members` of [guardians]"),
        ),
        (
            encode_call("removeOwner(address,address,uint256)", GUARDIANS[0].address, GUARDIANS[1].address, 2),
            ("Safe", "`members` of [guardians]"),
        ),
    ],
)
def test_who_else_commands_the_safe_turns_its_own_field_red(altered: Altered, call: bytes, expected: Named) -> None:
    """From the Safe itself, as a broken module would send it: no guard sees that."""
    world, safe = altered.world, altered.installed.document.account.safe
    world.set_balance(safe, 200 * 10**18)
    assert world.send_as(safe, safe, call).success
    assert altered.look() == {expected}


def test_a_kernel_that_is_disabled_turns_its_own_field_red(altered: Altered) -> None:
    world, safe = altered.world, altered.installed.document.account.safe
    world.set_balance(safe, 200 * 10**18)
    first = "0x0000000000000000000000000000000000000001"
    disable = encode_call("disableModule(address,address)", first, altered.installed.kernel)
    assert world.send_as(safe, safe, disable).success
    assert altered.look() == {("Kernel", "as a module of the Safe")}


def test_other_code_turns_the_code_of_its_contract_red(altered: Altered) -> None:
    installed = altered.installed
    registry = installed.registry
    assert registry is not None
    for name, address in (*(_standing(installed, each) for each in CONSTANTS), ("audit log", registry)):
        assert altered.with_code(address, altered.code(address) + b"\x00") == {(name, "code")}
