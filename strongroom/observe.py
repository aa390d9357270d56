"""The one place facts are assembled: everything a decision needs, read at one pinned block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from strongroom.errors import NotDeployed
from strongroom.model import (
    NATIVE,
    Account,
    Address,
    Block,
    Digest,
    Facts,
    Gas,
    KernelState,
    Outflow,
    PoolState,
    Round,
    SafeState,
    Token,
    TokenId,
)
from strongroom.ports import Chain, Queue
from strongroom.protocols import chainlink, erc20, kernel, safe, uniswap_v3_pool


@dataclass(frozen=True, slots=True)
class Subject:
    """What to look at: the account, its listed tokens, their feeds, the agent's key (none in shadow mode), how far back
    outflows count, each pool with the lens that shows its ticks, and the Kernel with the buckets that matter (none
    before guarded mode)."""

    account: Account
    tokens: tuple[Token, ...]
    feeds: Mapping[TokenId, tuple[Address, ...]]
    agent: Address | None
    window_seconds: int
    kernel: Address | None = None
    buckets: tuple[Digest, ...] = ()
    pools: tuple[tuple[Address, Address], ...] = ()


def observe(chain: Chain, queue: Queue, subject: Subject) -> Facts:
    """Facts at the newest block. A feed or balance that does not answer is absent, so that rules which need it deny.
    Raises `NotDeployed` when the account is no Safe, `NodeError` or `ServiceError` when one cannot be reached."""
    block = chain.head()
    state = safe_state(chain, subject.account.safe, block)
    return Facts(
        account=subject.account,
        block=block,
        safe=state,
        tokens={token.id: token for token in subject.tokens},
        balances=_balances(chain, subject, block),
        rounds=_rounds(chain, subject, block),
        queue=queue.pending(state.nonce),
        outflows=_outflows(chain, subject, block),
        gas=_gas(chain, subject, block),
        kernel=kernel_state(chain, subject, state, block),
        pools=pool_states(chain, subject.pools, block),
    )


def safe_state(chain: Chain, address: Address, block: Block) -> SafeState:
    """The Safe at `address`. Raises `NotDeployed` when what is there does not answer as one."""
    state = safe.state_from(chain.read(safe.state_reads(address), block))
    if state is None:
        raise NotDeployed("Safe", address, "check `safe` and `rpc` in treasury.toml")
    return state


def kernel_state(chain: Chain, subject: Subject, state: SafeState, block: Block) -> KernelState | None:
    """The Kernel that `subject` names, with its buckets; `None` when there is none, or none that answers as one."""
    if subject.kernel is None:
        return None
    reads = [*kernel.state_reads(subject.kernel), *(kernel.bucket_read(subject.kernel, key) for key in subject.buckets)]
    values = chain.read(reads, block)
    own = len(kernel.state_reads(subject.kernel))
    buckets = {key: found for key, found in zip(subject.buckets, values[own:], strict=True) if found is not None}
    return kernel.state_from(subject.kernel, values[:own], buckets, subject.kernel in state.modules)


def pool_states(chain: Chain, pools: Sequence[tuple[Address, Address]], block: Block) -> tuple[PoolState, ...]:
    """Each (pool, lens) with the ticks around its price; a pool that does not answer is left out."""
    reads = [uniswap_v3_pool.head_reads(pool) for pool, _ in pools]
    values = iter(chain.read([read for each in reads for read in each], block))
    found = [
        uniswap_v3_pool.head_from(pool, [next(values) for _ in each])
        for (pool, _), each in zip(pools, reads, strict=True)
    ]
    heads = [(head, lens) for head, (_, lens) in zip(found, pools, strict=True) if head is not None]
    ticks = [uniswap_v3_pool.tick_reads(lens, head) for head, lens in heads]
    populated = iter(chain.read([read for each in ticks for read in each], block))
    states = [
        uniswap_v3_pool.state_from(head, [next(populated) for _ in each])
        for (head, _), each in zip(heads, ticks, strict=True)
    ]
    return tuple(state for state in states if state is not None)


def _balances(chain: Chain, subject: Subject, block: Block) -> dict[TokenId, int]:
    holder = subject.account.safe
    coins = [token for token in subject.tokens if token.address == NATIVE]
    others = [token for token in subject.tokens if token.address != NATIVE]
    units = chain.read([erc20.read_balance(token.address, holder) for token in others], block)
    wei = chain.balances_wei([holder], block)[0]
    found = {token.id: held for token, held in zip(others, units, strict=True) if held is not None}
    return found | {coin.id: wei for coin in coins}


def _rounds(chain: Chain, subject: Subject, block: Block) -> dict[TokenId, tuple[Round, ...]]:
    pairs = [(token, feed) for token, feeds in subject.feeds.items() for feed in feeds]
    values = chain.read([read for _, feed in pairs for read in chainlink.round_reads(feed)], block)
    rounds: dict[TokenId, tuple[Round, ...]] = {}
    for number, (token, feed) in enumerate(pairs):
        answered = chainlink.round_from(feed, values[2 * number : 2 * number + 2])
        if answered is not None:
            rounds[token] = (*rounds.get(token, ()), answered)
    return rounds


def _outflows(chain: Chain, subject: Subject, block: Block) -> tuple[Outflow, ...]:
    ids = {token.address: token.id for token in subject.tokens if token.address != NATIVE}
    since = block.timestamp - subject.window_seconds
    moved = chain.transfers_from(subject.account.safe, tuple(ids), since, block)
    return tuple(Outflow(ids[m.token], m.recipient, m.units, m.timestamp, m.tx_hash) for m in moved)


def _gas(chain: Chain, subject: Subject, block: Block) -> Gas:
    held = chain.balances_wei([subject.agent], block)[0] if subject.agent else 0
    return Gas(chain.base_fee_wei(block), held)
