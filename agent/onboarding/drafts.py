"""The four documents for a Safe as it was found: nobody is paid, nothing is swapped, and nothing is signed until people
write it in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agent.onboarding.chains import KnownChain, KnownToken
from agent.onboarding.proposals import proposals
from agent.onboarding.survey import Survey
from policies.document import load
from policies.template import render
from policies.terms import GasBudget, Guardians, ListedToken, PolicyDocument
from strongroom.model import Account, Address
from strongroom.settings import (
    Job,
    Mandate,
    Missed,
    Mode,
    Treasury,
    load_mandate,
    load_schedule,
    load_treasury,
)
from strongroom.templates import render_mandate, render_schedule, render_treasury
from strongroom.valuation import Bounds

TREASURY, MANDATE, POLICY, SCHEDULE = "treasury.toml", "mandate.toml", "policy.toml", "schedule.toml"
NAMES = (TREASURY, MANDATE, POLICY, SCHEDULE)

_DAY = 86_400
_BOUNDS = Bounds(max_age_seconds=75 * 60, max_deviation_bps=150, min_sources=2)
_GAS = GasBudget(max_gas_units=2_000_000, max_base_fee_wei=150 * 10**9)
_MAX_LOSS_BPS = 100
_RUNWAY_MONTHS = 6
_JOBS = (
    Job("observe", "observe", "0 8 * * *", "UTC", Missed.SKIP, _DAY),
    Job("payroll", "payroll", "0 9 1 * *", "UTC", Missed.ONCE, 5 * _DAY),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the treasury will be reached and keep its state; `state_dir` is absolute."""

    name: str
    rpc: str
    service: str
    state_dir: Path


def drafts(survey: Survey, place: Place) -> dict[str, str]:
    """File names and texts for an existing Safe: past payees and unlisted tokens are commented out in the policy."""
    owners, threshold = survey.state.owners, survey.state.threshold
    tokens = tuple(holding.token for holding in survey.holdings)
    texts = new_drafts(survey.account, survey.chain, owners, threshold, tokens, place)
    return {**texts, POLICY: texts[POLICY] + proposals(survey)}


def new_drafts(
    account: Account,
    chain: KnownChain,
    owners: tuple[Address, ...],
    threshold: int,
    tokens: tuple[KnownToken, ...],
    place: Place,
) -> dict[str, str]:
    """File names and texts, in shadow mode, with the owners as guardians. Raises `InputError` should one not load."""
    policy = PolicyDocument(
        account=account,
        multisend=chain.safe.multisend,
        tokens={token.id: _listed(token, chain, account, tokens) for token in tokens},
        payees={},
        venues={},
        caps={},
        guardians=Guardians(owners, threshold),
        bounds=_BOUNDS,
        max_loss_bps=_MAX_LOSS_BPS,
        gas=_GAS,
    )
    treasury = Treasury(place.name, account, place.rpc, place.service, place.state_dir, Mode.SHADOW, ())
    decimals = {token.id: token.decimals for token in tokens}
    texts = {
        TREASURY: render_treasury(treasury),
        MANDATE: render_mandate(Mandate((), _RUNWAY_MONTHS, {}), decimals),
        POLICY: render(policy),
        SCHEDULE: render_schedule(_JOBS),
    }
    _require_loading(texts)
    return texts


def _listed(token: KnownToken, chain: KnownChain, account: Account, tokens: tuple[KnownToken, ...]) -> ListedToken:
    priced = {known.id for known in tokens if len(known.feeds) >= _BOUNDS.min_sources}
    if token.address == chain.coin.address:
        return ListedToken(token.of(account), price_as=chain.wrapped if chain.wrapped in priced else None)
    feeds = token.feeds if token.id in priced else ()
    return ListedToken(token.of(account), feeds, max_age_seconds=token.max_age_seconds if feeds else None)


def _require_loading(texts: dict[str, str]) -> None:
    """What is written must be what `strongroom` reads; finding out later would leave half a treasury."""
    load_treasury(texts[TREASURY], Path("/"))
    policy = load(texts[POLICY])
    load_mandate(texts[MANDATE], {token.token.id: token.token.decimals for token in policy.tokens.values()})
    load_schedule(texts[SCHEDULE])
