"""An existing Safe as it is found: who owns it, what it holds, what waits, whom it paid. Reads only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.onboarding.chains import KnownChain, KnownToken
from agent.onboarding.history import History, Payment, largest_by_token, read_history, recipients
from strongroom.chain.rpc import RpcChain
from strongroom.chain.transport import Transport
from strongroom.errors import NotDeployed, SetupError
from strongroom.model import NATIVE, Account, Address, Block, Queued, SafeState
from strongroom.observe import safe_state
from strongroom.ports import Queue
from strongroom.protocols import erc20
from strongroom.protocols.abi import view
from strongroom.protocols.safe import GUARD_SLOT, HANDLER_SLOT, SINGLETON_SLOT, address_in_word
from strongroom.untrusted import shown

_OLDEST = (1, 3, 0)
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})(?:[+-].*)?")
_MOST_TOKENS = 200
_MOST_PAYEES = 30
_SANE_DECIMALS = 36


class TooOld(SetupError):
    def __init__(self, safe: Address, version: str) -> None:
        super().__init__(
            f"the Safe at `{safe}` has version `{version}`, 1.3.0 is needed; upgrade it in the Safe UI first"
        )


@dataclass(frozen=True, slots=True)
class Holding:
    """A listed token, or the coin, and the units of it in the Safe."""

    token: KnownToken
    units: int


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A token that nobody vouches for. `symbol` is what it calls itself, made safe; what it does
    not answer, or not sanely, is empty or `None`."""

    address: Address
    symbol: str
    decimals: int | None
    units: int | None


@dataclass(frozen=True, slots=True)
class PastPayee:
    """Who was paid by the Safe itself. `largest` holds the largest single payment by token address."""

    address: Address
    payments: int
    largest: dict[Address, int]
    is_contract: bool


@dataclass(frozen=True, slots=True)
class Survey:
    """`contradicted` are known tokens whose contract does not answer with the decimals that chains.toml says. `queue`
    is `None` when no service was asked. `since_block` is the oldest block whose logs were read; `complete` says whether
    that was as far back as wanted."""

    account: Account
    chain: KnownChain
    block: Block
    state: SafeState
    holdings: tuple[Holding, ...]
    contradicted: tuple[KnownToken, ...]
    unlisted: tuple[Unlisted, ...]
    payees: tuple[PastPayee, ...]
    queue: tuple[Queued, ...] | None
    since_block: int
    complete: bool


def survey(
    chain: RpcChain, node: Transport, known: KnownChain, safe: Address, queue: Queue | None, history_seconds: int
) -> Survey:
    """The Safe at the newest block, its tokens and payees over the last `history_seconds`. Raises `NotDeployed`,
    `TooOld`, `NodeError` or `ServiceError`."""
    account, block = Account(known.chain_id, safe), chain.head()
    state = surveyed_state(chain, safe, block)
    history = read_history(node, account, block.timestamp - history_seconds, block)
    holdings, contradicted = _known_tokens(chain, known, account, history, block)
    return Survey(
        account=account,
        chain=known,
        block=block,
        state=state,
        holdings=holdings,
        contradicted=contradicted,
        unlisted=_unlisted(chain, known, account, history, block),
        payees=_payees(chain, history.payments, block),
        queue=queue.pending(state.nonce) if queue else None,
        since_block=history.first_block,
        complete=history.complete,
    )


def surveyed_state(chain: RpcChain, safe: Address, block: Block) -> SafeState:
    """The Safe's state, as the node has it where the Safe's own code could lie about itself: singleton, guard and
    handler come from raw storage. Raises `TooOld` below 1.3.0, `NotDeployed` where no Safe answers."""
    version = chain.read([view(safe, "VERSION()", ["string"], str)], block)[0]
    found = _VERSION.fullmatch(version or "")
    if found and tuple(map(int, found.groups())) < _OLDEST:
        raise TooOld(safe, shown(version))
    if not found:
        raise NotDeployed("Safe", safe, "check `--safe` and that `--rpc` serves its chain")
    state = safe_state(chain, safe, block)
    words = chain.storage(safe, [SINGLETON_SLOT, GUARD_SLOT, HANDLER_SLOT], block)
    singleton, guard, handler = map(address_in_word, words)
    return replace(state, singleton=singleton, guard=guard, fallback_handler=handler)


def _known_tokens(
    chain: RpcChain, known: KnownChain, account: Account, history: History, block: Block
) -> tuple[tuple[Holding, ...], tuple[KnownToken, ...]]:
    """What to list: the coin, its wrapper, every known token that the Safe ever met; and what contradicts the file."""
    tokens = tuple(known.tokens.values())
    told = _ask(chain, [token.address for token in tokens], account.safe, block)
    held, contradicted = [Holding(known.coin, chain.balances_wei([account.safe], block)[0])], []
    for token, answer in zip(tokens, told, strict=True):
        if answer.decimals != token.decimals:
            contradicted.append(token)
        elif answer.units or token.address in history.tokens or token.id == known.wrapped:
            held.append(Holding(token, answer.units or 0))
    return tuple(held), tuple(contradicted)


def _unlisted(
    chain: RpcChain, known: KnownChain, account: Account, history: History, block: Block
) -> tuple[Unlisted, ...]:
    strange = [address for address in history.tokens if known.token_at(address) is None][-_MOST_TOKENS:]
    told = _ask(chain, strange, account.safe, block)
    return tuple(
        Unlisted(address, shown(answer.symbol or ""), answer.decimals, answer.units)
        for address, answer in zip(strange, told, strict=True)
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a contract says of itself as a token; all of it may be a lie."""

    decimals: int | None
    units: int | None
    symbol: str | None


def _ask(chain: RpcChain, tokens: Sequence[Address], holder: Address, block: Block) -> list[_Answer]:
    decimals = chain.read([erc20.read_decimals(token) for token in tokens], block)
    units = chain.read([erc20.read_balance(token, holder) for token in tokens], block)
    symbols = chain.read([erc20.read_symbol(token) for token in tokens], block)
    return [_Answer(_sane(d), u, s) for d, u, s in zip(decimals, units, symbols, strict=True)]


def _sane(decimals: int | None) -> int | None:
    return decimals if decimals is not None and decimals <= _SANE_DECIMALS else None


def _payees(chain: RpcChain, payments: Sequence[Payment], block: Block) -> tuple[PastPayee, ...]:
    return tuple(
        PastPayee(
            address=recipient,
            payments=sum(payment.recipient == recipient for payment in payments),
            largest=largest_by_token(payments, recipient),
            is_contract=bool(chain.code(recipient, block)),
        )
        for recipient in recipients(payments)[:_MOST_PAYEES]
        if recipient != NATIVE
    )
