"""`strongroom status | plans | show`: where everything stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli import say
from agent.cli.reach import config_option, json_option, reach
from strongroom.model import Bucket
from strongroom.quantities import format_bps, format_seconds, format_units
from strongroom.settings import Mode

if TYPE_CHECKING:
    from agent.standing import Room, Share, Standing

_COIN_DECIMALS = 18
_SHOWN_DIGITS = 6
_CLOSED = Bucket(0, 0, 0, 0)
_CENTS = 10**6
"""Units of 1e-8 USD in a cent."""


@click.command()
@config_option
@json_option
def plans(config: Path, as_json: bool) -> None:
    """Every unit, oldest first.

    \b
    Example:
      strongroom plans --json
    """
    with reach(config) as desk:
        units = desk.plans()
    lines = [f"{u['id']}  {u['status']}  {u['intents']} intents  {u['lane']}  {u['why']}".rstrip() for u in units]
    say("\n".join(lines) or "nothing was planned yet", units, as_json)


@click.command()
@click.argument("unit_id", metavar="ID")
@config_option
@json_option
def show(unit_id: str, config: Path, as_json: bool) -> None:
    """One unit: what it does, every finding, where it stands.

    \b
    Example:
      strongroom show payroll-2026-11
    """
    with reach(config) as desk:
        unit = desk.show(unit_id)
    say(_unit(unit), unit, as_json)


def _unit(unit: dict[str, Any]) -> str:
    decision = unit["state"].get("decision")
    lines = [f"{unit['id']}: {unit['status']}", f"asked by {unit['actor']}"]
    if decision:
        lines += [f"verdict: {decision['verdict']}", *(_finding(finding) for finding in decision["findings"])]
    return "\n".join(lines)


def _finding(finding: dict[str, Any]) -> str:
    measured = f" [{finding['measured']} of {finding['limit']}]" if finding["limit"] else ""
    return f"  {finding['verdict']:5}  {finding['rule']}: {finding['reason']}{measured}"


@click.command()
@config_option
@json_option
def status(config: Path, as_json: bool) -> None:
    """The treasury at the newest block: holdings, weights, runway, what waits for whom, and the Kernel's room.

    Values count at the lower of the prices. `--json` has amounts in the token's smallest unit and USD scaled by 1e8.

    \b
    Examples:
      strongroom status
      strongroom status --config ~/.strongroom/world --json
    """
    from agent.app import open_documents
    from agent.standing import read_standing
    from strongroom.plain import to_plain

    documents = open_documents(config)
    with reach(config) as desk:
        standing = read_standing(desk.status(), documents)
    say("\n".join(_standing_lines(standing)), to_plain(standing), as_json)


def _standing_lines(standing: Standing) -> Iterator[str]:
    at = datetime.fromtimestamp(standing.block.timestamp, UTC)
    yield f"{standing.name}: {standing.mode} mode, Safe {standing.account.safe} on chain {standing.account.chain_id}"
    yield f"block {standing.block.number}, {at:%Y-%m-%d %H:%M:%S} UTC"
    yield from (click.style(f"warning: {each}", fg="yellow") for each in standing.warnings)
    yield ""
    yield from _holding_lines(standing)
    yield ""
    yield _runway_line(standing)
    yield from _waiting_lines(standing)
    yield from _lane_lines(standing)


def _holding_lines(standing: Standing) -> Iterator[str]:
    head = ("token", "balance", "price", "value in USD", "weight", "target")
    rows = [
        (
            each.token,
            "no answer" if each.units is None else _shown(each.units, each.decimals),
            "" if each.price_e8 is None else format_units(each.price_e8, 8),
            "" if each.usd_e8 is None else _usd(each.usd_e8),
            format_bps(each.share.bps) if each.share else "",
            _target(each.share) or (click.style(each.why, fg="red") if each.why else ""),
        )
        for each in standing.holdings
    ]
    total = ("together", "", "", "unknown" if standing.nav_e8 is None else _usd(standing.nav_e8), "", "")
    yield from _aligned([head, *rows, total])


def _target(share: Share | None) -> str:
    if share is None:
        return ""
    wanted = f"{format_bps(share.target_bps)} ± {format_bps(share.band_bps)}"
    return wanted if share.inside else f"{wanted}  {click.style('outside', fg='red')}"


def _runway_line(standing: Standing) -> str:
    if standing.runway_months is None:
        return f"runway: unknown; the mandate keeps {standing.runway_wanted} months"
    line = f"runway: {standing.runway_months} months of payroll; the mandate keeps {standing.runway_wanted}"
    return line if standing.runway_months >= standing.runway_wanted else click.style(line, fg="red")


def _waiting_lines(standing: Standing) -> Iterator[str]:
    yield "" if standing.waiting or standing.foreign else "nothing waits for guardians"
    for each in standing.waiting:
        yield f"{each.unit} waits at nonce {each.nonce}: {len(each.signed)} of {each.needed} have signed"
        yield f"  {each.safe_tx_hash}"
        yield from (f"  signed  {owner}" for owner in each.signed)
        yield from (f"  not yet {owner}" for owner in each.unsigned)
    if standing.foreign:
        yield f"in the queue besides: {standing.foreign}; `strongroom guardian list` shows them"


def _lane_lines(standing: Standing) -> Iterator[str]:
    if standing.kernel:
        yield f"Kernel {standing.kernel}"
    if standing.rooms:
        head = ("  bucket", "now", "at once", "in any window", "", "")
        yield from _aligned([head, *(_room_row(room) for room in standing.rooms)])
    if standing.mode != Mode.SHADOW:
        lasts = "" if standing.agent_units is None else f", enough for {standing.agent_units} units at this gas price"
        yield f"the agent's key holds {_shown(standing.agent_wei, _COIN_DECIMALS)} for gas{lasts}"


def _room_row(room: Room) -> tuple[str, ...]:
    amounts = (room.available_units, room.at_once_units, room.cap_units)
    shown = (f"{units:,}" if room.token is None else _shown(units, room.decimals) for units in amounts)
    name = f"  {room.name} {room.token or ''}".rstrip()
    return name, *shown, f"per {format_seconds(room.window_seconds)}", ""


def _shown(units: int, decimals: int) -> str:
    """At most six digits after the point, rounded down: for people; `--json` is exact."""
    dropped = max(decimals - _SHOWN_DIGITS, 0)
    return format_units(units // 10**dropped, decimals - dropped)


def _usd(value_e8: int) -> str:
    return format_units(value_e8 // _CENTS, 2)


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """First and last column to the left, all between to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        middle = [cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1], strict=True)]
        yield "  ".join([row[0].ljust(widths[0]), *middle, row[-1]]).rstrip()
