"""Whether the agent has its key, may propose, can pay for gas, and owns nothing."""

from __future__ import annotations

from agent.onboarding.examination import Result, fail, ok, skipped, warn
from agent.onboarding.premises import Premises
from strongroom.quantities import format_units
from strongroom.wallet.signer import open_keystore

_NOT_IN_SHADOW = "shadow mode needs none"
_COMFORTABLE_UNITS = 10
"""Units of work the agent should be able to pay for before anyone is bothered."""


def key(premises: Premises) -> Result:
    if not premises.signs:
        return ok(_NOT_IN_SHADOW)
    signer = open_keystore(premises.state_folder.keystore, premises.password)
    return ok(f"opens, `{signer.address}`")


def no_owner(premises: Premises) -> Result:
    """An owner's signature counts for the Safe; the agent's never may."""
    if premises.agent is None:
        return ok(_NOT_IN_SHADOW) if not premises.signs else skipped("there is no agent key")
    if premises.agent in premises.safe.owners:
        return fail(
            f"`{premises.agent}` is the agent and owns the Safe", "give the agent a fresh key, or remove it as an owner"
        )
    return ok("the agent owns nothing")


def delegate(premises: Premises) -> Result:
    """The service takes proposals only from owners and their delegates."""
    if not premises.signs:
        return ok(_NOT_IN_SHADOW)
    if premises.agent is None:
        return skipped("there is no agent key")
    named = [each for each in premises.service.delegates() if each.delegate == premises.agent]
    if any(each.delegator in premises.safe.owners for each in named):
        return ok("an owner made the agent a delegate")
    return fail(
        f"no owner has made `{premises.agent}` a delegate",
        "let an owner add it as a proposer in the Safe UI's settings",
    )


def gas(premises: Premises) -> Result:
    """What the agent holds against what one unit of work may cost at the present base fee."""
    if not premises.signs:
        return ok(_NOT_IN_SHADOW)
    if premises.agent is None:
        return skipped("there is no agent key")
    one_unit_wei = premises.policy.gas.max_gas_units * premises.facts.gas.base_fee_wei
    held = premises.facts.gas.agent_balance_wei
    told = (
        f"`{premises.agent}` holds {format_units(held, 18)} for gas, one unit may cost {format_units(one_unit_wei, 18)}"
    )
    mend = f"send it at least {format_units(_COMFORTABLE_UNITS * one_unit_wei, 18)}"
    if held < one_unit_wei:
        return fail(told, mend)
    return warn(told, mend) if held < _COMFORTABLE_UNITS * one_unit_wei else ok(told)
