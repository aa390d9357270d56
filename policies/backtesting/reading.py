"""The text of one file as rows: what it is, is seen from what stands in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from policies.backtesting.builder import is_batch, read_batch
from policies.backtesting.csv_export import read_csv
from policies.backtesting.rows import (
    OTHER_SAFE,
    History,
    HistoryRow,
    HistoryUnusable,
    Kind,
    Outcome,
    Unjudged,
    in_order,
)
from policies.backtesting.service import read_transactions
from policies.terms import PolicyDocument

_PAGES = "give pages of the Safe Transaction Service, Safe{Wallet}'s CSV or a batch of the transaction builder"
_CHAINS = {"eth": 1, "oeth": 10, "bnb": 56, "gno": 100, "pol": 137, "base": 8453, "arb1": 42161, "sep": 11155111}
"""As api.safe.global names them in a page's links."""


def read_history(files: Iterable[tuple[str, str]], document: PolicyDocument) -> History:
    """The rows of all files, each a name and its text. Raises as `read_file` and `gathered`."""
    return gathered([row for name, text in files for row in read_file(text, document, name)], document, "the files")


def gathered(rows: Sequence[HistoryRow | Unjudged], document: PolicyDocument, name: str) -> History:
    """What was read, each transaction once and in order. Raises `HistoryUnusable` where there is none, everything is of
    another Safe or cannot be read, or dates and nonces contradict each other."""
    if not rows:
        raise HistoryUnusable(name, "holds no transaction", _PAGES)
    foreign = [each for each in rows if isinstance(each, Unjudged) and each.why.startswith(OTHER_SAFE)]
    unread = [each for each in rows if isinstance(each, Unjudged) and each.kind is Kind.UNREAD]
    if len(foreign) == len(rows):
        mend = f"give the history of the policy's Safe, `{document.account.safe}`"
        raise HistoryUnusable(foreign[0].place, foreign[0].why, mend)
    if len(unread) == len(rows):
        raise HistoryUnusable(unread[0].place, f"{unread[0].why}, and no other row can be read either", _PAGES)
    return in_order(_rejected(_once(rows)))


def read_file(text: str, document: PolicyDocument, name: str) -> Iterator[HistoryRow | Unjudged]:
    """One file's rows. Raises `HistoryUnusable`, naming the line where it can, where it cannot be read at all."""
    if not text.strip():
        raise HistoryUnusable(name, "is empty", _PAGES)
    if text.lstrip("\ufeff \r\n\t")[0] not in "{[":
        yield from read_csv(text, document, name)
        return
    values = list(_values(text, name))
    batches = [each for each in values if is_batch(each)]
    yield from (read_batch(each, document, name) for each in batches)
    if len(batches) < len(values):
        entries = [entry for each in values if not is_batch(each) for entry in _entries(each, document, name)]
        yield from read_transactions(entries, document.account.safe, name)


def _values(text: str, name: str) -> Iterator[Any]:
    """One JSON value, or several one after the other."""
    decoder, at = json.JSONDecoder(), 0
    text = text.lstrip("\ufeff")
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, getattr(error, "pos", at)) + 1
            raise HistoryUnusable(f"{name} line {line}", f"is no JSON ({error})", "fetch it again, whole") from error
        yield value


def _entries(value: Any, document: PolicyDocument, name: str) -> Sequence[Any]:
    """What a page lists, several pages list, or a bare list is."""
    if isinstance(value, Mapping) and isinstance(value.get("results"), list):
        _same_chain(value, document, name)
        return list(value["results"])
    if isinstance(value, list):
        pages = [isinstance(each, Mapping) and "results" in each for each in value]
        return [entry for each in value for entry in _entries(each, document, name)] if any(pages) else value
    raise HistoryUnusable(name, "is JSON, but no page of transactions: it has no `results`", _PAGES)


def _same_chain(page: Mapping[str, Any], document: PolicyDocument, name: str) -> None:
    link = str(page.get("next") or page.get("previous") or "")
    chain = _CHAINS.get(link.partition("/tx-service/")[2].partition("/")[0])
    if chain not in (None, document.account.chain_id):
        why = f"is of chain {chain}, the policy's Safe is on chain {document.account.chain_id}"
        raise HistoryUnusable(name, why, "fetch the history from that chain's service")


def _once(found: Sequence[HistoryRow | Unjudged]) -> list[HistoryRow | Unjudged]:
    """Where pages overlap, and lists show the same transaction, it counts once: as the one that shows what moved."""
    fullest = sorted(found, key=lambda each: isinstance(each, HistoryRow) and each.transfers is None)
    seen, rows = set[str](), list[HistoryRow | Unjudged]()
    for each in fullest:
        if isinstance(each, HistoryRow) and each.id in seen:
            rows.append(Unjudged(each.place, each.tx_hash, Kind.REPEATED, "is there already"))
            continue
        if isinstance(each, HistoryRow) and each.id:
            seen.add(each.id)
        rows.append(each)
    return rows


def _rejected(rows: Sequence[HistoryRow | Unjudged]) -> Iterator[HistoryRow | Unjudged]:
    """What waits at a nonce that was used, for an empty call too, was rejected."""
    done = (Outcome.EXECUTED, Outcome.FAILED)
    used = {each.nonce for each in rows if isinstance(each, Unjudged) or each.outcome in done} - {None}
    for each in rows:
        if isinstance(each, HistoryRow) and each.outcome is Outcome.WAITING and each.nonce in used:
            yield each._replace(outcome=Outcome.REJECTED)
        else:
            yield each
