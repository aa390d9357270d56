"""Our five packages have flat names: another wheel with the same ones would replace our code without a word."""

from __future__ import annotations

from importlib.metadata import packages_distributions

from strongroom.errors import ForeignPackage

PACKAGES = ("agent", "guardians", "policies", "simulations", "strongroom")
DISTRIBUTION = "strongroom"


def require_own_packages() -> None:
    """Raises `ForeignPackage` when another installed distribution also claims one of our packages."""
    owners = packages_distributions()
    for package in PACKAGES:
        foreign = set(owners.get(package, ())) - {DISTRIBUTION}
        if foreign:
            raise ForeignPackage(package, foreign)
