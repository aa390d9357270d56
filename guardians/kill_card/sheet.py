"""The card as a page to print: what stops everything largest and first, how it all works at the foot."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from guardians.kill_card.cards import Card, KillCard, Step
from guardians.kill_card.wording import (
    HOUR,
    HOW,
    REMOVAL,
    REMOVAL_WHEN,
    SENDERS,
    dated,
    letters,
    places,
    plain,
    removal_body,
    removal_message,
    removal_path,
)
from guardians.report.markup import Markup, join, tag, trusted

_STYLE = Path(__file__).with_name("sheet.css")
_PIECE = 64
"""Characters of one text that may not be cut short: markup shows only so much of a longer one."""


def page(card: KillCard) -> str:
    """One A4 page of HTML; no script, nothing fetched. Each calldata is one hexadecimal string, however it is set."""
    style = _STYLE.read_text(encoding="utf-8")
    return join(trusted("<!doctype html>\n"), tag("html", _head(card, style), _body(card), lang="en"), trusted("\n"))


def _head(card: KillCard, style: str) -> Markup:
    allowed = b64encode(sha256(style.encode()).digest()).decode()
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=f"default-src 'none'; style-src 'sha256-{allowed}'"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"Kill card: {plain(card.name)}"),
        tag("style", trusted(style)),
    )


def _body(card: KillCard) -> Markup:
    return tag(
        "body",
        tag("header", tag("h1", f"Kill card: {plain(card.name)}"), tag("p", dated(card))),
        (_card(number, each) for number, each in enumerate(card.cards, 1)),
        _removal(len(card.cards) + 1, card) if card.delegations else None,
        tag("dl", _places(card), class_="places"),
        tag("footer", (tag("p", each) for each in card.missing), tag("p", HOW)),
    )


def _card(number: int, card: Card) -> Markup:
    """What one guardian does at once stands largest."""
    largest = number == 1 and card.steps[0].id == "pause"
    return tag(
        "section",
        tag("h2", f"{number} {card.title}"),
        tag("p", card.when, class_="when"),
        tag("div", (tag("p", each) for each in card.notes), class_="notes"),
        tag("ol", _steps(card)),
        class_="first" if largest else "card",
    )


def _steps(card: Card) -> Iterator[Markup]:
    for letter, step in zip(letters(len(card.steps)), card.steps, strict=True):
        yield tag(
            "li",
            tag("p", _letter(letter), f"{SENDERS[step.by]} to ", tag("code", step.to, class_="to")),
            tag("p", f"{step.function} is the data ", _data(step)),
            class_="step",
        )


def _letter(letter: str) -> Markup | None:
    return tag("span", letter, class_="letter") if letter.strip() else None


def _data(step: Step) -> Markup:
    """Each ABI word in a piece of its own, for whoever types it from paper; no character stands between them."""
    selector, words = step.data[:4].hex(), step.data[4:].hex()
    return tag("code", f"0x{selector}", (tag("span", each) for each in _whole(words)), class_="data")


def _whole(text: str) -> Iterator[str]:
    yield from (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))


def _places(card: KillCard) -> Iterator[Markup]:
    for name, address, word in places(card):
        yield tag("dt", name)
        yield tag("dd", tag("code", address), f" {word}" if word else None)


def _removal(number: int, card: KillCard) -> Markup:
    requests = (
        tag("p", tag("code", f"DELETE {removal_path(each)} ", *removal_body(card, each)), class_="step data")
        for each in card.delegations
    )
    return tag(
        "section",
        tag("h2", f"{number} {REMOVAL}"),
        tag("p", REMOVAL_WHEN, class_="when"),
        tag(
            "p",
            "In Safe{Wallet}: Settings, Setup, Proposers. Or the owner signs this (EIP-712) "
            f"with {HOUR} = Unix time / 3600 rounded down, and asks the service that hour to DELETE:",
        ),
        tag("p", tag("code", _whole(removal_message(card))), class_="step data"),
        requests,
        class_="card",
    )
