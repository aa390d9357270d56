"""Which of a unit's moves the rules of time bind: all that move value, but for what comes home."""

from __future__ import annotations

from policies.case import Case
from policies.conversions import Conversion
from policies.delays import moves_announced
from policies.dues import claimed
from policies.effects import Exchange, Move, Payment, Permission, Rebase
from policies.markets import LENDING
from policies.metering import orders_paid, queued_payments
from policies.terms import SWAPS, PolicyDocument
from strongroom.model import SafeTx, TokenId


def moving(case: Case) -> tuple[Move, ...]:
    """The moves that time binds: every one, also of a kind unknown here, but for three. An approval moves nothing by
    itself, the watch's mark is no value, and what is lent may always come home: a market in trouble waits for no
    Monday."""
    return tuple(m for m in case.moves if not isinstance(m, Permission | Rebase) and not _comes_home(m, case.document))


def moving_beside_orders(case: Case) -> tuple[Move, ...]:
    """Those without payments of standing orders, which the owners have agreed to in amount, payee and time."""
    others = (move for move in moving(case) if not isinstance(move, Payment))
    return (*payments_beside_orders(case), *others)


def payments_beside_orders(case: Case) -> tuple[Payment, ...]:
    """The unit's payments that are no standing order's."""
    return claimed(case.payments, orders_paid(case), case.document)[1]


def payments_waiting(case: Case) -> tuple[Payment, ...]:
    """What else waits to be paid, in the guardians' queue or announced to the Kernel, standing orders too. What waits
    at the unit's own nonce is the unit itself, or is replaced by it."""
    own_nonce = case.action.nonce if isinstance(case.action, SafeTx) else None
    announced = (move for move in moves_announced(case.facts, case.document) if isinstance(move, Payment))
    return (*queued_payments(case.facts, case.document, own_nonce), *announced)


def touched(move: Move, document: PolicyDocument) -> tuple[frozenset[TokenId], str | None] | None:
    """The tokens that a move gives or takes, and its class, `None` for one nobody knows; `None` for a move of a kind
    unknown here."""
    if isinstance(move, Payment):
        payee = document.payee_at(move.recipient)
        return frozenset({move.token}), payee.bucket_class if payee else None
    if isinstance(move, Exchange):
        return frozenset({move.token_in, move.token_out}), SWAPS
    if isinstance(move, Conversion):
        return frozenset({move.token_in, move.token_out}), LENDING
    return None


def _comes_home(move: Move, document: PolicyDocument) -> bool:
    return isinstance(move, Conversion) and not move.is_supply and move.beneficiary == document.account.safe
