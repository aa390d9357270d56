"""The treasury's own fills: every executed unit that was one swap, taken apart by what the chain still knows of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from agent.nodes import state as read
from policies.pricing import price_of
from simulations.routing import State, side_of
from simulations.slippage.fills import Fill, kept_units, spot_units
from strongroom.errors import NodeError
from strongroom.fees import TIP_WEI
from strongroom.model import NATIVE, Digest, Facts, Route, Swap, TokenId
from strongroom.observe import pool_states
from strongroom.protocols.erc20 import read_balance
from strongroom.valuation import Price

if TYPE_CHECKING:
    from agent.records import Records
    from policies.terms import PolicyDocument
    from strongroom.model import Block, Leg
    from strongroom.observe import Subject
    from strongroom.ports import Chain, MinedTransaction


_COIN = 10**18
"""Wei in one."""


@dataclass(frozen=True, slots=True)
class Known:
    """`fills`, and of how many more swaps the node has forgotten the state."""

    fills: tuple[Fill, ...]
    forgotten: int


def known_fills(
    records: Records,
    chain: Chain,
    subject: Subject,
    document: PolicyDocument,
    pair: frozenset[TokenId],
    until: int | None = None,
) -> Known:
    """Every executed swap between the two tokens of `pair` in the state folder, oldest first, up to and including the
    block `until` (`None`: all): what others met says nothing of these. A node that keeps little state forgets the older
    ones: those are counted and not guessed."""
    found = [_fill(state, chain, subject, document, until) for state in _swaps(records, pair, until)]
    fills = tuple(fill for fill in found if isinstance(fill, Fill))
    return Known(fills, found.count(None))


_LATER = "mined after the block that is forecast from"


def _swaps(records: Records, pair: frozenset[TokenId], until: int | None) -> Iterator[read.State]:
    """What was planned later than `until` cannot have been mined by then."""
    for unit in records.plans():
        if unit["status"] != "executed" or not unit["tx_hash"]:
            continue
        state = records.show(unit["id"])["state"]
        if _is_one_swap(state, pair) and (until is None or read.facts(cast(read.State, state)).block.number <= until):
            yield cast(read.State, state)


def _is_one_swap(state: Mapping[str, Any], pair: frozenset[TokenId]) -> bool:
    if not {"unit", "facts", "compiled", "tx_hash"} <= state.keys():
        return False
    intents = read.unit(cast(read.State, state)).intents
    if len(intents) != 1 or not isinstance(intents[0], Swap):
        return False
    return {intents[0].token_in.value, intents[0].token_out.value} == pair


def _fill(
    state: read.State, chain: Chain, subject: Subject, document: PolicyDocument, until: int | None
) -> Fill | str | None:
    try:
        mined = chain.transaction(Digest(state["tx_hash"]))
        if mined is None:
            return None
        if until is not None and mined.block.number > until:
            return _LATER
        return _measured(state, chain, mined, subject, document)
    except (NodeError, ValueError, KeyError):
        return None


def _measured(
    state: read.State, chain: Chain, mined: MinedTransaction, subject: Subject, document: PolicyDocument
) -> Fill | None:
    """`None` too where the pools of then do not give what was quoted."""
    facts, (route,), quoted_at = read.facts(state), read.compiled(state).routes, read.quoted_at(state)
    parent, bought = chain.parent(mined.block), facts.tokens[route.token_out]
    held = [chain.read([read_balance(bought.address, facts.account.safe)], at)[0] for at in (parent, mined.block)]
    states = _states(chain, subject, quoted_at)
    quoted, before = (_quote(route, each, facts) for each in (states, _states(chain, subject, parent)))
    if None in held or before is None or quoted != sum(leg.quoted_out_units for leg in route.legs):
        return None
    spot, kept = _shown(route, states, facts)
    gas = gas_units(mined.gas_used * (chain.base_fee_wei(mined.block) + TIP_WEI), route.token_out, facts, document)
    return Fill(spot, kept, quoted, before, held[1] - held[0], gas, mined.block.timestamp - quoted_at.timestamp)


def _states(chain: Chain, subject: Subject, block: Block) -> list[State]:
    pools, pairs = pool_states(chain, subject.pools, subject.pairs, block)
    return [*pools, *pairs]


def _shown(route: Route, states: Iterable[State], facts: Facts) -> tuple[int, int]:
    """What the route's legs would give at the marginal prices, without and with their pools' fees."""
    by_address, sold = {state.pool: state for state in states}, facts.tokens[route.token_in].address
    sides = [(side_of(by_address[leg.pool], sold), leg.amount_in_units) for leg in route.legs]
    return sum(spot_units(*each) for each in sides), sum(kept_units(*each) for each in sides)


def _quote(route: Route, states: Iterable[State], facts: Facts) -> int | None:
    """The exact quote of every leg on `states`, or `None` where a pool is missing or cannot take its leg."""
    by_address, sold = {state.pool: state for state in states}, facts.tokens[route.token_in].address
    quotes = [_leg_quote(leg, by_address.get(leg.pool), sold) for leg in route.legs]
    return None if None in quotes else sum(cast(list[int], quotes))


def _leg_quote(leg: Leg, state: State | None, sold: Any) -> int | None:
    quote = side_of(state, sold).quote_in(leg.amount_in_units) if state else None
    return quote.units_out if quote else None


def gas_units(wei: int, token: TokenId, facts: Facts, document: PolicyDocument) -> int:
    """What `wei` of the chain's coin are worth in units of `token`, rounded up; zero where either has no price."""
    coin = next((id_ for id_, listed in document.tokens.items() if listed.token.address == NATIVE), None)
    prices = [price_of(each, facts, document) for each in (coin, token) if each is not None]
    if len(prices) != 2 or not all(isinstance(each, Price) for each in prices):
        return 0
    paid, got = cast(list[Price], prices)
    scale: int = 10 ** facts.tokens[token].decimals
    return -(-wei * paid.high_e8 * scale // (got.low_e8 * _COIN))
