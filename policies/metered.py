"""One amount that counts against the caps, and the class in which a token counts when somebody gets it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from policies.markets import LENDING
from policies.remembering import kept
from policies.terms import SWAPS, Cap, PolicyDocument
from strongroom.model import NATIVE, Address, Outflow, TokenId


# No dataclass: hundreds are made for each unit, and a frozen one takes four times as long to make.
class Metered(NamedTuple):
    """Units that moved at `timestamp`, or are about to, with the class they count in; `None` counts in every class."""

    token: TokenId
    units: int
    recipient: Address
    bucket_class: str | None
    timestamp: int

    @property
    def counterparty(self) -> str:
        """Who gets it, as far as tiers are concerned: all pools are one, and all markets, so that no split hides a
        swap or a loan."""
        return self.bucket_class if self.bucket_class in (SWAPS, LENDING) else self.recipient

    def counts_in(self, cap: Cap) -> bool:
        return self.token == cap.token and self.bucket_class in (None, cap.bucket_class)


def of_outflows(outflows: Iterable[Outflow], document: PolicyDocument) -> Iterator[Metered]:
    """What left as it is metered, in the same order."""
    class_ = class_of(document)
    for each in outflows:
        token, recipient = each.token, each.recipient
        yield Metered(token, each.units, recipient, class_(token, recipient), each.timestamp)


@kept
def class_of(document: PolicyDocument) -> Callable[[TokenId, Address], str | None]:
    """The class that a token counts in when this recipient gets it."""
    lent, classes = _lent_at(document), _classes(document)
    return lambda token, recipient: LENDING if (token, recipient) in lent else classes.get(recipient)


def _lent_at(document: PolicyDocument) -> frozenset[tuple[TokenId, Address]]:
    """What is lent goes to the share's contract or the vault, and a share that is given back is burned."""
    shares = document.shares()
    lent = {(reserve.token, reserve.share) for _, reserve in shares.values()} | {(share, NATIVE) for share in shares}
    return frozenset(lent | {(vault.token, vault.address) for vault in document.vaults.values()})


def _classes(document: PolicyDocument) -> Mapping[Address, str]:
    """The class of each known address; a payee's own comes first."""
    pools = {pool.address: SWAPS for pool in document.pools()}
    return pools | {payee.address: payee.bucket_class for payee in reversed(tuple(document.payees.values()))}
