"""One row's verdict: the strictest of the rules that can judge it, and which could not for want of what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from policies.backtesting.needs import Known, lacks
from policies.backtesting.past import Past
from policies.backtesting.rows import By, HistoryRow, Outcome
from policies.backtesting.scene import Prices, Scene, after, outflows_of, stage_row
from policies.backtesting.seen import Recorded
from policies.case import Case
from policies.engine import judge
from policies.metering import caps_touched, of_unit
from policies.rules import RULES
from policies.rules.caps import RULE as CAPS
from policies.terms import PolicyDocument
from strongroom.model import Decision, Finding, TokenId, Verdict

BPS = 10_000


@dataclass(frozen=True, slots=True)
class Fill:
    """How full a cap was with a row in it: `bps` of what may leave without guardians, over 10,000 beyond it."""

    bucket_class: str
    token: TokenId
    bps: int
    measured: str
    limit: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the policy says to one row. `by_rule` is each rule's strictest verdict, `against` the findings that do not
    allow, `lacks` the rules that could not judge and what they miss, `moved` units by class and token."""

    place: str
    time: int
    tx_hash: str
    by: By
    outcome: Outcome
    verdict: Verdict
    by_rule: Mapping[str, Verdict]
    against: tuple[Finding, ...]
    lacks: Mapping[str, frozenset[Known]]
    moved: tuple[tuple[str, TokenId, int], ...]
    fills: tuple[Fill, ...]


Recall = Callable[[Scene, Past], Case]


def quick(scene: Scene, past: Past) -> Case:
    """The case with running sums of what had left, and one by one only what its rules look at so."""
    outflows = past.relevant(scene.case, Known.PRICES in scene.known)
    return after(scene.case, outflows, past.running)


def whole(scene: Scene, past: Past) -> Case:
    """The case with all outflows that facts would have had: what the running sums must agree with."""
    return after(scene.case, past.whole(scene.case.facts.block.timestamp))


def judge_row(
    row: HistoryRow, past: Past, prices: Prices, document: PolicyDocument, recall: Recall = quick
) -> Judgement:
    """The row's judgement; what left with it is then past. Rows come oldest first."""
    scene = stage_row(row, prices, document)
    # What a ledger recorded names what had left by then.
    case = scene.case if isinstance(row.seen, Recorded) else recall(scene, past)
    judgement = _judged(row, Scene(case, scene.known))
    for outflow in outflows_of(row, case.moves, document):
        past.add(outflow)
    return judgement


def _judged(row: HistoryRow, scene: Scene) -> Judgement:
    case, lacking = scene.case, lacks(scene.case, row, scene.known)
    rules = {name: rule for name, rule in RULES.items() if name not in lacking}
    decision = judge(case, rules)
    against = tuple(finding for finding in decision.findings if finding.verdict is not Verdict.ALLOW)
    return Judgement(
        row.place,
        row.time,
        row.tx_hash,
        row.by,
        row.outcome,
        decision.verdict,
        _strictest(rules, against),
        against,
        lacking,
        tuple((each.bucket_class or "no class", each.token, each.units) for each in of_unit(case)),
        tuple(_fills(case, decision)),
    )


def _strictest(rules: Iterable[str], against: tuple[Finding, ...]) -> Mapping[str, Verdict]:
    found = dict.fromkeys(rules, Verdict.ALLOW)
    for finding in against:
        # The engine speaks too, as where fewer guardians than needed could sign.
        known = found.get(finding.rule, Verdict.ALLOW)
        found[finding.rule] = max(known, finding.verdict, key=lambda verdict: verdict.rank)
    return found


def _fills(case: Case, decision: Decision) -> list[Fill]:
    """The rule's two measures of each cap come in the order of the caps; the fuller one counts."""
    measured = [each for each in decision.findings if each.rule == CAPS and each.measure is not None]
    fills = []
    for number, cap in enumerate(caps_touched(case)):
        pair = measured[2 * number : 2 * number + 2]
        fullest = max(pair, key=_bps)
        fills.append(Fill(cap.bucket_class, cap.token, _bps(fullest), fullest.measured, fullest.limit))
    return fills


def _bps(finding: Finding) -> int:
    """Rounded up: a cap is never shown with more room than it has."""
    assert finding.measure is not None
    limit = finding.measure.limit
    return -(-finding.measure.value * BPS // limit) if limit else BPS
