"""The Safe against policy.toml: its owners are the guardians, and nobody else commands it."""

from __future__ import annotations

from collections.abc import Iterable

from agent.comparing.fields import Comparison, Contract, Field, Weight
from agent.onboarding.chains import SafeContracts
from policies.terms import PolicyDocument
from strongroom.model import NATIVE, Address, SafeState

_OWN = "Safe's own"
_HOLDER = "the Safe"


def compare(safe: SafeState, document: PolicyDocument, known: SafeContracts, kernel: Address | None) -> Comparison:
    """Every field of the Safe but its guard, which is compared where it is ours."""
    address = document.account.safe
    return Comparison(
        Contract.SAFE,
        "Safe",
        address,
        (
            _owners(safe, document),
            _threshold(safe, document),
            _modules(safe, kernel),
            _handler(safe, known),
            _singleton(safe, known),
        ),
    )


def _owners(safe: SafeState, document: PolicyDocument) -> Field:
    mend = "let [guardians] `members` be the Safe's owners"
    members = document.guardians.members
    return Field("`members` of [guardians]", _listed(members), _listed(safe.owners), mend, _HOLDER, weight=Weight.FAILS)


def _threshold(safe: SafeState, document: PolicyDocument) -> Field:
    """Where the Safe demands more than the policy asks, nothing passes that should not."""
    asked, demanded = document.guardians.approvals, safe.threshold
    mend = f"let `approvals` be {demanded}, or have the owners let the Safe's threshold be {asked}"
    weight = Weight.FAILS if demanded < asked else Weight.WARNS
    return Field("`approvals` of [guardians]", str(asked), str(demanded), mend, _HOLDER, weight=weight)


def _modules(safe: SafeState, kernel: Address | None) -> Field:
    """That the Kernel is one of them is a field of the Kernel's."""
    mend = "disable what you do not know in the Safe UI"
    foreign = [module for module in safe.modules if module != kernel]
    return Field("modules beside the Kernel", "none", _listed(foreign), mend, _HOLDER, weight=Weight.WARNS)


def _handler(safe: SafeState, known: SafeContracts) -> Field:
    found = _known(safe.fallback_handler, known.fallback_handlers)
    mend = f"set Safe's own, `{known.fallback_handler}`, in the Safe UI"
    return Field("fallback handler", _OWN, found, mend, _HOLDER, weight=Weight.WARNS)


def _singleton(safe: SafeState, known: SafeContracts) -> Field:
    mend = "move to a Safe made by Safe's own factory"
    return Field("singleton", _OWN, _known(safe.singleton, known.singletons), mend, _HOLDER, weight=Weight.FAILS)


def _known(address: Address, own: Iterable[Address]) -> str:
    return _OWN if address in own else "none" if address == NATIVE else address


def _listed(addresses: Iterable[Address]) -> str:
    return ", ".join(sorted(addresses)) or "none"
