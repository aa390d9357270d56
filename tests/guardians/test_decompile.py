"""Reading a proposal back is the inverse of compiling it, and bytes that mean nothing yield nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.compiler import compile_unit, dress_for_owners
from guardians.decompile import decompile, read_moves
from guardians.wording import escaped
from policies.cases import PolicyCase, load_cases, sample, samples
from policies.document import load
from policies.effects import Opaque
from policies.engine import decide
from policies.scenario import Scenario, facts_of, stage
from strongroom.model import (
    NATIVE,
    Address,
    Compiled,
    Decision,
    Label,
    Labelled,
    Lane,
    Operation,
    Pay,
    SafeTx,
    Unit,
    Verdict,
)
from strongroom.protocols.abi import selector
from strongroom.protocols.erc20 import TRANSFER
from strongroom.protocols.multisend import MULTI_SEND

DOCUMENT = load(sample("active_treasury")[0])
STRANGER = Address("0x14dC79964da2C08b23698B3D3cc7Ca32193d9955")

QUIET = facts_of(Scenario((), dict.fromkeys(DOCUMENT.tokens, 0), {}), DOCUMENT)

pays = st.builds(
    Pay,
    st.just("p"),
    st.sampled_from(sorted(DOCUMENT.tokens)).map(lambda token: Labelled(token, Label.MANDATE)),
    st.sampled_from([*DOCUMENT.payees, STRANGER]).map(lambda payee: Labelled(str(payee), Label.MANDATE)),
    st.integers(1, 10**30).map(lambda units: Labelled(units, Label.MANDATE)),
    st.just(Labelled("", Label.MANDATE)),
)


@given(st.lists(pays, min_size=1, max_size=6), st.integers(0, 2**40))
def test_what_was_compiled_is_read_back_call_for_call(intents: list[Pay], nonce: int) -> None:
    """decompile(dress(compile(unit))) has the unit's calls, envelope, payees, tokens and amounts."""
    compiled = compile_unit(Unit("u", DOCUMENT.account, tuple(intents)), QUIET, DOCUMENT, Lane.OWNER)
    assert isinstance(compiled, Compiled)
    read = decompile(dress_for_owners(compiled, DOCUMENT.multisend, nonce), DOCUMENT)
    assert (read.calls, read.envelope) == (compiled.calls, compiled.envelope)
    found = [(pay.payee.value, pay.token.value, pay.amount_units.value) for pay in read.unit.intents]  # type: ignore[union-attr]
    assert found == [(pay.payee.value, pay.token.value, pay.amount_units.value) for pay in intents]


@given(st.lists(pays, min_size=1, max_size=4))
def test_a_stranger_is_never_labelled_as_named_by_people(intents: list[Pay]) -> None:
    """Only the policy's own payees carry a people's label, whatever the proposer's unit claimed."""
    compiled = compile_unit(Unit("u", DOCUMENT.account, tuple(intents)), QUIET, DOCUMENT, Lane.OWNER)
    assert isinstance(compiled, Compiled)
    for pay in decompile(dress_for_owners(compiled, DOCUMENT.multisend, 0), DOCUMENT).unit.intents:
        assert isinstance(pay, Pay)
        assert (pay.payee.label is Label.MANDATE) == (pay.payee.value in DOCUMENT.payees)
        assert pay.amount_units.label is Label.MODEL


CASES = [(name, case) for name in samples() for case in load_cases(sample(name)[1], load(sample(name)[0]))]


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name}: {case.name}" for name, case in CASES])
def test_a_review_is_never_looser_than_the_verdict_the_agent_proposed_under(name: str, case: PolicyCase) -> None:
    """Same facts, same rehearsal, but the unit read back from bytes: what the agent may propose is not denied, and
    whatever the engine denies for what the bytes do is denied again."""
    document = load(sample(name)[0])
    judged = stage(case.scenario, document)
    assert isinstance(judged.action, SafeTx)
    agent = decide(judged.compiled, judged.action, judged.rehearsal, judged.facts, document)
    guardian = decide(decompile(judged.action, document), judged.action, judged.rehearsal, judged.facts, document)
    if agent.verdict is Verdict.DENY:
        assert denials(guardian) >= denials(agent) - CLAIMS
    else:
        assert guardian.verdict is not Verdict.DENY
        assert guardian.verdict.rank >= agent.verdict.rank
        assert guardian.approvals_needed >= agent.approvals_needed


CLAIMS = {"provenance"}
"""What a unit says about itself, beyond its bytes: a guardian cannot read where an amount came from."""


def denials(decision: Decision) -> set[str]:
    return {finding.rule for finding in decision.findings if finding.verdict is Verdict.DENY}


listed = [token.token.address for token in DOCUMENT.tokens.values()]
targets = st.sampled_from([DOCUMENT.multisend, DOCUMENT.account.safe, STRANGER, *listed])
selectors = st.sampled_from([b"", selector(TRANSFER), selector(MULTI_SEND)])


@given(targets, st.integers(0, 3), selectors, st.binary(max_size=200), st.sampled_from(Operation))
def test_no_bytes_stop_the_reader_and_none_that_are_not_understood_become_intents(
    to: Address, value: int, start: bytes, rest: bytes, operation: Operation
) -> None:
    """A proposal is hostile input: reading never raises, and each opaque call leaves the unit one intent short."""
    tx = SafeTx(DOCUMENT.account, to, value, start + rest, operation, 0)
    moves, compiled = read_moves(tx, DOCUMENT), decompile(tx, DOCUMENT)
    assert len(compiled.unit.intents) == sum(not isinstance(move, Opaque) for move in moves)
    if operation is Operation.DELEGATECALL and to != DOCUMENT.multisend:
        assert not compiled.unit.intents and not compiled.calls


def test_ether_to_the_zero_address_is_read_as_a_payment_to_a_stranger() -> None:
    tx = SafeTx(DOCUMENT.account, NATIVE, 1, b"", Operation.CALL, 0)
    (pay,) = decompile(tx, DOCUMENT).unit.intents
    assert isinstance(pay, Pay)
    assert (pay.payee.value, pay.payee.label) == (NATIVE, Label.EXTERNAL)


@given(st.text())
def test_untrusted_text_is_shown_as_one_line_of_printable_ascii(text: str) -> None:
    """No escape sequence, line break or bidirectional mark reaches the terminal; short texts lose nothing."""
    shown = escaped(text).removesuffix("…")
    assert all(" " <= character <= "~" for character in shown)
    assert len(shown) <= 2 + 200 * 12
