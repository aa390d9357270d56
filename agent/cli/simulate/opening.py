"""What `simulate treasury` and `simulate stress` begin with: documents, holdings, prices and the paths' source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.simulate.drawing import Draw, draw_of, draw_told
from agent.cli.simulate.options import Options, arguments
from strongroom.errors import BadValue, NodeError, SetupError
from strongroom.model import TokenId

if TYPE_CHECKING:
    from agent.app import Documents
    from agent.forecasting import Start, Terms
    from policies.terms import PolicyDocument
    from simulations.origin import Origin
    from simulations.treasury.book import Book, Calendar, Flow
    from simulations.treasury.history import History
    from strongroom.model import Facts
    from strongroom.settings import Job, Mandate

_EXAMPLE_DAY = "2026-01-01"
_LAST = 253_402_300_799
"""The end of the year 9999, the last one that a date can name."""


class HoldingsUnknown(SetupError):
    def __init__(self, why: object) -> None:
        super().__init__(f"what the Safe holds is not known: {why}; or give `--balance '290 WETH'`, or `--example`")


@dataclass(frozen=True, slots=True)
class Opened:
    """All that a forecast is made of."""

    documents: Documents
    start: Start
    terms: Terms
    history: History
    jobs: tuple[Job, ...]
    calendar: Calendar
    drift_bps: int
    options: Options
    block: int | None
    """Whose state was observed; `None` where no node was asked."""
    draw: Draw

    def book(self, mandate: Mandate) -> Book:
        from agent.forecasting import book_of

        return book_of(mandate, self.documents.policy, self.start, self.terms, self.history.names)

    @property
    def first_day(self) -> str:
        from strongroom.quantities import format_day

        return format_day(self.start.at)


def open_forecast(options: Options) -> Opened:
    """Raises `InputError` for what cannot be used, `SetupError` where holdings are not known."""
    from agent.app import open_documents
    from agent.forecasting import calendar_of
    from strongroom.quantities import parse_bps

    documents = open_documents(options.config)
    history = _history(options.history)
    start, seen = _start(options, documents)
    if start.at + (options.days + 2) * 86_400 > _LAST:
        raise BadValue(options.first, "--from", f"{options.days:,} days from there leave the calendar; begin earlier")
    terms = _terms(options, documents.policy, start, seen.gas.base_fee_wei if seen else None)
    jobs = _jobs_of(options.schedule) or documents.jobs
    calendar = calendar_of(jobs, start.at, options.days)
    drift_bps, block = parse_bps(options.drift, "--drift"), seen.block.number if seen else None
    draw = draw_of(options.draw, history)
    return Opened(documents, start, terms, history, jobs, calendar, drift_bps, options, block, draw)


def read_text(path: Path, where: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadValue(path, where, "name a text file (UTF-8) that is there and yours to read") from error


def _jobs_of(path: Path | None) -> tuple[Job, ...]:
    from strongroom.settings import load_schedule

    return load_schedule(read_text(path, "--schedule"), path.name) if path else ()


def _history(path: Path | None) -> History:
    from simulations.treasury.history import read_history, shipped

    return read_history(read_text(path, "--history"), path.name) if path else shipped()


def _start(options: Options, documents: Documents) -> tuple[Start, Facts | None]:
    """Holdings and prices, and the facts where a node was asked."""
    from agent.forecasting import Start
    from strongroom.quantities import parse_amount, parse_day

    policy = documents.policy
    if options.example and options.balances:
        raise BadValue("--example", "a start with `--balance`", "give one of the two")
    if options.at is not None and (options.example or options.balances):
        raise BadValue(options.at, "--at", "no node is asked with `--example` or `--balance`; leave one of them out")
    prices = _prices(options.prices, policy)
    if not options.example and not options.balances:
        return _observed(options, documents, prices)
    decimals = {token: listed.token.decimals for token, listed in policy.tokens.items()}
    amounts = [parse_amount(text, decimals, "--balance") for text in options.balances]
    held = {amount.token: amount.units for amount in amounts}
    if len(held) != len(amounts):
        raise BadValue(", ".join(options.balances), "--balance", "name each token once")
    if options.example:
        held, known = _example(policy)
        prices = {**known, **prices}
    at = parse_day(options.first or _EXAMPLE_DAY, "--from")
    return Start(held, {**_dollars(policy), **prices}, at), None


def _example(policy: PolicyDocument) -> tuple[dict[TokenId, int], dict[TokenId, int]]:
    from strongroom.world.treasury import DECIMALS, PRICES_E8, TREASURY

    for token in TREASURY.holdings:
        if token not in policy.tokens or policy.tokens[token].token.decimals != DECIMALS[token]:
            raise BadValue("--example", "this policy", f"it lists no {token} as the example has it; give `--balance`")
    return dict(TREASURY.holdings), {token: sources[0] for token, sources in PRICES_E8.items()}


def _dollars(policy: PolicyDocument) -> dict[TokenId, int]:
    from simulations.treasury.history import DOLLARS

    return {token: 10**8 for token in policy.tokens if token in DOLLARS}


def _prices(texts: Sequence[str], policy: PolicyDocument) -> dict[TokenId, int]:
    from strongroom.quantities import parse_units

    found = {}
    for text in texts:
        name, sign, number = text.partition("=")
        token = TokenId(name.strip())
        if token not in policy.tokens or not sign:
            raise BadValue(text, "--price", "write a listed token and USD, for example `WETH=3_000`")
        found[token] = parse_units(number, 8, "--price")
        if not found[token]:
            raise BadValue(text, "--price", "write USD above zero")
    return found


def _observed(options: Options, documents: Documents, given: Mapping[TokenId, int]) -> tuple[Start, Facts]:
    from agent.app import node_of, onlooker
    from agent.forecasting import Start
    from agent.pinned import observe_pinned
    from policies.pricing import prices
    from strongroom.quantities import parse_day
    from strongroom.valuation import Price

    try:
        with node_of(documents.treasury) as chain:
            facts = observe_pinned(chain, onlooker(documents), options.at)
    except NodeError as error:
        raise HoldingsUnknown(error) from error
    found = prices(facts, documents.policy)
    middle = {token: (each.low_e8 + each.high_e8) // 2 for token, each in found.items() if isinstance(each, Price)}
    midnight = facts.block.timestamp // 86_400 * 86_400
    at = parse_day(options.first, "--from") if options.first else midnight
    return Start(facts.balances, {**middle, **given}, at), facts


def _terms(options: Options, policy: PolicyDocument, start: Start, base_fee_wei: int | None) -> Terms:
    from agent.forecasting import Terms
    from strongroom.quantities import parse_bps, parse_units

    number, _, unit = options.depth.strip().partition(" ")
    if unit.strip() != "USD":
        raise BadValue(options.depth, "--depth", "write for example `100_000_000 USD`")
    default = Terms()
    return Terms(
        like=dict(_alike(text, policy) for text in options.like),
        depth_e8=parse_units(number, 8, "--depth"),
        base_fee_wei=default.base_fee_wei if base_fee_wei is None else base_fee_wei,
        rate_bps=parse_bps(options.rate, "--rate"),
        resume_days=options.resume_days,
        guardians_sign=options.guardians == "sign",
        flows=_flows(options, policy, start),
    )


def _alike(text: str, policy: PolicyDocument) -> tuple[str, str]:
    token, _, name = text.partition("=")
    if token not in policy.tokens or not name:
        raise BadValue(text, "--like", "write a listed token and a column of the history, for example `WETH=ETH`")
    return token, name


def _flows(options: Options, policy: PolicyDocument, start: Start) -> tuple[Flow, ...]:
    from agent.flows import read_flows

    if options.flows is None:
        return ()
    decimals = {token: listed.token.decimals for token, listed in policy.tokens.items()}
    return read_flows(read_text(options.flows, "--flows"), options.flows.name, decimals, start.at, options.days)


def origin_of(opened: Opened, ctx: click.Context, mandates: Mapping[str, str]) -> Origin:
    """What the forecast was computed from, and the one line that makes it again."""
    from dataclasses import asdict

    from agent.forecasts import origin
    from policies.document import document_hash

    inputs = {
        "policy": document_hash(opened.documents.policy),
        "mandates": dict(mandates),
        "balances": {token: str(units) for token, units in opened.start.balances.items()},
        "prices": {token: str(price) for token, price in opened.start.prices_e8.items()},
        "at": opened.start.at,
        "terms": {**asdict(opened.terms), "depth_e8": str(opened.terms.depth_e8), "flows": _told(opened)},
        "calendar": [list(map(int, each)) for each in _jobs(opened.calendar)],
        "history": [list(opened.history.names), list(opened.history.days), opened.history.prices.tolist()],
        "drift_bps": opened.drift_bps,
        "draw": draw_told(opened.draw),
        "paths": opened.options.paths,
    }
    return origin(inputs, opened.options.seed, arguments(ctx, opened.block))


def _told(opened: Opened) -> list[list[Any]]:
    return [[flow.day, flow.token, str(flow.units)] for flow in opened.terms.flows]


def _jobs(calendar: Calendar) -> tuple[tuple[bool, ...], ...]:
    return calendar.pays, calendar.rebalances, calendar.lends
