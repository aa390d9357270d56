"""`strongroom simulate backtest`: the mandate over days that really were, against holding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.simulate.opening import Opened, open_forecast, origin_of
from agent.cli.simulate.options import DAYS, Options, common_options
from agent.cli.simulate.tables import event_rows
from agent.cli.simulate.telling import record_option, tell
from agent.cli.simulate.treasury import HOLD, OWN, still_lines
from agent.cli.units import aligned
from strongroom.errors import BadValue

if TYPE_CHECKING:
    from simulations.origin import Origin
    from simulations.treasury.book import Book, Calendar
    from simulations.treasury.forecast import Outcomes
    from simulations.treasury.history import History
    from simulations.treasury.story import Event

_ACTS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Replay:
    """One path that was: each evening's USD and fall from the peak, what it amounts to, and the agent's acts."""

    navs: tuple[float, ...]
    falls: tuple[float, ...]
    outcomes: Outcomes
    events: tuple[Event, ...]


@click.command()
@click.argument("over", metavar="FIRST..LAST")
@common_options
@click.option("--chart", type=click.Path(path_type=Path), help="Draw both to this .png or .svg file.")
@record_option
@click.pass_context
def backtest(ctx: click.Context, /, over: str, chart: Path | None, as_json: bool, record: bool, **given: Any) -> None:
    """What the mandate would have done over real days, against holding: worth, falls, trades, costs, runway.

    The treasury starts with what it holds and is worth now, and its tokens then move as the history's did. Holding pays
    and does nothing else: no trade, no watch. Days that the history lacks stand still. `--days`, `--from`, `--paths`,
    `--seed`, `--drift` and `--draw` have no part in it.

    \b
    Examples:
      strongroom simulate backtest 2017-01-01..2018-12-31 --example
      strongroom simulate backtest 2018-01-01..2019-12-31 --example --chart bear.png
    """
    from agent.forecasting import calendar_of
    from agent.forecasts import require_chart
    from simulations.treasury.history import hold

    if chart:
        require_chart(chart)
    opened = open_forecast(Options(**{**given, "draw": DAYS}))
    past = _stretch(over, opened.history)
    calendar = calendar_of(opened.jobs, past.days[0] + 86_400, len(past.days) - 1)
    book = opened.book(opened.documents.mandate)
    replays = {name: _replay(each, calendar, past) for name, each in ((OWN, book), (HOLD, hold(book)))}
    origin = origin_of(opened, ctx, {OWN: over})
    data = _told(replays, past, origin)
    if chart:
        _draw(chart, opened, data, past, origin)
    tell(_lines(opened, replays, past, origin), data, origin, opened.options.config, as_json, record)


def _stretch(over: str, history: History) -> History:
    from strongroom.quantities import parse_day

    first, _, last = over.partition("..")
    if not last:
        raise BadValue(over, "a stretch of days", "write it as `2017-01-01..2018-12-31`")
    return history.between(parse_day(first, "FIRST"), parse_day(last, "LAST")).filled()


def _replay(book: Book, calendar: Calendar, past: History) -> Replay:
    from simulations.treasury.forecast import collected
    from simulations.treasury.history import daily
    from simulations.treasury.stepping import walk
    from simulations.treasury.story import events

    days = list(walk(book, calendar, daily(past)[:, :, None], {}))
    every = collected(book, iter(days), 1, range(1, calendar.days + 1))
    navs, falls = (tuple(map(float, rows[:, 0])) for rows in (every.navs, every.falls))
    return Replay(navs, falls, every, events(book, days))


def _measures(replay: Replay) -> dict[str, float | int | None]:
    out = replay.outcomes
    months = float(out.runway[0])
    return {
        "nav_usd": float(out.nav[0]),
        "drawdown": float(out.drawdown[0]),
        "spent_usd": float(out.spent[0]),
        "runway_months": months if months != float("inf") else None,
        "payment_late_on": _day(int(out.late_day[0])),
        "trades_allowed": int(out.allowed[0]),
        "trades_asked": int(out.asked[0]),
        "trades_denied": int(out.denied[0]),
        "turnover_usd": float(out.turnover[0]),
        "swap_cost_usd": float(out.cost[0]),
        "gas_usd": float(out.gas[0]),
        "paused_days": int(out.paused_days[0]),
    }


def _day(number: int) -> int | None:
    return number if number >= 0 else None


def _told(replays: Mapping[str, Replay], past: History, origin: Origin) -> dict[str, Any]:
    from strongroom.quantities import format_day

    return {
        "first_day": format_day(past.days[0]),
        "last_day": format_day(past.days[-1]),
        "replays": {
            name: {
                "measures": _measures(each),
                "nav": list(each.navs),
                "falls": list(each.falls),
                "acts": _acts(each.events, past),
            }
            for name, each in replays.items()
        },
        "origin": origin.told(),
    }


def _acts(events: Sequence[Event], past: History) -> list[dict[str, Any]]:
    from strongroom.quantities import format_day

    return [{"date": format_day(past.days[event.day + 1]), **asdict(event)} for event in events]


_ROWS = {
    "nav_usd": ("worth at the end", "{:,.0f} USD"),
    "drawdown": ("largest fall from a peak", "{:.2%}"),
    "spent_usd": ("paid", "{:,.0f} USD"),
    "runway_months": ("months of payroll left", "{:,.0f}"),
    "trades_allowed": ("trades the agent made alone", "{:,}"),
    "trades_asked": ("trades guardians were asked for", "{:,}"),
    "trades_denied": ("trades denied", "{:,}"),
    "turnover_usd": ("sold", "{:,.0f} USD"),
    "swap_cost_usd": ("fees and impact", "{:,.0f} USD"),
    "gas_usd": ("gas, from the agent's own key", "{:,.0f} USD"),
    "paused_days": ("days paused by the watch", "{:,}"),
}


def _lines(opened: Opened, replays: Mapping[str, Replay], past: History, origin: Origin) -> Iterator[str]:
    from agent.forecasts import foot
    from strongroom.quantities import format_day

    began = sum(asset.value_usd for asset in opened.book(opened.documents.mandate).assets)
    name = opened.documents.treasury.name
    yield f"{name}: {began:,.0f} USD, what is held now, on {format_day(past.days[0])}"
    yield f"{format_day(past.days[0])} to {format_day(past.days[-1])}, as {', '.join(past.names)} then moved"
    yield from still_lines(opened)
    yield ""
    found = {name: _measures(each) for name, each in replays.items()}
    rows = [(said, *(_cell(each[key], form) for each in found.values())) for key, (said, form) in _ROWS.items()]
    late = [_late(each["payment_late_on"], past) for each in found.values()]
    table = [("", *replays), *rows, ("first payment late", *late)]
    yield from aligned(table, right=range(1, len(replays) + 1))
    acts = list(event_rows([each for each in _acts(replays[OWN].events, past) if each["kind"] != "pay"]))
    yield "\nwhat the agent did, payments that went well aside" if acts else "\nthe agent only paid"
    yield from (f"  {line}" for line in aligned(acts[:_ACTS_SHOWN])) if acts else ()
    if len(acts) > _ACTS_SHOWN:
        yield f"  and {len(acts) - _ACTS_SHOWN:,} acts more, all of them with `--json`"
    yield ""
    yield from foot(origin)


def _cell(number: float | int | None, form: str) -> str:
    return "none" if number is None else form.format(number)


def _late(day: float | int | None, past: History) -> str:
    from strongroom.quantities import format_day

    return "none" if day is None else format_day(past.days[int(day)])


def _draw(chart: Path, opened: Opened, data: Mapping[str, Any], past: History, origin: Origin) -> None:
    from agent.forecast_charts import lines
    from agent.forecasts import save

    title = f"{opened.documents.treasury.name}: as prices moved from {data['first_day']} to {data['last_day']}"
    save(lines(title, past.days[0], data["replays"], origin), chart)
