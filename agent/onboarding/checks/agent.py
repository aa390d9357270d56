"""Whether the agent has its key, may propose, can pay for gas, and owns nothing."""

from __future__ import annotations

from agent.gas import endurance, measured_gas, told_in_full, units_a_year
from agent.onboarding.examination import Result, fail, ok, skipped, warn
from agent.onboarding.premises import Premises
from agent.records import Records
from strongroom.documents import read
from strongroom.fees import needed_wei
from strongroom.model import NATIVE
from strongroom.quantities import format_units
from strongroom.settings import load_schedule
from strongroom.wallet.signer import open_keystore

_NOT_IN_SHADOW = "shadow mode needs none"
_COMFORTABLE_UNITS, _COMFORTABLE_DAYS = 10, 30
"""Units of the policy's most gas, and days of the schedule, that the agent should be able to pay for before anyone is
bothered."""


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
        "an owner runs `strongroom guardian delegate ADDRESS --keystore FILE`, or adds it as a proposer in the Safe UI",
    )


def gas(premises: Premises) -> Result:
    """How long what the agent holds lasts by the schedule, and whether one unit could be sent at all."""
    if not premises.signs:
        return ok(_NOT_IN_SHADOW)
    if premises.agent is None:
        return skipped("there is no agent key")
    policy, at = premises.policy, premises.facts.gas
    lasting = endurance(at, _runs(premises), _measured(premises), policy.gas.max_gas_units)
    native, one_unit_wei = policy.token_at(NATIVE), needed_wei(policy.gas.max_gas_units, at.base_fee_wei)
    found = f"`{premises.agent}` holds {told_in_full(lasting, native.token.id if native else '')}"
    enough_wei = max(_COMFORTABLE_UNITS * one_unit_wei, _COMFORTABLE_DAYS * lasting.wei_a_day)
    mend = f"send it at least {format_units(max(enough_wei - lasting.held_wei, 0), 18)}"
    if lasting.held_wei < one_unit_wei:
        return fail(f"{found}; one unit may take {format_units(one_unit_wei, 18)}, and is not started without", mend)
    return warn(found, mend) if lasting.held_wei < enough_wei else ok(found)


def _runs(premises: Premises) -> dict[str, int]:
    return units_a_year(load_schedule(read(premises.folder / "schedule.toml")), premises.block.timestamp)


def _measured(premises: Premises) -> dict[str, int]:
    plans = Records(premises.state_folder).plans()
    return measured_gas(premises.chain, ((unit["id"], unit["tx_hash"]) for unit in plans))
