"""What is computed once is computed for each value anew, and never mistaken for another's."""

from __future__ import annotations

from dataclasses import dataclass, replace

from policies.remembering import kept, once


class Value:
    """Equal to any other: only identity tells them apart."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


def test_a_value_is_computed_once_and_an_equal_one_again() -> None:
    seen: list[Value] = []

    @once
    def place(value: Value) -> int:
        seen.append(value)
        return len(seen)

    one, other = Value(), Value()
    assert [place(one), place(one), place(other), place(one)] == [1, 1, 2, 1]


def test_all_values_count_and_few_are_kept() -> None:
    calls = []

    @once
    def joined(one: Value, other: Value) -> int:
        calls.append((one, other))
        return len(calls)

    first, *others = (Value() for _ in range(6))
    assert joined(first, first) == 1
    assert [joined(first, other) for other in others] == [2, 3, 4, 5, 6]
    assert joined(first, first) == 7


def test_an_error_is_not_remembered() -> None:
    @once
    def failing(value: list[int]) -> int:
        return value[0]

    empty: list[int] = []
    try:
        failing(empty)
    except IndexError:
        empty.append(5)
    assert failing(empty) == 5


def test_a_new_value_in_the_place_of_one_that_is_gone_is_not_taken_for_it() -> None:
    """Identities are used again as soon as a value is gone, so what is remembered must not go."""

    @once
    def first(value: list[int]) -> int:
        return value[0]

    assert [first([number]) for number in range(100)] == list(range(100))


@dataclass(frozen=True)
class Frozen:
    number: int


def test_what_is_kept_in_a_value_is_computed_once_and_anew_for_a_changed_one() -> None:
    seen: list[int] = []

    @kept
    def doubled(value: Frozen) -> int | None:
        seen.append(value.number)
        return 2 * value.number or None

    one = Frozen(1)
    assert [doubled(one), doubled(one), doubled(replace(one, number=0)), doubled(Frozen(1))] == [2, 2, None, 2]
    assert seen == [1, 0, 1]


def test_two_functions_keep_their_results_apart_and_equality_knows_none() -> None:
    @kept
    def next_of(value: Frozen) -> int:
        return value.number + 1

    @kept
    def last_of(value: Frozen) -> int:
        return value.number - 1

    one = Frozen(1)
    assert (next_of(one), last_of(one), next_of(one)) == (2, 0, 2)
    assert one == Frozen(1) and repr(one) == repr(Frozen(1)) and hash(one) == hash(Frozen(1))
