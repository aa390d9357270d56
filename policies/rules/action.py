"""The action is exactly the unit's compiled calls, dressed as the Safe or its Kernel expects them."""

from __future__ import annotations

from collections.abc import Iterator

from policies.case import Case, within
from strongroom.model import Finding, SafeTx, Verdict

RULE = "action"


def judge(case: Case) -> Iterator[Finding]:
    if not case.calls:
        yield Finding(RULE, Verdict.DENY, "the action's calls cannot be told apart")
        return
    same = case.calls == case.compiled.calls
    yield within(
        RULE,
        same,
        Verdict.DENY,
        "the action's bytes must be the compiled calls",
        f"{len(case.calls)} calls",
        f"{len(case.compiled.calls)} calls",
    )
    yield _addressed(case)


def _addressed(case: Case) -> Finding:
    if isinstance(case.action, SafeTx):
        free = case.action.nonce >= case.facts.safe.nonce
        return within(
            RULE,
            free,
            Verdict.DENY,
            "the nonce must not be used yet",
            str(case.action.nonce),
            f"at least {case.facts.safe.nonce}",
        )
    enabled = case.action.kernel in case.facts.safe.modules
    return within(RULE, enabled, Verdict.DENY, "the Kernel must be an enabled module of the Safe", case.action.kernel)
