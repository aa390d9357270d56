"""What the state folder tells of units, read beside whoever holds it: no lock, no node, nothing written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any, cast

from agent.checkpoints import look_at_checkpoints, state_in
from agent.nodes.state import State
from agent.particulars import particulars
from agent.state_folder import StateFolder
from agent.units import ASLEEP, Row, Units
from strongroom.errors import BadValue
from strongroom.model import Intent, Pay, Supply, Swap, Withdraw
from strongroom.plain import to_plain


class Records:
    """Plain JSON about the units of one state folder."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder

    def plans(self) -> list[dict[str, Any]]:
        """Every unit in short, oldest first."""
        return [summary(row) for row in self._rows()]

    def show(self, unit_id: str) -> dict[str, Any]:
        """One unit with its particulars, why it was planned, and its whole state. Raises `BadValue`."""
        row = next((row for row in self._rows() if row.id == unit_id), None)
        if row is None:
            raise BadValue(unit_id, "a unit", "`strongroom plans` lists them")
        state = self._state(row)
        return told(row, state) | {"rationale": self._rationale(row), "state": state}

    def waiting(self) -> list[dict[str, Any]]:
        """The units that wait for guardians, also those whose rejection does, with who must sign and, where one waits
        for its time too, from when on it is carried out."""
        rows = [row for row in self._rows() if row.status in ASLEEP and row.nonce is not None]
        return [summary(row) | _asked(self._state(row)) for row in rows]

    def _rows(self) -> tuple[Row, ...]:
        if not self._folder.units.exists():
            return ()
        with closing(Units(self._folder.units)) as units:
            return units.all()

    def _state(self, row: Row) -> dict[str, Any]:
        if not self._folder.checkpoints.exists():
            return {}
        with look_at_checkpoints(self._folder.checkpoints) as saver:
            return state_in(saver, row.id)

    def _rationale(self, row: Row) -> str:
        from strongroom.ledger.reading import read_entry

        planned = read_entry(self._folder.ledger, row.cause)
        return str(planned.body.get("plan", {}).get("rationale", "")) if planned else ""


def _asked(state: Mapping[str, Any]) -> dict[str, Any]:
    decision, proposed = state.get("decision", {}), state.get("proposed")
    delay = decision.get("delay_seconds", 0)
    ripe_at = proposed + delay if delay and proposed else None
    needed, quorums = decision.get("approvals_needed", 0), decision.get("quorums", [])
    return {"approvals_needed": needed, "quorums": quorums, "ripe_at": ripe_at}


def summary(row: Row) -> dict[str, Any]:
    """One unit in a line. `pays`, `sells`, `lends` and `takes_back` are what it would move of each token, in the
    token's smallest unit."""
    intents = row.value().intents
    return {
        "id": row.id,
        "actor": row.actor,
        "status": row.status,
        "lane": row.lane,
        "intents": row.intents,
        "pays": _sums((each.token.value, each.amount_units.value) for each in intents if isinstance(each, Pay)),
        "sells": _sums((each.token_in.value, each.amount_in_units.value) for each in intents if isinstance(each, Swap)),
        "lends": _lent(intents, Supply),
        "takes_back": _lent(intents, Withdraw),
        "nonce": row.nonce,
        "proposal": row.binding,
        "tx_hash": row.tx_hash,
        "why": row.why,
    }


def told(row: Row, state: Mapping[str, Any]) -> dict[str, Any]:
    """One unit with what it does and every finding on it."""
    known = particulars(row.value(), cast(State, state))
    return summary(row) | known | {"findings": state.get("decision", {}).get("findings", [])}


def _lent(intents: Iterable[Intent], kind: type[Supply] | type[Withdraw]) -> dict[str, Any]:
    return _sums((each.token.value, each.amount_units.value) for each in intents if isinstance(each, kind))


def _sums(amounts: Any) -> dict[str, Any]:
    sums: Counter[str] = Counter()
    for token, units in amounts:
        sums[token] += units
    return {token: to_plain(units) for token, units in sums.items()}
