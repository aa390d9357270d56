"""The tables of policy.toml that stand there once: prices, swaps, actions, the Kernel's terms, gas."""

from __future__ import annotations

from policies.terms import ActionLimit, GasBudget, KernelTerms, LossLimit
from policies.usd import parse_usd_e8
from strongroom.addresses import parse_address
from strongroom.documents import Table
from strongroom.errors import BadAddress, BadValue
from strongroom.model import Address
from strongroom.quantities import parse_bps, parse_seconds, parse_units
from strongroom.valuation import Bounds

_GWEI_DECIMALS = 9
_MOST_DIGITS = 9


def bounds(row: Table) -> Bounds:
    with row:
        return Bounds(
            max_age_seconds=seconds(row, "max_age"),
            max_deviation_bps=parse_bps(row.text("max_deviation"), row.path("max_deviation")),
            min_sources=row.integer("sources"),
        )


def swaps(row: Table) -> tuple[int, LossLimit | None]:
    """What one swap may lose in basis points, and what all of them may lose without guardians."""
    with row:
        max_loss = parse_bps(row.text("max_loss"), row.path("max_loss"))
        if not row.has("loss_cap"):
            return max_loss, None
        amount, _, time = row.text("loss_cap").partition(" per ")
        if not time:
            raise BadValue(row.text("loss_cap"), row.path("loss_cap"), "write for example `2_000 USD per 30 days`")
        where = row.path("loss_at_once")
        cap_e8, at_once_e8 = parse_usd_e8(amount, row.path("loss_cap")), parse_usd_e8(row.text("loss_at_once"), where)
        return max_loss, LossLimit(cap_e8, window(time, row.path("loss_cap")), at_once_e8)


def gas(row: Table) -> GasBudget:
    with row:
        price, _, unit = row.text("max_price").strip().partition(" ")
        if unit.strip() != "gwei":
            raise BadValue(row.text("max_price"), row.path("max_price"), "write for example `150 gwei`")
        return GasBudget(row.integer("max_units"), parse_units(price, _GWEI_DECIMALS, row.path("max_price")))


def actions(row: Table) -> ActionLimit:
    with row:
        count, _, time = row.text("cap").partition(" per ")
        if not count.isdecimal() or len(count) > _MOST_DIGITS or not time:
            raise BadValue(row.text("cap"), row.path("cap"), "write for example `48 per day`")
        return ActionLimit(int(count), window(time, row.path("cap")), row.integer("at_once"))


def kernel(row: Table) -> KernelTerms:
    with row:
        return KernelTerms(
            config_delay_seconds=seconds(row, "config_delay"),
            rekey_delay_seconds=seconds(row, "rekey_delay"),
            window_seconds=seconds(row, "window"),
            pause_only=addresses(row, "pause_only"),
        )


def seconds(row: Table, key: str) -> int:
    return parse_seconds(row.text(key), row.path(key))


def window(text: str, where: str) -> int:
    """`30 days`, or `day` for one, in seconds."""
    return parse_seconds(text if text.strip()[:1].isdigit() else f"1 {text.strip()}", where)


def addresses(row: Table, key: str, *default: tuple[str, ...]) -> tuple[Address, ...]:
    """A list of addresses; a wrong one is refused with its key."""
    return tuple(_address(text, row.path(key)) for text in row.texts(key, *default))


def _address(text: str, where: str) -> Address:
    try:
        return parse_address(text)
    except BadAddress as error:
        raise BadAddress(error.value, error.is_address, where) from error
