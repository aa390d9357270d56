"""Announced runs as a guardian sees them: who is paid what, from when, until when, and how to stop it.

Read from the chain alone, whatever the treasurer's own log says: whoever stole the agent's key announces here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from guardians.wording import move_words
from policies.delays import run_moves
from policies.terms import PolicyDocument
from strongroom.errors import NoSuchRun, NotDeployed
from strongroom.model import Address, AnnouncedRun, Block, Digest
from strongroom.observe import Subject, announced_runs, kernel_state, safe_state
from strongroom.ports import Chain
from strongroom.protocols.kernel import MAX_DELAY_SECONDS
from strongroom.quantities import format_moment

_LONGEST_SECONDS = 2 * MAX_DELAY_SECONDS
"""A delay and a window of the largest size: what a guardian's own copy of the policy says of delays does not count."""


def read_runs(chain: Chain, subject: Subject, kernel: Address, block: Block) -> tuple[AnnouncedRun, ...]:
    """Every announced run that is in force at `block`, oldest first. Raises `NotDeployed` where no Kernel answers,
    `NodeError` where the node shows no event logs: silence must not be read as peace."""
    bare = replace(subject, kernel=kernel, buckets=(), orders=(), announced_seconds=_LONGEST_SECONDS)
    found = kernel_state(chain, bare, safe_state(chain, subject.account.safe, block), block)
    if found is None:
        raise NotDeployed("Kernel", kernel, "check `kernel` in treasury.toml")
    return announced_runs(chain, bare, found, block)


def find_run(runs: Iterable[AnnouncedRun], id_: Digest) -> AnnouncedRun:
    """Raises `NoSuchRun`."""
    found = next((each for each in runs if each.id == id_), None)
    if found is None:
        raise NoSuchRun(id_)
    return found


def run_words(run: AnnouncedRun, document: PolicyDocument) -> tuple[str, ...]:
    """What it does, a line for each of its calls."""
    try:
        return tuple(move_words(move, document) for move in run_moves(run.run, document))
    except ValueError:
        return ("NOT UNDERSTOOD: your policy.toml has no words for it; veto it unless you know better",)


def run_lines(run: AnnouncedRun, document: PolicyDocument, at: int) -> Iterator[str]:
    """One announced run, at block time `at`."""
    yield f"run {run.id}"
    yield from (f"  would {line}" for line in run_words(run, document))
    yield f"  the agent's key can run it {_from(run, at)}, until {format_moment(run.expires_at)}"
    yield "  until it is run, any guardian or owner may stop it, alone and at once:"
    yield f"    strongroom guardian veto-run {run.id} --keystore FILE"


def loud_words(run: AnnouncedRun, document: PolicyDocument, at: int) -> str:
    """One line for who looks at something else."""
    does, until = "; ".join(run_words(run, document)), format_moment(run.expires_at)
    return f"announced: {does}; run {_from(run, at)}, until {until}; `strongroom guardian veto-run {run.id}` stops it"


def _from(run: AnnouncedRun, at: int) -> str:
    return "NOW" if at >= run.ready_at else f"from {format_moment(run.ready_at)}"


def run_data(run: AnnouncedRun, document: PolicyDocument, at: int) -> Mapping[str, Any]:
    """One announced run for machines; times are Unix seconds by the chain's clock."""
    return {
        "run": run.id,
        "does": list(run_words(run, document)),
        "call": "0x" + run.run.hex(),
        "ready_at": run.ready_at,
        "expires_at": run.expires_at,
        "is_ready": at >= run.ready_at,
        "announced_in": run.tx_hash,
    }
