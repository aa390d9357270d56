"""Planning a debt meter: what the Kernel measures a repayment to Aave V3 by. Anybody makes it; policy.toml names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent.app import open_documents
from agent.installing import connected
from agent.onboarding.chains import chain_of
from policies.markets import Market
from policies.terms import ListedToken, PolicyDocument
from strongroom.errors import BadValue, NotDeployed
from strongroom.model import NATIVE, Address, Block, TokenId
from strongroom.ports import Chain
from strongroom.protocols.aave_v3 import read_variable_debt
from strongroom.protocols.erc20 import read_balance
from strongroom.protocols.kernel_rules_repay import meter_arguments
from strongroom.quantities import format_units
from strongroom.wallet.deploy import Deployment, plan


def plan_debt_meter(config: Path, market: str, token: str) -> dict[str, Any]:
    """The meter of what is owed of `token` at a variable rate at the policy's `market`, and what the Safe owes of it
    now, in plain values. Raises `InputError`, `SetupError` or `NodeError`; nothing is sent."""
    documents = open_documents(config)
    policy, where = documents.policy, _market(documents.policy, market)
    listed, factory = _listed(policy, token), chain_of(config, policy.account.chain_id).create2_factory
    with connected(documents.treasury) as chain:
        block = chain.head()
        debt = _debt(chain, where, listed, block)
        planned = plan(policy.account, "DebtMeter", meter_arguments(debt), factory)
        stands = _stands(chain, planned, block)
        (owed,) = chain.read([read_balance(debt, policy.account.safe)], block)
    return {
        "market": where.id,
        "token": listed.token.id,
        "debt": debt,
        "owed": format_units(owed or 0, listed.token.decimals),
        "meter": planned.address,
        "stands": stands,
        "to": planned.call.to,
        "data": "0x" + planned.call.data.hex(),
    }


def _market(policy: PolicyDocument, market: str) -> Market:
    if (found := policy.markets.get(market)) is None:
        known = ", ".join(f"`{id_}`" for id_ in policy.markets) or "none"
        raise BadValue(market, "a market", f"policy.toml lends at {known}")
    return found


def _listed(policy: PolicyDocument, token: str) -> ListedToken:
    if (found := policy.tokens.get(TokenId(token))) is None:
        raise BadValue(token, "a token", "policy.toml lists " + ", ".join(f"`{id_}`" for id_ in policy.tokens))
    return found


def _debt(chain: Chain, market: Market, listed: ListedToken, block: Block) -> Address:
    """The market's own word for it. Raises `BadValue` where nobody can owe the token there."""
    (debt,) = chain.read([read_variable_debt(market.pool, listed.token.address)], block)
    if debt is None or debt == NATIVE:
        raise BadValue(listed.token.id, "a debt", f"`{market.id}` lends none of it; name a token that it lends")
    return Address(debt)


def _stands(chain: Chain, planned: Deployment, block: Block) -> bool:
    """Where its code is, it is this very meter: the address follows from code and debt."""
    if chain.code(planned.address, block):
        return True
    if not chain.code(planned.call.to, block):
        raise NotDeployed("CREATE2 factory", planned.call.to, "deploy it, or name another in chains.toml")
    return False
