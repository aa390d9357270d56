"""The one place facts are assembled: everything a decision needs, read at one pinned block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from strongroom.errors import NotDeployed
from strongroom.model import (
    NATIVE,
    Account,
    Address,
    AnnouncedRun,
    Block,
    Digest,
    Facts,
    Gas,
    KernelState,
    LendingState,
    Outflow,
    PairState,
    PoolState,
    Round,
    SafeState,
    Token,
    TokenId,
)
from strongroom.ports import Chain, Listings, Read, Waiting
from strongroom.protocols import (
    chainlink,
    chainlink_past,
    erc20,
    kernel,
    kernel_runs,
    safe,
    uniswap_v2,
    uniswap_v3_pool,
    watch,
)
from strongroom.protocols.aave_v3_market import Market, market_from, market_reads
from strongroom.protocols.kernel_orders import last_paid_read
from strongroom.protocols.uniswap_v3_ticks import average_read

Reads = Sequence[Read[Any]]


@dataclass(frozen=True, slots=True)
class Subject:
    """What to look at: the account, its listed tokens, their feeds, the agent's key (none in shadow mode), how far back
    outflows count, the Kernel with the buckets and the standing orders (by their leaves) that matter, and its watch
    (none before guarded mode), each Uniswap V3 pool with the lens that shows its ticks, the Uniswap V2 pairs, the
    lending markets, how long an announced run can stay in force (zero: none can be announced), where the deny lists are
    kept that the policy asks for (none where it asks for none), and over how long each Uniswap V3 pool's average and
    each first feed's past rounds count (zero: they are not read)."""

    account: Account
    tokens: tuple[Token, ...]
    feeds: Mapping[TokenId, tuple[Address, ...]]
    agent: Address | None
    window_seconds: int
    kernel: Address | None = None
    buckets: tuple[Digest, ...] = ()
    pools: tuple[tuple[Address, Address], ...] = ()
    pairs: tuple[Address, ...] = ()
    lending: tuple[Market, ...] = ()
    watch: Address | None = None
    orders: tuple[Digest, ...] = ()
    announced_seconds: int = 0
    listings: Listings | None = None
    average_seconds: int = 0
    past_seconds: int = 0


def observe(chain: Chain, queue: Waiting, subject: Subject) -> Facts:
    """Facts at the newest block: all view calls in one batch, and the ticks of the pools in a second. A feed, balance,
    pool or market that does not answer is absent, so that rules which need it deny.
    Raises `NotDeployed` when the account is no Safe, `NodeError` or `ServiceError` when one cannot be reached,
    `InputError` for a deny list that cannot be read."""
    return observe_at(chain, queue, subject, chain.head())


def observe_at(chain: Chain, queue: Waiting, subject: Subject, block: Block) -> Facts:
    """As `observe`, at any block whose state the node still has; the queue is the present one."""
    states, held, rounds, kernel_values, heads, pairs, lending, watched, means = _together(
        chain,
        block,
        safe.state_reads(subject.account.safe),
        _balance_reads(subject),
        _round_reads(subject),
        _kernel_reads(subject),
        [read for pool, _ in subject.pools for read in uniswap_v3_pool.head_reads(pool)],
        [read for pair in subject.pairs for read in uniswap_v2.pair_reads(pair)],
        [read for market in subject.lending for read in market_reads(market, subject.account.safe)],
        watch.watch_reads(subject.watch) if subject.watch else (),
        _average_reads(subject),
    )
    state = _safe_from(subject.account.safe, states)
    return Facts(
        account=subject.account,
        block=block,
        safe=state,
        tokens={token.id: token for token in subject.tokens},
        balances=_balances(chain, subject, held, block),
        rounds=(told := _rounds(subject, rounds)),
        queue=queue.pending(state.nonce),
        outflows=_outflows(chain, subject, block),
        gas=_gas(chain, subject, block),
        kernel=(found := _kernel_from(subject, state, kernel_values)),
        announced=announced_runs(chain, subject, found, block),
        pools=_pools(chain, subject.pools, heads, block),
        pairs=_pairs(subject.pairs, pairs),
        lending=_lending(subject, lending),
        watch=watch.watch_from(subject.watch, watched) if subject.watch else None,
        listings=subject.listings.read() if subject.listings else (),
        averages=tuple(mean for mean in means if mean is not None),
        past_rounds=_past_rounds(chain, subject, told, block),
    )


def pool_states(
    chain: Chain, pools: Sequence[tuple[Address, Address]], pairs: Sequence[Address], block: Block
) -> tuple[tuple[PoolState, ...], tuple[PairState, ...]]:
    """Uniswap V3 pools, each with the lens that shows its ticks, and Uniswap V2 pairs, at any block that the node still
    knows; one that does not answer is left out."""
    heads, values = _together(
        chain,
        block,
        [read for pool, _ in pools for read in uniswap_v3_pool.head_reads(pool)],
        [read for pair in pairs for read in uniswap_v2.pair_reads(pair)],
    )
    return _pools(chain, pools, heads, block), _pairs(pairs, values)


def _together(chain: Chain, block: Block, *parts: Reads) -> list[list[Any]]:
    """One batch of all parts' reads; the values part by part."""
    values = iter(chain.read([read for part in parts for read in part], block))
    return [[next(values) for _ in part] for part in parts]


def safe_state(chain: Chain, address: Address, block: Block) -> SafeState:
    """The Safe at `address`. Raises `NotDeployed` when what is there does not answer as one."""
    return _safe_from(address, chain.read(safe.state_reads(address), block))


def _safe_from(address: Address, values: Sequence[Any]) -> SafeState:
    state = safe.state_from(values)
    if state is None:
        raise NotDeployed("Safe", address, "check `safe` and `rpc` in treasury.toml")
    return state


def kernel_state(chain: Chain, subject: Subject, state: SafeState, block: Block) -> KernelState | None:
    """The Kernel that `subject` names, with its buckets; `None` when there is none, or none that answers as one."""
    return _kernel_from(subject, state, chain.read(_kernel_reads(subject), block))


def _kernel_reads(subject: Subject) -> Reads:
    if subject.kernel is None:
        return ()
    own, buckets = kernel.state_reads(subject.kernel), (kernel.bucket_read(subject.kernel, k) for k in subject.buckets)
    return [*own, *buckets, *(last_paid_read(subject.kernel, leaf) for leaf in subject.orders)]


def _kernel_from(subject: Subject, state: SafeState, values: Sequence[Any]) -> KernelState | None:
    if subject.kernel is None:
        return None
    own = len(kernel.state_reads(subject.kernel))
    end = own + len(subject.buckets)
    buckets, orders = _answered(subject.buckets, values[own:end]), _answered(subject.orders, values[end:])
    found = kernel.state_from(subject.kernel, values[:own], buckets, subject.kernel in state.modules)
    return replace(found, last_paid=orders) if found else None


def announced_runs(chain: Chain, subject: Subject, found: KernelState | None, block: Block) -> tuple[AnnouncedRun, ...]:
    """What may still be run at `block` or later of all that was announced to the Kernel `found`, by whoever has the
    agent's key, oldest first. One that the Kernel does not know any more was run, vetoed or voided."""
    if found is None or not subject.announced_seconds:
        return ()
    since = block.timestamp - subject.announced_seconds
    logged = chain.events(found.address, [kernel_runs.ANNOUNCED_TOPIC], since, block)
    read = {event.id: (event, log.tx_hash) for log in logged if (event := kernel_runs.read_announced(log))}
    current = {id_: pair for id_, pair in read.items() if pair[0].is_of(found.epoch, found.version)}
    ready = chain.read([kernel_runs.run_ready_read(found.address, id_) for id_ in current], block)
    # One that does not answer may be in force: it counts.
    return tuple(
        AnnouncedRun(id_, event.run, event.ready_at, event.expires_at, tx_hash)
        for (id_, (event, tx_hash)), at in zip(current.items(), ready, strict=True)
        if at != 0
    )


def _answered(keys: Sequence[Digest], values: Sequence[Any]) -> dict[Digest, Any]:
    return {key: value for key, value in zip(keys, values, strict=True) if value is not None}


def _pools(
    chain: Chain, pools: Sequence[tuple[Address, Address]], values: Sequence[Any], block: Block
) -> tuple[PoolState, ...]:
    """Each (pool, lens) with the ticks around its price; a pool that does not answer is left out."""
    found = [
        (uniswap_v3_pool.head_from(pool, own), lens)
        for (pool, lens), own in zip(pools, _split(values, len(pools)), strict=True)
    ]
    heads = [(head, lens) for head, lens in found if head is not None]
    ticks = _together(chain, block, *(uniswap_v3_pool.tick_reads(lens, head) for head, lens in heads))
    states = (uniswap_v3_pool.state_from(head, own) for (head, _), own in zip(heads, ticks, strict=True))
    return tuple(state for state in states if state is not None)


def _pairs(pairs: Sequence[Address], values: Sequence[Any]) -> tuple[PairState, ...]:
    found = (uniswap_v2.pair_from(pair, own) for pair, own in zip(pairs, _split(values, len(pairs)), strict=True))
    return tuple(pair for pair in found if pair is not None)


def _split(values: Sequence[Any], count: int) -> list[Sequence[Any]]:
    """`count` shares of the same size."""
    size = len(values) // count if count else 0
    return [values[number * size : (number + 1) * size] for number in range(count)]


def _lending(subject: Subject, values: Sequence[Any]) -> tuple[LendingState, ...]:
    rest, holder = iter(values), subject.account.safe
    shares = [(market, [next(rest) for _ in market_reads(market, holder)]) for market in subject.lending]
    found = (market_from(market, own) for market, own in shares)
    return tuple(state for state in found if state is not None)


def _balance_reads(subject: Subject) -> Reads:
    others = [token for token in subject.tokens if token.address != NATIVE]
    return [erc20.read_balance(token.address, subject.account.safe) for token in others]


def _balances(chain: Chain, subject: Subject, units: Sequence[int | None], block: Block) -> dict[TokenId, int]:
    coins = [token for token in subject.tokens if token.address == NATIVE]
    others = [token for token in subject.tokens if token.address != NATIVE]
    wei = chain.balances_wei([subject.account.safe], block)[0]
    found = {token.id: held for token, held in zip(others, units, strict=True) if held is not None}
    return found | {coin.id: wei for coin in coins}


def _feeds(subject: Subject) -> list[tuple[TokenId, Address]]:
    return [(token, feed) for token, feeds in subject.feeds.items() for feed in feeds]


def _round_reads(subject: Subject) -> Reads:
    return [read for _, feed in _feeds(subject) for read in chainlink.round_reads(feed)]


def _rounds(subject: Subject, values: Sequence[Any]) -> dict[TokenId, tuple[Round, ...]]:
    rounds: dict[TokenId, tuple[Round, ...]] = {}
    feeds = _feeds(subject)
    for (token, feed), own in zip(feeds, _split(values, len(feeds)), strict=True):
        answered = chainlink.round_from(feed, own)
        if answered is not None:
            rounds[token] = (*rounds.get(token, ()), answered)
    return rounds


def _average_reads(subject: Subject) -> Reads:
    if not subject.average_seconds:
        return ()
    return [average_read(pool, subject.average_seconds) for pool, _ in subject.pools]


def _past_rounds(
    chain: Chain, subject: Subject, rounds: Mapping[TokenId, tuple[Round, ...]], block: Block
) -> dict[TokenId, tuple[Round, ...]]:
    """Those of each token's first feed, back to the one in force as the window began; each feed is asked once."""
    if not subject.past_seconds:
        return {}
    latest = {each.feed: each for told in rounds.values() for each in told}
    firsts = {token: feeds[0] for token, feeds in subject.feeds.items() if feeds and feeds[0] in latest}
    asked = {feed: latest[feed] for feed in firsts.values()}
    told = _together(chain, block, *(chainlink_past.past_reads(each) for each in asked.values()))
    since = block.timestamp - subject.past_seconds
    past = {f: chainlink_past.past_from(each, own, since) for (f, each), own in zip(asked.items(), told, strict=True)}
    return {token: past[feed] for token, feed in firsts.items()}


def _outflows(chain: Chain, subject: Subject, block: Block) -> tuple[Outflow, ...]:
    ids = {token.address: token.id for token in subject.tokens if token.address != NATIVE}
    since = block.timestamp - subject.window_seconds
    moved = chain.transfers_from(subject.account.safe, tuple(ids), since, block)
    return tuple(Outflow(ids[m.token], m.recipient, m.units, m.timestamp, m.tx_hash) for m in moved)


def _gas(chain: Chain, subject: Subject, block: Block) -> Gas:
    held = chain.balances_wei([subject.agent], block)[0] if subject.agent else 0
    return Gas(chain.base_fee_wei(block), held)
