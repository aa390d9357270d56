"""Signatures as the Safe wants them joined: judged by the Safe's own contract, owners that are contracts among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from eth_account import Account as Keys
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.addresses import to_address
from strongroom.chain.rpc import RpcChain
from strongroom.model import Account, Address, Approval, Operation, SafeTx
from strongroom.protocols.safe import encode_exec, join_signatures, prevalidated
from strongroom.wallet.signatures import CONTRACT, EOA, Signable, signable, signable_of, split_signatures, stands
from strongroom.world.people import DEPLOYER, GUARDIANS, STRANGER, Person
from strongroom.world.world import World

INES, JONAS, KEMI = GUARDIANS
DIGEST = b"\x11" * 32
MESSAGE = {"SafeMessage": [{"name": "message", "type": "bytes"}]}

PEOPLE = st.sets(st.integers(1, 2**128), min_size=1, max_size=5)
PAYLOADS = st.dictionaries(st.binary(min_size=20, max_size=20).map(to_address), st.binary(max_size=200), max_size=4)


def contract_approval(owner: Address, payload: bytes) -> Approval:
    """A contract owner's signature, complete on its own."""
    head = bytes(12) + bytes.fromhex(owner[2:]) + (65).to_bytes(32, "big") + b"\0"
    return Approval(owner, head + len(payload).to_bytes(32, "big") + payload)


def signature(key: int | str, digest: bytes) -> bytes:
    return bytes(Keys.unsafe_sign_hash(digest, key).signature)


@settings(max_examples=30)
@given(PEOPLE, PAYLOADS)
def test_what_is_joined_is_split_again_into_the_same_signatures(keys: set[int], payloads: dict[Address, bytes]) -> None:
    """By another program's parser: every owner, in ascending order, with exactly its own bytes."""
    people = [Approval(Address(Keys.from_key(k).address), signature(k, DIGEST)) for k in map(_key, keys)]
    contracts = [contract_approval(owner, payload) for owner, payload in payloads.items() if int(owner, 16)]
    parts = split_signatures(join_signatures([*contracts, *people]), DIGEST)
    assert [part.owner for part in parts] == sorted((a.guardian for a in [*contracts, *people]), key=_number)
    assert {part.owner: part.payload for part in parts if part.kind == CONTRACT} == {
        approval.guardian: payloads[approval.guardian] for approval in contracts
    }
    assert {part.owner: part.signature for part in parts} == {a.guardian: a.signature for a in [*contracts, *people]}


def _key(number: int) -> str:
    return f"0x{number:064x}"


def _number(address: str) -> int:
    return int(address, 16)


@pytest.mark.parametrize(
    "broken",
    [
        b"\1" * 64,
        bytes(32) + (64).to_bytes(32, "big") + b"\0" + bytes(32),
        bytes(32) + (97).to_bytes(32, "big") + b"\0" + bytes(32),
        bytes(32) + (65).to_bytes(32, "big") + b"\0" + (1).to_bytes(32, "big"),
    ],
)
def test_bytes_that_point_outside_themselves_are_not_joined(broken: bytes) -> None:
    with pytest.raises(ValueError, match="signature"):
        join_signatures([Approval(INES.address, broken)])


@dataclass(frozen=True)
class Nested:
    """A Safe that a person and two Safes of one owner each own."""

    world: World
    outer: Account
    owners: tuple[Account, Account]

    def transfer(self, nonce: int = 0) -> SafeTx:
        return SafeTx(self.outer, STRANGER.address, 1, b"", Operation.CALL, nonce)

    def approval(self, owner: Account, signer: Person, of: Signable) -> Approval:
        """An owning Safe's word for `of`: its owner's signature over the message that wraps it."""
        domain = {"chainId": owner.chain_id, "verifyingContract": owner.safe}
        inner = signable(domain, MESSAGE, {"message": of.preimage}).digest
        return contract_approval(owner.safe, signature(signer.key, inner))

    def execute(self, tx: SafeTx, *approvals: Approval) -> bool:
        data = encode_exec(tx, join_signatures(approvals))
        return self.world.send_as(DEPLOYER.address, tx.account.safe, data).success


@pytest.fixture
def nested(world: World) -> Callable[[int], Nested]:
    def made(threshold: int) -> Nested:
        owners = world.new_safe([JONAS.address], 1, salt=11), world.new_safe([KEMI.address], 1, salt=12)
        outer = world.new_safe([INES.address, *(owner.safe for owner in owners)], threshold, salt=13)
        world.set_balance(outer.safe, 10)
        return Nested(world, outer, owners)

    return made


def test_a_safe_takes_what_a_person_and_two_owning_safes_signed(nested: Callable[[int], Nested]) -> None:
    house = nested(3)
    tx = house.transfer()
    of = signable_of(tx)
    words = [house.approval(owner, person, of) for owner, person in zip(house.owners, (JONAS, KEMI), strict=True)]
    assert house.execute(tx, *words, Approval(INES.address, signature(INES.key, of.digest)))


def test_more_signatures_than_needed_move_no_offset_out_of_place(nested: Callable[[int], Nested]) -> None:
    house = nested(1)
    tx = house.transfer()
    of = signable_of(tx)
    words = [house.approval(owner, person, of) for owner, person in zip(house.owners, (JONAS, KEMI), strict=True)]
    assert house.execute(tx, Approval(INES.address, signature(INES.key, of.digest)), *words)


def test_an_owning_safes_signature_by_a_stranger_is_refused_here_and_there(
    nested: Callable[[int], Nested], chain: RpcChain
) -> None:
    house = nested(2)
    tx = house.transfer()
    of = signable_of(tx)
    good, forged = (house.approval(house.owners[0], person, of) for person in (JONAS, STRANGER))
    person = Approval(INES.address, signature(INES.key, of.digest))
    for word, taken in ((forged, False), (good, True)):
        (signed,) = split_signatures(word.signature, of.digest)
        assert stands(signed, of, tx.account.safe, "1.4.1", chain, chain.head()) is taken
        assert house.execute(tx, person, word) is taken


def test_an_owner_who_approved_on_chain_stands_beside_an_owning_safe(nested: Callable[[int], Nested]) -> None:
    house = nested(2)
    tx = house.transfer()
    word = house.approval(house.owners[1], KEMI, signable_of(tx))
    (plain,) = split_signatures(signature(INES.key, signable_of(tx).digest), signable_of(tx).digest)
    assert plain.kind == EOA
    data = encode_exec(tx, join_signatures([prevalidated(INES.address), word]))
    house.world.set_balance(INES.address, 10**18)
    assert house.world.send_as(INES.address, tx.account.safe, data).success
