"""The example DAO of the local world as the four documents: what the demo runs on and tests begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from agent.blueprint import plan_sources, plan_watch
from agent.onboarding.chains import Kind, KnownChain, KnownToken, SafeContracts, load_chains, render_chain
from policies.document import load
from policies.markets import AAVE_V3, LENDING, Market, Reserve
from policies.orders import Order
from policies.template import render
from policies.terms import (
    SWAPS,
    UNISWAP_V2,
    UNISWAP_V3,
    ActionLimit,
    Cap,
    GasBudget,
    Guardians,
    KernelTerms,
    ListedToken,
    LossLimit,
    Payee,
    PolicyDocument,
    Pool,
    Tier,
    Venue,
)
from policies.watching import WatchTerms
from strongroom.model import NATIVE, Address, Idle, TokenId
from strongroom.pacing_settings import AT_ONCE
from strongroom.settings import Job, Missed, Mode, Treasury
from strongroom.templates import render_mandate, render_schedule, render_treasury
from strongroom.valuation import Bounds
from strongroom.world.people import GUARDIANS, OPERATOR
from strongroom.world.treasury import DAI, DECIMALS, ETH, HALL, TREASURY, USDC, WETH, units
from strongroom.world.world import World

_MONTH, _WEEK, _DAY = 30 * 86_400, 7 * 86_400, 86_400
_PAYDAYS_APART = 3 * _WEEK
"""At least: the shortest month has four weeks, and a payday may come a week late."""
TEAM = "team"

JOBS = (
    Job("payroll", "payroll", "0 9 1 * *", "UTC", Missed.ONCE, 5 * _DAY),
    Job("rebalance", "rebalance", "0 10 * * mon", "UTC", Missed.SKIP, _DAY),
    Job("lend", "lend", "0 11 * * *", "UTC", Missed.SKIP, _DAY),
)


_IDLE = {
    USDC: Idle(units(USDC, 25_000), "aave", units(USDC, 5_000)),
    DAI: Idle(units(DAI, 30_000), "aave", units(DAI, 5_000)),
}
"""Less USDC stays in the Safe than a payday takes: what is missing then comes back by itself."""
_MODEL_ALONE = {WETH: 5, USDC: 15_000, DAI: 15_000}
"""Whole tokens of one unit: what the DAO would let a language model sell with nobody looking, one per cent of it."""


def policy(world: World) -> PolicyDocument:
    """The example's policy for this world's addresses, price sources where its Kernel will have them made."""
    bare = _policy(world)
    sources = plan_sources(bare, _known(world))
    named = {id_: replace(bare.tokens[id_], source=each.address) for id_, each in sources.items()}
    return load(render(replace(bare, tokens={**bare.tokens, **named})))


def documents(
    world: World,
    service: str,
    state_dir: Path,
    mode: Mode,
    kernel: Address | None = None,
    registry: Address | None = None,
    watch: Address | None = None,
) -> dict[str, str]:
    """File names and texts of the four documents, and of the chains.toml that describes their world."""
    treasury = Treasury(
        name=TREASURY.name,
        account=world.account,
        rpc=world.url,
        service=service,
        state_dir=state_dir,
        mode=mode,
        operators=(OPERATOR.name,),
        kernel=kernel,
        registry=registry,
        watch=watch,
    )
    return {
        "treasury.toml": render_treasury(treasury),
        "mandate.toml": render_mandate(replace(TREASURY.mandate, idle=_IDLE, pacing=AT_ONCE), DECIMALS),
        "policy.toml": render(policy(world)),
        "schedule.toml": render_schedule(JOBS),
        "chains.toml": chain(world),
    }


def watch_of(world: World, kernel: Address) -> Address:
    """Where the watch of the example's policy stands for a Kernel."""
    planned = plan_watch(policy(world), kernel, _known(world))
    assert planned is not None
    return planned.watch.address


def chain(world: World) -> str:
    """chains.toml of the local world."""
    return render_chain(_known(world))


def _known(world: World) -> KnownChain:
    """Its Safe contracts stand at addresses of their own."""
    contracts, shipped = world.contracts, next(iter(load_chains().values()))
    known = shipped.safe
    safe = SafeContracts(
        multisend=contracts.multisend,
        factory=contracts.safe_factory,
        singleton=contracts.safe_singleton,
        fallback_handler=contracts.fallback_handler,
        multisend_code_hashes=known.multisend_code_hashes,
        singletons=known.singletons | {contracts.safe_singleton},
        fallback_handlers=known.fallback_handlers | {contracts.fallback_handler},
    )
    tokens = {
        token.id: KnownToken(token.id, token.address, token.decimals, world.feeds[token.id], None)
        for token in world.tokens
        if token.address != NATIVE
    }
    return KnownChain(
        chain_id=world.account.chain_id,
        name="Local world",
        native=ETH,
        wrapped=WETH,
        service="",
        safe=safe,
        tokens=tokens,
        kind=Kind.L1,
        sequencer=None,
        create2_factory=shipped.create2_factory,
    )


def write(texts: Mapping[str, str], folder: Path) -> Path:
    """Writes the documents into a new or existing folder, and returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


def _policy(world: World) -> PolicyDocument:
    payees = {
        payee.id: Payee(payee.id, payee.address, TEAM, _at_most(payee.monthly.token)) for payee in TREASURY.payees
    }
    return PolicyDocument(
        account=world.account,
        multisend=world.contracts.multisend,
        tokens=_tokens(world),
        payees=payees,
        venues={"uniswap": _venue(world), "uniswap_v2": _pairs(world)},
        markets={"aave": _market(world)},
        caps=_caps(),
        orders=_orders(),
        guardians=Guardians(tuple(person.address for person in GUARDIANS), 2),
        bounds=Bounds(max_age_seconds=4_500, max_deviation_bps=150, min_sources=2),
        max_loss_bps=100,
        gas=GasBudget(2_000_000, 150 * 10**9),
        losses=LossLimit(_usd(20_000), _MONTH, _usd(5_000)),
        actions=ActionLimit(count=40, window_seconds=_DAY, at_once=10),
        # Short, so that a story has an end: a treasury of one's own waits days.
        kernel=KernelTerms(config_delay_seconds=2 * 3_600, rekey_delay_seconds=3_600, window_seconds=_WEEK),
        watch=_watch(world),
    )


def _watch(world: World) -> WatchTerms:
    """Two thirds of what counts are ether: it trips once ether has lost about fifteen percent."""
    return WatchTerms(
        max_drawdown_bps=1_000,
        confirm_blocks=5,
        expiry_blocks=600,
        tokens=(ETH, WETH, USDC, DAI),
        own_token=world.contracts.tokens[HALL],
    )


def _at_most(token: TokenId) -> dict[TokenId, int]:
    return {token: units(token, 15_000 if token == USDC else 9_000)}


def _orders() -> dict[str, Order]:
    """What the mandate pays each month."""
    salaries = ((f"{payee.id}_salary", payee) for payee in TREASURY.payees)
    return {id_: Order(id_, p.id, p.monthly.token, p.monthly.units, _PAYDAYS_APART) for id_, p in salaries}


def _tokens(world: World) -> dict[TokenId, ListedToken]:
    listed = {}
    for token in world.tokens:
        feeds = () if token.address == NATIVE else world.feeds[token.id]
        listed[token.id] = ListedToken(token, feeds, price_as=WETH if token.address == NATIVE else None)
    return listed


def _venue(world: World) -> Venue:
    contracts = world.contracts
    pools = tuple(Pool(pool.address, pool.pair, pool.fee_pips) for pool in contracts.pools)
    return Venue("uniswap", UNISWAP_V3, contracts.swap_router, contracts.quoter, contracts.tick_lens, pools)


def _pairs(world: World) -> Venue:
    pairs = tuple(Pool(pair.address, pair.pair, 3_000) for pair in world.contracts.pairs)
    return Venue("uniswap_v2", UNISWAP_V2, world.contracts.pair_router, None, None, pairs)


def _market(world: World) -> Market:
    lending = world.contracts.lending
    most = {USDC: _usdc(600_000), DAI: units(DAI, 150_000)}
    reserves = (Reserve(token, lending.reserves[token].a_token, amount) for token, amount in most.items())
    return Market("aave", AAVE_V3, lending.pool, tuple(reserves))


def _caps() -> dict[str, dict[TokenId, Cap]]:
    # Salaries are standing orders: what is left to the caps is reimbursements.
    team = {
        USDC: Cap(TEAM, USDC, _usdc(30_000), _MONTH, _usdc(15_000), _usdc(60_000), (_tier(USDC, 12_000),)),
        DAI: Cap(TEAM, DAI, units(DAI, 10_000), _MONTH, units(DAI, 5_000), units(DAI, 20_000), (_tier(DAI, 4_000),)),
    }
    swaps = {
        WETH: Cap(SWAPS, WETH, units(WETH, 60), _WEEK, units(WETH, 20), units(WETH, 100), (_tier(WETH, 20),)),
        USDC: Cap(SWAPS, USDC, _usdc(150_000), _WEEK, _usdc(50_000), _usdc(250_000), (_tier(USDC, 25_000),)),
        DAI: Cap(
            SWAPS, DAI, units(DAI, 150_000), _WEEK, units(DAI, 50_000), units(DAI, 250_000), (_tier(DAI, 25_000),)
        ),
    }
    swaps = {token: replace(cap, model_units=units(token, _MODEL_ALONE[token])) for token, cap in swaps.items()}
    lending = {
        USDC: Cap(LENDING, USDC, _usdc(600_000), _WEEK, _usdc(300_000), _usdc(600_000)),
        DAI: Cap(LENDING, DAI, units(DAI, 150_000), _WEEK, units(DAI, 50_000), units(DAI, 150_000)),
    }
    return {TEAM: team, SWAPS: swaps, LENDING: lending}


def _usdc(whole: int) -> int:
    return units(USDC, whole)


def _usd(whole: int) -> int:
    return whole * 10**8


def _tier(token: TokenId, whole: int) -> Tier:
    return Tier(2, units(token, whole), _DAY)
