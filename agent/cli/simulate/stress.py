"""`strongroom simulate stress`: a bad day in the treasury's life, and what the agent would do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.simulate.drawing import draw_told
from agent.cli.simulate.opening import Opened, open_forecast, origin_of
from agent.cli.simulate.options import Options, common_options
from agent.cli.simulate.tables import event_rows, measure_lines
from agent.cli.simulate.telling import record_option, tell
from agent.cli.simulate.treasury import OWN, assumed, foot_lines, head_lines, progress, source_of
from agent.cli.units import aligned

if TYPE_CHECKING:
    from simulations.origin import Origin
    from simulations.treasury.book import Book
    from simulations.treasury.forecast import Forecast
    from simulations.treasury.state import State
    from simulations.treasury.story import Event
    from simulations.treasury.stress import Scenario

CALM = "calm"
_ACTS_SHOWN = 12
_SHOWN = (
    "nav_usd_p50",
    "cvar_95_usd",
    "drawdown_p95",
    "runway_months_p05",
    "runway_below_mandate",
    "payment_late",
    "paused",
)


@dataclass(frozen=True, slots=True)
class Story:
    """What the agent does from the scenario's first day on, and each evening's worth (USD) and months of payroll."""

    events: tuple[Event, ...]
    evenings: tuple[tuple[float, float | None], ...]


@click.command()
@click.argument("names", nargs=-1, metavar="[SCENARIO]…")
@common_options
@click.option("--on", "day", type=click.IntRange(0), default=9, show_default=True, help="Days before it begins.")
@click.option("--chart", type=click.Path(path_type=Path), help="Draw the fans to this .png or .svg file.")
@record_option
@click.pass_context
def stress(
    ctx: click.Context,
    /,
    names: tuple[str, ...],
    day: int,
    chart: Path | None,
    as_json: bool,
    record: bool,
    **given: Any,
) -> None:
    """What a scenario does to the treasury, and what the agent would do: all of them, or those you name.

    Each is set upon the very paths of the calm forecast beside it: what differs is the scenario's doing. Below the
    measures stands what the agent does where nothing else moves: which trades it makes alone, which guardians are
    asked for, what is denied, when the watch pauses.

    \b
      crash        volatile tokens lose 35 % in a day
      collapse     volatile tokens lose 70 % in a day
      depeg        the largest stable trades at 0.88 for five days
      stable_lost  the largest stable falls to 0.10 for good; payroll goes on in its units
      drained      volatile tokens lose 35 %, pools a tenth as deep for a month
      gas_spike    gas at 600 gwei for two weeks
      frozen       volatile tokens lose 35 % and no feed is fresh for two weeks
      insolvent    half of all that is lent is gone

    \b
    Examples:
      strongroom simulate stress --example --paths 1000
      strongroom simulate stress crash drained --example --chart stress.png
    """
    from agent.forecasts import require_chart
    from simulations.treasury.stress import SCENARIOS, find
    from strongroom.errors import BadValue

    if chart:
        require_chart(chart)
    scenarios = [find(name) for name in dict.fromkeys(names)] or list(SCENARIOS.values())
    opened = open_forecast(Options(**given))
    if day >= opened.options.days:
        raise BadValue(day, "--on", f"it begins within the {opened.options.days} days of the forecast")
    book = opened.book(opened.documents.mandate)
    made = _run(opened, book, scenarios, day, not as_json)
    stories = {each.name: _story(opened, book, each, day) for each in scenarios}
    origin = origin_of(opened, ctx, {OWN: str(day) + ",".join(each.name for each in scenarios)})
    data = _told(opened, made, stories, day, origin)
    if chart:
        _draw(chart, opened, data, origin)
    tell(_lines(opened, made, stories, scenarios, day, origin), data, origin, opened.options.config, as_json, record)


def _run(opened: Opened, book: Book, scenarios: Sequence[Scenario], day: int, shows: bool) -> dict[str, Forecast]:
    from simulations.treasury.forecast import forecast
    from simulations.treasury.stress import course

    source, series, paths = source_of(opened), len(opened.history.names), opened.options.paths
    courses = {CALM: {}, **{each.name: course(each, book, day) for each in scenarios}}
    with progress(len(courses) * paths, shows) as done:
        return {
            name: forecast(book, opened.calendar, source, series, paths, each, done) for name, each in courses.items()
        }


def _story(opened: Opened, book: Book, scenario: Scenario, day: int) -> Story:
    """What the agent does on a path where only the scenario moves, from its first day on."""
    import numpy as np

    from simulations.treasury.stepping import walk
    from simulations.treasury.story import events
    from simulations.treasury.stress import course

    still = np.zeros((opened.calendar.days, len(opened.history.names), 1))
    days = list(walk(book, opened.calendar, still, course(scenario, book, day)))
    standing = tuple(_standing(book, state) for state, _ in days)
    return Story(tuple(event for event in events(book, days) if event.day >= day), standing)


def _standing(book: Book, state: State) -> tuple[float, float | None]:
    from simulations.treasury.forecast import runway

    months = float(runway(book, state.held)[0])
    return float(state.nav[0]), months if math.isfinite(months) else None


def _told(
    opened: Opened,
    made: Mapping[str, Forecast],
    stories: Mapping[str, Story],
    day: int,
    origin: Origin,
) -> dict[str, Any]:
    from simulations.treasury.measures import fan, measures

    told = {
        name: {
            "measures": {key: each.told() for key, each in measures(one).items()},
            "nav": fan(one, "navs"),
            "runway": fan(one, "runways") if one.has_payroll else None,
            "falls": fan(one, "falls"),
            **(_story_told(opened, stories[name]) if name in stories else {}),
        }
        for name, one in made.items()
    }
    first = made[CALM]
    return {
        "first_day": opened.first_day,
        "days": opened.options.days,
        "paths": opened.options.paths,
        "draw": draw_told(opened.draw),
        "begins_on": day,
        "nav_usd": first.nav,
        "scenarios": told,
        "origin": origin.told(),
    }


def _story_told(opened: Opened, story: Story) -> dict[str, Any]:
    acts = [_dated(event, opened) for event in story.events]
    return {"acts": acts, "evenings": [{"nav_usd": nav, "runway_months": left} for nav, left in story.evenings]}


def _dated(event: Event, opened: Opened) -> dict[str, Any]:
    from strongroom.quantities import format_day

    return {"date": format_day(opened.start.at + event.day * 86_400), **asdict(event)}


def _lines(
    opened: Opened,
    made: Mapping[str, Forecast],
    stories: Mapping[str, Story],
    scenarios: Sequence[Scenario],
    day: int,
    origin: Origin,
) -> Iterator[str]:
    from simulations.treasury.measures import measures

    yield from head_lines(opened, made[CALM].nav)
    found = {name: measures(one) for name, one in made.items()}
    shown = {name: {key: one[key] for key in _SHOWN if key in one} for name, one in found.items()}
    for each in scenarios:
        yield f"\n{each.name}, from {_begins(opened, day)}: {each.says}"
        yield from measure_lines({CALM: shown[CALM], each.name: shown[each.name]})
        yield from _acts(opened, stories[each.name], day)
    yield ""
    yield from foot_lines(opened, origin)


def _acts(opened: Opened, story: Story, day: int) -> Iterator[str]:
    """The first of them; `--json` has all."""
    yield "where nothing else moves"
    yield from (f"  {line}" for line in aligned(_evening_rows(story, day), right=(1, 2)))
    yield "and the agent does this, payments that went well and what was taken back for them aside"
    rows = list(event_rows([_dated(event, opened) for event in story.events if not _is_routine(event)]))
    yield from (f"  {line}" for line in aligned(rows[:_ACTS_SHOWN])) if rows else ("  nothing",)
    if len(rows) > _ACTS_SHOWN:
        yield f"  and {len(rows) - _ACTS_SHOWN:,} acts more, all of them with `--json`"


def _is_routine(event: Event) -> bool:
    """Month after month of it would push what matters out of sight."""
    return event.kind in ("pay", "take back") and event.made


def _evening_rows(story: Story, day: int) -> Iterator[tuple[str, ...]]:
    """Before, on the day, and a month later."""
    for when, at in (("the evening before", day - 1), ("that evening", day), ("30 days later", day + 30)):
        if 0 <= at < len(story.evenings):
            nav, months = story.evenings[at]
            left = f"{months:,.0f} months of payroll" if months is not None else "no payroll"
            yield when, f"{nav:,.0f} USD", left


def _draw(chart: Path, opened: Opened, data: Mapping[str, Any], origin: Origin) -> None:
    from agent.forecast_charts import fans
    from agent.forecasts import save

    title = (
        f"{opened.documents.treasury.name}: forecast under stress that begins on {_begins(opened, data['begins_on'])}"
    )
    months = opened.documents.mandate.runway_months
    save(fans(title, opened.start.at, data["scenarios"], months, assumed(opened), origin), chart)


def _begins(opened: Opened, day: int) -> str:
    from strongroom.quantities import format_day

    return format_day(opened.start.at + day * 86_400)
