"""What was rehearsed is what then happens, and what could not be measured is never taken for success."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulations.rehearse import executed_deltas, rehearse
from strongroom.addresses import from_digest, keccak, to_address, to_digest
from strongroom.model import NATIVE, Allowance, Call, Delta, KernelCall, Operation, SafeTx, TokenId
from strongroom.ports import SimulatedResult
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import encode_approve, encode_transfer
from strongroom.protocols.kernel import ACTION_UNITS, ACTIONS, Birth, BucketSetting, encode_enable_module
from strongroom.protocols.kernel_legs import NO_LEAF, Payment, PayRule, encode_legs
from strongroom.protocols.multisend import encode_multisend
from strongroom.world.people import AGENT, ALICE, BOB, CHIDI, DANA, EMRE, GUARDIANS
from strongroom.world.treasury import DAI, ETH, HALL, USDC, WETH

EVERYBODY = [person.address for person in (ALICE, BOB, CHIDI, DANA, EMRE)]
OUT = Path(__file__).parents[2] / "contracts" / "out"
SWAP = "swap(uint256,uint256,address,uint256)"


def safe_tx(facts, to, data=b"", value_wei=0, operation=Operation.CALL, nonce=None):
    return SafeTx(facts.account, to, value_wei, data, operation, facts.safe.nonce if nonce is None else nonce)


def batch(world, facts, *calls):
    made = [Call(facts.account, to, value, data) for to, value, data in calls]
    return safe_tx(facts, world.contracts.multisend, encode_multisend(made), operation=Operation.DELEGATECALL)


def executed(world, chain, facts, action, holders):
    mined = world.safe_exec(action.account, GUARDIANS[:2], action.to, action.data, action.value_wei, action.operation)
    assert mined.success
    return executed_deltas(chain, facts.block, mined.block, [facts.account.safe, *holders], facts.tokens)


def agrees(world, chain, facts, action, holders=EVERYBODY, spenders=()):
    """Rehearses, executes, compares; the rehearsal for further looks."""
    rehearsal = rehearse(chain, action, facts, holders, spenders)
    assert rehearsal.success, rehearsal.revert
    assert rehearsal.deltas == executed(world, chain, facts, action, holders)
    return rehearsal


def test_a_token_payment_moves_in_rehearsal_what_it_moves_for_real(world, chain, look):
    facts = look()
    action = safe_tx(facts, world.contracts.tokens[USDC], encode_transfer(ALICE.address, 11_000_000_000))
    rehearsal = agrees(world, chain, facts, action)
    assert rehearsal.deltas == (
        Delta(facts.account.safe, USDC, -11_000_000_000),
        Delta(ALICE.address, USDC, 11_000_000_000),
    )
    assert rehearsal.allowances == ()


def test_a_native_payment_moves_in_rehearsal_what_it_moves_for_real(world, chain, look):
    facts = look()
    rehearsal = agrees(world, chain, facts, safe_tx(facts, BOB.address, value_wei=3 * 10**18 + 1))
    assert Delta(BOB.address, ETH, 3 * 10**18 + 1) in rehearsal.deltas


def test_a_batch_of_five_moves_in_rehearsal_what_it_moves_for_real(world, chain, look):
    facts = look()
    calls = [(world.contracts.tokens[USDC], 0, encode_transfer(to, 10**9 + n)) for n, to in enumerate(EVERYBODY)]
    rehearsal = agrees(world, chain, facts, batch(world, facts, *calls))
    assert len(rehearsal.deltas) == 6


def test_the_safe_shows_the_spent_nonce_and_nothing_else_changed(world, chain, look):
    facts = look()
    rehearsal = agrees(world, chain, facts, safe_tx(facts, ALICE.address, value_wei=1))
    assert rehearsal.safe_before == facts.safe
    assert rehearsal.safe_after == replace(facts.safe, nonce=facts.safe.nonce + 1)


def test_a_token_that_takes_a_fee_is_measured_by_what_arrives(world, chain, look, deploy_mock, list_token):
    types = ("string", "string", "uint8", "uint256")
    address = deploy_mock("FeeOnTransferToken", types=types, values=("Fee", "FEE", 18, 100))
    world.send_as(GUARDIANS[0].address, address, encode_call("mint(address,uint256)", world.account.safe, 10**20))
    facts = look(list_token(address, "FEE"))
    rehearsal = agrees(world, chain, facts, safe_tx(facts, address, encode_transfer(ALICE.address, 10**18)))
    assert Delta(facts.account.safe, TokenId("FEE"), -(10**18)) in rehearsal.deltas
    assert Delta(ALICE.address, TokenId("FEE"), 99 * 10**16) in rehearsal.deltas


@pytest.fixture
def venue(world, deploy_mock):
    """A venue that takes USDC, and gives 1 % less of a token of its own than it promises at 2 for 1."""
    out = deploy_mock("Token", types=("string", "string", "uint8"), values=("Out", "OUT", 18))
    types = ("address", "address", "uint256", "uint256")
    return deploy_mock("ShortVenue", types=types, values=(world.contracts.tokens[USDC], out, 2 * 10**18, 100)), out


def test_a_venue_that_gives_less_than_promised_is_measured_by_what_it_gives(world, chain, look, venue, list_token):
    address, out = venue
    facts = look(list_token(out, "OUT"))
    usdc, swap = world.contracts.tokens[USDC], encode_call(SWAP, 10**9, 2 * 10**9, world.account.safe, 2**40)
    action = batch(world, facts, (usdc, 0, encode_approve(address, 10**9)), (address, 0, swap))
    rehearsal = agrees(world, chain, facts, action, spenders=[address])
    assert Delta(facts.account.safe, TokenId("OUT"), 2 * 10**9 * 99 // 100) in rehearsal.deltas
    assert rehearsal.allowances == ()


def test_an_allowance_that_stays_is_found_without_being_declared(world, chain, look, venue):
    address, _ = venue
    facts, usdc = look(), world.contracts.tokens[USDC]
    swap = encode_call(SWAP, 10**9, 0, world.account.safe, 2**40)
    action = batch(world, facts, (usdc, 0, encode_approve(address, 3 * 10**9)), (address, 0, swap))
    rehearsal = agrees(world, chain, facts, action)
    assert rehearsal.allowances == (Allowance(USDC, address, 2 * 10**9),)


def test_an_allowance_on_an_unlisted_token_is_found_by_its_address(world, chain, look, venue):
    address, out = venue
    facts = look()
    rehearsal = agrees(world, chain, facts, safe_tx(facts, out, encode_approve(address, 7)))
    assert rehearsal.allowances == (Allowance(TokenId(out), address, 7),)


def test_an_approval_wrapped_in_another_call_is_found(world, chain, look):
    """A module makes the Safe approve: the approval is only an argument of what the agent calls."""
    facts, usdc = look(), world.contracts.tokens[USDC]
    module = encode_call("enableModule(address)", AGENT.address)
    assert world.safe_exec(facts.account, GUARDIANS[:2], facts.account.safe, module).success
    inner = (usdc, 0, encode_approve(BOB.address, 5), 0)
    wrapped = encode_call("execTransactionFromModule(address,uint256,bytes,uint8)", *inner)
    facts = look()
    rehearsal = rehearse(chain, KernelCall(facts.account, AGENT.address, facts.account.safe, wrapped), facts, [], [])
    assert rehearsal.allowances == (Allowance(USDC, BOB.address, 5),)


def test_an_allowance_from_before_is_reported_for_declared_spenders(world, chain, look, venue):
    address, _ = venue
    usdc = world.contracts.tokens[USDC]
    world.safe_exec(world.account, GUARDIANS[:2], usdc, encode_approve(address, 5))
    facts = look()
    rehearsal = agrees(world, chain, facts, safe_tx(facts, ALICE.address, value_wei=1), spenders=[address])
    assert rehearsal.allowances == (Allowance(USDC, address, 5),)


@pytest.fixture
def catcher(deploy_mock):
    """A contract that swallows failures, and one that always fails."""
    return deploy_mock("CatchingCaller", "Callers"), deploy_mock("RevertingTarget", "Callers")


def attempt(target):
    return encode_call("attempt(address,bytes)", target, b"")


def test_a_reverted_and_caught_inner_call_moves_nothing_in_rehearsal_either(world, chain, look, catcher):
    catching, failing = catcher
    facts = look()
    action = safe_tx(facts, catching, attempt(failing), value_wei=10**18)
    rehearsal = agrees(world, chain, facts, action, [catching, failing])
    assert rehearsal.deltas == (Delta(facts.account.safe, ETH, -(10**18)), Delta(catching, ETH, 10**18))


def test_logs_would_have_shown_a_transfer_that_never_was(world, chain, look, catcher):
    """Why deltas come from balances: the node itself logs the reverted inner transfer."""
    catching, failing = catcher
    facts = look()
    call = {"from": facts.account.safe, "to": catching, "value": hex(10**18), "input": "0x" + attempt(failing).hex()}
    asked = {"blockStateCalls": [{"calls": [call]}], "traceTransfers": True}
    (block,) = world.ask("eth_simulateV1", asked, "latest")
    receivers = [log["topics"][2][-40:] for log in block["calls"][0]["logs"] if len(log["topics"]) == 3]
    assert failing[2:].lower() in receivers


def test_a_future_nonce_is_rehearsed_like_the_next_one(world, chain, look):
    facts = look()
    usdc, data = world.contracts.tokens[USDC], encode_transfer(ALICE.address, 5)
    later = rehearse(chain, safe_tx(facts, usdc, data, nonce=facts.safe.nonce + 7), facts, [ALICE.address], [])
    assert later.success
    assert later.deltas == rehearse(chain, safe_tx(facts, usdc, data), facts, [ALICE.address], []).deltas
    assert (later.safe_before.nonce, later.safe_after.nonce) == (facts.safe.nonce + 7, facts.safe.nonce + 8)


def test_an_action_that_lowers_the_threshold_to_one_is_seen_doing_it(world, chain, look):
    """A rehearsal that lowers the threshold to run unsigned would find it unchanged."""
    facts = look()
    action = safe_tx(facts, facts.account.safe, encode_call("changeThreshold(uint256)", 1))
    rehearsal = rehearse(chain, action, facts, [], [])
    assert (rehearsal.success, rehearsal.safe_before.threshold, rehearsal.safe_after.threshold) == (True, 2, 1)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: encode_call("enableModule(address)", AGENT.address), "modules"),
        (lambda: encode_call("setFallbackHandler(address)", AGENT.address), "fallback_handler"),
        (lambda: encode_call("addOwnerWithThreshold(address,uint256)", AGENT.address, 2), "owners"),
    ],
)
def test_a_change_of_the_safe_is_seen(chain, look, call, field):
    facts = look()
    rehearsal = rehearse(chain, safe_tx(facts, facts.account.safe, call()), facts, [], [])
    assert rehearsal.success, rehearsal.revert
    assert getattr(rehearsal.safe_after, field) != getattr(rehearsal.safe_before, field)


def test_the_reason_of_an_inner_revert_is_heard(world, chain, look):
    facts = look()
    action = safe_tx(facts, world.contracts.tokens[USDC], encode_transfer(ALICE.address, 10**30))
    rehearsal = rehearse(chain, action, facts, EVERYBODY, [])
    assert not rehearsal.success
    assert rehearsal.deltas == ()
    assert rehearsal.revert.startswith("call 1 of 1 reverts: ")
    assert "GS013" not in rehearsal.revert


def test_the_call_of_a_batch_that_reverts_is_named(world, chain, look, catcher):
    facts = look()
    pay = (world.contracts.tokens[DAI], 0, encode_transfer(DANA.address, 1))
    rehearsal = rehearse(chain, batch(world, facts, pay, pay, (catcher[1], 0, b""), pay), facts, EVERYBODY, [])
    assert not rehearsal.success
    assert rehearsal.revert.startswith("call 3 of 4 reverts: unknown error 0x")


@pytest.fixture
def kernel(world):
    """The real Kernel, enabled: alice may be paid at most 100 USDC at once, bob anything."""
    rules = [
        PayRule(world.contracts.tokens[USDC], to, most, 1)
        for to, most in ((ALICE.address, 10**8), (BOB.address, 10**11))
    ]
    buckets = [(world.contracts.tokens[USDC], 1, 10**9), (ACTIONS, 0, 50 * ACTION_UNITS)]
    birth = Birth(
        world.account.safe,
        NATIVE,
        AGENT.address,
        (GUARDIANS[0].address,),
        root_of(rules),
        NO_LEAF,
        tuple(BucketSetting(token, number, capacity, 86_400) for token, number, capacity in buckets),
        86_400,
        86_400,
        86_400,
    )
    artifact = json.loads((OUT / "Kernel.sol" / "Kernel.json").read_text())
    address = world.deploy(bytes.fromhex(artifact["bytecode"]["object"][2:]) + birth.encoded)
    assert world.safe_exec(world.account, GUARDIANS[:2], world.account.safe, encode_enable_module(address)).success
    return address, [Payment(rules[0], 0, (rules[1].leaf,)), Payment(rules[1], 0, (rules[0].leaf,))]


def root_of(rules):
    first, second = sorted(from_digest(rule.leaf) for rule in rules)
    return to_digest(keccak(first + second))


def test_a_kernel_payment_moves_in_rehearsal_what_it_moves_for_real(world, chain, look, kernel):
    address, (to_alice, to_bob) = kernel
    facts = look()
    payments = [replace(to_alice, units=10**8), replace(to_bob, units=3 * 10**8)]
    action = KernelCall(facts.account, AGENT.address, address, encode_legs(payments))
    rehearsal = rehearse(chain, action, facts, [ALICE.address, BOB.address], [])
    assert rehearsal.success, rehearsal.revert
    assert rehearsal.safe_before == rehearsal.safe_after == facts.safe
    mined = world.send_as(AGENT.address, address, action.data)
    holders = [facts.account.safe, ALICE.address, BOB.address]
    assert rehearsal.deltas == executed_deltas(chain, facts.block, mined.block, holders, facts.tokens)
    assert rehearsal.gas_used == mined.gas_used


@pytest.mark.parametrize(
    ("place", "units", "reason"), [(0, 10**8 + 1, "AboveRuleMaximum"), (1, 2 * 10**9, "BucketExceeded")]
)
def test_what_the_kernel_refuses_is_named_by_its_own_error(chain, look, kernel, place, units, reason):
    facts, (address, payments) = look(), kernel
    action = KernelCall(facts.account, AGENT.address, address, encode_legs([replace(payments[place], units=units)]))
    rehearsal = rehearse(chain, action, facts, [ALICE.address], [])
    assert (rehearsal.success, rehearsal.deltas) == (False, ())
    assert rehearsal.revert.startswith(f"{reason}(")


def test_a_kernel_call_that_reverts_is_no_success(chain, look, catcher):
    facts = look()
    rehearsal = rehearse(chain, KernelCall(facts.account, AGENT.address, catcher[1], b""), facts, [], [])
    assert not rehearsal.success
    assert rehearsal.revert


def test_a_listed_token_that_does_not_answer_fails_the_rehearsal(chain, look, list_token):
    facts = look(list_token(to_address(bytes(19) + b"\x77"), "GHOST"))
    rehearsal = rehearse(chain, safe_tx(facts, ALICE.address, value_wei=1), facts, [], [])
    assert not rehearsal.success
    assert rehearsal.revert.startswith("not measured: ")


def test_an_action_of_another_account_is_not_rehearsed(chain, look):
    facts = look()
    other = replace(facts.account, safe=ALICE.address)
    rehearsal = rehearse(chain, SafeTx(other, BOB.address, 1, b"", Operation.CALL, 0), facts, [], [])
    assert not rehearsal.success
    assert rehearsal.revert.startswith("the action is for ")


def test_facts_that_differ_from_the_simulated_safe_fail_the_rehearsal(chain, look):
    facts = look()
    stale = replace(facts, safe=replace(facts.safe, modules=(AGENT.address,)))
    rehearsal = rehearse(chain, safe_tx(stale, ALICE.address, value_wei=1), stale, [], [])
    assert not rehearsal.success


class Replayed:
    """A node that answers a simulation with what another one answered, spoilt."""

    def __init__(self, results):
        self.results = results

    def simulate(self, calls, overrides, block):
        return self.results

    def trace(self, call, overrides, block):
        return None

    def balances_wei(self, holders, block):
        return [0 for _ in holders]


class Recording(Replayed):
    def __init__(self, chain):
        self.chain = chain

    def simulate(self, calls, overrides, block):
        self.results = self.chain.simulate(calls, overrides, block)
        return self.results


@pytest.mark.parametrize(
    "spoil",
    [
        lambda good: replace(good, returned=b""),
        lambda good: replace(good, success=False),
        lambda good: SimulatedResult(False, b"", 0, "out of gas"),
    ],
)
def test_one_missing_answer_anywhere_fails_the_rehearsal(world, chain, look, spoil):
    facts = look()
    action = safe_tx(facts, world.contracts.tokens[USDC], encode_approve(BOB.address, 3))
    recording = Recording(chain)
    assert rehearse(recording, action, facts, EVERYBODY, []).success
    good = recording.results
    for place in range(len(good)):
        bad = Replayed([*good[:place], spoil(good[place]), *good[place + 1 :]])
        rehearsal = rehearse(bad, action, facts, EVERYBODY, [])
        assert not rehearsal.success, place
        assert rehearsal.deltas == rehearsal.allowances == ()
    assert rehearse(Replayed(good[:-1]), action, facts, EVERYBODY, []).revert.startswith("the node simulated ")


AMOUNTS = {ETH: 10**18, WETH: 10**18, USDC: 10**9, DAI: 10**21, HALL: 10**21}
payments = st.lists(
    st.sampled_from(sorted(AMOUNTS)).flatmap(
        lambda token: st.tuples(st.just(token), st.sampled_from(EVERYBODY), st.integers(0, AMOUNTS[token]))
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payments)
def test_any_batch_of_payments_moves_in_rehearsal_what_it_moves_for_real(world, chain, look, paid):
    """Conservation and agreement, payment after payment on the same chain."""
    facts = look()
    addresses = world.contracts.tokens
    calls = [(to, n, b"") if addresses[t] == NATIVE else (addresses[t], 0, encode_transfer(to, n)) for t, to, n in paid]
    rehearsal = agrees(world, chain, facts, batch(world, facts, *calls))
    for token in AMOUNTS:
        assert sum(delta.units for delta in rehearsal.deltas if delta.token == token) == 0


def test_executed_deltas_are_none_when_a_balance_cannot_be_read(chain, look, list_token):
    facts = look(list_token(to_address(bytes(19) + b"\x77"), "GHOST"))
    assert executed_deltas(chain, facts.block, facts.block, [ALICE.address], facts.tokens) is None
