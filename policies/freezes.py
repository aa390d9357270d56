"""Freezes as the policy has them: times in which nothing moves, such as a governance vote, an audit or a migration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from policies.markets import LENDING
from policies.moments import parse_moment, write_moment
from strongroom.documents import Table
from strongroom.errors import BadValue
from strongroom.model import TokenId

if TYPE_CHECKING:
    from policies.terms import PolicyDocument

_LONGEST_REASON = 200
_SWAPS = "swaps"

COMMENT = """\
# Freezes: from the moment `from` until just before `until` nothing that moves value passes, whoever signs, standing
# orders included; what is lent may still come home. Moments are days or `2026-11-22 14:00 UTC`. With `classes` or
# `tokens` only these stand still. The Kernel knows no freeze: pause it where a stolen key must be stopped as well."""
ABSENT = """\
# Nothing is frozen. Each such row stops what moves value, for a vote, an audit or a migration:
#
# [[freezes]]
# from = "2026-12-18"
# until = "2026-12-21 12:00 UTC"
# reason = "vote on the new treasury policy"
"""


@dataclass(frozen=True, slots=True)
class Freeze:
    """Nothing moves at Unix seconds from `begins_at` (inclusive) to `ends_at` (exclusive). Only moves of the classes
    and tokens named are meant; empty: of all."""

    begins_at: int
    ends_at: int
    reason: str
    classes: tuple[str, ...] = ()
    tokens: tuple[TokenId, ...] = ()

    def in_force(self, second: int) -> bool:
        return self.begins_at <= second < self.ends_at

    def means(self, tokens: frozenset[TokenId], bucket_class: str | None) -> bool:
        """Whether a move of any of these tokens in this class is frozen. `None`, a class nobody knows, is every
        class."""
        by_class = not self.classes or bucket_class is None or bucket_class in self.classes
        return by_class and (not self.tokens or not tokens.isdisjoint(self.tokens))


def freezes(rows: Iterable[Table]) -> tuple[Freeze, ...]:
    """The rows [[freezes]], the earliest first, however they are written."""
    return tuple(sorted((_freeze(row) for row in rows), key=astuple))


def _freeze(row: Table) -> Freeze:
    """Raises `BadValue` where it ends before it begins, or says no reason."""
    with row:
        begins_at = parse_moment(row.text("from"), row.path("from"))
        ends_at = parse_moment(row.text("until"), row.path("until"))
        if ends_at <= begins_at:
            mend = "`until` is the first moment at which things move again, so it lies after `from`"
            raise BadValue(row.text("until"), row.path("until"), mend)
        tokens = tuple(TokenId(text) for text in sorted(row.texts("tokens", ())))
        return Freeze(begins_at, ends_at, _reason(row), tuple(sorted(row.texts("classes", ()))), tokens)


def _reason(row: Table) -> str:
    reason = row.text("reason")
    if not reason.strip() or len(reason) > _LONGEST_REASON or not reason.isprintable():
        shown = reason.encode("unicode_escape").decode()
        raise BadValue(shown, row.path("reason"), f"write one line of at most {_LONGEST_REASON} characters")
    return reason


def check_freezes(document: PolicyDocument, name: str) -> None:
    """Raises `BadValue` for a class or token that the policy does not have: it would freeze nothing."""
    for number, each in enumerate(document.freezes, 1):
        where = f"[[freezes]] {number} of {name}"
        for key, named, known in (
            ("classes", each.classes, (*document.caps, _SWAPS, LENDING)),
            ("tokens", each.tokens, tuple(document.tokens)),
        ):
            for one in named:
                if one not in known:
                    mend = "name one of " + ", ".join(f"`{each}`" for each in dict.fromkeys(known))
                    raise BadValue(one, f"`{key}` in {where}", mend)


def freeze_lines(freezes: tuple[Freeze, ...], section: Callable[..., Iterator[str]]) -> Iterator[str]:
    """The rows as policy.toml has them, or how one would look."""
    if not freezes:
        yield ABSENT
    for number, each in enumerate(freezes):
        times = {"from": write_moment(each.begins_at), "until": write_moment(each.ends_at)}
        meant = {"classes": list(each.classes) or None, "tokens": list(each.tokens) or None}
        yield from section("" if number else COMMENT, "[[freezes]]", **times, reason=each.reason, **meant)
