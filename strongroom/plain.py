"""The nouns as plain JSON and back, by their type hints: what graph state, ledger entries and the wire carry.

Integers beyond 2^53 - 1 become decimal strings, bytes become 0x hexadecimal, so every JSON reader agrees on them.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, NewType, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
_EXACT = 2**53 - 1


def to_plain(value: Any) -> Any:
    """Plain JSON of a frozen value. A noun carries its class name under `kind`. Raises `TypeError` on a float or
    anything that is not a noun."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, int):
        return value if abs(value) <= _EXACT else str(value)
    if isinstance(value, str):
        return str(value)
    return _container_to_plain(value)


def _container_to_plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    kind: Any = type(value)
    if _is_noun(kind):
        return {"kind": kind.__name__, **{name: to_plain(getattr(value, name)) for name in _names(kind)}}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    raise TypeError(f"`{type(value).__name__}` has no plain form")


def from_plain(kind: type[T], data: Any) -> T:
    """The inverse of `to_plain` for `kind`. Raises `ValueError` naming what does not fit."""
    return _read(kind, data)  # type: ignore[no-any-return]


def _read(hint: Any, data: Any) -> Any:
    while isinstance(hint, NewType):
        hint = hint.__supertype__
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _read_union(get_args(hint), data)
    if _is_noun(origin or hint):
        return _read_noun(hint, data)
    if origin is tuple:
        return _read_tuple(get_args(hint), data)
    if origin is not None and issubclass(origin, Mapping):
        key, item = get_args(hint)
        return {_read(key, name): _read(item, value) for name, value in data.items()}
    return _read_scalar(hint, data)


def _read_scalar(hint: Any, data: Any) -> Any:
    if hint is Any:
        return data
    if hint is bytes and isinstance(data, str):
        return bytes.fromhex(data.removeprefix("0x"))
    if hint is int and isinstance(data, str):
        return int(data)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(data)
    if isinstance(data, hint) and not (hint is int and isinstance(data, bool)):
        return data
    raise ValueError(f"`{data!r}` is not a {getattr(hint, '__name__', hint)}")


def _read_tuple(arguments: tuple[Any, ...], data: Any) -> tuple[Any, ...]:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(_read(arguments[0], item) for item in data)
    return tuple(_read(hint, item) for hint, item in zip(arguments, data, strict=True))


def _read_union(options: tuple[Any, ...], data: Any) -> Any:
    if data is None and type(None) in options:
        return None
    named = [option for option in options if option is not type(None)]
    if isinstance(data, dict) and "kind" in data:
        named = [option for option in named if getattr(option, "__name__", "") == data["kind"]]
    if len(named) != 1:
        raise ValueError(f"`{data!r}` fits none of {options}")
    return _read(named[0], data)


def _read_noun(hint: Any, data: Any) -> Any:
    cls = get_origin(hint) or hint
    bound = dict(zip(getattr(cls, "__parameters__", ()), get_args(hint), strict=True)) if get_args(hint) else {}
    if not isinstance(data, Mapping) or data.get("kind") != cls.__name__:
        raise ValueError(f"`{data!r}` is not a {cls.__name__}")
    hints = _hints(cls)
    if unknown := set(data) - set(hints) - {"kind"}:
        raise ValueError(f"{cls.__name__} has no {sorted(unknown)}")
    return cls(**{name: _read(bound.get(hints[name], hints[name]), data[name]) for name in hints})


@cache
def _is_noun(cls: Any) -> bool:
    """A dataclass, or a tuple with named fields."""
    return isinstance(cls, type) and (is_dataclass(cls) or (issubclass(cls, tuple) and hasattr(cls, "_fields")))


@cache
def _names(cls: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls)) if is_dataclass(cls) else cls._fields


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)
