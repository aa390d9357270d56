"""What `status` tells: holdings at low prices, weights as the planner weighs, who has signed, the Kernel's room."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import example
from agent.app import Documents, open_documents
from agent.cli.reach import FarDesk
from agent.desk import OwnDesk
from agent.standing import Standing, read_standing
from agent.web import Door
from strongroom.chain.rpc import RpcChain
from strongroom.mandate import trades_wanted
from strongroom.model import Address, Facts, Operation, Round, TokenId
from strongroom.plain import from_plain, to_plain
from strongroom.protocols.abi import encode_call
from strongroom.protocols.kernel import available_read, bucket_key, class_number
from strongroom.settings import Mode
from strongroom.world.people import AGENT, GUARDIANS
from strongroom.world.treasury import TREASURY, USDC, WETH, units
from strongroom.world.world import World
from tests.agent.conftest import Run
from tests.agent.house import House


def _documents(house: House, mode: Mode, kernel: Address | None = None) -> Documents:
    watch = example.watch_of(house.world, kernel) if kernel else None
    texts = example.documents(house.world, house.service, house.home / "state", mode, kernel, watch=watch)
    return open_documents(example.write(texts, house.home / mode))


def _standing(house: House, mode: Mode) -> Standing:
    with house.treasurer(mode) as treasurer:
        return read_standing(OwnDesk(treasurer).status(), treasurer.documents)


def test_status_values_the_treasury_at_low_prices(house: House) -> None:
    standing = _standing(house, Mode.SHADOW)
    assert {each.token: each.units for each in standing.holdings} == dict(TREASURY.holdings)
    # 4,000,000 HALL at 0.80, 410 ETH and WETH at 3,000, 399,000 USDC at 0.9999, 182,000 DAI at 0.9998
    assert standing.nav_e8 == 501_092_370_000_000 == sum(each.usd_e8 or 0 for each in standing.holdings)
    assert (standing.runway_months, standing.runway_wanted) == (14, 6)
    assert (standing.rooms, standing.waiting, standing.others) == ((), (), ())


@pytest.fixture(scope="module")
def looked(module_world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Documents]:
    """One real answer and its documents, for properties over other holdings."""
    from tests.agent.house import open_house

    home = tmp_path_factory.mktemp("looked")
    with open_house(module_world, home) as house, house.treasurer(Mode.SHADOW) as treasurer:
        return OwnDesk(treasurer).status(), treasurer.documents


def _apart(facts: Facts, token: TokenId) -> dict[TokenId, tuple[Round, ...]]:
    """The token's two sources 1.4 % apart: which end, or what between, is taken then makes a difference."""
    first, second = facts.rounds[token]
    return {token: (first, replace(second, answer=second.answer * 1_014 // 1_000))}


def _exact_bps(facts: Facts, prices: Mapping[TokenId, Any]) -> dict[TokenId, Fraction]:
    values = {
        token: Fraction(facts.balances[token] * (prices[token].low_e8 + prices[token].high_e8))
        / 10 ** facts.tokens[token].decimals
        for token in TREASURY.weights
    }
    return {token: value * 10_000 / sum(values.values()) for token, value in values.items()}


@given(st.fixed_dictionaries({token: st.integers(8_500, 11_500) for token in TREASURY.weights}))
def test_a_weight_is_outside_its_band_exactly_when_the_planner_would_trade(
    looked: tuple[dict[str, Any], Documents], held_bps: dict[TokenId, int]
) -> None:
    """What people are shown and what is planned are one judgement, on holdings up to 15 % off the start's."""
    from policies.pricing import prices

    answer, documents = looked
    facts = from_plain(Facts, answer["facts"])
    held = {token: TREASURY.holdings[token] * bps // 10_000 for token, bps in held_bps.items()}
    facts = replace(facts, balances={**facts.balances, **held}, rounds={**facts.rounds, **_apart(facts, WETH)})
    standing = read_standing(answer | {"facts": to_plain(facts)}, documents)
    found: Any = prices(facts, documents.policy)
    decimals = {token: each.decimals for token, each in facts.tokens.items()}
    exact, shares = _exact_bps(facts, found), {each.token: each.share for each in standing.holdings if each.share}
    assert all(abs(shares[token].bps - exact[token]) <= 1 for token in exact)
    outside = [each.token for each in standing.holdings if each.share and not each.share.inside]
    anywhere = {frozenset(pair) for pair in combinations(documents.mandate.weights, 2)}
    assert bool(outside) == bool(trades_wanted(documents.mandate, facts.balances, decimals, found, anywhere))


def test_a_stale_price_is_named_and_weighs_nothing(house: House) -> None:
    house.world.advance(2 * 86_400, feeds=False)
    standing = _standing(house, Mode.SHADOW)
    assert standing.nav_e8 == 0
    for each in standing.holdings:
        assert (each.price_e8, each.usd_e8, each.share) == (None, None, None)
        assert "s old, at most 4500 s are allowed" in each.why


def test_a_balance_that_does_not_answer_leaves_the_total_unknown(
    looked: tuple[dict[str, Any], Documents],
) -> None:
    """A part is never shown as the whole."""
    answer, documents = looked
    facts = from_plain(Facts, answer["facts"])
    cut = {token: held for token, held in facts.balances.items() if token != USDC}
    standing = read_standing(answer | {"facts": to_plain(replace(facts, balances=cut))}, documents)
    assert (standing.nav_e8, standing.runway_months) == (None, None)
    assert all(each.share is None for each in standing.holdings)


def test_status_says_who_has_signed_and_who_has_not(house: House, run: Run) -> None:
    with house.desk(Mode.PROPOSE) as desk:
        unit = desk.cycle("payroll")["units"][0]
    house.sign(unit["proposal"], GUARDIANS[0])
    (waiting,) = _standing(house, Mode.PROPOSE).waiting
    assert (waiting.unit, waiting.nonce, waiting.safe_tx_hash) == (unit["id"], unit["nonce"], unit["proposal"])
    assert (waiting.needed, waiting.signed) == (2, (GUARDIANS[0].address,))
    assert set(waiting.unsigned) == {guardian.address for guardian in GUARDIANS[1:]}
    code, out, err = run("status", "--config", house.home / Mode.PROPOSE)
    assert (code, err) == (0, "")
    assert f"{unit['id']} waits at nonce 0: 1 of 2 have signed" in out
    assert f"signed  {GUARDIANS[0].address}" in out and f"not yet {GUARDIANS[1].address}" in out
    assert re.search(r"the agent's key holds 10\.00 ETH for gas, (over 5 years|[\d,]+ days?) of the schedule\n", out)


def test_a_running_treasurer_answers_the_same_over_its_socket(house: House, run: Run) -> None:
    with house.treasurer(Mode.SHADOW) as treasurer, Door(OwnDesk(treasurer), treasurer.folder):
        door = json.loads(treasurer.folder.socket.read_text())
        assert FarDesk(door).status() == OwnDesk(treasurer).status()
        code, out, err = run("status", "--config", house.home / Mode.SHADOW, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["nav_e8"] == 501_092_370_000_000


def test_a_policy_changed_under_a_running_treasurer_is_warned_of(house: House) -> None:
    with house.treasurer(Mode.SHADOW) as treasurer:
        answer = OwnDesk(treasurer).status()
        documents = treasurer.documents
    changed = replace(documents, policy=replace(documents.policy, max_loss_bps=documents.policy.max_loss_bps + 1))
    assert read_standing(answer, documents).warnings == ()
    assert "has changed since the treasurer started" in read_standing(answer, changed).warnings[0]


def test_the_room_shown_is_what_the_kernel_says_is_available(house: House, run: Run, chain: RpcChain) -> None:
    config = house.home / Mode.PROPOSE
    _documents(house, Mode.PROPOSE)
    plan = json.loads(run("policy", "deploy", "--agent", AGENT.address, "--config", config, "--json")[1])
    tx, data = plan["transaction"], bytes.fromhex(plan["transaction"]["data"][2:])
    operation = Operation(tx["operation"])
    assert house.world.safe_exec(house.world.account, GUARDIANS[:2], Address(tx["to"]), data, 0, operation).success
    documents = _documents(house, Mode.GUARDED, Address(plan["kernel"]))
    config = house.home / Mode.GUARDED
    paid = json.loads(run("chat", "--as", "ana", "-m", "pay 2,500 USDC to alice", "--config", config, "--json")[1])
    assert paid["units"][0]["status"] == "executed"
    shown = json.loads(run("status", "--config", config, "--json")[1])
    room = next(room for room in shown["rooms"] if (room["name"], room["token"]) == (example.TEAM, USDC))
    key = bucket_key(documents.policy.tokens[USDC].token.address, class_number(example.TEAM))
    (available,) = chain.read([available_read(documents.treasury.kernel or Address(""), key)], chain.head())
    assert room["available_units"] == available < room["at_once_units"] == units(USDC, 15_000)
    told = run("status", "--config", config)[1]
    assert f"Kernel {plan['kernel']} is live, epoch" in told and "lost by swapping, USD" in told
    assert "in the Safe and lent, 2,499.75 USD paid since the mark)" in told
    assert all(f"  {each}" in told for each in ("lend USDC", "take back USDC", "pay team USDC", "sell WETH"))


def test_status_tells_what_is_lent_and_what_the_daos_own_token_makes_of_the_total(house: House, run: Run) -> None:
    from strongroom.protocols.erc20 import encode_approve

    contracts = house.world.contracts
    pool, usdc, lent = contracts.lending.pool, contracts.tokens[USDC], units(USDC, 300_000)
    supply = encode_call("supply(address,uint256,address,uint16)", usdc, lent, contracts.safe, 0)
    for to, data in ((usdc, encode_approve(pool, lent)), (pool, supply)):
        assert house.world.safe_exec(house.world.account, GUARDIANS[:2], to, data).success
    documents = _documents(house, Mode.SHADOW)
    assert documents.policy.watch is not None
    shown = json.loads(run("status", "--config", house.home / Mode.SHADOW, "--json")[1])
    held = {each["token"]: each for each in shown["holdings"]}
    assert abs(int(held[USDC]["lent_units"]) - lent) <= units(USDC, 1) and int(held[WETH]["lent_units"]) == 0
    assert int(held[USDC]["units"]) >= units(USDC, 399_000) - 2
    own = held[shown["own_token"]]
    assert int(shown["nav_e8"]) - int(shown["nav_without_own_e8"]) == int(own["usd_e8"]) > 0
    told = run("status", "--config", house.home / Mode.SHADOW)[1]
    assert re.search(r"USDC +399,000\.\d+ +(300,000|299,999)\.\d+ ", told)
    assert re.search(r"without HALL +1,\d{3},\d{3}\.\d\d +the DAO's own token", told)
