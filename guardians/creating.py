"""Making the contracts of a planned installation from an own account, before the owners sign the rest of it.

Anybody may: what is made, and where, is in the bytes that the factory gets, and belongs to nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from guardians.key import GuardianKey
from guardians.ours import is_factory
from guardians.sending import send_creation
from strongroom.errors import BadValue, NotMade
from strongroom.model import Address, Block, Call, Digest, SafeTx
from strongroom.ports import Chain
from strongroom.protocols.multisend import decode_multisend
from strongroom.wallet.deploy import SALT_BYTES, artifact, made_by

_NAMES = ("PriceSource", "AuditRegistry", "Kernel", "Watch", "OwnerGuard")


@dataclass(frozen=True, slots=True)
class Creation:
    """One of our contracts, to be made by `call` at `address`."""

    name: str
    address: Address
    call: Call


def creations(chain: Chain, tx: SafeTx, block: Block) -> tuple[Creation, ...]:
    """What the batch `tx` makes and does not stand yet, in its order. Raises `BadValue` for another transaction."""
    try:
        calls = decode_multisend(tx.account, tx.data)
    except ValueError as error:
        mend = "give the installation.json that `strongroom policy deploy` writes"
        raise BadValue(f"a call to {tx.to}", "FILE", mend) from error
    found = (each for call in calls if is_factory(chain, call.to, block) for each in _creation(call))
    return tuple(each for each in found if not chain.code(each.address, block))


def _creation(call: Call) -> Iterator[Creation]:
    """Nothing for code that is not ours: who pays the gas makes no stranger's contract."""
    for name in _NAMES:
        if call.data[SALT_BYTES:].startswith(artifact(name).creation):
            yield Creation(name, made_by(call), call)


def create(wanted: Creation, key: GuardianKey, chain: Chain, told: Callable[[Digest], None]) -> Digest:
    """Sends one from the key's own account and waits until it stands; `told` hears the hash once it is sent. Raises
    `NotMade`, or `NodeError`."""
    mined = send_creation(wanted.call, wanted.address, key, chain, told)
    if mined is None:
        raise NotMade(wanted.address, "it is not mined yet; look again before you send it again")
    if not chain.code(wanted.address, mined.block):
        raise NotMade(wanted.address, f"it reverted in `{mined.tx_hash}`")
    return mined.tx_hash
