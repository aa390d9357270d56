"""The CSV that Safe{Wallet} exports: a line for each transfer, no calldata.

Source: the Safe Client Gateway's module `csv-export`, whose columns these are. Older exports call `Asset Type` just
`Asset` and have neither `Asset Symbol` nor `Nonce`.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from io import StringIO

from policies.backtesting.fields import address, moment
from policies.backtesting.rows import OTHER_SAFE, By, HistoryRow, HistoryUnusable, Kind, Outcome, Transfer, Unjudged
from policies.scenario import dress
from policies.terms import PolicyDocument
from strongroom.errors import BadValue
from strongroom.model import NATIVE, Address, Call, Token, TokenId
from strongroom.protocols.erc20 import encode_transfer
from strongroom.quantities import parse_units
from strongroom.untrusted import shown

_COLUMNS = ("Safe Address", "From Address", "To Address", "Transaction Hash", "Contract Address", "Amount")
_DATE = "Executed at"
_COIN = ("native", "ether", "eth")
Line = tuple[int, Mapping[str, str]]


def read_csv(text: str, document: PolicyDocument, place: str) -> Iterator[HistoryRow | Unjudged]:
    """A row for each transaction hash, with its lines' transfers. Raises `HistoryUnusable` where columns lack."""
    lines = csv.DictReader(StringIO(text.lstrip("\ufeff"), newline=""), strict=True)
    by_hash: dict[str, list[Line]] = defaultdict(list)
    try:
        _known(lines.fieldnames or (), place)
        for number, line in enumerate(lines, 2):
            by_hash[line["Transaction Hash"] or f"line {number}"].append((number, line))
    except csv.Error as error:
        raise HistoryUnusable(f"{place} line {lines.line_num}", f"is no CSV ({error})", "export it anew") from error
    for tx_hash, members in by_hash.items():
        where = f"{place} line {members[0][0]}"
        try:
            yield _read(members, document, where, tx_hash)
        except (ValueError, BadValue) as error:
            yield Unjudged(where, tx_hash[:66], Kind.UNREAD, str(error))


def _known(columns: object, place: str) -> None:
    missing = [each for each in (*_COLUMNS, _DATE) if each not in list(columns or ())]  # type: ignore[call-overload]
    if missing:
        why = "has no column " + ", ".join(f"`{each}`" for each in missing)
        raise HistoryUnusable(f"{place} line 1", why, "give the file that Safe{Wallet} exports, unchanged")


def _read(members: list[Line], document: PolicyDocument, place: str, tx_hash: str) -> HistoryRow | Unjudged:
    safe = document.account.safe
    for _, line in members:
        if (other := address(line, "Safe Address")) != safe:
            raise ValueError(f"{OTHER_SAFE}, `{other}`")
    sent = [line for _, line in members if address(line, "From Address") == safe]
    if not sent:
        return Unjudged(place, tx_hash, Kind.INCOMING, "others sent it; the Safe decided nothing")
    moved = tuple(_transfer(line, document) for _, line in members)
    nonce = sent[0].get("Nonce") or ""
    dressed = dress(tuple(_call(each, document) for each in moved if each.sender == safe), document, 0)
    return HistoryRow(
        place,
        moment(sent[0][_DATE], _DATE),
        tx_hash,
        int(nonce) if nonce.isdecimal() and len(nonce) < 20 else None,
        By.OWNERS,
        dressed.to,
        dressed.value_wei,
        dressed.data,
        dressed.operation,
        Outcome.EXECUTED,
        moved,
        tx_hash,
        has_bytes=False,
    )


def _transfer(line: Mapping[str, str], document: PolicyDocument) -> Transfer:
    token = _token(line, document)
    units = parse_units(line["Amount"], token.decimals, "`Amount`")
    return Transfer(token.address, address(line, "From Address"), address(line, "To Address"), units)


def _token(line: Mapping[str, str], document: PolicyDocument) -> Token:
    """By its contract; in a batch the file names the batch's contract instead, and only the symbol tells."""
    kind, symbol = line.get("Asset Type") or line.get("Asset") or "", line.get("Asset Symbol") or ""
    if kind.lower() in _COIN:
        found = document.token_at(NATIVE)
        known = found.token if found else None
    else:
        contract = line["Contract Address"]
        known = document.known_at(address(line, "Contract Address")) if contract else None
        known = known or document.token(TokenId(symbol))
    if known is None:
        raise ValueError(f"moves `{shown(symbol or kind)}`, which the policy does not list: its decimals are not known")
    return known


def _call(moved: Transfer, document: PolicyDocument) -> Call:
    if moved.token == NATIVE:
        return Call(document.account, moved.recipient, moved.units, b"")
    return Call(document.account, Address(moved.token), 0, encode_transfer(moved.recipient, moved.units))
