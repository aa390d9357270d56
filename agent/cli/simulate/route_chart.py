"""A forecast of a route as a picture: what each pool and all of them cost by size, and what clips cost by number."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.simulate.route_words import spoken
from agent.forecasts import BLUE, GREEN, GREY, ORANGE, RED, panels, save
from agent.route_forecast import SAMPLES, Forecast
from simulations.origin import Origin
from simulations.routing import side_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BPS = 10_000
_COLOURS = (ORANGE, GREEN, RED, "#7b3f8c", "#00798c", "#5d4037")
_POINTS = 32


def draw(found: Forecast, made: Origin, path: Path) -> None:
    """Writes the picture. Raises `BadValue` where it cannot be written."""
    order = found.order
    title = f"{order.units / 10**order.token_in.decimals:,.6g} {order.token_in.id} to {order.token_out.id}"
    figure, (depth, clips) = panels(f"{title}, block {found.facts.block.number:,}", 2, made)
    _draw_depth(depth, found)
    _draw_clips(clips, found)
    save(figure, path)


def _draw_depth(axes: Axes, found: Forecast) -> None:
    order, scale = found.order, 10**found.order.token_in.decimals
    sizes = [order.units * part // SAMPLES for part in range(1, SAMPLES + 1)]
    costs = [_cost(found, size, given) for size, given in zip(sizes, found.depth[1:], strict=True)]
    # A pool that is far too thin alone would press all others to the floor.
    most = max(4 * costs[-1], 10.0)
    shown = [(name, points) for name, points in _alone(found) if points and points[0][1] < most]
    if not shown:
        most = max(costs[-1], 1.0)
    for (name, points), colour in zip(shown, cycle(_COLOURS), strict=False):
        axes.plot([size / scale for size, _ in points], [cost for _, cost in points], color=colour, label=name)
    axes.plot([size / scale for size in sizes], costs, color=BLUE, lw=5, alpha=0.5, zorder=1, label="best route")
    axes.plot(sizes[-1] / scale, costs[-1], "o", color=BLUE)
    place = (sizes[-1] / scale, costs[-1])
    axes.annotate(f"{costs[-1]:.1f} bp", place, (-6, 8), textcoords="offset points", ha="right")
    axes.set(xlabel=f"{order.token_in.id} sold at once", ylabel="cost in basis points")
    axes.set(xlim=(0, None), ylim=(0, 1.25 * most))
    axes.set_title("Lost against the price before the order, fees of the best pool aside", fontsize=10, loc="left")
    axes.legend(fontsize=8, loc="upper center", ncols=3)


def _alone(found: Forecast) -> Iterator[tuple[str, list[tuple[int, float]]]]:
    """Each pool of the two tokens by itself, as far as it can take the order."""
    order = found.order
    sizes = [order.units // 1_000, *(order.units * part // _POINTS for part in range(1, _POINTS + 1))]
    for state in found.states:
        if {state.token0, state.token1} == {order.token_in.address, order.token_out.address}:
            one = side_of(state, order.token_in.address)
            quotes = [quote for size in sizes if (quote := one.quote_in(size))]
            name = f"{found.venues[state.pool]} {one.fee_pips / 10_000:g} % alone"
            yield name, [(quote.units_in, _cost(found, quote.units_in, quote.units_out)) for quote in quotes]


def _cost(found: Forecast, size: int, given: int) -> float:
    return (1 - given / (found.first_price * size)) * _BPS


def _draw_clips(axes: Axes, found: Forecast) -> None:
    counts, costs = [len(each.clips) for each in found.schedules], [each.cost_bps for each in found.schedules]
    spreads, advice = [each.spread_bps for each in found.schedules], found.advice
    label = "expected ± one spread"
    axes.errorbar(counts, costs, yerr=spreads, fmt="o", color=GREY, ecolor="#c4c9d1", capsize=4, label=label)
    axes.plot(len(advice.clips), advice.cost_bps, "o", color=BLUE, ms=9, zorder=5, label=f"advised: {spoken(advice)}")
    axes.axhline(0, color=GREY, lw=0.8)
    axes.margins(y=0.3)
    axes.set(xlabel="clips", ylabel="cost in basis points", xticks=sorted(set(counts)))
    axes.set_title("Impact and gas by number of clips, and how far the price swings meanwhile", fontsize=10, loc="left")
    axes.legend(fontsize=8, loc="upper center", ncols=2)
