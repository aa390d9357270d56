"""Tiers of approval as a policy writes them: `2 guardians of carol, dave above 50_000 USDC per day after 2 days`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from policies.frame import addresses, window
from policies.terms import SWAPS, Cap, Guardians, Tier
from strongroom.documents import Table
from strongroom.errors import BadValue
from strongroom.model import Address
from strongroom.quantities import format_seconds, parse_seconds

if TYPE_CHECKING:
    from policies.terms import PolicyDocument

_NAME = r"[A-Za-z][A-Za-z0-9_-]{0,31}"
_TIER = re.compile(
    rf"(?P<count>\d{{1,4}}) guardians?(?: of (?P<named>{_NAME}(?:, *{_NAME})*))?"
    r" above (?P<amount>.+?) per (?P<window>.+?)(?: after (?P<delay>.+))?"
)
LONGEST_DELAY_SECONDS = 30 * 86_400


def tier(text: str, token: str, units: Callable[[str], int], where: str) -> Tier:
    """A line of `ask`; `units` reads its amount. Raises `InputError`."""
    found = _TIER.fullmatch(text.strip())
    if not found:
        mend = f"write for example `2 guardians above 10_000 {token} per day`"
        raise BadValue(text, where, f"{mend}; `2 guardians of carol, dave above …`, and `… per day after 2 days`")
    return Tier(
        approvals=int(found["count"]),
        above_units=units(found["amount"]),
        window_seconds=window(found["window"], where),
        named=tuple(re.split(", *", found["named"])) if found["named"] else (),
        delay_seconds=parse_seconds(found["delay"], where) if found["delay"] else 0,
    )


def guardians(row: Table) -> Guardians:
    """[guardians]: `members` as a list of addresses, or as a table of them by name."""
    with row:
        if not row.is_table("members"):
            return Guardians(addresses(row, "members"), row.integer("approvals"))
        names = _names(row.table("members"))
        return Guardians(tuple(names.values()), row.integer("approvals"), names)


def _names(row: Table) -> Mapping[str, Address]:
    for name in row.keys():  # noqa: SIM118 - a Table is no mapping
        if not re.fullmatch(_NAME, name):
            mend = "a name starts with a letter and holds letters, digits, `-` and `_`, at most 32"
            raise BadValue(name, row.where, mend)
    with row:
        return {name: row.address(name) for name in row.keys()}  # noqa: SIM118 - a Table is no mapping


def check_tiers(document: PolicyDocument, name: str) -> None:
    """Raises `BadValue` for guardians whom nobody named, more of them than there are, and delays that do not work."""
    for cap in document.all_caps():
        for each in cap.tiers:
            where = f"`ask` in [caps.{cap.bucket_class}.{cap.token}] of {name}"
            _named(each, document.guardians, where)
            _delayed(each, cap, where)


def _named(each: Tier, guardians: Guardians, where: str) -> None:
    for name in each.named:
        if name not in guardians.names:
            known = ", ".join(f"`{one}`" for one in guardians.names)
            mend = (
                f"name one of {known}" if known else 'name the guardians first: [guardians.members] and `carol = "0x…"`'
            )
            raise BadValue(name, where, mend)
    if len(set(each.named)) != len(each.named):
        raise BadValue(", ".join(each.named), where, "name each guardian once")
    if each.named and each.approvals > len(each.named):
        raise BadValue(each.approvals, where, f"{len(each.named)} are named; name more, or ask fewer")


def _delayed(each: Tier, cap: Cap, where: str) -> None:
    if not each.delay_seconds:
        return
    if cap.bucket_class == SWAPS:
        raise BadValue(
            format_seconds(each.delay_seconds), where, "the price of a swap does not wait; leave `after` out"
        )
    if each.delay_seconds > LONGEST_DELAY_SECONDS:
        mend = f"write at most {format_seconds(LONGEST_DELAY_SECONDS)}"
        raise BadValue(format_seconds(each.delay_seconds), where, mend)


def who_signs(each: Tier) -> str:
    """`2 guardians`, or `2 guardians of carol, dave`."""
    of = f" of {', '.join(each.named)}" if each.named else ""
    return f"{each.approvals} guardian{'' if each.approvals == 1 else 's'}{of}"


def after(each: Tier) -> str:
    """` after 2 days`, or nothing."""
    return f" after {format_seconds(each.delay_seconds)}" if each.delay_seconds else ""


def members_lines(guardians: Guardians) -> Iterator[str]:
    """[guardians.members], where they have names."""
    if guardians.names:
        yield "[guardians.members]"
        yield from (f'{name} = "{address}"' for name, address in guardians.names.items())
        yield ""


def tiers_off_chain(document: PolicyDocument) -> tuple[str, ...]:
    """What of the tiers not even the Safe enforces once its threshold has signed, in words."""
    every = [each for cap in document.all_caps() for each in cap.tiers]
    named, delayed = any(each.named for each in every), any(each.delay_seconds for each in every)
    return ("which guardians a tier names",) * named + ("how long a tier waits after the proposal",) * delayed
