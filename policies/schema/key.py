"""What one key, and one table, of policy.toml is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

_NUMBER = r"(\d{1,3}(,\d{3})+|\d[\d_]*)(\.\d[\d_]*)?"
_NAME = r"[A-Za-z][A-Za-z0-9_-]{0,31}"
_UNIT = r"(second|minute|hour|day|week)s?"
_TIME = rf"\d[\d_]* *{_UNIT}"
_WINDOW = rf"({_TIME}|{_UNIT})"
NAME_PATTERN = f"^{_NAME}$"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: `type` as JSON has it, the pattern of a text, and how people write it. `of` is the kind of what
    a list or a table of names holds; `instead` is another kind that will do."""

    type: str
    words: str
    pattern: str = ""
    of: Kind | None = None
    instead: Kind | None = None


def _text(words: str, pattern: str) -> Kind:
    return Kind("string", words, rf"^\s*{pattern}\s*$")


def several(kind: Kind) -> Kind:
    """A list of such values."""
    return Kind("array", f"a list, each {kind.words}", of=kind)


def by_name(kind: Kind) -> Kind:
    """A table of such values by name."""
    return Kind("object", f"a table by name, each {kind.words}", of=kind)


def either(one: Kind, other: Kind) -> Kind:
    """A value of one kind or of the other."""
    return replace(one, words=f"{one.words}; or {other.words}", instead=other)


INTEGER = Kind("integer", "a whole number")
FLAG = Kind("boolean", "`true` or `false`")
TEXT = Kind("string", "a text")
ADDRESS = Kind("string", "an address with its checksum", "^0x[0-9a-fA-F]{40}$")
NAME = Kind("string", "a name", NAME_PATTERN)
AMOUNT = _text("an amount, `25_000.50 USDC`", rf"{_NUMBER}\s+{_NAME}")
CAP = _text("an amount in a window, `60_000 USDC per 30 days`", rf"{_NUMBER}\s+{_NAME}\s+per\s+{_WINDOW}")
TIER = _text(
    "a tier, `2 guardians above 10_000 USDC per day`, or `2 guardians of carol, dave above … per day after 2 days`",
    rf"\d+ guardians?( of {_NAME}(, *{_NAME})*)? above {_NUMBER}\s+{_NAME} per {_WINDOW}( after {_TIME})?",
)
USD = _text("dollars, `5_000 USD`", rf"{_NUMBER}\s+USD")
USD_CAP = _text("dollars in a window, `20_000 USD per 30 days`", rf"{_NUMBER}\s+USD\s+per\s+{_WINDOW}")
PERCENT = _text("a percentage, `1.5 %`", rf"{_NUMBER}\s*%")
DURATION = _text("a duration, `7 days`", _TIME)
OFTEN = _text("a number in a window, `48 per day`", rf"\d+ per {_WINDOW}")
DAY = _text("a day, `2026-11-01`", r"\d{4}-\d\d-\d\d")
MOMENT = _text("a day or a moment, `2026-11-22 14:00 UTC`", r"\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)? UTC)?")
CLOCK = _text("a time of day, `09:00`", r"\d\d:\d\d")
WEEKDAY = Kind("string", "a day of the week, `Mon` to `Sun`", "^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)$")
FACTOR = _text("a factor, `1.5`", _NUMBER)
GWEI = _text("a price of gas, `150 gwei`", rf"{_NUMBER}\s+gwei")


@dataclass(frozen=True, slots=True)
class Key:
    """`choices` are all values that it takes; `together` is another key without which it says nothing."""

    name: str
    kind: Kind
    doc: str
    required: bool = True
    choices: tuple[str, ...] = ()
    together: str = ""


def optional(name: str, kind: Kind, doc: str, together: str = "") -> Key:
    return Key(name, kind, doc, required=False, together=together)


def one_of(name: str, choices: tuple[str, ...], doc: str, required: bool = False) -> Key:
    """A key that takes one of these texts."""
    return Key(name, NAME, doc, required=required, choices=choices)


class Form(Enum):
    """How a table stands in the document."""

    ONCE = "[{0}]"
    NAMED = "[{0}.NAME]"
    NAMED_TWICE = "[{0}.CLASS.TOKEN]"
    ROWS = "[[{0}]]"


@dataclass(frozen=True, slots=True)
class TableOf:
    """`path` is the name of the table, or what stands before the names of its entries; `rows` are the arrays of tables
    below each entry, `variant` the `kind` of an entry that has these keys."""

    path: str
    form: Form
    doc: str
    keys: tuple[Key, ...]
    required: bool = False
    variant: str = ""
    rows: tuple[TableOf, ...] = ()

    @property
    def head(self) -> str:
        """As TOML writes it."""
        return self.form.value.format(self.path)
