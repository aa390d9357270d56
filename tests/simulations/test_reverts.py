"""Reasons of reverts are words where they can be, and never more than a short printable line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulations.revert_codes import AAVE, SAFE
from simulations.reverts import KNOWN_ERRORS, revert_reason
from strongroom.protocols.abi import encode_call, selector

MODULES = Path(__file__).parents[2] / "node_modules"
SAFE_SOURCES = MODULES / "@safe-global"
_ERRORS = Path(__file__).parents[2] / "contracts" / "out" / "IKernelErrors.sol" / "IKernelErrors.json"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (encode_call("Error(string)", "not today"), "not today"),
        (encode_call("Panic(uint256)", 0x11), "panic 0x11 (arithmetic overflow)"),
        (encode_call("Panic(uint256)", 0x99), "panic 0x99 (unknown code)"),
        (encode_call("AboveRuleMaximum(uint256,uint256)", 7, 5), "AboveRuleMaximum(7, 5)"),
        (encode_call("NotInPolicy(bytes32)", b"\x01" * 32), "NotInPolicy(0x" + "01" * 32 + ")"),
        (bytes.fromhex("deadbeef01"), "unknown error 0xdeadbeef01"),
        (encode_call("Error(string)", "GS013"), "GS013 (the call within failed)"),
        (encode_call("Error(string)", "32"), "32 (NOT_ENOUGH_AVAILABLE_USER_BALANCE)"),
        (encode_call("Error(string)", "9999"), "9999"),
    ],
)
def test_revert_bytes_are_put_into_words(data, said):
    assert revert_reason(data) == said


def test_an_error_that_passes_another_on_shows_both():
    inner = encode_call("Error(string)", "paused by issuer")
    outer = encode_call("CallFailed(address,bytes)", "0x" + "00" * 19 + "07", inner)
    assert revert_reason(outer) == "CallFailed(0x0000000000000000000000000000000000000007, paused by issuer)"


def test_errors_nested_without_end_are_shown_nonetheless():
    data = b""
    for _ in range(300):
        data = encode_call("CallFailed(address,bytes)", "0x" + "00" * 19 + "07", data)
    assert revert_reason(data).startswith("CallFailed(0x0000000000000000000000000000000000000007, 0x")


def test_a_known_error_with_spoilt_arguments_is_shown_in_hexadecimal():
    spoilt = selector("AboveRuleMaximum(uint256,uint256)") + b"\1"
    assert revert_reason(spoilt) == "0x" + spoilt.hex()


def test_without_bytes_the_node_has_the_word():
    assert revert_reason(b"", "out of gas") == "out of gas"
    assert revert_reason(b"") == "reverted without a reason"


def test_every_error_of_the_kernel_is_known():
    abi = json.loads(_ERRORS.read_text())["abi"]
    theirs = {f"{each['name']}({','.join(field['type'] for field in each['inputs'])})" for each in abi}
    assert theirs <= set(KNOWN_ERRORS)


def test_every_code_of_the_contracts_here_is_known():
    texts = [each.read_text() for each in SAFE_SOURCES.glob("*/contracts/**/*.sol")]
    assert {code for text in texts for code in re.findall(r'"(GS\d+)"', text)} == set(SAFE)
    errors = (MODULES / "@aave/core-v3/contracts/protocol/libraries/helpers/Errors.sol").read_text()
    assert {number: name for name, number in re.findall(r"constant (\w+) = '(\d+)'", errors)} == AAVE


@given(st.binary(max_size=300), st.text(max_size=300))
@example(encode_call("Error(string)", "\x1b[2J" + "é" * 500), "")
@example(encode_call("Error(string)", ""), "")
def test_whatever_strangers_return_is_one_short_printable_line(data, error):
    said = revert_reason(data, error)
    assert 0 < len(said) <= 160
    assert all(" " <= character <= "~" for character in said)
