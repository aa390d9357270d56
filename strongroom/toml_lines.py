"""On which line of a TOML text a table or a key stands; Python's own parser does not tell.

Read is a text that the parser took already: what is wrong with its grammar was said before.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|' + r"'''.*?'{3,5}|"
    r'"(?:\\.|[^"\\\n])*"|' + r"'[^'\n]*'|#[^\n]*|\n|[\[\]{}=.,]|[^\s\[\]{}=.,#\"']+",
    re.DOTALL,
)
Path = tuple[str | int, ...]
"""Keys from the top; a number is a row of an array of tables, the first one 1."""


def lines_of(text: str) -> Mapping[Path, int]:
    """The line of every table, row and key, dotted, quoted and inline ones among them."""
    return dict(_Reader(list(_tokens(text))).read())


def line_of(text: str, table: str, row: int, key: str) -> int | None:
    """The line of `key` in the table or row that messages write as `table`, else that of the table itself; `None` where
    neither stands there, or where the name means several."""
    lines = lines_of(text)
    below = f"{table}.{key}" if table and key else table or key
    for name, parent in ((below, row), (table, row)):
        if name and len(found := _named(lines, name, parent, keyed=name != table)) == 1:
            return found[0]
    return None


def _named(lines: Mapping[Path, int], name: str, row: int, keyed: bool) -> list[int]:
    """By the name in full: a quoted key may hold a point itself."""
    found = []
    for path, line in lines.items():
        rows = [part for part in path if isinstance(part, int)]
        ends_in_row = isinstance(path[-1], int)
        written = ".".join(part for part in path if isinstance(part, str))
        fits = rows[-1:] == [row] and ends_in_row != keyed if row else not ends_in_row
        if written == name and fits:
            found.append(line)
    return found


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """Every token with its line, without comments."""
    line, at = 1, 0
    for found in _TOKEN.finditer(text):
        line, at = line + text.count("\n", at, found.start()), found.start()
        if not found[0].startswith("#"):
            yield found[0], line
    yield "\n", line


@dataclass
class _Reader:
    tokens: list[tuple[str, int]]
    at: int = 0
    rows: Counter[Path] = field(default_factory=Counter)
    table: Path = ()

    def read(self) -> Iterator[tuple[Path, int]]:
        """Later lines of the same path, such as [a.b] after [a], do not count."""
        seen = defaultdict[Path, int](int)
        while self.at < len(self.tokens):
            for path, line in self._statement():
                seen[path] = seen[path] or line
        yield from seen.items()

    def _statement(self) -> Iterator[tuple[Path, int]]:
        text, line = self.tokens[self.at]
        if text == "\n":
            self.at += 1
        elif text == "[":
            yield self._header(), line
        else:
            yield from self._pair(self.table)

    def _header(self) -> Path:
        is_row = self.tokens[self.at + 1][0] == "["
        self.at += 2 if is_row else 1
        *outer, last = self._keys("]")
        self.at += 1 if is_row else 0
        path: Path = ()
        for name in outer:
            path = self._inside((*path, name))
        path = (*path, last)
        self.rows[path] += is_row
        self.table = self._inside(path)
        return self.table

    def _inside(self, path: Path) -> Path:
        """The path into the newest row where it names an array of tables."""
        return (*path, self.rows[path]) if self.rows[path] else path

    def _keys(self, end: str) -> list[str]:
        """A dotted key up to `end`, which is consumed."""
        keys: list[str] = []
        while (text := self._next()) != end:
            if text != ".":
                keys.append(_unquoted(text))
        return keys

    def _next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1][0]

    def _pair(self, table: Path) -> Iterator[tuple[Path, int]]:
        line = self.tokens[self.at][1]
        keys = self._keys("=")
        yield from ((table + tuple(keys[: n + 1]), line) for n in range(len(keys)))
        yield from self._value((*table, *keys))

    def _value(self, path: Path) -> Iterator[tuple[Path, int]]:
        opened = self.tokens[self.at][0]
        if opened == "{":
            yield from self._inline(path)
        elif opened == "[":
            yield from self._array(path)
        else:
            while self.tokens[self.at][0] not in ("\n", ",", "]", "}"):
                self.at += 1

    def _inline(self, path: Path) -> Iterator[tuple[Path, int]]:
        self.at += 1
        while (text := self.tokens[self.at][0]) != "}":
            if text in (",", "\n"):
                self.at += 1
            else:
                yield from self._pair(path)
        self.at += 1

    def _array(self, path: Path) -> Iterator[tuple[Path, int]]:
        self.at, number = self.at + 1, 0
        while (text := self.tokens[self.at][0]) != "]":
            if text in (",", "\n"):
                self.at += 1
                continue
            number += 1
            yield (*path, number), self.tokens[self.at][1]
            yield from self._value((*path, number))
        self.at += 1


def _unquoted(text: str) -> str:
    return str(tomllib.loads(f"key = {text}")["key"]) if text[0] in "\"'" else text
