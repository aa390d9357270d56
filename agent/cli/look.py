"""`strongroom status | plans | show`: where everything stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli import say
from agent.cli.reach import config_option, json_option, reach
from strongroom.model import Account, Address, Block, Bucket, Facts, Queued, TokenId
from strongroom.quantities import format_bps, format_seconds, format_units
from strongroom.settings import Mode
from strongroom.valuation import BPS, Price, Problem, value_e8_down

if TYPE_CHECKING:
    from agent.app import Documents
    from policies.terms import PolicyDocument

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
    from strongroom.plain import to_plain

    documents = open_documents(config)
    with reach(config) as desk:
        standing = read_standing(desk.status(), documents)
    say("\n".join(_standing_lines(standing)), to_plain(standing), as_json)


@dataclass(frozen=True, slots=True)
class Share:
    """Of the weighted tokens' value together, in basis points: as it is (rounded down), as wanted, and the band."""

    bps: int
    target_bps: int
    band_bps: int
    inside: bool


@dataclass(frozen=True, slots=True)
class Holding:
    """One listed token; `units` is missing where the chain did not answer. Low price and value in USD scaled by 1e8 are
    missing without a healthy price, and `why` says so."""

    token: TokenId
    units: int | None
    decimals: int
    price_e8: int | None
    usd_e8: int | None
    why: str
    share: Share | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A unit that guardians must sign, and who of the owners has; `needed` signatures in all."""

    unit: str
    nonce: int | None
    safe_tx_hash: str
    needed: int
    signed: tuple[Address, ...]
    unsigned: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Room:
    """A bucket of the Kernel: what the agent may move alone at this block, at one moment, and within any window.
    The agent's calls have no token."""

    name: str
    token: TokenId | None
    decimals: int
    available_units: int
    at_once_units: int
    cap_units: int
    window_seconds: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What a treasurer wants to know, at one pinned block. `nav_e8` is missing while a balance is; runway in whole
    months while there is payroll and its balances are known. `foreign` counts what others have queued."""

    name: str
    mode: str
    account: Account
    block: Block
    holdings: tuple[Holding, ...]
    nav_e8: int | None
    runway_months: int | None
    runway_wanted: int
    waiting: tuple[Waiting, ...]
    foreign: int
    kernel: str
    rooms: tuple[Room, ...]
    agent_wei: int
    agent_units: int | None
    warnings: tuple[str, ...]


def read_standing(answer: Mapping[str, Any], documents: Documents) -> Standing:
    """The desk's plain `status` with the documents that give it meaning."""
    from policies.pricing import prices
    from strongroom.plain import from_plain

    facts, policy = from_plain(Facts, answer["facts"]), documents.policy
    found = prices(facts, policy)
    waiting = tuple(_waiting(unit, facts) for unit in answer["waiting"])
    return Standing(
        name=documents.treasury.name,
        mode=answer["mode"],
        account=facts.account,
        block=facts.block,
        holdings=tuple(_holdings(facts, documents, found)),
        nav_e8=_nav(facts, policy),
        runway_months=_runway(facts, documents),
        runway_wanted=documents.mandate.runway_months,
        waiting=waiting,
        foreign=len({queued.safe_tx_hash for queued in facts.queue} - {each.safe_tx_hash for each in waiting}),
        kernel=_kernel(facts, documents),
        rooms=tuple(_rooms(facts, policy)),
        agent_wei=facts.gas.agent_balance_wei,
        agent_units=_sendable(facts, policy),
        warnings=tuple(_warnings(answer, policy)),
    )


def _holdings(facts: Facts, documents: Documents, prices: Mapping[TokenId, Price | Problem]) -> Iterator[Holding]:
    shares = _shares(facts, documents, prices)
    for id_, listed in documents.policy.tokens.items():
        held, price, decimals = facts.balances.get(id_), prices[id_], listed.token.decimals
        low = price.low_e8 if isinstance(price, Price) else None
        why = price.reason if isinstance(price, Problem) and documents.policy.feeds_of(id_) else ""
        value = None if held is None or low is None else value_e8_down(held, decimals, low)
        yield Holding(id_, held, decimals, low, value, why, shares.get(id_))


def _shares(facts: Facts, documents: Documents, prices: Mapping[TokenId, Price | Problem]) -> Mapping[TokenId, Share]:
    """As the planner weighs: at the middle of each price range. None at all while a weighted token has no value."""
    values: dict[TokenId, int] = {}
    for token in documents.mandate.weights:
        held, price = facts.balances.get(token), prices[token]
        if held is None or isinstance(price, Problem):
            return {}
        decimals = documents.policy.tokens[token].token.decimals
        values[token] = value_e8_down(held, decimals, price.low_e8 + price.high_e8) // 2
    total = sum(values.values())
    weights = documents.mandate.weights if total else {}
    return {
        token: Share(
            values[token] * BPS // total,
            weight.target_bps,
            weight.band_bps,
            abs(values[token] * BPS - total * weight.target_bps) <= total * weight.band_bps,
        )
        for token, weight in weights.items()
    }


def _nav(facts: Facts, policy: PolicyDocument) -> int | None:
    from policies.pricing import nav

    return nav(facts, policy).usd_e8 if set(policy.tokens) <= set(facts.balances) else None


def _runway(facts: Facts, documents: Documents) -> int | None:
    from strongroom.mandate import monthly_need, runway_months

    need = monthly_need(documents.mandate)
    known = need and set(need) <= set(facts.balances)
    return runway_months(documents.mandate, facts.balances) if known else None


def _waiting(unit: Mapping[str, Any], facts: Facts) -> Waiting:
    owners = facts.safe.owners
    signed = _signers(next((q for q in facts.queue if q.safe_tx_hash == unit["proposal"]), None))
    return Waiting(
        unit=unit["id"],
        nonce=unit["nonce"],
        safe_tx_hash=unit["proposal"],
        needed=max(facts.safe.threshold, unit["approvals_needed"]),
        signed=tuple(owner for owner in owners if owner in signed),
        unsigned=tuple(owner for owner in owners if owner not in signed),
    )


def _signers(queued: Queued | None) -> set[Address]:
    return {approval.guardian for approval in queued.approvals} if queued else set()


def _kernel(facts: Facts, documents: Documents) -> str:
    named, state = documents.treasury.kernel, facts.kernel
    if named is None:
        return ""
    if state is None:
        return f"{named} does not answer as a Kernel"
    state_of = "paused, and only the owners can re-key it" if state.paused else "live"
    return f"{named} is {state_of}, epoch {state.epoch}" + ("" if state.enabled else ", NOT enabled in the Safe")


def _rooms(facts: Facts, policy: PolicyDocument) -> Iterator[Room]:
    from policies.grants import available_units
    from strongroom.protocols.kernel import ACTION_UNITS, ACTIONS, bucket_key, class_number

    if facts.kernel is None:
        return

    buckets, at = facts.kernel.buckets, facts.block.timestamp
    for cap in policy.all_caps():
        token = policy.tokens[cap.token].token
        bucket = buckets.get(bucket_key(token.address, class_number(cap.bucket_class)), _CLOSED)
        now, most = available_units(bucket, at), bucket.capacity
        yield Room(cap.bucket_class, token.id, token.decimals, now, most, cap.cap_units, cap.window_seconds)
    bucket, limit = buckets.get(bucket_key(ACTIONS, 0), _CLOSED), policy.actions
    now, most = available_units(bucket, at) // ACTION_UNITS, bucket.capacity // ACTION_UNITS
    yield Room("calls", None, 0, now, most, limit.count, limit.window_seconds)


def _sendable(facts: Facts, policy: PolicyDocument) -> int | None:
    """How many units of the policy's largest gas the agent's coin pays for at this block's price."""
    most = policy.gas.max_gas_units * facts.gas.base_fee_wei
    return facts.gas.agent_balance_wei // most if most else None


def _warnings(answer: Mapping[str, Any], policy: PolicyDocument) -> Iterator[str]:
    from policies.document import document_hash

    if answer["policy"] != document_hash(policy):
        yield "policy.toml has changed since the treasurer started: it still judges by the old one; restart it"


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
