"""A policy with every table filled, and random changes of one that `check` still accepts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from policies.agreement import AgreementTerms
from policies.cases import sample
from policies.consistency import check
from policies.debts import Debt
from policies.document import load
from policies.freezes import Freeze
from policies.hours import WEEK, Hours
from policies.newcomers import Newcomers
from policies.pacing import Pace
from policies.sanctions import Dispute, SanctionTerms
from policies.template import render
from policies.terms import Cap, LossLimit, Payee, PolicyDocument, Tier
from policies.vaults import Vault
from policies.wrapping import Wrapper
from strongroom.addresses import to_address
from strongroom.errors import InputError
from strongroom.model import Address, TokenId, Verdict
from tests.policies.more_edits import DAY, MORE, TODAY

USDC, DAI, WETH, ETH = (TokenId(name) for name in ("USDC", "DAI", "WETH", "ETH"))


def address(number: int) -> Address:
    return to_address(number.to_bytes(20, "big"))


def everything() -> PolicyDocument:
    """The larger sample with what it leaves out: a vault, a wrapper, debts, sources, limits of losses, days."""
    document = load(sample("active_treasury")[0])
    usdc, salary = document.tokens[USDC], document.orders["alice_salary"]
    members = document.guardians.members
    names = dict(zip(("ana", "ben", "carol"), members, strict=True))
    lent, market = document.caps["lending"], document.markets["aave"]
    assert document.watch is not None and document.holdings is not None
    full = replace(
        document,
        tokens={**document.tokens, USDC: replace(usdc, source=address(1001))},
        payees=_full_payees(document),
        orders={**document.orders, "alice_salary": replace(salary, not_before=1000 * DAY, not_after=30_000 * DAY - 1)},
        markets={"aave": replace(market, debts=(Debt(DAI, address(1002)),), health_least_e18=2 * 10**18)},
        vaults={"vault": Vault("vault", address(1003), WETH, 18, 10**18, 2 * 10**18, 50 * 10**18, 10)},
        wrappers={"weth": Wrapper("weth", ETH, WETH)},
        caps={
            **document.caps,
            "grants": {**document.caps["grants"], USDC: _named_tiers(document.caps["grants"][USDC])},
            "lending": {**lent, WETH: replace(document.caps["swaps"][WETH], bucket_class="lending")},
            "repayments": {DAI: replace(lent[DAI], bucket_class="repayments")},
            "wraps": {ETH: replace(document.caps["grants"][ETH], bucket_class="wraps")},
        },
        losses=LossLimit(20_000 * 10**8, 30 * DAY, 5_000 * 10**8),
        watch=replace(document.watch, tokens=(ETH, USDC, DAI), inherits=address(1004)),
        kernel=replace(document.kernel, pause_only=(address(1005),)),
        guardians=replace(document.guardians, names=names),
        sanctions=SanctionTerms(
            ("ofac", "dao's own"), 7 * DAY, (Dispute(address(1006), "another firm", "ana", TODAY + 9 * DAY),)
        ),
        models=AgreementTerms(2, 1_000),
        hours=Hours((*WEEK[:5], WEEK[6]), 7 * 60, 20 * 60, "Europe/Berlin", Verdict.ASK, ("2030-03-20",)),
        freezes=(
            Freeze(TODAY + 20 * DAY, TODAY + 25 * DAY, "vote", ("team",), (USDC,)),
            Freeze(TODAY + 30 * DAY, TODAY + 31 * DAY, "audit"),
        ),
        newcomers=Newcomers(7 * DAY, {USDC: 500 * 10**6}, Verdict.ASK, {"aave": TODAY - 30 * DAY}),
        holdings=replace(document.holdings, otherwise=Verdict.DENY),
    )
    check(full, "policy.toml")
    return full


def _full_payees(document: PolicyDocument) -> dict[str, Payee]:
    payees = {id_: replace(each, since=TODAY - 100 * DAY) for id_, each in document.payees.items()}
    paced = {"apart_seconds": 5 * DAY, "count": 3, "window_seconds": 30 * DAY}
    return {
        **payees,
        "alice": replace(payees["alice"], operator="alice", guardian=document.guardians.members[0]),
        "bob": replace(payees["bob"], delay_seconds=DAY),
        "emre": replace(payees["emre"], since=TODAY - 2 * DAY),
        "dana": replace(payees["dana"], pace=Pace(**paced)),
    }


def _named_tiers(cap: Cap) -> Cap:
    named = Tier(2, cap.at_once_units, DAY, ("ben", "carol"), 2 * DAY)
    return replace(cap, tiers=(*cap.tiers, named))


def edited(random: Random, document: PolicyDocument, count: int) -> PolicyDocument:
    """The document after so many random changes, each of which leaves it sound."""
    while count:
        changed = random.choice(EDITS)(random, document)
        if changed != document and _is_sound(changed):
            document, count = changed, count - 1
    return document


def _is_sound(document: PolicyDocument) -> bool:
    """Whether a policy.toml can say it; one whose entries name what is not listed cannot even be written."""
    try:
        return load(render(document)) == document
    except (InputError, LookupError):
        return False


def scaled(random: Random, value: int) -> int:
    """Nearly the same, or something of its size."""
    return random.choice((value - 1, value + 1, value // 2, value * 9 // 10, value * 11 // 10, value * 2))


def _any(random: Random, entries: Mapping[Any, Any]) -> Any:
    return random.choice(list(entries))


def _cap(random: Random, document: PolicyDocument) -> PolicyDocument:
    name = _any(random, document.caps)
    token = _any(random, document.caps[name])
    changed = _edited_cap(random, document.caps[name][token])
    return replace(document, caps={**document.caps, name: {**document.caps[name], token: changed}})


def _edited_cap(random: Random, cap: Cap) -> Cap:
    field = random.choice(("cap_units", "window_seconds", "at_once_units", "never_units", "model_units", "tiers"))
    if field == "tiers":
        return replace(cap, tiers=_edited_tiers(random, cap))
    return replace(cap, **{field: max(1, scaled(random, getattr(cap, field)))})


def _edited_tiers(random: Random, cap: Cap) -> tuple[Tier, ...]:
    if not cap.tiers or random.random() < 0.3:
        return (*cap.tiers, Tier(random.choice((2, 3)), cap.at_once_units * random.choice((1, 2)) // 2, DAY))
    place = random.randrange(len(cap.tiers))
    tier = cap.tiers[place]
    other = random.choice(
        (
            replace(tier, approvals=random.choice((1, 2, 3))),
            replace(tier, above_units=max(1, scaled(random, tier.above_units))),
            replace(tier, window_seconds=scaled(random, tier.window_seconds)),
        )
    )
    return (*cap.tiers[:place], *([] if random.random() < 0.2 else [other]), *cap.tiers[place + 1 :])


def _payee(random: Random, document: PolicyDocument) -> PolicyDocument:
    id_ = _any(random, document.payees)
    payee = document.payees[id_]
    token = _any(random, payee.max_units)
    options = (
        replace(payee, max_units={**payee.max_units, token: scaled(random, payee.max_units[token])}),
        replace(payee, delay_seconds=random.choice((0, 3_600, 2 * DAY))),
        replace(payee, bucket_class=_any(random, document.caps)),
        replace(payee, address=address(random.randrange(2_000, 3_000))),
        replace(payee, note="another note"),
    )
    return replace(document, payees={**document.payees, id_: random.choice(options)})


def _order(random: Random, document: PolicyDocument) -> PolicyDocument:
    id_ = _any(random, document.orders)
    order = document.orders[id_]
    options = (
        replace(order, units=scaled(random, order.units)),
        replace(order, every_seconds=scaled(random, order.every_seconds)),
        replace(order, not_before=random.choice((0, 500 * DAY, 25_000 * DAY))),
        replace(order, not_after=random.choice((0, 20_000 * DAY, 40_000 * DAY)) or 0),
    )
    return replace(document, orders={**document.orders, id_: random.choice(options)})


def _token(random: Random, document: PolicyDocument) -> PolicyDocument:
    id_ = _any(random, document.tokens)
    listed = document.tokens[id_]
    options = (
        replace(listed, keep_units=random.choice((0, 10**6, scaled(random, listed.keep_units)))),
        replace(listed, max_age_seconds=random.choice((None, 3_600, 4_500, 90_000))),
        replace(listed, source=random.choice((None, address(1_500)))),
    )
    return replace(document, tokens={**document.tokens, id_: random.choice(options)})


def _gone(random: Random, document: PolicyDocument) -> PolicyDocument:
    """One entry less; a payee takes its orders along."""
    field = random.choice(("payees", "orders", "venues", "markets", "vaults", "wrappers", "tokens", "caps"))
    entries = dict(getattr(document, field))
    if not entries:
        return document
    id_ = random.choice(list(entries))
    del entries[id_]
    orders = {k: o for k, o in document.orders.items() if field != "payees" or o.payee != id_}
    return replace(replace(document, orders=orders), **{field: entries})


def _fewer_pools(random: Random, document: PolicyDocument) -> PolicyDocument:
    pooled = {id_: venue for id_, venue in document.venues.items() if venue.pools}
    if not pooled:
        return document
    id_ = _any(random, pooled)
    venue = document.venues[id_]
    gone = random.randrange(len(venue.pools))
    return replace(
        document, venues={**document.venues, id_: replace(venue, pools=venue.pools[:gone] + venue.pools[gone + 1 :])}
    )


def _fewer_reserves(random: Random, document: PolicyDocument) -> PolicyDocument:
    if "aave" not in document.markets:
        return document
    market = document.markets["aave"]
    most = tuple(replace(each, most_units=scaled(random, each.most_units)) for each in market.reserves)
    changed = replace(market, reserves=random.choice((most, market.reserves[1:])))
    return replace(document, markets={"aave": changed})


def _scalars(random: Random, document: PolicyDocument) -> PolicyDocument:
    bounds, gas, guardians, kernel = document.bounds, document.gas, document.guardians, document.kernel
    options: tuple[dict[str, Any], ...] = (
        {"max_loss_bps": scaled(random, document.max_loss_bps)},
        {"bounds": replace(bounds, max_age_seconds=scaled(random, bounds.max_age_seconds))},
        {"bounds": replace(bounds, max_deviation_bps=scaled(random, bounds.max_deviation_bps))},
        {"gas": replace(gas, max_gas_units=random.choice((90_000, 100_000, scaled(random, gas.max_gas_units))))},
        {"gas": replace(gas, max_base_fee_wei=scaled(random, gas.max_base_fee_wei))},
        {"guardians": replace(guardians, approvals=random.choice((1, 2, 3)))},
        {"guardians": replace(guardians, members=guardians.members[1:])},
        {"kernel": replace(kernel, config_delay_seconds=scaled(random, kernel.config_delay_seconds))},
        {"kernel": replace(kernel, pause_only=())},
        {"losses": None},
        {"watch": None},
        {"actions": replace(document.actions, count=scaled(random, document.actions.count))},
    )
    return replace(document, **random.choice(options))


EDITS: tuple[Callable[[Random, PolicyDocument], PolicyDocument], ...] = (
    *(_cap, _cap, _cap, _payee, _order, _token, _gone, _fewer_pools, _fewer_reserves, _scalars, _scalars),
    *MORE,
)
