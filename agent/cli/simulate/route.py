"""`strongroom simulate route`: how an order is best split over pools, and in time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.reach import config_option, json_option
from agent.cli.simulate.options import arguments, at_option
from agent.cli.simulate.telling import record_option, tell
from strongroom.errors import BadValue

if TYPE_CHECKING:
    from agent.route_forecast import Forecast, Options
    from simulations.origin import Origin

_PERCENT_UNITS = 10_000


@click.command()
@click.argument("order")
@click.option(
    "--volatility",
    default="100 %",
    show_default=True,
    help="Of the price between the two tokens, a year; ether's. Stable coins swing far less.",
)
@click.option("--half-life", default="10 minutes", show_default=True, help="In which the pools recover by half.")
@click.option(
    "--risk-aversion",
    type=float,
    default=10.0,
    show_default=True,
    help="A spread of 1 % weighs like a cost of so many basis points, one of 2 % like four times as many.",
)
@click.option("--clips", type=int, help="So many clips; default: as many as pay, up to 12.")
@click.option("--hours", type=float, default=6.0, show_default=True, help="From the first clip to the last at most.")
@at_option
@click.option("--chart", type=click.Path(path_type=Path), help="Draw it to this .png or .svg file.")
@record_option
@config_option
@json_option
@click.pass_context
def route(
    ctx: click.Context,
    /,
    order: str,
    volatility: str,
    half_life: str,
    risk_aversion: float,
    clips: int | None,
    hours: float,
    at: int | None,
    chart: Path | None,
    record: bool,
    config: Path,
    as_json: bool,
) -> None:
    """Find the best way of ORDER, such as "50 WETH to USDC", through the pools that policy.toml lists, at one block.

    Says what each pool takes and gives, exactly; how far from the optimum that can be; and whether to sell in clips:
    the impact of each on the pools, which arbitrage heals in between, against the swings of the price meanwhile.
    Nothing is signed or sent. The agent's own swaps use the pools of the two tokens themselves.

    \b
    Examples:
      strongroom simulate route "50 WETH to USDC"
      strongroom simulate route "290 WETH to DAI" --hours 12 --chart route.png
      strongroom simulate route "200_000 USDC to WETH" --clips 3 --volatility "60 %" --json
    """
    from agent.cli.simulate.route_words import lines, told
    from agent.forecasts import origin, require_chart
    from agent.route_forecast import Options, forecast
    from strongroom.quantities import parse_seconds

    if chart:
        require_chart(chart)
    options = Options(
        volatility=_percent(volatility, "--volatility") / _PERCENT_UNITS,
        half_life_seconds=parse_seconds(half_life, "--half-life"),
        risk_aversion=_aversion(risk_aversion),
        clips=_clips(clips, _seconds(hours)),
        most_seconds=_seconds(hours),
    )
    found = forecast(config, order, options, at)
    made = origin(_inputs(found, options), 0, arguments(ctx, found.facts.block.number))
    if chart:
        _draw(found, made, chart)
    tell(lines(found, options, made), told(found, made), made, config, as_json, record)


def _percent(text: str, where: str) -> int:
    """Basis points; more than 100 % is no mistake here."""
    from strongroom.quantities import parse_units

    number, sign, rest = text.strip().partition("%")
    bps = parse_units(number, 2, where) if sign and not rest.strip() else None
    if bps is None or bps > 10 * _PERCENT_UNITS:
        raise BadValue(text, where, "write a percentage up to 1,000, for example `80 %`")
    return bps


def _aversion(value: float) -> float:
    if not value >= 0:
        raise BadValue(value, "--risk-aversion", "give 0 or more, for example `10`")
    return value


def _clips(count: int | None, most_seconds: int) -> int | None:
    if count is not None and not 1 <= count <= 48:
        raise BadValue(count, "--clips", "give 1 to 48")
    if count is not None and count > most_seconds // 60 + 1:
        raise BadValue(count, "--clips", "they lie a minute apart at least; give fewer, or more --hours")
    return count


def _seconds(hours: float) -> int:
    if not 0 < hours <= 168:
        raise BadValue(hours, "--hours", "give more than 0 and at most 168, a week")
    return int(hours * 3_600)


def _inputs(found: Forecast, options: Options) -> dict[str, Any]:
    """Everything that the forecast was computed from."""
    from strongroom.plain import to_plain

    return {
        "block": to_plain(found.facts.block),
        "pools": [to_plain(state) for state in found.states],
        "units": str(found.order.units),
        "tokens": [found.order.token_in.address, found.order.token_out.address],
        "hop_cost_units": str(found.hop_cost_units),
        "options": [options.volatility, options.half_life_seconds, str(options.risk_aversion)],
        "time": [options.clips, options.most_seconds],
    }


def _draw(found: Forecast, made: Origin, chart: Path) -> None:
    from agent.cli.simulate.route_chart import draw

    draw(found, made, chart)
