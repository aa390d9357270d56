"""A Kernel on the world's Safe with every protocol rule that is shipped, and legs that say what an attacker likes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from policies.tree import proof, root
from strongroom.addresses import from_digest
from strongroom.errors import NodeRefused
from strongroom.model import NATIVE, Address, Digest, TokenId
from strongroom.ports import MinedTransaction
from strongroom.protocols.aave_v3 import Supply, Withdraw, encode_supply, encode_withdraw
from strongroom.protocols.abi import argument_types, encode_arguments, encode_call, selector
from strongroom.protocols.erc20 import encode_approve
from strongroom.protocols.kernel import ACTIONS, LOSSES, Birth, BucketSetting, encode_enable_module
from strongroom.protocols.kernel_acts import ActRule, supply_rule, withdraw_rule
from strongroom.protocols.kernel_legs import SwapRule
from strongroom.protocols.kernel_rules_erc4626 import (
    Deposit,
    Redeem,
    ShareWorth,
    deposit_rule,
    encode_deposit,
    encode_redeem,
    redeem_rule,
)
from strongroom.protocols.kernel_rules_weth import unwrap_rule, wrap_rule
from strongroom.protocols.price_source import PriceTerms
from strongroom.protocols.uniswap_v2 import PairSwap, encode_swap
from strongroom.protocols.uniswap_v3 import ExactInput, encode_exact_input
from strongroom.protocols.weth import encode_deposit as encode_wrap
from strongroom.protocols.weth import encode_withdraw as encode_unwrap
from strongroom.wallet.deploy import artifact
from strongroom.world.people import AGENT, GUARDIANS
from strongroom.world.treasury import DECIMALS, USDC, WETH, units
from strongroom.world.world import World

OUT = Path(__file__).parents[2] / "contracts" / "out"
RUN = "run((uint8,bytes,bytes32[],uint96,uint256,uint256,bytes)[],bytes32)"
CLASS, MONTH, DAY = 7, 30 * 86_400, 86_400
ETHER, FOREVER, FEE_PIPS, SLIPPAGE_BPS = 10**18, 2**63, 500, 100
LENT, LARGEST = units(USDC, 100_000), 2**96 - 1
SHARE_OFFSET = 12
"""The vault's shares have 18 decimals where its asset has six."""
PAR_WORTH = 10**15
"""Units of the asset for 1e27 shares at the start: one dollar for one share."""
WORTH = ShareWorth(PAR_WORTH * 99 // 100, PAR_WORTH * 110 // 100)
EXCHANGES = ("supply", "withdraw", "wrap", "unwrap", "deposit", "redeem", "swap_v3", "swap_v2")

Data = Callable[[int, int, int], bytes]


class Ruled(Protocol):
    """Whatever has a leaf in the policy's tree."""

    @property
    def leaf(self) -> Digest:
        """The hash of its bytes."""
        ...


def compiled(name: str, file: str = "") -> Any:
    """A contract of the tests, as forge built it."""
    return json.loads((OUT / f"{file or name}.sol" / f"{name}.json").read_text())


def creation(name: str, file: str = "", types: str = "()", *arguments: Any) -> bytes:
    code = bytes.fromhex(compiled(name, file)["bytecode"]["object"][2:])
    return code + encode_arguments(argument_types(types), arguments)


def _error(entry: dict[str, Any]) -> str:
    return f"{entry['name']}({','.join(each['type'] for each in entry['inputs'])})"


ERRORS: dict[bytes, str] = {selector(_error(e)): e["name"] for e in compiled("Kernel")["abi"] if e["type"] == "error"}


@dataclass(frozen=True)
class Exchange:
    """A shipped rule, an amount that is fine with it, and its venue's calldata for (amount, least in, deadline)."""

    rule: ActRule | SwapRule
    units: int
    data: Data
    words: tuple[int, int, int]

    def leg(self, asked: int | None = None, least: int = 0, deadline: int = FOREVER) -> RawLeg:
        """The honest leg; `asked` is the amount."""
        amount = self.units if asked is None else asked
        kind = self.rule.kind if isinstance(self.rule, ActRule) else 2
        return RawLeg(self.rule, kind, self.rule.encoded, amount, least, deadline, self.data(amount, least, deadline))


@dataclass(frozen=True)
class RawLeg:
    """A leg with nothing checked: `encoded` is the rule as sent, `rule` the one whose proof goes along."""

    rule: Ruled
    kind: int
    encoded: bytes
    units: int
    least: int
    deadline: int
    data: bytes


MoreRules = Callable[[Mapping[str, Exchange]], Sequence[Ruled]]


@dataclass(frozen=True)
class Desk:
    """The Safe has lent and deposited `LENT` of USDC before; the vault's asset is USDC."""

    world: World
    kernel: Address
    vault: Address
    exchanges: Mapping[str, Exchange]
    rules: tuple[Ruled, ...]

    @property
    def safe(self) -> Address:
        return self.world.account.safe

    @property
    def usdc(self) -> Address:
        return self.world.contracts.tokens[USDC]

    @property
    def weth(self) -> Address:
        return self.world.contracts.tokens[WETH]

    @property
    def lent(self) -> Address:
        """The aToken of USDC."""
        return self.world.contracts.lending.reserves[USDC].a_token

    def token(self, token: str) -> Address:
        return self.world.contracts.tokens[TokenId(token)]

    def target(self, name: str) -> Address:
        rule = self.exchanges[name].rule
        return rule.target if isinstance(rule, ActRule) else rule.router

    def calldata(self, *legs: RawLeg) -> bytes:
        return encode_call(RUN, [self._fields(leg) for leg in legs], bytes(32))

    def path(self, rule: Ruled) -> tuple[Digest, ...]:
        return proof([each.leaf for each in self.rules], rule.leaf)

    def _fields(self, leg: RawLeg) -> tuple[Any, ...]:
        path = [from_digest(sibling) for sibling in self.path(leg.rule)]
        return leg.kind, leg.encoded, path, leg.units, leg.least, leg.deadline, leg.data

    def run(self, *legs: RawLeg) -> MinedTransaction:
        return self.world.send_as(AGENT.address, self.kernel, self.calldata(*legs))

    def refusal(self, leg: RawLeg) -> str:
        """The name of the Kernel's error; empty where a run passes."""
        return self.answer(self.calldata(leg))

    def answer(self, data: bytes, value_wei: int = 0) -> str:
        """What the Kernel says to the agent's calldata: an error's name, its bytes if it is none of the Kernel's, or
        nothing where it passes."""
        call = {"from": AGENT.address, "to": self.kernel, "data": "0x" + data.hex(), "value": hex(value_wei)}
        try:
            self.world.ask("eth_call", call, "latest")
        except NodeRefused as refused:
            return ERRORS.get(refused.data[:4], f"0x{refused.data.hex()}")
        return ""

    def held(self, token: Address, holder: Address | None = None) -> int:
        owner = holder or self.safe
        if token == NATIVE:
            return int(self.world.ask("eth_getBalance", owner, "latest"), 16)
        return self.view(token, "balanceOf(address)", owner)

    def view(self, target: Address, signature: str, *values: Any) -> int:
        call = {"to": target, "data": "0x" + encode_call(signature, *values).hex()}
        return int(self.world.ask("eth_call", call, "latest"), 16)


def open_desk(world: World, more: MoreRules = lambda _: (), tokens: tuple[Address, ...] = ()) -> Desk:
    """A desk whose policy has `more` rules too, and buckets for `tokens` beside those of the exchanges."""
    usdc, safe = world.contracts.tokens[USDC], world.account.safe
    vault = world.deploy(creation("YieldVault", "", "(address,uint8)", usdc, SHARE_OFFSET))
    exchanges = _exchanges(world, vault)
    rules = (*(exchange.rule for exchange in exchanges.values()), *more(exchanges))
    charged = {exchange.rule.token_in for exchange in exchanges.values()} | set(tokens)
    buckets = (
        BucketSetting(ACTIONS, 0, 10**9, MONTH),
        BucketSetting(LOSSES, 0, 10_000 * 10**8, MONTH),
        *(BucketSetting(token, CLASS, LARGEST, MONTH) for token in sorted(charged)),
    )
    tree = root([rule.leaf for rule in rules])
    birth = Birth(safe, NATIVE, AGENT.address, (), tree, tree, buckets, DAY, 3_600, 7 * DAY)
    kernel = world.deploy(artifact("Kernel").creation + birth.encoded)
    assert world.safe_exec(world.account, GUARDIANS[:2], safe, encode_enable_module(kernel)).success
    world.mint(USDC, safe, 4 * LENT)
    _put(world, usdc, world.contracts.lending.pool, encode_supply(Supply(usdc, LENT, safe)))
    _put(world, usdc, vault, encode_deposit(Deposit(LENT, safe)))
    return Desk(world, kernel, vault, exchanges, rules)


def _put(world: World, asset: Address, target: Address, data: bytes) -> None:
    """What the owners did before there was a Kernel."""
    safe = world.account.safe
    for to, call in ((asset, encode_approve(target, LENT)), (target, data)):
        assert world.send_as(safe, to, call).success


def _source(world: World, token: TokenId) -> Address:
    feeds = (world.feeds[token][0], world.feeds[token][1])
    terms = PriceTerms(world.contracts.tokens[token], DECIMALS[token], *feeds, DAY, DAY, 50, NATIVE)
    return world.deploy(artifact("PriceSource").creation + terms.encoded)


def _exchanges(world: World, vault: Address) -> dict[str, Exchange]:
    safe, lending, tokens = world.account.safe, world.contracts.lending, world.contracts.tokens
    usdc, weth = tokens[USDC], tokens[WETH]
    reserve = (lending.pool, usdc, lending.reserves[USDC].a_token, safe, LENT, CLASS)
    share = (vault, usdc, safe, WORTH)
    return {
        "supply": _lending(supply_rule(*reserve), lambda n, *_: encode_supply(Supply(usdc, n, safe))),
        "withdraw": _lending(withdraw_rule(*reserve), lambda n, *_: encode_withdraw(Withdraw(usdc, n, safe))),
        "wrap": Exchange(wrap_rule(weth, 2 * ETHER, CLASS), ETHER, lambda *_: encode_wrap(), (0, 0, 0)),
        "unwrap": Exchange(unwrap_rule(weth, 2 * ETHER, CLASS), ETHER, lambda n, *_: encode_unwrap(n), (4, 0, 0)),
        "deposit": Exchange(
            deposit_rule(*share, LENT, CLASS), 10**9, lambda n, *_: encode_deposit(Deposit(n, safe)), (4, 0, 0)
        ),
        "redeem": Exchange(
            redeem_rule(*share, 10**6 * ETHER, CLASS),
            10**3 * ETHER,
            lambda n, *_: encode_redeem(Redeem(n, safe, safe)),
            (4, 0, 0),
        ),
        **_swaps(world),
    }


def _lending(rule: ActRule, data: Data) -> Exchange:
    return Exchange(rule, units(USDC, 1_000), data, (36, 0, 0))


def _swaps(world: World) -> dict[str, Exchange]:
    safe, contracts = world.account.safe, world.contracts
    pair = (contracts.tokens[USDC], contracts.tokens[WETH])
    sources = (_source(world, USDC), _source(world, WETH))
    pool = SwapRule(contracts.swap_router, *pair, FEE_PIPS, safe, LENT, *sources, SLIPPAGE_BPS, CLASS)
    older = replace(pool, router=contracts.pair_router, fee_pips=None)

    def in_pool(amount: int, least: int, deadline: int) -> bytes:
        return encode_exact_input(ExactInput(*pair, FEE_PIPS, safe, deadline, amount, least))

    def in_pair(amount: int, least: int, deadline: int) -> bytes:
        return encode_swap(PairSwap(*pair, safe, deadline, amount, least))

    amount = units(USDC, 3_000)
    return {
        "swap_v3": Exchange(pool, amount, in_pool, (164, 196, 132)),
        "swap_v2": Exchange(older, amount, in_pair, (4, 36, 132)),
    }
