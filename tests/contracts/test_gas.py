"""What a call of the agent costs, from mined receipts: in the steady state (payees, buckets and rate limit in use) and
cold, beside the owners' own ways. The goals are the design's, with the counter of what was paid in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from tests.contracts.gas_book import GasBook

ACTIONS = "0x" + "00" * 19 + "01"
ENTRY = b"\x11" * 32
AMOUNT = 2_500_000_000
COUNTER = 5_200
GOALS = {("pay", 4): 81_000, ("pay", 5000): 91_000, ("run", 4): 280_000, ("run", 5000): 380_000}


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

    def __init__(self, treasury: Any, size: int, first: int = 0) -> None:
        numbers = range(first, first + size)
        payees = [treasury.web3.to_checksum_address(f"0x{0xA11CE << 100 | i:040x}") for i in numbers]
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


def test_a_payment_costs_what_the_book_says(policy: Policy, gas_book: GasBook) -> None:
    size = len(policy.rules)
    goal = GOALS["pay", size] + COUNTER
    gas_book.line(f"pay, {size} leaves", policy.pay(1), goal)


def test_a_run_of_ten_payments_costs_what_the_book_says(policy: Policy, gas_book: GasBook) -> None:
    size = len(policy.rules)
    goal = GOALS["run", size] + COUNTER
    gas_book.line(f"run of 10 payments, {size} leaves", policy.run([i % 4 for i in range(10)]), goal)


def test_a_payment_after_something_was_blocked_costs_what_the_book_says(policy: Policy, gas_book: GasBook) -> None:
    """From the first block on each leg looks up what it skipped before; that costs, and is measured here."""
    treasury = policy.treasury
    treasury.send(treasury.web3.eth.accounts[1], policy.kernel.functions.blockAddress(policy.rules[0][1]))
    gas_book.line(f"pay, {len(policy.rules)} leaves, block list in use", policy.pay(1))


def test_first_payments_cost_what_the_book_says(treasury: Any, gas_book: GasBook) -> None:
    """Cold: payees without the token, a Kernel that has never paid."""
    gas_book.line("pay, 4 leaves, the first of a Kernel to a new payee", Policy(treasury, 4, first=10_000).pay(0))
    used = Policy(treasury, 10, first=20_000).run(list(range(10)))
    gas_book.line("run of 10 payments, 10 leaves, the first of a Kernel to new payees", used)


def test_the_owners_own_ways_cost_what_the_book_says(treasury: Any, gas_book: GasBook) -> None:
    """What stands beside ours: the same transfer by a key, and by the Safe itself with two signatures' worth of
    pre-validated owners left out: one owner, threshold one."""
    token, payee = treasury.token, treasury.web3.to_checksum_address(f"0x{0xA11CE << 100:040x}")
    holder = treasury.web3.eth.accounts[0]
    treasury.send(holder, token.functions.mint(holder, 10 * AMOUNT))
    treasury.send(holder, token.functions.mint(payee, AMOUNT))
    used = treasury.send(holder, token.functions.transfer(payee, AMOUNT))["gasUsed"]
    gas_book.line("a key's own ERC-20 transfer (beside ours)", used)
    safe = treasury.one_of_one()
    treasury.send(holder, token.functions.mint(safe.address, 100 * AMOUNT))
    transfer = token.encode_abi("transfer", [payee, AMOUNT])
    treasury.execute(safe, token.address, transfer, 0)
    gas_book.line(
        "a Safe's own ERC-20 transfer, 1 of 1 (beside ours)", treasury.execute(safe, token.address, transfer, 0)
    )
    multisend, batch = treasury.batch([(token.address, transfer)] * 10)
    used = treasury.execute(safe, multisend, batch, 1)
    gas_book.line("a Safe's own batch of 10 transfers, 1 of 1 (beside ours)", used)
