"""`strongroom simulate frontier`: the weights of least risk for each return that keep the runway."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.simulate.drawing import draw_foot, draw_head, draw_told
from agent.cli.simulate.opening import Opened, open_forecast, origin_of
from agent.cli.simulate.options import Options, common_options
from agent.cli.simulate.telling import record_option, tell
from agent.cli.simulate.treasury import OWN, counted, past_of, source_of
from agent.cli.units import aligned
from strongroom.errors import BadValue

if TYPE_CHECKING:
    from simulations.origin import Origin
    from simulations.treasury.frontier import Portfolio, Risks

_LEVEL = 0.95
_LEAST_SCENARIOS, _MOST_SCENARIOS = 20, 20_000


@click.command()
@common_options
@click.option("--points", type=click.IntRange(2, 50), default=8, show_default=True, help="Portfolios to find.")
@click.option("--chart", type=click.Path(path_type=Path), help="Draw it to this .png or .svg file.")
@record_option
@click.pass_context
def frontier(ctx: click.Context, /, points: int, chart: Path | None, as_json: bool, record: bool, **given: Any) -> None:
    """The efficient frontier under CVaR and runway: of weights that keep the mandate's months of payroll in the
    payroll's own tokens, those that lose least in the worst 5 % of paths, for each mean return.

    Weights are held over all `--days`, without trades. What is expected must be said: with no `--drift` no risk is
    paid for, and the frontier is one point. The mandate's own targets stand beside it.

    \b
    Examples:
      strongroom simulate frontier --example --drift '15 %' --paths 5000
      strongroom simulate frontier --example --drift '15 %' --paths 5000 --chart frontier.png
    """
    from agent.forecasts import require_chart
    from simulations.treasury.frontier import frontier as find
    from simulations.treasury.frontier import held, risks_of

    if chart:
        require_chart(chart)
    opened = open_forecast(Options(**given))
    if opened.options.paths > _MOST_SCENARIOS:
        mend = f"give at most {_MOST_SCENARIOS:,}: each is a row of the linear program"
        raise BadValue(opened.options.paths, "--paths", mend)
    if opened.options.paths < _LEAST_SCENARIOS:
        raise BadValue(opened.options.paths, "--paths", f"give at least {_LEAST_SCENARIOS}: one in 20 is the tail")
    book = opened.book(opened.documents.mandate)
    options, series = opened.options, len(opened.history.names)
    risks = risks_of(book, source_of(opened), series, options.paths, options.days, opened.drift_bps)
    found = find(risks.returns, _LEVEL, risks.floors, points)
    own = held(risks, _LEVEL)
    origin = origin_of(opened, ctx, {OWN: str(points)})
    data = _told(opened, risks, found, own, origin)
    if chart:
        _draw(chart, opened, risks, found, own, origin)
    tell(_lines(opened, risks, found, own, origin), data, origin, opened.options.config, as_json, record)


def _told(opened: Opened, risks: Risks, found: Sequence[Portfolio], own: Portfolio, origin: Origin) -> dict[str, Any]:
    return {
        "level": _LEVEL,
        "draw": draw_told(opened.draw),
        "floors": dict(zip(risks.tokens, risks.floors, strict=True)),
        "frontier": [_one(risks, each) for each in found],
        "mandate": _one(risks, own),
        "origin": origin.told(),
    }


def _one(risks: Risks, each: Portfolio) -> Mapping[str, Any]:
    return {"weights": dict(zip(risks.tokens, each.weights, strict=True)), "mean": each.mean, "cvar": each.cvar}


def _lines(opened: Opened, risks: Risks, found: Sequence[Portfolio], own: Portfolio, origin: Origin) -> Iterator[str]:
    from agent.forecasts import foot

    options, months = opened.options, opened.documents.mandate.runway_months
    floors = ", ".join(f"{t} {f:.1%}" for t, f in zip(risks.tokens, risks.floors, strict=True) if f)
    name, days = opened.documents.treasury.name, counted(options.days, "day")
    yield f"{name}: weights held over {days}, {counted(options.paths, 'path')}, seed {options.seed}"
    yield from draw_head(opened.draw, past_of(opened), options.drift)
    yield f"kept for {months} months of payroll: {floors or 'nothing'}"
    yield ""
    head = ("", *risks.tokens, "mean return", f"CVaR {_LEVEL:.0%}")
    rows = [_row(str(number), each) for number, each in enumerate(found, 1)]
    yield from aligned([head, *rows, _row("mandate", own)], right=range(1, len(head)))
    yield f"CVaR {_LEVEL:.0%}: mean loss of the worst 1 in 20 paths, as a share of what the weights began with"
    if len(found) == 1:
        yield "one point: nothing is expected to pay for a risk; say what you expect with `--drift '15 %'`"
    if any(weight < floor - 1e-9 for weight, floor in zip(own.weights, risks.floors, strict=True)):
        yield "the mandate's targets do not keep its own runway at what the treasury is worth now"
    yield ""
    yield from draw_foot(opened.draw)
    yield from foot(origin)


def _row(name: str, each: Portfolio) -> tuple[str, ...]:
    # Zero has no sign that says anything.
    numbers = (*each.weights, each.mean, each.cvar)
    return name, *(f"{round(number, 6) + 0.0:.1%}" for number in numbers)


def _draw(
    chart: Path, opened: Opened, risks: Risks, found: Sequence[Portfolio], own: Portfolio, origin: Origin
) -> None:
    from agent.forecast_charts import frontier_chart
    from agent.forecasts import save

    title = f"{opened.documents.treasury.name}: least CVaR for each return, {opened.options.days:,} days"
    save(frontier_chart(title, risks.tokens, found, own, origin), chart)
