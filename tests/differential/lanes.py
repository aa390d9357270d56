"""Random units of the agent's lane under random policies, for the engine and for the Kernel's evaluator alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TypeVar

from policies.consistency import check
from policies.document import document_hash
from policies.grants import compile_policy, granted_legs
from policies.kernel.buckets import ACTIONS_BUCKET, LOSSES_BUCKET
from policies.kernel.calls import PayCall, Run
from policies.kernel.values import Facts as Outside
from policies.kernel.values import Outcome, Refusal, Source, State, Terms
from policies.scenario import NOW, Judged, Scenario, stage
from policies.source_prices import source_price
from policies.terms import Cap, LossLimit, PolicyDocument
from policies.tree import proof
from strongroom.addresses import keccak, to_address, to_digest
from strongroom.errors import BadValue
from strongroom.model import (
    Address,
    Bucket,
    Digest,
    Facts,
    Intent,
    KernelCall,
    KernelState,
    Label,
    Labelled,
    Pay,
    Supply,
    Swap,
    TokenId,
    Withdraw,
)
from strongroom.protocols.kernel_acts import GrantedAct
from strongroom.protocols.kernel_legs import AnyLeg, GrantedSwap, Payment, encode_legs
from strongroom.protocols.kernel_orders import OrderPayment, OrderRule
from strongroom.valuation import E8, Problem
from tests.differential.translating import call_of

T = TypeVar("T")
KERNEL, AGENT, OTHER = (to_address(keccak(name)[12:]) for name in (b"kernel", b"agent", b"other"))
USDC, DAI, WETH = TokenId("USDC"), TokenId("DAI"), TokenId("WETH")
PRICES_E8 = {USDC: E8, DAI: E8, WETH: 3_000 * E8}
DAY = 86_400


@dataclass(frozen=True)
class Lane:
    """One call of the agent's: what the engine judges, and what the Kernel's evaluator is asked."""

    document: PolicyDocument
    judged: Judged
    legs: tuple[AnyLeg, ...]
    state: State
    call: PayCall | Run
    outside: Outside
    terms: Terms


def random_document(random: Random, shipped: PolicyDocument) -> PolicyDocument:
    """The sample with other amounts and times, price sources, and a limit on losses."""
    caps = {name: {t: _cap(random, cap) for t, cap in row.items()} for name, row in shipped.caps.items()}
    tokens = {t: replace(listed, source=_source(t) if listed.feeds else None) for t, listed in shipped.tokens.items()}
    orders = {id_: replace(o, every_seconds=random.choice((7, 21, 30)) * DAY) for id_, o in shipped.orders.items()}
    losses_e8 = random.choice((50, 500, 5_000)) * E8
    limit = LossLimit(random.randint(2, 5) * losses_e8, 30 * DAY, losses_e8)
    changed = replace(shipped, caps=caps, tokens=tokens, orders=orders, losses=limit, watch=None)
    try:
        check(changed, "policy.toml")
    except BadValue:
        return random_document(random, shipped)
    return changed


def _cap(random: Random, cap: Cap) -> Cap:
    at_once = max(1, int(cap.at_once_units * 10 ** random.uniform(-2, 1)))
    window = random.choice((DAY, 7 * DAY, 30 * DAY))
    whole = at_once * random.randint(2, 5) + random.randrange(at_once)
    return replace(cap, at_once_units=at_once, cap_units=whole, window_seconds=window, never_units=whole, tiers=())


def _source(token: TokenId) -> Address:
    return to_address(keccak(b"source " + token.encode())[12:])


def random_lane(random: Random, document: PolicyDocument) -> Lane | None:
    """`None` where no rule of the policy is about a call of the unit."""
    intents = tuple(_intent(random, document, f"intent {n}") for n in range(random.choice((1, 1, 2, 3))))
    arrives = random.choice((10_000,) * 12 + (9_990, 9_960, 9_900))
    plenty = {t: 10**7 * 10**each.token.decimals for t, each in document.tokens.items()}
    lent = {USDC: 10**11, DAI: 10**22}
    stale = frozenset({WETH} if random.random() < 0.2 else ())
    scenario = Scenario(intents, plenty, PRICES_E8, stale=stale, arrives_bps=arrives, supplied=lent)
    judged = _guarded(random, stage(scenario, document), document)
    legs = _legs(random, judged, document)
    if legs is None:
        return None
    action = KernelCall(document.account, AGENT, KERNEL, encode_legs(legs))
    state = _state(judged, document)
    outside = _outside(judged, legs, document, arrives)
    terms = Terms(KERNEL, document.account.safe, frozenset(document.guardians.members), 2 * DAY, DAY, 7 * DAY)
    return Lane(document, replace(judged, action=action), legs, state, call_of(legs), outside, terms)


def _intent(random: Random, document: PolicyDocument, id_: str) -> Intent:
    kind = random.choice(("pay", "pay", "order", "swap", "supply", "withdraw"))
    if kind == "order":
        order = random.choice(list(document.orders.values()))
        return Pay(id_, _said(order.token), _said(order.payee), _said(order.units), _said(""))
    if kind == "pay":
        payee = random.choice(list(document.payees.values()))
        token = random.choice(list(payee.max_units))
        near = [payee.max_units[token], *_edges(document.cap(payee.bucket_class, token))]
        return Pay(id_, _said(token), _said(payee.id), _said(_units(random, near)), _said(""))
    if kind == "swap":
        sold, bought = random.choice(((WETH, USDC), (USDC, WETH), (DAI, USDC)))
        units = _units(random, _edges(document.cap("swaps", sold)))
        return Swap(id_, _said(sold), _said(bought), _said(units), _said(""))
    token, lending = random.choice((USDC, DAI)), Supply if kind == "supply" else Withdraw
    return lending(
        id_, _said(token), _said(_units(random, _edges(document.cap("lending", token)))), _said("aave"), _said("")
    )


def _said(value: T) -> Labelled[T]:
    return Labelled(value, Label.OPERATOR)


def _edges(cap: Cap | None) -> list[int]:
    return [cap.at_once_units, cap.at_once_units // 2] if cap else [10**6]


def _units(random: Random, near: Sequence[int]) -> int:
    limit = random.choice(near)
    return max(1, random.choice((limit - 1, limit, limit + 1, random.randint(1, limit), random.randint(1, limit))))


def _guarded(random: Random, judged: Judged, document: PolicyDocument) -> Judged:
    """The same with a Kernel in the facts: buckets used up in part, orders paid before; now and then paused, for
    another agent, or under another policy."""
    compiled, facts = compile_policy(document), judged.facts
    buckets = {s.key: _bucket(random, s.capacity_units, s.drain_seconds) for s in compiled.buckets}
    orders = [leaf for leaf, rule in compiled.rules.items() if isinstance(rule, OrderRule)]
    paid = {leaf: random.choice((0, 0, NOW - random.randrange(40 * DAY), NOW - 21 * DAY)) for leaf in orders}
    odd = random.random()
    agent, root = (OTHER if odd < 0.03 else AGENT), (_other(compiled.root) if 0.03 < odd < 0.06 else compiled.root)
    kernel = KernelState(
        *(KERNEL, document.account.safe, True, agent, 0, 1, 0.06 < odd < 0.1, root, document_hash(document), DAY),
        buckets=buckets,
        last_paid=paid,
    )
    safe = replace(facts.safe, modules=(KERNEL,))
    rehearsal = replace(judged.rehearsal, safe_before=safe, safe_after=safe)
    return replace(judged, facts=replace(facts, safe=safe, kernel=kernel), rehearsal=rehearsal)


def _bucket(random: Random, capacity: int, drain: int) -> Bucket:
    level = random.choice((0,) * 8 + (capacity // 2, random.randint(0, capacity), capacity))
    return Bucket(capacity, level, NOW - random.choice((0, 1, random.randrange(drain + 1))), drain)


def _other(digest: Digest) -> Digest:
    return to_digest(keccak(digest.encode()))


def _legs(random: Random, judged: Judged, document: PolicyDocument) -> tuple[AnyLeg, ...] | None:
    """As the runtime compiles them; now and then what looks like an order is paid as one, due or not, and a payment is
    of one unit more than its rule lets."""
    due = judged.facts if random.random() < 0.5 else None
    legs = granted_legs(judged.compiled.calls, document, due)
    if legs is None or not isinstance(first := legs[0], Payment):
        return legs
    if random.random() < 0.05:
        return replace(first, units=first.rule.max_units + 1), *legs[1:]
    return _order_like(first, document) or first, *legs[1:]


def _order_like(leg: Payment, document: PolicyDocument) -> OrderPayment | None:
    rules, terms = compile_policy(document).rules, (leg.rule.token, leg.rule.recipient, leg.units)
    orders = (rule for rule in rules.values() if isinstance(rule, OrderRule))
    rule = next((each for each in orders if (each.token, each.recipient, each.units) == terms), None)
    return OrderPayment(rule, proof(rules, rule.leaf)) if rule else None


def _state(judged: Judged, document: PolicyDocument) -> State:
    """The Kernel as the facts have it, with buckets by token and class."""
    kernel = judged.facts.kernel
    assert kernel is not None
    settings = compile_policy(document).buckets
    buckets = {(s.token, s.bucket_class): kernel.buckets[s.key] for s in settings}
    assert ACTIONS_BUCKET in buckets and LOSSES_BUCKET in buckets
    guardians = frozenset(document.guardians.members)
    return State(kernel.agent, kernel.root, guardians, buckets, paused=kernel.paused, last_paid=dict(kernel.last_paid))


def _outside(judged: Judged, legs: Sequence[AnyLeg], document: PolicyDocument, arrives_bps: int) -> Outside:
    facts = judged.facts
    held = {token.address: facts.balances[id_] for id_, token in facts.tokens.items()}
    sources = {_source(t): _priced(t, facts, document) for t in PRICES_E8}
    outcomes = tuple(_outcome(leg, document, arrives_bps) for leg in legs)
    return Outside(facts.block.timestamp, outcomes, held, {}, sources)


def _priced(token: TokenId, facts: Facts, document: PolicyDocument) -> Source:
    found, listed = source_price(token, facts, document), document.tokens[token].token
    ends = Refusal("FeedUnusable") if isinstance(found, Problem) else (found.low_e18, found.high_e18)
    return Source(listed.address, listed.decimals, ends)


def _outcome(leg: AnyLeg, document: PolicyDocument, arrives_bps: int) -> Outcome:
    """What the scenario's rehearsal says of the leg."""
    if isinstance(leg, GrantedSwap):
        sold, bought = (document.token_at(t) for t in (leg.rule.token_in, leg.rule.token_out))
        assert sold is not None and bought is not None
        worth = leg.units * PRICES_E8[sold.token.id] * 10**bought.token.decimals
        fair = worth // (PRICES_E8[bought.token.id] * 10**sold.token.decimals)
        return Outcome(spent_units=leg.units, received_units=fair * arrives_bps // 10_000)
    if isinstance(leg, GrantedAct):
        return Outcome(spent_units=leg.units, received_units=leg.units * arrives_bps // 10_000)
    return Outcome(spent_units=leg.units)
