"""Random calls of a Kernel, aimed: most are what an honest party would send, the others go wrong on purpose in one
place, so that each refusal is met often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from policies.kernel.calls import (
    AnnounceRun,
    Block,
    Pause,
    PayCall,
    Run,
    SetPolicy,
    VetoRun,
)
from policies.kernel.rules import Act, AnyRule, Exit, Order, Pay, Swap, leaf_of
from policies.kernel.runs import run_id_of
from tests.differential.governance import Governor, Step
from tests.differential.machine import calldata
from tests.differential.policies import DOCUMENT
from tests.differential.treasury import STRANGER


@dataclass(slots=True)
class Author(Governor):
    """Writes the steps of one life."""

    def step(self) -> Step:
        """The next step, for the state the Kernel is in."""
        if self.queue:
            return self.queue.pop(0)
        aims = _PAUSED if self.state.paused else _LIVE
        aim: Callable[[Author], Step] = self.random.choices([*aims], [*aims.values()])[0]
        made = aim(self)
        if self.random.random() < 0.04:
            made = replace(made, sender=self._anybody())
        return made

    def pay(self) -> Step:
        rule = self.rule(Pay)
        return self.made(self.state.agent, PayCall(rule, self.units(rule), self.proof(rule)), self.weather(()))

    def run(self) -> Step:
        legs = self.legs()
        return self.made(self.state.agent, Run(legs), self.weather(legs))

    def announce_run(self) -> Step:
        delayed = self._delayed()
        legs = self.legs()
        if delayed and self.random.random() < 0.9:
            legs = (self.leg(self.random.choice(delayed)), *legs[1:])
        if self.runs and self.random.random() < 0.25:
            legs = self.random.choice(self.runs)
        self.runs.append(legs)
        return self.made(self.state.agent, AnnounceRun(legs))

    def run_announced(self) -> Step:
        standing = [legs for legs in self.runs if run_id_of(self.state, legs) in self.state.runs]
        if not standing:
            return self.announce_run()
        legs = self.random.choice(standing)
        ready, _ = self.state.runs[run_id_of(self.state, legs)]
        wait = max(ready - self.now, 0) + self.random.choice((-1, -1, 0, 0, 0, 100, 90_000))
        return self.made(self.state.agent, Run(legs), self.weather(legs), max(wait, 0))

    def reenter(self) -> Step:
        """A venue that calls the Kernel back in the middle of its swap; sometimes more is to come after it."""
        exchanges = [rule for rule in self._prompt() if isinstance(rule, Swap | Act)]
        pausing = [rule for rule in exchanges if rule.target in self.state.guardians]
        pauses = bool(pausing) and self.random.random() < 0.15
        legs = (self.leg(self.random.choice(pausing if pauses else exchanges or [self.rule(Swap)])),)
        if pauses or self.random.random() < 0.1:
            legs = (*legs, self.leg(self.random.choice([self.rule(Pay), self.rule(Order)])))
        weather = self.weather(legs)
        others = (Run(legs), Run(legs), Pause(), Block(STRANGER), SetPolicy(DOCUMENT, DOCUMENT, ()))
        inner = Pause() if pauses else self.random.choice(others)
        conducts = {
            name: replace(conduct, hook=self.policy.terms.kernel, payload=calldata(inner))
            for name, conduct in weather.conducts.items()
        }
        return replace(self.made(self.state.agent, Run(legs), replace(weather, conducts=conducts)), inner=inner)

    def _delayed(self) -> list[AnyRule]:
        return [rule for rule in self.policy.rules if rule.delay_seconds and not isinstance(rule, Exit)]

    def _prompt(self) -> list[AnyRule]:
        """The agent's rules without a delay."""
        return [rule for rule in self.policy.rules if not rule.delay_seconds and not isinstance(rule, Exit)]

    def exit(self) -> Step:
        legs = tuple(self.leg(self.rule(Exit)) for _ in range(self.random.choice((1, 1, 2))))
        if self.random.random() < 0.12:
            legs = self.legs()
        return self.made(self._guardian(), Run(legs), self.weather(legs))

    def veto_run(self) -> Step:
        ids = [*self.state.runs, *(run_id_of(self.state, legs) for legs in self.runs[-2:]), DOCUMENT]
        return self.made(self._guardian(), VetoRun(self.random.choice(ids)))

    def hurry(self) -> Step:
        """An announced run before its time, or vetoed at once."""
        delayed = self._delayed()
        if not delayed:
            return self.announce_run()
        legs = (self.leg(self.random.choice(delayed)),)
        self.runs.append(legs)
        wait = self.random.choice((1, 3599, 3600, 89_999))
        veto = self.made(self._guardian(), VetoRun(run_id_of(self.state, legs)))
        early = self.made(self.state.agent, Run(legs), self.weather(legs), wait)
        again = self.made(self.state.agent, AnnounceRun(legs), wait=wait)
        self.queue = [self.random.choice((veto, early, again))]
        return self.made(self.state.agent, AnnounceRun(legs), wait=1)

    def order_again(self) -> Step:
        """An order soon after it was paid, or about its first or last second."""
        orders = [rule for rule in self._prompt() if isinstance(rule, Order)] or [self.rule(Order)]
        paid = [rule for rule in orders if leaf_of(rule) in self.state.last_paid]
        bounded = [rule for rule in orders if max(rule.not_before, rule.not_after) > self.now + 1]
        wait = self.random.choice((0, 1, 3599, 3600))
        rule = self.random.choice(paid or orders)
        if bounded and self.random.random() < 0.4:
            rule = self.random.choice(bounded)
            bound = self.random.choice([each for each in (rule.not_before, rule.not_after) if each > self.now + 1])
            wait = bound - self.now + self.random.choice((-1, 0, 1))
        legs = (self.leg(rule),)
        return self.made(self.state.agent, Run(legs), self.weather(legs), wait)

    def run_revoked(self) -> Step:
        """A rule that the Safe revoked; revoke one first."""
        rules = [rule for rule in self._prompt() if leaf_of(rule) in self.state.revoked]
        if not rules:
            return self.revoke()
        legs = (self.leg(self.random.choice(rules)),)
        return self.made(self.state.agent, Run(legs), self.weather(legs))

    def usurp(self) -> Step:
        """Somebody else's call."""
        aims = (self.lower_bucket, self.cancel, self.announce, self.veto, self.announce_run, self.make, self.revoke)
        return replace(self.random.choice(aims)(), sender=self._anybody())


_LIVE: dict[Callable[[Author], Step], float] = {
    Author.pay: 20,
    Author.run: 60,
    Author.announce_run: 3.5,
    Author.run_announced: 7,
    Author.reenter: 10,
    Author.veto_again: 1.5,
    Author.hurry: 4,
    Author.change_in_time: 8,
    Author.veto_in_vain: 1.5,
    Author.rekey_in_vain: 1.2,
    Author.order_again: 4,
    Author.run_revoked: 2.2,
    Author.usurp: 2.5,
    Author.pause: 2.5,
    Author.exit: 1,
    Author.block: 1.5,
    Author.veto_run: 1.5,
    Author.veto: 2,
    Author.announce: 4,
    Author.make: 4,
    Author.cancel: 1.5,
    Author.add_guardian: 3.5,
    Author.lower_bucket: 4,
    Author.revoke: 0.5,
}
_PAUSED: dict[Callable[[Author], Step], float] = {
    Author.exit: 40,
    Author.pay: 9,
    Author.run: 9,
    Author.announce_rekey: 8,
    Author.make_rekey: 25,
    Author.pause: 2,
    Author.block: 1,
    Author.announce: 4,
    Author.make: 4,
    Author.veto: 2,
}
