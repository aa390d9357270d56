"""Strict reading of TOML documents: every key is asked for once, and a key nobody asked for is refused by name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from strongroom.addresses import parse_address
from strongroom.errors import BadAddress, BadValue, InputError, NotNamed, UnknownKey
from strongroom.model import Address
from strongroom.toml_lines import line_of

_REQUIRED: Any = object()
_PLURALS = {"payee": "payees", "token": "tokens"}


class DocumentMissing(InputError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"no document at `{path}`; `strongroom init` writes it")


class DocumentBroken(InputError):
    def __init__(self, name: str, why: str) -> None:
        # The parser names a table as Python writes its keys: ('payees', 'alice').
        told = re.sub(r"\(('[^)]*)\)", lambda keys: "[" + ".".join(re.findall(r"'([^']*)'", keys[1])) + "]", why)
        super().__init__(f"`{name}` is not TOML ({told}); mend it there or right before")


class Table:
    """One table of a document. Close it with `done()`, or use it as a context manager: unknown keys are named there.
    The top table has the document's text, and says on which line a refusal is that comes from within."""

    def __init__(self, data: Mapping[str, Any], document: str, name: str = "", where: str = "", text: str = "") -> None:
        """`name` is the table's own as TOML writes it, such as `caps.team`; `where` says it in words."""
        self._data, self._document, self._name, self._asked = data, document, name, set[str]()
        self._text = text
        self._mistyped: InputError | None = None
        self.where = where or (f"[{name}] of {document}" if name else document)

    def __enter__(self) -> Table:
        return self

    def __exit__(self, kind: object, error: object, _: object) -> None:
        if isinstance(error, InputError):
            self._locate(error)
        if kind is None:
            try:
                self.done()
            except InputError as unknown:
                self._locate(unknown)
                raise

    def done(self) -> None:
        """Raises `UnknownKey` for the first key that was never asked for."""
        for key in self._data:
            if key not in self._asked:
                raise UnknownKey(key, self._asked, self.where)

    def path(self, key: str) -> str:
        return f"`{key}` in {self.where}"

    def has(self, key: str) -> bool:
        self._asked.add(key)
        return key in self._data

    def text(self, key: str, default: str = _REQUIRED) -> str:
        value = self._value(key, str, "write it in quotes", default)
        return str(value)

    def integer(self, key: str, default: int = _REQUIRED) -> int:
        """A whole number >= 0."""
        value = self._value(key, int, "write a whole number", default)
        if isinstance(value, bool) or value < 0:
            raise BadValue(value, self.path(key), "write a whole number, zero or more")
        return int(value)

    def flag(self, key: str, default: bool = _REQUIRED) -> bool:
        return bool(self._value(key, bool, "write `true` or `false`", default))

    def address(self, key: str) -> Address:
        try:
            return parse_address(self.text(key))
        except BadAddress as error:
            raise BadAddress(error.value, error.is_address, self.path(key)) from error

    def texts(self, key: str, default: tuple[str, ...] = _REQUIRED) -> tuple[str, ...]:
        """A list of quoted texts."""
        items = self._value(key, list, 'write a list: ["…", "…"]', default)
        if not all(isinstance(item, str) for item in items):
            raise BadValue(items, self.path(key), "every item is written in quotes")
        return tuple(items)

    def choice(self, key: str, choices: tuple[str, ...], default: str = _REQUIRED) -> str:
        value = self.text(key, default)
        if value not in choices:
            raise BadValue(value, self.path(key), "choose one of " + ", ".join(f"`{c}`" for c in choices))
        return value

    def table(self, key: str) -> Table:
        """A sub-table; an absent one is empty."""
        self._asked.add(key)
        data = self._data.get(key, {})
        if not isinstance(data, Mapping):
            raise BadValue(data, self.path(key), f"write a table: [{self._below(key)}]")
        below = Table(data, self._document, self._below(key))
        below._mistyped = None if key in self._data else self._near(key)
        return below

    def tables(self, key: str) -> dict[str, Table]:
        """A table of tables, by name."""
        outer = self.table(key)
        return {name: outer.table(name) for name in outer.keys()}  # noqa: SIM118 - a Table is no mapping

    def is_table(self, key: str) -> bool:
        """Whether a table stands at `key`, where a list could too."""
        return isinstance(self._data.get(key), Mapping)

    def rows(self, key: str) -> list[Table]:
        """An array of tables; absent is empty."""
        self._asked.add(key)
        rows = self._data.get(key, [])
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            raise BadValue(rows, self.path(key), f"write rows: [[{self._below(key)}]]")
        name, document = self._below(key), self._document
        return [Table(row, document, name, f"[[{name}]] {n} of {document}") for n, row in enumerate(rows, 1)]

    def keys(self) -> list[str]:
        return list(self._data)

    def _locate(self, error: InputError) -> None:
        if self._text and (line := _line(error.where, self._document, self._text)):
            error.begin(f"{self._document} line {line}")

    def _below(self, key: str) -> str:
        return f"{self._name}.{key}" if self._name else key

    def _missing(self, key: str) -> InputError:
        return self._near(key) or self._mistyped or NotNamed(key, self.where, "this key is required")

    def _near(self, key: str) -> InputError | None:
        """A key that was written here instead of an absent one, as far as can be seen."""
        mistyped = get_close_matches(key, [name for name in self._data if name not in self._asked], n=1)
        return UnknownKey(mistyped[0], [key], self.where) if mistyped else None

    def _value(self, key: str, kind: type, mend: str, default: Any) -> Any:
        self._asked.add(key)
        if key not in self._data:
            if default is _REQUIRED:
                raise self._missing(key)
            return default
        if not isinstance(self._data[key], kind):
            raise BadValue(self._data[key], self.path(key), mend)
        return self._data[key]


def parse(text: str, name: str) -> Table:
    """The document's top table. Raises `DocumentBroken` naming the line."""
    try:
        return Table(tomllib.loads(text), name, text=text)
    except ValueError as error:
        # The parser names line and column of every fault but one at the end, and a number too long for Python.
        last = f"at line {len(text.splitlines())}, the end"
        raise DocumentBroken(name, str(error).replace("at end of document", last)) from error


def _line(where: str, name: str, text: str) -> int | None:
    """The line of what a refusal says in words, as `Table` and the checks of a document write them: a key in
    `[table] of name`, in `[[table]] 2 of name`, or of a payee or token in `name`."""
    entry = r"\[\[(?P<rows>.+)\]\] (?P<row>\d+) of|\[(?P<table>[^\[].*)\] of|(?P<kind>payee|token) `(?P<id>[^`]+)` in"
    key = r"(?:`(?P<key>[^`]+)` (?:of [^ `\[]+ )?(?:in|of) )?"
    found = re.fullmatch(rf"{key}(?:(?:{entry}) )?{re.escape(name)}", where)
    if not found:
        return None
    table = found["rows"] or found["table"] or (found["kind"] and f"{_PLURALS[found['kind']]}.{found['id']}") or ""
    return line_of(text, table, int(found["row"] or 0), found["key"] or "")


def read(path: Path) -> str:
    """The document's text. Raises `DocumentMissing`, or `DocumentBroken` where it is no UTF-8 text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DocumentBroken(path.name, "it is not UTF-8 text") from error
    except OSError as error:
        raise DocumentMissing(path) from error
