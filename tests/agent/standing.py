"""An installation with everything that a treasury can have, and its comparison over answers that can be altered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from agent.blueprint import plan_owner_guard
from agent.comparing.fields import Comparison
from agent.comparing.installed import Installed
from agent.parity import compare
from strongroom.model import Address, Block, Digest
from strongroom.ports import Chain, Read
from strongroom.protocols.owner_guard import encode_set_guard
from strongroom.protocols.registry import MOST_ACTIONS, MOST_SECONDS, Opening, encode_open
from strongroom.wallet.deploy import artifact
from strongroom.world.people import AGENT, ALICE, BOB, DEPLOYER
from tests.agent.installed import Site

Named = tuple[str, str]
"""A field by its contract's name and its own."""


def install(site: Site) -> Installed:
    """Everything that a treasury can have, as it is planned: Kernel with a guardian, sources, watch, log, guard."""
    kernel_terms = replace(site.policy.kernel, pause_only=(ALICE.address,))
    site.rewrite(replace(site.policy, kernel=kernel_terms))
    kernel = site.stand(site.birth())
    registry = site.world.deploy(artifact("AuditRegistry").creation)
    opening = Opening(kernel, Digest("0x" + "01" * 32), BOB.address, MOST_ACTIONS, MOST_SECONDS, 1, bytes(32))
    site.as_safe(registry, encode_open(opening))
    guard = plan_owner_guard(site.policy, kernel, site.known)
    assert guard and site.world.send_as(DEPLOYER.address, guard.call.to, guard.call.data).success
    site.as_safe(site.world.account.safe, encode_set_guard(guard.address))
    watch = site.plan_watch(kernel).watch.address
    return Installed(site.policy, site.known, kernel, AGENT.address, watch, registry, BOB.address)


def red(comparisons: Sequence[Comparison]) -> set[Named]:
    return {(each.name, field.name) for each in comparisons for field in each.different}


def compared(comparisons: Sequence[Comparison]) -> set[Named]:
    """What is told and nowhere compared is left out."""
    return {(each.name, field.name) for each in comparisons for field in each.fields if field.document is not None}


class Told(Chain):
    """The answers of a real chain at one block, some of them altered. `aliases` stand at one address and answer as what
    stands at another."""

    def __init__(self, chain: Chain) -> None:
        self._chain, self._values, self._codes = chain, dict[tuple[Address, bytes], Any](), dict[Address, bytes]()
        self.altered: dict[tuple[Address, bytes], Any] = {}
        self.altered_codes: dict[Address, bytes] = {}
        self.aliases: dict[Address, Address] = {}

    @property
    def answers(self) -> dict[tuple[Address, bytes], Any]:
        return dict(self._values)

    @property
    def coded(self) -> dict[Address, bytes]:
        return dict(self._codes)

    def read(self, reads: Sequence[Read[Any]], block: Block) -> list[Any]:
        return [self._answer(replace(read, target=self.aliases.get(read.target, read.target)), block) for read in reads]

    def code(self, address: Address, block: Block) -> bytes:
        address = self.aliases.get(address, address)
        if address not in self._codes:
            self._codes[address] = self._chain.code(address, block)
        return self.altered_codes.get(address, self._codes[address])

    def _answer(self, read: Read[Any], block: Block) -> Any:
        key = (read.target, read.data)
        if key not in self._values:
            (self._values[key],) = self._chain.read([read], block)
        return self.altered.get(key, self._values[key])


@dataclass
class Standing:
    """The installation as it is, and a chain whose answers can be altered."""

    installed: Installed
    told: Told
    block: Block

    def look(self, installed: Installed | None = None) -> tuple[Comparison, ...]:
        return compare(self.told, installed or self.installed, self.block)
