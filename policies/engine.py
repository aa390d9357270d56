"""The judge: every rule is asked, every finding is kept, the strictest verdict holds. What fails or is missing
denies."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from policies.case import Case, Rule, open_case
from policies.document import document_hash
from policies.quorums import general_quorum, named_quorums, signing, too_few
from policies.rules import RULES
from policies.rules.approvals import approvals_needed, tiers_reached
from policies.terms import PolicyDocument
from strongroom.model import Action, Compiled, Decision, Facts, Finding, Rehearsal, Verdict


def decide(
    compiled: Compiled, action: Action, rehearsal: Rehearsal, facts: Facts, document: PolicyDocument
) -> Decision:
    """All findings on one unit and the strictest verdict among them; never raises.

    Judged are the bytes of `action` and the effects in `rehearsal`; what the unit says about itself only adds limits.
    For an `ask`, `approvals_needed` of `guardians` (members of the policy who own the Safe) must sign.
    """
    try:
        return judge(open_case(compiled, action, rehearsal, facts, document), RULES)
    except Exception as error:  # noqa: BLE001 - whatever cannot be read is denied
        return _closed(document, _failed("engine", error))


def judge(case: Case, rules: Mapping[str, Rule]) -> Decision:
    """The decision of exactly these rules on an opened case."""
    findings = tuple(chain.from_iterable([_ask(name, rule, case) for name, rule in rules.items()]))
    if not findings:
        return _closed(case.document, Finding("engine", Verdict.DENY, "no rule was asked"))
    if (verdict := _strictest(findings)) is not Verdict.ASK:
        return Decision(verdict, findings, document_hash(case.document))
    return _asked(case, findings)


def _ask(name: str, rule: Rule, case: Case) -> tuple[Finding, ...]:
    """The rule's findings. An exception, silence, or a finding in another rule's name is a denial."""
    try:
        found = tuple(rule(case))
    except Exception as error:  # noqa: BLE001 - a rule that cannot judge denies
        return (_failed(name, error),)
    if not found:
        return (Finding(name, Verdict.DENY, f"rule `{name}` found nothing to say; a silent rule denies"),)
    # Not by `_as_own` for each: a large unit has more than a hundred, and nearly all are the rule's own.
    for each in found:
        if not (isinstance(each, Finding) and each.rule == name and isinstance(each.verdict, Verdict)):
            return tuple(_as_own(name, every) for every in found)
    return found


def _as_own(name: str, finding: object) -> Finding:
    if isinstance(finding, Finding) and finding.rule == name and isinstance(finding.verdict, Verdict):
        return finding
    return Finding(name, Verdict.DENY, f"rule `{name}` answered with `{finding}`")


def _asked(case: Case, findings: tuple[Finding, ...]) -> Decision:
    tiers, policy = tiers_reached(case), document_hash(case.document)
    all_, named = general_quorum(case, approvals_needed(case)), named_quorums(case, tiers)
    if few := tuple(too_few(case, (all_, *named))):
        return Decision(Verdict.DENY, (*findings, *few), policy)
    waits = max((tier.delay_seconds for tier in tiers), default=0)
    able, quorums = signing(case, all_).guardians, tuple(signing(case, each) for each in named)
    return Decision(Verdict.ASK, findings, policy, all_.approvals, able, waits, quorums)


def _strictest(findings: tuple[Finding, ...]) -> Verdict:
    return max({finding.verdict for finding in findings}, key=lambda verdict: verdict.rank)


def _failed(name: str, error: Exception) -> Finding:
    return Finding(name, Verdict.DENY, f"`{name}` could not judge: {type(error).__name__}: {error}")


def _closed(document: PolicyDocument, finding: Finding) -> Decision:
    return Decision(Verdict.DENY, (finding,), document_hash(document))
