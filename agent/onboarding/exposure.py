"""What stands open around a Safe, whoever made it so: modules of others, allowances that a calendar resets, and tokens
that somebody may take. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.onboarding.history import first_block_since, topic_of
from agent.onboarding.modifiers import Modifier, modifier_of
from strongroom.addresses import keccak, to_address
from strongroom.chain.logs import read_logs
from strongroom.chain.transport import Transport
from strongroom.model import Address, Block
from strongroom.ports import Chain
from strongroom.protocols import safe_modules
from strongroom.protocols.erc20 import read_allowance
from strongroom.protocols.safe import address_in_word
from strongroom.protocols.safe_modules import ALLOWANCE_MODULE, MODULE_GUARD_SLOT, CalendarAllowance

_APPROVAL = "0x" + keccak(b"Approval(address,address,uint256)").hex()
_MOST_REQUESTS = 40
_UNLIMITED = 2**95
"""More than any token has; some tokens keep allowances in 96 bits."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A modifier that the Safe has as a module, and those of its members that are contracts."""

    module: Address
    modifier: Modifier
    contracts: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class OpenApproval:
    """Units of a token that a spender may take from the Safe now."""

    token: Address
    spender: Address
    units: int

    @property
    def is_unlimited(self) -> bool:
        return self.units >= _UNLIMITED


def attached_modifiers(chain: Chain, modules: Sequence[Address], block: Block) -> tuple[Attached, ...]:
    """The modifiers among the Safe's modules. Members with an EIP-7702 delegate are contracts too."""
    found = [(module, modifier_of(chain.code(module, block))) for module in modules]
    known = [(module, modifier) for module, modifier in found if modifier is not None]
    members = chain.read([safe_modules.members_read(module) for module, _ in known], block)
    return tuple(
        Attached(module, modifier, tuple(member for member in own or () if chain.code(member, block)))
        for (module, modifier), own in zip(known, members, strict=True)
    )


def calendar_allowances(
    chain: Chain, safe: Address, modules: Sequence[Address], block: Block
) -> tuple[CalendarAllowance, ...]:
    """What delegates of Safe's allowance module may take, of those that come back with the calendar."""
    names = chain.read([safe_modules.name_read(module) for module in modules], block)
    keepers = [module for module, name in zip(modules, names, strict=True) if name == ALLOWANCE_MODULE]
    allowed = (each for keeper in keepers for each in _allowances(chain, safe, keeper, block))
    return tuple(each for each in allowed if each.units and each.reset_minutes)


def _allowances(chain: Chain, safe: Address, keeper: Address, block: Block) -> list[CalendarAllowance]:
    delegates = chain.read([safe_modules.delegates_read(keeper, safe)], block)[0] or ()
    tokens = chain.read([safe_modules.tokens_read(keeper, safe, each) for each in delegates], block)
    pairs = [(delegate, token) for delegate, own in zip(delegates, tokens, strict=True) for token in own or ()]
    reads = [safe_modules.allowance_read(keeper, safe, delegate, token) for delegate, token in pairs]
    return [each for each in chain.read(reads, block) if each is not None]


def module_guard(chain: Chain, safe: Address, block: Block) -> Address:
    """What looks at modules' transactions, the zero address for nothing: a Safe's guard does not see them."""
    return address_in_word(chain.storage(safe, [MODULE_GUARD_SLOT], block)[0])


def open_approvals(
    chain: Chain, node: Transport, safe: Address, since: int, block: Block
) -> tuple[tuple[OpenApproval, ...], int]:
    """What may still be taken of all that was approved since time `since`, and the oldest block that was read; what a
    token does not answer counts as nothing. Raises `NodeError`."""
    wanted = {"topics": [_APPROVAL, topic_of(safe)]}
    logs, oldest = read_logs(node, wanted, first_block_since(node, since, block), block, _MOST_REQUESTS)
    named = [(log["address"], log["topics"][2]) for log in logs if len(log["topics"]) == 3]
    pairs = [(to_address(token), to_address("0x" + word[-40:])) for token, word in dict.fromkeys(named)]
    units = chain.read([read_allowance(token, safe, spender) for token, spender in pairs], block)
    answered = zip(pairs, units, strict=True)
    return tuple(OpenApproval(token, spender, own) for (token, spender), own in answered if own), oldest
