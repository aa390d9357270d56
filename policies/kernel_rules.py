"""What a policy lets the agent's key do alone, as the Kernel's rules, and guardians while the Kernel is paused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from policies.debts import REPAYMENTS, Debt
from policies.delays import announced
from policies.markets import EXITS, LENDING, Market, Reserve
from policies.orders import Order
from policies.terms import SWAPS, UNISWAP_V2, Cap, PolicyDocument, Pool, Venue
from policies.vaults import Vault
from policies.wrapping import WRAPS
from strongroom.errors import BadValue
from strongroom.model import TokenId
from strongroom.protocols.kernel import class_number
from strongroom.protocols.kernel_acts import UNLIMITED_HOLDING, ActRule, exit_rule, supply_rule, withdraw_rule
from strongroom.protocols.kernel_legs import KernelRule, PayRule, SwapRule
from strongroom.protocols.kernel_orders import OrderRule, order_name
from strongroom.protocols.kernel_rules_erc4626 import deposit_rule, redeem_rule
from strongroom.protocols.kernel_rules_repay import repay_rule
from strongroom.protocols.kernel_rules_weth import unwrap_rule, wrap_rule

LARGEST_UNITS = 2**96 - 1
AnyRule = KernelRule | ActRule


def rules_of(document: PolicyDocument) -> Iterator[tuple[str, AnyRule]]:
    """Every rule with what the document calls it, in the document's order."""
    yield from _pay_rules(document)
    for order in document.orders.values():
        rule = order_rule(order, document)
        yield f"order {order.id}: {order.payee} in {order.token}{announced(rule.delay_seconds, document)}", rule
    yield from _swap_rules(document)
    yield from _lending_rules(document)
    yield from _repayment_rules(document)
    yield from _vault_rules(document)
    yield from _wrapping_rules(document)


def alone(cap: Cap) -> int:
    """The most that one payment, swap or loan may be without guardians: a stolen key gets no more at once than the
    agent."""
    return min([cap.at_once_units, *(tier.above_units for tier in cap.tiers)])


def _pay_rules(document: PolicyDocument) -> Iterable[tuple[str, PayRule]]:
    for payee in document.payees.values():
        for token, units in payee.max_units.items():
            cap = document.caps[payee.bucket_class][token]
            most = min(units, alone(cap), LARGEST_UNITS)
            address, number = document.tokens[token].token.address, class_number(cap.bucket_class)
            rule = PayRule(address, payee.address, most, number, payee.delay_seconds)
            if most:
                yield f"pay {payee.id} in {token}{announced(payee.delay_seconds, document)}", rule


def order_rule(order: Order, document: PolicyDocument) -> OrderRule:
    """A standing order as the Kernel takes it, announced like any other payment to its payee. Raises `BadValue` on an
    amount that the Kernel cannot count."""
    if order.units > LARGEST_UNITS:
        raise BadValue(order.units, f"`amount` of [orders.{order.id}]", "the Kernel counts up to 2^96 units")
    token, payee = document.tokens[order.token].token.address, document.payees[order.payee]
    times = (order.every_seconds, order.not_before, order.not_after, payee.delay_seconds)
    return OrderRule(order_name(order.id), token, payee.address, order.units, *times)


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
    """Supply and withdraw for the agent, and the withdrawal as an exit for guardians, each at par. What is lent where
    the owners borrow is collateral: nobody takes it back through the Kernel."""
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
    if market.debts:
        return
    yield f"withdraw {reserve.token} at {market.id}", withdrawal
    yield f"exit {reserve.token} from {market.id}, guardians while paused", exit_


def _repayment_rules(document: PolicyDocument) -> Iterator[tuple[str, ActRule]]:
    """For the agent, and for guardians while the Kernel is paused: a debt near liquidation waits for nobody's key."""
    for market in document.markets.values():
        for debt in market.debts:
            cap = document.caps[REPAYMENTS][debt.token]
            if most := min(alone(cap), LARGEST_UNITS):
                repay = _repayment(document, market, debt, most)
                rescue = replace(exit_rule(repay, class_number(EXITS)), max_units=min(cap.never_units, LARGEST_UNITS))
                yield f"repay {debt.token} at {market.id}", repay
                yield f"repay {debt.token} at {market.id}, guardians while paused", rescue


def _repayment(document: PolicyDocument, market: Market, debt: Debt, most: int) -> ActRule:
    asset, safe = document.tokens[debt.token].token.address, document.account.safe
    return repay_rule(market.pool, asset, debt.meter, safe, most, class_number(REPAYMENTS))


def _vault_rules(document: PolicyDocument) -> Iterator[tuple[str, ActRule]]:
    """Both ways within the policy's range of what a share is worth, and the way home for guardians."""
    for vault in document.vaults.values():
        most = min(alone(document.caps[LENDING][vault.token]), LARGEST_UNITS)
        # A rule with a maximum of zero would be a claim.
        if vault.to_shares_down(most):
            yield from _ways(document, vault, most)


def _ways(document: PolicyDocument, vault: Vault, most: int) -> Iterator[tuple[str, ActRule]]:
    parties = (vault.address, document.tokens[vault.token].token.address, document.account.safe, vault.worth)
    number, loss, holding = class_number(LENDING), vault.max_loss_bps, vault.to_shares_down(vault.most_units)
    shares, whole = (min(each, LARGEST_UNITS) for each in (vault.to_shares_down(most), holding))
    deposit = deposit_rule(*parties, most, number, max_loss_bps=loss)
    redemption = redeem_rule(*parties, shares, number, max_loss_bps=loss)
    exit_ = replace(exit_rule(redemption, class_number(EXITS)), max_units=whole)
    bounded = replace(deposit, max_holding_units=min(holding, UNLIMITED_HOLDING))
    yield f"deposit {vault.token} into {vault.id}", bounded
    yield f"redeem {vault.token} from {vault.id}", redemption
    yield f"exit {vault.token} from {vault.id}, guardians while paused", exit_


def _wrapping_rules(document: PolicyDocument) -> Iterator[tuple[str, ActRule]]:
    """Each direction that has a cap. The wrapped token is what is called."""
    makers = {"wrap": wrap_rule, "unwrap": unwrap_rule}
    for wrapper in document.wrappers.values():
        weth = document.tokens[wrapper.token].token.address
        for way, token in wrapper.ways:
            cap = document.cap(WRAPS, token)
            if cap is not None and (most := min(alone(cap), LARGEST_UNITS)):
                yield f"{way} {token} at {wrapper.id}", makers[way](weth, most, class_number(WRAPS))
