"""Where a treasury stands, in values: holdings, weights, runway, what waits and for whom, the Kernel's room, gas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent.gas import Endurance, endurance, units_a_year
from agent.order_dates import OrderDate, order_dates
from agent.queued import Other, read_others
from strongroom.model import NATIVE, Account, Address, Block, Facts, Queued, Quorum, TokenId
from strongroom.settings import Mode
from strongroom.valuation import BPS, Price, Problem, value_e8_down

if TYPE_CHECKING:
    from agent.app import Documents
    from agent.unlisted import Arrivals
    from policies.terms import PolicyDocument

_UNPRICED = "unpriced, outside the total"


@dataclass(frozen=True, slots=True)
class Share:
    """Of the weighted tokens' value together, in basis points: as it is (rounded down), as wanted, and the band."""

    bps: int
    target_bps: int
    band_bps: int
    inside: bool


@dataclass(frozen=True, slots=True)
class Holding:
    """One listed token; of its `units`, `lent_units` lie at markets. Both are missing where the chain did not answer.
    Low price and value in USD scaled by 1e8 are missing without a healthy price, and `why` says so. What is not
    `priced`, by the policy, has none by intent."""

    token: TokenId
    address: Address
    units: int | None
    decimals: int
    lent_units: int | None
    price_e8: int | None
    usd_e8: int | None
    why: str
    priced: bool
    share: Share | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A unit that guardians must sign, and who of the owners has; `needed` signatures in all. `missing` are those of
    whom a tier still wants some, in words; it is not carried out before `ripe_at`, Unix seconds, where it waits."""

    unit: str
    nonce: int | None
    safe_tx_hash: str
    needed: int
    signed: tuple[Address, ...]
    unsigned: tuple[Address, ...]
    missing: str = ""
    ripe_at: int | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """A bucket of the Kernel: what the agent may move alone at this block, at one moment, and within any window.
    `name` is the policy's class, `said` what it is for people. The agent's calls, counted, and what swaps lost, in USD
    scaled by 1e8, have no token."""

    name: str
    said: str
    token: TokenId | None
    decimals: int
    available_units: int
    at_once_units: int
    cap_units: int
    window_seconds: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What is looked up beside the facts of a decision, which never counts there: arrivals of unlisted tokens (`None`,
    with the reason, where they could not be looked for), the gas that units have used, by operation, and a line for
    each change of who commands the Safe that is announced at the owners' guard."""

    arrivals: Arrivals | None = None
    why_not: str = "not looked for"
    measured_gas: Mapping[str, int] = field(default_factory=dict)
    announced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """What a treasurer wants to know, at one pinned block. `nav_e8` is missing while a balance is; `own_token`, which
    the watch never counts, is in it, and not in `nav_without_own_e8`. Runway in whole months while there is payroll and
    its balances are known. `gas` is missing in shadow mode, which sends nothing."""

    name: str
    mode: str
    account: Account
    block: Block
    holdings: tuple[Holding, ...]
    nav_e8: int | None
    own_token: TokenId | None
    nav_without_own_e8: int | None
    runway_months: int | None
    runway_wanted: int
    waiting: tuple[Waiting, ...]
    others: tuple[Other, ...]
    kernel: str
    watch: str
    rooms: tuple[Room, ...]
    coin: str
    gas: Endurance | None
    arrivals: Arrivals | None
    no_arrivals: str
    warnings: tuple[str, ...]
    orders: tuple[OrderDate, ...] = ()


def read_standing(answer: Mapping[str, Any], documents: Documents, seen: Seen = Seen()) -> Standing:
    """The desk's plain `status` with the documents that give it meaning, and what was `seen` beside it."""
    from policies.pricing import prices
    from strongroom.plain import from_plain

    facts, policy = from_plain(Facts, answer["facts"]), documents.policy
    found = prices(facts, policy)
    waiting = tuple(_waiting(unit, facts, policy) for unit in answer["waiting"])
    whole, own = _nav(facts, policy), _own_token(policy)
    holdings = tuple(_holdings(facts, documents, found))
    own_e8 = sum(each.usd_e8 or 0 for each in holdings if each.token == own)
    return Standing(
        name=documents.treasury.name,
        mode=answer["mode"],
        account=facts.account,
        block=facts.block,
        holdings=holdings,
        nav_e8=whole,
        own_token=own,
        nav_without_own_e8=None if whole is None else whole - own_e8,
        runway_months=_runway(facts, documents),
        runway_wanted=documents.mandate.runway_months,
        waiting=waiting,
        others=tuple(read_others(facts, policy, {each.safe_tx_hash for each in waiting})),
        kernel=_kernel(facts, documents),
        watch=_watch(facts, documents),
        rooms=tuple(_rooms(facts, policy)),
        coin=_coin(policy),
        gas=_gas(facts, documents, answer["mode"], seen),
        arrivals=seen.arrivals,
        no_arrivals="" if seen.arrivals else seen.why_not,
        warnings=(*seen.announced, *_runs(facts, policy), *_warnings(answer, policy)),
        orders=tuple(order_dates(facts, policy)),
    )


def _holdings(facts: Facts, documents: Documents, prices: Mapping[TokenId, Price | Problem]) -> Iterator[Holding]:
    shares, units = _shares(facts, documents), _held(facts, documents.policy)
    for id_, listed in documents.policy.tokens.items():
        held, price, decimals = units.get(id_), prices[id_], listed.token.decimals
        low = price.low_e8 if isinstance(price, Price) else None
        priced = bool(documents.policy.feeds_of(id_))
        why = "" if isinstance(price, Price) else price.reason if priced else _UNPRICED
        value = None if held is None or low is None else value_e8_down(held, decimals, low)
        lent = None if held is None else held - facts.balances[id_]
        yield Holding(id_, listed.token.address, held, decimals, lent, low, value, why, priced, shares.get(id_))


def _shares(facts: Facts, documents: Documents) -> Mapping[TokenId, Share]:
    """As the planner weighs. None at all while a weighted token has no value."""
    from policies.pricing import weighed

    values = weighed(documents.mandate.weights, facts, documents.policy)
    total = sum(values.values())
    weights = documents.mandate.weights if total else {}
    return {
        token: Share(
            values[token] * BPS // total,
            weight.target_bps,
            weight.band_bps,
            abs(values[token] * BPS - total * weight.target_bps) <= total * weight.band_bps,
        )
        for token, weight in weights.items()
    }


def _nav(facts: Facts, policy: PolicyDocument) -> int | None:
    from policies.pricing import nav

    return nav(facts, policy).usd_e8 if set(policy.tokens) == set(_held(facts, policy)) else None


def _own_token(policy: PolicyDocument) -> TokenId | None:
    """The DAO's own, where the policy's watch names it and lists it."""
    named = policy.watch.own_token if policy.watch else None
    listed = policy.token_at(named) if named else None
    return listed.token.id if listed else None


def _held(facts: Facts, policy: PolicyDocument) -> dict[TokenId, int]:
    """In the Safe and lent: what lies at a market counts as its token."""
    from policies.pricing import holdings

    return holdings(facts, policy)


def _runway(facts: Facts, documents: Documents) -> int | None:
    from strongroom.mandate import monthly_need, runway_months

    need, held = monthly_need(documents.mandate), _held(facts, documents.policy)
    known = need and set(need) <= set(held)
    return runway_months(documents.mandate, held) if known else None


def _waiting(unit: Mapping[str, Any], facts: Facts, policy: PolicyDocument) -> Waiting:
    owners = facts.safe.owners
    signed = _signers(next((q for q in facts.queue if q.safe_tx_hash == unit["proposal"]), None))
    return Waiting(
        unit=unit["id"],
        nonce=unit["nonce"],
        safe_tx_hash=unit["proposal"],
        needed=max(facts.safe.threshold, unit["approvals_needed"]),
        signed=tuple(owner for owner in owners if owner in signed),
        unsigned=tuple(owner for owner in owners if owner not in signed),
        missing=_missing(unit, signed, policy),
        ripe_at=unit.get("ripe_at"),
    )


def _missing(unit: Mapping[str, Any], signed: set[Address], policy: PolicyDocument) -> str:
    from policies.quorums import names_of, rest
    from strongroom.plain import from_plain

    left = (rest(from_plain(Quorum, each), signed) for each in unit.get("quorums", ()))
    return " and ".join(names_of(quorum, policy) for quorum in left if quorum.approvals > 0)


def _signers(queued: Queued | None) -> set[Address]:
    return {approval.guardian for approval in queued.approvals} if queued else set()


def _kernel(facts: Facts, documents: Documents) -> str:
    named, state = documents.treasury.kernel, facts.kernel
    if named is None:
        return ""
    if state is None:
        return f"{named} does not answer as a Kernel"
    state_of = "paused, and only the owners can re-key it" if state.paused else "live"
    return f"{named} is {state_of}, epoch {state.epoch}" + ("" if state.enabled else ", NOT enabled in the Safe")


def _watch(facts: Facts, documents: Documents) -> str:
    from agent.watching import in_safe_e8, watch_told

    if (named := documents.treasury.watch) is None:
        return ""
    if facts.watch is None:
        return f"{named} does not answer as a watch"
    paused = facts.kernel is not None and facts.kernel.paused
    return f"{named} {watch_told(facts.watch, facts.block, in_safe_e8(facts, documents.policy), paused)}"


def _rooms(facts: Facts, policy: PolicyDocument) -> Iterator[Room]:
    from policies.meters import meters

    if (kernel := facts.kernel) is None:
        return
    for each in meters(policy):
        now, most = each.available_units(kernel, facts.block.timestamp), each.bucket(kernel).capacity // each.scale
        yield Room(each.name, each.said, each.token, each.decimals, now, most, each.cap_units, each.window_seconds)


def _coin(policy: PolicyDocument) -> str:
    """What the policy calls the chain's coin; empty where it is not listed."""
    native = policy.token_at(NATIVE)
    return str(native.token.id) if native else ""


def _gas(facts: Facts, documents: Documents, mode: str, seen: Seen) -> Endurance | None:
    if mode == Mode.SHADOW:
        return None
    runs = units_a_year(documents.jobs, facts.block.timestamp)
    return endurance(facts.gas, runs, seen.measured_gas, documents.policy.gas.max_gas_units)


def _runs(facts: Facts, policy: PolicyDocument) -> Iterator[str]:
    """What the agent's key has announced, by whatever hand: whoever may veto must not miss it."""
    from guardians.runs import loud_words

    yield from (loud_words(each, policy, facts.block.timestamp) for each in facts.announced)


def _warnings(answer: Mapping[str, Any], policy: PolicyDocument) -> Iterator[str]:
    from policies.document import document_hash

    if answer["policy"] != document_hash(policy):
        yield "policy.toml has changed since the treasurer started: it still judges by the old one; restart it"
