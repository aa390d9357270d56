"""Planning a TWAP feed: the second price of a token that has one Chainlink feed, from a pool's past. Anybody makes it;
policy.toml names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent.app import Documents, open_documents
from agent.installing import connected
from agent.onboarding.chains import chain_of
from policies.terms import ListedToken
from strongroom.errors import BadValue, NotDeployed, NotNamed
from strongroom.model import Address, Block, Call, TokenId
from strongroom.ports import Chain, Read
from strongroom.protocols.twap_feed import MAX_WINDOW_SECONDS, MIN_WINDOW_SECONDS, TwapTerms
from strongroom.protocols.uniswap_v3 import read_liquidity, read_memory, read_token0, read_token1
from strongroom.quantities import format_seconds
from strongroom.wallet.deploy import plan

_THINNEST_BPS, _ALL_BPS = 5_000, 10_000
"""Unless told otherwise, half of what is in use now is still believed."""

_SECONDS_A_BLOCK = 12
"""Of Ethereum; on a chain with faster blocks, who trades in each of them makes the pool forget sooner."""


def plan_twap(
    config: Path, token: str, quote: str, pool: Address, window_seconds: int, min_liquidity: int | None = None
) -> dict[str, Any]:
    """The feed that prices `token` by the average of `pool` over the window, times the first feed of `quote`, in plain
    values. Raises `InputError`, `SetupError` or `NodeError`, also where the contract would refuse; nothing is sent."""
    documents = open_documents(config)
    listed, feeds = _listed(documents, token), documents.policy.feeds_of(_listed(documents, quote).token.id)
    if not feeds:
        raise NotNamed("feeds", f"[tokens.{quote}] of policy.toml", "the pool's other token needs a price of its own")
    if feeds[0] in listed.feeds:
        raise BadValue(feeds[0], f"the price of {quote}", f"{token} has it as well: two sources, not one twice")
    _require_window(window_seconds)
    policy, factory = documents.policy, chain_of(config, documents.policy.account.chain_id).create2_factory
    with connected(documents.treasury) as chain:
        block = chain.head()
        liquidity = _liquidity(chain, documents, listed, quote, pool, block)
        _require_memory(chain, pool, window_seconds, block)
        least = min_liquidity if min_liquidity is not None else liquidity * _THINNEST_BPS // _ALL_BPS
        terms = TwapTerms(pool, listed.token.address, feeds[0], window_seconds, least)
        planned = plan(policy.account, "TwapFeed", terms.encoded, factory)
        stands = bool(chain.code(planned.address, block))
        if not stands:
            _try(chain, planned.call, terms, block)
    return {
        "token": listed.token.id,
        "feed": planned.address,
        "stands": stands,
        "feeds": [*listed.feeds[:1], planned.address],
        "window_seconds": window_seconds,
        "liquidity": liquidity,
        "min_liquidity": least,
        "to": planned.call.to,
        "data": "0x" + planned.call.data.hex(),
    }


def _listed(documents: Documents, token: str) -> ListedToken:
    tokens = documents.policy.tokens
    if (found := tokens.get(TokenId(token))) is None:
        raise BadValue(token, "a token", "policy.toml lists " + ", ".join(f"`{id_}`" for id_ in tokens))
    return found


def _require_window(seconds: int) -> None:
    if not MIN_WINDOW_SECONDS <= seconds <= MAX_WINDOW_SECONDS:
        least, most = format_seconds(MIN_WINDOW_SECONDS), format_seconds(MAX_WINDOW_SECONDS)
        raise BadValue(format_seconds(seconds), "the window", f"it is {least} to {most}")


def _liquidity(chain: Chain, documents: Documents, listed: ListedToken, quote: str, pool: Address, block: Block) -> int:
    """What is in use in the pool now. Raises `BadValue` unless it is a pool of these two tokens."""
    reads: tuple[Read[Any], ...] = (read_token0(pool), read_token1(pool), read_liquidity(pool))
    first, second, liquidity = chain.read(reads, block)
    pair = {listed.token.address, _listed(documents, quote).token.address}
    if {first, second} != pair or liquidity is None:
        mend = f"name the Uniswap V3 pool of {listed.token.id} and {quote}"
        raise BadValue(pool, "the pool", mend)
    return int(liquidity)


def _require_memory(chain: Chain, pool: Address, window_seconds: int, block: Block) -> None:
    """A quiet pool remembers long whatever it keeps, until somebody trades: that would silence the feed, and with it
    the swaps and the watch. Raises `BadValue`."""
    (kept,), needed = chain.read([read_memory(pool)], block), window_seconds // _SECONDS_A_BLOCK + 1
    if kept is None or kept < needed:
        mend = (
            f"it keeps {kept or 0:,} of its past ticks, and {needed:,} may pass in {format_seconds(window_seconds)}: "
            f"anybody sends it `increaseObservationCardinalityNext({needed})`, or choose another"
        )
        raise BadValue(pool, "the pool", mend)


def _try(chain: Chain, call: Call, terms: TwapTerms, block: Block) -> None:
    """Whether the factory could make it now: in a call that changes nothing."""
    if not chain.code(call.to, block):
        raise NotDeployed("CREATE2 factory", call.to, "deploy it, or name another in chains.toml")
    if terms.min_liquidity <= 0:
        raise BadValue(terms.min_liquidity, "the least liquidity", "there is none in the pool; choose a deeper one")
    if chain.read([Read(call.to, call.data, bytes)], block)[0] is None:
        ago = format_seconds(terms.window_seconds)
        mend = (
            f"it does not remember {ago}: anybody sends it `increaseObservationCardinalityNext`, then wait {ago}, "
            "or choose another"
        )
        raise BadValue(terms.pool, "the pool", mend)
