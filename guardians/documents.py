"""treasury.toml and policy.toml of one account, and what they give to look at: for guardians and treasurer alike."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from strongroom.documents import read
from strongroom.errors import BadValue
from strongroom.settings import Treasury, load_treasury

if TYPE_CHECKING:
    from policies.terms import PolicyDocument
    from strongroom.model import Address
    from strongroom.observe import Subject
    from strongroom.ports import Listings


def open_documents(folder: Path) -> tuple[Treasury, PolicyDocument]:
    """The two documents in `folder`, each checked, about one account. Raises `InputError`."""
    from policies.document import load

    treasury = load_treasury(read(folder / "treasury.toml"), folder)
    policy = load(read(folder / "policy.toml"))
    if policy.account.chain_id != treasury.account.chain_id:
        found, mend = policy.account.chain_id, f"treasury.toml names `{treasury.account.chain_id}`"
        raise BadValue(found, "`chain_id` in policy.toml", mend)
    if policy.account != treasury.account:
        raise BadValue(policy.account.safe, "`safe` in policy.toml", f"treasury.toml names `{treasury.account.safe}`")
    return treasury, policy


def listings_of(policy: PolicyDocument, folder: Path) -> Listings | None:
    """The deny lists beside the policy in `folder`; `None` where the policy asks for none."""
    from strongroom.listings import DENIED, FileListings

    return FileListings(folder / DENIED) if policy.sanctions else None


def subject_of(policy: PolicyDocument, watch: Address | None = None) -> Subject:
    """What the policy makes everybody look at: its tokens and feeds, the shares that stand for what is lent and their
    markets, outflows as far back as its windows reach, the watch where there is one, and pools where a rule asks them.
    No key, no Kernel: who acts adds them, and the pools to route over."""
    from policies.delays import announced_seconds
    from policies.positions import tokens_of
    from policies.terms import UNISWAP_V2
    from strongroom.observe import Subject
    from strongroom.protocols.aave_v3_market import Market

    markets = (
        Market(each.pool, tuple((policy.tokens[r.token].token.address, r.share) for r in each.reserves))
        for each in policy.markets.values()
    )
    venues, trading = tuple(policy.venues.values()) if policy.trading.needs_pools else (), policy.trading
    return Subject(
        account=policy.account,
        tokens=tuple(tokens_of(policy).values()),
        lending=tuple(markets),
        feeds={token: policy.feeds_of(token) for token in policy.tokens},
        agent=None,
        window_seconds=policy.history_seconds(),
        watch=watch,
        announced_seconds=announced_seconds(policy),
        pools=tuple((pool.address, venue.lens) for venue in venues for pool in venue.pools if venue.lens),
        pairs=tuple(pool.address for venue in venues for pool in venue.pools if venue.kind == UNISWAP_V2),
        average_seconds=trading.average_seconds or 0,
        past_seconds=policy.volatility.over_seconds if policy.volatility else 0,
    )
