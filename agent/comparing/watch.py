"""The watch that treasury.toml names against [watch] of policy.toml."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agent.comparing.fields import Comparison, Contract, Field, Reading, code_fields, is_ours, shown
from agent.comparing.installed import Installed
from guardians.blueprint import WatchPlan
from policies.terms import PolicyDocument
from strongroom.errors import BadValue, NotDeployed
from strongroom.model import Address
from strongroom.ports import Read
from strongroom.protocols.kernel import guardian_read
from strongroom.protocols.watch import birth_reads, safe_read, watched_read
from strongroom.quantities import format_bps

_MEND = "`strongroom policy update` plans the watch of this policy"
_HOLDER = "the watch"


def reads(installed: Installed) -> tuple[Read[Any], ...]:
    """All that `compare` asks."""
    if (watch := installed.watch) is None:
        return ()
    return (*birth_reads(watch), safe_read(watch), guardian_read(installed.kernel, watch))


def compare(reading: Reading, installed: Installed) -> Iterator[Comparison]:
    """Every field of the watch; none where the documents have none."""
    plan, watch = installed.watch_plan, installed.watch
    if plan is None and watch is None:
        return
    if plan is None or watch is None:
        yield Comparison(Contract.WATCH, "watch", watch, (_named(watch),))
        return
    fields = tuple(code_fields(reading, Contract.WATCH, watch))
    if is_ours(fields):
        born, counted = _born(reading, watch, plan, installed.document), _counted(reading, watch, plan, installed)
        fields = (*fields, *born, *counted, *_placed(reading, watch, plan, installed.kernel))
    yield Comparison(Contract.WATCH, "watch", watch, fields)


def _named(watch: Address | None) -> Field:
    """One of the two documents speaks of a watch, and the other does not."""
    if watch is None:
        mend = f"name `watch` in treasury.toml; {_MEND}"
        return Field("the watch of [watch]", "named", "nowhere", mend, error=NotDeployed("watch", "nowhere", mend))
    mend = "policy.toml has no [watch]; write it there, or take this out"
    return Field("the watch", "none", watch, mend, error=BadValue(watch, "`watch` in treasury.toml", mend))


def _born(reading: Reading, watch: Address, plan: WatchPlan, document: PolicyDocument) -> Iterator[Field]:
    kernel, _, own_token, drawdown, confirm, expiry = reading.values(birth_reads(watch))
    (safe,) = reading.values([safe_read(watch)])
    ours = plan.birth
    for name, document_side, chain in (
        ("the Kernel", ours.kernel, shown(kernel)),
        ("the Safe that it counts", document.account.safe, shown(safe)),
        ("`own_token` of [watch]", shown(ours.own_token), shown(own_token)),
        (
            "`max_drawdown` of [watch]",
            format_bps(ours.max_drawdown_bps),
            shown(None) if drawdown is None else format_bps(drawdown),
        ),
        ("`confirm_blocks` of [watch]", str(ours.confirm_blocks), shown(confirm)),
        ("`expiry_blocks` of [watch]", str(ours.expiry_blocks), shown(expiry)),
    ):
        yield Field(name, document_side, chain, _MEND, _HOLDER)


def _counted(reading: Reading, watch: Address, plan: WatchPlan, installed: Installed) -> Iterator[Field]:
    """Each token that should count, and each that counts and should not. By which source is that source's own."""
    (watched,) = reading.values([watched_read(watch)])
    found = [each.token for each in watched or ()]
    planned = {terms.token: id_ for id_, terms in plan.terms.items()}
    for token, id_ in planned.items():
        yield _token(id_, "counted", "counted" if token in found else "not counted")
    for token in found:
        if token not in planned:
            listed = installed.document.known_at(token)
            yield _token(listed.id if listed else token, "not counted", "counted")


def _token(named: str, document: str, chain: str) -> Field:
    return Field(f"`{named}` in `tokens` of [watch]", document, chain, _MEND, _HOLDER)


def _placed(reading: Reading, watch: Address, plan: WatchPlan, kernel: Address) -> Iterator[Field]:
    yield Field("the address of the watch", plan.watch.address, watch, _MEND, "treasury.toml")
    (is_guardian,) = reading.values([guardian_read(kernel, watch)])
    yield Field("the watch", "guardian", "guardian" if is_guardian else "no guardian", _MEND)
