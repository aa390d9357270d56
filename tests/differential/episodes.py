"""One Kernel's life: born with a random policy, called step by step, and held against the evaluator after each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from policies.kernel.calls import AnnounceRun, AnyCall, PayCall, Run
from policies.kernel.rules import Leg, Order
from policies.kernel.runs import ready_at
from policies.kernel.values import Facts, Refusal, State, Terms
from strongroom.model import NATIVE, Address, Bucket
from strongroom.protocols.kernel import Birth, bucket_key, encode_enable_module
from tests.differential.machine import Reverted, calldata, refusal_of, slot_of
from tests.differential.policies import DOCUMENT, Policy
from tests.differential.steps import Step
from tests.differential.treasury import AGENTS, GUARDIANS, OWNERS, START, STRANGER, Treasury, token_of

_UINT32 = 2**32 - 1
_BUCKETS, _LAST_PAID, _BLOCKED, _REVOKED, _GUARDIANS, _BURNED, _PAID = 5, 6, 7, 8, 9, 10, 14
"""Slots of mappings (ADR 0002)."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What the Kernel did and what the evaluator said it would; `where` is the part of the state, or `answer`."""

    where: str
    kernel: object
    evaluator: object


@dataclass(frozen=True, slots=True)
class Case:
    """One step's result: `refusal` is the evaluator's, empty when accepted."""

    step: Step
    refusal: str
    disagreement: Disagreement | None


Evaluate = Callable[[State, AnyCall, Address, Facts, Terms], State | Refusal]


class Life:
    """A Kernel on chain beside the evaluator's state of it."""

    def __init__(self, treasury: Treasury, policy: Policy, evaluator: Evaluate) -> None:
        self._evaluate = evaluator
        self._treasury, self.policy, self._machine = treasury, policy, treasury.machine
        self._machine.at(START)
        self.state = newborn(policy)
        birth = Birth(
            policy.terms.safe,
            policy.terms.registry,
            policy.agent,
            tuple(sorted(policy.guardians)),
            policy.root,
            DOCUMENT,
            policy.settings,
            policy.terms.config_delay_seconds,
            policy.terms.rekey_delay_seconds,
            policy.terms.window_seconds,
        )
        made = self._machine.deploy(treasury.kernel_code, birth.encoded)
        assert made == policy.terms.kernel, "the Kernel lies elsewhere"
        treasury.command(policy.terms.safe, encode_enable_module(made))
        tokens = treasury.tokens.values()
        self._balances = {token: treasury.balance(token) for token in tokens}

    @property
    def now(self) -> int:
        return self._machine.now

    def take(self, step: Step) -> list[Case]:
        """The step's case, and one more when a venue called back."""
        self._machine.at(self.now + step.wait_seconds)
        legs = legs_of(step.call)
        if legs:
            self._treasury.set_to(step.weather)
        facts = self._treasury.facts(legs, step.weather, self._balances, self.state.guardians)
        before = self.state
        expected = self._evaluate(before, step.call, step.sender, facts, self.policy.terms)
        found = self._sent(step)
        if isinstance(expected, State) and not isinstance(found, Refusal):
            self.state = expected
            if legs and not isinstance(step.call, AnnounceRun):
                self._account(legs, facts)
            differing = next(self._differences(legs, step), None)
        else:
            same = isinstance(expected, Refusal) and expected == found
            differing = None if same else Disagreement("answer", found, _short(expected))
        name = expected.name if isinstance(expected, Refusal) else ""
        cases = [Case(step, name, differing)]
        if step.inner and not name and not differing:
            cases.append(self._meanwhile(step, step.inner, before, facts))
        return cases

    def _meanwhile(self, step: Step, inner: AnyCall, before: State, facts: Facts) -> Case:
        """What the venue's own call of the Kernel, in the middle of its swap, was answered."""
        leg, *_ = legs_of(step.call)
        venue: Address = leg.rule.target  # type: ignore[union-attr]
        expected = self._evaluate(replace(before, busy=True), inner, venue, facts, self.policy.terms)
        succeeded, answer = (self._machine.ask(venue, f"{view}()", kind)[0] for view, kind in _ANSWER)
        found = None if succeeded else refusal_of(answer)
        name = expected.name if isinstance(expected, Refusal) else ""
        same = found is None if isinstance(expected, State) else found == expected
        return Case(step, name, None if same else Disagreement("answer meanwhile", found, _short(expected)))

    def _sent(self, step: Step) -> Refusal | None:
        kernel, data = self.policy.terms.kernel, calldata(step.call)
        try:
            if step.sender == self.policy.terms.safe:
                self._treasury.command(kernel, data)
            else:
                self._machine.send(step.sender, kernel, data)
        except Reverted as reverted:
            return refusal_of(reverted.data)
        return None

    def _account(self, legs: Sequence[Leg], facts: Facts) -> None:
        for leg, outcome in zip(legs, facts.outcomes, strict=True):
            self._balances[token_of(leg.rule)] -= outcome.spent_units
            if (out := getattr(leg.rule, "token_out", None)) is not None:
                self._balances[out] += outcome.received_units

    def _differences(self, legs: Sequence[Leg], step: Step) -> Iterator[Disagreement]:
        for where, kernel, evaluator in self._readings(legs):
            if kernel != evaluator:
                yield Disagreement(where, kernel, evaluator)

    def _readings(self, legs: Sequence[Leg]) -> Iterator[tuple[str, object, object]]:
        state, read, word = self.state, self._mapped, self._machine.word
        kernel = self.policy.terms.kernel
        head = word(kernel, 0)
        yield "agent", head % 2**160, int(state.agent, 16)
        yield "epoch", head >> 160 & _UINT32, state.epoch
        yield "version", head >> 192 & _UINT32, state.version
        yield "paused", bool(head >> 224 & 1), state.paused
        yield "root", word(kernel, 1), int(state.root, 16)
        yield "agentCodeHash", word(kernel, 3), int(state.agent_code_hash, 16)
        for of, bucket in state.buckets.items():
            yield f"bucket {of}", _unpacked(read(_BUCKETS, bucket_key(*of))), bucket
        for rule, leaf in self.policy.leaves.items():
            if isinstance(rule, Order):
                yield f"lastPaid {leaf}", read(_LAST_PAID, leaf), state.last_paid.get(leaf, 0)
            # A mapping in a mapping: the inner one lies where the outer one keeps the version.
            revoked = slot_of(slot_of(_REVOKED, state.version), leaf)
            yield f"revoked {leaf}", word(kernel, revoked), leaf in state.revoked
        for token in self._treasury.tokens.values():
            yield f"paid {token}", read(_PAID, token), state.paid.get(token, 0)
            yield f"blocked {token}", read(_BLOCKED, token), token in state.blocked
        for account in (*GUARDIANS, *AGENTS, *OWNERS, STRANGER, *self._treasury.venues.values()):
            yield f"guardian {account}", read(_GUARDIANS, account), account in state.guardians
            yield f"burned {account}", read(_BURNED, account), account in state.burned
        touched = {token_of(leg.rule) for leg in legs} | {getattr(leg.rule, "token_out", NATIVE) for leg in legs}
        for token in sorted(touched):
            yield f"balance {token}", self._treasury.balance(token), self._balances[token]
        yield from self._announced()

    def _announced(self) -> Iterator[tuple[str, object, object]]:
        kernel, state = self.policy.terms.kernel, self.state
        for run_id in state.runs:
            on_chain = self._machine.ask(kernel, "runReadyAt(bytes32)", "uint256", bytes.fromhex(run_id[2:]))[0]
            yield f"run {run_id}", on_chain, ready_at(state, run_id, self.now)
        for change, pending in state.pending.items():
            found = self._machine.ask(kernel, "pending(bytes32)", _PENDING, bytes.fromhex(change[2:]))[0]
            expected = (
                int(pending.subject, 16),
                pending.ready_at,
                pending.expires_at,
                len(pending.vetoed_by),
                pending.needed,
            )
            if self.now > pending.expires_at:
                expected = (0,) * 5
            yield f"pending {change}", (int(found[0], 16), *found[1:3], *found[5:]), expected

    def _mapped(self, mapping: int, key: str) -> int:
        return self._machine.word(self.policy.terms.kernel, slot_of(mapping, key))


_ANSWER = (("succeeded", "bool"), ("answer", "bytes"))
_PENDING = "(address,uint40,uint40,uint32,uint32,uint16,uint16)"


def newborn(policy: Policy) -> State:
    """The Kernel's state at birth, at `START`."""
    buckets = {
        (each.token, each.bucket_class): Bucket(each.capacity_units, each.level_units, START, each.drain_seconds)
        for each in policy.settings
    }
    return State(policy.agent, policy.root, policy.guardians, buckets)


def legs_of(call: AnyCall) -> tuple[Leg, ...]:
    """The legs that a call is made of."""
    if isinstance(call, PayCall):
        return (Leg(call.rule, call.proof, call.units),)
    return call.legs if isinstance(call, Run | AnnounceRun) else ()


def _short(expected: State | Refusal) -> object:
    return expected if isinstance(expected, Refusal) else "accepted"


def _unpacked(word: int) -> Bucket:
    return Bucket(word % 2**96, (word >> 96) % 2**96, (word >> 192) % 2**32, word >> 224)
