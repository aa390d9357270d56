"""Which bytes are the installation of a policy, and that no others are taken for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.example import documents, write
from agent.installing import plan_installation
from guardians.acts import written
from guardians.blueprint import birth_of, plan_source, with_sources
from guardians.documents import open_documents, subject_of
from guardians.installation import Installation, recognise
from guardians.review import Review, review
from guardians.wording import installation_lines
from policies.terms import PolicyDocument
from strongroom.chain.rpc import RpcChain
from strongroom.model import Address, Call, SafeTx
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.kernel import encode_enable_module
from strongroom.protocols.multisend import decode_multisend, encode_multisend
from strongroom.protocols.registry import Opening, encode_open
from strongroom.settings import Mode
from strongroom.wallet.deploy import plan, plan_kernel
from strongroom.wallet.memory import MemoryQueue
from strongroom.world.people import AGENT, STRANGER
from strongroom.world.treasury import USDC
from strongroom.world.world import World


@dataclass(frozen=True)
class Read:
    """One real installation, reviewed; its bytes are then changed."""

    chain: RpcChain
    document: PolicyDocument
    reviewed: Review

    @property
    def tx(self) -> SafeTx:
        return self.reviewed.proposal.tx

    @property
    def calls(self) -> list[Call]:
        return list(decode_multisend(self.tx.account, self.tx.data))

    def recognises(self, tx: SafeTx) -> bool:
        rehearsal = self.reviewed.rehearsal
        return recognise(self.chain, tx, self.document, self.reviewed.facts, rehearsal) is not None

    @property
    def installation(self) -> Installation:
        assert self.reviewed.installation
        return self.reviewed.installation

    def opening(self, kernel: Address) -> Call:
        genesis = self.reviewed.proposal.safe_tx_hash
        opening = Opening(kernel, genesis, STRANGER.address, 256, 86_400, 7, bytes(32))
        return Call(self.tx.account, self.installation.registry, 0, encode_open(opening))

    def batch(self, calls: Sequence[Call]) -> SafeTx:
        return replace(self.tx, data=encode_multisend(calls))


@pytest.fixture(scope="module")
def read(module_world: World, module_chain: RpcChain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    folder = tmp_path_factory.mktemp("read")
    write(documents(module_world, "http://127.0.0.1:9", folder / "state", Mode.PROPOSE), folder)
    answer = plan_installation(folder, AGENT.address)
    (folder / "installation.json").write_text(json.dumps(answer))
    treasury, document = open_documents(folder)
    queued = written(folder / "installation.json", treasury.account)
    queue = MemoryQueue(treasury.account, document.guardians.members, {})
    yield Read(module_chain, document, review(module_chain, queue, document, subject_of(document), queued))


def test_the_installation_as_planned_is_recognised(read: Read) -> None:
    """Or the refusals below would prove nothing."""
    found = read.reviewed.installation
    assert found and found.birth.agent == AGENT.address
    assert read.recognises(read.tx) and read.recognises(read.batch(read.calls))


@settings(max_examples=150)
@given(st.data())
def test_one_changed_byte_anywhere_and_it_is_recognised_no_more(read: Read, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(read.tx.data) - 1))
    changed = bytearray(read.tx.data)
    changed[place] ^= data.draw(st.integers(1, 255))
    assert not read.recognises(replace(read.tx, data=bytes(changed)))


def _moved(read: Read) -> dict[str, Sequence[Call]]:
    account, calls = read.tx.account, read.calls
    enable = next(each for each in calls if each.to == account.safe)
    token = read.document.tokens[USDC].token.address
    stranger = Call(account, account.safe, 0, encode_enable_module(STRANGER.address))
    owner = encode_call("addOwnerWithThreshold(address,uint256)", STRANGER.address, 1)
    pay = Call(account, token, 0, encode_transfer(STRANGER.address, 1))
    misled = [
        plan_source(each, read.document, STRANGER.address, calls[0].to).call for each in with_sources(read.document)
    ]
    return {
        "a payment after": [*calls, pay],
        "a payment before": [pay, *calls],
        "a second module": [*calls, stranger],
        "another module": [stranger if each is enable else each for each in calls],
        "no module": [each for each in calls if each is not enable],
        "no Kernel made": [each for each in calls if each is not calls[-2]],
        "a price source missing": calls[1:],
        "another order": [calls[1], calls[0], *calls[2:]],
        "twice the same": [calls[0], *calls],
        "ether sent along": [replace(calls[0], value_wei=1), *calls[1:]],
        "another factory": [replace(each, to=STRANGER.address) if each is calls[-2] else each for each in calls],
        "every factory another": [
            each if each.to == account.safe else replace(each, to=STRANGER.address) for each in calls
        ],
        "an owner added": [*calls, Call(account, account.safe, 0, owner)],
        "the log of another Kernel opened": [*calls, read.opening(STRANGER.address)],
        "price sources with a stranger's sequencer": [*misled, *calls[len(misled) :]],
    }  # fmt: skip


def test_opening_the_log_of_this_very_kernel_is_part_of_it_and_told(read: Read) -> None:
    tx = read.batch([*read.calls, read.opening(read.installation.kernel)])
    found = recognise(read.chain, tx, read.document, read.reviewed.facts, read.reviewed.rehearsal)
    assert found and found.opening and (found.opening.anchorer, found.opening.size) == (STRANGER.address, 7)
    assert any(STRANGER.address in line for line in installation_lines(found, None))


@pytest.mark.parametrize("real", [True, False])
def test_a_kernel_is_only_taken_from_the_factory_whose_code_is_known(read: Read, real: bool) -> None:
    """All else fits: a policy without swaps needs no price source, and every address follows from that factory."""
    account, document = read.tx.account, replace(read.document, losses=None)
    factory = read.calls[0].to if real else STRANGER.address
    kernel = plan_kernel(account, birth_of(document, AGENT.address), factory)
    registry = plan(account, "AuditRegistry", b"", factory)
    enable = Call(account, account.safe, 0, encode_enable_module(kernel.address))
    tx = read.batch([registry.call, kernel.call, enable])
    after = replace(read.reviewed.rehearsal.safe_after, modules=(kernel.address,))
    rehearsal = replace(read.reviewed.rehearsal, safe_after=after)
    assert (recognise(read.chain, tx, document, read.reviewed.facts, rehearsal) is not None) == real


def test_any_other_batch_is_not_recognised(read: Read) -> None:
    recognised = [name for name, calls in _moved(read).items() if read.recognises(read.batch(calls))]
    assert recognised == []


def test_nothing_is_recognised_that_the_rehearsal_shows_to_do_more(read: Read) -> None:
    """Were the bytes' meaning misjudged, the effects would still speak."""
    real = read.reviewed.rehearsal
    worse = [
        replace(real, success=False),
        replace(real, safe_after=replace(real.safe_after, threshold=1)),
        replace(real, safe_after=replace(real.safe_after, modules=(*real.safe_after.modules, STRANGER.address))),
        replace(real, safe_after=real.safe_before),
    ]
    facts = read.reviewed.facts
    assert [recognise(read.chain, read.tx, read.document, facts, each) for each in worse] == [None] * len(worse)
