"""What a contract says that it is (ERC-165), and who holds tokens that are told apart by a number (ERC-721, ERC-1155),
the positions of Uniswap V3 among them.

All of it is what a contract says of itself, and may be a lie. Sources: EIP-165, EIP-721, EIP-1155; v3-periphery
`NonfungiblePositionManager.sol`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from strongroom.addresses import keccak
from strongroom.model import Address
from strongroom.ports import Read
from strongroom.protocols.abi import decode_values, view

TRANSFER = "0x" + keccak(b"Transfer(address,address,uint256)").hex()
"""ERC-20's and ERC-721's; the latter has its third argument among the topics."""
SINGLE = "0x" + keccak(b"TransferSingle(address,address,address,uint256,uint256)").hex()
BATCH = "0x" + keccak(b"TransferBatch(address,address,address,uint256[],uint256[])").hex()
_ERC165, _NONE = bytes.fromhex("01ffc9a7"), bytes.fromhex("ffffffff")
_ERC721, _ERC1155 = bytes.fromhex("80ac58cd"), bytes.fromhex("d9b67a26")
_ASKED = (_ERC165, _NONE, _ERC721, _ERC1155)
_POSITION = ["uint96", "address", "address", "address", "uint24", "int24", "int24", "uint128"]


def kind_reads(contract: Address) -> tuple[Read[bool], ...]:
    """The reads whose values `is_erc721` and `is_erc1155` take."""
    return tuple(view(contract, "supportsInterface(bytes4)", ["bool"], bool, [each]) for each in _ASKED)


def is_erc721(values: Sequence[bool | None]) -> bool:
    return _answers_sanely(values) and values[2] is True


def is_erc1155(values: Sequence[bool | None]) -> bool:
    return _answers_sanely(values) and values[3] is True


def _answers_sanely(values: Sequence[bool | None]) -> bool:
    """A contract that says yes to everything, the number for nothing included, says nothing (EIP-165)."""
    return values[0] is True and values[1] is False


def read_owner(collection: Address, number: int) -> Read[Address]:
    """ERC-721: whose the token of this number is; reverts where there is none."""
    return view(collection, "ownerOf(uint256)", ["address"], Address, [number])


def read_units(collection: Address, holder: Address, number: int) -> Read[int]:
    """ERC-1155: how many of this number somebody holds."""
    return view(collection, "balanceOf(address,uint256)", ["uint256"], int, [holder, number])


def read_position(manager: Address, number: int) -> Read[tuple[Address, Address]]:
    """Uniswap V3: token0 and token1 of the position of this number; reverts in another collection."""
    rest = ["uint256", "uint256", "uint128", "uint128"]
    signature = "positions(uint256)"
    return view(manager, signature, [*_POSITION, *rest], lambda _n, _o, zero, one, *_: (zero, one), [number])


def numbers_in(topic: str, data: bytes) -> tuple[int, ...]:
    """The numbers that an ERC-1155 event names; none where its data is malformed."""
    kinds: list[str] = ["uint256", "uint256"] if topic == SINGLE else ["uint256[]", "uint256[]"]
    try:
        numbers: Any = decode_values(kinds, data)[0]
    except ValueError:
        return ()
    return (numbers,) if topic == SINGLE else tuple(numbers)
