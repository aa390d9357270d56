"""What a policy says, as frozen values: the address book, the caps, the guardians and the bounds on prices and gas.

Amounts are units of their token, times are seconds, shares are basis points. Everything here was checked by
`policies.document`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from policies.agreement import AgreementTerms
from policies.freezes import Freeze
from policies.holdings import HoldingTerms
from policies.hours import Hours
from policies.markets import LENDING, Market, Reserve
from policies.newcomers import Newcomers
from policies.orders import Order
from policies.outflow import OutflowLimit
from policies.owner_guarding import OwnerGuardTerms
from policies.pacing import Pace
from policies.runway import RunwayTerms
from policies.sanctions import SanctionTerms
from policies.timing import reach_seconds
from policies.trading import TradingTerms, VolatilityTerms
from policies.vaults import Vault
from policies.watching import WatchTerms
from policies.wrapping import Wrapper
from strongroom.model import NATIVE, Account, Address, Token, TokenId
from strongroom.quantities import format_units
from strongroom.valuation import Bounds

SWAPS = "swaps"
"""The class that every swap is metered in; lending has its own, others are named by the policy and meter payments."""

UNISWAP_V3, UNISWAP_V2 = "uniswap_v3", "uniswap_v2"
"""The kinds of a venue: how it is called, and what its pools are."""


@dataclass(frozen=True, slots=True)
class ListedToken:
    """A token the treasury may touch. Two feeds make it priced; `price_as` borrows another token's feeds (ether as
    WETH). After a unit at least `keep_units` stay in the Safe, or guardians are asked. `source` is the PriceSource
    contract that the Kernel asks; without one the token is swapped only with guardians."""

    token: Token
    feeds: tuple[Address, ...] = ()
    price_as: TokenId | None = None
    max_age_seconds: int | None = None
    keep_units: int = 0
    source: Address | None = None


@dataclass(frozen=True, slots=True)
class Payee:
    """Who may be paid, in which tokens, and at most how much in one payment. `bucket_class` names the caps that meter
    it. The agent alone pays it `delay_seconds` after announcing it, unless somebody vetoes; zero: at once. `operator`
    and `guardian` say which operator and which guardian is this very payee. It is listed `since` that Unix second, and
    paid at most at `pace`."""

    id: str
    address: Address
    bucket_class: str
    max_units: Mapping[TokenId, int]
    note: str = ""
    delay_seconds: int = 0
    operator: str = ""
    guardian: Address | None = None
    since: int | None = None
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool of a venue. `fee_pips` is in 1/1,000,000."""

    address: Address
    tokens: tuple[TokenId, TokenId]
    fee_pips: int


@dataclass(frozen=True, slots=True)
class Venue:
    """Where swaps may happen. `kind` says how it is called; the router is the only spender ever approved.
    Prices and ticks are read from the pools themselves, ticks through `lens` (Uniswap's TickLens); pairs of Uniswap V2
    need neither it nor a quoter."""

    id: str
    kind: str
    router: Address
    quoter: Address | None
    lens: Address | None
    pools: tuple[Pool, ...]


@dataclass(frozen=True, slots=True)
class Tier:
    """So many guardians once more than `above_units` would have gone to one recipient within the window: of those that
    are `named`, or of all. What reaches it executes `delay_seconds` after it was proposed, no sooner."""

    approvals: int
    above_units: int
    window_seconds: int
    named: tuple[str, ...] = ()
    delay_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Cap:
    """What one class may move of one token without guardians: a leaky bucket, as in the Kernel. It holds
    `at_once_units`; what was used flows back at (`cap_units` - `at_once_units`) per window, so that any window sees at
    most `cap_units`.

    No single unit moves more than `never_units`, whoever signs; a model alone chooses at most `model_units`."""

    bucket_class: str
    token: TokenId
    cap_units: int
    window_seconds: int
    at_once_units: int
    never_units: int
    tiers: tuple[Tier, ...] = ()
    model_units: int = 0

    @property
    def drain_seconds(self) -> int:
        """Time in which a bucket used up flows back in full, rounded up: the Kernel's `drain`."""
        return -(-self.at_once_units * self.window_seconds // (self.cap_units - self.at_once_units))


@dataclass(frozen=True, slots=True)
class Guardians:
    """Who approves, and how many of them where no tier says more. `names` are those of all members, or of none."""

    members: tuple[Address, ...]
    approvals: int
    names: Mapping[str, Address] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GasBudget:
    """At most this much gas for one unit, and no sending while a unit of gas costs more than this."""

    max_gas_units: int
    max_base_fee_wei: int


@dataclass(frozen=True, slots=True)
class LossLimit:
    """What swaps may lose together without guardians, in USD scaled by 1e8: a leaky bucket on chain."""

    cap_e8: int
    window_seconds: int
    at_once_e8: int

    @property
    def drain_seconds(self) -> int:
        """Time in which all that may be lost at once flows back, rounded up."""
        return -(-self.at_once_e8 * self.window_seconds // (self.cap_e8 - self.at_once_e8))


@dataclass(frozen=True, slots=True)
class ActionLimit:
    """How often the agent's key may call the Kernel: a leaky bucket too, `count` at most in any window, of them
    `at_once` in one moment."""

    count: int
    window_seconds: int
    at_once: int

    @property
    def drain_seconds(self) -> int:
        """Time in which all calls at once flow back, rounded up."""
        return -(-self.at_once * self.window_seconds // (self.count - self.at_once))


@dataclass(frozen=True, slots=True)
class KernelTerms:
    """What the Kernel is born with beside its rules. What loosens waits `config_delay_seconds` and may be vetoed, a new
    agent key waits `rekey_delay_seconds`, and either stays usable for `window_seconds` after that. `pause_only` are the
    guardians beside the Safe's owners: they pause, block and veto, and sign nothing."""

    config_delay_seconds: int
    rekey_delay_seconds: int
    window_seconds: int
    pause_only: tuple[Address, ...] = ()


# Without slots, where `cached_property` would have no place to keep what it computed.
@dataclass(frozen=True)
class PolicyDocument:
    """One policy for one Safe. `multisend` is the only contract the Safe ever delegates a call to."""

    account: Account
    multisend: Address
    tokens: Mapping[TokenId, ListedToken]
    payees: Mapping[str, Payee]
    venues: Mapping[str, Venue]
    caps: Mapping[str, Mapping[TokenId, Cap]]
    guardians: Guardians
    bounds: Bounds
    max_loss_bps: int
    gas: GasBudget
    actions: ActionLimit = ActionLimit(count=48, window_seconds=86_400, at_once=24)
    losses: LossLimit | None = None
    kernel: KernelTerms = KernelTerms(2 * 86_400, 86_400, 7 * 86_400)
    markets: Mapping[str, Market] = field(default_factory=dict)
    wrappers: Mapping[str, Wrapper] = field(default_factory=dict)
    vaults: Mapping[str, Vault] = field(default_factory=dict)
    orders: Mapping[str, Order] = field(default_factory=dict)
    watch: WatchTerms | None = None
    owner_guard: OwnerGuardTerms | None = field(default_factory=OwnerGuardTerms)
    sanctions: SanctionTerms | None = None
    models: AgreementTerms | None = None
    hours: Hours | None = None
    freezes: tuple[Freeze, ...] = ()
    newcomers: Newcomers | None = None
    outflow: OutflowLimit | None = None
    holdings: HoldingTerms | None = None
    runway: RunwayTerms | None = None
    trading: TradingTerms = field(default_factory=TradingTerms)
    volatility: VolatilityTerms | None = None

    def cap(self, bucket_class: str, token: TokenId) -> Cap | None:
        return self.caps.get(bucket_class, {}).get(token)

    def all_caps(self) -> Iterable[Cap]:
        """The caps as they are written."""
        return (cap for by_token in self.caps.values() for cap in by_token.values())

    def metered_caps(self) -> tuple[Cap, ...]:
        """The caps as they meter: the written ones, and for each share the same as for its token, by itself."""
        return self._metered_caps

    @cached_property
    def _metered_caps(self) -> tuple[Cap, ...]:
        lent = ((share, self.cap(LENDING, reserve.token)) for share, (_, reserve) in self.shares().items())
        return (*self.all_caps(), *(replace(cap, token=share) for share, cap in lent if cap is not None))

    def shares(self) -> Mapping[TokenId, tuple[Market, Reserve]]:
        """Every share of every market by its id."""
        return self._shares

    @cached_property
    def _shares(self) -> Mapping[TokenId, tuple[Market, Reserve]]:
        return {id_: (market, reserve) for market in self.markets.values() for id_, reserve in market.shares()}

    def token(self, id_: TokenId) -> Token | None:
        """A listed token, or a share of one."""
        if (listed := self.tokens.get(id_)) is not None:
            return listed.token
        _, reserve = self.shares().get(id_, (None, None))
        if reserve is None:
            return None
        return Token(self.account, id_, reserve.share, self.tokens[reserve.token].token.decimals)

    @cached_property
    def _known(self) -> Mapping[TokenId, Token]:
        """Every listed token, and every share of one, by its id."""
        lent = ((id_, reserve.share, self.tokens.get(reserve.token)) for id_, (_, reserve) in self.shares().items())
        shares = {id_: Token(self.account, id_, at, of.token.decimals) for id_, at, of in lent if of is not None}
        return {**shares, **{id_: listed.token for id_, listed in self.tokens.items()}}

    def show(self, token: TokenId, units: int) -> str:
        """`31,500.00 USDC`; the bare count where the token is not listed."""
        known = self._known.get(token)
        return f"{format_units(units, known.decimals)} {token}" if known else f"{units} units of {token}"

    def token_at(self, address: Address) -> ListedToken | None:
        return self._tokens_by_address.get(address)

    def known_at(self, address: Address) -> Token | None:
        """The listed token, or the share of one at a market or in a vault, that stands at an address."""
        known = (self.token(id_) for id_ in (*self.tokens, *self.shares()))
        vaults = (
            Token(self.account, each.share_id, each.address, each.share_decimals) for each in self.vaults.values()
        )
        return next((token for token in (*known, *vaults) if token is not None and token.address == address), None)

    def payee_at(self, address: Address) -> Payee | None:
        return self._payees_by_address.get(address)

    def pools(self) -> Iterable[Pool]:
        return (pool for venue in self.venues.values() for pool in venue.pools)

    def feeds_of(self, token: TokenId) -> tuple[Address, ...]:
        """The token's price sources, its own or the borrowed ones; empty for an unpriced token."""
        listed = self.tokens[token]
        return self.tokens[listed.price_as].feeds if listed.price_as else listed.feeds

    def bounds_of(self, token: TokenId) -> Bounds:
        """The oracle bounds, with the token's own maximum age where it has one."""
        return self._bounds[token]

    @cached_property
    def _bounds(self) -> Mapping[TokenId, Bounds]:
        priced = ((id_, self.tokens.get(listed.price_as or id_)) for id_, listed in self.tokens.items())
        ages = {id_: of.max_age_seconds or self.bounds.max_age_seconds for id_, of in priced if of is not None}
        return {id_: Bounds(age, self.bounds.max_deviation_bps, self.bounds.min_sources) for id_, age in ages.items()}

    def is_native(self, token: TokenId) -> bool:
        return token in self._native

    @cached_property
    def _native(self) -> frozenset[TokenId]:
        return frozenset(id_ for id_, token in self._known.items() if token.address == NATIVE)

    def history_seconds(self) -> int:
        """How far back facts must know the outflows: the longest window of any cap or tier, time to flow back, wait of
        an announced payment, pace or cooling-off; and before that the time between two payments of an order, so that
        its payments in there are known from others."""
        tiers = [tier.window_seconds for cap in self.all_caps() for tier in cap.tiers]
        caps = [max(cap.window_seconds, cap.drain_seconds) for cap in self.all_caps()]
        apart = max((order.every_seconds for order in self.orders.values()), default=0)
        slowest = max((payee.delay_seconds for payee in self.payees.values()), default=0)
        in_usd = self.outflow.reach_seconds if self.outflow else 0
        announced = slowest and slowest + self.kernel.window_seconds
        return max([*tiers, *caps, in_usd, announced, reach_seconds(self)]) + apart

    @cached_property
    def _payees_by_address(self) -> Mapping[Address, Payee]:
        """Where two stand at one address, the first."""
        return {payee.address: payee for payee in reversed(tuple(self.payees.values()))}

    @cached_property
    def _tokens_by_address(self) -> Mapping[Address, ListedToken]:
        return {listed.token.address: listed for listed in reversed(tuple(self.tokens.values()))}
