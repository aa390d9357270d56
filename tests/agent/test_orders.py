"""Payroll by standing orders on real contracts: outside the caps, once in their time, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.app import open_documents, open_treasurer, subject_of
from agent.demo import guarded
from agent.demo.scene import PASSWORD, Scene
from agent.demo.thief import Thief, refusal
from agent.desk import OwnDesk
from agent.records import Records
from agent.state_folder import StateFolder
from policies.grants import compile_policy
from policies.kernel_rules import order_rule
from policies.terms import PolicyDocument
from policies.tree import proof
from simulations.reverts import revert_reason
from strongroom.chain.rpc import RpcChain
from strongroom.model import Bucket, KernelState
from strongroom.notices import MemoryNotices
from strongroom.observe import kernel_state, safe_state
from strongroom.protocols.kernel import bucket_key, class_number
from strongroom.protocols.kernel_legs import encode_legs
from strongroom.protocols.kernel_orders import OrderPayment
from strongroom.settings import Mode
from strongroom.world.people import AGENT, OPERATOR
from strongroom.world.treasury import DAI, TREASURY, USDC
from strongroom.world.world import World
from tests.agent.begun import begun_scene
from tests.agent.conftest import Run

_DAY = 86_400


@pytest.fixture
def scene(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """The example DAO with its Kernel installed, before anybody was paid."""
    monkeypatch.setenv("STRONGROOM_PASSWORD", PASSWORD)
    with begun_scene(world, tmp_path) as begun:
        yield guarded.install(begun)


@pytest.fixture
def desk(scene: Scene) -> Iterator[OwnDesk]:
    with open_treasurer(open_documents(scene.documents(Mode.GUARDED)), MemoryNotices()) as treasurer:
        yield OwnDesk(treasurer)


def policy_of(scene: Scene) -> PolicyDocument:
    return open_documents(scene.documents(Mode.GUARDED)).policy


def kernel_of(scene: Scene) -> KernelState:
    """The Kernel with what its orders remember, at the newest block."""
    chain = RpcChain(scene.world.url)
    try:
        subject, block = subject_of(policy_of(scene), AGENT.address, scene.kernel), chain.head()
        found = kernel_state(chain, subject, safe_state(chain, scene.world.account.safe, block), block)
    finally:
        chain.close()
    assert found is not None
    return found


def team_bucket(scene: Scene, token: str) -> Bucket:
    address = scene.world.contracts.tokens[token]
    return kernel_of(scene).buckets[bucket_key(address, class_number("team"))]


def payroll(scene: Scene, desk: OwnDesk, month: str) -> dict[str, Any]:
    (unit,) = desk.cycle("payroll", month)["units"]
    return dict(unit)


def this_month(scene: Scene) -> str:
    return f"{datetime.fromtimestamp(scene.world.now(), UTC):%Y-%m}"


def next_month(scene: Scene) -> str:
    first = datetime.fromtimestamp(scene.world.now(), UTC).replace(day=1)
    return f"{first + timedelta(days=32):%Y-%m}"


def test_payroll_goes_out_by_orders_and_leaves_the_team_s_buckets_as_they_were(scene: Scene, desk: OwnDesk) -> None:
    before = {token: team_bucket(scene, token) for token in (USDC, DAI)}
    assert set(kernel_of(scene).last_paid.values()) == {0}
    unit = payroll(scene, desk, this_month(scene))
    assert (unit["lane"], unit["status"]) == ("agent", "executed")
    assert {token: team_bucket(scene, token) for token in (USDC, DAI)} == before
    now = set(kernel_of(scene).last_paid.values())
    assert len(now) == 1 and now.pop() > 0
    for payee in TREASURY.payees:
        assert scene.held(payee.address, payee.monthly.token) == payee.monthly.units


def test_an_order_that_was_paid_is_refused_off_chain_by_name_and_on_chain_when_forced(
    scene: Scene, desk: OwnDesk
) -> None:
    payroll(scene, desk, this_month(scene))
    policy = policy_of(scene)
    rules = compile_policy(policy).rules
    rule = order_rule(policy.orders["alice_salary"], policy)
    forced = encode_legs([OrderPayment(rule, proof(rules, rule.leaf))])
    scene.world.advance(20 * _DAY)
    assert scene.kernel is not None
    said = revert_reason(refusal(scene, AGENT.address, scene.kernel, forced) or b"")
    assert said.startswith("OrderNotDue(")
    everything = Thief.of(scene).orders_refused()
    assert len(everything) == 5 and all(each.startswith("OrderNotDue(") for each in everything)
    unit = desk.chat(OPERATOR.name, "pay 11,000 USDC to alice")["units"][0]
    found = Records(StateFolder(scene.state)).show(unit["id"])["state"]["decision"]["findings"]
    (why,) = [finding["reason"] for finding in found if "is due again on" in finding["reason"]]
    assert why.startswith("standing order `alice_salary` was paid on ") and why.endswith("counts in the caps")
    assert team_bucket(scene, USDC).level == 11_000 * 10**6
    scene.world.advance(2 * _DAY)
    assert refusal(scene, AGENT.address, scene.kernel, forced) is None


def test_a_payroll_that_comes_too_early_is_for_guardians_who_read_why(scene: Scene, desk: OwnDesk) -> None:
    """Ten days after the last: no order is due, and the caps are for reimbursements."""
    payroll(scene, desk, this_month(scene))
    scene.world.advance(10 * _DAY)
    unit = payroll(scene, desk, next_month(scene))
    assert (unit["lane"], unit["status"]) == ("owner", "waiting")
    assert {finding["rule"] for finding in unit["findings"]} >= {"caps"}
    found = Records(StateFolder(scene.state)).show(unit["id"])["state"]["decision"]["findings"]
    late = [each["reason"] for each in found if "is due again on" in each["reason"]]
    assert len(late) == len(TREASURY.payees)


def test_compile_says_how_often_each_order_pays_and_what_payees_can_get_in_a_month(scene: Scene, run: Run) -> None:
    code, out, _ = run("policy", "compile", "--config", scene.documents(Mode.GUARDED))
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert code == 0
    assert "order alice_salary: alice in USDC exactly 11,000.00 USDC" in lines
    assert "alice_salary: 11,000.00 USDC to alice, at least 3 weeks apart: at most 2 payments in any 30 days" in lines
    assert (
        "30,000.00 USDC 57,000.00 USDC 87,000.00 USDC" in lines and "10,000.00 DAI 26,000.00 DAI 36,000.00 DAI" in lines
    )


def test_the_plan_says_how_many_payments_standing_orders_make(scene: Scene, desk: OwnDesk) -> None:
    first = desk.cycle("payroll", this_month(scene))
    assert first["rationale"].endswith(
        "5 payments of " + this_month(scene) + " are due, 0 are made; 5 by standing orders"
    )
    assert desk.cycle("payroll", this_month(scene))["rationale"].endswith(
        "0 payments of " + this_month(scene) + " are due, 5 are made"
    )
    assert (
        "; 0 by standing orders, the others count in the caps" in desk.cycle("payroll", next_month(scene))["rationale"]
    )
