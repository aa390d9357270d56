"""What the Safe holds beside the listed tokens: strangers' tokens, NFTs, and positions of liquidity providers.

Anybody can send a Safe anything, under any name. All of it is listed, none of it is valued or ever touched, and what it
is said to be is what its own contract says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from agent.onboarding.history import first_block_since, topic_of
from strongroom.addresses import to_address
from strongroom.chain.answers import reading
from strongroom.chain.logs import read_logs
from strongroom.chain.transport import Transport
from strongroom.model import Account, Address, Block
from strongroom.ports import Chain, Read
from strongroom.protocols import erc20, nft, uniswap_v2
from strongroom.untrusted import shown

LOOK_BACK_SECONDS = 90 * 86_400
_MOST_REQUESTS = 20
"""For each of two kinds of events: a node that serves narrow spans shows less of the past, and is not made to work."""
_MOST_CONTRACTS, _MOST_NUMBERS = 100, 50
"""The newest of each; a Safe that is known gets spam by the thousand."""
_SANE_DECIMALS = 36


class Kind(StrEnum):
    FUNGIBLE = "token"
    NFT = "NFT"
    COLLECTION = "ERC-1155"
    SHARE = "LP share"
    POSITION = "LP position"


@dataclass(frozen=True, slots=True)
class Unlisted:
    """One holding that nobody vouches for. `symbol` is what it calls itself, made safe to print. `units` are counted in
    its own smallest unit, whole tokens of an NFT; `numbers` are those of NFTs and positions that were seen to arrive
    and are still there; `of` are the tokens that a share or a position says it is made of."""

    kind: Kind
    address: Address
    symbol: str
    units: int
    decimals: int | None
    numbers: tuple[int, ...] = ()
    of: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What arrived since block `since_block`, of time `since` (Unix seconds), and is still held; what came before was
    not looked for. `complete` says whether that is as far back as wanted, `left_out` counts contracts beyond the newest
    hundred."""

    holdings: tuple[Unlisted, ...]
    since_block: int
    since: int
    complete: bool
    left_out: int


def read_arrivals(
    chain: Chain,
    node: Transport,
    account: Account,
    listed: frozenset[Address],
    block: Block,
    seconds: int = LOOK_BACK_SECONDS,
) -> Arrivals:
    """What arrived over the last `seconds` before `block`, newest first, without the `listed` tokens. Raises
    `NodeError`."""
    first = first_block_since(node, block.timestamp - seconds, block)
    word = topic_of(account.safe)
    ours, back = read_logs(node, {"topics": [nft.TRANSFER, None, word]}, first, block, _MOST_REQUESTS)
    topics = [[nft.SINGLE, nft.BATCH], None, None, word]
    counted, back_too = read_logs(node, {"topics": topics}, first, block, _MOST_REQUESTS)
    with reading("eth_getLogs"):
        met = {at: numbers for at, numbers in _met([*ours, *counted]).items() if at not in listed}
    newest = dict(list(met.items())[-_MOST_CONTRACTS:][::-1])
    holdings = tuple(_held(chain, account.safe, newest, block))
    oldest = max(back, back_too)
    return Arrivals(holdings, oldest, _time_of(node, oldest, block), oldest == first, len(met) - len(newest))


def _time_of(node: Transport, number: int, newest: Block) -> int:
    """A block's time; the newest one's where logs were read of none at all."""
    header = node.ask("eth_getBlockByNumber", hex(min(number, newest.number)), False)
    with reading("eth_getBlockByNumber"):
        return int(header["timestamp"], 16)


def _met(logs: Sequence[Mapping[str, Any]]) -> dict[Address, tuple[int, ...]]:
    """Contracts that say something arrived, the latest last, with the numbers they named."""
    met: dict[Address, tuple[int, ...]] = {}
    for log in sorted(logs, key=lambda each: (int(each["blockNumber"], 16), int(each["logIndex"], 16))):
        address = to_address(log["address"])
        before = met.pop(address, ())
        met[address] = tuple(dict.fromkeys((*before, *_numbers(log))))[-_MOST_NUMBERS:]
    return met


def _numbers(log: Mapping[str, Any]) -> tuple[int, ...]:
    topic, *_ = log["topics"]
    if topic != nft.TRANSFER:
        return nft.numbers_in(topic, bytes.fromhex(log["data"][2:]))
    return (int(log["topics"][3], 16),) if len(log["topics"]) == 4 else ()


def _held(chain: Chain, safe: Address, met: Mapping[Address, tuple[int, ...]], block: Block) -> Iterator[Unlisted]:
    asked = [each for address in met for each in _reads(address, safe)]
    values = iter(chain.read(asked, block))
    for address, numbers in met.items():
        said = [next(values) for _ in _reads(address, safe)]
        symbol, decimals, units, kinds, pair = shown(said[0] or ""), said[1], said[2], said[3:7], said[7:]
        if nft.is_erc721(kinds):
            yield from _owned(chain, safe, address, symbol, numbers, block)
        elif nft.is_erc1155(kinds):
            yield from _counted(chain, safe, address, symbol, numbers, block)
        elif units:
            state = uniswap_v2.pair_from(address, pair)
            kind, of = (Kind.SHARE, (state.token0, state.token1)) if state else (Kind.FUNGIBLE, ())
            yield Unlisted(kind, address, symbol, units, _sane(decimals), (), of)


def _reads(contract: Address, safe: Address) -> tuple[Read[Any], ...]:
    own = (erc20.read_symbol(contract), erc20.read_decimals(contract), erc20.read_balance(contract, safe))
    return (*own, *nft.kind_reads(contract), *uniswap_v2.pair_reads(contract))


def _sane(decimals: int | None) -> int | None:
    return decimals if decimals is not None and decimals <= _SANE_DECIMALS else None


def _owned(
    chain: Chain, safe: Address, address: Address, symbol: str, numbers: Sequence[int], block: Block
) -> Iterator[Unlisted]:
    """ERC-721: positions one by one, for each is made of its own tokens; everything else together."""
    owners = chain.read([nft.read_owner(address, each) for each in numbers], block)
    ours = [number for number, owner in zip(numbers, owners, strict=True) if owner == safe]
    positions = chain.read([nft.read_position(address, each) for each in ours], block)
    for number, tokens in zip(ours, positions, strict=True):
        if tokens is not None:
            yield Unlisted(Kind.POSITION, address, symbol, 1, None, (number,), tokens)
    plain = tuple(number for number, tokens in zip(ours, positions, strict=True) if tokens is None)
    if plain:
        yield Unlisted(Kind.NFT, address, symbol, len(plain), None, plain)


def _counted(
    chain: Chain, safe: Address, address: Address, symbol: str, numbers: Sequence[int], block: Block
) -> Iterator[Unlisted]:
    """ERC-1155: the units of all numbers together."""
    held = chain.read([nft.read_units(address, safe, each) for each in numbers], block)
    ours = {number: units for number, units in zip(numbers, held, strict=True) if units}
    if ours:
        yield Unlisted(Kind.COLLECTION, address, symbol, sum(ours.values()), None, tuple(ours))
