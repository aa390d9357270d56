"""A refusal of a document names the line, the key, the value and the mend, in whatever way TOML wrote it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policies.cases import load_cases, sample, samples
from policies.document import load
from strongroom.documents import parse
from strongroom.errors import InputError
from strongroom.settings import load_mandate, load_schedule, load_treasury
from strongroom.toml_lines import line_of, lines_of

ROOT = Path(__file__).parents[2]
TEXT = sample("active_treasury")[0]
ODD = """\
# a comment = 1
top = 1
dotted.key = 2 # [no.table]
"quoted . key" = 3
'literal' = { inline = 4, deep.er = [5,
  { row = 6 }, 7] }

[ table . "with.point" ]
text = \"\"\"
[not.a.table]
not_a_key = 1
\"\"\"
literal = '''
[[neither]]
''' # after
day = 2026-01-01T10:00:00.5Z

[[rows]]
a = 1.5
[rows.below]
b = "# no comment"
[[rows]]
a = [
  "x", # y = 1
  "]",
]
[[rows.inner]]
c = { d = "}" }
[[rows.inner]]
c = {}
"""


def paths(value: Any, before: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every key and row in what Python's own parser read; an array's own path stands with its key or first row."""
    if before:
        yield before
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*before, key))
    elif isinstance(value, list):
        for number, item in enumerate(value, 1):
            yield from paths(item, (*before, number))


def shipped() -> list[str]:
    config = sorted((ROOT / "config").glob("*.toml"))
    return [*(text for name in samples() for text in sample(name)), *(each.read_text() for each in config)]


@pytest.mark.parametrize("text", [ODD, ODD.replace("\n", "\r\n"), *shipped()])
def test_every_key_that_the_parser_knows_has_a_line_that_holds_it(text: str) -> None:
    found, known = lines_of(text), set(paths(tomllib.loads(text)))
    assert set(found) <= known
    # Tables that only longer names imply stand nowhere of their own, nor does an array of tables but by its rows.
    implied = {path[:n] for path in found for n in range(len(path))}
    assert known - set(found) <= implied
    lines = text.splitlines()
    assert all(str(path[-1]) in lines[line - 1] for path, line in found.items() if isinstance(path[-1], str))


@pytest.mark.parametrize(
    ("table", "row", "key", "line"),
    [
        ("", 0, "top", 2),
        ("dotted", 0, "key", 3),
        ("", 0, "quoted . key", 4),
        ("literal", 0, "inline", 5),
        ("literal.deep", 0, "er", 5),
        ("table.with.point", 0, "", 8),
        ("table.with.point", 0, "day", 16),
        ("rows", 1, "a", 19),
        ("rows.below", 0, "none", 20),
        ("rows", 2, "a", 23),
        ("rows", 2, "none", 22),
        ("rows", 3, "a", None),
        ("nothing", 0, "a", None),
    ],
)
def test_a_key_has_its_own_line_and_a_missing_one_that_of_its_table(
    table: str, row: int, key: str, line: int | None
) -> None:
    assert line_of(ODD, table, row, key) == line


@pytest.mark.parametrize(
    ("old", "new", "at", "said"),
    [
        ('at_once = "15_000 USDC"', 'at_onc = "15_000 USDC"', "at_onc =", "unknown key `at_onc` in [caps.team.USDC]"),
        ('at_once = "15_000 USDC"', 'at_onc = "15_000 USDC"', "at_onc =", "did you mean `at_once`"),
        ('fee = "0.3 %"', 'fee = "0.3"', 'fee = "0.3"', "[[venues.uniswap.pools]] 2"),
        ('config_delay = "2 days"', 'config_delay = "1 minute"', 'config_delay = "1 minute"', "takes `1 hour`"),
        ('class = "team"', 'class = "staff"', 'class = "staff"', "`class` of payee `alice`"),
        ('price_as = "WETH"', 'price_as = "USDC"', "price_as =", "`price_as` of token `ETH`"),
        ('rekey_delay = "1 day"', "", "[kernel]", "names no `rekey_delay`"),
        ("[gas]", "[gaz]", "[gaz]", "unknown key `gaz` in policy.toml; did you mean `gas`"),
        ('model_alone = "5 WETH"', 'model_alone = "5 USDC"', 'model_alone = "5 USDC"', "a listed token: `WETH`"),
    ],
)
def test_a_refusal_of_a_policy_begins_with_its_line(old: str, new: str, at: str, said: str) -> None:
    text = TEXT.replace(old, new, 1)
    line = 1 + next(n for n, each in enumerate(text.splitlines()) if each.startswith(at))
    with pytest.raises(InputError) as refusal:
        load(text)
    assert str(refusal.value).startswith(f"policy.toml line {line}: ") and said in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", ["treasury", "mandate", "schedule"])
def test_the_other_documents_name_lines_too(name: str) -> None:
    decimals = {token: listed.token.decimals for token, listed in load(TEXT).tokens.items()}
    loads = {
        "treasury": lambda text: load_treasury(text, ROOT),
        "mandate": lambda text: load_mandate(text, decimals),
        "schedule": load_schedule,
    }
    text = "mistyped = 1\n" + (ROOT / "config" / f"{name}.toml").read_text()
    with pytest.raises(InputError, match=rf"^{name}.toml line 1: unknown key `mistyped` in {name}.toml"):
        loads[name](text)


def test_cases_name_the_row() -> None:
    document = load(TEXT)
    text = '[prices]\nUSDC = "1"\n\n[[cases]]\nname = "one"\nrequest = []\nexpect = "maybe"\n'
    with pytest.raises(InputError, match=r"^cases.toml line 7: `maybe` cannot be used for `expect` in \[\[cases\]\] 1"):
        load_cases(text, document)


def test_the_name_of_a_document_may_be_a_path_with_any_letters() -> None:
    said = r"^a\+b \(1\)/x\.toml line 2: unknown key `y` in a\+b \(1\)/x\.toml"
    with pytest.raises(InputError, match=said), parse("x = 1\ny = 2\n", "a+b (1)/x.toml") as top:
        top.integer("x")


def test_a_place_that_means_several_lines_gets_none() -> None:
    text = "[[cases]]\n[cases.findings]\ncaps = 1\n[[cases]]\n[cases.findings]\ncaps = 2\n"
    assert line_of(text, "cases.findings", 0, "caps") is None
