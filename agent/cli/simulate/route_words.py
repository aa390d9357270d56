"""A forecast of a route in plain values for `--json`, and in lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agent.cli.simulate.tables import short_amount
from agent.cli.units import aligned
from agent.forecasts import foot
from agent.route_forecast import HOP_GAS, Forecast, Options
from simulations.multi_hop import Hop
from simulations.optimality import SCALE_BITS, left, right
from simulations.origin import Origin
from simulations.slicing import Schedule
from strongroom.model import Address, Token
from strongroom.quantities import format_seconds

_BPS = 10_000


def told(found: Forecast, made: Origin) -> dict[str, Any]:
    """In plain values; amounts are decimal strings of units, prices in whole tokens, the rest says its unit."""
    best, order = found.best, found.order
    return {
        "token_in": order.token_in.id,
        "token_out": order.token_out.id,
        "units_in": str(order.units),
        "units_out": str(best.units_out),
        "bound_units": str(best.bound_units),
        "gap_bps": gap_bps(found),
        "cost_bps": cost_bps(found),
        "gas_units_out": str(found.hop_cost_units * len(best.hops)),
        "direct_units_out": str(found.direct.units_out) if found.direct else None,
        "block": found.facts.block.number,
        "hops": [_hop_told(found, hop) for hop in best.hops],
        "schedules": [_schedule_told(each) for each in found.schedules],
        "advice": _schedule_told(found.advice),
        "origin": made.told(),
    }


def gap_bps(found: Forecast) -> float:
    """What no other route could give beyond this one, after gas."""
    return (found.best.bound_units - found.best.net_units(found.hop_cost_units)) / found.best.units_out * _BPS


def cost_bps(found: Forecast) -> float:
    """What is lost against the price before the order, sold at once."""
    return (1 - found.best.units_out / (found.first_price * found.order.units)) * _BPS


def _hop_told(found: Forecast, hop: Hop) -> dict[str, Any]:
    token_in, token_out = _tokens(found, hop)
    return {
        "pool": hop.pool.pool,
        "venue": found.venues[hop.pool.pool],
        "fee_pips": hop.way.side.fee_pips,
        "token_in": token_in.id,
        "token_out": token_out.id,
        "share_bps": share_bps(found, hop),
        "units_in": str(hop.quote.units_in),
        "units_out": str(hop.quote.units_out),
        "price_after": price_after(found, hop),
        "impact_bps": impact_bps(hop),
        "gas_units": HOP_GAS,
    }


def share_bps(found: Forecast, hop: Hop) -> int:
    """Of all that is sold of its token; rounded down."""
    same = sum(each.quote.units_in for each in found.best.hops if each.way.token_in == hop.way.token_in)
    return hop.quote.units_in * _BPS // same


def price_after(found: Forecast, hop: Hop) -> float:
    """Whole tokens out for the next whole token in, fee included."""
    token_in, token_out = _tokens(found, hop)
    raw: float = left(hop.way.side, hop.quote) / 2**SCALE_BITS
    return raw * 10.0 ** (token_in.decimals - token_out.decimals)


def impact_bps(hop: Hop) -> float:
    """How much worse the average price is than that of the first unit."""
    first: float = right(hop.way.side, None) / 2**SCALE_BITS
    return (1 - hop.quote.units_out / hop.quote.units_in / first) * _BPS


def _tokens(found: Forecast, hop: Hop) -> tuple[Token, Token]:
    by_address: dict[Address, Token] = {token.address: token for token in found.facts.tokens.values()}
    return by_address[hop.way.token_in], by_address[hop.way.token_out]


def _schedule_told(schedule: Schedule) -> dict[str, Any]:
    return {
        "clips": [{"after_seconds": each.after_seconds, "units": str(each.units)} for each in schedule.clips],
        "cost_bps": schedule.cost_bps,
        "spread_bps": schedule.spread_bps,
        "gas_bps": schedule.gas_bps,
    }


def lines(found: Forecast, options: Options, made: Origin) -> Iterator[str]:
    """The route, its certificate, and the advice."""
    order, best = found.order, found.best
    sold, given = short_amount(order.units, order.token_in), short_amount(best.units_out, order.token_out)
    yield f"{sold} to {given} at block {found.facts.block.number:,}"
    yield f"{cost_bps(found):.1f} bp below the first unit's price, which has paid the pools' fees already"
    yield ""
    yield from aligned(_rows(found), right=(2, 3, 4, 5, 6, 7))
    yield ""
    yield _certificate(found)
    yield from _other_ways(found)
    yield from _gas(found)
    yield from _holdings(found)
    yield ""
    yield from _advice(found, options)
    yield from foot(made)


def _rows(found: Forecast) -> Iterator[tuple[str, ...]]:
    yield "pool", "venue", "share", "in", "out", "price after", "impact", "gas"
    for hop in found.best.hops:
        token_in, token_out = _tokens(found, hop)
        pool, venue = hop.pool.pool, found.venues[hop.pool.pool]
        yield (
            f"{pool[:6]}…{pool[-4:]}",
            f"{venue} {hop.way.side.fee_pips / 10_000:g} %",
            f"{share_bps(found, hop) / 100:.1f} %",
            short_amount(hop.quote.units_in, token_in),
            short_amount(hop.quote.units_out, token_out),
            f"{price_after(found, hop):,.6g}",
            f"{impact_bps(hop):.1f} bp",
            f"{HOP_GAS:,}",
        )


def _certificate(found: Forecast) -> str:
    bound = short_amount(found.best.bound_units, found.order.token_out)
    gas = "after gas for each further hop " if found.hop_cost_units else ""
    return f"proven: {gas}no route through these pools nets more than {bound}, {gap_bps(found):.4f} bp above this one"


def _other_ways(found: Forecast) -> Iterator[str]:
    order = found.order
    pair = f"{order.token_in.id} and {order.token_out.id}"
    if found.direct is None:
        yield f"no pool of {pair} takes the order by itself: the agent's swaps need one"
    elif found.direct.units_out < found.best.units_out:
        given = short_amount(found.direct.units_out, order.token_out)
        yield f"the pools of {pair} alone, which the agent's swaps use, give {given}"


def _gas(found: Forecast) -> Iterator[str]:
    hops, token = len(found.best.hops), found.order.token_out
    if found.hop_cost_units:
        yield f"gas of {hops} hop{'' if hops == 1 else 's'}: about {short_amount(found.hop_cost_units * hops, token)}"
    else:
        yield f"gas is left out: policy.toml prices not both {token.id} and the chain's coin"


def _holdings(found: Forecast) -> Iterator[str]:
    held = found.facts.balances.get(found.order.token_in.id)
    if held is not None and held < found.order.units:
        yield f"the Safe holds {short_amount(held, found.order.token_in)}, less than is sold here"


def _advice(found: Forecast, options: Options) -> Iterator[str]:
    advice, once = found.advice, found.schedules[0]
    yield f"advice: {spoken(advice)}, expected to cost {_cost(advice)}"
    if advice is not once and len(once.clips) == 1:
        yield f"        sold at once it costs {once.cost_bps:.1f} bp, and no swing matters"
    if len(advice.clips) > 1:
        yield from aligned(_clip_rows(found), right=(1, 2))
    yield (
        f"assumed: volatility {options.volatility * 100:g} % a year, pools that recover by half in "
        f"{format_seconds(options.half_life_seconds)}, risk aversion {options.risk_aversion:g}; cost is impact and gas"
    )


def spoken(schedule: Schedule) -> str:
    """`3 clips over 6 hours`."""
    count = len(schedule.clips)
    return f"{count} clips over {_duration(schedule.seconds)}" if count > 1 else "1 clip, at once"


def _duration(seconds: int) -> str:
    hours, rest = seconds // 3_600 * 3_600, seconds % 3_600
    return " ".join(format_seconds(each) for each in (hours, rest) if each)


def _cost(schedule: Schedule) -> str:
    spread = f" ± {schedule.spread_bps:.1f} bp of swings" if schedule.spread_bps else ""
    return f"{schedule.cost_bps:.1f} bp{spread}, {schedule.gas_bps:.1f} bp of it gas"


def _clip_rows(found: Forecast) -> Iterator[tuple[str, str, str]]:
    for place, clip in enumerate(found.advice.clips, 1):
        share = clip.units * 1_000 // found.order.units / 10
        when = f"after {_duration(clip.after_seconds)}" if clip.after_seconds else "at once"
        yield f"        {place}. {when}", short_amount(clip.units, found.order.token_in), f"{share:.1f} %"
