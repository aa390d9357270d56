"""`strongroom simulate swap`: what one swap would cost now, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.reach import config_option, json_option
from agent.cli.simulate.options import arguments, at_option
from agent.cli.simulate.tables import short_amount
from agent.cli.simulate.telling import record_option, tell
from agent.cli.units import aligned
from strongroom.quantities import format_units, parse_seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from agent.swap_forecast import PoolMove, SwapForecast
    from simulations.origin import Origin

LEVELS = (0.50, 0.90, 0.99)
_BPS = 10_000


@click.command()
@click.argument("order")
@click.option("--wait", default="1 minute", show_default=True, help="From now until the swap is in a block.")
@at_option
@click.option("--chart", type=click.Path(path_type=Path), help="Draw it to this .png or .svg file.")
@record_option
@config_option
@json_option
@click.pass_context
def swap(
    ctx: click.Context,
    /,
    order: str,
    wait: str,
    at: int | None,
    chart: Path | None,
    record: bool,
    config: Path,
    as_json: bool,
) -> None:
    """Forecast what ORDER would bring, and where the rest goes: fee, price impact, gas, what the market may do until it
    is in a block, and who may come first there. Also: does it move a price that you rely on?

    Quotes are exact at the newest block, or at `--at`. What happens afterwards is fitted on this treasury's own fills;
    with fewer than 60 of them it is a wide bound, and says so. Nothing is signed or sent.

    \b
    Examples:
      strongroom simulate swap "5 WETH to USDC"
      strongroom simulate swap "20_000 USDC to WETH" --wait "5 minutes" --chart swap.png
    """
    from agent.forecasts import origin, require_chart, save
    from agent.swap_forecast import forecast

    if chart:
        require_chart(chart)
    found = forecast(config, order, parse_seconds(wait, "--wait"), at)
    made = origin(_inputs(found), 0, arguments(ctx, found.facts.block.number))
    if chart:
        save(_draw(found, made), chart)
    tell(_lines(found, made), _told(found, made), made, config, as_json, record)


def _inputs(found: SwapForecast) -> Any:
    from strongroom.plain import to_plain

    pools = [to_plain(each) for each in (*found.facts.pools, *found.facts.pairs)]
    return {
        "block": found.facts.block.hash,
        "route": to_plain(found.route),
        "pools": pools,
        "gas": [str(units) for units in found.gas],
        "fills": [to_plain(fill) for fill in found.known.fills],
        "wait_seconds": found.wait_seconds,
        "moves": [[move.pool, list(move.prices)] for move in found.moves],
    }


def _parts(found: SwapForecast) -> dict[str, int]:
    """What is known of the cost, in units of the token bought."""
    return {"fee": found.spot - found.kept, "price impact": found.kept - found.quoted, "gas": found.gas[1]}


def _lines(found: SwapForecast, made: Origin) -> Iterator[str]:
    from agent.calibration_chart import calibration_lines
    from agent.forecasts import foot
    from simulations.slippage.calibrating import calibrate

    over = "one pool" if len(found.route.legs) == 1 else f"{len(found.route.legs)} pools"
    yield f"at block {found.facts.block.number:,}: {_out(found, found.quoted)}, quoted exactly over {over}"
    yield ""
    yield from aligned(_rows(found), (1, 2))
    yield ""
    yield from aligned(_received(found), (1, 2))
    yield _source(found)
    yield from calibration_lines(calibrate(found.known.fills))
    yield from map(_oracle, found.moves)
    yield from foot(made)


def _rows(found: SwapForecast) -> Iterator[tuple[str, str, str]]:
    yield "", "", "of the price on screen"
    yield "at the price on screen", _out(found, found.spot), ""
    for name, units in _parts(found).items():
        yield f"- {name}", _out(found, units), f"{units * _BPS / found.spot:.1f} bp"
    yield "= after known costs", _out(found, found.quoted - found.gas[1]), ""


def _received(found: SwapForecast) -> Iterator[tuple[str, str, str]]:
    yield "what comes, before gas", "at least", "at most"
    for level in LEVELS:
        low, high = found.received(level)
        yield f"in {level:.0%} of cases", _out(found, low), _out(found, high)


def _source(found: SwapForecast) -> str:
    if found.model.why:
        return f"a bound, not a fit: {found.model.why}"
    return f"fitted on {found.model.fills} of this treasury's own fills"


def _oracle(move: PoolMove) -> str:
    bps, blocks = (" / ".join(said) for said in zip(*_steps(move), strict=True))
    relied = (
        f"PRICES {', '.join(move.prices)} OF YOURS: sell less" if move.prices else "no price of yours is read there"
    )
    return f"it would move the half-hour average of {move.pool} by {bps} bp after {blocks} blocks; {relied}"


def _steps(move: PoolMove) -> Iterator[tuple[str, str]]:
    return ((f"{each.bps:+.1f}", str(each.blocks)) for each in move.moved)


def _out(found: SwapForecast, units: int) -> str:
    return short_amount(units, found.facts.tokens[found.route.token_out])


def _told(found: SwapForecast, made: Origin) -> dict[str, Any]:
    """Units as decimal strings."""
    from agent.calibration_chart import calibration_told
    from simulations.slippage.calibrating import calibrate
    from strongroom.plain import to_plain

    received = {f"{level:g}": [str(units) for units in found.received(level)] for level in LEVELS}
    return {
        "block": found.facts.block.number,
        "route": to_plain(found.route),
        "spot_units": str(found.spot),
        "quoted_units": str(found.quoted),
        "parts_units": {name: str(units) for name, units in _parts(found).items()},
        "gas_units": [str(units) for units in found.gas],
        "base_fee": to_plain(found.base_fee),
        "received_units": received,
        "fills": found.model.fills,
        "forgotten_fills": found.known.forgotten,
        "why": found.model.why,
        "calibration": calibration_told(calibrate(found.known.fills)),
        "moves": [
            {"pool": m.pool, "bps": {str(each.blocks): each.bps for each in m.moved}, "prices": list(m.prices)}
            for m in found.moves
        ],
        "origin": made.told(),
    }


def _draw(found: SwapForecast, made: Origin) -> Any:
    from agent.calibration_chart import draw_calibration
    from agent.forecasts import panels
    from simulations.slippage.calibrating import calibrate

    scored = calibrate(found.known.fills)
    figure, axes = panels(_title(found), 2 if isinstance(scored, str) else 3, made)
    _draw_costs(axes[0], found)
    _draw_spread(axes[1], found)
    if not isinstance(scored, str):
        draw_calibration(axes[2], scored)
    return figure


def _draw_costs(costs: Axes, found: SwapForecast) -> None:
    from agent.forecasts import ORANGE

    token = found.facts.tokens[found.route.token_out]
    scale = 10**token.decimals
    names, units = zip(*_parts(found).items(), strict=True)
    bars = costs.barh(names, [each / scale for each in units], color=ORANGE)
    costs.bar_label(bars, [f" {each / scale:,.4g} ({each * _BPS / found.spot:.1f} bp)" for each in units])
    costs.set_title("Known costs", loc="left")
    costs.set_xlabel(str(token.id))
    costs.margins(x=0.25)


def _draw_spread(spread: Axes, found: SwapForecast) -> None:
    from agent.forecasts import BLUE, GREY

    token = found.facts.tokens[found.route.token_out]
    scale = 10**token.decimals
    for place, level in enumerate(LEVELS):
        low, high = (each / scale for each in found.received(level))
        spread.barh(place, high - low, left=low, color=BLUE, alpha=0.9 - 0.25 * place)
    spread.axvline(found.quoted / scale, color=GREY, linestyle="--", label="exact quote now")
    spread.set_yticks(range(len(LEVELS)), [f"{level:.0%} of cases" for level in LEVELS])
    spread.set_title("What comes, before gas: " + _source(found), loc="left")
    spread.set_xlabel(str(token.id))
    spread.xaxis.set_major_formatter("{x:,.6g}")
    # Bars hold their left end to the frame otherwise.
    spread.use_sticky_edges = False
    spread.margins(x=0.05)
    spread.legend(loc="lower right", frameon=False)


def _title(found: SwapForecast) -> str:
    sold = found.facts.tokens[found.route.token_in]
    return f"Selling {format_units(found.route.amount_in_units, sold.decimals)} {sold.id} for {found.route.token_out}"
