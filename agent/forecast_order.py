"""An order that is forecast, as operators write it."""

from __future__ import annotations

from dataclasses import dataclass

from policies.terms import PolicyDocument
from strongroom.errors import BadValue
from strongroom.model import NATIVE, Token, TokenId
from strongroom.quantities import parse_amount


@dataclass(frozen=True, slots=True)
class Order:
    """Sell `units` of `token_in`, more than zero, for `token_out`, another one."""

    token_in: Token
    token_out: Token
    units: int


def parse_order(text: str, policy: PolicyDocument) -> Order:
    """`50 WETH to USDC` in units of listed tokens. Raises `BadValue`."""
    amount, word, bought = " ".join(text.split()).rpartition(" to ")
    if not word:
        raise BadValue(text, "an order", "write what is sold and for what, for example `50 WETH to USDC`")
    decimals = {id_: listed.token.decimals for id_, listed in policy.tokens.items()}
    sold, token_out = parse_amount(amount, decimals, "the amount sold"), TokenId(bought)
    if token_out not in policy.tokens:
        raise BadValue(
            bought, "the token bought", "policy.toml lists " + ", ".join(f"`{id_}`" for id_ in policy.tokens)
        )
    order = Order(policy.tokens[sold.token].token, policy.tokens[token_out].token, sold.units)
    if order.token_in == order.token_out:
        raise BadValue(text, "an order", "name two tokens")
    if order.units == 0:
        raise BadValue(text, "an order", "sell more than nothing")
    for token in (order.token_in, order.token_out):
        if token.address == NATIVE:
            raise BadValue(token.id, "an order", "pools hold no coin of the chain; name the token that wraps it")
    return order
