"""Transactions as the Safe Transaction Service lists them: pages of `/multisig-transactions/` (v1 and v2),
`/module-transactions/` and `/all-transactions/`, which alone also shows what moved (`transfers`).

Source: the service's OpenAPI description at api.safe.global, schemas `SafeMultisigTransactionWithTransfersResponse`,
`SafeModuleTransactionWithTransfersResponse`, `EthereumTxWithTransfersResponse`. Our own server lists the same shapes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from policies.backtesting.fields import address, calldata, moment, number
from policies.backtesting.rows import OTHER_SAFE, By, HistoryRow, Kind, Outcome, Transfer, Unjudged
from strongroom.model import NATIVE, Address, Operation

_MOVES = {"ETHER_TRANSFER": None, "ERC20_TRANSFER": "tokenAddress"}
NOTHING = "an empty call of the Safe to itself: how owners reject what stood at its nonce"


def read_transactions(entries: Sequence[Any], safe: Address, place: str) -> Iterator[HistoryRow | Unjudged]:
    """Each entry of `results` as a row, or why it is none. `place` names the file; rows are counted from 1."""
    for row, entry in enumerate(entries, 1):
        where = f"{place} row {row}"
        try:
            yield _read(entry, safe, where)
        except ValueError as error:
            yield Unjudged(where, _hash(entry), Kind.UNREAD, str(error))


def _hash(entry: Any) -> str:
    found = entry.get("transactionHash") or entry.get("safeTxHash") if isinstance(entry, Mapping) else None
    return found if isinstance(found, str) and found.isalnum() and len(found) <= 66 else ""


def _read(entry: Any, safe: Address, place: str) -> HistoryRow | Unjudged:
    if not isinstance(entry, Mapping):
        raise ValueError("is no transaction")
    if "safe" not in entry:
        return _of_others(entry, place)
    if (other := address(entry, "safe")) != safe:
        raise ValueError(f"{OTHER_SAFE}, `{other}`")
    row = _by_module(entry, safe, place) if "module" in entry else _by_owners(entry, safe, place)
    if row.by is By.OWNERS and row.to == safe and not row.data and not row.value_wei:
        used = row.nonce if row.outcome is not Outcome.WAITING else None
        return Unjudged(place, row.tx_hash, Kind.CANCELLATION, NOTHING, used)
    return row


def _of_others(entry: Mapping[str, Any], place: str) -> Unjudged:
    if "txHash" not in entry:
        raise ValueError("is no transaction of a Safe: it names no `safe`")
    return Unjudged(place, str(entry["txHash"])[:66], Kind.INCOMING, "others sent it; the Safe decided nothing")


def _by_module(entry: Mapping[str, Any], safe: Address, place: str) -> HistoryRow:
    address(entry, "module")
    outcome = Outcome.EXECUTED if entry.get("isSuccessful") else Outcome.FAILED
    time = moment(entry.get("executionDate"), "executionDate")
    return _row(entry, safe, place, time, None, By.MODULE, outcome)


def _by_owners(entry: Mapping[str, Any], safe: Address, place: str) -> HistoryRow:
    nonce = number(entry, "nonce")
    if not entry.get("isExecuted"):
        key, outcome = "submissionDate", Outcome.WAITING
    else:
        key, outcome = "executionDate", Outcome.EXECUTED if entry.get("isSuccessful") else Outcome.FAILED
    return _row(entry, safe, place, moment(entry.get(key), key), nonce, By.OWNERS, outcome)


def _row(
    entry: Mapping[str, Any], safe: Address, place: str, time: int, nonce: int | None, by: By, outcome: Outcome
) -> HistoryRow:
    to = address(entry, "to") if entry.get("to") is not None else NATIVE
    value, data, kind = number(entry, "value"), calldata(entry, "data"), number(entry, "operation")
    if kind > 1:
        raise ValueError(f"`operation` is neither 0, a call, nor 1, a delegatecall: `{kind}`")
    moved = _transfers(entry, outcome)
    return HistoryRow(
        place, time, _hash(entry), nonce, by, to, value, data, Operation(kind), outcome, moved, _id(entry)
    )


def _id(entry: Mapping[str, Any]) -> str:
    return str(entry.get("safeTxHash") or entry.get("moduleTransactionId") or "")


def _transfers(entry: Mapping[str, Any], outcome: Outcome) -> tuple[Transfer, ...] | None:
    listed = entry.get("transfers")
    if listed is None or outcome not in (Outcome.EXECUTED, Outcome.FAILED):
        return None
    if not isinstance(listed, Sequence):
        raise ValueError("`transfers` is no list")
    return tuple(_transfer(each) for each in listed if not _is_collectible(each))


def _is_collectible(entry: Any) -> bool:
    """Of what is counted one by one the policy has no amounts; the calls that move it are judged all the same."""
    return isinstance(entry, Mapping) and entry.get("type") == "ERC721_TRANSFER"


def _transfer(entry: Any) -> Transfer:
    if not isinstance(entry, Mapping) or entry.get("type") not in _MOVES:
        raise ValueError("`transfers` holds what is no transfer of ether or of a token")
    key = _MOVES[entry["type"]]
    token = address(entry, key) if key else NATIVE
    return Transfer(token, address(entry, "from"), address(entry, "to"), number(entry, "value"))
