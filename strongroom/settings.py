"""treasury.toml, mandate.toml and schedule.toml as frozen values; policy.toml belongs to `policies.document`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from strongroom.documents import Table, parse
from strongroom.errors import BadValue
from strongroom.model import Account, Address, Amount, Idle, TokenId
from strongroom.model_settings import LanguageModel, language_model
from strongroom.pacing_settings import Pacing, pacing
from strongroom.quantities import parse_amount, parse_bps, parse_seconds


class Mode(StrEnum):
    """What the treasurer may do; each is a subset of the next."""

    SHADOW = "shadow"
    PROPOSE = "propose"
    GUARDED = "guarded"


class Missed(StrEnum):
    """What becomes of a run that was due while nothing was running."""

    ONCE = "once"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Treasury:
    """Where the treasury is and how it is reached. Paths are absolute; the Kernel is needed in guarded mode only, the
    registry where the ledger is anchored, the watch where a drawdown is to stop the agent. `folder` is where its
    documents lie: no part of what they say."""

    name: str
    account: Account
    rpc: str
    service: str
    state_dir: Path
    mode: Mode
    operators: tuple[str, ...]
    kernel: Address | None = None
    registry: Address | None = None
    watch: Address | None = None
    model: LanguageModel | None = None
    folder: Path = field(default=Path(), compare=False)


@dataclass(frozen=True, slots=True)
class Payment:
    payee: str
    amount: Amount


@dataclass(frozen=True, slots=True)
class Weight:
    """Target share of the treasury's value and how far it may drift, both in basis points of the whole."""

    target_bps: int
    band_bps: int


@dataclass(frozen=True, slots=True)
class Mandate:
    """What the DAO wants: who is paid each month, the runway to keep, the target weights, and what becomes of idle
    tokens. `pacing` says when a rebalancing may be sold in clips."""

    payroll: tuple[Payment, ...]
    runway_months: int
    weights: Mapping[TokenId, Weight]
    idle: Mapping[TokenId, Idle] = field(default_factory=dict)
    pacing: Pacing = field(default_factory=Pacing)


@dataclass(frozen=True, slots=True)
class Job:
    """A scheduled operation. `cron` has five fields in `timezone`; a missed run counts while younger than `within`."""

    id: str
    operation: str
    cron: str
    timezone: str
    missed: Missed
    within_seconds: int


OPERATIONS = ("payroll", "rebalance", "lend", "observe")


def load_treasury(text: str, folder: Path, name: str = "treasury.toml") -> Treasury:
    """Relative state folders count from `folder`, where the document lies. Raises `InputError` naming key and mend."""
    with parse(text, name) as table, table.table("account") as account, table.table("operators") as operators:
        state = Path(table.text("state_dir")).expanduser()
        mode = Mode(table.choice("mode", tuple(Mode)))
        kernel = account.address("kernel") if account.has("kernel") else None
        if mode is Mode.GUARDED and kernel is None:
            raise BadValue(mode, table.path("mode"), "name `kernel` in [account]; `strongroom policy deploy` says how")
        return Treasury(
            name=table.text("name"),
            account=Account(account.integer("chain_id"), account.address("safe")),
            rpc=_url(table, "rpc"),
            service=_url(table, "service"),
            state_dir=state if state.is_absolute() else (folder / state).resolve(),
            mode=mode,
            operators=operators.texts("names", ()),
            kernel=kernel,
            registry=account.address("registry") if account.has("registry") else None,
            watch=account.address("watch") if account.has("watch") else None,
            model=language_model(table.table("model")) if table.has("model") else None,
            folder=folder.resolve(),
        )


def _url(table: Table, key: str) -> str:
    url = table.text(key)
    if not url.startswith(("http://", "https://")):
        raise BadValue(url, table.path(key), "write a full address such as `http://127.0.0.1:8545`")
    return url.rstrip("/")


def load_mandate(text: str, decimals: Mapping[TokenId, int], name: str = "mandate.toml") -> Mandate:
    """`decimals` are those of the policy's listed tokens. Raises `InputError` naming key and mend."""
    with parse(text, name) as table, table.table("runway") as runway:
        payroll = tuple(_payment(row, decimals) for row in table.rows("payroll"))
        weights = {
            _listed(id_, decimals, "weights", name): _weight(own) for id_, own in table.tables("weights").items()
        }
        if weights and sum(weight.target_bps for weight in weights.values()) != 10_000:
            raise BadValue(" + ".join(weights), f"`weights` in {name}", "the targets must add up to `100 %`")
        idle = {
            _listed(id_, decimals, "idle", name): _idle(id_, own, decimals) for id_, own in table.tables("idle").items()
        }
        return Mandate(payroll, runway.integer("months"), weights, idle, pacing(table.table("rebalance")))


def _payment(row: Table, decimals: Mapping[TokenId, int]) -> Payment:
    with row:
        return Payment(row.text("payee"), parse_amount(row.text("amount"), decimals, row.path("amount")))


def _weight(row: Table) -> Weight:
    with row:
        return Weight(parse_bps(row.text("target"), row.path("target")), parse_bps(row.text("band"), row.path("band")))


def _idle(id_: str, row: Table, decimals: Mapping[TokenId, int]) -> Idle:
    with row:
        own = {TokenId(id_): decimals[TokenId(id_)]}
        keep, step = (parse_amount(row.text(key), own, row.path(key)).units for key in ("keep", "step"))
        if not step:
            raise BadValue(row.text("step"), row.path("step"), "write the smallest difference that is worth a move")
        return Idle(keep, row.text("venue"), step)


def _listed(token: str, decimals: Mapping[TokenId, int], key: str, name: str) -> TokenId:
    if token not in decimals:
        raise BadValue(token, f"`{key}` in {name}", "list the token in policy.toml first")
    return TokenId(token)


def load_schedule(text: str, name: str = "schedule.toml") -> tuple[Job, ...]:
    """The jobs in the document's order. Raises `InputError` naming key and mend."""
    with parse(text, name) as table:
        return tuple(_job(job_id, row) for job_id, row in table.tables("jobs").items())


def _job(job_id: str, row: Table) -> Job:
    with row:
        return Job(
            id=job_id,
            operation=row.choice("operation", OPERATIONS),
            cron=_cron(row),
            timezone=_timezone(row),
            missed=Missed(row.choice("missed", tuple(Missed))),
            within_seconds=parse_seconds(row.text("within"), row.path("within")),
        )


def _cron(row: Table) -> str:
    cron = row.text("cron")
    if len(cron.split()) != 5:
        raise BadValue(cron, row.path("cron"), "write five fields: minute hour day month weekday")
    return cron


def _timezone(row: Table) -> str:
    zone = row.text("timezone")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BadValue(zone, row.path("timezone"), "write a zone such as `Europe/Berlin` or `UTC`") from error
    return zone
