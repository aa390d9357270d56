"""Reviews for people, line by line, and as plain JSON for machines: the same facts in both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from guardians.acts import Named
from guardians.change_wording import changing_lines, step_words
from guardians.changing import Changing, require_changeable, require_named
from guardians.installation import Installation
from guardians.kernel_transcript import kernel_changing_data, kernel_verdict
from guardians.kernel_wording import kernel_changing_lines, kernel_step_words
from guardians.prospects import prospects_data, prospects_of
from guardians.review import Proposal, Review
from guardians.wording import (
    describe_calls,
    describe_installation,
    escaped,
    installation_lines,
    show_address,
    show_amount,
)
from policies.document import document_hash
from policies.explaining.margins import margin_words
from policies.quorums import asked_in_words, guardian_name
from policies.terms import PolicyDocument
from strongroom.errors import ChangeUnnamed, GuardianError, NotAnnounced, OtherChange, TooEarly
from strongroom.model import NATIVE, Address, Finding, SafeState, Verdict
from strongroom.plain import to_plain


def proposal_lines(
    proposal: Proposal,
    safe: SafeState,
    document: PolicyDocument,
    kernel: Address | None = None,
    calls: Iterable[str] | None = None,
) -> Iterator[str]:
    """What would be signed and who has signed, unjudged. `kernel` is the Safe's own, where documents name it; `calls`
    what each call does, where more than its bytes is known."""
    queued = proposal.queued
    yield f"proposal {proposal.safe_tx_hash}"
    yield "  compare this hash with the one on your hardware wallet or in the Safe UI, to the last digit"
    yield f"  Safe {proposal.tx.account.safe} on chain {proposal.tx.account.chain_id}, nonce {proposal.tx.nonce}"
    if queued.proposer == NATIVE:
        yield "  not in the queue yet"
    else:
        yield f"  proposed in the name of {queued.proposer}, who writes {escaped(queued.origin)}"
    yield "  it would"
    said = describe_calls(proposal, document, safe.guard, kernel) if calls is None else calls
    yield from (f"    {number}. {line}" for number, line in enumerate(said, 1))
    yield f"  signed by {_signed(proposal)} ({len(queued.approvals)} of {safe.threshold})"


def _calls(review: Review, agent: Address | None) -> Iterable[str] | None:
    """By what recognised all of it."""
    if review.installation:
        return describe_installation(review.installation)
    if (at_kernel := review.kernel_changing) and at_kernel.is_whole:
        return (kernel_step_words(step, review.document, agent) for step in at_kernel.steps)
    if review.changing and review.changing.is_whole:
        return map(step_words, review.changing.steps)
    return None


def _signed(proposal: Proposal) -> str:
    return ", ".join(approval.guardian for approval in proposal.queued.approvals) or "nobody yet"


def review_lines(review: Review, agent: Address | None = None, changes: Sequence[Named] = ()) -> Iterator[str]:
    """The proposal, what the rehearsal moved, every finding, and the verdict. `agent` is whom the guardian named to
    give the Kernel to, where the proposal does, and `changes` what the guardian named of its changes."""
    calls = _calls(review, agent)
    yield from proposal_lines(review.proposal, review.facts.safe, review.document, review.kernel, calls)
    yield from _recognised_lines(review, agent)
    yield from _rehearsal_lines(review)
    if recognised := _recognised(review, agent, changes):
        yield from recognised
        return
    yield f"  findings by policy {document_hash(review.document)}, {_policy_compared(review)}"
    yield from (f"    {line}" for line in _finding_lines(review))
    yield from (f"  {line}" for line in prospects_of(review))
    yield f"verdict {review.decision.verdict}: {_verdict_in_words(review)}"


def _recognised_lines(review: Review, agent: Address | None) -> Iterator[str]:
    if review.installation:
        yield from installation_lines(review.installation, agent)
    if review.kernel_changing:
        yield from kernel_changing_lines(review.kernel_changing)
    if review.changing:
        yield from changing_lines(review.changing)


def _recognised(review: Review, agent: Address | None, changes: Sequence[Named]) -> tuple[str, ...]:
    """The verdict on what no rule of the policy judges."""
    if review.installation:
        count = len(review.decision.findings)
        unasked = (
            f"  of an installation the policy knows nothing: its {count} findings, most of them denials, say nothing"
        )
        return unasked, f"verdict: {_installing(review.installation, agent)}"
    if (at_kernel := review.kernel_changing) and at_kernel.is_whole:
        return (f"verdict: {kernel_verdict(review, at_kernel, agent, changes)}",)
    if review.changing and review.changing.is_whole:
        return (f"verdict: {_changed(review, review.changing, changes)}",)
    return ()


def _installing(installation: Installation, agent: Address | None) -> str:
    """Whether a guardian may sign it: its bytes are the guardian's own, and the agent is the guardian's to name."""
    own, found = "your own policy's installation", installation.birth.agent
    if agent is None:
        return f"{own}; name with `--agent` the address that you know from whoever keeps the agent's key"
    return f"{own}, agent as you named it; you may sign" if agent == found else f"{own}, for another agent; do not sign"


def _changed(review: Review, changing: Changing, changes: Sequence[Named]) -> str:
    """Whether a guardian may sign it: the guard has, or gets, the last word on it, and the guardian has named it."""
    digest = review.proposal.safe_tx_hash
    try:
        require_changeable(changing, digest, review.rehearsal)
        require_named(changing.to_be_named, digest, changes)
    except ChangeUnnamed:
        return "a change of who commands the Safe; name with `--change` what you know from elsewhere that it must be"
    except (NotAnnounced, TooEarly, OtherChange) as error:
        return f"do not sign; {error}"
    except GuardianError as error:
        # It quotes what the chain says.
        return f"do not sign; {escaped(str(error))}"
    return "it changes what you named, and nothing else; you may sign" if changes else _TAKEN_BACK


_TAKEN_BACK = "it only takes back what was announced; you may sign"


def _rehearsal_lines(review: Review) -> Iterator[str]:
    rehearsal, document = review.rehearsal, review.document
    yield f"  rehearsed on block {rehearsal.block.number}, {rehearsal.gas_used:,} gas"
    earlier = sum(queued.tx.nonce < review.proposal.tx.nonce for queued in review.facts.queue)
    if earlier:
        yield f"    {earlier} that wait at earlier nonces would execute first and are not part of this"
    if not rehearsal.success:
        yield f"    it fails: {escaped(rehearsal.revert)}"
    for delta in rehearsal.deltas:
        sign = "+" if delta.units > 0 else ""
        yield f"    {sign}{show_amount(delta.token, delta.units, document)} for {show_address(delta.holder, document)}"
    for left in rehearsal.allowances:
        yield f"    {left.spender} stays allowed to take {show_amount(left.token, left.units, document)}"
    for failed in rehearsal.caught or ():
        where = f"{show_address(failed.to, document)} (0x{failed.selector.hex()})"
        yield f"    inside it a call of {where} fails and is passed over: {escaped(failed.reason)}"


def _policy_compared(review: Review) -> str:
    words = {
        True: "the same that the proposal names",
        False: "NOT the one that the proposal names: find out whose policy.toml is newer",
        None: "the proposal names none",
    }
    return words[review.same_policy]


def _strictest_first(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: -finding.verdict.rank)


def _finding_lines(review: Review) -> Iterator[str]:
    findings = _strictest_first(review.decision.findings)
    yield "bytes do not tell who chose an amount: here each counts as a model's choice"
    # Five salaries give five equal findings: people read each once, the JSON keeps all.
    yield from dict.fromkeys(map(_finding_line, findings))


def _finding_line(finding: Finding) -> str:
    sides = [("measured", finding.measured), ("limit", finding.limit)]
    compared = ", ".join(
        [*(f"{name} {value}" for name, value in sides if value), *filter(None, [margin_words(finding)])]
    )
    return f"{finding.verdict:5} {finding.rule}: {finding.reason}{f' ({compared})' if compared else ''}"


def _verdict_in_words(review: Review) -> str:
    decision, nonce = review.decision, review.proposal.tx.nonce
    if review.proposal.is_rejection:
        return f"a rejection moves nothing and no policy is asked; sign it with `strongroom guardian reject {nonce}`"
    if decision.verdict is Verdict.DENY:
        return f"do not sign; `strongroom guardian reject {nonce}` uses up its nonce instead"
    if decision.verdict is Verdict.ASK:
        whom = asked_in_words(decision, review.document)
        asked = f"{decision.approvals_needed} guardians must sign{whom}"
        return f"{asked}, the Safe itself demands {review.facts.safe.threshold}{_not_counted(review)}"
    return f"within the policy; the Safe demands {review.facts.safe.threshold} signatures"


def _not_counted(review: Review) -> str:
    """Owners among the policy's guardians whose signature adds nothing here."""
    counted, owners = review.decision.guardians, review.facts.safe.owners
    others = [each for each in review.document.guardians.members if each in owners and each not in counted]
    names = ", ".join(guardian_name(each, review.document) for each in others)
    return f"; who is paid does not count: {names}" if names else ""


def proposal_data(
    proposal: Proposal, safe: SafeState, document: PolicyDocument, kernel: Address | None = None
) -> dict[str, Any]:
    """`proposal_lines` as JSON."""
    tx, queued = proposal.tx, proposal.queued
    return {
        "safe_tx_hash": proposal.safe_tx_hash,
        "chain_id": tx.account.chain_id,
        "safe": tx.account.safe,
        "nonce": tx.nonce,
        "to": tx.to,
        "value_wei": str(tx.value_wei),
        "operation": int(tx.operation),
        "data": "0x" + tx.data.hex(),
        "calls": list(describe_calls(proposal, document, safe.guard, kernel)),
        "rejection": proposal.is_rejection,
        "proposer": queued.proposer,
        "origin": queued.origin,
        "approvals": [approval.guardian for approval in queued.approvals],
        "threshold": safe.threshold,
    }


def review_data(review: Review) -> dict[str, Any]:
    """`review_lines` as JSON; findings and deltas in the model's plain form."""
    decision = review.decision
    return {
        **proposal_data(review.proposal, review.facts.safe, review.document, review.kernel),
        "block": review.facts.block.number,
        "rehearsal": to_plain(review.rehearsal),
        "verdict": str(decision.verdict),
        "findings": to_plain(decision.findings),
        "prospects": prospects_data(review),
        "approvals_needed": decision.approvals_needed,
        "guardians": list(decision.guardians),
        "quorums": to_plain(decision.quorums),
        "delay_seconds": decision.delay_seconds,
        "policy": decision.document_hash,
        "policy_named": review.proposal.policy_named,
        "installation": to_plain(review.installation),
        "changing": _changing_data(review.changing),
        "kernel_changing": kernel_changing_data(review.kernel_changing),
    }


def _changing_data(changing: Changing | None) -> dict[str, Any] | None:
    if changing is None:
        return None
    steps = [
        {
            "deed": str(step.deed),
            "does": str(step.meaning) if step.meaning else None,
            "change": step.change,
            "ready_at": step.ready_at,
            "expires_at": step.expires_at,
        }
        for step in changing.steps
    ]
    return {"guard": changing.guard.address, "is_whole": changing.is_whole, "steps": steps}
