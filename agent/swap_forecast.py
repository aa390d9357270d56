"""What a swap would cost now: exact quotes at one block, what may happen until inclusion, and whose oracle it moves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from agent.app import Documents, node_of, onlooker, open_documents
from agent.fills import Known, gas_units, known_fills
from agent.forecast_order import Order, parse_order
from agent.pinned import observe_pinned
from agent.planners.clips import LEG_GAS
from agent.records import Records
from agent.state_folder import StateFolder
from agent.swaps import routed
from simulations.gas import BaseFee, next_base_fee_wei, predict
from simulations.oracles import Moved, moves_its_oracle
from simulations.pools.uniswap_v3 import PoolQuote
from simulations.routing import State, side_of
from simulations.slippage.fills import kept_units, spot_units
from simulations.slippage.model import BLOCK_SECONDS, Slippage, fit
from strongroom.errors import BadValue
from strongroom.fees import TIP_WEI
from strongroom.model import Address, Facts, Label, Labelled, Lane, Leg, PoolState, Route, Swap, TokenId
from strongroom.ports import FeeHistory
from strongroom.protocols.twap_feed import TwapTerms, twap_from, twap_reads
from strongroom.protocols.uniswap_v3_ticks import sqrt_price_at_tick

if TYPE_CHECKING:
    from strongroom.ports import Chain

T = TypeVar("T")
_FEE_BLOCKS = 1_024
_FULL = 2**53
"""Parts of a block: a share as nodes tell it is a whole number of them."""
_WINDOW = 1_800
"""Half an hour: what most oracles average over."""
_MOST_SECONDS = 7 * 86_400


@dataclass(frozen=True, slots=True)
class PoolMove:
    """How far a leg moves a Uniswap V3 pool's own average; `prices` are the tokens whose price is read from it."""

    pool: Address
    window_seconds: int
    moved: tuple[Moved, ...]
    prices: tuple[TokenId, ...]


@dataclass(frozen=True, slots=True)
class SwapForecast:
    """Units of the token bought: `spot` at the marginal prices, `kept` after the pools' fees, `quoted` exactly, and gas
    at the low, middle and high end of the base fee, tip included. `wait_seconds` lie between now and inclusion."""

    facts: Facts
    route: Route
    spot: int
    kept: int
    quoted: int
    gas: tuple[int, int, int]
    base_fee: BaseFee
    model: Slippage
    known: Known
    moves: tuple[PoolMove, ...]
    wait_seconds: int

    def received(self, level: float) -> tuple[int, int]:
        """Least and most units that come, in a share `level` of cases. A forecast: nothing may rely on it."""
        low, high = self.model.interval(level, self.wait_seconds)
        return int(self.quoted * (1 - high)), int(self.quoted * (1 - low))


def forecast(config: Path, order: str, wait_seconds: int, at: int | None = None) -> SwapForecast:
    """`order` as operators write it, `5 WETH to USDC`, at block `at` (`None`: the newest). Raises `BadValue` for one
    that cannot be read or filled, and what opening the documents and asking the node raise."""
    if wait_seconds > _MOST_SECONDS:
        raise BadValue(f"{wait_seconds} seconds", "--wait", "wait at most `7 days`; nobody knows gas so far ahead")
    documents = open_documents(config)
    swap = _swap(parse_order(order, documents.policy))
    with node_of(documents.treasury) as chain:
        subject = onlooker(documents)
        facts = observe_pinned(chain, subject, at)
        found = routed(swap, facts, documents.policy, Lane.AGENT)
        if isinstance(found, str):
            raise BadValue(order, "an order", found)
        records = Records(StateFolder(documents.treasury.state_dir))
        pair = frozenset((swap.token_in.value, swap.token_out.value))
        known = known_fills(records, chain, subject, documents.policy, pair, facts.block.number)
        history = by_protocol(chain.fee_history(_FEE_BLOCKS, facts.block))
        relied = _relied_on(chain, documents, facts)
    fee = predict(history, wait_seconds // BLOCK_SECONDS)
    return _forecast(found.route, facts, documents, known, fee, relied, wait_seconds)


def by_protocol(history: FeeHistory) -> FeeHistory:
    """With the fee of the block to come worked out from the last one: asked for a past block, a node may tell the fee
    that comes now."""
    *fees, last = history.base_fees_wei[:-1]
    to_come = next_base_fee_wei(last, round(history.ratios[-1] * _FULL), _FULL)
    return FeeHistory((*fees, last, to_come), history.ratios)


def _swap(order: Order) -> Swap:
    token_in, token_out = _said(order.token_in.id), _said(order.token_out.id)
    return Swap("forecast", token_in, token_out, _said(order.units), _said(""))


def _said(value: T) -> Labelled[T]:
    return Labelled(value, Label.OPERATOR)


def _forecast(
    route: Route,
    facts: Facts,
    documents: Documents,
    known: Known,
    fee: BaseFee,
    relied: dict[Address, tuple[TokenId, ...]],
    wait_seconds: int,
) -> SwapForecast:
    seen: list[State] = [*facts.pools, *facts.pairs]
    states = {state.pool: state for state in seen}
    sold = facts.tokens[route.token_in].address
    sides = [(side_of(states[leg.pool], sold), leg.amount_in_units) for leg in route.legs]
    gas = len(route.legs) * LEG_GAS
    spent = (gas_units(gas * (wei + TIP_WEI), route.token_out, facts, documents.policy) for wei in _ends(fee))
    low, middle, high = spent
    return SwapForecast(
        facts=facts,
        route=route,
        spot=sum(spot_units(*each) for each in sides),
        kept=sum(kept_units(*each) for each in sides),
        quoted=sum(leg.quoted_out_units for leg in route.legs),
        gas=(low, middle, high),
        base_fee=fee,
        model=fit(known.fills),
        known=known,
        moves=tuple(_moves(leg, states[leg.pool], sold, relied) for leg in route.legs if _remembers(states[leg.pool])),
        wait_seconds=wait_seconds,
    )


def _ends(fee: BaseFee) -> tuple[int, int, int]:
    return fee.low_wei, fee.middle_wei, fee.high_wei


def _remembers(state: State) -> bool:
    return isinstance(state, PoolState)


def _moves(leg: Leg, state: Any, sold: Address, relied: dict[Address, tuple[TokenId, ...]]) -> PoolMove:
    quote = side_of(state, sold).quote_in(leg.amount_in_units)
    after = tick_at(quote.sqrt_price_after_x96) if isinstance(quote, PoolQuote) else state.tick
    return PoolMove(leg.pool, _WINDOW, moves_its_oracle(state.tick, after, _WINDOW), relied.get(leg.pool, ()))


def tick_at(sqrt_price_x96: int) -> int:
    """The highest tick whose price is at or below a square root price (Q64.96), as the pool itself keeps it."""
    low, high = -887_272, 887_272
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if sqrt_price_at_tick(middle) <= sqrt_price_x96 else (low, middle - 1)
    return low


def _relied_on(chain: Chain, documents: Documents, facts: Facts) -> dict[Address, tuple[TokenId, ...]]:
    """Pools that some listed token's price is read from, and whose: by feeds that average a pool."""
    feeds = {feed: token for token in documents.policy.tokens for feed in documents.policy.feeds_of(token)}
    relied: dict[Address, tuple[TokenId, ...]] = {}
    for feed, token in feeds.items():
        terms: TwapTerms | None = twap_from(chain.read(twap_reads(feed), facts.block))
        if terms is not None:
            relied[terms.pool] = (*relied.get(terms.pool, ()), token)
    return relied
