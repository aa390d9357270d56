"""Address poisoning and homographs: an address that a person takes for a known one because both ends look alike, and a
name that is written like another in other letters."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from policies.remembering import kept
from strongroom.errors import BadValue
from strongroom.model import NATIVE, Address

if TYPE_CHECKING:
    from policies.terms import PolicyDocument

_SHOWN = 4
"""Wallets and explorers shorten an address to about this many digits at each end."""
_OTHERS = (
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445"
    "\u0456\u0458\u0455\u04bb\u04cf\u0501\u051b\u051d"
    "\u03b1\u03b2\u03b5\u03b7\u03b9\u03ba\u03bc\u03bd\u03bf\u03c1\u03c4\u03c5"
    "\u03c7"
    "01"
)
_LATIN = "abekmhopctyxijshldqwabehikmvoptuxol"
_CONFUSED = str.maketrans(_OTHERS, _LATIN)
"""Cyrillic and Greek letters, and digits, that typefaces draw like a Latin letter in either case, after Unicode's
confusables (UTS #39)."""
_PAIRS = (("rn", "m"), ("vv", "w"))


def lookalike(one: Address, other: Address) -> bool:
    """Whether two different addresses share their first and last four hexadecimal digits, in any case."""
    return _shape(one) == _shape(other) and one.lower() != other.lower()


def _shape(address: Address) -> str:
    return (address[2 : 2 + _SHOWN] + address[-_SHOWN:]).lower()


def imitated(address: Address, known: Iterable[Address]) -> Address | None:
    """The known address that `address` could be taken for, if any."""
    return next((candidate for candidate in known if lookalike(address, candidate)), None)


def imitates_known(address: Address, document: PolicyDocument) -> Address | None:
    """Of `known_addresses` the first that `address` could be taken for, if any."""
    alike, written = _by_shape(document).get(_shape(address), ()), address.lower()
    return next((known for known in alike if known.lower() != written), None)


@kept
def _by_shape(document: PolicyDocument) -> Mapping[str, Sequence[Address]]:
    by_shape = defaultdict[str, list[Address]](list)
    for address in known_addresses(document):
        by_shape[_shape(address)].append(address)
    return by_shape


def homograph(one: str, other: str) -> bool:
    """Whether two different names look the same at a glance: in other letters, digits for letters, or another case."""
    return one != other and not _drawn(one).isdisjoint(_drawn(other))


def _drawn(name: str) -> set[str]:
    """How a name looks: an upper-case I may be read as either letter that it resembles."""
    plain = unicodedata.normalize("NFKC", name)
    return {_folded(plain), _folded(plain.replace("I", "l"))}


def _folded(text: str) -> str:
    folded = text.casefold().translate(_CONFUSED)
    for pair, letter in _PAIRS:
        folded = folded.replace(pair, letter)
    return folded


def known_addresses(document: PolicyDocument) -> tuple[Address, ...]:
    """Everybody whom a recipient could be taken for: the Safe, the payees, the guardians, and the contracts that the
    policy names."""
    venues = (each for venue in document.venues.values() for each in (venue.router, *(p.address for p in venue.pools)))
    markets = (
        each for market in document.markets.values() for each in (market.pool, *(r.share for r in market.reserves))
    )
    found = (
        document.account.safe,
        *(payee.address for payee in document.payees.values()),
        *document.guardians.members,
        *document.kernel.pause_only,
        *(listed.token.address for listed in document.tokens.values()),
        *venues,
        *markets,
        *(vault.address for vault in document.vaults.values()),
    )
    return tuple(dict.fromkeys(each for each in found if each != NATIVE))


def check_lookalikes(document: PolicyDocument, name: str) -> None:
    """Raises `BadValue` for a payee whose address looks like another known one, and for two names of a kind that look
    the same."""
    before = [address for address in known_addresses(document) if document.payee_at(address) is None]
    for payee in document.payees.values():
        if twin := imitated(payee.address, before):
            known = document.payee_at(twin)
            whose = f"payee `{known.id}`" if known else f"`{twin}`, which the policy names too"
            raise BadValue(
                payee.address, f"payee `{payee.id}` in {name}", f"it looks like {whose}; compare both in full"
            )
        before.append(payee.address)
    for kind, names in _kinds(document):
        for one, other in combinations(names, 2):
            if homograph(one, other):
                raise BadValue(other, f"{kind} of {name}", f"it looks like `{one}`; give one of them another name")


def _kinds(document: PolicyDocument) -> Iterator[tuple[str, Iterable[str]]]:
    yield "[payees]", document.payees
    yield "[tokens]", document.tokens
    yield "[guardians.members]", document.guardians.names
