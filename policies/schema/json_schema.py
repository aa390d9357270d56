"""The JSON Schema (2020-12) of policy.toml, for editors: names, types and spelling. What must hold between the parts,
`strongroom policy check` says."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from policies.schema.key import NAME_PATTERN, Form, Key, Kind, TableOf
from policies.schema.tables import TABLES

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema as plain JSON."""
    grouped = [(path, list(tables)) for path, tables in groupby(TABLES, key=lambda table: table.path)]
    required = [path for path, tables in grouped if any(table.required for table in tables)]
    properties = {path: _top(tables) for path, tables in grouped}
    head = {"$schema": _DIALECT, "title": "policy.toml of Strongroom"}
    return {**head, **_object(properties, required)}


def _top(tables: list[TableOf]) -> dict[str, Any]:
    first = tables[0]
    if first.variant:
        return _entries(
            {"oneOf": [_table(table) for table in tables]}, "Places where tokens are swapped, lent or wrapped."
        )
    if first.form is Form.ONCE:
        return _table(first)
    if first.form is Form.ROWS:
        return {"type": "array", "items": _table(first)}
    if first.form is Form.NAMED_TWICE:
        return _entries(_entries(_table(first), "By token.") | {"minProperties": 1}, first.doc)
    return _entries(_table(first), first.doc)


def _table(table: TableOf) -> dict[str, Any]:
    rows = {row.path.rpartition(".")[2]: {"type": "array", "items": _table(row)} for row in table.rows}
    properties = {**{key.name: _value(key) for key in table.keys}, **rows}
    schema = _object(properties, [key.name for key in table.keys if key.required])
    together = {key.name: [key.together] for key in table.keys if key.together}
    return {"description": table.doc, **schema, **({"dependentRequired": together} if together else {})}


def _value(key: Key) -> dict[str, Any]:
    schema = {"description": f"{key.doc} Write {key.kind.words}.", **_kinds(key.kind)}
    return {**schema, "enum": list(key.choices)} if key.choices else schema


def _kinds(kind: Kind) -> dict[str, Any]:
    return {"oneOf": [_kind(kind), _kind(kind.instead)]} if kind.instead else _kind(kind)


def _kind(kind: Kind) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": kind.type}
    if kind.type == "integer":
        schema["minimum"] = 0
    if kind.pattern:
        schema["pattern"] = kind.pattern
    if kind.of is not None and kind.type == "object":
        schema |= {"patternProperties": {NAME_PATTERN: _kind(kind.of)}, "additionalProperties": False}
    elif kind.of is not None:
        schema["items"] = _kind(kind.of)
    return schema


def _object(properties: dict[str, Any], required: Iterable[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _entries(schema: dict[str, Any], doc: str) -> dict[str, Any]:
    """A table whose keys are names that people give."""
    named = {NAME_PATTERN: schema}
    return {"description": doc, "type": "object", "patternProperties": named, "additionalProperties": False}
