"""The Kernel against policy.toml, the agent's key and the Safe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from agent.comparing.fields import Comparison, Contract, Field, Reading, code_fields, is_ours, shown
from agent.comparing.installed import Installed
from guardians.blueprint import UNGATED
from policies.document import document_hash
from policies.kernel.values import NO_CODE
from policies.markets import EXITS
from policies.meters import meters
from policies.terms import PolicyDocument
from strongroom.errors import ModuleMissing
from strongroom.model import Address, SafeState
from strongroom.ports import Read
from strongroom.protocols.kernel import (
    ACTION_UNITS,
    ACTIONS,
    LOSSES,
    BucketSetting,
    agent_code_read,
    bucket_read,
    class_number,
    encode_add_guardian,
    fixed_reads,
    guardian_read,
    state_reads,
)
from strongroom.quantities import format_seconds, quantity

_PLANS = "`strongroom policy update`, for a key `strongroom rekey`"
_MEND = f"put back what the Kernel has, or let the owners change it: {_PLANS}"
_FOR_GOOD = "they are for good: write what the Kernel has, or have the owners install another"
_CALL_DECIMALS = len(str(ACTION_UNITS)) - 1
_USD_DECIMALS = 8


def reads(installed: Installed) -> tuple[Read[Any], ...]:
    """All that `compare` asks."""
    kernel = installed.kernel
    return (
        *state_reads(kernel),
        agent_code_read(kernel),
        *(bucket_read(kernel, setting.key) for setting in installed.compiled.buckets),
        *term_reads(kernel, installed.document),
    )


def compare(reading: Reading, installed: Installed, safe: SafeState) -> Comparison:
    """Every field of the Kernel."""
    kernel = installed.kernel
    fields = tuple(code_fields(reading, Contract.KERNEL, kernel))
    if is_ours(fields):
        own = (*_held(reading, installed), *_buckets(reading, installed), *terms(reading, kernel, installed.document))
        fields = (*fields, _enabled(kernel, safe, installed.document), *own, *_told(reading, kernel))
    return Comparison(Contract.KERNEL, "Kernel", kernel, fields)


def _enabled(kernel: Address, safe: SafeState, document: PolicyDocument) -> Field:
    error = ModuleMissing(kernel, document.account.safe)
    found = "enabled" if kernel in safe.modules else "not enabled"
    return Field("as a module of the Safe", "enabled", found, str(error).rpartition("; ")[2], error=error)


def _held(reading: Reading, installed: Installed) -> Iterator[Field]:
    kernel, document = installed.kernel, installed.document
    safe, agent, _, _, _, root, hash_, _ = reading.values(state_reads(kernel))
    (code_hash,) = reading.values([agent_code_read(kernel)])
    yield Field("the Safe", document.account.safe, shown(safe), _MEND)
    if installed.agent is not None:
        yield Field("the agent's key", installed.agent, shown(agent), _MEND)
    re_key = "the agent must be a plain key: `strongroom rekey` plans how the owners name one"
    yield Field("the agent's code", "none", "none" if code_hash == NO_CODE else shown(code_hash), re_key)
    yield Field("the policy's root", installed.compiled.root, shown(root), _MEND)
    yield Field("the policy's hash", document_hash(document), shown(hash_), _MEND)


def _buckets(reading: Reading, installed: Installed) -> Iterator[Field]:
    """Two fields each: what passes at once, and in which time a used-up one flows back."""
    named = {meter.key: meter.said for meter in meters(installed.document)}
    settings = installed.compiled.buckets
    found = reading.values([bucket_read(installed.kernel, setting.key) for setting in settings])
    for setting, bucket in zip(settings, found, strict=True):
        unit, decimals = _unit(setting, installed.document)
        name = f"bucket `{named.get(setting.key) or _unnamed(setting, unit)}`"
        capacity = shown(None) if bucket is None else _amount(bucket.capacity, decimals, unit)
        drain = shown(None) if bucket is None else format_seconds(bucket.drain)
        yield Field(f"{name}, at once", _amount(setting.capacity_units, decimals, unit), capacity, _MEND)
        yield Field(f"{name}, flows back in", format_seconds(setting.drain_seconds), drain, _MEND)


def _unnamed(setting: BucketSetting, unit: str) -> str:
    """A bucket that no cap writes out."""
    is_exit = setting.bucket_class == class_number(EXITS)
    return f"guardians bring home {unit}" if is_exit else f"class {setting.bucket_class} of {unit}"


def _unit(setting: BucketSetting, document: PolicyDocument) -> tuple[str, int]:
    """What it counts, and with how many decimals; a vault's shares are in no list of tokens, and count in units."""
    if setting.token in (ACTIONS, LOSSES):
        return ("calls", _CALL_DECIMALS) if setting.token == ACTIONS else ("USD", _USD_DECIMALS)
    token = document.known_at(setting.token)
    return (token.id, token.decimals) if token else (f"units of {setting.token}", 0)


def _amount(units: int, decimals: int, unit: str) -> str:
    return f"{quantity(units, decimals)} {unit}"


def term_reads(kernel: Address, document: PolicyDocument) -> tuple[Read[Any], ...]:
    """All that `terms` asks."""
    return (*fixed_reads(kernel), *(guardian_read(kernel, each) for each in document.kernel.pause_only))


def terms(reading: Reading, kernel: Address, document: PolicyDocument) -> Iterator[Field]:
    """The Kernel's own terms and guardians against [kernel]: what another policy of the same Kernel must have too."""
    registry, *delays = reading.values(fixed_reads(kernel))
    ours = document.kernel
    for key, seconds, found in zip(
        ("config_delay", "rekey_delay", "window"),
        (ours.config_delay_seconds, ours.rekey_delay_seconds, ours.window_seconds),
        delays,
        strict=True,
    ):
        chain = shown(None) if found is None else format_seconds(found)
        yield Field(f"`{key}` of [kernel]", format_seconds(seconds), chain, _FOR_GOOD)
    yield Field("the Kernel's own registry", shown(UNGATED), shown(registry), _FOR_GOOD)
    yield from _guardians(reading, kernel, ours.pause_only)


def _guardians(reading: Reading, kernel: Address, pause_only: Sequence[Address]) -> Iterator[Field]:
    found = reading.values([guardian_read(kernel, each) for each in pause_only])
    for guardian, is_one in zip(pause_only, found, strict=True):
        mend = f"the Safe sends the Kernel `0x{encode_add_guardian(guardian).hex()}`, or take the key out"
        chain = "guardian" if is_one else "no guardian"
        yield Field(f"`{guardian}` in `pause_only` of [kernel]", "guardian", chain, mend)


def _told(reading: Reading, kernel: Address) -> Iterator[Field]:
    _, _, epoch, version, paused, *_ = reading.values(state_reads(kernel))
    yield Field("policies so far", None, shown(version))
    yield Field("agents before this one", None, shown(epoch))
    yield Field("paused", None, "yes" if paused else "no")
