"""The off-chain evaluator and the deployed Kernel say the same about random calls, to the last unit and argument."""

from __future__ import annotations

import logging
import os
from dataclasses import replace

import pytest

from policies.kernel.calls import AnyCall, PayCall, Run
from policies.kernel.evaluator import evaluate
from policies.kernel.values import Facts, Outcome, Refusal, State, Terms
from strongroom.model import Address
from tests.differential.campaign import campaign, lives
from tests.differential.episodes import Evaluate
from tests.differential.machine import KERNEL_ERRORS

CASES = int(os.environ.get("STRONGROOM_DIFFERENTIAL_CASES", "20000"))
PROCESSES = 1 if CASES <= 20_000 else 2
AT_BIRTH_ONLY = {"BadSafe"}
SOURCES_OWN = {"SourcesDeviate", "FeedUnusable"}


def test_the_kernel_and_its_evaluator_agree_on_random_calls() -> None:
    """No disagreement on answer or state; three in ten accepted; each refusal a hundred times in twenty thousand."""
    tally = campaign(CASES, PROCESSES)
    logging.getLogger(__name__).info("%s", tally)

    assert not tally.counterexample, tally.counterexample
    assert tally.accepted.total() >= 0.3 * tally.cases
    least = min(100, 100 * CASES // 20_000)
    rare = {name: tally.refusals[name] for name in KERNEL_ERRORS - AT_BIRTH_ONLY | SOURCES_OWN}
    assert not {name: count for name, count in rare.items() if count < least}
    assert set(tally.refusals) <= set(rare)
    assert not {name: count for name, count in tally.accepted.items() if count < least}


def _blind(**unseen: object) -> Evaluate:
    """An evaluator that does not look at a part of the state when the agent calls."""

    def evaluator(state: State, call: AnyCall, sender: Address, facts: Facts, terms: Terms) -> State | Refusal:
        if not isinstance(call, PayCall | Run):
            return evaluate(state, call, sender, facts, terms)
        answer = evaluate(replace(state, **unseen), call, sender, facts, terms)  # type: ignore[arg-type]
        seen = {name: getattr(state, name) for name in unseen}
        return replace(answer, **seen) if isinstance(answer, State) else answer

    return evaluator


def _late(state: State, call: AnyCall, sender: Address, facts: Facts, terms: Terms) -> State | Refusal:
    return evaluate(state, call, sender, replace(facts, now=facts.now + 1), terms)


def _upside_down(state: State, call: AnyCall, sender: Address, facts: Facts, terms: Terms) -> State | Refusal:
    turned = {
        address: source if isinstance(source.ends, Refusal) else replace(source, ends=source.ends[::-1])
        for address, source in facts.sources.items()
    }
    return evaluate(state, call, sender, replace(facts, sources=turned), terms)


def _forgiving(state: State, call: AnyCall, sender: Address, facts: Facts, terms: Terms) -> State | Refusal:
    """No allowance was there before, and none stays."""
    outcomes = tuple(replace(each, stuck_units=0) for each in facts.outcomes)
    return evaluate(state, call, sender, replace(facts, outcomes=outcomes, allowances={}), terms)


def _trusting(state: State, call: AnyCall, sender: Address, facts: Facts, terms: Terms) -> State | Refusal:
    return evaluate(state, call, sender, replace(facts, rates=dict.fromkeys(facts.rates, (10**27,) * 2)), terms)


def _deaf(state: State, call: AnyCall, sender: Address, facts: Facts, terms: Terms) -> State | Refusal:
    return evaluate(state, call, sender, replace(facts, outcomes=tuple(map(_unpausing, facts.outcomes))), terms)


def _unpausing(outcome: Outcome) -> Outcome:
    return replace(outcome, pauses=False)


def _poor(state: State, call: AnyCall, sender: Address, facts: Facts, terms: Terms) -> State | Refusal:
    return evaluate(state, call, sender, replace(facts, balances={}), terms)


_WRONG: dict[str, Evaluate] = {
    "blocked": _blind(blocked=frozenset()),
    "revoked": _blind(revoked=frozenset()),
    "busy": _blind(busy=False),
    "clock": _late,
    "prices": _upside_down,
    "allowances": _forgiving,
    "rates": _trusting,
    "pauses": _deaf,
    "holdings": _poor,
}


@pytest.mark.parametrize("wrong", _WRONG.values(), ids=_WRONG)
def test_an_evaluator_that_errs_in_one_thing_is_found_out_by_a_short_story(wrong: Evaluate) -> None:
    """What is shown ends in the disagreement, in a few steps."""
    tally = lives(20_000, 0, 1, wrong)
    told = tally.counterexample.splitlines()

    assert told, "nothing was found"
    assert told[-2].startswith("  the Kernel:")
    assert told[-1].startswith("  the evaluator:")
    assert sum(line.startswith("+") for line in told) <= 8


def test_a_campaign_is_the_same_every_time() -> None:
    """A counterexample of yesterday is found again today, in another process too."""
    assert str(campaign(400)) == str(campaign(400))
    assert str(campaign(400, processes=2)) == str(campaign(400, processes=2))
