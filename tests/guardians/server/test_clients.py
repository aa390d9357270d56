"""The public Python client, unmodified, does against this server all it does against the public one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from safe_eth.eth import EthereumClient, EthereumNetwork
from safe_eth.safe import Safe
from safe_eth.safe.api.base_api import SafeAPIException
from safe_eth.safe.api.transaction_service_api import TransactionServiceApi

from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.safe import safe_tx_hash
from strongroom.world.people import AGENT, ALICE, GUARDIANS

from .conftest import Desk, sign

INES, JONAS, KEMI = GUARDIANS


@pytest.fixture
def node(desk: Desk) -> Iterator[EthereumClient]:
    client = EthereumClient(desk.world.url)
    yield client
    client.http_session.close()


@pytest.fixture
def api(desk: Desk, node: EthereumClient) -> Iterator[TransactionServiceApi]:
    client = TransactionServiceApi(EthereumNetwork(desk.world.account.chain_id), node, desk.url)
    yield client
    client.http_session.close()


def test_delegate_propose_confirm_read_and_execute(
    desk: Desk, node: EthereumClient, api: TransactionServiceApi
) -> None:
    signature = sign(INES, bytes(api.create_delegate_message_hash(AGENT.address)))
    assert api.add_delegate(AGENT.address, INES.address, "agent", signature, desk.safe)
    assert [row["delegate"] for row in api.get_delegates(desk.safe)] == [AGENT.address]

    safe = Safe(desk.safe, node)
    proposal = safe.build_multisig_tx(ALICE.address, 5, b"")
    proposal.sign(AGENT.key.hex())
    assert api.post_transaction(proposal)
    assert api.get_safes_for_owner(INES.address) == [desk.safe]
    (row,) = api.get_transactions(desk.safe, safe_tx_hash=proposal.safe_tx_hash.to_0x_hex())
    assert (row["proposer"], row["confirmations"]) == (INES.address, [])

    for guardian in (KEMI, JONAS):
        assert api.post_signatures(proposal.safe_tx_hash, sign(guardian, bytes(proposal.safe_tx_hash)))
    read, mined = api.get_safe_transaction(proposal.safe_tx_hash)
    assert (mined, sorted(read.signers)) == (None, sorted([KEMI.address, JONAS.address]))
    read.call()
    tx_hash, _ = read.execute(ALICE.key.hex())
    assert node.get_transaction_receipt(tx_hash, timeout=30), "a node answers before it has mined"
    assert api.get_safe_transaction(proposal.safe_tx_hash)[1] == tx_hash

    signature = sign(AGENT, bytes(api.create_delegate_message_hash(AGENT.address)))
    assert api.remove_delegate(AGENT.address, INES.address, signature, desk.safe)
    assert api.get_delegates(desk.safe) == []


def test_decode_and_refusals(desk: Desk, api: TransactionServiceApi) -> None:
    decoded = api.decode_data(encode_transfer(ALICE.address, 7))
    assert TransactionServiceApi.data_decoded_to_text(decoded) == f"transfer: {ALICE.address},7"
    with pytest.raises(SafeAPIException, match="No MultisigTransaction"):
        api.get_safe_transaction(safe_tx_hash(desk.tx()))
    with pytest.raises(SafeAPIException, match="not an owner"):
        desk.propose(desk.tx())
        api.post_signatures(bytes.fromhex(safe_tx_hash(desk.tx())[2:]), sign(ALICE, safe_tx_hash(desk.tx())))
