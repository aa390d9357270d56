"""What the chain says now: the anchored head, what the Safe holds, the Kernel, and money that no entry explains."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from strongroom.errors import NodeError, NodeUnreachable, NotDeployed, SetupError, StrongroomError, WrongChain
from strongroom.ledger.checkpoint import Head
from strongroom.model import Address, Block, Facts, Outflow

if TYPE_CHECKING:
    from guardians.app import Console
    from guardians.changes import Announced
    from guardians.report.breaker import Story
    from strongroom.protocols.registry import AnchoredLog


@dataclass(frozen=True, slots=True)
class Anchor:
    """The head that the registry holds for the Kernel's log, as read at `block`. `waiting` actions of the agent are
    bound and not yet covered; at `most` the Kernel stops the agent."""

    registry: Address
    kernel: Address
    head: Head
    block: Block
    waiting: int
    most: int


@dataclass(frozen=True, slots=True)
class Seen:
    """The chain at one block. `anchor` is empty where no log is opened, `breaker` without a Kernel and where the node
    gives no event logs."""

    facts: Facts
    anchor: Anchor | None
    breaker: Story | None
    announced: Announced

    @property
    def heads(self) -> tuple[Head, ...]:
        """What the ledger must agree with."""
        return (self.anchor.head,) if self.anchor and self.anchor.head.size else ()


@dataclass(frozen=True, slots=True)
class Unseen:
    """Why the chain could not be asked: the page is made without it and says so."""

    why: str
    heads: tuple[Head, ...] = ()


def look(folder: Path) -> Seen | Unseen:
    """Reads the newest block once. The guardians' queue is not asked: the page must not need it. Raises `InputError`
    for documents that cannot be used."""
    from guardians.app import open_console

    try:
        with open_console(folder) as console:
            return _seen(console)
    except (NodeError, SetupError) as error:
        return Unseen(_why(error))


def _why(error: StrongroomError) -> str:
    """Without the error's own words: they name the node's address, which may hold a key, and pages are passed on."""
    if isinstance(error, NodeUnreachable):
        return "the node cannot be reached"
    if isinstance(error, WrongChain):
        return "the node serves another chain"
    return "no Safe answers there" if isinstance(error, NotDeployed) else "the node refused to answer"


def _seen(console: Console) -> Seen:
    from guardians.changes import read_announced
    from strongroom.observe import observe
    from strongroom.wallet.memory import MemoryQueue

    subject = replace(console.subject, kernel=console.treasury.kernel)
    facts = observe(console.chain, MemoryQueue(subject.account, (), {}), subject)
    account, block = subject.account, facts.block
    announced = read_announced(
        console.chain, console.node, account.safe, facts.safe.guard, console.treasury.kernel, block
    )
    guard = announced.guard.address if announced.guard else None
    return Seen(facts, _anchor(console, block), _breaker(console, guard, block), announced)


def _breaker(console: Console, guard: Address | None, block: Block) -> Story | None:
    from guardians.report.breaker import read_breaker

    kernel, watch = console.treasury.kernel, console.treasury.watch
    return read_breaker(console.node, kernel, watch, block, guard=guard) if kernel else None


def _anchor(console: Console, block: Block) -> Anchor | None:
    from strongroom.protocols.registry import log_read

    treasury = console.treasury
    if treasury.registry is None or treasury.kernel is None:
        return None
    (found,) = console.chain.read([log_read(treasury.registry, treasury.kernel)], block)
    log: AnchoredLog | None = found
    if log is None or not log.is_open:
        return None
    head = Head(log.size, log.root)
    return Anchor(treasury.registry, treasury.kernel, head, block, log.waiting, log.max_actions)


def unexplained(facts: Facts, known: frozenset[str]) -> tuple[Outflow, ...]:
    """ERC-20 transfers out of the Safe, as far back as facts reach, whose transaction no entry names: what the owners
    did themselves, or somebody with the agent's key and without its log."""
    return tuple(each for each in facts.outflows if each.tx_hash not in known)
