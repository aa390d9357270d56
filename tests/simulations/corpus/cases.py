"""The corpus: what a treasury does and what may go wrong with it, by protocol, kind of token and outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from strongroom.model import Action, Address, Facts, Operation
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import encode_approve, encode_transfer
from strongroom.world.people import AGENT, BOB, GUARDIANS
from tests.simulations.corpus.stage import EVERYBODY, Stage
from tests.simulations.corpus.venues import venues

MOVES, REFUSED, CAUGHT, NOTHING, CHANGES = "moves", "refused", "caught", "nothing", "changes the Safe"
ETHER = 10**18


@dataclass(frozen=True)
class Case:
    """`outcome` is what is expected; a rehearsal and the chain must both show it."""

    protocol: str
    token: str
    outcome: str
    action: Callable[[Facts], Action]

    @property
    def cell(self) -> tuple[str, str, str]:
        return self.protocol, self.token, self.outcome


def corpus(stage: Stage) -> list[Case]:
    """Every case, the same each time."""
    random = Random(20)
    rows = (*_ether(stage, random), *_payments(stage, random), *_approvals(stage, random), *_caught(stage))
    rest = (*_batches(stage, random), *_safe(stage), *venues(stage))
    return [Case(*row) for row in (*rows, *rest)]


Row = tuple[str, str, str, Callable[[Facts], Action]]


def _ether(stage: Stage, random: Random) -> Iterator[Row]:
    for units in (1, ETHER, *(random.randrange(2, 20 * ETHER) for _ in range(8))):
        yield "ether", "ether", MOVES, stage.tx(random.choice(EVERYBODY), value_wei=units)
    yield "ether", "ether", NOTHING, stage.tx(EVERYBODY[0])
    yield "ether", "ether", NOTHING, stage.tx(stage.safe, value_wei=ETHER)
    yield "ether", "ether", REFUSED, stage.tx(EVERYBODY[0], value_wei=10**27)
    yield "ether", "ether", REFUSED, stage.tx(stage.failing, value_wei=1)
    yield "ether", "ether", REFUSED, stage.tx(stage.failing, b"\x12\x34\x56\x78")


def _payments(stage: Stage, random: Random) -> Iterator[Row]:
    for kind, token in stage.kinds.items():
        outcome = CAUGHT if kind == "callback" else MOVES
        for units in (1, 997, random.randrange(10**3, 10**7), random.randrange(10**7, 10**9)):
            to = random.choice([each for each in EVERYBODY if each != BOB.address])
            yield "payment", kind, outcome, stage.tx(token, encode_transfer(to, units))
        nothing = {"callback": CAUGHT, "greedy": MOVES}.get(kind, NOTHING)
        yield "payment", kind, nothing, stage.tx(token, encode_transfer(AGENT.address, 0))
        above = stage.tx(token, encode_transfer(EVERYBODY[0], 10**30))
        yield "payment", kind, NOTHING if kind == "false-returning" else REFUSED, above
    yield "payment", "blocklist", REFUSED, stage.tx(stage.kinds["blocklist"], encode_transfer(BOB.address, 5))
    yield "payment", "six decimals", REFUSED, stage.tx(stage.kinds["six decimals"], b"\xde\xad\xbe\xef")


def _approvals(stage: Stage, random: Random) -> Iterator[Row]:
    for kind, token in stage.kinds.items():
        spender, units = random.choice(EVERYBODY), random.choice((7, 2**256 - 1, 10**12))
        yield "approval", kind, NOTHING, stage.tx(token, encode_approve(spender, units))
    sticky = stage.kinds["sticky approval"]
    set_and_reset = [(sticky, 0, encode_approve(EVERYBODY[0], units)) for units in (9, 0)]
    yield "approval", "sticky approval", NOTHING, stage.batch(*set_and_reset)
    tether = stage.kinds["tether-like"]
    twice = [(tether, 0, encode_approve(EVERYBODY[0], units)) for units in (9, 8)]
    yield "approval", "tether-like", REFUSED, stage.batch(*twice)


def _caught(stage: Stage) -> Iterator[Row]:
    usdc = stage.kinds["six decimals"]
    too_much = encode_transfer(EVERYBODY[0], 10**30)
    for wei in (0, 1, ETHER, 3 * ETHER):
        yield "caller", "ether", CAUGHT, stage.attempt(stage.failing, b"", wei)
        yield "caller", "six decimals", CAUGHT, stage.attempt(usdc, too_much)
        nested = encode_call("attempt(address,bytes)", stage.failing, b"\x01")
        yield "caller", "nested", CAUGHT, stage.attempt(stage.catcher, nested, wei)
        yield "caller", "ether", MOVES, stage.attempt(EVERYBODY[1], b"", wei + 1)
    swallow = (stage.catcher, ETHER, encode_call("attempt(address,bytes)", stage.failing, b""))
    for units in (5, 6, 7):
        pay = (usdc, 0, encode_transfer(EVERYBODY[2], units))
        yield "batch", "six decimals", CAUGHT, stage.batch(pay, swallow, pay)


def _batches(stage: Stage, random: Random) -> Iterator[Row]:
    tokens = [token for kind, token in stage.kinds.items() if kind != "callback"]
    for size in (2, 3, 5, 8, 12, 2, 3, 5, 8, 12):
        yield "batch", "several", MOVES, stage.batch(*(_payment(random, tokens) for _ in range(size)))
    failing = (stage.failing, 0, b"")
    for size in (1, 2, 3, 5):
        made = [_payment(random, tokens) for _ in range(size)]
        made.insert(random.randrange(size), failing)
        yield "batch", "several", REFUSED, stage.batch(*made)


def _payment(random: Random, tokens: list[Address]) -> tuple[Address, int, bytes]:
    to, units = random.choice([each for each in EVERYBODY if each != BOB.address]), random.randrange(1, 10**9)
    return (to, units, b"") if random.random() < 0.2 else (random.choice(tokens), 0, encode_transfer(to, units))


def _safe(stage: Stage) -> Iterator[Row]:
    safe, (first, second, third) = stage.safe, (person.address for person in _sorted_owners(stage))
    last = "0x0000000000000000000000000000000000000001"
    changes = (
        encode_call("addOwnerWithThreshold(address,uint256)", AGENT.address, 2),
        encode_call("addOwnerWithThreshold(address,uint256)", AGENT.address, 4),
        encode_call("removeOwner(address,address,uint256)", first, second, 1),
        encode_call("swapOwner(address,address,address)", first, second, AGENT.address),
        encode_call("changeThreshold(uint256)", 1),
        encode_call("changeThreshold(uint256)", 3),
        encode_call("enableModule(address)", AGENT.address),
        encode_call("disableModule(address,address)", last, stage.desk.kernel),
        encode_call("setFallbackHandler(address)", AGENT.address),
        encode_call("setGuard(address)", "0x" + "00" * 20),
    )
    for data in changes:
        yield "Safe", "none", NOTHING if data.startswith(changes[-1][:4]) else CHANGES, stage.tx(safe, data)
    refused = (
        encode_call("addOwnerWithThreshold(address,uint256)", third, 2),
        encode_call("changeThreshold(uint256)", 4),
        encode_call("enableModule(address)", stage.desk.kernel),
        encode_call("setGuard(address)", stage.catcher),
        encode_call("removeOwner(address,address,uint256)", first, AGENT.address, 1),
    )
    for data in refused:
        yield "Safe", "none", REFUSED, stage.tx(safe, data)
    take = encode_call("take(address)", stage.world.contracts.safe_singleton)
    yield "Safe", "none", NOTHING, stage.tx(stage.thief, take, operation=Operation.DELEGATECALL)


def _sorted_owners(stage: Stage) -> list:
    owners = stage.look().safe.owners
    return [next(each for each in GUARDIANS if each.address == owner) for owner in owners]
