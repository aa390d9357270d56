"""Every incident that contracts/README.md lists is tried by the tests it names."""

from __future__ import annotations

import re
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_README = (_ROOT / "contracts" / "README.md").read_text()
_LEAST = 10


def _rows() -> list[tuple[str, list[str]]]:
    """The incidents of the table, and the tests that it names for each."""
    table = _README.partition("### Incidents")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (?!incident|---)(.+?) \| (.+) \|$", table, re.MULTILINE)
    return [(incident, re.findall(r"`(test\w+)`", tests)) for incident, tests in rows]


def _written() -> set[str]:
    """Names of all tests in the checkout."""
    python = (_ROOT / "tests").rglob("test_*.py")
    solidity = (_ROOT / "contracts" / "test").rglob("*.sol")
    texts = [file.read_text() for file in (*python, *solidity)]
    return {name for text in texts for name in re.findall(r"(?:def|function) (test\w+)\(", text)}


def test_every_incident_of_the_table_is_tried_by_tests_that_exist() -> None:
    """None without a test, and no test that was renamed away."""
    rows, written = _rows(), _written()

    assert len(rows) >= _LEAST
    assert not [incident for incident, tests in rows if not tests]
    assert not [name for _, tests in rows for name in tests if name not in written]
