"""A Kernel call is covered leaf by leaf, by a live Kernel that holds this very policy; a full bucket is for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policies.case import Case, within
from policies.delays import longest_delay, told
from policies.document import document_hash
from policies.grants import KernelPolicy, compile_policy, shortage
from policies.tree import proof
from strongroom.model import Finding, KernelCall, KernelState, Verdict
from strongroom.protocols.kernel_acts import ExitRule
from strongroom.protocols.kernel_legs import AnyLeg, decode_all_legs

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
    if delay := longest_delay(legs):
        yield Finding(RULE, Verdict.ALLOW, told(delay, case.document))
    short = shortage(legs, case.facts, case.document)
    yield within(RULE, not short, Verdict.ASK, short or "orders are due, buckets have room, no loss pauses the Kernel")


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
    """A leg that must be announced first is covered: the Kernel runs none that was not. Exits are guardians'."""
    rules = policy.rules
    bare = [leg for leg in legs if rules.get(leg.rule.leaf) != leg.rule or leg.proof != proof(rules, leg.rule.leaf)]
    over = [leg for leg in legs if not 0 < leg.units <= leg.rule.max_units or isinstance(leg.rule, ExitRule)]
    counted = f"{len(legs) - len({*bare, *over})} of {len(legs)}"
    return within(RULE, not bare and not over, Verdict.DENY, "a rule of the policy must cover each leg", counted)
