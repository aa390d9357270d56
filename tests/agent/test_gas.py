"""The agent's gas: stated in days, and nothing started or signed that the key could not pay for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account as Keys
from hypothesis import given
from hypothesis import strategies as st

from agent import example
from agent.app import Treasurer
from agent.checkpoints import IN_MEMORY, open_checkpoints
from agent.gas import DAYS_A_YEAR, endurance, measured_gas, told_in_full, units_a_year
from agent.gas import told as gas_told
from agent.graph import build
from agent.owed import ask_for, month_at
from agent.planners.deterministic import DeterministicPlanner
from agent.runner import Runner
from strongroom.chain.rpc import RpcChain
from strongroom.errors import GasTooLow
from strongroom.fees import needed_wei
from strongroom.ledger.reading import read_entries
from strongroom.model import Digest, Gas, LedgerReceipt
from strongroom.settings import Job, Missed, Mode
from strongroom.wallet.executor import Executor, Outbox, Outgoing
from strongroom.wallet.signer import KeySigner
from strongroom.world.people import AGENT, GUARDIANS, STRANGER
from strongroom.world.world import World
from tests.agent.conftest import Run
from tests.agent.house import House

NOVEMBER = 1_795_000_000
"""18 November 2026."""


def job(operation: str, cron: str) -> Job:
    return Job(operation, operation, cron, "Europe/Berlin", Missed.ONCE, 86_400)


# WHAT IT TAKES


def test_what_is_asked_for_is_the_most_that_the_signed_transaction_can_cost(
    world: World, chain: RpcChain, tmp_path: Path
) -> None:
    """The executor's own bytes: gas limit times the highest fee is what a node demands to be there."""
    outbox = Outbox(tmp_path / "outbox.db")
    outgoing = Outgoing(world.account, Digest("0x" + "ab" * 32), STRANGER.address, b"", 123_457)
    executor = Executor(chain, KeySigner(Keys.from_key(AGENT.key)), outbox)
    raw = executor.sign_once(outgoing, LedgerReceipt(1, "tx.intent", outgoing.binding)).raw
    needed = needed_wei(outgoing.gas, chain.base_fee_wei(chain.head()))
    world.set_balance(AGENT.address, needed - 1)
    assert "nsufficient funds" in _refusal(chain, raw)
    world.set_balance(AGENT.address, needed)
    chain.send(raw)
    outbox.close()


def _refusal(chain: RpcChain, raw: bytes) -> str:
    from strongroom.errors import NodeRefused

    with pytest.raises(NodeRefused) as refused:
        chain.send(raw)
    return str(refused.value)


# DAYS


@pytest.mark.parametrize(
    ("jobs", "runs"),
    [
        ([job("payroll", "0 9 1 * *")], {"payroll": 12}),
        ([job("payroll", "*/5 * 1,2 * *")], {"payroll": 12}),
        ([job("payroll", "0 9 1 * *"), job("payroll", "0 9 15 * *")], {"payroll": 12}),
        ([job("payroll", "0 9 1 * *"), job("payroll", "0 9 20 * *")], {"payroll": 13}),
        ([job("rebalance", "* * * * *")], {"rebalance": 366}),
        ([job("rebalance", "0 9 * * mon")], {"rebalance": 52}),
        ([job("observe", "* * * * *")], {}),
        ([job("payroll", "0 9 30 2 *")], {}),
        ([job("payroll", "nine o'clock each monday morning")], {}),
        ([], {}),
    ],
)
def test_a_year_has_one_payroll_a_month_and_one_rebalancing_a_day_at_most(
    jobs: list[Job], runs: dict[str, int]
) -> None:
    """Two dates of one month share its payroll; thirteen months touch a year that begins in the middle of one."""
    assert units_a_year(jobs, NOVEMBER) == runs


_RUNS = st.dictionaries(st.sampled_from(["payroll", "rebalance"]), st.integers(1, 366))
_MEASURED = st.dictionaries(st.sampled_from(["payroll", "rebalance", "chat"]), st.integers(21_000, 2_000_000))


@given(_RUNS, _MEASURED, st.integers(0, 10**20), st.integers(0, 10**12))
def test_the_days_told_are_paid_for_and_one_more_is_not(
    runs: dict[str, int], measured: dict[str, int], held: int, base_fee: int
) -> None:
    """By hand: a year costs each operation's units at its own gas, the unmeasured ones at the policy's most."""
    lasting = endurance(Gas(base_fee, held), runs, measured, 2_000_000)
    year = sum(count * measured.get(name, 2_000_000) for name, count in runs.items()) * (base_fee + 10**9)
    if not runs:
        assert lasting.days is None
        return
    assert lasting.days is not None
    assert lasting.days * year <= held * DAYS_A_YEAR < (lasting.days + 1) * year
    assert lasting.wei_a_day * DAYS_A_YEAR >= year > (lasting.wei_a_day - 1) * DAYS_A_YEAR
    assert {use.operation: use.measured for use in lasting.uses} == {name: name in measured for name in runs}


@given(_RUNS, _MEASURED, st.integers(0, 10**20), st.integers(0, 10**12))
def test_days_are_told_up_to_five_years_and_in_full_with_what_they_assume(
    runs: dict[str, int], measured: dict[str, int], held: int, base_fee: int
) -> None:
    lasting = endurance(Gas(base_fee, held), runs, measured, 2_000_000)
    said, full = gas_told(lasting, "ETH"), told_in_full(lasting, "ETH")
    assert full.startswith(said) and "\n" not in full
    if lasting.days is None:
        return
    assert ("over 5 years" in said) == (lasting.days > 5 * DAYS_A_YEAR)
    assert ("over 5 years" in said) != (f"{lasting.days:,} day" in said)
    for name, count in runs.items():
        known = "as last measured" if name in measured else "the policy's most, none was measured yet"
        times = f"{name} {count} time{'' if count == 1 else 's'} a year"
        assert f"{times} with {measured.get(name, 2_000_000):,} gas each ({known})" in full


# NOTHING STARTED


@pytest.fixture
def poor(house: House) -> House:
    """The agent's key holds less than the policy's most gas for one unit takes."""
    house.world.set_balance(AGENT.address, 10**15)
    return house


def test_too_little_for_the_unit_is_one_line_and_nothing_is_started(poor: House, run: Run) -> None:
    with poor.treasurer(Mode.PROPOSE):
        config = poor.home / Mode.PROPOSE
    code, out, err = run("cycle", "payroll", "--config", config)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "takes up to `0." in err and "the agent's key holds `0.001`" in err and f"to `{AGENT.address}`" in err
    assert poor.queue.pending(0) == ()
    assert json.loads(run("plans", "--config", config, "--json")[1]) == []
    assert _outgoing(poor) == []


def test_the_log_says_why_a_cycle_that_had_begun_went_no_further(poor: House) -> None:
    with poor.desk(Mode.PROPOSE) as desk, pytest.raises(GasTooLow) as refused:
        desk.cycle("payroll")
    entries = [each for each in read_entries(poor.home / "state" / "ledger") if not each.type.startswith("run.")]
    asked, gap = entries[-2:]
    assert (asked.type, asked.body["tool"], gap.type) == ("tool.req", "plan", "gap")
    assert gap.body["why"] == str(refused.value) and gap.link.cause == asked.index


def test_an_operator_s_order_is_not_started_either(poor: House) -> None:
    with poor.desk(Mode.PROPOSE) as desk, pytest.raises(GasTooLow):
        desk.chat("ana", "pay 100 USDC to alice")
    assert poor.queue.pending(0) == () and _outgoing(poor) == []


def test_what_pays_for_it_starts_it_and_a_shadow_needs_nothing(poor: House) -> None:
    with poor.desk(Mode.SHADOW) as desk:
        assert desk.cycle("payroll")["units"][0]["status"] == "shadowed"
    head = poor.world.ask("eth_getBlockByNumber", "latest", False)
    poor.world.set_balance(AGENT.address, needed_wei(2_000_000, int(head["baseFeePerGas"], 16)))
    with poor.desk(Mode.PROPOSE) as desk:
        assert desk.cycle("payroll")["units"][0]["status"] == "waiting"


def test_what_guardians_have_signed_sleeps_until_the_key_can_pay(house: House) -> None:
    """Told once, nothing signed; with coin again it is carried out."""
    with house.treasurer(Mode.PROPOSE) as treasurer:
        runner = treasurer.runner
        (row,) = runner.cycle(_ask(treasurer))[1]
        house.sign(row.binding, *GUARDIANS[:2])
        house.world.set_balance(AGENT.address, 10**13)
        told = len(house.notices.told)
        assert runner.poll() == runner.poll() == ()
        (line,) = house.notices.told[told:]
        assert row.id in line and "nothing was started" in line
        assert treasurer.units.get(row.id).status == "waiting" and _outgoing(house) == []
        house.world.set_balance(AGENT.address, 10**18)
        assert [each.status for each in runner.poll()] == ["executed"]


def _ask(treasurer: Treasurer) -> dict[str, Any]:
    (payroll,) = (each for each in treasurer.documents.jobs if each.operation == "payroll")
    return ask_for(payroll, month_at(payroll, NOVEMBER))


def _outgoing(house: House) -> list[object]:
    """Everything that the agent's key ever signed to send."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(house.home / "state" / "outbox.db")) as database:
        return database.execute("select tx_hash from outbox").fetchall()


# STATED


@pytest.fixture
def scheduled(house: House) -> Iterator[tuple[Treasurer, Runner]]:
    """A runner that knows its schedule."""
    with house.treasurer(Mode.PROPOSE) as treasurer, open_checkpoints(IN_MEMORY) as saver:
        documents, context = treasurer.documents, treasurer.context
        planner = DeterministicPlanner(documents.mandate, documents.policy)
        yield treasurer, Runner(build(saver, Mode.PROPOSE), context, treasurer.units, planner, documents.jobs)


def test_each_cycle_states_how_long_the_gas_lasts_and_measures_what_was_used(
    scheduled: tuple[Treasurer, Runner], house: House
) -> None:
    treasurer, runner = scheduled
    (row,) = runner.cycle(_ask(treasurer))[1]
    (first,) = _stated(house)
    assert re.fullmatch(r"the agent's key holds 10\.00 ETH for gas, (over 5 years|[\d,]+ days?) of the schedule", first)
    house.sign(row.binding, *GUARDIANS[:2])
    (done,) = runner.poll()
    mined = treasurer.context.chain.transaction(Digest(done.tx_hash))
    assert mined is not None and mined.gas_used < 2_000_000
    runner.cycle(_ask(treasurer))
    assert len(_stated(house)) == 2
    assert measured_gas(treasurer.context.chain, [(row.id, done.tx_hash), ("chat-9", "")]) == {
        "payroll": mined.gas_used
    }


def _stated(house: House) -> list[str]:
    return [line for line in house.notices.told if "for gas" in line]


def test_status_states_the_days(house: House, run: Run) -> None:
    texts = example.documents(house.world, house.service, house.home / "state", Mode.PROPOSE)
    config = example.write(texts, house.home / Mode.PROPOSE)
    shown = json.loads(run("status", "--config", config, "--json")[1])["gas"]
    held = 10**19
    year = sum(use["units_a_year"] * use["gas_units"] for use in shown["uses"]) * int(shown["price_wei"])
    assert {(use["operation"], use["gas_units"], use["measured"]) for use in shown["uses"]} == {
        ("lend", 2_000_000, False),
        ("payroll", 2_000_000, False),
        ("rebalance", 2_000_000, False),
    }
    assert (int(shown["held_wei"]), shown["days"]) == (held, held * DAYS_A_YEAR // year)
    said = "over 5 years" if shown["days"] > 5 * DAYS_A_YEAR else f"{shown['days']:,} days"
    assert f"10.00 ETH for gas, {said} of the schedule" in run("status", "--config", config)[1]
