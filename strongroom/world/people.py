"""Who lives in the world: anvil's accounts of the public test mnemonic, by name. Worthless everywhere else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from strongroom.model import Address

MNEMONIC = "test test test test test test test test test test test junk"
BALANCE_ETHER = 10
"""What each of them starts with; the deployer is given more."""


@dataclass(frozen=True, slots=True)
class Person:
    """One account: number `index` of the mnemonic at m/44'/60'/0'/0."""

    name: str
    index: int
    address: Address

    @property
    def key(self) -> bytes:
        """The 32-byte private key."""
        return _key(self.index)


@cache
def _key(index: int) -> bytes:
    from eth_account.hdaccount import key_from_seed, seed_from_mnemonic

    return bytes(key_from_seed(seed_from_mnemonic(MNEMONIC, ""), f"m/44'/60'/0'/0/{index}"))


DEPLOYER = Person("deployer", 0, Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"))
"""Deploys everything, owns the factory, provides all liquidity, and moves the feeds."""

GUARDIANS = (
    Person("ines", 1, Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")),
    Person("jonas", 2, Address("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")),
    Person("kemi", 3, Address("0x90F79bf6EB2c4f870365E785982E1f101E93b906")),
)
AGENT = Person("agent", 4, Address("0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65"))
NEXT_AGENT = Person("next agent", 5, Address("0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc"))
LAST_AGENT = Person("last agent", 13, Address("0x1CBd3b2770909D4e10f157cABC84C7264073C9Ec"))
"""The keys that a re-keying installs, and another one after it."""

ANCHORER = DEPLOYER
"""Anchors the example's log. It pays for gas and can do nothing else; any key but the agent's will do."""

OPERATOR = Person("ana", 6, Address("0x976EA74026E726554dB657fA54763abd0C3a0aa9"))
STRANGER = Person("stranger", 7, Address("0x14dC79964da2C08b23698B3D3cc7Ca32193d9955"))
ALICE = Person("alice", 8, Address("0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f"))
BOB = Person("bob", 9, Address("0xa0Ee7A142d267C1f36714E4a8F75612F20a79720"))
CHIDI = Person("chidi", 10, Address("0xBcd4042DE499D14e55001CcbB24a551F3b954096"))
DANA = Person("dana", 11, Address("0x71bE63f3384f5fb98995898A86B02Fb2426c5788"))
EMRE = Person("emre", 12, Address("0xFABB0ac9d68B0B445fB7357272Ff202C5651694a"))

PEOPLE = (DEPLOYER, *GUARDIANS, AGENT, NEXT_AGENT, OPERATOR, STRANGER, ALICE, BOB, CHIDI, DANA, EMRE, LAST_AGENT)
