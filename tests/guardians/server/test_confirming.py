"""What counts as an owner's approval. Contract owners are asked on chain, and only their full, plain yes counts."""

from __future__ import annotations

import pytest
from eth_abi import encode

from strongroom.model import Account, Address, Operation, SafeTx
from strongroom.protocols.abi import encode_call, selector
from strongroom.protocols.safe import safe_tx_hash
from strongroom.wallet.signatures import asks_by_hash, signable_of
from strongroom.world.people import AGENT, DEPLOYER, GUARDIANS, STRANGER

from .conftest import Desk, eth_sign, sign

INES, JONAS, KEMI = GUARDIANS
CONTRACT_OWNER = Address("0x00000000000000000000000000000000C0FFEE00")
MAGIC = bytes.fromhex("20c13b0b").ljust(32, b"\0")


@pytest.fixture
def digest(desk: Desk) -> str:
    """A proposal of the agent's that nobody has confirmed."""
    desk.delegate()
    assert desk.propose(desk.tx(), AGENT).status_code == 201
    return safe_tx_hash(desk.tx())


def _kinds(desk: Desk, digest: str) -> dict[str, str]:
    return {each["owner"]: each["signatureType"] for each in desk.show(digest)["confirmations"]}


def test_two_guardians_confirm_and_both_are_shown_in_order_of_arrival(desk: Desk, digest: str) -> None:
    for guardian in (KEMI, INES):
        signature = sign(guardian, digest)
        answer = desk.confirm(digest, signature)
        assert (answer.status_code, answer.json()) == (201, {"signature": "0x" + signature.hex()})
    assert list(_kinds(desk, digest)) == [KEMI.address, INES.address]
    listed = desk.get(f"/v1/multisig-transactions/{digest}/confirmations/").json()
    assert [each["owner"] for each in listed["results"]] == [KEMI.address, INES.address]
    assert listed["count"] == 2


def test_the_same_confirmation_twice_is_one(desk: Desk, digest: str) -> None:
    assert [desk.confirm(digest, sign(INES, digest)).status_code for _ in range(2)] == [201, 201]
    assert list(_kinds(desk, digest)) == [INES.address]


def test_a_wallet_that_signs_with_a_prefix_is_understood(desk: Desk, digest: str) -> None:
    assert desk.confirm(digest, eth_sign(INES, digest)).status_code == 201
    assert _kinds(desk, digest) == {INES.address: "ETH_SIGN"}


def _refused(desk: Desk, digest: str, signature: bytes) -> bool:
    answer = desk.confirm(digest, signature)
    return answer.status_code == 400 and list(answer.json()) == ["signature"] and _kinds(desk, digest) == {}


def test_nobody_but_an_owner_can_confirm(desk: Desk, digest: str) -> None:
    assert _refused(desk, digest, sign(STRANGER, digest))
    assert _refused(desk, digest, sign(AGENT, digest))


def test_a_signature_over_another_transaction_is_refused(desk: Desk, digest: str) -> None:
    assert _refused(desk, digest, sign(INES, safe_tx_hash(desk.tx(1))))


@pytest.mark.parametrize("garbage", [b"\x11" * 64, b"\xff" * 65, b"\0" * 65, b"\0" * 64 + b"\x02", b"\x01" * 6000])
def test_bytes_that_are_no_signature_are_refused(desk: Desk, digest: str, garbage: bytes) -> None:
    assert _refused(desk, digest, garbage)


def test_one_bad_signature_spoils_those_sent_with_it(desk: Desk, digest: str) -> None:
    assert _refused(desk, digest, sign(INES, digest) + sign(STRANGER, digest))


def test_an_executed_transaction_takes_no_confirmation(desk: Desk, digest: str) -> None:
    desk.execute(desk.tx())
    answer = desk.confirm(digest, sign(INES, digest))
    assert (answer.status_code, list(answer.json())) == (400, ["signature"])
    assert "already executed" in answer.text


def test_an_unknown_transaction_is_not_found(desk: Desk) -> None:
    answer = desk.confirm("0x" + "ab" * 32, sign(INES, "0x" + "ab" * 32))
    assert (answer.status_code, list(answer.json())) == (404, ["detail"])


def test_a_superseded_transaction_still_takes_confirmations_but_a_nonce_filter_leaves_it_out(
    desk: Desk, digest: str
) -> None:
    desk.execute(desk.tx(value_wei=2))
    assert desk.confirm(digest, sign(INES, digest)).status_code == 201
    assert digest in desk.hashes(executed="false")
    assert desk.hashes(executed="false", nonce__gte=1) == []


def test_an_owner_removed_since_can_no_longer_confirm(desk: Desk, digest: str) -> None:
    removal = encode_call("removeOwner(address,address,uint256)", INES.address, JONAS.address, 2)
    assert desk.world.safe_exec(desk.world.account, [INES, KEMI], desk.safe, removal).success
    assert _refused(desk, digest, sign(JONAS, digest))


def test_an_approval_on_chain_is_shown_without_anybody_posting_it(desk: Desk, digest: str) -> None:
    desk.world.send_as(JONAS.address, desk.safe, encode_call("approveHash(bytes32)", bytes.fromhex(digest[2:])))
    assert _kinds(desk, digest) == {JONAS.address: "APPROVED_HASH"}
    desk.confirm(digest, sign(JONAS, digest))
    assert _kinds(desk, digest) == {JONAS.address: "EOA"}


def test_claiming_an_approval_that_is_not_on_chain_is_refused(desk: Desk, digest: str) -> None:
    claim = bytes(12) + bytes.fromhex(KEMI.address[2:]) + bytes(32) + b"\x01"
    assert _refused(desk, digest, claim)


def _owned_by(desk: Desk, owner: Address) -> Account:
    return desk.world.new_safe([owner, INES.address], 1, salt=7)


def _contract_signature(owner: str, payload: bytes) -> bytes:
    head = bytes(12) + bytes.fromhex(owner[2:]) + (65).to_bytes(32, "big") + b"\0"
    return head + len(payload).to_bytes(32, "big") + payload


def test_a_safe_that_owns_a_safe_confirms_by_its_owners_signature(desk: Desk) -> None:
    outer = _owned_by(desk, desk.safe)
    tx = desk.tx(account=outer)
    desk.propose(tx, INES)
    message = encode_call("getMessageHashForSafe(address,bytes)", desk.safe, signable_of(tx).preimage)
    answer = desk.world.ask("eth_call", {"to": desk.world.contracts.fallback_handler, "data": "0x" + message.hex()})
    payload = b"".join(sign(person, answer) for person in (JONAS, INES))
    assert int(JONAS.address, 16) < int(INES.address, 16), "the Safe wants its signatures in this order"
    digest = safe_tx_hash(tx)
    assert desk.confirm(digest, _contract_signature(desk.safe, payload[:65])).status_code == 400
    answered = desk.confirm(digest, _contract_signature(desk.safe, payload))
    assert answered.status_code == 201, answered.text
    assert _kinds(desk, digest)[desk.safe] == "CONTRACT_SIGNATURE"


def _returning(words: bytes, *, revert: bool) -> bytes:
    """Code that answers every call with `words`."""
    body = b"".join(
        b"\x7f" + words[at : at + 32].ljust(32, b"\0") + b"\x60" + bytes([at]) + b"\x52"
        for at in range(0, len(words), 32)
    )
    return body + b"\x60" + bytes([len(words)]) + b"\x60\x00" + (b"\xfd" if revert else b"\xf3")


ANSWERS = {
    "a plain yes": (_returning(MAGIC, revert=False), 201),
    "a revert whose data is the yes": (_returning(MAGIC, revert=True), 400),
    "the yes and more after it": (_returning(MAGIC + MAGIC, revert=False), 400),
    "the yes with dirty padding": (_returning(MAGIC[:4] + b"\xff" * 28, revert=False), 400),
    "the yes cut short": (_returning(MAGIC[:4], revert=False), 400),
    "the other interface's yes": (_returning(bytes.fromhex("1626ba7e").ljust(32, b"\0"), revert=False), 400),
    "no answer at all": (b"\x00", 400),
    "no code at all": (b"", 400),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_contract_owners_answer_counts_only_as_the_full_magic_word_of_a_call_that_succeeds(
    desk: Desk, name: str
) -> None:
    code, status = ANSWERS[name]
    tx = desk.tx(account=_owned_by(desk, CONTRACT_OWNER))
    desk.propose(tx, INES)
    desk.world.set_code(CONTRACT_OWNER, code)
    digest = safe_tx_hash(tx)
    assert desk.confirm(digest, _contract_signature(CONTRACT_OWNER, b"any")).status_code == status
    executes = _executes(desk, tx, _contract_signature(CONTRACT_OWNER, b"any"))
    assert executes or status == 400, "what the service takes, the Safe must take too"


def _executes(desk: Desk, tx: SafeTx, signature: bytes) -> bool:
    desk.world.set_balance(tx.account.safe, 10**18)
    call = encode(
        ["address", "uint256", "bytes", "uint8", *["uint256"] * 3, "address", "address", "bytes"],
        [tx.to, tx.value_wei, tx.data, int(Operation.CALL), 0, 0, 0, "0x" + "00" * 20, "0x" + "00" * 20, signature],
    )
    execute = selector("execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)")
    return desk.world.send_as(DEPLOYER.address, tx.account.safe, execute + call).success


@pytest.mark.parametrize(
    ("version", "by_hash"),
    [("1.3.0", False), ("1.3.0+L2", False), ("1.4.1", False), ("1.5.0", True), ("1.10.0", True), ("2.0.0", True)],
)
def test_the_safes_version_decides_how_a_contract_owner_is_asked(version: str, by_hash: bool) -> None:
    assert asks_by_hash(version) is by_hash
