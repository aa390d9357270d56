"""A Safe with tokens, venues, a vault and price sources that do what a test says, and what the evaluator is told.

What the mocks will do is written here a second time, in Python (`outcomes`): the evaluator asks no contract.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_abi.abi import decode

from policies.kernel.rules import AnyRule, Leg, Order, Pay, Swap
from policies.kernel.values import Answer, Facts, Outcome, Source
from strongroom.addresses import keccak, to_address
from strongroom.model import NATIVE, Address, Digest
from strongroom.protocols.abi import encode_call, selector
from tests.differential.machine import DEPLOYER, Machine, Reverted, refusal_of

START = 1_800_000_000
MAX_AGE_SECONDS = 7 * 86_400
FALSE_ABOVE = 1000 * 10**18
"""`FalseReturningToken` answers false to transfers of more."""
_RAY = 10**27
Balances = Mapping[Address, int]


def key(name: str) -> Address:
    """An account without code, by name."""
    return to_address(keccak(name.encode())[12:])


OWNERS = tuple(key(f"owner {number}") for number in range(3))
GUARDIANS = tuple(key(f"guardian {number}") for number in range(3))
AGENTS = tuple(key(f"agent {number}") for number in range(4))
PAYEES = tuple(key(f"payee {number}") for number in range(3))
STRANGER = key("stranger")
HAND = key("hand")
"""A module of the Safe that makes it call anything: what enough owners sign."""


@dataclass(frozen=True, slots=True)
class Conduct:
    """What a venue does when it is called: fetches this part of the amount, pays this much, calls somebody before."""

    take_bps: int = 10_000
    give: int = 0
    hook: Address = NATIVE
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Weather:
    """What is set on the mocks before a call. `answers` of a source's two feeds, USD 1e-8, and how old they are."""

    conducts: Mapping[str, Conduct] = field(default_factory=dict)
    answers: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    rates: tuple[int, int] = (_RAY, _RAY)
    greed: int = 0
    allowance: int = 0


@dataclass(slots=True)
class Treasury:
    """The contracts, by name; one Machine."""

    machine: Machine
    safe: Address
    kernel_code: str
    tokens: Mapping[str, Address]
    venues: Mapping[str, Address]
    sources: Mapping[str, Address]
    feeds: Mapping[str, tuple[Address, Address]]
    reverting: Address
    hashes: Mapping[Address, Digest]
    present: Weather = field(default_factory=Weather)
    set_at: int = 0
    is_set: bool = False

    def balance(self, token: Address) -> int:
        if token == NATIVE:
            return self.machine.wei(self.safe)
        return int.from_bytes(self.machine.send(DEPLOYER, token, _BALANCE_OF + words_of(int(self.safe, 16))), "big")

    def set_to(self, weather: Weather) -> None:
        """The mocks as the weather says, at the machine's time; what is so already is left."""
        before, self.present = self.present, weather
        for name, conduct in weather.conducts.items():
            if conduct != before.conducts.get(name):
                self._instruct(name, conduct)
        for name, answers in weather.answers.items():
            if self.set_at != self.machine.now or answers != before.answers.get(name):
                self._answer(name, *answers)
        self.set_at = self.machine.now
        send = self.machine.send
        if weather.rates != before.rates or not self.is_set:
            send(DEPLOYER, self.tokens["vault"], encode_call("setRates(uint256,uint256)", *weather.rates))
        if weather.greed != before.greed:
            send(DEPLOYER, self.tokens["greedy"], encode_call("setExtra(uint256)", weather.greed))
        if weather.allowance != before.allowance:
            allow = encode_call("approve(address,uint256)", self.venues["one"], weather.allowance)
            self.command(self.tokens["usdc"], allow)
        self.is_set = True

    def _instruct(self, name: str, conduct: Conduct) -> None:
        words = (conduct.take_bps, conduct.give, int(conduct.hook, 16), 4 * 32, len(conduct.payload))
        instruct = _INSTRUCT + words_of(*words) + conduct.payload.ljust(-(-len(conduct.payload) // 32) * 32, b"\0")
        self.machine.send(DEPLOYER, self.venues[name], instruct)

    def _answer(self, name: str, first: int, second: int, age: int) -> None:
        moment = self.machine.now - age
        for feed, answer in zip(self.feeds[name], (first, second), strict=True):
            self.machine.send(DEPLOYER, feed, _SET_ROUND + words_of(1, answer, moment, moment, 1))

    def command(self, to: Address, data: bytes) -> bytes:
        """What a call of the Safe's own returns; raises `Reverted`. By a module: an owner's transaction would lose the
        reason."""
        execute = encode_call("execTransactionFromModuleReturnData(address,uint256,bytes,uint8)", to, 0, data, 0)
        success, returned = decode(("bool", "bytes"), self.machine.send(HAND, self.safe, execute))
        if not success:
            raise Reverted(returned)
        return bytes(returned)

    def source(self, name: str) -> Source:
        """A price source as whoever may call it sees it."""
        decimals = {"usdc": 6}.get(name, 18)
        try:
            ends: Any = self.machine.ask(self.sources[name], "prices()", "uint256,uint256")
        except Reverted as reverted:
            ends = refusal_of(reverted.data)
        return Source(self.tokens[name], decimals, ends)

    def facts(
        self, legs: Sequence[Leg], weather: Weather, balances: Mapping[Address, int], guardians: frozenset[Address]
    ) -> Facts:
        """What the evaluator is told."""
        swaps = any(isinstance(leg.rule, Swap) for leg in legs)
        allowances = {(self.tokens["usdc"], self.venues["one"]): weather.allowance}
        return Facts(
            self.machine.now,
            tuple(self.outcomes(legs, weather, balances, guardians)),
            balances,
            allowances,
            {self.sources[name]: self.source(name) for name in self.sources} if swaps else {},
            {self.tokens["vault"]: weather.rates},
            self.hashes,
        )

    def outcomes(
        self, legs: Sequence[Leg], weather: Weather, balances: Mapping[Address, int], guardians: frozenset[Address]
    ) -> list[Outcome]:
        """What each leg's calls will do if all before it did what they should."""
        held, found = dict(balances), []
        for leg in legs:
            if isinstance(leg.rule, Pay | Order):
                outcome = self._payment(leg.rule, leg.units, held, weather)
            else:
                outcome = self._exchange(leg, held, weather, guardians)
                held[leg.rule.token_out] = held.get(leg.rule.token_out, 0) + outcome.received_units
            paid = token_of(leg.rule)
            held[paid] = held.get(paid, 0) - outcome.spent_units
            found.append(outcome)
        return found

    def _payment(self, rule: Pay | Order, units: int, held: Balances, weather: Weather) -> Outcome:
        token, recipient = rule.token, rule.recipient
        spent = units + self._greed(token, weather)
        if token == self.tokens["false"] and (held[token] < units or units > FALSE_ABOVE):
            return Outcome(Answer.NO)
        if held.get(token, 0) < spent or (token == NATIVE and recipient == self.reverting):
            return Outcome(Answer.FAILED)
        return Outcome(spent_units=spent - units if recipient == self.safe else spent)

    def _greed(self, token: Address, weather: Weather) -> int:
        return weather.greed if token == self.tokens["greedy"] else 0

    def _exchange(
        self, leg: Leg, held: Mapping[Address, int], weather: Weather, guardians: frozenset[Address]
    ) -> Outcome:
        rule = leg.rule
        assert not isinstance(rule, Pay | Order)
        names = {address: name for name, address in self.venues.items()}
        conduct = weather.conducts.get(names.get(rule.target, ""))
        approval = Answer.NO if rule.token_in == self.tokens["refusing"] else Answer.DONE
        if conduct is None or len(leg.data) < 4 + 6 * 32:
            return Outcome(Answer.FAILED, approval=approval)
        asked = int.from_bytes(leg.data[4 + 96 : 4 + 128], "big")
        take = leg.units if rule.token_in == NATIVE else asked * conduct.take_bps // 10_000
        spent = take + self._greed(rule.token_in, weather)
        granted = 2**256 if rule.token_in == NATIVE else leg.units if rule.spender == rule.target else 0
        if take > granted or spent > held.get(rule.token_in, 0):
            return Outcome(Answer.FAILED, approval=approval)
        sticky = rule.token_in == self.tokens["sticky"] and rule.spender != NATIVE
        stuck = leg.units - (take if rule.spender == rule.target else 0) if sticky else 0
        return Outcome(
            Answer.DONE, spent, conduct.give, approval, stuck, conduct.payload == _PAUSE and rule.target in guardians
        )


_PAUSE = encode_call("pause()")
_BALANCE_OF = selector("balanceOf(address)")
_INSTRUCT = selector("instruct(uint256,uint256,address,bytes)")
_SWAP = selector("swap(address,address,address,uint256,uint256,uint256)")
_SET_ROUND = selector("setRound((uint80,int256,uint256,uint256,uint80))")


def words_of(*numbers: int) -> bytes:
    """Numbers as the ABI has them; much faster than the encoder, which shows in a million cases."""
    return b"".join(number.to_bytes(32, "big") for number in numbers)


def token_of(rule: AnyRule) -> Address:
    """What leaves the Safe."""
    return rule.token if isinstance(rule, Pay | Order) else rule.token_in


def swap_data(token_in: Address, token_out: Address, to: Address, units: int, least: int, deadline: int) -> bytes:
    """`ScriptedVenue.swap`; the amount stands in the fourth word, the least in the fifth, the deadline in the sixth."""
    return _SWAP + words_of(int(token_in, 16), int(token_out, 16), int(to, 16), units, least, deadline)
