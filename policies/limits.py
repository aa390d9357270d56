"""The policy as plain numbers for planners and simulations: what is worth planning. The engine alone decides."""

from __future__ import annotations

from policies.debts import REPAYMENTS
from policies.kernel_rules import alone
from policies.markets import LENDING
from policies.terms import SWAPS, Cap, PolicyDocument
from policies.wrapping import WRAPS
from strongroom.model import Limits, TokenId

_ONE_FOR_ONE = (LENDING, WRAPS, REPAYMENTS)
"""Nothing is sold here."""


def limits(document: PolicyDocument) -> Limits:
    """Per token, units of one unit: the most that is ever allowed, and the most that goes without guardians.

    A planner sizes swaps, so the swaps class speaks where a token has one; else the strictest of the token's classes.
    A token without any cap is absent: nothing of it may move.
    """
    by_token = {token: _speaking(document, token) for token in document.tokens}
    return Limits(
        per_transaction_units={token: min(c.never_units for c in caps) for token, caps in by_token.items() if caps},
        ask_above_units={token: min(map(alone, caps)) for token, caps in by_token.items() if caps},
    )


def _speaking(document: PolicyDocument, token: TokenId) -> list[Cap]:
    swaps = document.cap(SWAPS, token)
    classes = [cap for cap in document.all_caps() if cap.token == token and cap.bucket_class not in _ONE_FOR_ONE]
    return [swaps] if swaps else classes
