"""`strongroom status | plans | show`: where everything stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli import say
from agent.cli.reach import config_option, json_option, records, running_desk
from agent.cli.units import aligned, moved, unit_lines
from strongroom.quantities import format_bps, format_moment, format_seconds, format_units

if TYPE_CHECKING:
    from agent.app import Documents
    from agent.queued import Other
    from agent.standing import Holding, Room, Seen, Share, Standing
    from agent.unlisted import Unlisted
    from policies.terms import PolicyDocument
    from strongroom.chain.transport import Transport
    from strongroom.model import Address, TokenId
    from strongroom.ports import Chain

_SHOWN_DIGITS, _SHOWN_NUMBERS = 6, 5
_NODE_SECONDS = 10.0
_CENTS = 10**6
"""Units of 1e-8 USD in a cent."""


@click.command()
@config_option
@json_option
def plans(config: Path, as_json: bool) -> None:
    """Every unit, oldest first. Reads the state folder alone: no node, no key, and nobody is disturbed.

    \b
    Example:
      strongroom plans --json
    """
    units, policy = records(config).plans(), _policy(config)
    decimals = {str(token): listed.token.decimals for token, listed in policy.tokens.items()} if policy else {}
    rows = [(u["id"], u["status"], u["lane"], moved(u, decimals), u["tx_hash"] or u["why"]) for u in units]
    say("\n".join(aligned(rows)) or "nothing was planned yet", units, as_json)


@click.command()
@click.argument("unit_id", metavar="ID")
@config_option
@json_option
def show(unit_id: str, config: Path, as_json: bool) -> None:
    """One unit: who gets what, where it stands, every finding. Reads the state folder alone.

    \b
    Example:
      strongroom show payroll-2026-11
    """
    unit = records(config).show(unit_id)
    say("\n".join(unit_lines(unit)), unit, as_json)


def _policy(config: Path) -> PolicyDocument | None:
    """What amounts are written with. What was planned is listed all the same when the document does not load."""
    from policies.document import load
    from strongroom.documents import read
    from strongroom.errors import InputError

    try:
        return load(read(config / "policy.toml"))
    except InputError:
        return None


@click.command()
@config_option
@json_option
def status(config: Path, as_json: bool) -> None:
    """The treasury at the newest block: holdings, weights, runway, what waits for whom, the Kernel's room, gas in days.

    Unlisted tokens that arrived within 90 days are listed below, escaped and not valued: what they call themselves
    proves nothing.

    Values count at the lower of the prices. `--json` has amounts in the token's smallest unit and USD scaled by 1e8.

    \b
    Examples:
      strongroom status
      strongroom status --config ~/.strongroom/world --json
    """
    from agent.app import onlooker, open_documents
    from agent.desk import look
    from agent.standing import read_standing
    from strongroom.plain import to_plain

    documents, running = open_documents(config), running_desk(config)
    answer = running.status() if running else look(documents, onlooker(documents))
    standing = read_standing(answer, documents, _seen(documents, config))
    say("\n".join(_standing_lines(standing)), to_plain(standing), as_json)


def _seen(documents: Documents, config: Path) -> Seen:
    """Read on connections of its own, beside whoever runs."""
    from contextlib import closing

    from agent.app import connected
    from agent.gas import measured_gas
    from agent.standing import Seen
    from agent.unlisted import read_arrivals
    from policies.positions import tokens_of
    from strongroom.chain.transport import Transport
    from strongroom.errors import NodeError

    treasury = documents.treasury
    listed = frozenset(each.address for each in tokens_of(documents.policy).values())
    sent = [(unit["id"], unit["tx_hash"]) for unit in records(config).plans()]
    with connected(treasury) as (chain, _), closing(Transport(treasury.rpc, _NODE_SECONDS)) as node:
        used, told = measured_gas(chain, sent), _announced(chain, node, documents)
        try:
            return Seen(read_arrivals(chain, node, treasury.account, listed, chain.head()), "", used, told)
        except NodeError as error:
            # Some nodes serve logs of given contracts only: everything else of the standing is worth showing.
            return Seen(None, str(error), used, told)


def _announced(chain: Chain, node: Transport, documents: Documents) -> tuple[str, ...]:
    """Announced changes of who commands the Safe and of its Kernel, which a treasurer must not miss."""
    from guardians.announced_wording import loud_lines
    from guardians.changes import read_announced
    from strongroom.observe import safe_state

    treasury, block = documents.treasury, chain.head()
    guard = safe_state(chain, treasury.account.safe, block).guard
    found = read_announced(chain, node, treasury.account.safe, guard, treasury.kernel, block)
    return tuple(loud_lines(found, block.timestamp, documents.policy))


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
    yield from _arrival_lines(standing)


def _holding_lines(standing: Standing) -> Iterator[str]:
    head = ("token", "balance", "of it lent", "price", "value in USD", "weight", "target")
    rows = [
        (
            each.token,
            "no answer" if each.units is None else _shown(each.units, each.decimals),
            _shown(each.lent_units, each.decimals) if each.lent_units else "",
            "" if each.price_e8 is None else format_units(each.price_e8, 8),
            "" if each.usd_e8 is None else _usd(each.usd_e8),
            format_bps(each.share.bps) if each.share else "",
            _target(each.share) or _why(each),
        )
        for each in standing.holdings
    ]
    yield from aligned([head, *rows, *_total_rows(standing)], right=(1, 2, 3, 4, 5))


def _total_rows(standing: Standing) -> Iterator[tuple[str, ...]]:
    whole, rest = standing.nav_e8, standing.nav_without_own_e8
    yield "together", "", "", "", "unknown" if whole is None else _usd(whole), "", ""
    if standing.own_token and rest is not None:
        yield f"without {standing.own_token}", "", "", "", _usd(rest), "", "the DAO's own token"


def _why(holding: Holding) -> str:
    return click.style(holding.why, fg="red") if holding.why and holding.priced else holding.why


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
    yield "" if standing.waiting or standing.others else "nothing waits for guardians"
    for each in standing.waiting:
        still = f"; {each.missing} must sign still" if each.missing else ""
        until = f"; not before {format_moment(each.ripe_at)}" if each.ripe_at else ""
        yield f"{each.unit} waits at nonce {each.nonce}: {len(each.signed)} of {each.needed} have signed{still}{until}"
        yield f"  {each.safe_tx_hash}"
        yield from (f"  signed  {owner}" for owner in each.signed)
        yield from (f"  not yet {owner}" for owner in each.unsigned)
    for other in standing.others:
        yield from _other_lines(other, {each.token: each.decimals for each in standing.holdings})


def _other_lines(other: Other, decimals: Mapping[TokenId, int]) -> Iterator[str]:
    yield f"queued by others at nonce {other.nonce}: {other.signed} of {other.needed} have signed"
    yield f"  {other.safe_tx_hash}, in the name of {other.proposer}"
    if other.fault:
        yield click.style(f"  {other.fault}", fg="red")
        return
    yield from (f"  {line}" for line in other.does)
    spent = ", ".join(f"{format_units(each.units, decimals[each.token])} {each.token}" for each in other.spends)
    rest = "" if other.understood else "; what is not understood counts nothing until it has executed"
    yield f"  in flight against the caps: {spent or 'nothing'}{rest}"


def _lane_lines(standing: Standing) -> Iterator[str]:
    if standing.kernel:
        yield f"Kernel {standing.kernel}"
    if standing.watch:
        yield f"watch  {standing.watch}"
    if standing.rooms:
        head = ("  bucket", "now", "at once", "in any window", "", "")
        yield from aligned([head, *(_room_row(room) for room in standing.rooms)], right=(1, 2, 3, 4))
    yield from _order_lines(standing)
    if standing.gas:
        from agent.gas import told

        yield f"the agent's key holds {told(standing.gas, standing.coin)}"


def _order_lines(standing: Standing) -> Iterator[str]:
    from agent.order_dates import order_row

    if standing.orders:
        yield "standing orders, by the Kernel's count"
        yield from aligned(order_row(each, standing.block.timestamp) for each in standing.orders)


def _arrival_lines(standing: Standing) -> Iterator[str]:
    arrived = standing.arrivals
    if arrived is None:
        yield f"unlisted tokens: {standing.no_arrivals}"
        return
    day = f"{datetime.fromtimestamp(arrived.since, UTC):%Y-%m-%d}"
    cut = "" if arrived.complete else "; the node shows no logs further back"
    since = f"that arrived since {day} (block {arrived.since_block}{cut})"
    if not arrived.holdings:
        yield f"no unlisted tokens {since}"
        return
    yield ""
    yield f"unlisted, {since}; never valued, never touched, under the names they give themselves"
    names = {each.address: each.token for each in standing.holdings}
    yield from aligned([_unlisted_row(each, names) for each in arrived.holdings], right=(1,))
    if arrived.left_out:
        yield f"  and of {arrived.left_out} more contracts"


def _unlisted_row(held: Unlisted, names: Mapping[Address, TokenId]) -> tuple[str, ...]:
    scale = 10 ** max((held.decimals or 0) - _SHOWN_DIGITS, 0)
    whole = held.decimals is not None and held.units >= scale
    units = _shown(held.units, held.decimals or 0) if whole else f"{held.units:,} units"
    made_of = f"of {' and '.join(names.get(each, each) for each in held.of)}" if held.of else ""
    numbers = ", ".join(f"#{number}" for number in held.numbers[:_SHOWN_NUMBERS])
    more = f" and {len(held.numbers) - _SHOWN_NUMBERS} more" if len(held.numbers) > _SHOWN_NUMBERS else ""
    return f"  {held.kind}", units, held.symbol or "without a name", held.address, f"{numbers}{more} {made_of}".strip()


def _room_row(room: Room) -> tuple[str, ...]:
    amounts = (room.available_units, room.at_once_units, room.cap_units)
    shown = (_shown(units, room.decimals) if room.decimals else f"{units:,}" for units in amounts)
    return f"  {room.said}", *shown, f"per {format_seconds(room.window_seconds)}", ""


def _shown(units: int, decimals: int) -> str:
    """At most six digits after the point, rounded down: for people; `--json` is exact."""
    dropped = max(decimals - _SHOWN_DIGITS, 0)
    return format_units(units // 10**dropped, decimals - dropped)


def _usd(value_e8: int) -> str:
    return format_units(value_e8 // _CENTS, 2)
