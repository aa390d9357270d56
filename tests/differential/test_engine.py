"""The engine never lets into the agent's lane what the Kernel would refuse, and refuses there nothing that the Kernel
takes and only the Kernel's own limits are about. The Kernel is its evaluator, which agrees with the deployed one."""

from __future__ import annotations

import logging
import os
from collections import Counter
from dataclasses import replace
from random import Random

from policies.cases import sample
from policies.document import load
from policies.engine import decide
from policies.kernel.evaluator import evaluate
from policies.kernel.values import Refusal, State
from strongroom.model import Decision, Verdict
from strongroom.protocols.kernel_legs import GrantedSwap
from tests.differential.lanes import AGENT, Lane, random_document, random_lane

CASES = int(os.environ.get("STRONGROOM_LANE_CASES", "1000"))
UNITS_OF_A_POLICY = 40
SHIPPED = load(sample("active_treasury")[0])


BY_OUTCOME = {"ReceivedTooLittle", "SlippageTooHigh", "SpentTooMuch", "HoldingTooLarge", "CallFailed"}
"""What the Kernel refuses by what a venue really did, leg by leg: the rehearsal of that very call says so first, while
balances before and after, which the engine compares, are of the whole unit."""


def decided(lane: Lane, answer: State | Refusal) -> Decision:
    judged, rehearsal = lane.judged, lane.judged.rehearsal
    if isinstance(answer, Refusal) and answer.name in BY_OUTCOME:
        rehearsal = replace(rehearsal, success=False, revert=answer.name, deltas=())
    return decide(judged.compiled, judged.action, rehearsal, judged.facts, lane.document)


def granted(decision: Decision) -> Verdict:
    """The strictest finding about the Kernel."""
    found = [finding.verdict for finding in decision.findings if finding.rule == "grants"]
    return max(found, key=lambda verdict: verdict.rank)


def test_the_engine_and_the_kernel_agree_on_the_agents_lane() -> None:
    random, seen = Random(20261123), Counter[str]()
    while seen.total() < CASES:
        document = random_document(random, SHIPPED)
        for _ in range(UNITS_OF_A_POLICY):
            lane = random_lane(random, document)
            if lane is not None:
                seen[_compared(lane)] += 1
    assert seen["accepted"] >= 0.3 * seen.total(), seen
    rare = {"BucketExceeded", "NotAgent", "KernelPaused", "NotInPolicy", "OrderNotDue", "AboveRuleMaximum"}
    rare |= {"ReceivedTooLittle", "HoldingTooLarge", "FeedUnusable"}
    assert not {name for name in rare if seen[name] < CASES // 400}, seen
    logging.getLogger(__name__).info("%s", seen)


def _compared(lane: Lane) -> str:
    """What the Kernel says; fails where the engine says otherwise."""
    answer = evaluate(lane.state, lane.call, AGENT, lane.outside, lane.terms)
    decision = decided(lane, answer)
    told = f"{lane.judged.compiled.unit.intents}\n{answer}\n{decision}"
    if isinstance(answer, Refusal):
        assert decision.verdict is not Verdict.ALLOW, told
        return answer.name
    if decision.verdict is Verdict.ALLOW:
        assert not answer.paused, told
    # What a swap may lose at worst, which the engine asks about, is more than what it lost.
    swaps = any(isinstance(leg, GrantedSwap) for leg in lane.legs)
    assert granted(decision).rank <= (Verdict.ASK if swaps else Verdict.ALLOW).rank, told
    return "accepted"
