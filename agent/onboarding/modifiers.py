"""modifiers.toml: Zodiac's modifiers, told by the master copy that a module is a clone of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from strongroom.documents import parse
from strongroom.model import Address
from strongroom.protocols.safe_modules import master_copy


@dataclass(frozen=True, slots=True)
class Modifier:
    """A Zodiac modifier: its members act through it. With `takes_reverts` it counts what a contract member's signature
    check reverts with as its answer, so that anybody acts as that member (June 2026)."""

    name: str
    takes_reverts: bool


def modifier_of(code: bytes) -> Modifier | None:
    """The modifier that a module's runtime code is a clone of; `None` for anything that we do not know."""
    master = master_copy(code)
    return _modifiers().get(master) if master else None


@cache
def _modifiers() -> Mapping[Address, Modifier]:
    text = files(__package__).joinpath("modifiers.toml").read_text(encoding="utf-8")
    with parse(text, "modifiers.toml") as top:
        rows = top.rows("modifiers")
        return {
            row.address("master_copy"): Modifier(row.text("name"), row.flag("takes_reverts", False)) for row in rows
        }
