"""Repayments to Aave V3 as the Kernel knows them: what comes in is a debt's fall, told by a meter of that debt.

The Kernel counts what comes in, and a repayment only burns debt. A `DebtMeter` holds, for whoever owes, 2^128-1 less
the debt; as what comes in, one for one, it rises by what was repaid. The pool takes no more than is owed, so a leg for
more than the debt, and more than the loss that the rule allows, is refused: its floor is not met.

Source: aave-v3-core 1.19.3 (V3.0.2) `BorrowLogic.executeRepay`, `ScaledBalanceTokenBase._burnScaled`;
`contracts/src/DebtMeter.sol`, `contracts/src/KernelActs.sol`.
"""

from __future__ import annotations

from strongroom.model import Address
from strongroom.ports import Read
from strongroom.protocols.aave_v3 import AMOUNT_WORD, Repay, encode_repay
from strongroom.protocols.abi import encode_arguments, view
from strongroom.protocols.kernel_acts import ActRule, Template

_LOSS_BPS = 1
"""Aave scales what is repaid by its index and rounds half up, and so it does with the debt before and after: the fall
differs from the amount by at most half the index and one unit, which is one unit below an index of two. From 10,000
units up this much covers it; smaller repayments pass or are refused as the rounding falls.

It is also how much more than the debt may be asked for: the interest of some hours, so that a debt can be repaid in
full."""


def repay_rule(
    pool: Address, asset: Address, meter: Address, safe: Address, max_units: int, bucket_class: int
) -> ActRule:
    """Aave V3: repay at most `max_units` of the Safe's own variable debt in `asset`, whose `DebtMeter` is `meter`. The
    bucket of the asset is charged with all that is asked for; what the pool does not take stays, and is not approved.
    `exit_rule` lets guardians repay while the Kernel is paused."""
    template = Template.of(encode_repay(Repay(asset, 0, safe)), amount_word=AMOUNT_WORD)
    return ActRule(pool, pool, asset, meter, template, max_units, bucket_class, max_loss_bps=_LOSS_BPS)


def meter_arguments(debt: Address) -> bytes:
    """What a `DebtMeter` of `debt`, a reserve's variable debt token, is born with; equal debts, same meter."""
    return encode_arguments(["address"], [debt])


def read_debt(meter: Address) -> Read[Address]:
    """Which debt a meter measures."""
    return view(meter, "debt()", ["address"], lambda debt: debt)
