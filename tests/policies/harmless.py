"""Mutants that `policy diff` does not call tighter and that yet let nothing more happen: each kind with its reason, and
by what differs, never by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from policies.terms import Cap, PolicyDocument


def why_harmless(original: PolicyDocument, mutant: PolicyDocument) -> str:
    """Why nothing more happens under the mutant; empty where nobody knows."""
    return next((why for why, alike in _REASONS.items() if alike(original) == alike(mutant)), "")


def _without_quotes(document: PolicyDocument) -> PolicyDocument:
    return replace(
        document, venues={id_: replace(venue, quoter=None, lens=None) for id_, venue in document.venues.items()}
    )


def _without_prices(document: PolicyDocument) -> PolicyDocument:
    """What is left of a policy that values nothing, and swaps nothing; any other is itself."""
    values = (document.outflow, document.holdings, document.runway, document.watch, document.losses)
    if any(each is not None for each in values) or any(document.pools()):
        return document
    # The bounds of any one policy do: neither reads them.
    tokens = {id_: replace(listed, feeds=(), max_age_seconds=None) for id_, listed in document.tokens.items()}
    bounds = replace(document.bounds, max_age_seconds=0, max_deviation_bps=0)
    return replace(document, tokens=tokens, bounds=bounds, max_loss_bps=0)


def _with_own_ages(document: PolicyDocument) -> PolicyDocument:
    """Every token with the age that holds for its price, and the general one left out."""
    tokens = {
        id_: replace(listed, max_age_seconds=document.bounds_of(id_).max_age_seconds)
        for id_, listed in document.tokens.items()
    }
    return replace(document, tokens=tokens, bounds=replace(document.bounds, max_age_seconds=0))


def _as_asked(document: PolicyDocument) -> PolicyDocument:
    """Each tier with the guardians that are asked there, and each ceiling where payees' own lie below it."""
    caps = {
        name: {token: _asked(cap, name, document) for token, cap in row.items()} for name, row in document.caps.items()
    }
    return replace(document, caps=caps)


def _by_flow(document: PolicyDocument) -> PolicyDocument:
    """Each cap by how long its bucket takes to drain, in whole seconds: no more than that ever moves in a window."""
    caps = {
        name: {token: replace(cap, cap_units=cap.drain_seconds) for token, cap in row.items()}
        for name, row in document.caps.items()
    }
    return replace(document, caps=caps)


def _asked(cap: Cap, name: str, document: PolicyDocument) -> Cap:
    tiers = tuple(replace(tier, approvals=max(tier.approvals, document.guardians.approvals)) for tier in cap.tiers)
    payees = [each for each in document.payees.values() if each.bucket_class == name]
    most = sum(each.max_units.get(cap.token, 0) for each in payees)
    return replace(cap, tiers=tiers, never_units=min(cap.never_units, most) if payees else cap.never_units)


_REASONS: Mapping[str, Callable[[PolicyDocument], PolicyDocument]] = {
    "what quotes only advises: what a swap brings is rehearsed": _without_quotes,
    "nothing is swapped or valued, so no price decides anything": _without_prices,
    "every token has an age of its own": _with_own_ages,
    "room flows back no sooner, by whole seconds": _by_flow,
    "[guardians] asks as many anyway, or all payees of the class together may get no more": _as_asked,
}
