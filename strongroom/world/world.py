"""`World`: a fresh local chain with everything on it, and the hands that move time, prices and people."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from strongroom.addresses import from_digest, to_address
from strongroom.errors import BadValue, NodeRefused, NodeUnreachable
from strongroom.model import NATIVE, Account, Address, Approval, Block, Call, Digest, Operation, SafeTx, Token, TokenId
from strongroom.ports import MinedTransaction
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.multisend import encode_multisend
from strongroom.protocols.safe import encode_exec, join_signatures, safe_tx_hash
from strongroom.protocols.weth import encode_deposit
from strongroom.quantities import format_bps
from strongroom.world.anvil import BASE_FEE_WEI, CHAIN_ID, Anvil
from strongroom.world.building import build, extend, find
from strongroom.world.contracts import Contracts, encode_mint, new_safe
from strongroom.world.market import Prices, falling, reads, trades
from strongroom.world.node import Node
from strongroom.world.people import DEPLOYER, Person
from strongroom.world.script import Script, fees
from strongroom.world.treasury import DECIMALS, ETH, TREASURY, WETH

BLOCK_SECONDS = 12
_SEND_GAS = 15_000_000
_RECEIPT_SECONDS = 10.0
_POOL_SECONDS = 1.0


class World:
    """Every address in `contracts`, and the treasury in the Safe at `account`. Use it as a context manager."""

    treasury = TREASURY

    def __init__(self, node: Node, contracts: Contracts, anvil: Anvil | None) -> None:
        self.contracts, self.anvil, self._node = contracts, anvil, node

    @classmethod
    def start(cls) -> World:
        """A new chain on a free port, dated now; it ends with `stop`, or with the thread that started it."""
        return cls._built(Anvil.start())

    @classmethod
    def start_detached(cls, port: int, states: Path) -> World:
        """A new chain on `port` that outlives this process; its pid is `world.anvil.process.pid`, and `states` is its
        own. Raises `BadValue`."""
        return cls._built(Anvil.start_detached(port, states))

    @classmethod
    def attach(cls, port: int) -> World:
        """A world that already runs; leaving it does not end it. Raises `NodeUnreachable` or `NotDeployed`."""
        node = Node(port)
        try:
            return cls(node, find(node), None)
        except BaseException:
            node.close()
            raise

    @classmethod
    def _built(cls, anvil: Anvil) -> World:
        node = Node(anvil.port)
        try:
            return cls(node, build(node), anvil)
        except BaseException:
            node.close()
            anvil.stop()
            raise

    def stop(self) -> None:
        """Ends what `start` started; an attached world goes on."""
        self._node.close()
        if self.anvil:
            self.anvil.stop()

    def __enter__(self) -> World:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The node's HTTP address."""
        return self._node.url

    @property
    def account(self) -> Account:
        return Account(CHAIN_ID, self.contracts.safe)

    @property
    def tokens(self) -> tuple[Token, ...]:
        """ETH, WETH, the two stables and the DAO's own token."""
        return tuple(Token(self.account, t, address, DECIMALS[t]) for t, address in self.contracts.tokens.items())

    @property
    def feeds(self) -> dict[TokenId, tuple[Address, ...]]:
        """The proxies of each priced token's two sources."""
        return {token: tuple(feed.proxy for feed in feeds) for token, feeds in self.contracts.feeds.items()}

    def ask(self, method: str, *params: Any) -> Any:
        """Any JSON-RPC method of the node. Raises `NodeRefused`."""
        return self._node.ask(method, *params)

    # TIME AND PRICES

    def now(self) -> int:
        """The newest block's time."""
        return int(self.ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def advance(self, seconds: int, *, feeds: bool = True) -> None:
        """Mines a block `seconds` (>= 1) later. Every feed repeats its answer at that time, unless `feeds` is false."""
        self._date_next_block(self.now() + seconds)
        if feeds:
            self._answer(zip(self._aggregators(), self._answers(), strict=True))
        else:
            self.ask("evm_mine")

    def mine(self, blocks: int) -> None:
        """So many blocks, each twelve seconds after the one before. Feeds do not answer again."""
        for _ in range(blocks):
            self.advance(BLOCK_SECONDS, feeds=False)

    def _date_next_block(self, at: int) -> None:
        self._node.ask_all(
            [("evm_setNextBlockTimestamp", [at]), ("anvil_setNextBlockBaseFeePerGas", [hex(BASE_FEE_WEI)])]
        )

    def set_price(self, token: TokenId, usd_e8: int, source: int | None = None) -> None:
        """Answers `usd_e8` (USD, scaled by 1e8) in the next block: one source, 0 or 1, or both. Pools stay."""
        feeds = self.contracts.feeds[token]
        chosen = feeds if source is None else (feeds[source],)
        self._answer((feed.aggregator, usd_e8) for feed in chosen)

    def move_market(self, token: TokenId, usd_e8: int) -> None:
        """`set_price` of both sources, and every pool traded to the ratio of the feeds' (first) prices."""
        self.set_price(token, usd_e8)
        self._trade(self.prices_e8())

    def fall(self, token: TokenId, bps: int) -> None:
        """The token loses `bps` (1 to 9,999) of its price in even steps over exactly `FALL_SECONDS`, rounded down each.
        In each, the deployer trades with its own funds until every pool stands at the new prices, as in `trades`; then
        every feed answers, the token's two sources as far apart as before. Raises `BadValue`, and nothing has changed,
        where nobody provides liquidity that far down."""
        before = self.snapshot()
        try:
            self._fall(token, bps)
        except NodeRefused as error:
            self.revert(before)
            mend = "some pool has no liquidity that far down, or the world's trader no funds; let it fall less"
            raise BadValue(format_bps(bps), f"the fall of {token}", mend) from error

    def _fall(self, token: TokenId, bps: int) -> None:
        began, feeds = self.now(), self.contracts.feeds
        for at, prices in falling(feeds, self.prices_e8(), token, bps):
            self._trade(prices)
            self._date_next_block(began + at)
            sources = ((feeds[each], answers) for each, answers in prices.items() if each != ETH)
            self._answer((feed.aggregator, answer) for pair in sources for feed, answer in zip(*pair, strict=True))

    def prices_e8(self) -> dict[TokenId, Prices]:
        """What the two sources of each priced token answer."""
        answers = dict(zip(self._aggregators(), self._answers(), strict=True))
        feeds = self.contracts.feeds.items()
        return {token: tuple(answers[feed.aggregator] for feed in sources) for token, sources in feeds}

    def _trade(self, prices: Mapping[TokenId, Prices]) -> None:
        looks = reads(self.contracts)
        words = self._view([(read.target, _hex(read.data)) for read in looks])
        values = [read.decode(bytes.fromhex(word[2:])) for read, word in zip(looks, words, strict=True)]
        for router, data in trades(self.contracts, values, prices, DEPLOYER.address):
            if not self.send_as(DEPLOYER.address, router, data).success:
                raise NodeRefused("eth_sendTransaction", "a trade that moves a pool reverted")

    def _aggregators(self) -> list[Address]:
        return [feed.aggregator for token, feeds in self.contracts.feeds.items() if token != ETH for feed in feeds]

    def _answers(self) -> list[int]:
        data = _hex(encode_call("latestAnswer()"))
        words = self._view([(each, data) for each in self._aggregators()])
        return [int.from_bytes(bytes.fromhex(word[2:]), "big", signed=True) for word in words]

    def _view(self, calls: Sequence[tuple[Address, str]]) -> list[str]:
        return self._node.ask_all([("eth_call", [{"to": to, "data": data}, "latest"]) for to, data in calls])

    def _answer(self, answers: Iterable[tuple[Address, int]]) -> None:
        calls = [Call(self.account, each, 0, encode_call("updateAnswer(int256)", answer)) for each, answer in answers]
        self.send_as(DEPLOYER.address, self.contracts.multisend, encode_multisend(calls))

    def snapshot(self) -> str:
        """Remembers the whole state; give it to `revert` once."""
        return str(self.ask("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        """Back to `snapshot`, time included; what was sent since is forgotten."""
        self._settle_pool()
        self.ask("anvil_dropAllTransactions")
        self.ask("evm_revert", snapshot)

    def _settle_pool(self) -> None:
        """A receipt is there before its transaction has left anvil's pool. Reverted meanwhile, it would be mined a
        second time, or take its sender's next one with it. What nobody mines is not waited for long."""
        deadline = time.monotonic() + _POOL_SECONDS
        while int(self.ask("txpool_status")["pending"], 16) and time.monotonic() < deadline:
            time.sleep(0.001)

    # ACCOUNTS

    def set_balance(self, address: Address, wei: int) -> None:
        self.ask("anvil_setBalance", address, hex(wei))

    def set_code(self, address: Address, runtime: bytes) -> None:
        """Replaces the runtime bytecode; storage stays."""
        self.ask("anvil_setCode", address, _hex(runtime))

    def mint(self, token: TokenId, to: Address, units: int) -> None:
        """New units of a token; ether and WETH come out of the deployer's purse."""
        address = self.contracts.tokens[token]
        if address == NATIVE:
            self.send_as(DEPLOYER.address, to, value_wei=units)
        elif token == WETH:
            self.send_as(DEPLOYER.address, address, encode_deposit(), units)
            self.send_as(DEPLOYER.address, address, encode_transfer(to, units))
        else:
            self.send_as(DEPLOYER.address, address, encode_mint(to, units))

    # TRANSACTIONS

    def send_as(
        self, sender: Address, to: Address | None, data: bytes = b"", value_wei: int = 0, gas: int = _SEND_GAS
    ) -> MinedTransaction:
        """Sends as any address, with or without a key, that has ether for gas; `to` is `None` for a creation.
        A reverted transaction is a result, not an error."""
        transaction = {"from": sender, "data": _hex(data), "value": hex(value_wei), "gas": hex(gas), **fees()}
        tx_hash = self.ask("eth_sendTransaction", transaction | ({"to": to} if to else {}))
        return self._mined(Digest(tx_hash))

    def deploy(self, creation: bytes) -> Address:
        """Deploys creation bytecode, arguments appended. Raises `ValueError` when the constructor reverts."""
        mined = self.send_as(DEPLOYER.address, None, creation)
        if not mined.success:
            raise ValueError(f"the constructor reverted in `{mined.tx_hash}`")
        return to_address(self.ask("eth_getTransactionReceipt", mined.tx_hash)["contractAddress"])

    def extend(self, script: Script) -> None:
        """Mines the whole script of a sender who has sent nothing yet. Raises `NodeRefused` when a part of it fails."""
        extend(self._node, script)

    def _mined(self, tx_hash: Digest) -> MinedTransaction:
        receipt = self._receipt(tx_hash)
        header = self.ask("eth_getBlockByHash", receipt["blockHash"], False)
        block = Block(int(header["number"], 16), Digest(header["hash"]), int(header["timestamp"], 16))
        return MinedTransaction(tx_hash, block, receipt["status"] == "0x1", int(receipt["gasUsed"], 16))

    def _receipt(self, tx_hash: Digest) -> Any:
        deadline = time.monotonic() + _RECEIPT_SECONDS
        while time.monotonic() < deadline:
            if receipt := self.ask("eth_getTransactionReceipt", tx_hash):
                return receipt
            time.sleep(0.001)
        raise NodeUnreachable(self.url, f"`{tx_hash}` was not mined")

    # SAFES

    def new_safe(self, owners: Sequence[Address], threshold: int, salt: int = 1) -> Account:
        """Another Safe 1.4.1 of the same factory. `salt` tells apart those with the same owners."""
        script = Script(DEPLOYER.address)
        parts = {
            "safe_singleton": self.contracts.safe_singleton,
            "safe_factory": self.contracts.safe_factory,
            "fallback_handler": self.contracts.fallback_handler,
        }
        safe = new_safe(script, parts, tuple(owners), threshold, salt)
        transaction = script.transactions[0]
        self.send_as(DEPLOYER.address, parts["safe_factory"], bytes.fromhex(transaction["data"][2:]))
        return Account(CHAIN_ID, safe)

    def safe_exec(
        self,
        account: Account,
        signers: Sequence[Person],
        to: Address,
        data: bytes = b"",
        value_wei: int = 0,
        operation: Operation = Operation.CALL,
    ) -> MinedTransaction:
        """The Safe's own transaction at its present nonce, signed with the owners' keys and sent by the deployer."""
        nonce = int(self._view([(account.safe, _hex(encode_call("nonce()")))])[0], 16)
        tx = SafeTx(account, to, value_wei, data, operation, nonce)
        digest = from_digest(safe_tx_hash(tx))
        signatures = join_signatures(Approval(person.address, _signature(person, digest)) for person in signers)
        return self.send_as(DEPLOYER.address, account.safe, encode_exec(tx, signatures))


def _signature(person: Person, digest: bytes) -> bytes:
    from eth_account import Account as Keys

    return bytes(Keys.unsafe_sign_hash(digest, person.key).signature)


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
