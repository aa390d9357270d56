"""What must come back from a venue: by two prices for a swap, by a rate for an act. Rounding is against the agent."""

from __future__ import annotations

from policies.kernel.rules import Act, Swap
from policies.kernel.values import Facts, Outcome, Refusal, Refused, Source, refuse
from strongroom.model import NATIVE, Digest
from strongroom.protocols.kernel_acts import PAR

_BPS = 10_000
_E18_TO_E8 = 10**10


def swap_loss_e8(rule: Swap, facts: Facts, outcome: Outcome) -> int:
    """What the swap lost, USD 1e-8: spent at the higher price rounded up, less received at the lower rounded down.
    Refuses as the price sources do, and with `SlippageTooHigh`; what is allowed is rounded down."""
    (_, high), whole_in = _price(facts.sources[rule.source_in])
    (low, _), whole_out = _price(facts.sources[rule.source_out])
    spent_e8 = _up(outcome.spent_units * high, whole_in * _E18_TO_E8)
    received_e8 = outcome.received_units * low // (whole_out * _E18_TO_E8)
    loss_e8, allowed_e8 = max(spent_e8 - received_e8, 0), spent_e8 * rule.max_slippage_bps // _BPS
    if loss_e8 > allowed_e8:
        refuse("SlippageTooHigh", loss_e8, allowed_e8)
    return loss_e8


def _price(source: Source) -> tuple[tuple[int, int], int]:
    """Both ends, and the units of a whole token."""
    if isinstance(source.ends, Refusal):
        raise Refused(source.ends)
    return source.ends, 10**source.decimals


def refuse_bad_rates(rule: Act, leaf: Digest) -> None:
    """Refuses with `BadRule` a range upside down, a pinned rate that is two, a rate for a claim or none for anything
    else, and a vault that is neither token."""
    pinned = rule.vault == NATIVE
    claim = not rule.max_units
    if (
        rule.min_rate > rule.max_rate
        or (pinned and rule.min_rate != rule.max_rate)
        or (claim and (rule.max_rate or not pinned))
        or (not claim and not rule.min_rate)
        or (not pinned and rule.vault not in (rule.token_in, rule.token_out))
    ):
        refuse("BadRule", leaf)


def act_floor(rule: Act, units: int, facts: Facts) -> int:
    """The least that must be received for `units`: what the rate says, less slippage, each rounded up. Refuses with
    `RateOutOfRange` a vault whose word is outside the rule's range."""
    return _up(_expected(rule, units, facts) * (_BPS - rule.max_slippage_bps), _BPS)


def _expected(rule: Act, units: int, facts: Facts) -> int:
    if rule.vault == NATIVE:
        return _up(units * rule.min_rate, PAR)
    shares_rate, assets_rate = facts.rates[rule.vault]
    rate = shares_rate if rule.vault == rule.token_out else assets_rate
    expected = units * rate // PAR
    found = expected * PAR // units
    if not rule.min_rate <= found <= rule.max_rate:
        refuse("RateOutOfRange", found, rule.min_rate, rule.max_rate)
    return expected


def _up(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)
