"""Random legs, and the weather in which an honest venue would please them: prices, rates, what is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from policies.kernel.buckets import room_at
from policies.kernel.forbidden import FORBIDDEN
from policies.kernel.rules import Act, AnyRule, Exit, Leg, Order, Pay, Swap
from policies.kernel.values import State
from strongroom.model import NATIVE, Bucket, Digest
from strongroom.protocols.kernel_acts import PAR, UNLIMITED_HOLDING
from tests.differential.policies import PRICED, Policy
from tests.differential.treasury import MAX_AGE_SECONDS, Conduct, Treasury, Weather, swap_data, token_of

_PRICES = {"usdc": 10**8, "weth": 2000 * 10**8, "ether": 2000 * 10**8}
_WHOLE = {"usdc": 10**6, "weth": 10**18, "ether": 10**18}
_LARGEST_UNITS = 2**96 - 1


@dataclass(slots=True)
class LegAuthor:
    """Writes legs for the state a Kernel is in; one in a few is spoiled in one place."""

    random: Random
    policy: Policy
    treasury: Treasury
    state: State
    now: int

    def rule(self, kind: type[Any]) -> Any:
        return self.random.choice([rule for rule in self.policy.rules if isinstance(rule, kind)])

    def proof(self, rule: AnyRule) -> tuple[Digest, ...]:
        siblings = self.policy.proofs[rule]
        return siblings[:-1] if self.random.random() < 0.01 else siblings

    def legs(self) -> tuple[Leg, ...]:
        count = self.random.choices((0, 1, 2, 3, 5), (2, 55, 25, 10, 5))[0]
        rules = [rule for rule in self.policy.rules if not isinstance(rule, Exit) and not rule.delay_seconds]
        if self.random.random() < 0.12:
            rules = [*self.policy.rules]
        return tuple(self.leg(self.random.choice(rules)) for _ in range(count))

    def leg(self, rule: AnyRule) -> Leg:
        units = self.units(rule)
        if isinstance(rule, Pay | Order):
            return Leg(rule, self.proof(rule), units)
        deadline = self.now + 100_000 * self.random.choice((1,) * 20 + (2, 10, 0))
        least = self.random.choice((0, 0, 0, 1, 10**40)) if self.random.random() < 0.15 else 0
        data = self._data(rule, units, least, deadline)
        return Leg(rule, self.proof(rule), units, least, deadline, data)

    def _data(self, rule: Swap | Act, units: int, least: int, deadline: int) -> bytes:
        words = rule.template.words
        free = (units, least, deadline)
        typed = [value if word >= 4 else 0 for word, value in zip(words, free, strict=True)]
        data = swap_data(rule.token_in, rule.token_out, self.treasury.safe, *typed)
        return self._spoiled(data, rule) if self.random.random() < 0.14 else data

    def _spoiled(self, data: bytes, rule: Swap | Act) -> bytes:
        """One byte, one word, the length or the selector is not the rule's."""
        at = self.random.randrange(4, len(data))
        flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        word = self.random.choice(rule.template.words)
        other = data[: word + 31] + b"\x77" + data[word + 32 :] if word >= 4 else flipped
        forbidden = self.random.choice(sorted(FORBIDDEN)) + data[4:]
        return self.random.choice((flipped, other, data[:at], data + b"\0", forbidden, forbidden))

    def units(self, rule: AnyRule) -> int:
        most = rule.units if isinstance(rule, Order) else rule.max_units
        spoil = self.random.random()
        if spoil < 0.03:
            return 0
        if spoil < 0.06 or (isinstance(rule, Order) and spoil < 0.15):
            return min(most + 1, _LARGEST_UNITS)
        if isinstance(rule, Order) or not most:
            return most
        room = self._room(rule)
        if room and room < most and spoil < 0.8:
            most = room
        whole = most if spoil < 0.25 else self.random.randrange(1, most + 1)
        return max(whole - (0 if isinstance(rule, Pay) else min(rule.dust_units, whole - 1)), 1)

    def _room(self, rule: Any) -> int:
        of = (rule.token if isinstance(rule, Pay) else rule.token_in, rule.bucket_class)
        return room_at(self.state.buckets.get(of, Bucket(0, 0, 0, 0)), self.now)

    # Weather.

    def weather(self, legs: Sequence[Leg]) -> Weather:
        answers = {name: self._answers(name) for name in PRICED}
        rates = self.random.choice(((PAR, PAR), (PAR + PAR // 7, PAR - PAR // 11), (PAR // 2, 2 * PAR)))
        conducts = {}
        for name, venue in self.treasury.venues.items():
            leg = next(
                (leg for leg in legs if not isinstance(leg.rule, Pay | Order) and leg.rule.target == venue), None
            )
            give = self._fair(leg, answers, rates) if leg else 0
            sticky = leg is not None and token_of(leg.rule) == self.treasury.tokens["sticky"]
            take = self.random.choice((10_000,) * (3 if sticky else 12) + (9_000, 0, 10_001))
            conducts[name] = Conduct(take, give)
        return Weather(conducts, answers, rates, self.random.choice((0,) * 6 + (1, 10**19)), self._old_allowance())

    def _old_allowance(self) -> int:
        return 7 if self.random.random() < 0.3 else 0

    def _answers(self, name: str) -> tuple[int, int, int]:
        price = int(_PRICES[name] * self.random.uniform(0.98, 1.02))
        other = int(price * self.random.choice((1, 1, 1.001, 0.999, 1.03 if self.random.random() < 0.5 else 1)))
        age = MAX_AGE_SECONDS + self.random.choice((0, 1)) if self.random.random() < 0.16 else 0
        return price, other, age

    def _fair(self, leg: Leg, answers: Mapping[str, tuple[int, int, int]], rates: tuple[int, int]) -> int:
        """About what an honest venue gives."""
        rule = leg.rule
        assert isinstance(rule, Swap | Act)
        if rule.max_holding_units < UNLIMITED_HOLDING and self.random.random() < 0.2:
            room = rule.max_holding_units - self.treasury.balance(rule.token_out)
            return max(room + self.random.choice((0, 1)), 0)
        if isinstance(rule, Swap):
            fair = self._at_prices(rule, leg.units, answers)
            factors = (1.05, 1.01, 1.001, 0.999, 0.997, 0.98, 0.95, 0.85)
            return int(fair * self.random.choice(factors)) + self.random.choice((0, 1))
        if rule.vault != NATIVE:
            fair = leg.units * rates[0 if rule.vault == rule.token_out else 1] // PAR
        else:
            fair = -(-leg.units * rule.min_rate // PAR)
        floor = -(-fair * max(10_000 - rule.max_slippage_bps, 0) // 10_000)
        return max(self.random.choice((fair, fair, floor, floor, fair + 1, floor - 1)), 0)

    def _at_prices(self, rule: Swap, units: int, answers: Mapping[str, tuple[int, int, int]]) -> int:
        names = {address: name for name, address in self.treasury.tokens.items()}
        name_in, name_out = names[rule.token_in], names[rule.token_out]
        if name_in not in PRICED or name_out not in PRICED:
            return units
        value = units * max(answers[name_in][:2]) * _WHOLE[name_out]
        return value // (min(answers[name_out][:2]) * _WHOLE[name_in])
