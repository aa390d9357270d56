"""Random policies over the treasury's contracts: rules of every kind, contradictory ones among them, and buckets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Any

from policies.kernel.rules import Act, AnyRule, Exit, Order, Pay, Swap, leaf_of
from policies.kernel.values import Terms
from policies.tree import proof, root
from strongroom.addresses import keccak, to_digest
from strongroom.model import NATIVE, Address, Digest
from strongroom.protocols.kernel import ACTION_UNITS, ACTIONS, LOSSES, BucketSetting
from strongroom.protocols.kernel_acts import PAR, UNLIMITED_HOLDING, Template
from tests.differential.treasury import AGENTS, GUARDIANS, OWNERS, PAYEES, START, Treasury, swap_data

PERMIT2 = Address("0x000000000022D473030F116dDEE9F6B43aC78BA3")
CLASSES = (0, 7)
PRICED = ("usdc", "weth", "ether")
UNITS = {"usdc": 10**6, "poor": 10**6}
"""Of a whole token; all others have 18 decimals."""
_WORDS = (4 + 3 * 32, 4 + 4 * 32, 4 + 5 * 32)


@dataclass(frozen=True)
class Policy:
    """What a Kernel is born with, and the rules whose leaves make its root."""

    terms: Terms
    agent: Address
    guardians: frozenset[Address]
    rules: tuple[AnyRule, ...]
    settings: tuple[BucketSetting, ...]

    @cached_property
    def leaves(self) -> dict[AnyRule, Digest]:
        return {rule: leaf_of(rule) for rule in self.rules}

    @cached_property
    def root(self) -> Digest:
        return root(self.leaves.values())

    @cached_property
    def proofs(self) -> dict[AnyRule, tuple[Digest, ...]]:
        return {rule: proof(self.leaves.values(), leaf) for rule, leaf in self.leaves.items()}


def random_policy(random: Random, treasury: Treasury, kernel: Address) -> Policy:
    """A policy with at least one rule of every kind."""
    terms = Terms(
        kernel,
        treasury.safe,
        frozenset(OWNERS),
        config_delay_seconds=random.choice((3600, 86_400)),
        rekey_delay_seconds=random.choice((3600, 21_600)),
        window_seconds=random.choice((86_400, 604_800)),
        permit2=PERMIT2,
    )
    guardians = {*GUARDIANS[:2], *([treasury.venues["two"]] if random.random() < 0.4 else [])}
    rules = tuple(dict.fromkeys(_rules(random, treasury, kernel)))
    return Policy(terms, AGENTS[0], frozenset(guardians), rules, tuple(_settings(random, rules)))


def _rules(random: Random, treasury: Treasury, kernel: Address) -> Iterator[AnyRule]:
    for _ in range(random.randint(3, 5)):
        yield _pay(random, treasury)
    for _ in range(random.randint(2, 3)):
        yield _order(random, treasury)
    for _ in range(random.randint(2, 4)):
        yield _swap(random, treasury)
    for _ in range(random.randint(3, 4)):
        yield _act(random, treasury)
    for _ in range(2):
        rule = _act(random, treasury)
        yield Exit(**{name: getattr(rule, name) for name in _ACT_FIELDS})
    yield _contradicting(random, _swap(random, treasury), treasury, kernel)
    yield _contradicting(random, _act(random, treasury), treasury, kernel)


_ACT_FIELDS = (
    *("target", "spender", "token_in", "token_out", "template", "max_units", "dust_units", "max_holding_units"),
    *("max_slippage_bps", "bucket_class", "delay_seconds", "vault", "min_rate", "max_rate"),
)


def _units(random: Random, name: str) -> int:
    """From a hundredth of a token to some thousands, few digits or all."""
    whole = UNITS.get(name, 10**18)
    return max(1, int(whole * 10 ** random.uniform(-2, 3.5)) + random.choice((0, 1, random.randrange(whole))))


def _delay(random: Random) -> int:
    return random.choice((3600, 90_000)) if random.random() < 0.2 else 0


def _pay(random: Random, treasury: Treasury) -> Pay:
    name = random.choice(("usdc", "usdc", "weth", "ether", "greedy", "false", "mute", "poor"))
    payee = random.choice((*PAYEES, *PAYEES, treasury.safe if name == "usdc" else treasury.reverting))
    most = 10**10 if name == "poor" else 2000 * 10**18 if name == "false" else _units(random, name)
    return Pay(treasury.tokens[name], payee, most, random.choice(CLASSES), _delay(random))


def _order(random: Random, treasury: Treasury) -> Order:
    name = random.choice(("usdc", "weth", "ether", "greedy", "poor"))
    cooldown = 0 if random.random() < 0.1 else random.choice((3600, 86_400, 604_800))
    begins = random.choice((0, 0, START + random.randrange(10 * 86_400)))
    ends = random.choice((0, 0, START + random.randrange(20 * 86_400)))
    payee, named = random.choice((*PAYEES, treasury.reverting)), to_digest(random.randbytes(32))
    return Order(named, treasury.tokens[name], payee, _units(random, name), cooldown, begins, ends, _delay(random))


def _venue(random: Random, treasury: Treasury, token_in: str, token_out: str) -> dict[str, Any]:
    target = treasury.venues[random.choice(("one", "two"))]
    named = (treasury.tokens[token_in], treasury.tokens[token_out])
    words = tuple(word if random.random() < 0.9 or not at else 0 for at, word in enumerate(_WORDS))
    blank = swap_data(*named, treasury.safe, 0, 0, 0)
    apart = random.random() < 0.05
    return {
        "target": target,
        "spender": NATIVE if token_in == "ether" else PAYEES[0] if apart else target,
        "token_in": named[0],
        "token_out": named[1],
        "template": Template.of(blank, *words),
        "max_units": _units(random, token_in),
        "dust_units": random.choice((0, 0, 1, 1000)),
        "max_holding_units": UNLIMITED_HOLDING if random.random() < 0.7 else 10**27 + _units(random, token_out),
        "max_slippage_bps": random.choice((0, 30, 300)),
        "bucket_class": random.choice(CLASSES),
        "delay_seconds": _delay(random),
    }


def _swap(random: Random, treasury: Treasury) -> Swap:
    token_in, token_out = random.sample(PRICED, 2)
    fields = _venue(random, treasury, token_in, token_out) | {"max_slippage_bps": random.choice((30, 300, 900))}
    return Swap(**fields, source_in=treasury.sources[token_in], source_out=treasury.sources[token_out])


def _act(random: Random, treasury: Treasury) -> Act:
    form = random.choice(("pinned", "pinned", "vault", "claim"))
    token_in, token_out = random.sample(("usdc", "weth", "ether", "greedy", "sticky", "refusing", "mute"), 2)
    if token_out != "sticky" and random.random() < 0.15:
        token_in = "sticky"
    if form == "vault":
        token_in, token_out = random.choice((("vault", token_out), (token_in, "vault")))
    fields = _venue(random, treasury, token_in, token_out)
    if form == "claim":
        return Act(**fields | {"max_units": 0}, vault=NATIVE, min_rate=0, max_rate=0)
    if form == "vault":
        return Act(**fields, vault=treasury.tokens["vault"], min_rate=PAR - PAR // 10, max_rate=PAR + PAR // 5)
    rate = random.choice((PAR, PAR // 3, random.randrange(1, 2 * PAR)))
    return Act(**fields, vault=NATIVE, min_rate=rate, max_rate=rate)


def _contradicting(random: Random, rule: Swap | Act, treasury: Treasury, kernel: Address) -> AnyRule:
    """The rule with one thing that no policy may say; now and then one that it may."""
    template = rule.template
    touching = replace(template, deadline_word=(template.amount_word or 100) + random.choice((1, 31, 32)))
    changes: list[dict[str, Any]] = [
        {"token_out": rule.token_in},
        {"max_slippage_bps": random.choice((9_999, 10_000, 60_000))},
        {"token_in": NATIVE, "spender": rule.target},
        {"template": touching},
        {"template": replace(template, amount_word=random.choice((1, 3)))},
        {"target": random.choice((treasury.safe, kernel, PERMIT2, NATIVE))},
        {"spender": random.choice((treasury.safe, kernel, PERMIT2))},
    ]
    if isinstance(rule, Swap):
        changes += [{"source_in": NATIVE}, {"source_out": NATIVE}, {"source_in": rule.source_out}]
    else:
        vault = random.choice((treasury.tokens["vault"], treasury.tokens["poor"]))
        changes += [{"min_rate": rule.min_rate + 1}, {"max_rate": rule.max_rate + 1}, {"min_rate": 0}]
        changes += [{"vault": vault}, {"max_units": 5 if not rule.max_units else 0}]
    return replace(rule, **random.choice(changes))


def _settings(random: Random, rules: tuple[AnyRule, ...]) -> Iterator[BucketSetting]:
    """Most of what the rules need; some are closed, and some hold less than one payment."""
    yield BucketSetting(
        ACTIONS, 0, random.randint(3, 30) * ACTION_UNITS + random.choice((0, 1)), random.choice((7200, 86_400))
    )
    if random.random() < 0.8:
        yield BucketSetting(LOSSES, 0, int(10 ** random.uniform(8, 13)), random.choice((3600, 864_000)))
    needed: dict[tuple[Address, int], int] = {}
    for rule in rules:
        if not isinstance(rule, Order):
            of = (rule.token if isinstance(rule, Pay) else rule.token_in, rule.bucket_class)
            needed[of] = max(needed.get(of, 0), rule.max_units)
    for (token, number), most in needed.items():
        if most and random.random() < 0.93:
            capacity = min(int(most * 10 ** random.uniform(-0.2, 1.2)) + 2000, 2**96 - 1)
            level = random.choice((0, 0, random.randrange(capacity + 1)))
            yield BucketSetting(token, number, capacity, random.choice((1, 3600, 86_400, 864_000)), level)


DOCUMENT = to_digest(keccak(b"policy.toml"))
