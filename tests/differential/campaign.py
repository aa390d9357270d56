"""Many lives, counted; and the shortest story of the first disagreement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, fields, is_dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from policies.kernel.calls import AnnounceRun, Run
from policies.kernel.evaluator import evaluate
from tests.differential.episodes import Case, Evaluate
from tests.differential.machine import OUT
from tests.differential.policies import Policy
from tests.differential.stage import Stage
from tests.differential.steps import Step
from tests.differential.treasury import Weather

ACCEPTED = "accepted"
_LIVES_A_STAGE = 500
"""The EVM keeps a journal of everything: now and then it starts anew."""


@dataclass(slots=True)
class Tally:
    """Cases by refusal, and accepted ones by call; `counterexample` tells of the first disagreement."""

    refusals: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    counterexample: str = ""

    @property
    def cases(self) -> int:
        return self.refusals.total() + self.accepted.total()

    def add(self, other: Tally) -> None:
        self.refusals += other.refusals
        self.accepted += other.accepted
        self.counterexample = self.counterexample or other.counterexample

    def __str__(self) -> str:
        """A table for people."""
        share = self.accepted.total() / max(self.cases, 1)
        rows = [f"{self.cases} cases, {share:.1%} accepted", *_rows(self.accepted), "refused", *_rows(self.refusals)]
        return "\n".join(rows)


def _rows(counts: Counter[str]) -> Iterator[str]:
    return (f"  {name:<22}{count:>9}" for name, count in counts.most_common())


def campaign(cases: int, processes: int = 1) -> Tally:
    """At least so many cases, or fewer up to the first disagreement; the same ones every time."""
    if processes == 1:
        return lives(cases, 0, 1)
    tally = Tally()
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        parts = [pool.submit(lives, -(-cases // processes), first, processes) for first in range(processes)]
        for part in parts:
            tally.add(part.result())
    return tally


def lives(cases: int, first: int, stride: int, evaluator: Evaluate = evaluate, out: Path = OUT) -> Tally:
    """The lives numbered `first`, `first + stride`, … until there were so many cases."""
    tally, stage, number = Tally(), Stage(evaluator, out), first
    while tally.cases < cases and not tally.counterexample:
        if number // stride % _LIVES_A_STAGE == _LIVES_A_STAGE - 1:
            stage = Stage(evaluator, out)
        _count(tally, stage, str(number))
        number += stride
    return tally


def _count(tally: Tally, stage: Stage, seed: str) -> None:
    steps: list[Step] = []
    differing = False
    for case in stage.play(seed):
        if not steps or steps[-1] is not case.step:
            steps.append(case.step)
        if case.disagreement:
            # Told once the life is over: the stage plays one at a time.
            differing = True
        if case.refusal:
            tally.refusals[case.refusal] += 1
        else:
            tally.accepted[type(case.step.call).__name__] += 1
    if differing:
        policy = stage.policy(seed)
        tally.counterexample = told(stage, policy, shortest(stage, policy, steps))


def told(stage: Stage, policy: Policy, steps: Sequence[Step]) -> str:
    """The story in lines: who calls what and when, and what both say in the end."""
    last = stage.replay(policy, steps)[-1].disagreement
    assert last is not None
    head = ["the Kernel and the evaluator disagree", f"buckets: {_plain(policy.settings)}"]
    lines = [line for step in steps for line in _step_told(step)]
    verdict = [last.where, f"  the Kernel:    {last.kernel}", f"  the evaluator: {last.evaluator}"]
    text = "\n".join([*head, *lines, *verdict])
    for address, name in stage.names.items():
        text = text.replace(address, name)
    return text


def _step_told(step: Step) -> Iterator[str]:
    yield f"+{step.wait_seconds} s, {step.sender}: {_plain(step.call)}"
    if step.weather != Weather():
        yield f"  in {_plain(step.weather)}"


def _plain(value: object) -> str:
    """A value in one line: proofs and fields at zero left out, bytes in hexadecimal."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_plain, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_plain(each)}" for name, each in value.items()) + "}"
    if not is_dataclass(value):
        return str(value)
    shown = {each.name: getattr(value, each.name) for each in fields(value) if each.name != "proof"}
    return (
        f"{type(value).__name__}(" + ", ".join(f"{name}={_plain(each)}" for name, each in shown.items() if each) + ")"
    )


def shortest(stage: Stage, policy: Policy, steps: Sequence[Step]) -> list[Step]:
    """Fewer and simpler steps that end in the same disagreement."""
    best = list(steps)
    wanted = _kind(stage.replay(policy, best)[-1])
    shrinks = True
    while shrinks:
        shrinks = False
        for simpler in _simpler(best):
            found = stage.replay(policy, simpler)
            if found and found[-1].disagreement and _kind(found[-1]) == wanted:
                best, shrinks = list(simpler), True
                break
    return best


def _kind(case: Case) -> tuple[object, ...]:
    found = case.disagreement
    assert found is not None
    sides = [getattr(side, "name", type(side)) for side in (found.kernel, found.evaluator)]
    return (found.where.split()[0], *sides)


def _simpler(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Without one step, at the same times; with fewer legs; without waiting; in good weather."""
    for at in range(len(steps) - 1):
        later = replace(steps[at + 1], wait_seconds=steps[at].wait_seconds + steps[at + 1].wait_seconds)
        yield [*steps[:at], later, *steps[at + 2 :]]
    for at, step in enumerate(steps):
        for other in _simpler_step(step):
            yield [*steps[:at], other, *steps[at + 1 :]]


def _simpler_step(step: Step) -> Iterator[Step]:
    if isinstance(step.call, Run | AnnounceRun):
        for at in range(len(step.call.legs)):
            yield replace(step, call=type(step.call)((*step.call.legs[:at], *step.call.legs[at + 1 :])))
    if step.wait_seconds:
        yield replace(step, wait_seconds=0)
    if step.weather != Weather():
        yield replace(step, weather=Weather())
