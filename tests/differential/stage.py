"""Where lives are played: the same untouched treasury before each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

from policies.kernel.evaluator import evaluate
from strongroom.model import NATIVE, Address
from strongroom.protocols.kernel import Birth
from tests.differential.episodes import Case, Evaluate, Life
from tests.differential.founding import build
from tests.differential.machine import OUT, Machine
from tests.differential.policies import DOCUMENT, Policy, random_policy
from tests.differential.steps import Author, Step
from tests.differential.treasury import AGENTS, GUARDIANS, OWNERS, PAYEES, STRANGER, Treasury

STEPS = 40


def kernel_address(treasury: Treasury) -> Address:
    """Where the next Kernel will lie."""
    machine = treasury.machine
    snapshot = machine.snapshot()
    made = machine.deploy(treasury.kernel_code, _some_birth(treasury.safe).encoded)
    machine.revert(snapshot)
    return made


def _some_birth(safe: Address) -> Birth:
    return Birth(safe, NATIVE, AGENTS[0], (), DOCUMENT, DOCUMENT, (), 3600, 3600, 86_400)


class Stage:
    """Where lives are played, one after another, each on the same untouched treasury."""

    def __init__(self, evaluator: Evaluate = evaluate, out: Path = OUT) -> None:
        self._evaluate, self._treasury = evaluator, build(Machine(out))
        self._kernel = kernel_address(self._treasury)

    @property
    def names(self) -> dict[Address, str]:
        """What to call the addresses in a story."""
        treasury = self._treasury
        named = {"the Safe": treasury.safe, "the Kernel": self._kernel, "reverting": treasury.reverting}
        named |= {f"token {name}": token for name, token in treasury.tokens.items() if token != NATIVE}
        named |= {f"venue {name}": venue for name, venue in treasury.venues.items()}
        named |= {f"source {name}": source for name, source in treasury.sources.items()}
        people = {"owner": OWNERS, "guardian": GUARDIANS, "agent": AGENTS, "payee": PAYEES, "stranger": (STRANGER,)}
        named |= {f"{role} {at}": key for role, keys in people.items() for at, key in enumerate(keys)}
        return {address: name for name, address in named.items()}

    def policy(self, seed: str) -> Policy:
        return random_policy(Random(f"policy {seed}"), self._treasury, self._kernel)

    def play(self, seed: str, steps: int = STEPS) -> Iterator[Case]:
        """Random steps, until one disagrees."""
        policy = self.policy(seed)
        with self._life(policy) as life:
            author = Author(Random(f"steps {seed}"), policy, self._treasury, life.state, life.now)
            for _ in range(steps):
                author.state, author.now = life.state, life.now
                cases = life.take(author.step())
                yield from cases
                if any(case.disagreement for case in cases):
                    return

    def replay(self, policy: Policy, steps: Sequence[Step]) -> list[Case]:
        """The cases of these very steps, until one disagrees."""
        found: list[Case] = []
        with self._life(policy) as life:
            for step in steps:
                found += life.take(step)
                if found[-1].disagreement:
                    break
        return found

    @contextmanager
    def _life(self, policy: Policy) -> Iterator[Life]:
        machine = self._treasury.machine
        snapshot, present = machine.snapshot(), (self._treasury.present, self._treasury.is_set)
        try:
            yield Life(self._treasury, policy, self._evaluate)
        finally:
            machine.revert(snapshot)
            self._treasury.present, self._treasury.is_set = present
            self._treasury.set_at = 0
