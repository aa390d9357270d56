"""Whether the Safe is one, is Safe's own code, and is owned as the policy believes."""

from __future__ import annotations

from agent.onboarding.examination import Result, fail, ok, warn
from agent.onboarding.premises import Premises
from agent.onboarding.warnings import (
    guard_warning,
    handler_warning,
    singleton_warning,
    threshold_warning,
)
from guardians.changes import find_guard
from strongroom.addresses import keccak, to_digest
from strongroom.quantities import format_seconds


def present(premises: Premises) -> Result:
    """A Safe of 1.3.0 or newer."""
    return ok(f"version {premises.safe.version}, nonce {premises.safe.nonce}")


def owners(premises: Premises) -> Result:
    state = premises.safe
    if warning := threshold_warning(state):
        return warn(*_halves(warning))
    if state.threshold == len(state.owners):
        return warn(
            f"all {len(state.owners)} owners must sign: one lost key locks the Safe for ever",
            "add an owner, or lower the threshold in the Safe UI",
        )
    return ok(f"{state.threshold} of {len(state.owners)} must sign")


def modules(premises: Premises) -> Result:
    """Any module but the Kernel moves money past owners and past us."""
    foreign = [module for module in premises.safe.modules if module != premises.kernel]
    if not foreign:
        return ok("the Kernel alone" if premises.safe.modules else "none")
    named = ", ".join(f"`{module}`" for module in foreign)
    return warn(
        f"{named} can move everything in the Safe without any owner's signature",
        "disable what you do not know in the Safe UI",
    )


def guard(premises: Premises) -> Result:
    if (ours := find_guard(premises.chain, premises.account.safe, premises.safe.guard, premises.block)) is not None:
        return ok(f"our owners' guard: who commands the Safe changes {format_seconds(ours.delay_seconds)} after notice")
    warning = guard_warning(premises.safe)
    return warn(warning, "know what it checks, or remove it in the Safe UI") if warning else ok("none")


def fallback_handler(premises: Premises) -> Result:
    warning = handler_warning(premises.safe, premises.known.safe)
    mend = f"set Safe's own, `{premises.known.safe.fallback_handler}`, in the Safe UI"
    return warn(warning, mend) if warning else ok("Safe's own")


def singleton(premises: Premises) -> Result:
    """Foreign code behind the proxy can answer every other check as it likes."""
    warning = singleton_warning(premises.safe, premises.known.safe)
    return fail(*_halves(warning, "move to a Safe made by Safe's own factory")) if warning else ok("Safe's own")


def _halves(warning: str, mend: str = "") -> tuple[str, str]:
    what, _, rest = warning.partition("; ")
    return what, mend or rest


def multisend(premises: Premises) -> Result:
    """The one contract the Safe delegates a call to must be MultiSendCallOnly, byte for byte."""
    address = premises.policy.multisend
    code = premises.chain.code(address, premises.block)
    if code and to_digest(keccak(code)) in premises.known.safe.multisend_code_hashes:
        return ok("MultiSendCallOnly")
    what = "other code than MultiSendCallOnly" if code else "no code"
    return fail(
        f"`{address}` has {what}: a delegatecall to it could take everything",
        f"let `multisend` in policy.toml be `{premises.known.safe.multisend}`",
    )
