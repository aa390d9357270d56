"""As much of JSON Schema 2020-12 as the policy's schema uses, to hold documents against it. A keyword that is not known
here fails, so that none is passed over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
_SAID = {"$schema", "title", "description"}
_WITH_OTHERS = {"additionalProperties"}


def faults(schema: dict[str, Any], value: Any, path: str = "$") -> list[str]:
    """Every place in which `value` is not what the schema says."""
    kind = _TYPES[schema["type"]] if "type" in schema else object
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        return [f"{path} is no {schema['type']}"]
    return [found for keyword in schema if keyword not in _SAID for found in _check(keyword, schema, value, path)]


def _check(keyword: str, schema: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    rule = schema[keyword]
    if keyword in ("type", *_WITH_OTHERS):
        if keyword == "additionalProperties" and rule is False:
            yield from (f"{path}.{key} is not known" for key in value if not _known(key, schema))
    elif keyword == "required":
        yield from (f"{path}.{key} is missing" for key in rule if key not in value)
    elif keyword == "dependentRequired":
        yield from (
            f"{path}.{n} is missing" for key, needed in rule.items() if key in value for n in needed if n not in value
        )
    elif keyword == "properties":
        yield from (each for key in rule if key in value for each in faults(rule[key], value[key], f"{path}.{key}"))
    elif keyword == "patternProperties":
        for pattern, below in rule.items():
            matching = (key for key in value if re.search(pattern, key))
            yield from (each for key in matching for each in faults(below, value[key], f"{path}.{key}"))
    else:
        yield from _check_value(keyword, rule, value, path)


def _check_value(keyword: str, rule: Any, value: Any, path: str) -> Iterator[str]:
    if keyword == "items":
        yield from (each for n, item in enumerate(value) for each in faults(rule, item, f"{path}[{n}]"))
    elif keyword == "oneOf":
        fitting = [each for each in rule if not faults(each, value, path)]
        yield from [] if len(fitting) == 1 else [f"{path} fits {len(fitting)} of {len(rule)}"]
    elif keyword == "pattern":
        yield from [] if re.search(rule, value) else [f"{path} is not written so: {value}"]
    elif keyword == "enum":
        yield from [] if value in rule else [f"{path} is none of {rule}"]
    elif keyword == "minimum":
        yield from [] if value >= rule else [f"{path} is below {rule}"]
    elif keyword == "minProperties":
        yield from [] if len(value) >= rule else [f"{path} is empty"]
    else:
        raise AssertionError(f"the checker does not know `{keyword}`")


def _known(key: str, schema: dict[str, Any]) -> bool:
    return key in schema.get("properties", {}) or any(re.search(p, key) for p in schema.get("patternProperties", {}))
