"""Whether a counterfactual does what it says when it is done, and no more than is needed: the engine alone judges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from hypothesis import strategies as st

from policies.consistency import check
from policies.engine import decide
from policies.explaining.counterfactuals import Amended, Counterfactual, LeaveOut, Lower, Prospect, Wait
from policies.explaining.explanation import Explanation, explain
from policies.explaining.scaling import with_amount, without
from policies.explaining.timing import at
from policies.scenario import Judged
from policies.terms import PolicyDocument, Tier
from strongroom.model import TokenId, Verdict
from strongroom.quantities import format_units

ALLOW, ASK, DENY = Verdict.ALLOW, Verdict.ASK, Verdict.DENY
USDC = TokenId("USDC")


def said(judged: Judged, document: PolicyDocument) -> Verdict:
    return decide(judged.compiled, judged.action, judged.rehearsal, judged.facts, document).verdict


def holds(verdict: Verdict, prospect: Prospect) -> bool:
    return verdict.rank <= prospect.verdict.rank


def amend(limits: tuple[Amended, ...], document: PolicyDocument) -> PolicyDocument:
    """The limits written into the policy, by their names alone."""
    for each in limits:
        document = _amended(each, document)
    return document


def _amended(limit: Amended, document: PolicyDocument) -> PolicyDocument:
    room, *names = limit.table.split(".")
    token, value = TokenId(limit.unit), limit.value
    if room == "caps":
        row = document.caps[names[0]]
        fields = {"at_once": "at_once_units", "cap": "cap_units", "never_above": "never_units"}
        fields |= {"model_alone": "model_units"}
        old = row[token]
        if limit.key in fields:
            new = replace(old, **{fields[limit.key]: value})
        else:
            place = next(n for n, tier in enumerate(old.tiers) if _is_named(tier, limit))
            tier = replace(old.tiers[place], above_units=value)
            new = replace(old, tiers=(*old.tiers[:place], tier, *old.tiers[place + 1 :]))
        return replace(document, caps={**document.caps, names[0]: {**row, token: new}})
    if room in _TERMS:
        return _amended_terms(limit, document)
    if room == "payees" and limit.key in ("apart", "often"):
        payee = document.payees[names[0]]
        name = {"apart": "apart_seconds", "often": "count"}[limit.key]
        payee = replace(payee, pace=replace(payee.pace, **{name: value}))
        return replace(document, payees={**document.payees, names[0]: payee})
    if room == "payees":
        payee = document.payees[names[0]]
        payee = replace(payee, max_units={**payee.max_units, token: value})
        return replace(document, payees={**document.payees, names[0]: payee})
    if room == "tokens":
        return replace(document, tokens={**document.tokens, token: replace(document.tokens[token], keep_units=value)})
    if room == "venues":
        market = document.markets[names[0]]
        reserves = tuple(replace(r, most_units=value) if r.token == token else r for r in market.reserves)
        return replace(document, markets={**document.markets, names[0]: replace(market, reserves=reserves)})
    if room == "swaps" and limit.key != "max_loss":
        return replace(document, trading=replace(document.trading, **{f"{limit.key}_bps": value}))
    if room == "swaps":
        return replace(document, max_loss_bps=value)
    assert limit.key == "max_units"
    return replace(document, gas=replace(document.gas, max_gas_units=value))


_TERMS = ("outflow", "holdings", "runway", "volatility", "newcomers")
_FIELDS = {
    "at_once": "at_once_e8",
    "cap": "cap_e8",
    "never_above": "never_e8",
    "stables_least": "stables_least_bps",
    "least": "least_seconds",
    "calm": "calm_bps",
}


def _amended_terms(limit: Amended, document: PolicyDocument) -> PolicyDocument:
    terms, (key, _, token) = getattr(document, limit.table), limit.key.partition(" of ")
    if token:
        name = {"most": "most_bps", "at_most": "max_units"}[key]
        return replace(
            document, **{limit.table: replace(terms, **{name: {**getattr(terms, name), token: limit.value}})}
        )
    return replace(document, **{limit.table: replace(terms, **{_FIELDS[key]: limit.value})})


def _is_named(tier: Tier, limit: Amended) -> bool:
    plural = "s" if tier.approvals > 1 else ""
    return (limit.key, limit.from_value) == (f"ask, {tier.approvals} guardian{plural} above", tier.above_units)


def nearer(limits: tuple[Amended, ...]) -> Iterator[tuple[Amended, ...]]:
    """The same limits with one of them a step nearer to what it was. `cap` goes along with `at_once`."""
    for place, limit in enumerate(limits):
        if limit.key != "cap":
            step = 1 if limit.from_value > limit.value else -1
            yield (*limits[:place], replace(limit, value=limit.value + step), *limits[place + 1 :])


def consistent(document: PolicyDocument) -> bool:
    try:
        check(document, "policy.toml")
    except Exception:  # noqa: BLE001 - what a policy may not say is no policy
        return False
    return True


def require_exact(way: Counterfactual, prospect: Prospect, judged: Judged, document: PolicyDocument) -> None:
    """The change gives the verdict that is told, and a step less does not give what is wanted."""
    change = way.change
    if isinstance(change, Lower):
        done = with_amount(judged, change.place, change.units, document)
        more = with_amount(judged, change.place, change.units + 1, document)
        assert done is not None and more is not None and change.units < change.from_units
        assert said(done, document) is way.verdict and holds(way.verdict, prospect)
        assert not holds(said(more, document), prospect)
    elif isinstance(change, Wait):
        assert said(at(judged, change.until), document) is way.verdict and holds(way.verdict, prospect)
        assert not holds(said(at(judged, change.until - 1), document), prospect)
    elif isinstance(change, LeaveOut):
        done = without(judged, change.places, document)
        assert done is not None and said(done, document) is way.verdict and holds(way.verdict, prospect)
        for fewer in combinations(change.places, len(change.places) - 1):
            less = without(judged, fewer, document) if fewer else judged
            assert less is not None and not holds(said(less, document), prospect)
    else:
        changed = amend(change.limits, document)
        assert consistent(changed)
        assert said(judged, changed) is way.verdict and holds(way.verdict, prospect)
        for limits in nearer(change.limits):
            less_open = amend(limits, document)
            assert not (consistent(less_open) and holds(said(judged, less_open), prospect)), limits


def require_all_exact(judged: Judged, document: PolicyDocument) -> Explanation:
    explanation = explain(judged, document)
    assert explanation.decision.verdict is said(judged, document)
    assert bool(explanation.prospects) == (explanation.decision.verdict is not ALLOW)
    for prospect in explanation.prospects:
        assert prospect.ways or prospect.why_none
        for way in prospect.ways:
            require_exact(way, prospect, judged, document)
    return explanation


AMOUNT = st.integers(1, 40_000 * 10**6).map(lambda units: f"{format_units(units, 6)} USDC")


_PAYS = st.builds("pay {} to {}".format, AMOUNT, st.sampled_from(["alice", "bob", "chidi", "grants_safe"]))


_LENDS = st.builds("supply {} to aave".format, AMOUNT)


_SWAPS = st.builds("swap {} to WETH".format, AMOUNT)


REQUESTS = st.lists(_PAYS | _LENDS | _SWAPS, min_size=1, max_size=3)
