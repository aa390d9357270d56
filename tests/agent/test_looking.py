"""`plans` and `show` read the state folder alone; a dry run leaves nothing in it but entries of the log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import example
from agent.app import open_documents
from agent.cli.units import finding_lines, moved, unit_lines
from agent.compiler import compile_unit
from agent.particulars import particulars
from agent.records import told
from agent.state_folder import Held, StateFolder
from agent.units import RUNNING, Row, Units
from policies.effects import swap_order
from policies.scenario import Scenario, facts_of
from policies.terms import PolicyDocument
from strongroom.ledger.reading import read_entries, read_entry
from strongroom.model import Compiled, Label, Labelled, Lane, Pay, Unit, Verdict, Withdraw
from strongroom.plain import to_plain
from strongroom.settings import Mode
from strongroom.world.treasury import DECIMALS, TREASURY, USDC
from strongroom.world.world import World
from tests.agent.conftest import Run
from tests.agent.house import House

CLOSED = "http://127.0.0.1:9"
_HEAVY = ("langgraph.graph", "langgraph.pregel", "web3", "safe_eth", "httpx")
_LOADED = f"""
import sys
from agent.cli import main
sys.argv = ["strongroom", *sys.argv[1:]]
try:
    main()
finally:
    print([name for name in {_HEAVY} if name in sys.modules])
"""


@pytest.fixture
def closed(house: House) -> Path:
    """A treasury in shadow mode with one cycle behind it, whose node and service are gone."""
    with house.desk(Mode.SHADOW) as desk:
        desk.cycle("payroll")
    config = house.home / Mode.SHADOW
    document = config / "treasury.toml"
    document.write_text(document.read_text().replace(house.world.url, CLOSED).replace(house.service, CLOSED))
    return config


def month(config: Path) -> str:
    (row,) = _rows(config)
    return row.id


def _rows(config: Path) -> tuple[Any, ...]:
    units = Units(StateFolder(open_documents(config).treasury.state_dir).units)
    try:
        return units.all()
    finally:
        units.close()


# PLANS AND SHOW


def test_plans_and_show_need_neither_node_nor_lock(closed: Path, run: Run) -> None:
    """Somebody else holds the folder meanwhile, and writes no socket."""
    held = Held(StateFolder(open_documents(closed).treasury.state_dir))
    try:
        code, out, err = run("plans", "--config", closed)
        assert (code, err) == (0, "") and "pay 28,500.00 USDC, 13,000.00 DAI" in out
        code, out, err = run("show", month(closed), "--config", closed)
        assert (code, err) == (0, "") and "verdict allow" in out
    finally:
        held.release()


@pytest.mark.parametrize("arguments", [["plans"], ["show"]])
def test_plans_and_show_load_neither_graph_nor_node_libraries(closed: Path, arguments: list[str]) -> None:
    named = [*arguments, month(closed)] if arguments == ["show"] else arguments
    command = [sys.executable, "-c", _LOADED, *named, "--config", str(closed)]
    before = os.times()
    done = subprocess.run(command, capture_output=True, text=True)
    spent = os.times().children_user - before.children_user
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "[]"
    assert spent < 3


def test_show_says_who_gets_what_where_and_why(closed: Path, run: Run) -> None:
    """Exact amounts, at the addresses that the compiled calls pay, in aligned columns."""
    lines = run("show", month(closed), "--config", closed)[1].splitlines()
    start = lines.index("  payments") + 1
    shown = lines[start : start + len(TREASURY.payees)]
    for payee, line in zip(TREASURY.payees, shown, strict=True):
        amount = f"{payee.monthly.units // 10 ** DECIMALS[payee.monthly.token]:,}.00"
        assert line.split()[:4] == [payee.id, amount, payee.monthly.token, payee.address]
    assert len({line.index("0x") for line in shown}) == 1
    assert "5 payments of" in lines[1] and lines[1].startswith("  asked by     job:payroll: ")
    assert "  findings" in lines


def test_show_gives_a_swap_with_the_least_that_its_calldata_accepts(house: House, run: Run) -> None:
    config = house.home / Mode.SHADOW
    with house.desk(Mode.SHADOW) as desk:
        unit = desk.chat("ana", "swap 20 WETH to USDC")["units"][0]
        state = house.records.show(unit["id"])["state"]
    venues = {venue.router: venue for venue in example.policy(house.world).venues.values()}
    calls = state["compiled"]["calls"][1::2]
    orders = [swap_order(bytes.fromhex(call["data"][2:]), venues[call["to"]]) for call in calls]
    least = sum(order.min_out_units for order in orders)
    assert int(unit["swaps"][0]["min_out_units"]) == least > 0
    out = run("show", unit["id"], "--config", config)[1]
    assert f"sell 20.00 WETH for USDC, at least {least // 10**6:,}.{least % 10**6:06}".rstrip("0") in out


def test_what_is_lent_is_said_in_words_with_where_and_why(house: House, run: Run) -> None:
    config = house.home / Mode.SHADOW
    with house.desk(Mode.SHADOW) as desk:
        (lent,) = desk.chat("ana", "supply 5,000 USDC to aave for the summer")["units"]
    assert lent["lending"] == [
        {"kind": "supply", "token": USDC, "units": 5_000_000_000, "venue": "aave", "reason": "the summer"}
    ]
    lines = run("show", lent["id"], "--config", config)[1].splitlines()
    assert lines[lines.index("  lending") + 1] == "    lend  5,000.00  USDC  at aave  the summer"
    assert "lend 5,000.00 USDC" in run("plans", "--config", config)[1]


def test_a_payment_that_takes_back_what_is_missing_says_both(policy: PolicyDocument) -> None:
    withdrawal = Withdraw("w", _said(USDC), _said(7_000_000), _said("aave"), _said("for the audit"))
    payment = Pay("p", _said(USDC), _said("alice"), _said(9_000_000), _said(""))
    planned = json.dumps(to_plain(Unit("u", policy.account, (withdrawal, payment))))
    row = Row("u", planned, "job:x", "u", 0, "denied", "", "", None, "", "")
    unit = told(row, {"facts": {"tokens": {USDC: {"decimals": 6}}}})
    assert (unit["pays"], unit["takes_back"], unit["lends"]) == ({USDC: 9_000_000}, {USDC: 7_000_000}, {})
    assert moved(unit, {USDC: 6}) == "pay 9.00 USDC; take back 7.00 USDC"
    lines = list(unit_lines(unit))
    assert lines[lines.index("  lending") + 1] == "    take back  7.00  USDC  from aave  for the audit"


def test_what_nobody_planned_is_one_line(closed: Path, run: Run) -> None:
    code, out, err = run("show", "nope", "--config", closed)
    assert (code, out, err.count("\n")) == (1, "", 1) and "`strongroom plans` lists them" in err


# PARTICULARS


@pytest.fixture(scope="module")
def policy(module_world: World) -> PolicyDocument:
    from agent import example

    return example.policy(module_world)


_PAID = st.tuples(st.sampled_from(TREASURY.payees), st.integers(1, 10**24))


@given(st.lists(_PAID, min_size=1, max_size=8))
def test_each_payment_is_told_with_the_address_its_own_call_pays(
    policy: PolicyDocument, paid: list[tuple[Any, int]]
) -> None:
    """Any payees in any order, the same one twice too."""
    said = [Labelled(units, Label.OPERATOR) for _, units in paid]
    intents = tuple(
        Pay(f"p{n}", _said(payee.monthly.token), _said(payee.id), amount, _said(""))
        for n, ((payee, _), amount) in enumerate(zip(paid, said, strict=True))
    )
    unit = Unit("u", policy.account, intents)
    facts = facts_of(Scenario((), dict.fromkeys(policy.tokens, 0), {}), policy)
    compiled = compile_unit(unit, facts, policy, Lane.OWNER)
    assert isinstance(compiled, Compiled)
    told = particulars(unit, {"compiled": to_plain(compiled), "facts": to_plain(facts)})
    found = [(each["payee"], each["address"], int(each["units"])) for each in told["payments"]]
    assert found == [(payee.id, payee.address, units) for payee, units in paid]


def _said(value: Any) -> Any:
    return Labelled(value, Label.OPERATOR)


_FINDINGS = st.lists(
    st.fixed_dictionaries(
        {
            "verdict": st.sampled_from([str(each) for each in Verdict]),
            "rule": st.sampled_from(["caps", "payees", "provenance"]),
            "reason": st.sampled_from(["one", "another"]),
            "measured": st.sampled_from(["", "1"]),
            "limit": st.sampled_from(["", "2"]),
        }
    )
)


@given(_FINDINGS)
def test_findings_stand_strictest_first_and_each_once(findings: list[dict[str, str]]) -> None:
    lines = list(finding_lines(findings))
    ranks = [Verdict(line.split()[0]).rank for line in lines]
    assert ranks == sorted(ranks, reverse=True)
    assert len(lines) == len(set(lines)) == len({tuple(sorted(each.items())) for each in findings})


def test_what_was_never_compiled_is_told_without_an_address() -> None:
    unit: dict[str, Any] = {
        "id": "chat-1", "actor": "operator:ana", "status": "denied", "verdict": "deny", "lane": "", "nonce": None,
        "proposal": "", "tx_hash": "", "why": "", "pays": {USDC: 1}, "sells": {}, "decimals": {}, "findings": [],
        "payments": [{"payee": "carol", "address": None, "token": USDC, "units": 1, "reason": ""}], "swaps": [],
        "lends": {}, "takes_back": {}, "lending": [],
    }  # fmt: skip
    assert list(unit_lines(unit)) == [
        "chat-1: denied, verdict deny",
        "  asked by     operator:ana",
        "  payments",
        "    carol  1 units of  USDC",
    ]


# DRY RUNS


def test_a_dry_run_is_named_as_one_and_uses_up_no_attempt(house: House, run: Run) -> None:
    with house.desk(Mode.PROPOSE):
        config = house.home / Mode.PROPOSE
    for _ in range(2):
        answer = json.loads(run("cycle", "payroll", "--dry-run", "--config", config, "--json")[1])
        (unit,) = answer["units"]
        assert unit["id"].startswith("dry-run-payroll-") and unit["verdict"] == "allow"
    assert _rows(config) == () and house.queue.pending(0) == ()
    with house.desk(Mode.PROPOSE) as desk:
        assert desk.cycle("payroll")["units"][0]["id"] == unit["id"].removeprefix("dry-run-")


def test_a_dry_run_is_in_the_log(house: House, run: Run) -> None:
    with house.desk(Mode.PROPOSE):
        config = house.home / Mode.PROPOSE
    run("cycle", "payroll", "--dry-run", "--config", config)
    entries = list(read_entries(house.home / "state" / "ledger"))
    named = {each.body["unit"] for each in entries if each.type == "verdict"}
    assert len(named) == 1 and named.pop().startswith("dry-run-payroll-")


def test_a_dry_run_leaves_what_waits_and_what_was_cut_off_as_it_is(house: House, run: Run) -> None:
    """It judges in another mode: a unit it took up would lose its way."""
    with house.desk(Mode.PROPOSE) as desk:
        waiting = desk.cycle("payroll")["units"][0]["id"]
    config = house.home / Mode.PROPOSE
    units = Units(house.home / "state" / "units.db")
    cut = units.add(Unit("chat-7", units.get(waiting).value().account, ()), "operator:ana", "chat-7", 0)
    units.close()
    code, out, err = run("cycle", "payroll", "--dry-run", "--config", config)
    assert (code, err) == (0, "") and f"{waiting}: waiting" in out
    assert {row.id: row.status for row in _rows(config)} == {waiting: "waiting", cut.id: RUNNING}


# THE LOG'S ENTRIES


def test_one_entry_is_read_as_it_stands_among_all(closed: Path) -> None:
    folder = StateFolder(open_documents(closed).treasury.state_dir).ledger
    entries = list(read_entries(folder))
    assert [read_entry(folder, each.index) for each in entries] == entries
    assert read_entry(folder, len(entries)) is None


def test_a_payment_of_more_than_the_safe_holds_says_so_and_not_what_only_follows(house: House, run: Run) -> None:
    with house.treasurer(Mode.SHADOW):
        config = house.home / Mode.SHADOW
    order = ("chat", "--as", "ana", "-m", "pay 15,000,000 USDC to alice", "--config", config)
    told = run(*order)[1]
    assert "why          the rehearsal fails; the Safe holds 399,000.00 USDC" in told
    assert "the nonce must count" not in told and "must receive all" not in told
    (folded,) = [line for line in told.splitlines() if "of what the failed rehearsal moved" in line]
    findings = json.loads(run(*order, "--json")[1])["units"][0]["findings"]
    measuring = [each for each in findings if each["rule"] in ("envelope", "safe_state", "watch")]
    assert f"and {len(measuring)} of what" in folded and len(measuring) > 1


def test_an_operator_who_is_not_listed_is_told_whom_to_name(house: House, run: Run) -> None:
    with house.treasurer(Mode.SHADOW):
        config = house.home / Mode.SHADOW
    err = run("chat", "--as", "root", "-m", "pay 1 USDC to alice", "--config", config)[2]
    assert "`root` cannot be used for an operator; treasury.toml lists `ana`; give `--as ana`" in err
