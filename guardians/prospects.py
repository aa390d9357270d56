"""What the policy would have let go instead of a proposal, in the words that the treasurer's operators read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from guardians.review import Review
from policies.explaining.explanation import Explanation, explain
from policies.explaining.words import explanation_data, prospect_lines
from policies.scenario import Judged
from strongroom.model import Verdict


def explained(review: Review) -> Explanation | None:
    """`None` where there is nothing to better: an allow, a rejection, who commands the Safe, and where more than the
    policy's rules judged."""
    asked_of_policy = not (review.proposal.is_rejection or review.installation or review.changing)
    if review.decision.verdict is Verdict.ALLOW or not asked_of_policy:
        return None
    proposal = review.proposal
    found = explain(Judged(proposal.compiled, proposal.tx, review.rehearsal, review.facts), review.document)
    return found if found.decision == review.decision else None


def prospects_of(review: Review) -> Iterator[str]:
    """Lines as `strongroom policy explain` prints them."""
    found = explained(review)
    if found:
        yield from prospect_lines(found, review.document)


def prospects_data(review: Review) -> list[dict[str, Any]]:
    """The `prospects` of docs/explain.md."""
    found = explained(review)
    return explanation_data(found, review.document)["prospects"] if found else []
