"""A forecast in the ledger: which command it was, on what data, with which seed, and the digest of what it answered.
So a chart that was shown to the DAO can later be held against the log."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from agent.app import Documents, open_ledger
from agent.state_folder import Held, StateFolder
from strongroom.errors import BadValue

if TYPE_CHECKING:
    from strongroom.ports import Ledger

TOOL = "simulate"
_WORDS = ("command", "data_hash", "version", "answer_sha256")
_LONGEST = 4_000


def forecast_entry(origin: Mapping[str, Any], answer: str) -> dict[str, Any]:
    """What is recorded of a forecast: its origin, and SHA-256 in hex of `answer`, the line that `--json` prints without
    its end."""
    return {**origin, "answer_sha256": hashlib.sha256(answer.encode()).hexdigest()}


def record_forecast(ledger: Ledger, forecast: Mapping[str, Any]) -> dict[str, Any]:
    """Appends request and answer; gives the answer's `entry`. Raises `BadValue` for what is no forecast's entry."""
    _require(forecast)
    asked = {key: forecast[key] for key in ("command", "seed", "data_hash", "version")}
    request = ledger.append("tool.req", {"tool": TOOL, **asked})
    done = ledger.append("tool.res", {"answer_sha256": forecast["answer_sha256"]}, cause=request.index)
    return {"entry": done.index}


@contextmanager
def held_ledger(documents: Documents) -> Iterator[Ledger]:
    """The ledger alone, for who records without a treasurer: no key, node or model. Raises `StateHeld`."""
    folder = StateFolder(documents.treasury.state_dir)
    held = Held(folder)
    try:
        with open_ledger(documents, folder) as ledger:
            yield ledger
    finally:
        held.release()


def _require(forecast: Mapping[str, Any]) -> None:
    for key in _WORDS:
        if not isinstance(forecast.get(key), str) or len(forecast[key]) > _LONGEST:
            raise BadValue(forecast.get(key), f"`{key}` of a forecast", f"give text of at most {_LONGEST:,} characters")
    if type(forecast.get("seed")) is not int or set(forecast) != {*_WORDS, "seed"}:
        raise BadValue(sorted(forecast), "a forecast", f"give `seed`, a whole number, and {', '.join(_WORDS)} alone")
