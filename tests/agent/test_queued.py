"""What people have queued themselves: shown call by call, and counted as in flight, on the real service."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent import example
from agent.desk import OwnDesk
from agent.standing import read_standing
from policies.case import open_case
from policies.metering import in_flight, total
from policies.terms import PolicyDocument
from strongroom.model import Account, Address, Call, Digest, Facts, Operation, SafeTx
from strongroom.plain import from_plain, to_plain
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.multisend import encode_multisend
from strongroom.protocols.safe import rejection, safe_tx_hash
from strongroom.settings import Mode
from strongroom.world.people import ALICE, BOB, GUARDIANS, STRANGER, Person
from strongroom.world.treasury import DAI, ETH, USDC, units
from tests.agent.conftest import Run
from tests.agent.house import House

INES = GUARDIANS[0]


def queue(house: House, tx: SafeTx, owner: Person = INES) -> Digest:
    """An owner puts a transaction of their own into the queue, as the Safe UI does."""
    from agent.demo.scene import signing

    digest = safe_tx_hash(tx)
    house.queue.propose(tx, digest, signing(owner)(bytes.fromhex(digest[2:])), '{"name":"by hand"}')
    return digest


def transfer(house: House, payee: Person, amount: int, nonce: int, token: Any = USDC) -> SafeTx:
    data = encode_transfer(payee.address, amount)
    return SafeTx(house.world.account, house.world.contracts.tokens[token], 0, data, Operation.CALL, nonce)


def batch(house: House, nonce: int, *calls: tuple[Address, int, bytes]) -> SafeTx:
    account, multisend = house.world.account, house.world.contracts.multisend
    data = encode_multisend([Call(account, *call) for call in calls])
    return SafeTx(account, multisend, 0, data, Operation.DELEGATECALL, nonce)


@pytest.fixture
def config(house: House) -> Path:
    texts = example.documents(house.world, house.service, house.home / "state", Mode.SHADOW)
    return example.write(texts, house.home / Mode.SHADOW)


def others(run: Run, config: Path) -> list[dict[str, Any]]:
    return list(json.loads(run("status", "--config", config, "--json")[1])["others"])


# SHOWN


def test_a_queued_transfer_is_shown_with_its_nonce_its_payee_and_who_has_signed(
    house: House, run: Run, config: Path
) -> None:
    digest = queue(house, transfer(house, ALICE, units(USDC, 9_000), 3))
    (shown,) = others(run, config)
    assert (shown["nonce"], shown["safe_tx_hash"], shown["proposer"]) == (3, digest, INES.address)
    assert (shown["signed"], shown["needed"], shown["understood"], shown["fault"]) == (1, 2, True, "")
    assert shown["does"] == [f"pay 9,000.00 USDC to alice ({ALICE.address})"]
    out = run("status", "--config", config)[1]
    assert "queued by others at nonce 3: 1 of 2 have signed" in out
    assert "in flight against the caps: 9,000.00 USDC" in out and "nothing waits for guardians" not in out


def test_a_batch_is_shown_call_by_call_the_coin_too(house: House, run: Run, config: Path) -> None:
    usdc, dai = (house.world.contracts.tokens[each] for each in (USDC, DAI))
    calls = [
        (usdc, 0, encode_transfer(ALICE.address, units(USDC, 5))),
        (BOB.address, 3 * 10**17, b""),
        (dai, 0, encode_transfer(STRANGER.address, units(DAI, 7))),
        (usdc, 0, encode_transfer(BOB.address, units(USDC, 6))),
    ]
    queue(house, batch(house, 0, *calls))
    (shown,) = others(run, config)
    assert shown["does"] == [
        f"pay 5.00 USDC to alice ({ALICE.address})",
        f"pay 0.30 ETH to bob ({BOB.address})",
        f"pay 7.00 DAI to {STRANGER.address}, who is not in the address book",
        f"pay 6.00 USDC to bob ({BOB.address})",
    ]
    spends = {each["token"]: int(each["units"]) for each in shown["spends"]}
    assert spends == {USDC: units(USDC, 11), ETH: 3 * 10**17, DAI: units(DAI, 7)}


def test_what_is_not_understood_is_said_to_be_so_and_a_rejection_is_one(house: House, run: Run, config: Path) -> None:
    account = house.world.account
    odd = encode_call("addOwnerWithThreshold(address,uint256)", STRANGER.address, 1)
    queue(house, SafeTx(account, account.safe, 0, odd, Operation.CALL, 0))
    queue(house, rejection(account, 1))
    strange, nothing = others(run, config)
    assert not strange["understood"] and strange["spends"] == []
    assert strange["does"][0].startswith("NOT UNDERSTOOD") and "addOwnerWithThreshold" in strange["does"][0]
    assert nothing["understood"] and nothing["does"] == ["nothing: it rejects what else waits at nonce 1"]
    assert "what is not understood counts nothing until it has executed" in run("status", "--config", config)[1]


def test_the_treasurer_s_own_proposal_is_no_other_s(house: House, run: Run) -> None:
    with house.desk(Mode.PROPOSE) as desk:
        desk.cycle("payroll")
    queue(house, transfer(house, ALICE, 1, 1))
    shown = json.loads(run("status", "--config", house.home / Mode.PROPOSE, "--json")[1])
    assert ([each["nonce"] for each in shown["waiting"]], [each["nonce"] for each in shown["others"]]) == ([0], [1])


def test_a_transaction_that_is_not_what_its_hash_says_is_a_fault_and_not_described(house: House) -> None:
    queue(house, transfer(house, ALICE, units(USDC, 5), 0))
    with house.treasurer(Mode.SHADOW) as treasurer:
        answer, documents = OwnDesk(treasurer).status(), treasurer.documents
    facts = from_plain(Facts, answer["facts"])
    (queued,) = facts.queue
    forged = replace(queued, tx=transfer(house, STRANGER, units(USDC, 5), 0))
    standing = read_standing(answer | {"facts": to_plain(replace(facts, queue=(forged,)))}, documents)
    (other,) = standing.others
    assert (other.does, other.spends, other.understood) == ((), (), False) and "do not sign it" in other.fault


# COUNTED


ORDER = "pay 10,000 USDC to alice"


def verdict(house: House) -> str:
    """What the engine says to one small payment, everything as it stands now."""
    with house.desk(Mode.SHADOW) as desk:
        return str(desk.chat("ana", ORDER)["units"][0]["verdict"])


def test_what_people_queue_reduces_what_the_engine_allows_to_the_last_unit(house: House) -> None:
    """15,000 USDC may leave the team's class at one moment: 5,000 in flight leave room for 10,000, not a unit more."""
    assert verdict(house) == "allow"
    queue(house, transfer(house, BOB, units(USDC, 3_000), 0))
    usdc = house.world.contracts.tokens[USDC]
    pay = encode_transfer(BOB.address, units(USDC, 1_000))
    queue(house, batch(house, 1, (usdc, 0, pay), (BOB.address, 1, b""), (usdc, 0, pay)))
    assert verdict(house) == "allow"
    queue(house, transfer(house, BOB, 1, 2))
    assert verdict(house) == "ask"


def test_what_goes_to_a_stranger_counts_in_every_class(house: House) -> None:
    queue(house, transfer(house, STRANGER, units(USDC, 5_001), 0))
    assert verdict(house) == "ask"


def test_once_it_is_executed_it_is_an_outflow_and_no_longer_in_flight(house: House) -> None:
    """Counted all along, and once: 20,000 waiting, then 20,000 spent."""
    tx = transfer(house, BOB, units(USDC, 20_000), 0)
    queue(house, tx)
    before = _counted(house)
    world = house.world
    assert world.safe_exec(world.account, GUARDIANS[:2], tx.to, tx.data).success
    assert (before, _counted(house)) == ((units(USDC, 20_000), 0), (0, units(USDC, 20_000)))


def _counted(house: House) -> tuple[int, int]:
    """USDC in flight and spent, as the engine meters them for another unit."""
    with house.treasurer(Mode.SHADOW) as treasurer:
        desk, policy = OwnDesk(treasurer), treasurer.documents.policy
        state = treasurer.runner.state(treasurer.units.get(desk.chat("ana", "pay 1 USDC to alice")["units"][0]["id"]))
        case = _case(state, policy)
        cap = policy.caps[example.TEAM][USDC]
        return total(in_flight(case), cap), sum(each.units for each in case.facts.outflows)


def _case(state: Mapping[str, Any], policy: PolicyDocument) -> Any:
    from strongroom.model import Action, Compiled, Rehearsal

    action: Any = from_plain(Action, state["action"])  # type: ignore[arg-type]
    compiled, rehearsal = from_plain(Compiled, state["compiled"]), from_plain(Rehearsal, state["rehearsal"])
    return open_case(compiled, action, rehearsal, from_plain(Facts, state["facts"]), policy)


def test_what_status_says_is_in_flight_is_what_the_engine_counts(house: House, run: Run, config: Path) -> None:
    """The same decoding twice: shown to people, metered by the caps."""
    account: Account = house.world.account
    usdc = house.world.contracts.tokens[USDC]
    queue(house, transfer(house, ALICE, units(USDC, 11), 0))
    mixed = [(usdc, 0, encode_transfer(BOB.address, units(USDC, 13))), (ALICE.address, 10**16, b"")]
    queue(house, batch(house, 1, *mixed))
    queue(house, SafeTx(account, BOB.address, 10**15, b"", Operation.CALL, 2))
    shown: dict[str, int] = {}
    for other in others(run, config):
        for each in other["spends"]:
            shown[each["token"]] = shown.get(each["token"], 0) + int(each["units"])
    with house.treasurer(Mode.SHADOW) as treasurer:
        row = treasurer.units.get(OwnDesk(treasurer).chat("ana", "pay 1 USDC to alice")["units"][0]["id"])
        case = _case(treasurer.runner.state(row), treasurer.documents.policy)
    counted: dict[str, int] = {}
    for metered in in_flight(case):
        counted[metered.token] = counted.get(metered.token, 0) + metered.units
    assert shown == counted == {USDC: units(USDC, 24), ETH: 10**16 + 10**15}
