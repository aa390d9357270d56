"""The tables of `policies.schema` are what `load` reads: every key, both ways; and the page and the schema come from
them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from policies.cases import sample, samples
from policies.document import load
from policies.schema.json_schema import json_schema
from policies.schema.key import Form, Key, TableOf
from policies.schema.reference import markdown
from policies.schema.tables import TABLES
from policies.template import render
from strongroom.documents import Table
from strongroom.errors import InputError
from tests.policies.edits import everything
from tests.policies.schema_checker import faults

ROOT = Path(__file__).parents[2]
SCHEMA = json_schema()
FULL = render(everything())
UNGUARDED = render(replace(everything(), owner_guard=None))
SHIPPED = [*(sample(name)[0] for name in samples()), (ROOT / "config" / "policy.toml").read_text()]


def all_tables() -> Iterator[TableOf]:
    for table in TABLES:
        yield table
        yield from table.rows


def in_schema() -> set[tuple[str, str]]:
    """Each key with its table, names left out: `caps.*.*`, `venues.*:weth`, `venues.*.pools`."""
    return {(_head(table), key.name) for table in all_tables() for key in table.keys}


def _head(table: TableOf) -> str:
    stars = {Form.ONCE: "", Form.NAMED: ".*", Form.NAMED_TWICE: ".*.*", Form.ROWS: ""}[table.form]
    return table.path.replace("NAME", "*") + stars + (f":{table.variant}" if table.variant else "")


BY_NAME = {"guardians.members", "holdings.most", "newcomers.venues"}
"""Tables whose keys are names that people give, which the schema has as values."""
NAMED = {"tokens", "payees", "orders", "venues"}
"""Tables of named entries; [caps] holds two names."""


def read_by_load(text: str, monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """Each key that `load` asks for, told by the tables as they are closed."""
    asked: set[tuple[str, str]] = set()
    done = Table.done

    def told(table: Table) -> None:
        done(table)
        asked.update((_starred(table._name, table._data), key) for key in table._asked)

    monkeypatch.setattr(Table, "done", told)
    load(text)
    return {(table, key) for table, key in asked if table and table not in {"caps.*", *BY_NAME}}


def _starred(name: str, data: Any) -> str:
    top, *rest = name.split(".")
    if top == "caps":
        return ".".join(["caps", *("*" for _ in rest)])
    if top in NAMED and rest:
        kind = f":{data['kind']}" if top == "venues" and "kind" in data else ""
        return ".".join([top, "*", *rest[1:]]) + kind
    return name


def test_the_schema_has_every_key_that_is_read_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that is new to `load` gets its line in `policies/schema/tables.py`."""
    read = {found for text in (FULL, UNGUARDED, *SHIPPED) for found in read_by_load(text, monkeypatch)}
    # The arrays of tables below a venue are tables of their own in the schema.
    rows = {(_head(table), row.path.rpartition(".")[2]) for table in TABLES for row in table.rows}
    assert read - rows == in_schema()


@pytest.mark.parametrize("text", [FULL, UNGUARDED, *SHIPPED])
def test_every_policy_that_loads_fits_the_schema(text: str) -> None:
    load(text)
    assert faults(SCHEMA, tomllib.loads(text)) == []


def places(data: dict[str, Any]) -> Iterator[tuple[TableOf, dict[str, Any]]]:
    """One table of the full document for each in the schema."""
    for table in TABLES:
        found = data[table.path]
        if table.form is Form.NAMED_TWICE:
            found = found["swaps"]["USDC"]
        elif table.form is Form.ROWS:
            found = found[0]
        elif table.form is Form.NAMED:
            found = next(each for each in found.values() if each.get("kind", "") == table.variant)
        yield table, found
        yield from ((row, found[row.path.rpartition(".")[2]][0]) for row in table.rows)


def changed() -> Iterator[tuple[str, dict[str, Any]]]:
    """The full document with one thing wrong in each table and each key."""
    for number, (table, _) in enumerate(places(tomllib.loads(FULL))):
        for key in (None, *table.keys):
            for what in ("unknown",) if key is None else ("misspelt", "mistyped", "missing"):
                data = deepcopy(tomllib.loads(FULL))
                place = list(places(data))[number][1]
                if _spoil(place, key, what):
                    yield f"{table.head} {key.name if key else ''} {what}", data


def _spoil(place: dict[str, Any], key: Key | None, what: str) -> bool:
    """Whether there is something to spoil."""
    if key is None:
        place["unknown_key"] = "x"
    elif key.name not in place or (what == "missing" and not key.required and not key.together):
        return False
    elif what == "misspelt":
        place[key.name + "x"] = place.pop(key.name)
    elif what == "mistyped":
        place[key.name] = {"neither": "text, nor number, nor list"}
    else:
        del place[key.name]
    return True


def toml(data: dict[str, Any]) -> str:
    """Inline throughout: what JSON writes is TOML once its colons are equals signs."""
    return "".join(f"{key} = {_inline(value)}\n" for key, value in data.items())


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_inline(item)}" for key, item in value.items()) + "}"
    return f"[{', '.join(map(_inline, value))}]" if isinstance(value, list) else json.dumps(value)


def test_what_is_wrong_in_any_key_is_refused_by_both() -> None:
    assert load(toml(tomllib.loads(FULL))) == everything()
    count = 0
    for name, data in changed():
        count += 1
        assert faults(SCHEMA, data), name
        with pytest.raises(InputError):
            load(toml(data))
            pytest.fail(f"loaded: {name}")
    assert count > 200


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('cap = "48 per day"', 'cap = "48"'),
        ('keep = "100_000 USDC"', 'keep = "100_000"'),
        ('keep = "100_000 USDC"', 'keep = "1,00 USDC"'),
        ('keep = "100_000 USDC"', 'keep = "-1 USDC"'),
        ('max_loss = "1 %"', 'max_loss = "1"'),
        ('max_price = "150 gwei"', 'max_price = "150 ether"'),
        ('delay = "2 days"', 'delay = "2 months"'),
        ('kind = "uniswap_v3"', 'kind = "uniswap_v9"'),
        ("[tokens.HALL]", "[tokens.1HALL]"),
        ("2 guardians above 10 WETH per day", "two guardians above 10 WETH per day"),
        ("chain_id = 31337", "chain_id = -1"),
        ('loss_cap = "20_000 USD per 30 days"', ""),
        ('until = "2052-02-20"', 'until = "20.2.2052"'),
        ("2 guardians of ben, carol above", "2 guardians of ben and carol above"),
        ("per day after 2 days", "per day after a while"),
        ('open = "07:00"', 'open = "7 am"'),
        ('days = ["Mon", ', 'days = ["Monday", '),
        ('until = "2030-04-17"', 'until = "2030-04-17 noon"'),
        ('otherwise = "ask"', 'otherwise = "allow"'),
        ('most = { WETH = "70 %" }', 'most = { WETH = "70" }'),
        ('health_least = "2"', 'health_least = "two"'),
        ('[guardians.members]\nana = "0x', '[guardians.members]\nana = "'),
    ],
)
def test_a_value_that_is_written_otherwise_is_refused_by_both(old: str, new: str) -> None:
    assert old in FULL, old
    text = FULL.replace(old, new)
    with pytest.raises(InputError):
        load(text)
    assert faults(SCHEMA, tomllib.loads(text))


def test_every_key_and_table_says_what_it_is_in_a_sentence() -> None:
    for table in all_tables():
        for doc in (table.doc, *(key.doc for key in table.keys)):
            assert doc[0].isupper() or doc[0] == "`", doc
            assert doc.endswith("."), doc


def test_the_page_is_the_one_that_the_command_prints() -> None:
    """After a change: `strongroom policy schema --markdown > docs/policy.md`."""
    assert (ROOT / "docs" / "policy.md").read_text() == markdown()
