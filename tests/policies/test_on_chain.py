"""The engine before real rehearsals on real contracts, and the compiled policy inside a real Kernel."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agent.compiler import compile_unit
from agent.example import policy
from policies.cases import strictest_by_rule
from policies.document import document_hash
from policies.engine import decide
from policies.grants import compile_policy, granted_legs, shortage
from policies.kernel.buckets import room_at
from policies.scenario import Scenario, dress, facts_of
from policies.terms import ListedToken, PolicyDocument
from simulations.rehearse import rehearse
from strongroom.chain.rpc import RpcChain
from strongroom.model import (
    NATIVE,
    Action,
    Address,
    Amount,
    Call,
    Compiled,
    Decision,
    Envelope,
    Facts,
    KernelCall,
    Label,
    Labelled,
    Lane,
    Pay,
    Swap,
    Token,
    TokenId,
    Unit,
    Verdict,
)
from strongroom.observe import Subject, observe
from strongroom.protocols.abi import encode_arguments, encode_call
from strongroom.protocols.erc20 import encode_approve
from strongroom.protocols.kernel import Birth, bucket_key, class_number, encode_enable_module
from strongroom.protocols.kernel_legs import PayRule, encode_legs
from strongroom.protocols.uniswap_v3 import ExactInput, encode_exact_input, read_quote_in
from strongroom.world.people import AGENT, GUARDIANS
from strongroom.world.world import World

ALLOW, ASK, DENY = Verdict.ALLOW, Verdict.ASK, Verdict.DENY
OUT = Path(__file__).parents[2] / "contracts" / "out"
USDC, DAI, WETH, FEE = TokenId("USDC"), TokenId("DAI"), TokenId("WETH"), TokenId("FEE")
DAY = 86_400


class EmptyQueue:
    """A guardians' queue in which nothing waits."""

    def pending(self, from_nonce: int) -> tuple[()]:
        return ()


Look = Callable[..., Facts]


@pytest.fixture
def document(world: World) -> PolicyDocument:
    return policy(world)


@pytest.fixture
def look(world: World, chain: RpcChain) -> Look:
    def observed(document: PolicyDocument, kernel: Address | None = None) -> Facts:
        tokens = tuple(listed.token for listed in document.tokens.values())
        feeds = {token.id: document.feeds_of(token.id) for token in tokens if document.tokens[token.id].feeds}
        keys = tuple(setting.key for setting in compile_policy(document).buckets)
        subject = Subject(
            document.account, tokens, feeds, AGENT.address, document.history_seconds(), kernel, keys if kernel else ()
        )
        return observe(chain, EmptyQueue(), subject)

    return observed


def pay(token: TokenId, payee: str, units: int) -> Pay:
    by = Label.OPERATOR
    return Pay(payee, Labelled(token, by), Labelled(payee, by), Labelled(units, by), Labelled("", by))


def compiled_pays(document: PolicyDocument, *pays: Pay) -> Compiled:
    quiet = facts_of(Scenario((), dict.fromkeys(document.tokens, 0), {}), document)
    compiled = compile_unit(Unit("unit", document.account, pays), quiet, document, Lane.OWNER)
    assert isinstance(compiled, Compiled)
    return compiled


def judged(chain: RpcChain, compiled: Compiled, action: Action, facts: Facts, document: PolicyDocument) -> Decision:
    envelope = compiled.envelope
    rehearsal = rehearse(chain, action, facts, envelope.recipients, envelope.spenders)
    return decide(compiled, action, rehearsal, facts, document)


def says(decision: Decision) -> dict[str, Verdict]:
    return {rule: verdict for rule, verdict in strictest_by_rule(decision).items() if verdict is not ALLOW}


def test_a_real_payroll_needs_nobody(chain: RpcChain, look: Look, document: PolicyDocument) -> None:
    facts = look(document)
    pays = [
        pay(token, p.id, 1_000 * 10 ** facts.tokens[token].decimals)
        for p in document.payees.values()
        for token in p.max_units
    ]
    compiled = compiled_pays(document, *pays)
    action = dress(compiled.calls, document, facts.safe.nonce)
    assert says(judged(chain, compiled, action, facts, document)) == {}


def test_a_payment_at_a_future_nonce_needs_nobody_either(chain: RpcChain, look: Look, document: PolicyDocument) -> None:
    facts = look(document)
    compiled = compiled_pays(document, pay(USDC, "alice", 10**6))
    action = dress(compiled.calls, document, facts.safe.nonce + 3)
    assert says(judged(chain, compiled, action, facts, document)) == {}


def test_more_than_the_safe_holds_is_denied_by_the_rehearsal(
    chain: RpcChain, look: Look, document: PolicyDocument, world: World
) -> None:
    world.safe_exec(
        world.account,
        GUARDIANS[:2],
        document.tokens[USDC].token.address,
        encode_call("transfer(address,uint256)", AGENT.address, look(document).balances[USDC]),
    )
    facts = look(document)
    compiled = compiled_pays(document, pay(USDC, "alice", 10**6))
    decision = judged(chain, compiled, dress(compiled.calls, document, facts.safe.nonce), facts, document)
    assert decision.verdict is DENY
    assert says(decision)["rehearsed"] is DENY
    # What humans sent to an address outside the book counts in every class of the token.
    assert says(decision)["caps"] is ASK


def test_a_real_token_with_a_fee_on_transfer_is_refused(
    chain: RpcChain, look: Look, document: PolicyDocument, world: World
) -> None:
    artifact = json.loads((OUT / "FeeOnTransferToken.sol" / "FeeOnTransferToken.json").read_text())
    types, values = ["string", "string", "uint8", "uint256"], ["Fee", "FEE", 18, 100]
    creation = bytes.fromhex(artifact["bytecode"]["object"][2:])
    address = world.deploy(creation + encode_arguments(types, values))
    world.send_as(AGENT.address, address, encode_call("mint(address,uint256)", world.account.safe, 10**21))
    listed = ListedToken(Token(world.account, FEE, address, 18))
    alice = replace(document.payees["alice"], max_units={FEE: 10**20})
    cap = replace(document.caps["team"][DAI], token=FEE, tiers=())
    with_fee = replace(
        document,
        tokens={**document.tokens, FEE: listed},
        payees={"alice": alice},
        caps={**document.caps, "team": {**document.caps["team"], FEE: cap}},
        orders={},
    )
    facts = look(with_fee)
    compiled = compiled_pays(with_fee, pay(FEE, "alice", 10**18))
    decision = judged(chain, compiled, dress(compiled.calls, with_fee, facts.safe.nonce), facts, with_fee)
    assert says(decision) == {"envelope": DENY}
    (short,) = [f for f in decision.findings if f.verdict is DENY]
    assert (short.measured, short.limit) == ("0.99 FEE", "1.00 FEE")


def swap_of(document: PolicyDocument, chain: RpcChain, facts: Facts, units: int, slip_bps: int) -> Compiled:
    """One real order to the pool with the lowest fee, at its own quote less `slip_bps`."""
    venue = document.venues["uniswap"]
    pool = min((p for p in venue.pools if set(p.tokens) == {WETH, USDC}), key=lambda p: p.fee_pips)
    weth, usdc = (document.tokens[t].token.address for t in (WETH, USDC))
    (quote,) = chain.read([read_quote_in(venue.quoter, weth, usdc, pool.fee_pips, units)], facts.block)
    least = quote.units * (10_000 - slip_bps) // 10_000
    account = document.account
    order = ExactInput(weth, usdc, pool.fee_pips, account.safe, facts.block.timestamp + 600, units, least)
    calls = (
        Call(account, weth, 0, encode_approve(venue.router, units)),
        Call(account, venue.router, 0, encode_exact_input(order)),
    )
    by = Label.OPERATOR
    intent = Swap("swap", Labelled(WETH, by), Labelled(USDC, by), Labelled(units, by), Labelled("", by))
    envelope = Envelope((Amount(WETH, units),), (Amount(USDC, least),), (pool.address,), (venue.router,))
    return Compiled(Unit("unit", account, (intent,)), calls, envelope)


def test_a_small_real_swap_needs_nobody_and_a_moved_price_stops_it(
    chain: RpcChain, look: Look, document: PolicyDocument, world: World
) -> None:
    facts = look(document)
    compiled = swap_of(document, chain, facts, 10**17, 20)
    action = dress(compiled.calls, document, facts.safe.nonce)
    assert says(judged(chain, compiled, action, facts, document)) == {}
    weth_e8 = facts.rounds[WETH][0].answer
    world.set_price(WETH, weth_e8 * 102 // 100)
    assert says(judged(chain, compiled, action, look(document), document)) == {"losses": DENY}
    world.set_price(WETH, weth_e8 * 102 // 100, 0)
    world.set_price(WETH, weth_e8, 1)
    assert says(judged(chain, compiled, action, look(document), document)) == {"prices": DENY, "losses": DENY}
    world.set_price(WETH, weth_e8)
    assert says(judged(chain, compiled, action, look(document), document)) == {}


def test_stale_feeds_stop_swaps_and_not_payments(
    chain: RpcChain, look: Look, document: PolicyDocument, world: World
) -> None:
    world.advance(2 * DAY, feeds=False)
    facts = look(document)
    swap = swap_of(document, chain, facts, 10**17, 20)
    decision = judged(chain, swap, dress(swap.calls, document, facts.safe.nonce), facts, document)
    assert says(decision) == {"prices": DENY, "losses": DENY}
    paid = compiled_pays(document, pay(USDC, "alice", 10**6))
    assert says(judged(chain, paid, dress(paid.calls, document, facts.safe.nonce), facts, document)) == {}


def test_an_approval_left_on_the_real_token_is_denied(chain: RpcChain, look: Look, document: PolicyDocument) -> None:
    facts = look(document)
    compiled = swap_of(document, chain, facts, 10**17, 20)
    approve, order = compiled.calls
    more = replace(approve, data=encode_approve(document.venues["uniswap"].router, 10**17 + 1))
    tampered = replace(compiled, calls=(more, order))
    action = dress(tampered.calls, document, facts.safe.nonce)
    assert says(judged(chain, tampered, action, facts, document)) == {"venues": DENY, "leftovers": DENY}


def test_a_call_that_adds_a_module_is_denied_by_its_effect_too(
    chain: RpcChain, look: Look, document: PolicyDocument
) -> None:
    facts = look(document)
    compiled = compiled_pays(document, pay(USDC, "alice", 10**6))
    enabling = Call(document.account, document.account.safe, 0, encode_enable_module(AGENT.address))
    tampered = replace(compiled, calls=(*compiled.calls, enabling))
    action = dress(tampered.calls, document, facts.safe.nonce)
    assert says(judged(chain, tampered, action, facts, document)) == {"calls": DENY, "safe_state": DENY}


@pytest.fixture
def kernel(world: World, document: PolicyDocument) -> Address:
    """The real Kernel, born with the compiled policy, as a module of the world's Safe."""
    artifact = json.loads((OUT / "Kernel.sol" / "Kernel.json").read_text())
    compiled = compile_policy(document)
    birth = Birth(
        safe=world.account.safe,
        registry=NATIVE,
        agent=AGENT.address,
        guardians=(),
        root=compiled.root,
        document_hash=document_hash(document),
        buckets=compiled.buckets,
        config_delay_seconds=DAY,
        rekey_delay_seconds=DAY,
        window_seconds=7 * DAY,
    )
    deployed = world.deploy(bytes.fromhex(artifact["bytecode"]["object"][2:]) + birth.encoded)
    enabled = world.safe_exec(world.account, GUARDIANS[:2], world.account.safe, encode_enable_module(deployed))
    assert enabled.success
    return deployed


def kernel_call(document: PolicyDocument, kernel: Address, compiled: Compiled) -> KernelCall:
    payments = granted_legs(compiled.calls, document)
    assert payments is not None
    return KernelCall(document.account, AGENT.address, kernel, encode_legs(payments))


def test_the_kernel_accepts_every_compiled_rule_at_its_maximum_and_nothing_above(
    world: World, document: PolicyDocument, kernel: Address
) -> None:
    """Parity of leaves, proofs and maxima: each rule alone, on a fresh bucket each time."""
    rules = compile_policy(document).rules
    for rule in (each for each in rules.values() if isinstance(each, PayRule)):
        units = rule.max_units
        data = encode_call("transfer(address,uint256)", rule.recipient, units)
        payments = granted_legs((Call(document.account, rule.token, 0, data),), document)
        assert payments is not None
        snapshot = world.snapshot()
        assert world.send_as(AGENT.address, kernel, encode_legs(payments)).success
        world.revert(snapshot)
        over = [replace(payments[0], units=units + 1)]
        assert not world.send_as(AGENT.address, kernel, encode_legs(over)).success


def test_a_payroll_through_the_real_kernel_needs_nobody(
    world: World, chain: RpcChain, look: Look, document: PolicyDocument, kernel: Address
) -> None:
    payees = [payee.id for payee in document.payees.values() if USDC in payee.max_units][:3]
    compiled = compiled_pays(document, *(pay(USDC, payee, 4_000 * 10**6) for payee in payees))
    call = kernel_call(document, kernel, compiled)
    assert says(judged(chain, compiled, call, look(document, kernel), document)) == {}
    assert world.send_as(AGENT.address, kernel, call.data).success


def test_what_the_engine_says_a_bucket_holds_is_what_the_kernel_gives(
    world: World, chain: RpcChain, look: Look, document: PolicyDocument, kernel: Address
) -> None:
    """After a payroll and a day: all the room is accepted, more than flows back in half a minute besides is refused."""
    payees = [payee.id for payee in document.payees.values() if USDC in payee.max_units][:3]
    first = compiled_pays(document, *(pay(USDC, payee, 4_000 * 10**6) for payee in payees))
    assert world.send_as(AGENT.address, kernel, kernel_call(document, kernel, first).data).success
    world.advance(DAY)
    facts = look(document, kernel)
    assert facts.kernel is not None
    bucket = facts.kernel.buckets[bucket_key(document.tokens[USDC].token.address, class_number("team"))]
    room = room_at(bucket, facts.block.timestamp)
    for units, fits in ((room, True), (room + 30 * bucket.capacity // bucket.drain, False)):
        halves = [units // 2, units - units // 2]
        compiled = compiled_pays(document, *(pay(USDC, payees[n], half) for n, half in enumerate(halves)))
        payments = granted_legs(compiled.calls, document)
        assert payments is not None
        assert bool(shortage(payments, facts, document)) is not fits
        snapshot = world.snapshot()
        assert world.send_as(AGENT.address, kernel, encode_legs(payments)).success is fits
        world.revert(snapshot)


def test_a_kernel_paused_by_its_agent_is_denied(
    world: World, chain: RpcChain, look: Look, document: PolicyDocument, kernel: Address
) -> None:
    compiled = compiled_pays(document, pay(USDC, "alice", 10**6))
    call = kernel_call(document, kernel, compiled)
    world.send_as(AGENT.address, kernel, encode_call("pause()"))
    found = says(judged(chain, compiled, call, look(document, kernel), document))
    assert {"grants", "rehearsed"} <= found.keys()
