"""contracts/gas.json: what each path costs, from mined receipts, beside its goal. A path that costs over 2 % more than
the book says fails its test; `make gas` measures all of them anew and writes the book."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

BOOK = Path(__file__).parents[2] / "contracts" / "gas.json"
_TOLERATED_PERCENT = 2
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Line:
    """`goal` is `None` for what is measured beside ours, or has none."""

    name: str
    gas: int
    goal: int | None


@dataclass
class GasBook:
    """The committed lines by name, and whether they are to be written anew."""

    committed: Mapping[str, Line]
    is_writing: bool
    measured: dict[str, Line] = field(default_factory=dict)

    def line(self, name: str, gas: int, goal: int | None = None) -> None:
        """Notes what `name` costs. Fails where the book does not have it, has another goal, or less gas by over 2 %."""
        line = Line(name, gas, goal)
        self.measured[name] = line
        _log.info("%s: %s gas, goal %s", name, gas, goal or "none")
        if self.is_writing:
            return
        known = self.committed.get(name)
        assert known and known.goal == goal, f"`make gas` writes `{name}` into contracts/gas.json"
        most = known.gas * (100 + _TOLERATED_PERCENT) // 100
        assert gas <= most, f"`{name}` costs {gas}, over 2 % more than the {known.gas} of contracts/gas.json"

    def close(self) -> None:
        if self.is_writing and self.measured:
            lines = {**self.committed, **self.measured}
            rows = ",\n".join("  " + json.dumps(asdict(lines[name])) for name in sorted(lines))
            BOOK.write_text(f"[\n{rows}\n]\n")


def open_book() -> GasBook:
    lines = json.loads(BOOK.read_text()) if BOOK.exists() else []
    return GasBook({each["name"]: Line(**each) for each in lines}, "STRONGROOM_WRITE_GAS" in os.environ)


def table() -> str:
    """The book as people read it: what is above its goal, and by how much."""
    lines = open_book().committed.values()
    return "\n".join(f"{line.gas:>9,}  {_goal(line):<28} {line.name}" for line in lines)


def _goal(line: Line) -> str:
    if line.goal is None:
        return ""
    over = line.gas - line.goal
    return f"goal {line.goal:,}" + (f", {100 * over / line.goal:.1f} % above" if over > 0 else ", met")


if __name__ == "__main__":
    print(table())  # noqa: T201 - what `make gas` shows
