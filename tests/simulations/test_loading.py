"""Whole pools from deployed contracts: what is loaded quotes as they do, and what does otherwise is refused by name.

Balancer's and the vaults' code runs here. Curve's is in no package: `data/curve_reads.json` holds what pools of the
three generations answered to these very calls, in the EVM that `test_curve_quotes` tells of.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from simulations.pools.curve import CurvePool, Generation
from simulations.pools.loading import Coins, NotLoaded, Sides, load_curve, load_stable, load_vault, load_weighted
from strongroom.addresses import to_address, to_digest
from strongroom.model import Address, Block
from strongroom.ports import Read
from strongroom.protocols.abi import encode_call, view
from strongroom.world.artifacts import creation_code
from tests.simulations.deployed import SENDER, ZERO, Balancer, Machine
from tests.simulations.vaults import vault_codes
from tests.simulations.venue_cases import ONE, STABLE

BLOCK = Block(7, to_digest(bytes(32)), 1_900_000_000)
ROWS = json.loads((Path(__file__).parent / "data/curve_reads.json").read_text())


class Evm:
    """`Chain.read` over contracts in an EVM of their own."""

    def __init__(self, machine: Machine) -> None:
        self._machine, self.batches = machine, 0

    def read(self, reads: Sequence[Read[Any]], block: Block) -> list[Any]:
        self.batches += 1
        return [self._value(each) for each in reads]

    def _value(self, read: Read[Any]) -> Any:
        evm = self._machine.evm
        before = evm.snapshot()
        try:
            return read.decode(bytes(evm.message_call(SENDER, read.target, read.data)))
        except (RuntimeError, ValueError):
            return None
        finally:
            evm.revert(before)


class Recorded:
    """`Chain.read` from recorded answers, some of them changed."""

    def __init__(self, row: dict[str, Any], changed: dict[str, str | None] | None = None) -> None:
        self._reads, self._changed, self.batches = row["reads"], changed or {}, 0

    def read(self, reads: Sequence[Read[Any]], block: Block) -> list[Any]:
        self.batches += 1
        return [self._value(each) for each in reads]

    def _value(self, read: Read[Any]) -> Any:
        data = "0x" + read.data.hex()
        answer = self._changed[data] if data in self._changed else self._reads[read.target][data]
        try:
            return None if answer is None else read.decode(bytes.fromhex(answer[2:]))
        except ValueError:
            return None


# CURVE


@pytest.mark.parametrize("row", ROWS, ids=[row["generation"] for row in ROWS])
def test_a_curve_pool_is_loaded_whole_in_two_batches(row: dict[str, Any]) -> None:
    chain = Recorded(row)
    loaded = load_curve(chain, Address(row["pool"]), BLOCK)
    terms = {name: tuple(row[name]) for name in ("balances", "rates")}
    terms |= {name: row[name] for name in ("amp", "fee", "admin_fee", "offpeg")}
    assert isinstance(loaded, Coins) and loaded.pool == CurvePool(Generation(row["generation"]), **terms)
    assert len(loaded.coins) == len(row["balances"]) and chain.batches == 2


def call(signature: str, *values: int) -> str:
    return "0x" + encode_call(signature, *values).hex()


def word(value: int) -> str:
    return "0x" + value.to_bytes(32, "big").hex()


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({call("base_pool()"): word(5)}, "trades shares of another pool"),
        ({call("underlying_coins(uint256)", 0): word(5)}, "lends what it holds"),
        ({call("oracle_method()"): word(5)}, "takes its rates from"),
        ({call("fee()"): word(9_999_999)}, "`get_dy` is not what"),
        ({call("A()"): None}, "does not answer as a stableswap pool"),
        ({call("coins(uint256)", 1): None}, "does not answer as a stableswap pool"),
        ({call("balances(uint256)", 0): word(1)}, "`get_dy` is not what"),
        ({call("offpeg_fee_multiplier()"): word(2 * 10**10)}, "charges more off the peg"),
        ({call("A_precise()"): word(7)}, "`get_dy` is not what"),
    ],
)
def test_a_curve_pool_that_is_not_what_it_seems_is_refused(changed: dict[str, str | None], why: str) -> None:
    row = next(row for row in ROWS if row["generation"] == "3pool")
    asked: dict[str, str | None] = {}
    # The amounts asked for follow the balances: what was never asked answers as another amount did.
    chain = Recorded({"reads": _Lenient(row["reads"])}, asked | changed)
    refused = load_curve(chain, Address(row["pool"]), BLOCK)
    assert isinstance(refused, NotLoaded) and why in refused.reason


class _Lenient(dict[str, dict[str, str | None]]):
    def __getitem__(self, key: str) -> Any:
        answers = super().__getitem__(key)
        return {
            **answers,
            **{call("get_dy(int128,int128,uint256)", i, j, 1): word(1) for i in range(3) for j in range(3)},
        }


# BALANCER


def joined(machine: Balancer, pool: Address, tokens: Sequence[Address], held: Sequence[int]) -> None:
    """Puts the first balances into a pool, by its Vault."""
    for token, units in zip(tokens, held, strict=True):
        machine.send(token, encode_call("mint(uint256)", units))
        machine.send(token, encode_call("approve(address,uint256)", machine.vault, units))
    data = encode_call("f(uint256,uint256[])", 0, list(held))[4:]
    request = (list(tokens), list(held), data, False)
    join = "joinPool(bytes32,address,address,(address[],uint256[],bytes,bool))"
    machine.send(machine.vault, encode_call(join, machine.pool_id(pool), SENDER, SENDER, request))


def sold(machine: Balancer, pool: Address, tokens: Sequence[Address], into: int, outof: int, units: int) -> int | None:
    """What a swap by the Vault really brings; the machine stays as it was."""
    machine.send(tokens[into], encode_call("mint(uint256)", units))
    machine.send(tokens[into], encode_call("approve(address,uint256)", machine.vault, units))
    one = (machine.pool_id(pool), 0, tokens[into], tokens[outof], units, b"")
    swap = "swap((bytes32,uint8,address,address,uint256,bytes),(address,bool,address,bool),uint256,uint256)"
    data, before = encode_call(swap, one, (SENDER, False, SENDER, False), 0, 2**255), machine.evm.snapshot()
    try:
        return int.from_bytes(machine.send(machine.vault, data), "big")
    except RuntimeError:
        return None
    finally:
        machine.evm.revert(before)


@pytest.mark.parametrize("task", [task for task, _ in STABLE])
def test_a_stable_pool_is_loaded_whole_and_quotes_as_it_swaps(task: str) -> None:
    machine, decimals = Balancer(), (18, 6, 8)
    pool, tokens = machine.stable(task, 200, decimals, 10**14)
    joined(machine, pool, tokens, [5 * 10**23, 7 * 10**11, 9 * 10**13])
    chain, draw = Evm(machine), random.Random(3)
    loaded = load_stable(chain, machine.vault, pool, BLOCK)
    assert isinstance(loaded, Coins) and chain.batches == 3 and loaded.coins == tuple(tokens)
    assert loaded.pool.rounds_up is (task == STABLE[0][0])
    for _ in range(20):
        into, outof = draw.sample(range(3), 2)
        units = draw.randint(1, loaded.pool.balances[into])
        assert loaded.pool.quote_in(into, outof, units) == sold(machine, pool, tokens, into, outof, units)


@pytest.mark.parametrize("newest", [True, False])
def test_a_weighted_pool_is_loaded_whole_and_quotes_as_it_swaps(newest: bool) -> None:
    machine, weights = Balancer(), [ONE // 5, 4 * ONE // 5]
    pool, tokens = (machine.weighted if newest else machine.first_weighted)(weights, (6, 18), 3 * 10**15)
    joined(machine, pool, tokens, [7 * 10**11, 9 * 10**21])
    chain, draw = Evm(machine), random.Random(4)
    loaded = load_weighted(chain, machine.vault, pool, BLOCK)
    assert isinstance(loaded, Sides) and chain.batches == 3 and set(loaded.sides) == {(0, 1), (1, 0)}
    assert loaded.sides[0, 1].exact_squares is newest
    for _ in range(20):
        into = draw.randrange(2)
        side = loaded.sides[into, 1 - into]
        units = draw.randint(1, side.balance_in // 3)
        assert side.quote_in(units) == sold(machine, pool, tokens, into, 1 - into, units)


def test_pools_that_are_empty_unknown_or_something_else_are_refused() -> None:
    machine = Balancer()
    stable, tokens = machine.stable(STABLE[1][0], 200, (18, 6), 10**14)
    chain, token = Evm(machine), tokens[0]

    def why(load: Callable[..., Any], pool: Address) -> str:
        refused = load(chain, machine.vault, pool, BLOCK)
        assert isinstance(refused, NotLoaded) and refused.pool == pool
        return refused.reason

    assert "holds nothing of a token" in why(load_stable, stable)
    joined(machine, stable, tokens, [10**20, 10**8])
    assert "does not answer as a weighted pool" in why(load_weighted, stable)
    assert "does not answer as a pool of Balancer V2" in why(load_stable, token)
    assert "does not answer as a pool of Balancer V2" in why(load_stable, to_address(b"\x77" * 20))
    curve = load_curve(chain, token, BLOCK)
    assert isinstance(curve, NotLoaded) and "does not answer as a stableswap pool of Curve" in curve.reason


class Altered(Evm):
    """With another answer to one call."""

    def __init__(self, machine: Machine, signature: str, answer: Any) -> None:
        super().__init__(machine)
        self._selector, self._answer = encode_call(signature, *([0] if "uint256" in signature else []))[:4], answer

    def _value(self, read: Read[Any]) -> Any:
        return self._answer if read.data[:4] == self._selector else super()._value(read)


@pytest.mark.parametrize(
    ("signature", "answer", "why"),
    [
        ("getPausedState()", True, "is paused"),
        ("getRateProviders()", True, "trades by rates of other contracts"),
        ("getBptIndex()", 0, "holds its own shares"),
        ("getSwapFeePercentage()", 10**15, "`queryBatchSwap` is not what"),
        ("inRecoveryMode()", None, "`queryBatchSwap` is not what"),
        ("decimals()", 17, "`queryBatchSwap` is not what"),
    ],
)
def test_a_stable_pool_that_is_not_what_it_seems_is_refused(signature: str, answer: Any, why: str) -> None:
    machine = Balancer()
    pool, tokens = machine.stable(STABLE[1][0], 200, (18, 6, 6), 10**14)
    joined(machine, pool, tokens, [123_456_789 * 10**15, 98_765_432_123, 11_111_111_111])
    refused = load_stable(Altered(machine, signature, answer), machine.vault, pool, BLOCK)
    assert isinstance(refused, NotLoaded) and why in refused.reason


# VAULTS


@pytest.mark.parametrize("offset", [None, 0, 6, 12])
@pytest.mark.parametrize(("assets", "shares"), [(0, 0), (11, 13), (10**18 + 7, 10**18), (5 * 10**23, 3 * 10**29)])
def test_a_vault_is_loaded_with_the_kind_of_shares_that_it_has(offset: int | None, assets: int, shares: int) -> None:
    machine, draw = Machine(), random.Random(5)
    token = machine.create(creation_code("MintableERC20"), ["string", "string", "uint8"], ["T", "T", 6])
    codes = vault_codes()
    vault = (
        machine.create(codes["PlainVault"], ["address"], [token])
        if offset is None
        else machine.create(codes["OpenVault"], ["address", "uint8"], [token, offset])
    )
    machine.send(vault, encode_call("set(uint256,uint256)", assets, shares))
    chain = Evm(machine)
    loaded = load_vault(chain, vault, BLOCK)
    assert not isinstance(loaded, NotLoaded) and chain.batches == 2
    for units in (draw.randint(0, 2 ** draw.randint(1, 120)) for _ in range(20)):
        names = ("previewDeposit", "previewMint", "previewWithdraw", "previewRedeem")
        asked = [view(vault, f"{name}(uint256)", ["uint256"], int, [units]) for name in names]
        found = loaded[1]
        assert [found.deposit(units), found.mint(units), found.withdraw(units), found.redeem(units)] == chain.read(
            asked, BLOCK
        )


def test_a_vault_that_takes_a_fee_is_refused_and_so_is_what_is_none() -> None:
    machine = Machine()
    token = machine.create(creation_code("MintableERC20"), ["string", "string", "uint8"], ["T", "T", 6])
    vault = machine.create(vault_codes()["PlainVault"], ["address"], [token])
    machine.send(vault, encode_call("set(uint256,uint256)", 10**12, 10**12))
    refused = load_vault(Altered(machine, "previewRedeem(uint256)", 5), vault, BLOCK)
    assert isinstance(refused, NotLoaded) and "its previews are not" in refused.reason
    refused = load_vault(Evm(machine), token, BLOCK)
    assert isinstance(refused, NotLoaded) and "does not answer as a tokenized vault" in refused.reason
    assert load_vault(Evm(machine), Address(ZERO), BLOCK) == NotLoaded(ZERO, "does not answer as a tokenized vault")
