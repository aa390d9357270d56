"""One call of a venue on chain: what its calldata must be, what it may cost, and what must come back.

In the order of `contracts/README.md`: rule, amount, deadline, selector and calldata, block list, bucket, allowance,
approval, call, allowance again, what was spent, received and is held; then prices and losses, or a rate.
"""

from __future__ import annotations

from itertools import combinations

from policies.kernel.buckets import charge, charge_loss
from policies.kernel.floors import act_floor, refuse_bad_rates, swap_loss_e8
from policies.kernel.forbidden import FORBIDDEN
from policies.kernel.rules import Act, Leg, Swap, VenueRule, leaf_of
from policies.kernel.values import Answer, Facts, Outcome, State, Terms, refuse, refuse_unlisted
from strongroom.addresses import keccak, to_digest
from strongroom.model import NATIVE, Address, Digest

_BPS = 10_000
_SELECTOR_BYTES, _WORD = 4, 32


def swap(state: State, leg: Leg, rule: Swap, facts: Facts, outcome: Outcome, terms: Terms) -> tuple[State, bool]:
    """The state after a swap between two price sources, and whether its loss passed the soft limit."""
    leaf = leaf_of(rule)
    _refuse_bad_parties(rule, leaf, terms)
    for source, token in ((rule.source_in, rule.token_in), (rule.source_out, rule.token_out)):
        if source == NATIVE or facts.sources[source].token != token:
            refuse("BadRule", leaf)
    _refuse_asked(leg, rule, leaf, facts.now)
    if not leg.units:
        refuse("AmountIsZero")
    refuse_unlisted(state, leaf, *_parties(rule), rule.source_in, rule.source_out)
    state = _exchanged(state, leg, rule, facts, outcome, leg.min_out_units)
    return charge_loss(state, swap_loss_e8(rule, facts, outcome), facts.now)


def act(state: State, leg: Leg, rule: Act, facts: Facts, outcome: Outcome, terms: Terms) -> State:
    """The state after an act or an exit at the rule's rate. A vault is asked before the call."""
    leaf = leaf_of(rule)
    _refuse_bad_parties(rule, leaf, terms)
    refuse_bad_rates(rule, leaf)
    _refuse_asked(leg, rule, leaf, facts.now)
    refuse_unlisted(state, leaf, *_parties(rule))
    floor = max(leg.min_out_units, act_floor(rule, leg.units, facts))
    return _exchanged(state, leg, rule, facts, outcome, floor)


def _parties(rule: VenueRule) -> tuple[Address, ...]:
    # Without a spender nobody is approved; address zero would be the native coin.
    spender = rule.target if rule.spender == NATIVE else rule.spender
    return rule.target, rule.token_in, spender, rule.token_out


def _refuse_bad_parties(rule: VenueRule, leaf: Digest, terms: Terms) -> None:
    obeying = {terms.safe, terms.guard, terms.kernel, terms.registry, terms.permit2} - {NATIVE}
    if (
        rule.token_in == rule.token_out
        or rule.max_slippage_bps >= _BPS
        or (rule.token_in == NATIVE and rule.spender != NATIVE)
        or rule.target == NATIVE
        or not obeying.isdisjoint((rule.target, rule.spender))
    ):
        refuse("BadRule", leaf)


def _refuse_asked(leg: Leg, rule: VenueRule, leaf: Digest, now: int) -> None:
    if not leg.units and rule.max_units:
        refuse("AmountIsZero")
    if leg.units > rule.max_units:
        refuse("AboveRuleMaximum", leg.units, rule.max_units)
    if now > leg.deadline:
        refuse("DeadlinePassed", leg.deadline)
    selector = leg.data[:_SELECTOR_BYTES].ljust(_SELECTOR_BYTES, b"\0")
    if selector in FORBIDDEN:
        refuse("SelectorForbidden", selector)
    _refuse_other_calldata(leg, rule, leaf)


def _refuse_other_calldata(leg: Leg, rule: VenueRule, leaf: Digest) -> None:
    """The calldata must be the template's but for the words that equal the typed arguments."""
    arguments = (leg.units, leg.min_out_units, leg.deadline)
    declared = [(at, value) for at, value in zip(rule.template.words, arguments, strict=True) if at]
    touching = any(abs(one - other) < _WORD for (one, _), (other, _) in combinations(declared, 2))
    if touching or any(at < _SELECTOR_BYTES for at, _ in declared):
        refuse("BadRule", leaf)
    blank = bytearray(leg.data)
    for at, value in declared:
        word = leg.data[at : at + _WORD]
        # A word that the calldata ends in or before is none.
        found = int.from_bytes(word, "big") if len(word) == _WORD else 0
        if found != value or len(word) < _WORD:
            refuse("WordMismatch", at, found, value)
        blank[at : at + _WORD] = bytes(_WORD)
    if (digest := to_digest(keccak(bytes(blank)))) != rule.template.digest:
        refuse("TemplateMismatch", digest, rule.template.digest)


def _exchanged(state: State, leg: Leg, rule: VenueRule, facts: Facts, outcome: Outcome, floor: int) -> State:
    allowed = leg.units + rule.dust_units
    charged = charge(state, (rule.token_in, rule.bucket_class), allowed, facts.now)
    _refuse_answers(rule, facts, outcome)
    if outcome.spent_units > allowed:
        refuse("SpentTooMuch", rule.token_in, outcome.spent_units, allowed)
    if outcome.received_units < floor:
        refuse("ReceivedTooLittle", rule.token_out, outcome.received_units, floor)
    holding = facts.balances.get(rule.token_out, 0) + outcome.received_units
    if holding > rule.max_holding_units:
        refuse("HoldingTooLarge", rule.token_out, holding, rule.max_holding_units)
    return charged


def _refuse_answers(rule: VenueRule, facts: Facts, outcome: Outcome) -> None:
    approves = rule.spender != NATIVE
    before = facts.allowances.get((rule.token_in, rule.spender), 0)
    if approves and before:
        refuse("AllowanceRemains", rule.token_in, rule.spender, before)
    if approves and outcome.approval is Answer.FAILED:
        refuse("CallFailed", rule.token_in)
    if approves and outcome.approval is Answer.NO:
        refuse("TransferRefused", rule.token_in)
    if outcome.call is not Answer.DONE:
        refuse("CallFailed", rule.target)
    if outcome.stuck_units:
        refuse("AllowanceRemains", rule.token_in, rule.spender, outcome.stuck_units)
