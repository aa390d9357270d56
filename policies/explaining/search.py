"""The nearest change that gets a unit a better verdict: the engine itself is asked, over and over, and every boundary
is seen on both sides before it is told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from math import isqrt

from policies.case import open_case
from policies.engine import decide, judge
from policies.explaining.counterfactuals import Change, Counterfactual, LeaveOut, Lower, Wait
from policies.explaining.parts import amount_of, take_apart
from policies.explaining.scaling import with_amount, without
from policies.explaining.timing import at
from policies.orders import Order
from policies.rules import RULES
from policies.scenario import Judged
from policies.terms import PolicyDocument
from strongroom.model import Decision, Intent, Pay, Swap, TokenId, Verdict


@dataclass(frozen=True, slots=True)
class Question:
    """How does this unit, denied or asked about, get `verdict` or better?"""

    judged: Judged
    document: PolicyDocument
    decision: Decision
    verdict: Verdict

    def grants(self, changed: Judged | None) -> bool:
        """Whether the engine gives a changed unit the wanted verdict."""
        return changed is not None and self.grants_under(self.document, changed)

    def grants_under(self, document: PolicyDocument, judged: Judged) -> bool:
        """The same under a changed policy. Who objected is asked first: mostly that settles it, and faster."""
        case = open_case(judged.compiled, judged.action, judged.rehearsal, judged.facts, document)
        objecting = {name: RULES[name] for name in self._objecting() if name in RULES}
        return all(judge(case, rules).verdict.rank <= self.verdict.rank for rules in (objecting, RULES) if rules)

    def _objecting(self) -> Iterator[str]:
        return (each.rule for each in self.decision.findings if each.verdict.rank > self.verdict.rank)


def verdict_on(judged: Judged, document: PolicyDocument) -> Verdict:
    """The engine's verdict."""
    return decide(judged.compiled, judged.action, judged.rehearsal, judged.facts, document).verdict


def lowered(question: Question) -> Iterator[Counterfactual]:
    """For each intent the largest amount that gets the verdict with all others as they are."""
    if take_apart(question.judged.compiled, question.document) is None:
        return
    for place, intent in enumerate(question.judged.compiled.unit.intents):
        most = _largest(question, place, amount_of(intent))
        yield from (found(question, each) for each in _lowers(question, place, intent, most))


def _largest(question: Question, place: int, units: int) -> int:
    """Zero where not even one unit does."""

    def is_fine(less: int) -> bool:
        return question.grants(with_amount(question.judged, place, less, question.document))

    if units <= 1 or not is_fine(1):
        return 0
    return boundary(is_fine, units, 1, (units - each for each in _overshoots(question.decision)))


def _lowers(question: Question, place: int, intent: Intent, most: int) -> Iterator[Lower]:
    token, units = token_of(intent), amount_of(intent)
    if most:
        yield Lower(place, token, most, units)
    # A due order is paid whatever the caps have left, but at no other amount: such islands no bisection finds.
    for order in _smaller_orders(intent, question.document):
        changed = with_amount(question.judged, place, order.units, question.document)
        if most < order.units and question.grants(changed):
            yield Lower(place, token, order.units, units, order.id)


def _smaller_orders(intent: Intent, document: PolicyDocument) -> Iterator[Order]:
    for order in document.orders.values():
        same = isinstance(intent, Pay) and (intent.payee.value, intent.token.value) == (order.payee, order.token)
        if same and order.units < amount_of(intent):
            yield order


def _overshoots(decision: Decision) -> Iterator[int]:
    """By how much findings miss their limits: where they count the token itself, that much less is the boundary."""
    return (-each.measure.margin for each in decision.findings if each.measure and each.measure.margin < 0)


def left_out(question: Question) -> Iterator[Counterfactual]:
    """Each single intent without which the rest gets the verdict; where there is none, the intents that are left out
    when first come is first kept: none of them fits beside those that stay."""
    places = range(len(question.judged.compiled.unit.intents))
    if len(places) < 2:
        return
    alone = [LeaveOut((place,)) for place in places if _goes_without(question, {place})]
    fewest = tuple(sorted(_crowded_out(question, places))) if not alone else ()
    if fewest and len(fewest) < len(places) and _goes_without(question, fewest):
        alone = [LeaveOut(fewest)]
    yield from (found(question, each) for each in alone)


def _crowded_out(question: Question, places: Iterable[int]) -> set[int]:
    out = set(places)
    # Twice: what comes later may make room for what came before, as a withdrawal does for a payment.
    for place in [*places, *places]:
        if place in out and _goes_without(question, out - {place}):
            out.remove(place)
    return out


def _goes_without(question: Question, places: Collection[int]) -> bool:
    return question.grants(without(question.judged, places, question.document))


def boundary(is_fine: Callable[[int], bool], bad: int, fine: int, guesses: Iterable[int] = ()) -> int:
    """The integer that is fine and whose neighbour towards `bad` is not; `bad` and `fine` are known to be what they are
    called. Exact where all between turn once; where they do not, one such boundary."""
    towards_bad = 1 if bad > fine else -1
    for guess in guesses:
        if min(bad, fine) < guess < max(bad, fine) and is_fine(guess) and not is_fine(guess + towards_bad):
            return guess
    start = bad
    while abs(bad - fine) > 1:
        middle = start - towards_bad * _middle(abs(start - bad), abs(start - fine))
        bad, fine = (bad, middle) if is_fine(middle) else (middle, fine)
    return fine


def _middle(near: int, far: int) -> int:
    """Between two distances: first by how many digits they differ, for most limits are missed by little and a widest
    lies a long way off."""
    return isqrt(max(near, 1) * far) if far > 8 * max(near, 1) else (near + far) // 2


def apply(change: Change, judged: Judged, document: PolicyDocument) -> Judged | None:
    """The unit after a change of the unit itself; `None` where it cannot be made."""
    if isinstance(change, Lower):
        return with_amount(judged, change.place, change.units, document)
    if isinstance(change, LeaveOut):
        return without(judged, change.places, document)
    return at(judged, change.until) if isinstance(change, Wait) else judged


def found(question: Question, change: Change) -> Counterfactual:
    """The change, which gets the wanted verdict or better, with the very verdict that the engine gives after it."""
    changed = apply(change, question.judged, question.document)
    assert changed is not None  # it was just judged
    # Nothing is better than an allow: no need to ask again.
    known = question.verdict is Verdict.ALLOW
    return Counterfactual(change, question.verdict if known else verdict_on(changed, question.document))


def token_of(intent: Intent) -> TokenId:
    """The token that the intent's amount counts."""
    return intent.token_in.value if isinstance(intent, Swap) else intent.token.value
