"""Whom a recorded decision asked beside a number of guardians, and how long it waits. Every value may be hostile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from guardians.report.plainly import mappings, number, text
from policies.terms import PolicyDocument
from strongroom.quantities import format_seconds


def whom(decision: Mapping[str, Any], document: PolicyDocument) -> str:
    """`, among them 2 of carol, dave, and it waits 2 days after it was proposed`; empty where a number says all."""
    named = " and ".join(_named(decision, document))
    delay = number(decision.get("delay_seconds")) or 0
    waits = f", and it waits {format_seconds(delay)} after it was proposed" if delay > 0 else ""
    return (f", among them {named}" if named else "") + waits


def _named(decision: Mapping[str, Any], document: PolicyDocument) -> Iterator[str]:
    names = {str(address): name for name, address in document.guardians.names.items()}
    for quorum in mappings(decision.get("quorums")):
        members = quorum.get("guardians")
        written = [text(each) for each in members] if isinstance(members, list) else []
        yield f"{number(quorum.get('approvals')) or 0} of {', '.join(names.get(each, each) for each in written)}"
