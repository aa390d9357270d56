"""USD amounts in words, to the cent, rounded against whoever asks."""

from __future__ import annotations

from strongroom.quantities import format_units

_E8_IN_CENT = 10**6


def usd_down(value_e8: int) -> str:
    """`1,234.56 USD`, rounded down: for what there is, or may still be used."""
    return f"{format_units(value_e8 // _E8_IN_CENT, 2)} USD"


def usd_up(value_e8: int) -> str:
    """`1,234.57 USD`, rounded up: for what is lost or spent."""
    return f"{format_units(-(-value_e8 // _E8_IN_CENT), 2)} USD"
