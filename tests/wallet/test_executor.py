"""An action's transaction is signed once, kept, and only those bytes are ever sent, whatever is killed in between."""

from __future__ import annotations

from pathlib import Path

import pytest
from eth_account import Account as Keys

from strongroom.chain.rpc import RpcChain
from strongroom.errors import NotRecorded
from strongroom.model import Digest, LedgerReceipt
from strongroom.protocols.erc20 import encode_transfer, read_balance
from strongroom.wallet.executor import Executor, Outbox, Outgoing
from strongroom.wallet.signer import KeySigner
from strongroom.world.people import AGENT, STRANGER
from strongroom.world.treasury import DAI
from strongroom.world.world import World

BINDING = Digest("0x" + "ab" * 32)
RECEIPT = LedgerReceipt(7, "tx.intent", BINDING)
UNITS = 5


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "outbox.db")


@pytest.fixture
def outgoing(world: World) -> Outgoing:
    world.mint(DAI, AGENT.address, 100 * UNITS)
    return Outgoing(
        world.account, BINDING, world.contracts.tokens[DAI], encode_transfer(STRANGER.address, UNITS), 60_000
    )


def signer() -> KeySigner:
    return KeySigner(Keys.from_key(AGENT.key))


def received(world: World, chain: RpcChain) -> int:
    return int(chain.read([read_balance(world.contracts.tokens[DAI], STRANGER.address)], chain.head())[0])


def test_killed_after_signing_before_keeping_nothing_was_sent_and_one_transaction_follows(
    world: World, chain: RpcChain, outbox: Outbox, outgoing: Outgoing, tmp_path: Path
) -> None:
    Executor(chain, signer(), Outbox(tmp_path / "lost.db")).sign_once(outgoing, RECEIPT)
    executor = Executor(chain, signer(), outbox)
    sent = executor.sign_once(outgoing, RECEIPT)
    executor.broadcast(sent)
    assert executor.await_mined(sent.tx_hash, 10)
    assert received(world, chain) == UNITS


def test_killed_after_keeping_before_sending_the_same_bytes_are_sent(
    world: World, chain: RpcChain, outbox: Outbox, outgoing: Outgoing
) -> None:
    kept = Executor(chain, signer(), outbox).sign_once(outgoing, RECEIPT)
    after = Executor(chain, signer(), outbox)
    assert after.sign_once(outgoing, RECEIPT) == kept
    after.broadcast(kept)
    assert after.await_mined(kept.tx_hash, 10)
    assert received(world, chain) == UNITS


def test_killed_after_mining_the_same_bytes_do_nothing_more(
    world: World, chain: RpcChain, outbox: Outbox, outgoing: Outgoing
) -> None:
    executor = Executor(chain, signer(), outbox)
    for _ in range(3):
        sent = executor.sign_once(outgoing, RECEIPT)
        executor.broadcast(sent)
        mined = executor.await_mined(sent.tx_hash, 10)
        assert mined and mined.success
    assert received(world, chain) == UNITS


def test_nothing_is_signed_without_a_durable_intent_for_this_action(
    chain: RpcChain, outbox: Outbox, outgoing: Outgoing
) -> None:
    executor = Executor(chain, signer(), outbox)
    for receipt in (LedgerReceipt(7, "verdict", BINDING), LedgerReceipt(7, "tx.intent", Digest("0x" + "cd" * 32))):
        with pytest.raises(NotRecorded, match="nothing was signed"):
            executor.sign_once(outgoing, receipt)
    assert outbox.find(BINDING, RECEIPT.index) is None


def test_a_transaction_that_is_not_mined_is_unknown_not_failed(
    chain: RpcChain, outbox: Outbox, outgoing: Outgoing
) -> None:
    executor = Executor(chain, signer(), outbox)
    sent = executor.sign_once(outgoing, RECEIPT)
    assert executor.await_mined(sent.tx_hash, 0.2) is None


def test_a_signer_shows_its_address_and_nothing_else() -> None:
    assert AGENT.key.hex() not in repr(signer()) + str(vars(signer()))
