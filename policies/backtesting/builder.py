"""A batch of Safe's transaction builder: what owners mean to do, judged as if it were done now.

Source: safe-react-apps, `apps/tx-builder`, type `BatchFile`: `version`, `chainId`, `createdAt` in milliseconds, `meta`,
`transactions` of `to`, `value`, `data`, `contractMethod`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from policies.backtesting.fields import address, calldata, number
from policies.backtesting.rows import By, HistoryRow, HistoryUnusable, Kind, Outcome, Unjudged
from policies.scenario import dress
from policies.terms import PolicyDocument
from strongroom.model import Call


def is_batch(found: Any) -> bool:
    return isinstance(found, Mapping) and "transactions" in found and "chainId" in found


def read_batch(found: Mapping[str, Any], document: PolicyDocument, place: str) -> HistoryRow | Unjudged:
    """The batch as one transaction that waits. Raises `HistoryUnusable` where it is for another chain."""
    chain_id = str(found["chainId"])
    if chain_id != str(document.account.chain_id):
        why = f"is a batch for chain `{chain_id[:20]}`, the policy's Safe is on chain {document.account.chain_id}"
        raise HistoryUnusable(place, why, "build it for this chain")
    try:
        calls, created = _calls(found["transactions"], document), number(found, "createdAt") // 1000
        tx = dress(calls, document, 0)
    except ValueError as error:
        return Unjudged(place, "", Kind.UNREAD, str(error))
    return HistoryRow(
        place, created, "", None, By.OWNERS, tx.to, tx.value_wei, tx.data, tx.operation, Outcome.WAITING, None
    )


def _calls(listed: Any, document: PolicyDocument) -> tuple[Call, ...]:
    if not isinstance(listed, Sequence) or not listed or not all(isinstance(each, Mapping) for each in listed):
        raise ValueError("`transactions` holds no transaction")
    for place, each in enumerate(listed, 1):
        if each.get("data") is None and each.get("contractMethod") is not None:
            raise ValueError(f"transaction {place} names a method without `data`; export it with its calldata")
    return tuple(_call(each, document) for each in listed)


def _call(entry: Mapping[str, Any], document: PolicyDocument) -> Call:
    return Call(document.account, address(entry, "to"), number(entry, "value"), calldata(entry, "data"))
