"""What the agent's own key pays: what sending one unit takes, and how many days of the schedule its coin lasts.

Nobody can know what the next unit uses. What the newest ones of the same operation have used is taken for it, and what
the policy lets one use where none was mined yet; whoever reads the days is told which of the two it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from strongroom.errors import GasTooLow
from strongroom.fees import TIP_WEI
from strongroom.model import Address, Digest, Gas
from strongroom.ports import Chain
from strongroom.quantities import format_units
from strongroom.settings import Job

DAYS_A_YEAR = 365
_MOST_YEARS = 5
_NEWEST = 3
"""So many units of an operation are looked at."""
_GWEI_DECIMALS, _COIN_DECIMALS = 9, 18


@dataclass(frozen=True, slots=True)
class Use:
    """An operation of the schedule: its units a year at most, and the gas of one: `measured`, or the policy's most."""

    operation: str
    units_a_year: int
    gas_units: int
    measured: bool


@dataclass(frozen=True, slots=True)
class Endurance:
    """How long the agent's coin lasts. `wei_a_day` is rounded up and `days` down; where nothing is ever sent, there are
    none."""

    held_wei: int
    price_wei: int
    uses: tuple[Use, ...]
    wei_a_day: int
    days: int | None


def require_gas(what: str, agent: Address, held_wei: int, needed_wei: int) -> None:
    """Raises `GasTooLow` where the agent's key holds less than is needed to send `what`."""
    if held_wei < needed_wei:
        amounts = (format_units(wei, _COIN_DECIMALS) for wei in (held_wei, needed_wei, needed_wei - held_wei))
        raise GasTooLow(what, agent, *amounts)


def measured_gas(chain: Chain, sent: Iterable[tuple[str, str]]) -> dict[str, int]:
    """By operation, the most gas that one of its three newest transactions has used. `sent` are unit ids, such as
    `payroll-2026-11`, with their transactions' hashes, oldest first. Raises `NodeError`."""
    newest: dict[str, list[str]] = {}
    for unit_id, tx_hash in sent:
        if tx_hash:
            newest[operation_of(unit_id)] = [*newest.get(operation_of(unit_id), ()), tx_hash][-_NEWEST:]
    found = {each: [chain.transaction(Digest(tx_hash)) for tx_hash in hashes] for each, hashes in newest.items()}
    used = {operation: [mined.gas_used for mined in all_ if mined] for operation, all_ in found.items()}
    return {operation: max(all_) for operation, all_ in used.items() if all_}


def operation_of(unit_id: str) -> str:
    """`payroll` of `payroll-2026-11.2`."""
    return unit_id.partition("-")[0]


def units_a_year(jobs: Iterable[Job], now: int) -> dict[str, int]:
    """By operation, its units in the year after `now` (Unix seconds) at most: one payroll a month however often the job
    runs, one rebalancing a day, whose clips count as one. Observing sends nothing. Jobs of one operation share its
    units."""
    due: dict[str, set[str]] = {}
    for job in jobs:
        if job.operation != "observe":
            due.setdefault(job.operation, set()).update(_periods(job, now))
    return {operation: len(periods) for operation, periods in due.items() if periods}


def _periods(job: Job, now: int) -> set[str]:
    """The days, or for payroll the months, of a year in which the job runs, in its own time zone."""
    from apscheduler.triggers.cron import CronTrigger

    try:
        trigger = CronTrigger.from_crontab(job.cron, timezone=job.timezone)
    except ValueError:
        # It never runs as it is written, which `run` and `doctor` say; a payment by hand is not stopped by it.
        return set()
    named: set[str] = set()
    start = datetime.fromtimestamp(now, UTC)
    end, due = start + timedelta(days=DAYS_A_YEAR), trigger.get_next_fire_time(None, start)
    while due is not None and due < end:
        named.add(f"{due:%Y-%m}" if job.operation == "payroll" else f"{due:%Y-%m-%d}")
        # The rest of its day adds nothing: a job of every minute is not asked half a million times.
        midnight = due.replace(hour=0, minute=0, second=0, microsecond=0, fold=0) + timedelta(days=1)
        due = trigger.get_next_fire_time(None, midnight)
    return named


def endurance(gas: Gas, runs: Mapping[str, int], measured: Mapping[str, int], most_gas_units: int) -> Endurance:
    """How long `gas.agent_balance_wei` lasts at this block's base fee and the executor's tip, if every run sends one
    unit. `runs` are those of `units_a_year`, `measured` those of `measured_gas`."""
    uses = tuple(
        Use(operation, count, measured.get(operation, most_gas_units), operation in measured)
        for operation, count in sorted(runs.items())
    )
    price = gas.base_fee_wei + TIP_WEI
    wei_a_year = sum(use.units_a_year * use.gas_units for use in uses) * price
    days = gas.agent_balance_wei * DAYS_A_YEAR // wei_a_year if wei_a_year else None
    return Endurance(gas.agent_balance_wei, price, uses, -(-wei_a_year // DAYS_A_YEAR), days)


def told(lasting: Endurance, coin: str) -> str:
    """For people, in a few words: what is held, and how long it lasts. Gas is never as cheap for years as today, so
    beyond some years they are not counted."""
    held = f"{_shown(lasting.held_wei)} {coin}".rstrip()
    if lasting.days is None:
        return f"{held} for gas; the schedule sends nothing"
    if lasting.days > _MOST_YEARS * DAYS_A_YEAR:
        return f"{held} for gas, over {_MOST_YEARS} years of the schedule"
    return f"{held} for gas, {lasting.days:,} day{'' if lasting.days == 1 else 's'} of the schedule"


def told_in_full(lasting: Endurance, coin: str) -> str:
    """`told`, and what it assumes."""
    if lasting.days is None:
        return told(lasting, coin)
    each = "; ".join(map(_assumed, lasting.uses))
    price = format_units(lasting.price_wei // 10 ** (_GWEI_DECIMALS - 3), 3)
    return f"{told(lasting, coin)} at {price} gwei, taking {each}"


def _assumed(use: Use) -> str:
    known = "as last measured" if use.measured else "the policy's most, none was measured yet"
    times = f"{use.units_a_year} time{'' if use.units_a_year == 1 else 's'} a year"
    return f"{use.operation} {times} with {use.gas_units:,} gas each ({known})"


def _shown(wei: int) -> str:
    """To a millionth of the coin, rounded down."""
    return format_units(wei // 10 ** (_COIN_DECIMALS - 6), 6)
