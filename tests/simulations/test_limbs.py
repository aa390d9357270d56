"""Numbers in limbs are added, multiplied and divided as whole numbers are, whatever their bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulations.pools.limbs import add, below, copy, divide, increment, length, multiply, subtract
from simulations.pools.words import from_words, to_words

ALL = 2**64 - 1
limb = st.one_of(st.sampled_from([0, 1, 2, 2**63 - 1, 2**63, 2**63 + 1, ALL - 1, ALL]), st.integers(0, ALL))


def numbers(most):
    """Up to so many limbs, lowest first, each of them often an extreme."""
    return st.lists(limb, min_size=1, max_size=most)


def laid(*parts):
    """The parts one after another, 12 limbs each, and the places where they begin."""
    memory = np.zeros(12 * (len(parts) + 2), np.uint64)
    for n, part in enumerate(parts):
        memory[12 * n : 12 * n + len(part)] = part
    return memory


def whole(limbs):
    return sum(int(each) << 64 * n for n, each in enumerate(limbs))


@given(numbers(7), numbers(6))
@example([0, 0, 2**63], [1, 2**63])  # the leading limbs are the same, and the largest digit is one too much
@example([0, 0, 0, 2**63], [1, 0, 2**63])
@example([ALL] * 7, [ALL] * 6)
@example([5, 4], [0, 0, 1])
def test_a_quotient_and_whether_a_remainder_is_left(dividend, divisor):
    if not whole(divisor):
        return
    memory = laid(dividend, divisor)
    rest = divide(memory, 24, memory, 0, len(dividend), memory, 12, len(divisor))
    assert whole(memory[24 : 24 + len(dividend)]) == whole(dividend) // whole(divisor)
    assert rest == (whole(dividend) % whole(divisor) > 0)


@given(numbers(4), numbers(4), st.integers(-3, 3))
def test_what_is_nearly_a_multiple_is_divided_exactly(one, other, off):
    product = whole(one) * whole(other) + off
    if whole(other) == 0 or product < 0:
        return
    memory = laid([product >> 64 * n & ALL for n in range(9)], other)
    assert divide(memory, 24, memory, 0, 9, memory, 12, len(other)) == (product % whole(other) > 0)
    assert whole(memory[24:33]) == product // whole(other)


@given(numbers(6), numbers(6))
def test_a_product_has_all_its_limbs(one, other):
    memory = laid(one, other)
    multiply(memory, 24, memory, 0, len(one), memory, 12, len(other))
    assert whole(memory[24 : 24 + len(one) + len(other)]) == whole(one) * whole(other)


@given(st.integers(1, 6), st.data())
def test_sums_and_differences_carry_and_compare(n, data):
    one, other = (data.draw(st.lists(limb, min_size=n, max_size=n)) for _ in range(2))
    memory, modulus = laid(one, other), 1 << 64 * n
    assert add(memory, 24, memory, 0, memory, 12, n) == (whole(one) + whole(other)) // modulus
    assert whole(memory[24 : 24 + n]) == (whole(one) + whole(other)) % modulus
    assert subtract(memory, 24, memory, 0, memory, 12, n) == (whole(one) < whole(other))
    assert whole(memory[24 : 24 + n]) == (whole(one) - whole(other)) % modulus
    assert below(memory, 0, memory, 12, n) == (whole(one) < whole(other))
    assert length(memory, 0, n) == -(-whole(one).bit_length() // 64)
    copy(memory, 24, memory, 0, n)
    increment(memory, 24, n)
    assert whole(memory[24 : 24 + n]) == (whole(one) + 1) % modulus


@given(st.lists(st.integers(0, 2**256 - 1), max_size=5))
def test_words_survive_a_round_trip(several):
    words = to_words(several)
    assert words.shape == (len(several), 4)
    assert from_words(words) == several


@pytest.mark.parametrize("bad", [-1, 2**256])
def test_a_number_that_is_no_word_is_named(bad):
    with pytest.raises(ValueError, match=f"`{bad}` is not a number of 256 bits"):
        to_words([0, bad])
