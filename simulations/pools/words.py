"""Numbers of 256 bits in arrays: words of the chain, four limbs of 64 bits each, the lowest first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LIMBS = 4
"""Of a word."""
Words = NDArray[np.uint64]
"""Numbers below 2^256, of shape (n, 4)."""


def to_words(numbers: Sequence[int]) -> Words:
    """The numbers as words. Raises `ValueError` for one that is negative or needs more than 256 bits."""
    for number in numbers:
        if not 0 <= number < 1 << 256:
            raise ValueError(f"`{number}` is not a number of 256 bits; give 0 to 2^256 - 1")
    data = b"".join(number.to_bytes(8 * LIMBS, "little") for number in numbers)
    return np.frombuffer(data, np.dtype("<u8")).astype(np.uint64).reshape(-1, LIMBS)


def from_words(words: Words) -> list[int]:
    """The words as numbers."""
    data = words.astype("<u8").tobytes()
    return [int.from_bytes(data[at : at + 8 * LIMBS], "little") for at in range(0, len(data), 8 * LIMBS)]
