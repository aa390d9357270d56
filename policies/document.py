"""policy.toml becomes a checked, frozen `PolicyDocument`, and a document has one hash.

The hash covers what the policy means, not how it is written: comments, order, spacing and spelling (`1 day`, `24
hours`) leave it as it is; any changed amount, address, name or note changes it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping

from policies import frame
from policies.agreement import agreement
from policies.conflicts import who_is_paid
from policies.consistency import check
from policies.debts import Debt, debt
from policies.freezes import freezes
from policies.health import health_least
from policies.holdings import holdings
from policies.hours import hours
from policies.markets import AAVE_V3, Market, Reserve
from policies.newcomers import newcomers, since
from policies.orders import order
from policies.outflow import outflow
from policies.owner_guarding import owner_guard
from policies.pacing import pace
from policies.remembering import kept
from policies.runway import runway
from policies.sanctions import sanctions
from policies.terms import (
    UNISWAP_V2,
    UNISWAP_V3,
    Cap,
    ListedToken,
    Payee,
    PolicyDocument,
    Pool,
    Tier,
    Venue,
)
from policies.tiers import guardians, tier
from policies.trading import trading, volatility
from policies.vaults import ERC4626, Vault, vault
from policies.watching import watch
from policies.wrapping import WETH, Wrapper, wrapper
from strongroom.addresses import to_digest
from strongroom.documents import Table, parse
from strongroom.errors import BadValue, NotNamed
from strongroom.model import Account, Digest, Token, TokenId
from strongroom.plain import to_plain
from strongroom.quantities import parse_amount, parse_units

Decimals = Mapping[TokenId, int]
KINDS = (UNISWAP_V3, UNISWAP_V2, AAVE_V3, ERC4626, WETH)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_LONGEST_NOTE = 200


def load(text: str, name: str = "policy.toml") -> PolicyDocument:
    """The policy in `text`. Raises `InputError` naming the line, the key, the value and what to write
    instead."""
    with parse(text, name) as top:
        document = _document(top)
        top.done()
        check(document, name)
    return document


@kept
def document_hash(document: PolicyDocument) -> Digest:
    """SHA-256 of the document's plain form as JSON with sorted keys, no spaces, UTF-8."""
    plain = json.dumps(to_plain(document), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return to_digest(hashlib.sha256(plain.encode()).digest())


def _document(top: Table) -> PolicyDocument:
    with top.table("account") as row:
        account, multisend = Account(row.integer("chain_id"), row.address("safe")), row.address("multisend")
    decimals = {TokenId(_name(id_, row.where)): _decimals(row) for id_, row in top.tables("tokens").items()}
    swapping = top.table("swaps")
    bounds, swaps = trading(swapping), frame.swaps(swapping)
    places = {_name(id_, row.where): _place(id_, row, decimals) for id_, row in top.tables("venues").items()}
    return PolicyDocument(
        account=account,
        multisend=multisend,
        tokens={TokenId(id_): _token(account, id_, row) for id_, row in top.tables("tokens").items()},
        payees={_name(id_, row.where): _payee(id_, row, decimals) for id_, row in top.tables("payees").items()},
        venues={id_: place for id_, place in places.items() if isinstance(place, Venue)},
        markets={id_: place for id_, place in places.items() if isinstance(place, Market)},
        wrappers={id_: place for id_, place in places.items() if isinstance(place, Wrapper)},
        vaults={id_: place for id_, place in places.items() if isinstance(place, Vault)},
        caps={_name(id_, row.where): _caps(id_, row, decimals) for id_, row in top.tables("caps").items()},
        orders={_name(id_, row.where): order(id_, row, decimals) for id_, row in top.tables("orders").items()},
        guardians=guardians(top.table("guardians")),
        bounds=frame.bounds(top.table("prices")),
        max_loss_bps=swaps[0],
        losses=swaps[1],
        gas=frame.gas(top.table("gas")),
        actions=frame.actions(top.table("actions")),
        kernel=frame.kernel(top.table("kernel")),
        watch=watch(top.table("watch")),
        owner_guard=owner_guard(top.table("owner_guard")),
        sanctions=sanctions(top.table("sanctions")),
        models=agreement(top.table("models")),
        hours=hours(top.table("hours")),
        freezes=freezes(top.rows("freezes")),
        newcomers=newcomers(top.table("newcomers"), decimals),
        outflow=outflow(top.table("outflow")),
        holdings=holdings(top.table("holdings")),
        runway=runway(top.table("runway")),
        trading=bounds,
        volatility=volatility(top.table("volatility")),
    )


def _name(text: str, where: str) -> str:
    if not _NAME.fullmatch(text):
        raise BadValue(text, where, "a name starts with a letter and holds letters, digits, `-` and `_`, at most 32")
    return text


def _decimals(row: Table) -> int:
    decimals = row.integer("decimals")
    if decimals > 36:
        raise BadValue(decimals, row.path("decimals"), "a token has at most 36 decimals")
    return decimals


def _token(account: Account, id_: str, row: Table) -> ListedToken:
    with row:
        decimals = _decimals(row)
        token = Token(account, TokenId(id_), row.address("address"), decimals)
        own = {token.id: decimals}
        return ListedToken(
            token=token,
            feeds=frame.addresses(row, "feeds", ()),
            price_as=TokenId(row.text("price_as")) if row.has("price_as") else None,
            max_age_seconds=frame.seconds(row, "max_age") if row.has("max_age") else None,
            keep_units=_units(row, "keep", token.id, own) if row.has("keep") else 0,
            source=row.address("source") if row.has("source") else None,
        )


def _payee(id_: str, row: Table, decimals: Decimals) -> Payee:
    with row:
        amounts = [parse_amount(text, decimals, row.path("at_most")) for text in row.texts("at_most")]
        at_most = {amount.token: amount.units for amount in amounts}
        if not amounts or len(at_most) != len(amounts) or not all(at_most.values()):
            raise BadValue(row.texts("at_most"), row.path("at_most"), 'write one amount per token: ["12_000 USDC"]')
        note = row.text("note", "")
        if len(note) > _LONGEST_NOTE or not note.isprintable():
            raise BadValue(
                note.encode("unicode_escape").decode(),
                row.path("note"),
                f"write one line of at most {_LONGEST_NOTE} characters",
            )
        delay = frame.seconds(row, "delay") if row.has("delay") else 0
        return Payee(
            *(id_, row.address("address"), _name(row.text("class"), row.path("class")), at_most, note, delay),
            *who_is_paid(row),
            since=since(row),
            pace=pace(row),
        )


def _place(id_: str, row: Table, decimals: Decimals) -> Venue | Market | Wrapper | Vault:
    with row:
        kind = row.choice("kind", KINDS)
        if kind == WETH:
            return wrapper(id_, row, decimals)
        if kind == ERC4626:
            token = _listed(row.text("token"), row, decimals)
            return vault(id_, row, token, lambda key: _units(row, key, token, decimals))
        if kind == AAVE_V3:
            reserves = tuple(_reserve(reserve, decimals) for reserve in row.rows("reserves"))
            debts = tuple(_debt(owed, decimals) for owed in row.rows("debts"))
            return Market(id_, kind, row.address("pool"), reserves, debts, health_least(row))
        has_ticks = kind == UNISWAP_V3
        return Venue(
            id=id_,
            kind=kind,
            router=row.address("router"),
            quoter=row.address("quoter") if has_ticks else None,
            lens=row.address("lens") if has_ticks else None,
            pools=tuple(_pool(pool, decimals) for pool in row.rows("pools")),
        )


def _reserve(row: Table, decimals: Decimals) -> Reserve:
    with row:
        token = _listed(row.text("token"), row, decimals)
        return Reserve(token, row.address("share"), _units(row, "most", token, decimals))


def _debt(row: Table, decimals: Decimals) -> Debt:
    with row:
        return debt(row, _listed(row.text("token"), row, decimals))


def _pool(row: Table, decimals: Decimals) -> Pool:
    with row:
        tokens = row.texts("tokens")
        if len(tokens) != 2 or tokens[0] == tokens[1] or not set(tokens) <= set(decimals):
            raise BadValue(tokens, row.path("tokens"), 'name two listed tokens: ["WETH", "USDC"]')
        fee_pips = _pips(row.text("fee"), row.path("fee"))
        return Pool(row.address("address"), (TokenId(tokens[0]), TokenId(tokens[1])), fee_pips)


def _pips(text: str, where: str) -> int:
    number, sign, rest = text.strip().partition("%")
    if not sign or rest.strip():
        raise BadValue(text, where, "write a percentage, for example `0.05 %`")
    return parse_units(number, 4, where)


def _caps(bucket_class: str, table: Table, decimals: Decimals) -> Mapping[TokenId, Cap]:
    with table:
        rows = {id_: table.table(id_) for id_ in list(table.keys())}
        if not rows:
            raise NotNamed("token", table.where, f"write a cap: [caps.{bucket_class}.TOKEN]")
        return {
            _listed(id_, row, decimals): _cap(bucket_class, TokenId(id_), row, decimals) for id_, row in rows.items()
        }


def _listed(id_: str, row: Table, decimals: Decimals) -> TokenId:
    if id_ not in decimals:
        raise BadValue(id_, row.where, "name a listed token: " + ", ".join(f"`{token}`" for token in decimals))
    return TokenId(id_)


def _cap(bucket_class: str, token: TokenId, row: Table, decimals: Decimals) -> Cap:
    with row:
        amount, _, window = row.text("cap").partition(" per ")
        if not window:
            raise BadValue(row.text("cap"), row.path("cap"), f"write for example `60_000 {token} per 30 days`")
        cap_units = _same_token(amount, token, decimals, row.path("cap"))
        return Cap(
            bucket_class=bucket_class,
            token=token,
            cap_units=cap_units,
            window_seconds=frame.window(window, row.path("cap")),
            at_once_units=_units(row, "at_once", token, decimals),
            never_units=_units(row, "never_above", token, decimals),
            tiers=tuple(_tier(text, token, decimals, row.path("ask")) for text in row.texts("ask", ())),
            model_units=_units(row, "model_alone", token, decimals) if row.has("model_alone") else 0,
        )


def _tier(text: str, token: TokenId, decimals: Decimals, where: str) -> Tier:
    return tier(text, token, lambda amount: _same_token(amount, token, decimals, where), where)


def _units(row: Table, key: str, token: TokenId, decimals: Decimals) -> int:
    return _same_token(row.text(key), token, decimals, row.path(key))


def _same_token(text: str, token: TokenId, decimals: Decimals, where: str) -> int:
    return parse_amount(text, {token: decimals[token]}, where).units
