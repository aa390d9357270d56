"""The registry that treasury.toml names, and the Kernel's log in it against how `policy deploy` opens one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agent.comparing.fields import Comparison, Contract, Field, Reading, Weight, code_fields, is_ours
from agent.comparing.installed import Installed
from strongroom.model import Address
from strongroom.ports import Read
from strongroom.protocols.registry import MOST_ACTIONS, MOST_SECONDS, encode_set_anchorer, log_read
from strongroom.quantities import format_seconds

_HOLDER = "the registry"
_OPEN = "its Safe opens the log once, as `strongroom policy deploy` plans it"
_FOR_GOOD = "a log is opened once: only another Kernel gets another"


def reads(installed: Installed) -> tuple[Read[Any], ...]:
    """All that `compare` asks."""
    return (log_read(installed.registry, installed.kernel),) if installed.registry else ()


def compare(reading: Reading, installed: Installed) -> Iterator[Comparison]:
    """Every field of the log; none where no registry is named."""
    if (registry := installed.registry) is None:
        return
    fields = tuple(code_fields(reading, Contract.REGISTRY, registry))
    if is_ours(fields):
        fields = (*fields, *_log(reading, installed, registry))
    yield Comparison(Contract.REGISTRY, "audit log", registry, fields)


def _log(reading: Reading, installed: Installed, registry: Address) -> Iterator[Field]:
    """The log binds no agent yet: a difference in it fails the doctor, and stops nothing."""
    (log,) = reading.values([log_read(registry, installed.kernel)])
    is_open = log is not None and log.is_open
    yield Field("the Kernel's log", "open", "open" if is_open else "not open", _OPEN, _HOLDER, weight=Weight.FAILS)
    if log is None or not is_open:
        return
    yield _limit("actions without an anchor", str(MOST_ACTIONS), str(log.max_actions))
    yield _limit("time without an anchor", format_seconds(MOST_SECONDS), format_seconds(log.max_seconds))
    if installed.anchorer is not None:
        call = encode_set_anchorer(installed.kernel, installed.anchorer)
        mend = f"the Safe sends the registry `0x{call.hex()}`"
        yield Field("the anchoring key", installed.anchorer, log.anchorer, mend, _HOLDER, weight=Weight.FAILS)
    yield Field("entries anchored", None, str(log.size))
    yield Field("actions that wait for an anchor", None, str(log.waiting))


def _limit(name: str, document: str, chain: str) -> Field:
    return Field(name, document, chain, _FOR_GOOD, _HOLDER, weight=Weight.FAILS)
