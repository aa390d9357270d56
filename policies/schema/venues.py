"""The kinds of [venues.NAME], each with keys of its own."""

from __future__ import annotations

from policies.markets import AAVE_V3
from policies.schema.key import ADDRESS, AMOUNT, FACTOR, INTEGER, NAME, PERCENT, Form, Key, TableOf, optional, several
from policies.terms import UNISWAP_V2, UNISWAP_V3
from policies.vaults import ERC4626
from policies.wrapping import WETH

_POOLS = TableOf(
    "venues.NAME.pools",
    Form.ROWS,
    "A pool that swaps may use.",
    (
        Key("address", ADDRESS, "The pool's contract."),
        Key("tokens", several(NAME), "The two listed tokens that it trades."),
        Key("fee", PERCENT, "Its fee; `0.3 %` for every pair of Uniswap V2."),
    ),
)
_RESERVES = TableOf(
    "venues.NAME.reserves",
    Form.ROWS,
    "A token that may be lent there.",
    (
        Key("token", NAME, "The listed token."),
        Key("share", ADDRESS, "The aToken that stands for it."),
        Key("most", AMOUNT, "No supply takes the position above this."),
    ),
)
_DEBTS = TableOf(
    "venues.NAME.debts",
    Form.ROWS,
    "A token that the owners owe there, at a variable rate.",
    (
        Key("token", NAME, "The listed token."),
        Key("meter", ADDRESS, "The meter of that debt; `strongroom policy meter` plans it."),
    ),
)


def _kind(kind: str) -> Key:
    return Key("kind", NAME, f"`{kind}`.", choices=(kind,))


def _venue(kind: str, doc: str, *keys: Key, rows: tuple[TableOf, ...] = ()) -> TableOf:
    return TableOf("venues", Form.NAMED, doc, (_kind(kind), *keys), variant=kind, rows=rows)


_ROUTER = Key("router", ADDRESS, "What is called, and the only spender approved for a swap.")

VENUES = (
    _venue(
        UNISWAP_V3,
        "Uniswap V3, for swaps.",
        _ROUTER,
        Key("quoter", ADDRESS, "Its QuoterV2, which is only read."),
        Key("lens", ADDRESS, "Its TickLens, which is only read."),
        rows=(_POOLS,),
    ),
    _venue(UNISWAP_V2, "Uniswap V2, for swaps; its pools are pairs.", _ROUTER, rows=(_POOLS,)),
    _venue(
        AAVE_V3,
        "An Aave V3 market, where idle tokens may be lent.",
        Key("pool", ADDRESS, "What is called, and the only spender approved for a supply."),
        optional(
            "health_least", FACTOR, "While the owners owe there, they take back only what leaves this; above `1`."
        ),
        rows=(_RESERVES, _DEBTS),
    ),
    _venue(
        ERC4626,
        "An ERC-4626 vault of one token.",
        Key("vault", ADDRESS, "The vault, which is its own share."),
        Key("token", NAME, "The listed token that goes in."),
        Key("share_decimals", INTEGER, "The share's decimals, at most 27."),
        Key("least_worth", AMOUNT, "What a whole share is worth at least, or the Kernel stops both ways."),
        Key("most_worth", AMOUNT, "And at most."),
        Key("most", AMOUNT, "No deposit takes the position above this."),
        optional("max_loss", PERCENT, "What a fee may take, in or out."),
    ),
    _venue(
        WETH,
        "Where ether becomes its wrapped token and back, one for one.",
        Key("coin", NAME, "The chain's coin, at the zero address."),
        Key("token", NAME, "The token that wraps it, which is itself what is called."),
    ),
)
