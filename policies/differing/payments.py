"""What a payee may get, and what standing orders pay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from policies.differing import shown
from policies.differing.change import Change, Direction, Place, Row
from policies.differing.entries import compare_entries, means
from policies.orders import Order
from policies.terms import Payee, PolicyDocument

_ANOTHER = "the Kernel does not know yet when an order under changed terms was paid last, so one payment may come early"
LOOSER, TIGHTER, UNCLEAR = Direction.LOOSER, Direction.TIGHTER, Direction.UNCLEAR


def _at_most(old: Any, new: Any, place: Place) -> Iterator[Change]:
    at = place.below("at_most")
    gone = means(TIGHTER, "gone: it is paid none")
    added = (lambda units, where: (LOOSER, f"{shown.units(units, where.new, where)} is new"), gone)
    listed = ({id_: (id_, units) for id_, units in each.max_units.items()} for each in (old, new))
    before, after = listed

    def more(one: Any, other: Any, where: Place) -> Iterator[Change]:
        direction = LOOSER if other[1] > one[1] else TIGHTER
        yield where.change(direction, shown.was(shown.units, one[1], other[1], where))

    new_token = (lambda pair, where: added[0](pair[1], where), gone)
    yield from compare_entries(before, after, at, new_token, more, lambda pair: pair[0])


MAX_UNITS = Row(("max_units",), _at_most)


def has_twin(order: Order, document: PolicyDocument) -> bool:
    """Whether another order has the same terms: then a payment that was made is either's, and which one shifts."""
    terms = (order.payee, order.token, order.units)
    return any(
        each.id != order.id and (each.payee, each.token, each.units) == terms for each in document.orders.values()
    )


def order_gone(order: Order, place: Place) -> tuple[Direction, str]:
    """An order that is no more: what it paid counts in the caps from now on."""
    said = f"gone: {shown.units(order.units, place.old, place)} to {order.payee} counts in the caps now"
    if has_twin(order, place.old):
        return UNCLEAR, f"{said}; what was paid before may now count as an equal order's"
    return TIGHTER, said


def order_new(order: Order, place: Place) -> tuple[Direction, str]:
    """An order more: paid outside the caps."""
    paid, apart = shown.units(order.units, place.new, place), shown.seconds(order.every_seconds, place.new, place)
    return LOOSER, f"new: {paid} to {order.payee} outside the caps, at least {apart} apart"


def _amount(old: Order, new: Order, place: Place) -> Iterator[Change]:
    said = f"exactly {shown.was(shown.units, old.units, new.units, place)}"
    if new.units > old.units:
        yield place.below("amount").change(LOOSER, said)
    else:
        yield place.below("amount").change(UNCLEAR, f"{said}; less is paid, and this amount is outside the caps now")


def _every(old: Order, new: Order, place: Place) -> Iterator[Change]:
    said = shown.was(shown.seconds, old.every_seconds, new.every_seconds, place)
    if new.every_seconds < old.every_seconds:
        yield place.below("every").change(LOOSER, said)
    else:
        # Of payments nearer to each other than `every`, a later one may now be the one that the order does not own.
        why = "less often; but where the payee got the same amount in between, another payment counts as the order's"
        yield place.below("every").change(UNCLEAR, f"{said}; {why}")


def _bounded(field: str, key: str, show: shown.Show, is_shorter: Callable[[int, int], bool]) -> Row:
    def judge(old: Order, new: Order, place: Place) -> Iterator[Change]:
        before, after = getattr(old, field), getattr(new, field)
        at, said = place.below(key), shown.was(show, before, after, place)
        yield at.change(UNCLEAR, f"{said}; {_ANOTHER}") if is_shorter(before, after) else at.change(LOOSER, said)

    return Row((field,), judge)


def _begins_later(old: int, new: int) -> bool:
    return new > old


def _ends_sooner(old: int, new: int) -> bool:
    """Zero is for ever."""
    return new > 0 and (old == 0 or new < old)


def _delay(old: Payee, new: Payee, place: Place) -> Iterator[Change]:
    at, said = place.below("delay"), shown.was(shown.seconds, old.delay_seconds, new.delay_seconds, place)
    if new.delay_seconds < old.delay_seconds:
        yield at.change(LOOSER, said)
    elif any(order.payee == new.id for order in place.new.orders.values()):
        yield at.change(UNCLEAR, f"{said}; each order of this payee becomes another one: {_ANOTHER}")
    else:
        yield at.change(TIGHTER, said)


DELAY = Row(("delay_seconds",), _delay)
ORDER_UNITS = Row(("units",), _amount)
ORDER_EVERY = Row(("every_seconds",), _every)
ORDER_FROM = _bounded("not_before", "from", shown.day, _begins_later)
ORDER_UNTIL = _bounded("not_after", "until", shown.day_after, _ends_sooner)
