"""Plain JSON and back is the same noun, and every JSON reader agrees on the numbers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.model import (
    Account,
    Action,
    Address,
    Amount,
    Call,
    Envelope,
    KernelCall,
    Label,
    Labelled,
    Operation,
    Pay,
    SafeTx,
    TokenId,
    Unit,
)
from strongroom.plain import from_plain, to_plain

SAFE = Account(1, Address("0x" + "11" * 20))
EXACT = 2**53 - 1


@given(st.integers(0, 2**256 - 1), st.binary(max_size=80), st.text(max_size=20))
def test_a_unit_survives_json(units: int, data: bytes, reason: str) -> None:
    pay = Pay(
        "p",
        Labelled(TokenId("USDC"), Label.MANDATE),
        Labelled("alice", Label.OPERATOR),
        Labelled(units, Label.MODEL),
        Labelled(reason, Label.EXTERNAL),
    )
    unit = Unit("u", SAFE, (pay,))
    assert from_plain(Unit, json.loads(json.dumps(to_plain(unit)))) == unit
    call = Call(SAFE, SAFE.safe, units, data)
    assert from_plain(Call, json.loads(json.dumps(to_plain(call)))) == call


@given(st.integers())
def test_no_number_in_plain_json_is_beyond_what_every_reader_holds(value: int) -> None:
    plain = to_plain(Amount(TokenId("X"), value))["units"]
    assert isinstance(plain, str) or abs(plain) <= EXACT
    assert int(plain) == value


def test_a_union_is_read_as_the_kind_it_names() -> None:
    tx = SafeTx(SAFE, SAFE.safe, 0, b"\x01", Operation.DELEGATECALL, 3)
    call = KernelCall(SAFE, SAFE.safe, SAFE.safe, b"")
    assert from_plain(Action, to_plain(tx)) == tx
    assert from_plain(Action, to_plain(call)) == call


@pytest.mark.parametrize(
    "spoilt",
    [
        {"kind": "Amount", "token": "USDC", "units": 1.5},
        {"kind": "Amount", "token": "USDC", "units": True},
        {"kind": "Amount", "token": "USDC", "units": 1, "more": 2},
        {"kind": "Account", "token": "USDC", "units": 1},
    ],
)
def test_what_does_not_fit_is_refused(spoilt: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"Amount|int"):
        from_plain(Amount, spoilt)


def test_a_float_has_no_plain_form() -> None:
    with pytest.raises(TypeError, match="float"):
        to_plain({"price": 1.5})


def test_an_omitted_field_takes_no_default_silently() -> None:
    plain = to_plain(Envelope((Amount(TokenId("X"), 1),)))
    del plain["recipients"]
    with pytest.raises((ValueError, KeyError)):
        from_plain(Envelope, plain)
