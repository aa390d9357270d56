"""An action's transaction is signed once, kept, and only those bytes are ever sent, whatever is killed in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from eth_account import Account as Keys
from eth_account.typed_transactions import TypedTransaction
from hexbytes import HexBytes

from strongroom.chain.rpc import RpcChain
from strongroom.errors import NotRecorded
from strongroom.model import Digest, LedgerReceipt
from strongroom.protocols.erc20 import encode_transfer, read_balance
from strongroom.wallet.executor import Executor, Outbox, Outgoing, Sent
from strongroom.wallet.signer import KeySigner
from strongroom.world.anvil import BASE_FEE_WEI
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


@pytest.fixture
def dear(world: World) -> Iterator[Callable[[int], None]]:
    """Makes the newest block's base fee what is asked for."""

    def set_to(base_fee_wei: int) -> None:
        world.ask("anvil_setNextBlockBaseFeePerGas", hex(base_fee_wei))
        world.ask("evm_mine")

    yield set_to
    # What a block costs next is not turned back with the rest of the chain.
    world.ask("anvil_setNextBlockBaseFeePerGas", hex(BASE_FEE_WEI))


AGAIN = LedgerReceipt(9, "tx.intent", BINDING)


def test_an_outbidding_transaction_differs_in_its_fees_alone(
    chain: RpcChain, outbox: Outbox, outgoing: Outgoing, dear: Callable[[int], None]
) -> None:
    executor = Executor(chain, signer(), outbox)
    sent = executor.sign_once(outgoing, RECEIPT)
    assert not executor.underpriced(sent)
    dear(40 * 10**9)
    assert executor.underpriced(sent)
    dearer = executor.outbid(sent, AGAIN)
    assert executor.outbid(sent, AGAIN) == dearer
    assert not executor.underpriced(dearer)
    first, second = (dict(TypedTransaction.from_bytes(HexBytes(each.raw)).as_dict()) for each in (sent, dearer))
    changed = {name for name in first if first[name] != second[name]}
    assert changed - {"v", "r", "s"} == {"maxFeePerGas", "maxPriorityFeePerGas"}
    for name in ("maxFeePerGas", "maxPriorityFeePerGas"):
        assert second[name] * 10 >= first[name] * 11


def test_whichever_of_two_rivals_is_mined_counts_for_both_and_nothing_more_is_sent(
    world: World, chain: RpcChain, outbox: Outbox, outgoing: Outgoing, dear: Callable[[int], None]
) -> None:
    """The base fee falls again: the node mines the cheap one before the dear one is sent."""
    executor = Executor(chain, signer(), outbox)
    sent = executor.sign_once(outgoing, RECEIPT)
    dear(40 * 10**9)
    dearer = executor.outbid(sent, AGAIN)
    dear(BASE_FEE_WEI)
    executor.broadcast(sent)
    executor.broadcast(dearer)
    for each in (sent, dearer):
        mined = executor.await_mined(each.tx_hash, 10)
        assert mined and mined.tx_hash == sent.tx_hash
    assert received(world, chain) == UNITS


def test_nothing_is_outbid_without_a_durable_intent_for_this_action(
    chain: RpcChain, outbox: Outbox, outgoing: Outgoing
) -> None:
    executor = Executor(chain, signer(), outbox)
    sent = executor.sign_once(outgoing, RECEIPT)
    for receipt in (LedgerReceipt(9, "verdict", BINDING), LedgerReceipt(9, "tx.intent", Digest("0x" + "cd" * 32))):
        with pytest.raises(NotRecorded, match="nothing was signed"):
            executor.outbid(sent, receipt)


def test_what_was_signed_first_goes_first_when_no_node_knows_it_yet(
    world: World, chain: RpcChain, outbox: Outbox, outgoing: Outgoing
) -> None:
    """Both would be signed for the same account nonce, and one of them would be lost."""
    executor = Executor(chain, signer(), outbox)
    first = executor.sign_once(outgoing, RECEIPT)
    second = executor.sign_once(outgoing, AGAIN)
    assert second.nonce == first.nonce + 1
    for each in (second, first):
        executor.broadcast(each)
        mined = executor.await_mined(each.tx_hash, 10)
        assert mined and mined.tx_hash == each.tx_hash
    assert received(world, chain) == 2 * UNITS


def test_another_keys_transaction_at_the_same_nonce_holds_nothing_up(
    chain: RpcChain, outbox: Outbox, outgoing: Outgoing
) -> None:
    """The anchoring key shares the outbox."""
    nonce = chain.nonce(AGENT.address)
    other = KeySigner(Keys.from_key(STRANGER.key))
    raw = other.sign_transaction({**FIELDS, "nonce": nonce}, BINDING, RECEIPT)
    outbox.keep(Sent(BINDING, 1, Digest("0x" + "ee" * 32), nonce, raw))
    assert Executor(chain, signer(), outbox).sign_once(outgoing, AGAIN).nonce == nonce


FIELDS = {
    "type": 2,
    "chainId": 31337,
    "to": STRANGER.address,
    "value": 0,
    "data": b"",
    "gas": 21_000,
    "maxPriorityFeePerGas": 1,
    "maxFeePerGas": 2,
}


def test_a_signer_shows_its_address_and_nothing_else() -> None:
    assert AGENT.key.hex() not in repr(signer()) + str(vars(signer()))
