"""Before anything is done in guarded mode: the Kernel and what stands beside it are ours, installed, and hold this very
policy and key. `compare` says it field by field, and every refusal is one of its fields.

What it cannot see: guardians beside the keys and the watch that the documents name. At birth the Kernel's address
commits to them; later only the Safe adds one, and a guardian can stop money, never move it. The doctor looks for them
in the Kernel's events.
"""

from __future__ import annotations

from agent.comparing import audit_log, debt_meters, kernel, owner_guard, safe, sources, watch
from agent.comparing.fields import Comparison, Contract, Field, Reading, Weight, code_fields
from agent.comparing.installed import Installed
from agent.onboarding.chains import KnownChain
from policies.terms import PolicyDocument
from strongroom.errors import NotDeployed
from strongroom.model import Address, Block
from strongroom.observe import Subject
from strongroom.ports import Chain
from strongroom.protocols.safe import state_from, state_reads


def compare(chain: Chain, installed: Installed, block: Block) -> tuple[Comparison, ...]:
    """Everything that stands for a treasury, in the order in which differences matter, read in one batch at `block` but
    for code and for what is not where it was planned. Raises `NotDeployed` without the Safe, `NodeError`."""
    reading = Reading(chain, block)
    state_values = state_reads(installed.document.account.safe)
    parts = (kernel, sources, debt_meters, watch, owner_guard, audit_log)
    reading.values([*state_values, *(read for part in parts for read in part.reads(installed))])
    state = state_from(reading.values(state_values))
    if state is None:
        raise NotDeployed("Safe", installed.document.account.safe, "check `safe` and `rpc` in treasury.toml")
    return (
        kernel.compare(reading, installed, state),
        *sources.compare(reading, installed),
        *debt_meters.compare(reading, installed),
        *watch.compare(reading, installed),
        *audit_log.compare(reading, installed),
        owner_guard.compare(reading, installed, state),
        safe.compare(state, installed.document, installed.known.safe, installed.kernel),
    )


def require_parity(
    chain: Chain,
    subject: Subject,
    document: PolicyDocument,
    agent: Address,
    known: KnownChain,
    registry: Address | None = None,
) -> None:
    """Raises `NotDeployed`, `ModuleMissing`, `PolicyMismatch` or `BadValue` at the first difference that stops the
    agent, naming both sides."""
    if subject.kernel is None:
        raise NotDeployed("Kernel", "nowhere", "name `kernel` in treasury.toml")
    installed = Installed(document, known, subject.kernel, agent, subject.watch, registry)
    for comparison in compare(chain, installed, chain.head()):
        _require(comparison.fields)


def require_terms(chain: Chain, kernel_address: Address, document: PolicyDocument, block: Block) -> None:
    """The Kernel's own terms against [kernel] of the document. Raises `NotDeployed` or `PolicyMismatch`."""
    reading = Reading(chain, block)
    _require(tuple(code_fields(reading, Contract.KERNEL, kernel_address)))
    reading.values(kernel.term_reads(kernel_address, document))
    _require(tuple(kernel.terms(reading, kernel_address, document)))


def _require(fields: tuple[Field, ...]) -> None:
    for field in fields:
        if field.differs and field.weight is Weight.STOPS:
            raise field.refusal
