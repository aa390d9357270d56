"""What policy.toml says of wrapping, vaults and debts, compiled into a Kernel on the real contracts: the calls that a
grant covers do what they say, guardians get home in a pause, and what the policy leaves out is no rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from agent.example import policy
from policies.debts import REPAYMENTS, Debt
from policies.document import load
from policies.grants import KernelPolicy, compile_policy, granted_legs
from policies.markets import EXITS, LENDING
from policies.template import render
from policies.terms import Cap, PolicyDocument
from policies.tree import proof
from policies.vaults import Vault
from policies.wrapping import WRAPS, Wrapper
from strongroom.errors import NodeRefused
from strongroom.model import NATIVE, Address, Call, TokenId
from strongroom.ports import MinedTransaction
from strongroom.protocols import weth
from strongroom.protocols.aave_v3 import Repay, Supply, Withdraw, encode_repay, encode_supply, encode_withdraw
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import encode_approve
from strongroom.protocols.kernel import Birth, class_number, encode_enable_module, encode_pause
from strongroom.protocols.kernel_acts import ExitRule, GrantedAct
from strongroom.protocols.kernel_legs import encode_legs
from strongroom.protocols.kernel_rules_erc4626 import Deposit, Redeem, encode_deposit, encode_redeem
from strongroom.protocols.kernel_rules_repay import meter_arguments
from strongroom.wallet.deploy import artifact
from strongroom.world.people import AGENT, GUARDIANS
from strongroom.world.treasury import DAI, ETH, USDC, WETH, units
from strongroom.world.world import World
from tests.contracts.protocol_desk import ERRORS, creation

DAY, WEEK, ETHER, FOREVER = 86_400, 7 * 86_400, 10**18, 2**256 - 1
SHARE_DECIMALS = 18
OWED, LENT, REPAID = units(DAI, 10_000), units(USDC, 60_000), units(DAI, 4_000)


@dataclass(frozen=True)
class House:
    """The example treasury under a Kernel of this policy; the owners have lent USDC and borrowed DAI on it."""

    world: World
    document: PolicyDocument
    compiled: KernelPolicy
    kernel: Address
    debt: Address

    @property
    def safe(self) -> Address:
        return self.world.account.safe

    @property
    def vault(self) -> Vault:
        return self.document.vaults["vault"]

    def token(self, id_: TokenId) -> Address:
        return self.document.tokens[id_].token.address

    def call(self, to: Address, data: bytes, value_wei: int = 0) -> Call:
        return Call(self.world.account, to, value_wei, data)

    def approved(self, token: TokenId, spender: Address, amount: int, data: bytes) -> tuple[Call, Call]:
        return self.call(self.token(token), encode_approve(spender, amount)), self.call(spender, data)

    def run(self, *calls: Call) -> MinedTransaction:
        """The calls by the agent's key, as the grants dress them."""
        legs = granted_legs(calls, self.document)
        assert legs is not None, "no rule covers them"
        return self.world.send_as(AGENT.address, self.kernel, encode_legs(legs))

    def exit(self, name: str, amount: int, data: bytes) -> str:
        """What the paused Kernel says to a guardian who runs this exit; nothing where it has run."""
        leaf = next(leaf for leaf, found in self.compiled.names.items() if found == name)
        rule = self.compiled.rules[leaf]
        assert isinstance(rule, ExitRule)
        legs = encode_legs([GrantedAct(rule, amount, 0, FOREVER, data, proof(self.compiled.rules, leaf))])
        call = {"from": GUARDIANS[0].address, "to": self.kernel, "data": "0x" + legs.hex()}
        try:
            self.world.ask("eth_call", call, "latest")
        except NodeRefused as refused:
            return ERRORS.get(refused.data[:4], refused.data.hex())
        assert self.world.send_as(GUARDIANS[0].address, self.kernel, legs).success
        return ""

    def pause(self) -> None:
        assert self.world.send_as(GUARDIANS[0].address, self.kernel, encode_pause()).success

    def held(self, token: Address) -> int:
        if token == NATIVE:
            return int(self.world.ask("eth_getBalance", self.safe, "latest"), 16)
        call = {"to": token, "data": "0x" + encode_call("balanceOf(address)", self.safe).hex()}
        return int(self.world.ask("eth_call", call, "latest"), 16)


def _cap(number: str, token: TokenId, amount: int) -> Cap:
    return Cap(number, token, 2 * amount, WEEK, amount, amount)


def _document(world: World) -> PolicyDocument:
    """The example's policy with a pair, a vault and a debt, as a file says it. The watch would count no share."""
    found, lending = policy(world), world.contracts.lending
    meter = world.deploy(artifact("DebtMeter").creation + meter_arguments(lending.reserves[DAI].variable_debt))
    vault = world.deploy(creation("YieldVault", "", "(address,uint8)", world.contracts.tokens[USDC], 12))
    dollar = 10**6
    listed = Vault("vault", vault, USDC, SHARE_DECIMALS, dollar * 99 // 100, dollar * 110 // 100, LENT)
    caps: Mapping[str, Mapping[TokenId, Cap]] = {
        **found.caps,
        REPAYMENTS: {DAI: _cap(REPAYMENTS, DAI, units(DAI, 5_000))},
        WRAPS: {token: _cap(WRAPS, token, 20 * ETHER) for token in (ETH, WETH)},
    }
    market = replace(found.markets["aave"], debts=(Debt(DAI, meter),))
    written = replace(
        found,
        markets={"aave": market},
        vaults={"vault": listed},
        wrappers={"weth": Wrapper("weth", ETH, WETH)},
        caps=caps,
        watch=None,
    )
    return load(render(written))


@pytest.fixture(scope="module")
def built(module_world: World) -> House:
    world, document = module_world, _document(module_world)
    compiled, safe, pool = compile_policy(document), world.account.safe, world.contracts.lending.pool
    birth = Birth(safe, NATIVE, AGENT.address, (), compiled.root, compiled.root, compiled.buckets, DAY, 3_600, WEEK)
    kernel = world.deploy(artifact("Kernel").creation + birth.encoded)
    assert world.safe_exec(world.account, GUARDIANS[:2], safe, encode_enable_module(kernel)).success
    world.mint(USDC, safe, 4 * LENT)
    house = House(world, document, compiled, kernel, world.contracts.lending.reserves[DAI].variable_debt)
    usdc, dai = house.token(USDC), house.token(DAI)
    for to, data in (
        (usdc, encode_approve(pool, LENT)),
        (pool, encode_supply(Supply(usdc, LENT, safe))),
        (pool, encode_call("borrow(address,uint256,uint256,uint16,address)", dai, OWED, 2, 0, safe)),
    ):
        assert world.send_as(safe, to, data).success
    return house


@pytest.fixture
def house(built: House, world: World) -> House:
    return built


def test_ether_is_wrapped_and_unwrapped_in_one_run(house: House) -> None:
    there = house.call(house.token(WETH), weth.encode_deposit(), 5 * ETHER)
    back = house.call(house.token(WETH), weth.encode_withdraw(2 * ETHER))
    ether, wrapped = house.held(NATIVE), house.held(house.token(WETH))
    assert house.run(there, back).success
    assert (house.held(NATIVE), house.held(house.token(WETH))) == (ether - 3 * ETHER, wrapped + 3 * ETHER)


def test_a_repayment_within_its_cap_lowers_the_debt_and_a_second_one_beyond_it_does_not(house: House) -> None:
    repay = _repayment(house, REPAID)
    assert house.run(*repay).success
    assert 0 <= house.held(house.debt) - (OWED - REPAID) < units(DAI, 1)
    assert not house.run(*repay).success, "the bucket has room for 1,000 more"
    assert granted_legs(_repayment(house, units(DAI, 5_000) + 1), house.document) is None


def test_guardians_repay_and_leave_the_vault_while_the_kernel_is_paused(house: House) -> None:
    deposit = house.approved(USDC, house.vault.address, LENT // 2, encode_deposit(Deposit(LENT // 2, house.safe)))
    assert house.run(*deposit).success
    house.pause()
    shares, cash = house.held(house.vault.address), house.held(house.token(USDC))
    home = encode_redeem(Redeem(shares, house.safe, house.safe))
    assert house.exit("exit USDC from vault, guardians while paused", shares, home) == ""
    assert house.held(house.token(USDC)) == cash + LENT // 2
    repay = encode_repay(Repay(house.token(DAI), REPAID, house.safe))
    assert house.exit("repay DAI at aave, guardians while paused", REPAID, repay) == ""
    assert house.held(house.debt) < OWED - REPAID + units(DAI, 1)


def test_deposits_and_redemptions_go_both_ways_within_the_policy_s_range(house: House) -> None:
    vault, amount = house.vault.address, units(USDC, 10_000)
    deposit = house.approved(USDC, vault, amount, encode_deposit(Deposit(amount, house.safe)))
    assert house.run(*deposit).success
    shares = house.held(vault)
    assert shares == amount * 10 ** (SHARE_DECIMALS - 6)
    back = house.call(vault, encode_redeem(Redeem(shares // 2, house.safe, house.safe)))
    assert house.run(back).success
    house.world.mint(USDC, vault, amount)
    assert not house.run(back).success, "a share worth three times as much is out of the range"


def test_no_deposit_takes_the_vault_above_the_policy_s_most(house: House) -> None:
    """Counted at the highest worth of a share: what lies there is never worth more than `most`."""
    vault = house.vault.address
    most = house.vault.to_shares_down(LENT) // 10**12
    over = most + units(USDC, 1)
    assert not house.run(*house.approved(USDC, vault, over, encode_deposit(Deposit(over, house.safe)))).success
    assert house.run(*house.approved(USDC, vault, most, encode_deposit(Deposit(most, house.safe)))).success


def test_where_the_policy_lists_a_debt_nobody_takes_collateral_away_through_the_kernel(house: House) -> None:
    """The agent's grant and the guardians' exit are both gone; supplying more is not."""
    usdc, pool = house.token(USDC), house.document.markets["aave"].pool
    back = house.call(pool, encode_withdraw(Withdraw(usdc, units(USDC, 1), house.safe)))
    assert granted_legs((back,), house.document) is None
    assert not [name for name in house.compiled.names.values() if name.startswith(("withdraw", "exit USDC from aave"))]
    lent = encode_supply(Supply(usdc, units(USDC, 1), house.safe))
    assert house.run(*house.approved(USDC, pool, units(USDC, 1), lent)).success
    without = replace(house.document, markets={"aave": replace(house.document.markets["aave"], debts=())})
    assert granted_legs((back,), without) is not None


def test_calls_for_others_are_nobody_s_rule(house: House) -> None:
    thief, vault, dai = AGENT.address, house.vault.address, house.token(DAI)
    pool, one = house.document.markets["aave"].pool, units(USDC, 1)
    for calls in (
        house.approved(USDC, vault, one, encode_deposit(Deposit(one, thief))),
        (house.call(vault, encode_redeem(Redeem(ETHER, thief, house.safe))),),
        house.approved(DAI, pool, REPAID, encode_repay(Repay(dai, REPAID, thief))),
        house.approved(DAI, pool, REPAID, encode_repay(Repay(house.token(USDC), REPAID, house.safe))),
        house.approved(DAI, pool, REPAID, encode_repay(Repay(dai, REPAID - 1, house.safe))),
        _repayment(house, REPAID)[1:],
    ):
        assert granted_legs(calls, house.document) is None


def test_each_exit_has_a_bucket_of_the_whole_position(house: House) -> None:
    number = class_number(EXITS)
    exits = {each.token: each.capacity_units for each in house.compiled.buckets if each.bucket_class == number}
    assert exits[house.vault.address] == house.vault.to_shares_down(LENT)
    assert exits[house.token(DAI)] == house.document.caps[REPAYMENTS][DAI].never_units
    lending = class_number(LENDING)
    shares = next(
        each for each in house.compiled.buckets if (each.token, each.bucket_class) == (house.vault.address, lending)
    )
    cap = house.document.caps[LENDING][USDC]
    assert shares.capacity_units == house.vault.to_shares_down(cap.at_once_units)


def _repayment(house: House, amount: int) -> tuple[Call, Call]:
    pool, dai = house.document.markets["aave"].pool, house.token(DAI)
    return house.approved(DAI, pool, amount, encode_repay(Repay(dai, amount, house.safe)))
