"""PriceSource: one token's price from two feeds, on chain. Source: `contracts/src/PriceSource.sol`."""

from __future__ import annotations

from collections.abc import Sequence

from strongroom.model import NATIVE, Address, Token
from strongroom.protocols.abi import encode_arguments

_CONFIG = "(address,uint8,address[2],uint32[2],uint16,address)"


def constructor_arguments(
    token: Token, feeds: Sequence[Address], max_age_seconds: int, max_deviation_bps: int
) -> bytes:
    """`PriceConfig`: two feeds, the age and spread up to which they count, and no sequencer to watch."""
    ages = [max_age_seconds, max_age_seconds]
    return encode_arguments([_CONFIG], [(token.address, token.decimals, list(feeds), ages, max_deviation_bps, NATIVE)])
