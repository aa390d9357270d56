"""How long the engine takes to decide one unit of twenty calls under a policy of sixty Kernel rules. Beside it, in the
same run, a part of the same decision by Cedar and by Rego.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from policies.cases import load_cases, sample
from policies.document import load
from policies.engine import decide
from policies.grants import compile_policy
from policies.scenario import Judged, stage
from policies.terms import Payee, PolicyDocument
from strongroom.addresses import keccak, to_address
from strongroom.model import TokenId, Verdict

ROOT = Path(__file__).resolve().parent.parent
RULES, CALLS = 60, 20
USDC = TokenId("USDC")
GOALS_US = {"p50": 250, "p99": 1_000}
TREASURY = """\
balances = ["500_000 USDC", "100_000 DAI", "150 WETH", "20 ETH"]
[prices]
USDC = "1"
DAI = "1"
WETH = "3_000"
"""


def policy() -> PolicyDocument:
    """The sample `active_treasury` with so many more payees that the Kernel has sixty rules."""
    document = load(sample("active_treasury")[0])
    most = document.payees["alice"].max_units
    for number in range(RULES - len(compile_policy(document).rules)):
        address = to_address(keccak(b"payee %d" % number)[12:])
        payee = Payee(f"payee{number}", address, "team", {USDC: most[USDC]})
        document = replace(document, payees={**document.payees, payee.id: payee})
    assert len(compile_policy(document).rules) == RULES
    return document


def batch(document: PolicyDocument, nth: int) -> Judged:
    """Twenty payments to twenty payees in one unit, some spending behind it. Each `nth` below 10,000 has amounts of its
    own."""
    payees = islice((name for name in document.payees if name.startswith("payee")), CALLS)
    requests = [f"pay {100 + number}.{nth:04} USDC to {name}" for number, name in enumerate(payees)]
    past = [f"{100 + day} USDC to bob {day} days ago" for day in range(1, 29)]
    row = f'[[cases]]\nname = "batch"\nexpect = "allow"\nrequest = {json.dumps(requests)}\npast = {json.dumps(past)}\n'
    (case,) = load_cases(TREASURY + row, document)
    return stage(case.scenario, document)


def ours(document: PolicyDocument, rounds: int) -> list[float]:
    seconds = []
    for number in range(rounds):
        # Staged anew each time, in other amounts: nothing of the unit is remembered from before, only the policy is.
        unit = batch(document, number % 10_000)
        began = time.perf_counter()
        decision = decide(unit.compiled, unit.action, unit.rehearsal, unit.facts, document)
        seconds.append(time.perf_counter() - began)
        assert decision.verdict is Verdict.ALLOW, decision.findings
    return seconds


def peers(document: PolicyDocument, rounds: int) -> dict[str, Any]:
    """Times of the peers, each with whether it decided rightly; or why one is missing."""
    python, why = environment()
    if why:
        return {name: {"missing": why} for name in ("cedar", "rego")}
    cap = document.caps["team"][USDC]
    payments = [
        {"payee": p.id, "token": USDC, "units": 150_250_000, "most": p.max_units[USDC], "cap": cap.at_once_units}
        for p in document.payees.values()
        if USDC in p.max_units
    ]
    payments = [{**each, "together": CALLS * 150_250_000} for each in payments]
    over = [{**payments[0], "units": payments[0]["most"] + 1}, *payments[1:]]
    asked = json.dumps({"payments": payments, "over": over, "rounds": rounds})
    ran = subprocess.run(
        [python, ROOT / "bench" / "peers" / "deciding.py"], input=asked, capture_output=True, text=True
    )
    if ran.returncode:
        return {name: {"missing": ran.stderr.strip().splitlines()[-1]} for name in ("cedar", "rego")}
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def environment() -> tuple[str, str]:
    """The Python of the peers' own environment, made where it is missing; or the installer's own line."""
    home, wanted = ROOT / ".setup" / "bench" / "deciding", ROOT / "bench" / "peers" / "deciding.txt"
    python = home / "bin" / "python"
    if not (home / "installed.txt").exists() or (home / "installed.txt").read_text() != wanted.read_text():
        uv = str(ROOT / ".venv" / "bin" / "uv")
        for command in (
            [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home)],
            [uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(wanted)],
        ):
            ran = subprocess.run(command, capture_output=True, text=True)
            if ran.returncode:
                return "", (ran.stderr.strip().splitlines() or ["no output"])[-1]
        (home / "installed.txt").write_text(wanted.read_text())
    return str(python), ""


def percentile_us(seconds: list[float], share: float) -> float:
    return round(sorted(seconds)[int(len(seconds) * share)] * 1e6, 1)


def shown(name: str, seconds: list[float]) -> None:
    print(f"{name:34} p50 {percentile_us(seconds, 0.5):>9,.1f} us   p99 {percentile_us(seconds, 0.99):>9,.1f} us")


def measure(rounds: int) -> dict[str, Any]:
    """Prints the table; the metrics."""
    document = policy()
    seconds = ours(document, rounds // 2)
    others = peers(document, rounds // 5)
    seconds += ours(document, rounds - rounds // 2)
    print(f"{CALLS} calls under {RULES} rules")
    shown("strongroom, every rule", seconds)
    metrics: dict[str, Any] = {
        "decide_p50_us": percentile_us(seconds, 0.5),
        "decide_p99_us": percentile_us(seconds, 0.99),
    }
    for name, goal_us in GOALS_US.items():
        found_us = metrics[f"decide_{name}_us"]
        print(f"goal: {name} at most {goal_us:,} us; {'kept' if found_us <= goal_us else 'missed'}")
    for name, found in others.items():
        if "missing" in found:
            print(f"{name:34} missing: {found['missing']}")
            continue
        shown(f"{name}, allowlist and caps alone", found["seconds"])
        metrics[f"{name}_p50_us"] = percentile_us(found["seconds"], 0.5)
        metrics[f"{name}_is_right"] = found["right"]
    return metrics
