"""WETH9 as the Kernel knows it: the native coin and its token, one for one, and no word of the calldata free.

Source: WETH9 `deposit()`, `withdraw(uint256)`; `contracts/src/KernelActs.sol`.
"""

from __future__ import annotations

from strongroom.model import NATIVE, Address
from strongroom.protocols.kernel_acts import ActRule, Template
from strongroom.protocols.weth import encode_deposit, encode_withdraw

UNWRAP_AMOUNT_WORD = 4
"""Byte offset of the amount in `withdraw`; `deposit` has no argument, the amount is what is sent along."""


def wrap_rule(weth: Address, max_units: int, bucket_class: int) -> ActRule:
    """Turn at most `max_units` wei into WETH. The Kernel sends the leg's amount along and nothing else; WETH9 credits
    whoever calls, which is the Safe. The native coin's bucket `bucket_class` is charged."""
    return ActRule(weth, NATIVE, NATIVE, weth, Template.of(encode_deposit()), max_units, bucket_class)


def unwrap_rule(weth: Address, max_units: int, bucket_class: int) -> ActRule:
    """Turn at most `max_units` of WETH back into wei. WETH9 pays whoever calls; the token's bucket is charged."""
    template = Template.of(encode_withdraw(0), amount_word=UNWRAP_AMOUNT_WORD)
    return ActRule(weth, NATIVE, weth, NATIVE, template, max_units, bucket_class)
