"""Everything that can be said about why one unit is denied or asked about, and what would make it go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policies.engine import decide
from policies.explaining.amending import amended
from policies.explaining.counterfactuals import Amend, Change, Counterfactual, Prospect
from policies.explaining.search import Question, left_out, lowered
from policies.explaining.waiting import waited
from policies.scenario import Judged
from policies.terms import PolicyDocument
from strongroom.model import Decision, Finding, Intent, Verdict

_MENDS = {
    "account": "all of it must be of the policy's own Safe",
    "action": "let the treasurer plan it again",
    "agreement": "an operator asks for it, or the models agree once it is planned anew",
    "averages": "wait until the pool is back at its average, or swap in one that keeps an average",
    "calls": "only calls that the policy's tokens, venues and markets explain are ever allowed",
    "compile": "mend the request",
    "concentration": "wait until the price feeds answer, which nobody can compute",
    "conflicts": "somebody else asks for it",
    "depth": "wait until the pool answers, or swap in another one",
    "drawdown": "a better price is needed, or the owners set the watch's mark anew",
    "envelope": "a rehearsal that moves exactly what is meant is needed",
    "freezes": "wait until it ends, or people take it out of policy.toml",
    "gas": "wait until gas is cheaper, which nobody can compute",
    "grants": "the Kernel must be live and hold this very policy",
    "hours": "wait until business hours begin",
    "impact": "wait until the pool answers, or swap in another one",
    "intents": "let the treasurer plan it again",
    "leftovers": "nothing may stay approved",
    "lending": "the market must be open, observed and without debt",
    "lookalikes": "compare the address in full with the one that is meant",
    "losses": "a better price is needed, not another amount",
    "outflow": "wait until the price feeds answer, which nobody can compute",
    "payees": "whom the DAO means to pay, people list in policy.toml",
    "payments": "people list the payee, or the token in its `at_most`, in policy.toml",
    "prices": "wait until the price feeds answer and agree, which nobody can compute",
    "provenance": "an operator asks for it in their own words",
    "rehearsed": "mend what makes it fail, and rehearse again: nothing is estimated from a failure",
    "runway": "wait until the price feeds answer, which nobody can compute",
    "safe_state": "no unit may change the Safe",
    "sanctions": "nobody on a deny list is paid; people renew a list that is missing or old",
    "slippage": "let the treasurer plan it again, with a least that is nearer to what the rehearsal brings",
    "stables": "wait until the price feeds answer, which nobody can compute",
    "tokens": "people list the token in policy.toml",
    "volatility": "wait until the price feed tells its rounds, which nobody can compute",
    "venues": "what a venue gives must come to the Safe, and only what it takes may be approved",
}
"""By rule, what helps where no amount, wait or limit does."""

_LIMITED_BY_PEOPLE = frozenset({"agreement", "drawdown", "freezes", "sanctions"})
"""Rules that measure, though no limit in policy.toml is told to be moved for them."""

_OF_VALUE = frozenset({"concentration", "drawdown", "losses", "outflow", "runway", "stables"})
_OF_MARKETS = frozenset({"impact", "slippage"})
_FOLLOWING = {
    "rehearsed": frozenset({"envelope", "gas", "reserves", "safe_state", "watch"}) | _OF_VALUE | _OF_MARKETS,
    "prices": _OF_VALUE,
}
"""Rules that object again only because the first one does: they say nothing new."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The unit's intents, its decision, and how it gets better verdicts, the best first: none for an allow, and for a
    deny what gets it asked about only where that is less than what gets it allowed."""

    intents: tuple[Intent, ...]
    decision: Decision
    prospects: tuple[Prospect, ...]


def explain(judged: Judged, document: PolicyDocument) -> Explanation:
    """The engine's decision on the unit, and the nearest changes that better it. Pure, and never raises; it
    asks the engine up to some hundred times."""
    decision = decide(judged.compiled, judged.action, judged.rehearsal, judged.facts, document)
    wanted = [each for each in (Verdict.ALLOW, Verdict.ASK) if each.rank < decision.verdict.rank]
    prospects: list[Prospect] = []
    for verdict in wanted:
        known = {way.change for prospect in prospects for way in prospect.ways}
        prospect = _prospect(Question(judged, document, decision, verdict), known)
        if prospect.ways or not prospects:
            prospects.append(prospect)
    return Explanation(judged.compiled.unit.intents, decision, tuple(prospects))


def _prospect(question: Question, known: set[Change]) -> Prospect:
    """What gets a better verdict already is not told again for a worse one."""
    try:
        ways = tuple(_ways(question))
    except Exception as error:  # noqa: BLE001 - what the engine denies because it cannot be read, cannot be changed either
        return Prospect(question.verdict, (), f"no change can be computed: {type(error).__name__}: {error}")
    helps = any(not isinstance(way.change, Amend) for way in ways)
    told = tuple(way for way in ways if way.change not in known)
    return Prospect(question.verdict, told, "" if helps else _why_none(question))


def _ways(question: Question) -> Iterator[Counterfactual]:
    yield from lowered(question)
    yield from waited(question)
    yield from left_out(question)
    yield from amended(question)


def _why_none(question: Question) -> str:
    """What is in the way, and what would help."""
    against = [each for each in question.decision.findings if each.verdict.rank > question.verdict.rank]
    for cause, rules in _FOLLOWING.items():
        if any(each.rule == cause for each in against):
            against = [each for each in against if each.rule not in rules]
    fixed = [each for each in against if each.measure is None or each.rule in _LIMITED_BY_PEOPLE]
    return "; ".join(dict.fromkeys(map(_mend, fixed or against)))


def _mend(finding: Finding) -> str:
    mend = _MENDS.get(finding.rule)
    return f"{finding.reason}: {mend}" if mend else finding.reason
