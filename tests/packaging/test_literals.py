"""Addresses come from documents and the chain; code that carries its own would outlive both."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from strongroom.installation import PACKAGES

ROOT = Path(__file__).parents[2]
ADDRESS = re.compile(r"(?<![0-9a-zA-Z])0x([0-9a-fA-F]{40})(?![0-9a-fA-F])")
SMALL = 0xFFFF
"""Zero, the sentinel of Safe's lists, and precompiles are numbers, not places somebody deployed to."""

WORLD = "strongroom/world/"
DOCUMENTS = ("agent/onboarding/chains.toml", "agent/onboarding/modifiers.toml", "policies/samples/")
"""Configuration that ships: what is known of each chain and of modules, and samples beside their cases."""
KEYLESS = {"guardians/ours.py": ["0x4e59b44847b379578588920cA78FbF26c0B4956C"]}
"""The deterministic deployment proxy: sent with a signature that nobody has the key of, so wherever it stands it stands
there. Guardians look for it where a batch no longer names it (ADR 0005), and at its code before they believe it."""


def _shipped() -> list[str]:
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*"))
    found = (path for path in files if path.suffix in {".py", ".toml", ".md"} and "__pycache__" not in path.parts)
    names = sorted(str(path.relative_to(ROOT)) for path in found)
    return [name for name in names if not name.startswith((WORLD, *DOCUMENTS))]


def _code(name: str) -> str:
    """The file's text; of Python only what runs, for an address in an example of `--help` sends nothing anywhere."""
    text = (ROOT / name).read_text()
    return ast.unparse(_without_docstrings(ast.parse(text))) if name.endswith(".py") else text


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [line for line in body if not _is_text(line)] or [ast.Pass()]  # type: ignore[attr-defined]
    return tree


def _is_text(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)


def addresses(code: str) -> list[str]:
    return [f"0x{digits}" for digits in ADDRESS.findall(code) if int(digits, 16) > SMALL]


@pytest.mark.parametrize("name", _shipped())
def test_no_address_is_written_in_code(name: str) -> None:
    assert addresses(_code(name)) == KEYLESS.get(name, [])


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("x = '0x' + '0' * 40", []),
        (f"x = '0x{'0' * 40}'", []),
        (f"x = '0x{'0' * 39}1'", []),
        (f"x = '0x{'ab' * 32}'", []),
        (f"x = '0x{'aB' * 20}'", [f"0x{'aB' * 20}"]),
        (f"x = 'https://x/0x{'aB' * 20}/y'", [f"0x{'aB' * 20}"]),
    ],
)
def test_the_search_finds_addresses_and_nothing_else(code: str, found: list[str]) -> None:
    assert addresses(code) == found


def test_the_search_covers_every_room() -> None:
    assert {name.split("/")[0] for name in _shipped()} == set(PACKAGES)
