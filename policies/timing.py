"""The terms of time and pace, taken together where the policy is checked, written, and told what it cannot enforce."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from policies.freezes import check_freezes, freeze_lines
from policies.hours import hours_lines
from policies.newcomers import check_newcomers, newcomer_lines, since_key
from policies.pacing import check_pacing, pace_keys

if TYPE_CHECKING:
    from policies.terms import Payee, PolicyDocument


def check_timing(document: PolicyDocument, name: str) -> None:
    """Raises `InputError` at the first contradiction."""
    for check in (check_freezes, check_pacing, check_newcomers):
        check(document, name)


def timing_lines(document: PolicyDocument, section: Callable[..., Iterator[str]]) -> Iterator[str]:
    """The tables of time and pace as policy.toml has them; `section` writes one."""
    yield from hours_lines(document.hours, section)
    yield from freeze_lines(document.freezes, section)
    yield from newcomer_lines(document, section)


def payee_keys(payee: Payee) -> dict[str, str | None]:
    """A payee's keys of time and pace as policy.toml has them."""
    return {"since": since_key(payee), **pace_keys(payee.pace)}


def reach_seconds(document: PolicyDocument) -> int:
    """How far back pace and newcomers must know what was paid; zero where neither asks."""
    cooling_off = document.newcomers.cooling_off_seconds if document.newcomers else 0
    return max([cooling_off, *(payee.pace.reach_seconds for payee in document.payees.values())])


def timing_off_chain(document: PolicyDocument) -> Iterator[str]:
    """What the Kernel does not enforce of these terms."""
    if document.hours:
        yield f"business hours: {document.hours.told()} in {document.hours.timezone}"
    if document.freezes:
        yield f"{len(document.freezes)} freeze{'' if len(document.freezes) == 1 else 's'}"
    yield from (f"`apart` and `often` of payee `{each.id}`" for each in document.payees.values() if _is_paced(each))
    if document.newcomers:
        yield "`at_most` of newcomers"


def _is_paced(payee: Payee) -> bool:
    return payee.pace.reach_seconds > 0
