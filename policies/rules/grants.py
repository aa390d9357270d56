"""A Kernel call is covered leaf by leaf, by a live Kernel that holds this very policy; a full bucket is for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policies.case import Case, within
from policies.document import document_hash
from policies.grants import KernelPolicy, compile_policy, shortage
from policies.tree import proof
from strongroom.model import Finding, KernelCall, KernelState, Verdict
from strongroom.protocols.kernel_acts import ExitRule
from strongroom.protocols.kernel_legs import AnyLeg, Payment, decode_all_legs

RULE = "grants"


def judge(case: Case) -> Iterator[Finding]:
    if not isinstance(case.action, KernelCall):
        yield Finding(RULE, Verdict.ALLOW, "the owners sign; no grant is needed")
        return
    kernel = case.facts.kernel
    if kernel is None:
        yield Finding(RULE, Verdict.DENY, "no Kernel was observed")
        return
    legs = decode_all_legs(case.action.data)
    yield _alive(case, case.action, kernel)
    policy = compile_policy(case.document)
    yield _same_policy(case, kernel, policy)
    yield _covered(legs, policy)
    short = shortage(legs, case.facts, case.document)
    yield within(RULE, not short, Verdict.ASK, short or "the Kernel's buckets have room, and no loss pauses it")


def _alive(case: Case, call: KernelCall, kernel: KernelState) -> Finding:
    named = (call.kernel, call.agent, kernel.safe) == (kernel.address, kernel.agent, case.document.account.safe)
    alive = named and kernel.enabled and not kernel.paused
    return within(
        RULE, alive, Verdict.DENY, "the Safe's Kernel must be live and know this agent", call.agent, kernel.agent
    )


def _same_policy(case: Case, kernel: KernelState, policy: KernelPolicy) -> Finding:
    ours = (policy.root, document_hash(case.document))
    same = (kernel.root, kernel.document_hash) == ours
    return within(RULE, same, Verdict.DENY, "the Kernel must hold this very policy", kernel.document_hash, ours[1])


def _covered(legs: Sequence[AnyLeg], policy: KernelPolicy) -> Finding:
    rules = policy.rules
    bare = [leg for leg in legs if rules.get(leg.rule.leaf) != leg.rule or leg.proof != proof(rules, leg.rule.leaf)]
    over = [leg for leg in legs if not 0 < leg.units <= leg.rule.max_units or _waits(leg)]
    counted = f"{len(legs) - len({*bare, *over})} of {len(legs)}"
    return within(RULE, not bare and not over, Verdict.DENY, "a rule of the policy must cover each leg", counted)


def _waits(leg: AnyLeg) -> bool:
    """Not the agent's to run now: what is announced first, and guardians' exits."""
    return leg.rule.delay_seconds > 0 if isinstance(leg, Payment) else isinstance(leg.rule, ExitRule)
