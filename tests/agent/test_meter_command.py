"""`policy meter`: the meter of a debt, planned from what the market itself says, made by anybody, named by the
policy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.cli.meter import meter
from agent.debt_meter import plan_debt_meter
from strongroom.chain.rpc import RpcChain
from strongroom.errors import BadValue, NotDeployed
from strongroom.model import Address
from strongroom.protocols.abi import encode_call
from strongroom.protocols.kernel_rules_repay import read_debt
from strongroom.wallet.deploy import require_code
from strongroom.world.people import STRANGER
from strongroom.world.treasury import DAI, USDC, units
from strongroom.world.world import World
from tests.agent.installed import Site


@pytest.fixture
def site(world: World, chain: RpcChain, tmp_path: Path) -> Site:
    return Site.of(world, chain, tmp_path)


def told(site: Site, *arguments: str) -> str:
    done = CliRunner().invoke(meter, [*arguments, "--config", str(site.folder)], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_anybody_makes_the_planned_meter_and_it_measures_the_market_s_own_debt(site: Site) -> None:
    planned = json.loads(told(site, "DAI", "--market", "aave", "--json"))
    assert not planned["stands"] and planned["owed"] == "0.00"
    assert planned["debt"] == site.world.contracts.lending.reserves[DAI].variable_debt
    assert site.world.send_as(STRANGER.address, planned["to"], bytes.fromhex(planned["data"][2:])).success
    head = site.chain.head()
    require_code("DebtMeter", site.chain.code(planned["meter"], head), planned["meter"])
    assert site.chain.read([read_debt(planned["meter"])], head) == [planned["debt"]]
    again = json.loads(told(site, "DAI", "--market", "aave", "--json"))
    assert again == planned | {"stands": True}


def test_it_says_what_is_owed_and_the_policy_takes_what_it_prints(site: Site) -> None:
    world, safe = site.world, site.world.account.safe
    pool, usdc, dai = (world.contracts.lending.pool, *(world.contracts.tokens[each] for each in (USDC, DAI)))
    world.mint(USDC, safe, units(USDC, 60_000))
    for to, data in (
        (usdc, encode_call("approve(address,uint256)", pool, units(USDC, 60_000))),
        (pool, encode_call("supply(address,uint256,address,uint16)", usdc, units(USDC, 60_000), safe, 0)),
        (pool, encode_call("borrow(address,uint256,uint256,uint16,address)", dai, units(DAI, 10_000), 2, 0, safe)),
    ):
        assert world.send_as(safe, to, data).success
    said = told(site, "DAI", "--market", "aave")
    assert "the Safe owes 10,000.0" in said
    row = [line.strip() for line in said.splitlines() if line.strip().startswith(("[[", "token", "meter ="))]
    cap = '[caps.repayments.DAI]\ncap = "9 DAI per week"\nat_once = "3 DAI"\nnever_above = "9 DAI"\n'
    with (site.folder / "policy.toml").open("a") as file:
        file.write("\n" + "\n".join([*row, cap]))
    (debt,) = site.policy.markets["aave"].debts
    assert (debt.token, debt.meter) == (
        DAI,
        Address(json.loads(told(site, "DAI", "--market", "aave", "--json"))["meter"]),
    )


@pytest.mark.parametrize(
    ("token", "market", "said"),
    [
        ("GOLD", "aave", "`GOLD` cannot be used for a token; policy.toml lists `ETH`"),
        ("DAI", "uniswap", "`uniswap` cannot be used for a market; policy.toml lends at `aave`"),
        ("HALL", "aave", "`HALL` cannot be used for a debt; `aave` lends none of it"),
    ],
)
def test_what_nobody_can_owe_has_no_meter(site: Site, token: str, market: str, said: str) -> None:
    with pytest.raises(BadValue, match=said.replace("(", r"\(")):
        plan_debt_meter(site.folder, market, token)


def test_a_chain_without_the_factory_is_told(site: Site) -> None:
    site.world.ask("anvil_setCode", site.known.create2_factory, "0x")
    with pytest.raises(NotDeployed, match="CREATE2 factory"):
        plan_debt_meter(site.folder, "aave", "DAI")
