"""A real ledger anchored on a real chain: what extends it is taken, what rewrites it is refused, here and there.

`make gas` prints and writes what an anchor and the gate cost.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from pymerkle import InmemoryTree

from strongroom.chain.rpc import RpcChain
from strongroom.errors import NodeRefused
from strongroom.ledger.anchor import Anchor
from strongroom.ledger.checkpoint import Head
from strongroom.ledger.entries import encode
from strongroom.ledger.file_ledger import FileLedger
from strongroom.ledger.merkle import EMPTY_ROOT, Tree, leaf_hash
from strongroom.ledger.verification import verify
from strongroom.model import NATIVE, Address, Digest
from strongroom.ports import MinedTransaction
from strongroom.protocols.abi import selector
from strongroom.protocols.kernel import Birth, BucketSetting, action_hash, encode_enable_module
from strongroom.protocols.kernel_legs import Payment, PayRule, encode_legs, with_leaf
from strongroom.protocols.registry import (
    COVERING_TYPE,
    NO_COVERAGE,
    AnchoredLog,
    Coverage,
    Opening,
    accumulate,
    accumulator_read,
    encode_anchor,
    encode_open,
    encode_set_anchorer,
    log_read,
)
from strongroom.wallet.deploy import artifact
from strongroom.world.people import AGENT, ALICE, GUARDIANS, OPERATOR, STRANGER
from strongroom.world.treasury import USDC
from strongroom.world.world import World
from tests.contracts.gas_book import GasBook

OUT = Path(__file__).parents[2] / "contracts" / "out"
ACTIONS = Address("0x0000000000000000000000000000000000000001")
MONTH = 30 * 86_400
K, T = 4, 86_400
MILLION = 1_000_000
ANCHOR_GOAL, GATE_GOAL = 65_000, 18_000


class Stopped:
    """A clock that stands."""

    def now(self) -> int:
        return 1_790_000_000


@dataclass
class Vault:
    """A Kernel with one rule, its registry (or none), and its ledger; `calls` are what the registry bound."""

    world: World
    chain: RpcChain
    registry: Address
    kernel: Address
    rule: PayRule
    folder: Path
    ledger: FileLedger
    calls: list[tuple[Digest, bytes]]

    def open(self, size: int = 0, root: bytes = EMPTY_ROOT) -> MinedTransaction:
        opening = Opening(self.kernel, self.ledger.leaf(0), OPERATOR.address, K, T, size, root)
        return self.world.safe_exec(self.world.account, GUARDIANS[:2], self.registry, encode_open(opening))

    def pay(self) -> MinedTransaction:
        """The agent pays one unit: recorded, sent, recorded again."""
        data = encode_legs([Payment(self.rule, 1, ())])
        binding = action_hash(self.world.account, self.kernel, data)
        leaf = self.ledger.leaf(self.ledger.append("tx.intent", {"unit": "pay"}, binding=binding).index)
        call = with_leaf(data, leaf)
        mined = self.world.send_as(AGENT.address, self.kernel, call)
        self.ledger.append("tx.mined" if mined.success else "tx.reverted", {}, binding=binding)
        if mined.success:
            self.calls.append((leaf, call))
        return mined

    def anchored(self) -> AnchoredLog:
        found = self.chain.read([log_read(self.registry, self.kernel)], self.chain.head())[0]
        assert isinstance(found, AnchoredLog)
        return found

    def anchor(self, head: Anchor | None = None, coverage: Coverage = NO_COVERAGE) -> MinedTransaction:
        data = encode_anchor(self.kernel, head or self.ledger.anchor(self.anchored().size), coverage)
        return self.world.send_as(OPERATOR.address, self.registry, data)

    def refusal(self, data: bytes, sender: Address = OPERATOR.address) -> bytes:
        """The selector of the registry's error for `data`, which must not pass."""
        with pytest.raises(NodeRefused) as refused:
            self.world.ask("eth_call", {"from": sender, "to": self.registry, "data": "0x" + data.hex()}, "latest")
        return refused.value.data[:4]

    def covering(self) -> tuple[Anchor, Coverage]:
        """The ledger and one more entry, which carries the accumulator of all calls."""
        tree, anchored = Tree(), self.anchored()
        entries = list(self.ledger.entries())
        bound = accumulate(self.ledger.leaf(0), self.calls)[2:]
        raw = encode(COVERING_TYPE, bound, replace(entries[-1].link, seq=len(entries)), {})
        for each in (*(entry.raw for entry in entries), raw):
            tree.append(leaf_hash(each))
        head = Anchor(anchored.size, tree.size, tree.root(), tree.consistency(anchored.size))
        return head, Coverage(raw, len(entries), tree.inclusion(len(entries)))


@pytest.fixture
def vault(world: World, chain: RpcChain, tmp_path: Path) -> Iterator[Vault]:
    """Gated: the registry is the Kernel's own from its birth."""
    made = make_vault(world, chain, tmp_path / "ledger", deploy_registry(world), gated=True)
    assert made.open().success
    yield made
    made.ledger.abandon()


def deploy_registry(world: World) -> Address:
    built: dict[str, Any] = json.loads((OUT / "AuditRegistry.sol" / "AuditRegistry.json").read_text())
    return world.deploy(bytes.fromhex(built["bytecode"]["object"][2:]))


def make_vault(world: World, chain: RpcChain, folder: Path, registry: Address, gated: bool) -> Vault:
    usdc = world.contracts.tokens[USDC]
    rule = PayRule(usdc, ALICE.address, 10**9, 1)
    buckets = (BucketSetting(ACTIONS, 0, 10**9, MONTH), BucketSetting(usdc, 1, 10**12, MONTH))
    known = (world.account.safe, registry if gated else NATIVE, AGENT.address, (), rule.leaf, rule.leaf, buckets)
    kernel = world.deploy(artifact("Kernel").creation + Birth(*known, MONTH // 30, 3_600, MONTH // 4).encoded)
    safe = world.account.safe
    assert world.safe_exec(world.account, GUARDIANS[:2], safe, encode_enable_module(kernel)).success
    ledger = FileLedger.open(folder, world.account, Stopped(), {"policy": rule.leaf})
    return Vault(world, chain, registry, kernel, rule, folder, ledger, [])


def pymerkles_root(ledger: FileLedger, size: int) -> bytes:
    tree = InmemoryTree(algorithm="sha256")
    for entry in ledger.entries():
        tree.append_entry(entry.raw)
    return bytes(tree.get_root(size))


def rewritten(vault: Vault, folder: Path, entries: int) -> FileLedger:
    """Another ledger of the same account with another history."""
    other = FileLedger.open(folder, vault.world.account, Stopped(), {"policy": "another"})
    while other.size < entries:
        other.append("config.change", {"n": other.size})
    return other


def test_a_ledger_that_grows_is_anchored_again_and_again_and_pymerkle_agrees_with_the_chain(vault: Vault) -> None:
    for entries in (1, 2, 13):
        for n in range(entries):
            vault.ledger.append("config.change", {"n": n})
        assert vault.anchor().success
        found = vault.anchored()
        assert (found.size, found.root) == (vault.ledger.size, vault.ledger.root())
        assert found.root == pymerkles_root(vault.ledger, found.size)
    assert verify(vault.folder, heads=[Head(found.size, found.root)]).ok


@pytest.mark.parametrize("more", [0, 1, 20])
def test_a_rewritten_ledger_is_refused_on_chain_and_found_off_chain(vault: Vault, tmp_path: Path, more: int) -> None:
    for n in range(9):
        vault.ledger.append("config.change", {"n": n})
    assert vault.anchor().success
    found = vault.anchored()
    other = rewritten(vault, tmp_path / "other", found.size + more)
    claim = other.anchor(found.size)
    assert not claim.follows(found.root)
    assert vault.refusal(encode_anchor(vault.kernel, claim)) == selector("NotConsistent(uint64,bytes32)")
    assert not vault.anchor(claim).success
    assert vault.anchored() == found
    other.abandon()
    report = verify(tmp_path / "other", heads=[Head(found.size, found.root)])
    assert report.fault is not None and "anchored" in report.fault.reason


def test_a_truncated_ledger_is_refused_on_chain_and_found_off_chain(vault: Vault, tmp_path: Path) -> None:
    for n in range(9):
        vault.ledger.append("config.change", {"n": n})
    assert vault.anchor().success
    found = vault.anchored()
    shorter = rewritten(vault, tmp_path / "other", found.size - 1)
    claim = Anchor(found.size, shorter.size, shorter.root(), ())
    assert vault.refusal(encode_anchor(vault.kernel, claim)) == selector("SizeShrinks(uint64,uint64)")
    shorter.abandon()
    assert not verify(tmp_path / "other", heads=[Head(found.size, found.root)]).ok


def test_only_the_safe_opens_and_names_the_anchorer_and_only_the_anchorer_anchors(vault: Vault) -> None:
    claim = encode_anchor(vault.kernel, vault.ledger.anchor(0))
    for sender in (AGENT.address, STRANGER.address, GUARDIANS[0].address):
        assert vault.refusal(claim, sender) == selector("NotAnchorer(address)")
        renaming = encode_set_anchorer(vault.kernel, sender)
        assert vault.refusal(renaming, sender) == selector("NotSafeOf(address,address)")
    to_the_agent = encode_set_anchorer(vault.kernel, AGENT.address)
    assert vault.refusal(to_the_agent, vault.world.account.safe) == selector("NotAnchorer(address)")
    renaming = encode_set_anchorer(vault.kernel, STRANGER.address)
    assert vault.world.safe_exec(vault.world.account, GUARDIANS[:2], vault.registry, renaming).success
    assert vault.anchored().anchorer == STRANGER.address
    assert vault.refusal(claim) == selector("NotAnchorer(address)")


def test_the_gate_stops_the_agent_at_k_actions_until_an_anchored_entry_commits_to_them(vault: Vault) -> None:
    for _ in range(K):
        assert vault.pay().success
    assert not vault.pay().success
    assert vault.anchor().success
    assert not vault.pay().success, "a head alone covers nothing"
    assert vault.anchored().accumulator == accumulate(vault.ledger.leaf(0), vault.calls)
    head, coverage = vault.covering()
    assert vault.anchor(head, replace(coverage, index=0)).success is False
    assert vault.anchor(head, coverage).success
    assert (vault.anchored().bound, vault.anchored().waiting) == (K, 0)
    assert vault.pay().success
    past = accumulator_read(vault.registry, vault.kernel, K)
    assert vault.chain.read([past], vault.chain.head()) == [accumulate(vault.ledger.leaf(0), vault.calls[:K])]


def test_the_gate_stops_the_agent_after_t_seconds_and_never_a_human(vault: Vault) -> None:
    assert vault.pay().success
    vault.world.advance(T)
    assert not vault.pay().success
    assert vault.world.send_as(GUARDIANS[0].address, vault.kernel, selector("pause()")).success


def test_a_kernel_without_a_gate_is_anchored_all_the_same(world: World, chain: RpcChain, tmp_path: Path) -> None:
    vault = make_vault(world, chain, tmp_path / "ledger", deploy_registry(world), gated=False)
    assert vault.open().success
    for _ in range(K + 1):
        assert vault.pay().success
    assert vault.anchor().success
    assert (vault.anchored().size, vault.anchored().bound) == (vault.ledger.size, 0)
    vault.ledger.abandon()


# GAS, from mined receipts, of a log of a million equal entries, whose subtrees of one width are equal: none is built.
# `end` is the leaf hash of the last entry, where it is another.

SAME = leaf_hash(b"entry")


def left_of(width: int) -> int:
    return int(2 ** ((width - 1).bit_length() - 1))


@cache
def root_of(width: int, end: bytes = SAME) -> bytes:
    if width == 1:
        return end
    return sha256(b"\x01" + root_of(left_of(width)) + root_of(width - left_of(width), end)).digest()


def proof_of(old: int, width: int, end: bytes = SAME, known: bool = True) -> tuple[bytes, ...]:
    """RFC 9162 section 2.1.4.1, SUBPROOF."""
    if old == width:
        return () if known else (root_of(width),)
    left = left_of(width)
    if old <= left:
        return (*proof_of(old, left, SAME, known), root_of(width - left, end))
    return (*proof_of(old - left, width - left, end, False), root_of(left))


def path_of_the_last(width: int) -> tuple[bytes, ...]:
    """RFC 9162 section 2.1.3.1, PATH of the last entry."""
    return () if width == 1 else (*path_of_the_last(width - left_of(width)), root_of(left_of(width)))


def large(old: int, size: int, end: bytes = SAME) -> Anchor:
    return Anchor(old, size, root_of(size, end), proof_of(old, size, end) if old else ())


def test_an_anchor_of_a_million_entries_costs_what_the_book_says(vault: Vault, gas_book: GasBook) -> None:
    """A day's thousand entries, twelve times; then the longest proof there is: 21 hashes, all on the left."""
    first = vault.anchor(large(0, MILLION))
    assert first.success
    sizes = range(MILLION, MILLION + 13 * 1_009, 1_009)
    gas = [vault.anchor(large(old, size)).gas_used for old, size in pairwise(sizes)]
    assert vault.anchor(large(sizes[-1], 2**20 - 1)).success
    longest = vault.anchor(large(2**20 - 1, 2**20))
    assert longest.success and vault.anchored().root == root_of(2**20)
    gas_book.line("anchor at a million entries, on average", round(mean(gas)), ANCHOR_GOAL)
    gas_book.line("anchor with the longest proof, 21 hashes", longest.gas_used)
    gas_book.line("anchor, the first of a log, without a proof", first.gas_used)


def test_an_anchor_with_coverage_and_the_gate_cost_what_the_book_says(
    vault: Vault, tmp_path: Path, gas_book: GasBook
) -> None:
    """In the steady state the ring of accumulators has been filled once; until then each action fills a new place."""
    free = make_vault(vault.world, vault.chain, tmp_path / "free", vault.registry, gated=False)
    assert vault.pay().success and free.pay().success
    filling = [vault.pay().gas_used - free.pay().gas_used for _ in range(K - 1)]
    _, coverage = vault.covering()
    assert vault.anchor(large(0, MILLION)).success
    size = MILLION + 1_009
    covering = replace(coverage, index=size - 1, inclusion=path_of_the_last(size))
    covered = vault.anchor(large(MILLION, size, leaf_hash(coverage.entry)), covering)
    assert covered.success and vault.anchored().waiting == 0
    gate = [vault.pay().gas_used - free.pay().gas_used for _ in range(3)]
    gas_book.line("anchor at a million entries, with coverage", covered.gas_used)
    gas_book.line("gate, each action", max(gate), GATE_GOAL)
    gas_book.line("gate, each action until the ring is filled", max(filling))
    free.ledger.abandon()
