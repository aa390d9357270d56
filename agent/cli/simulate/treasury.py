"""`strongroom simulate treasury`: what the treasury may become under its mandate and its policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.simulate.drawing import draw_foot, draw_head, draw_told
from agent.cli.simulate.opening import Opened, open_forecast, origin_of
from agent.cli.simulate.options import Options, common_options
from agent.cli.simulate.tables import measure_lines
from agent.cli.simulate.telling import record_option, tell

if TYPE_CHECKING:
    from simulations.origin import Origin
    from simulations.treasury.book import Book
    from simulations.treasury.forecast import Forecast
    from simulations.treasury.source import Source
    from strongroom.model import TokenId
    from strongroom.settings import Mandate

OWN, HOLD = "mandate.toml", "hold"


@click.command()
@common_options
@click.option("--mandate", "mandates", type=click.Path(path_type=Path), multiple=True, help="Another, beside yours.")
@click.option("--hold", "with_hold", is_flag=True, help="Beside it: payments alone, no trade and no watch.")
@click.option("--chart", type=click.Path(path_type=Path), help="Draw the fans to this .png or .svg file.")
@record_option
@click.pass_context
def treasury(
    ctx: click.Context,
    /,
    mandates: tuple[Path, ...],
    with_hold: bool,
    chart: Path | None,
    as_json: bool,
    record: bool,
    **given: Any,
) -> None:
    """Forecast the treasury: worth, VaR, CVaR, drawdown, runway, ruin, each with its sampling error.

    On every path the agent trades, pays, lends and pauses as the real one would: by mandate.toml, policy.toml and
    schedule.toml. Paths are stretches of real days laid end to end, or (`--draw fitted`) drawn from a model of them:
    without their trend; `--drift` sets one. The same seed gives the same numbers. Nothing is signed or sent.

    \b
    Examples:
      strongroom simulate treasury --example
      strongroom simulate treasury --example --hold --chart forecast.png
      strongroom simulate treasury --example --draw fitted
      strongroom simulate treasury --balance '290 WETH' --balance '400_000 USDC' --price WETH=3_000
      strongroom simulate treasury --mandate cautious.toml --flows unlocks.csv --json
    """
    from agent.forecasts import require_chart

    if chart:
        require_chart(chart)
    opened = open_forecast(Options(**given))
    read = {OWN: opened.documents.mandate, **_others(mandates, opened)}
    books = {name: opened.book(mandate) for name, mandate in read.items()}
    books |= _held(books[OWN]) if with_hold else {}
    made = run(opened, books, not as_json)
    origin = origin_of(opened, ctx, {name: _text(mandate) for name, mandate in read.items()})
    data = _told(opened, made, origin)
    if chart:
        _draw(chart, opened, data, origin)
    tell(_lines(opened, made, origin), data, origin, opened.options.config, as_json, record)


def run(opened: Opened, books: Mapping[str, Book], shows: bool) -> dict[str, Forecast]:
    """Every book over the same paths."""
    from simulations.treasury.forecast import forecast

    source, series, paths = source_of(opened), len(opened.history.names), opened.options.paths
    with progress(len(books) * paths, shows) as done:
        return {name: forecast(book, opened.calendar, source, series, paths, done=done) for name, book in books.items()}


def source_of(opened: Opened) -> Source:
    return opened.draw.source(opened.history, opened.options.seed, opened.drift_bps)


@contextmanager
def progress(paths: int, shows: bool) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, gone once it is full; none for machines, nor where stderr is no terminal: of a bar that cannot
    be taken away an empty line would stay."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not (shows and console.is_terminal)) as bar:
        task = bar.add_task("paths", total=paths)
        yield lambda count: bar.advance(task, count)


def _others(files: tuple[Path, ...], opened: Opened) -> dict[str, Mandate]:
    from agent.app import require_venues
    from strongroom.documents import read
    from strongroom.errors import BadValue
    from strongroom.settings import load_mandate

    policy = opened.documents.policy
    decimals = {token: listed.token.decimals for token, listed in policy.tokens.items()}
    found: dict[str, Mandate] = {}
    for path in files:
        mandate = load_mandate(read(path), decimals, path.name)
        require_venues(mandate, policy)
        if path.name in (*found, OWN, HOLD):
            raise BadValue(path, "--mandate", "give the file a name of its own: it heads the column")
        found[path.name] = mandate
    return found


def _held(book: Book) -> dict[str, Book]:
    from simulations.treasury.history import hold

    return {HOLD: hold(book)}


def _text(mandate: Mandate) -> str:
    from strongroom.plain import to_plain

    return str(to_plain(mandate))


def _told(opened: Opened, made: Mapping[str, Forecast], origin: Origin) -> dict[str, Any]:
    from agent.forecasting import unmodelled
    from simulations.treasury.measures import fan, measures

    first = next(iter(made.values()))
    forecasts = {
        name: {
            "measures": {key: each.told() for key, each in measures(one).items()},
            "nav": fan(one, "navs"),
            "runway": fan(one, "runways") if one.has_payroll else None,
            "falls": fan(one, "falls"),
        }
        for name, one in made.items()
    }
    return {
        "first_day": opened.first_day,
        "days": opened.options.days,
        "paths": opened.options.paths,
        "nav_usd": first.nav,
        "runway_months": opened.documents.mandate.runway_months,
        "draw": draw_told(opened.draw),
        "not_counted": list(uncounted_of(opened)),
        "not_modelled": list(unmodelled(opened.documents.policy)),
        "forecasts": forecasts,
        "origin": origin.told(),
    }


def _lines(opened: Opened, made: Mapping[str, Forecast], origin: Origin) -> Iterator[str]:
    from simulations.treasury.measures import measures

    yield from head_lines(opened, next(iter(made.values())).nav)
    yield ""
    yield from measure_lines({name: measures(one) for name, one in made.items()})
    yield ""
    yield from foot_lines(opened, origin)


def head_lines(opened: Opened, nav: float) -> Iterator[str]:
    options = opened.options
    paths, days = counted(options.paths, "path"), counted(options.days, "day")
    name = opened.documents.treasury.name
    yield f"{name}: {nav:,.0f} USD on {opened.first_day}; {paths} of {days}, seed {options.seed}"
    yield from draw_head(opened.draw, past_of(opened), options.drift)
    yield from still_lines(opened)
    if left_out := uncounted_of(opened):
        names = ", ".join(left_out)
        yield f"{names}: held, follows no history, counts nothing here; `--like {left_out[0]}=…` says what it follows"
    signs = "sign what they are asked" if opened.terms.guardians_sign else "sign nothing"
    yield f"guardians {signs}; a pool holds {options.depth} on each side; after a pause {options.resume_days} days pass"


def assumed(opened: Opened) -> str:
    """For a chart that is read without its table: how many paths, of which prices, at which growth."""
    options = opened.options
    how = "real days" if opened.draw.fitted is None else "a model fitted on days"
    return f"{counted(options.paths, 'path')} from {how} of {past_of(opened)}; expected growth {options.drift} a year"


def counted(number: int, noun: str) -> str:
    """`1 path`, `10,000 paths`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def past_of(opened: Opened) -> str:
    """The history's columns and its first and last day."""
    from strongroom.quantities import format_day

    history = opened.history
    return f"{', '.join(history.names)}, {format_day(history.days[0])} to {format_day(history.days[-1])}"


def uncounted_of(opened: Opened) -> tuple[TokenId, ...]:
    from agent.forecasting import uncounted

    return uncounted(opened.book(opened.documents.mandate), opened.documents.policy, opened.start)


def still_lines(opened: Opened) -> Iterator[str]:
    """What the mandate wants and no job does."""
    mandate, calendar = opened.documents.mandate, opened.calendar
    jobs = (
        ("rebalance", bool(mandate.weights), calendar.rebalances, "nothing is traded"),
        ("payroll", bool(mandate.payroll), calendar.pays, "nobody is paid"),
    )
    for name, wanted, runs, so in jobs:
        if wanted and not any(runs):
            yield f"no job `{name}` runs in these days, so {so}; add it to schedule.toml, or give `--schedule`"


def foot_lines(opened: Opened, origin: Origin) -> Iterator[str]:
    from agent.forecasting import unmodelled
    from agent.forecasts import foot

    yield "VaR 95 %: the loss that 5 paths in 100 exceed; CVaR 95 %: the mean of those; a payment is no loss"
    yield "in brackets: where the number lies in 95 of 100 seeds, `?` where the paths are too few to say; how wrong"
    yield "the model is they do not say"
    if left_out := unmodelled(opened.documents.policy):
        yield f"not in this forecast: {', '.join(left_out)} of policy.toml"
    yield from draw_foot(opened.draw)
    yield from foot(origin)


def _draw(chart: Path, opened: Opened, data: Mapping[str, Any], origin: Origin) -> None:
    from agent.forecast_charts import fans
    from agent.forecasts import save

    title = f"{opened.documents.treasury.name}: forecast of {opened.options.days:,} days from {opened.first_day}"
    months = opened.documents.mandate.runway_months
    save(fans(title, opened.start.at, data["forecasts"], months, assumed(opened), origin), chart)
