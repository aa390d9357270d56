"""What a call of the agent costs, from mined receipts in the steady state: payees, buckets and rate limit in use.

`pytest tests/contracts/test_gas.py --log-cli-level=info` prints the figures.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

log = logging.getLogger(__name__)

ACTIONS = "0x" + "00" * 19 + "01"
ENTRY = b"\x11" * 32
AMOUNT = 2_500_000_000
# contracts/README.md holds the goals beside these ceilings. Counting what was paid is part of all of them.
CEILINGS = {("pay", 4): 84_000, ("pay", 5000): 94_000, ("run", 4): 293_000, ("run", 5000): 392_000}


PAY = "Pay(address token,address recipient,uint96 maxAmount,uint32 class,uint32 delay)"
PAY_TYPES = ["address", "address", "uint96", "uint32", "uint32"]


def leaf(rule: Sequence[object]) -> bytes:
    """keccak256(keccak256(abi.encode(tag, rule))), a second implementation beside the contract's."""
    return keccak(keccak(keccak(text=PAY) + encode(PAY_TYPES, rule)))


def layers(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """All layers of the sorted-pair tree, leaves first; an odd node moves up alone."""
    made = [list(leaves)]
    while len(made[-1]) > 1:
        below = made[-1]
        pairs = [below[i : i + 2] for i in range(0, len(below), 2)]
        made.append([keccak(b"".join(sorted(pair))) if len(pair) == 2 else pair[0] for pair in pairs])
    return made


def proof(tree: Sequence[Sequence[bytes]], index: int) -> list[bytes]:
    """Siblings from the leaf upwards."""
    path = []
    for layer in tree[:-1]:
        if index ^ 1 < len(layer):
            path.append(layer[index ^ 1])
        index //= 2
    return path


class Policy:
    """`size` payment rules and a Kernel that enforces them."""

    def __init__(self, treasury: Any, size: int) -> None:
        payees = [treasury.web3.to_checksum_address(f"0x{0xA11CE << 100 | i:040x}") for i in range(size)]
        self.rules = [(treasury.token.address, payee, 10**11, 0, 0) for payee in payees]
        self.tree = layers([leaf(rule) for rule in self.rules])
        month = 30 * 86400
        self.buckets = [(ACTIONS, 0, 10**9, 0, month), (treasury.token.address, 0, 10**14, 0, month)]
        self.treasury = treasury
        self.kernel = treasury.kernel(self.tree[-1][0], self.buckets)

    def pay(self, index: int) -> int:
        """Gas of one payment."""
        call = self.kernel.functions.pay(self.rules[index], AMOUNT, proof(self.tree, index), ENTRY)
        return int(self.treasury.send(self.treasury.agent, call)["gasUsed"])

    def run(self, indices: list[int]) -> int:
        """Gas of one run of payments."""
        legs = [self._leg(index) for index in indices]
        return int(self.treasury.send(self.treasury.agent, self.kernel.functions.run(legs, ENTRY))["gasUsed"])

    def _leg(self, index: int) -> tuple[Any, ...]:
        rule = encode(PAY_TYPES, self.rules[index])
        return (0, rule, proof(self.tree, index), AMOUNT, 0, 0, b"")


@pytest.fixture(scope="module", params=[4, 5000])
def policy(treasury: Any, request: pytest.FixtureRequest) -> Policy:
    made = Policy(treasury, request.param)
    made.run([0, 1, 2, 3])
    return made


def test_a_payment_stays_below_its_ceiling(policy: Policy) -> None:
    size = len(policy.rules)
    used = policy.pay(1)
    log.info("pay, %s leaves: %s gas, at most %s", size, used, CEILINGS["pay", size])
    assert used <= CEILINGS["pay", size]


def test_a_run_of_ten_payments_stays_below_its_ceiling(policy: Policy) -> None:
    size = len(policy.rules)
    used = policy.run([i % 4 for i in range(10)])
    log.info("run of 10 payments, %s leaves: %s gas, at most %s", size, used, CEILINGS["run", size])
    assert used <= CEILINGS["run", size]


def test_a_payment_after_something_was_blocked_costs_at_most_7_000_more(policy: Policy) -> None:
    """From the first block on each leg looks up what it skipped before; that costs, and is measured here."""
    treasury = policy.treasury
    treasury.send(treasury.web3.eth.accounts[1], policy.kernel.functions.blockAddress(policy.rules[0][1]))
    used = policy.pay(1)
    log.info("pay, %s leaves, block list in use: %s gas", len(policy.rules), used)
    assert used <= CEILINGS["pay", len(policy.rules)] + 7_000
