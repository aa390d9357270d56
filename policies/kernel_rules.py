"""What a policy lets the agent's key do alone, as the Kernel's rules, and guardians while the Kernel is paused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from policies.markets import EXITS, LENDING, Market, Reserve
from policies.terms import SWAPS, UNISWAP_V2, Cap, PolicyDocument, Pool, Venue
from strongroom.model import TokenId
from strongroom.protocols.kernel import class_number
from strongroom.protocols.kernel_acts import UNLIMITED_HOLDING, ActRule, exit_rule, supply_rule, withdraw_rule
from strongroom.protocols.kernel_legs import KernelRule, PayRule, SwapRule

LARGEST_UNITS = 2**96 - 1
AnyRule = KernelRule | ActRule


def rules_of(document: PolicyDocument) -> Iterator[tuple[str, AnyRule]]:
    """Every rule with what the document calls it, in the document's order."""
    yield from _pay_rules(document)
    yield from _swap_rules(document)
    yield from _lending_rules(document)


def alone(cap: Cap) -> int:
    """The most that one payment, swap or loan may be without guardians: a stolen key gets no more at once than the
    agent."""
    return min([cap.at_once_units, *(tier.above_units for tier in cap.tiers)])


def _pay_rules(document: PolicyDocument) -> Iterable[tuple[str, PayRule]]:
    for payee in document.payees.values():
        for token, units in payee.max_units.items():
            cap = document.caps[payee.bucket_class][token]
            most = min(units, alone(cap), LARGEST_UNITS)
            rule = PayRule(document.tokens[token].token.address, payee.address, most, class_number(cap.bucket_class))
            if most:
                yield f"pay {payee.id} in {token}", rule


def _swap_rules(document: PolicyDocument) -> Iterator[tuple[str, SwapRule]]:
    """One rule for each pool and direction, where both tokens name the source of their price and losses are bounded."""
    if document.losses is None:
        return
    for venue in document.venues.values():
        for pool in venue.pools:
            for token_in, token_out in (pool.tokens, pool.tokens[::-1]):
                rule = _swap_rule(document, venue, pool, token_in, token_out)
                if rule is not None:
                    yield f"swap {token_in} to {token_out} at {venue.id} {pool.fee_pips}", rule


def _swap_rule(
    document: PolicyDocument, venue: Venue, pool: Pool, token_in: TokenId, token_out: TokenId
) -> SwapRule | None:
    paid, got, cap = document.tokens[token_in], document.tokens[token_out], document.cap(SWAPS, token_in)
    if paid.source is None or got.source is None or cap is None or not alone(cap):
        return None
    most = min(alone(cap), LARGEST_UNITS)
    fee_pips = None if venue.kind == UNISWAP_V2 else pool.fee_pips
    pair = (paid.token.address, got.token.address, fee_pips, document.account.safe)
    return SwapRule(venue.router, *pair, most, paid.source, got.source, document.max_loss_bps, class_number(SWAPS))


def _lending_rules(document: PolicyDocument) -> Iterator[tuple[str, ActRule]]:
    """Supply and withdraw for the agent, and the withdrawal as an exit for guardians, each at par."""
    for market in document.markets.values():
        for reserve in market.reserves:
            cap = document.caps[LENDING][reserve.token]
            if most := min(alone(cap), LARGEST_UNITS):
                yield from _reserve_rules(document, market, reserve, most)


def _reserve_rules(
    document: PolicyDocument, market: Market, reserve: Reserve, most: int
) -> Iterator[tuple[str, ActRule]]:
    parties = (market.pool, document.tokens[reserve.token].token.address, reserve.share, document.account.safe)
    supply = supply_rule(*parties, most, class_number(LENDING))
    withdrawal = withdraw_rule(*parties, most, class_number(LENDING))
    holding, whole = min(reserve.most_units, UNLIMITED_HOLDING), min(reserve.most_units, LARGEST_UNITS)
    exit_ = replace(exit_rule(withdrawal, class_number(EXITS)), max_units=whole)
    yield f"supply {reserve.token} at {market.id}", replace(supply, max_holding_units=holding)
    yield f"withdraw {reserve.token} at {market.id}", withdrawal
    yield f"exit {reserve.token} from {market.id}, guardians while paused", exit_
