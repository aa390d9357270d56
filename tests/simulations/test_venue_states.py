"""Venue states are read from the deployed contracts as they are, and none is made of a failed read."""

from __future__ import annotations

import pytest

from strongroom.protocols.abi import encode_call
from strongroom.protocols.balancer_v2 import (
    read_pool_id,
    read_pool_tokens,
    stable_from,
    stable_reads,
    weighted_from,
    weighted_reads,
)
from strongroom.protocols.erc4626 import VaultState, vault_from, vault_reads
from strongroom.world.artifacts import creation_code
from tests.simulations.deployed import Balancer, Machine
from tests.simulations.vaults import vault_codes
from tests.simulations.venue_cases import ONE, STABLE


def read(machine, reads):
    return [each.decode(machine.ask(each.target, each.data)) for each in reads]


def test_a_weighted_pools_tokens_weights_and_fee_are_read():
    machine, weights = Balancer(), [ONE // 5, 4 * ONE // 5]
    pool, tokens = machine.weighted(weights, (6, 18), 3 * 10**15)
    (ident,) = read(machine, [read_pool_id(pool)])
    found = read(machine, weighted_reads(machine.vault, pool, ident))
    assert found == [(tuple(tokens), (0, 0)), tuple(weights), 3 * 10**15]
    assert weighted_from(pool, found) is None, "nothing is in it yet"
    state = weighted_from(pool, [(tuple(tokens), (5, 7)), *found[1:]])
    assert (state.balances_units, state.weights_e18, state.fee_e18) == ((5, 7), tuple(weights), 3 * 10**15)
    assert weighted_from(pool, [None, *found[1:]]) is None
    assert weighted_from(pool, [(tuple(tokens), (5, 7)), (ONE,), 1]) is None, "a weight is missing"


@pytest.mark.parametrize("task", [task for task, _ in STABLE])
def test_a_stable_pools_tokens_amplification_and_fee_are_read(task):
    machine = Balancer()
    pool, tokens = machine.stable(task, 200, (18, 6, 6), 10**14)
    (ident,) = read(machine, [read_pool_id(pool)])
    found = read(machine, stable_reads(machine.vault, pool, ident))
    assert found == [(tuple(tokens), (0, 0, 0)), 200_000, 10**14]
    assert stable_from(pool, found) is None, "nothing is in it yet"
    assert stable_from(pool, [(tuple(tokens), (5, 7, 9)), *found[1:]]).amp_e3 == 200_000
    assert stable_from(pool, [found[0], None, found[2]]) is None


def test_a_vaults_assets_and_shares_are_read():
    machine = Machine()
    token = machine.create(creation_code("MintableERC20"), ["string", "string", "uint8"], ["T", "T", 6])
    vault = machine.create(vault_codes()["OpenVault"], ["address", "uint8"], [token, 12])
    machine.send(vault, encode_call("set(uint256,uint256)", 11, 13))
    found = read(machine, vault_reads(vault))
    assert vault_from(vault, found) == VaultState(vault, token, 11, 13, 18)
    assert vault_from(vault, [*found[:3], None]) is None


def test_malformed_bytes_are_no_balances():
    with pytest.raises(ValueError, match="not "):
        read_pool_tokens("0x" + "11" * 20, bytes(32)).decode(b"\x01" * 40)
