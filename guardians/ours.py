"""Whether what stands at an address is what we think it is: by its code alone, whatever it answers."""

from __future__ import annotations

from strongroom.errors import NotDeployed
from strongroom.model import Address, Block
from strongroom.ports import Chain
from strongroom.wallet.deploy import require_code

FACTORY = Address("0x4e59b44847b379578588920cA78FbF26c0B4956C")
"""The deterministic deployment proxy where it has its usual address."""
# The deterministic deployment proxy's whole runtime, wherever it stands: CREATE2 with the salt and code it is given.
# Another contract in its place could put other code at the address.
_FACTORY = bytes.fromhex(
    "7f" + "ff" * 31 + "e03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
)


def is_ours(chain: Chain, name: str, address: Address, block: Block) -> bool:
    """Whether the contract that we ship under this name stands there."""
    try:
        require_code(name, chain.code(address, block), address)
    except NotDeployed:
        return False
    return True


def is_factory(chain: Chain, address: Address, block: Block) -> bool:
    """Whether the factory of our contracts stands there."""
    return chain.code(address, block) == _FACTORY
