"""Lists with filters, order and pages, as query parameters name them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.datastructures import URL, QueryParams

from guardians.server.bodies import is_checksummed
from guardians.server.refusals import InvalidField, Refusal

DEFAULT_LIMIT, MAX_LIMIT = 100, 200
_EXECUTED = (
    "EXISTS (SELECT 1 FROM executions AS e WHERE e.safe = transactions.safe"
    " AND e.safe_tx_hash = transactions.safe_tx_hash{})"
)
_CONFIRMED = "safe_tx_hash IN (SELECT safe_tx_hash FROM confirmations)"


def _integer(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise ValueError("Enter a number.")
    return int(text)


def _address(text: str) -> str:
    if not is_checksummed(text):
        raise ValueError(f"Address {text} is not checksumed")
    return text


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "1", "false", "0"):
        raise ValueError("Enter `true` or `false`.")
    return text.lower() in ("true", "1")


def _same(text: str) -> str:
    return text


def _lower(text: str) -> str:
    return text.lower()


# A condition, or one for true and one for false; the value is bound, never written into the SQL.
_FILTERS: dict[str, tuple[Callable[[str], Any], str | tuple[str, str]]] = {
    "nonce": (_integer, "nonce = ?"),
    "nonce__gt": (_integer, "nonce > ?"),
    "nonce__gte": (_integer, "nonce >= ?"),
    "nonce__lt": (_integer, "nonce < ?"),
    "nonce__lte": (_integer, "nonce <= ?"),
    "safe_tx_hash": (_lower, "safe_tx_hash = ?"),
    "to": (_address, '"to" = ?'),
    "value": (_same, "value = ?"),
    "transaction_hash": (_lower, _EXECUTED.format(" AND e.transaction_hash = ?")),
    "submission_date__gte": (_same, "created >= ?"),
    "submission_date__lte": (_same, "created <= ?"),
    "modified__gte": (_same, "modified >= ?"),
    "modified__lte": (_same, "modified <= ?"),
    "trusted": (_flag, ("trusted", "1")),
    "executed": (_flag, (_EXECUTED.format(""), "NOT " + _EXECUTED.format(""))),
    "failed": (_flag, (_EXECUTED.format(" AND NOT e.success"), _EXECUTED.format(" AND e.success"))),
    "has_confirmations": (_flag, (_CONFIRMED, "NOT " + _CONFIRMED)),
}
_ORDERS = {"nonce": "nonce", "created": "id", "submissionDate": "id", "modified": "modified"}


def conditions(query: QueryParams) -> tuple[str, list[Any]]:
    """The SQL condition and its bound values for a transaction list; only trusted ones unless `trusted=false`."""
    parts, values = [], []
    for name, text in {"trusted": "true", **query}.items():
        if name not in _FILTERS or not text:
            continue
        read, condition = _FILTERS[name]
        value = _read(name, read, text)
        if isinstance(condition, tuple):
            parts.append(condition[0] if value else condition[1])
        else:
            parts.append(condition)
            values.append(value)
    return " AND ".join(parts), values


def _read(name: str, read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except ValueError as error:
        raise InvalidField(400, name, str(error)) from error


def order(query: QueryParams) -> str:
    """ORDER BY of a transaction list: newest nonce first, then the latest arrival, unless asked otherwise."""
    columns = [each for each in query.get("ordering", "").split(",") if each.removeprefix("-") in _ORDERS]
    terms = [_ORDERS[each.removeprefix("-")] + (" DESC" if each.startswith("-") else "") for each in columns]
    return "ORDER BY " + ", ".join(terms or ["nonce DESC", "id DESC"])


DELEGATE_FILTERS = ("safe", "delegate", "delegator", "label")


def delegate_conditions(query: QueryParams) -> tuple[str, list[Any]]:
    """The SQL condition for a list of delegates; at least one filter must be given."""
    given = {name: query[name] for name in DELEGATE_FILTERS if query.get(name)}
    if not given:
        raise Refusal(400, ["At least one query param must be provided"])
    for name in ("safe", "delegate", "delegator"):
        if name in given:
            _read(name, _address, given[name])
    return " AND ".join(f"{name} = ?" for name in given), list(given.values())


def page(url: URL, query: QueryParams, rows: list[Any], show: Callable[[list[Any]], list[Any]]) -> dict[str, Any]:
    """The envelope around the page that `limit` and `offset` ask for; only its rows are shown."""
    limit = min(_number(query, "limit") or DEFAULT_LIMIT, MAX_LIMIT)
    offset = _number(query, "offset")
    return {
        "count": len(rows),
        "next": _link(url, limit, offset + limit) if offset + limit < len(rows) else None,
        "previous": _link(url, limit, max(0, offset - limit)) if offset > 0 else None,
        "results": show(rows[offset : offset + limit]),
    }


def _number(query: Mapping[str, str], name: str) -> int:
    """A page parameter; nonsense counts as not given."""
    try:
        return _integer(query.get(name, "0"))
    except ValueError:
        return 0


def _link(url: URL, limit: int, offset: int) -> str:
    return str(url.include_query_params(limit=limit, offset=offset))
