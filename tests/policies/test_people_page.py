"""What docs/people.md shows is what loads: every block of it, with addresses for the dots."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from policies.document import load
from policies.template import render
from policies.terms import PolicyDocument
from strongroom.listings import load_listings
from strongroom.model import TokenId

USDC = TokenId("USDC")
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "people.md").read_text()
BLOCKS = [
    "\n".join(line[4:] for line in block.splitlines()) for block in re.findall(r"(?:^(?:    .*)?\n)+", PAGE, re.M)
]


def block(head: str) -> str:
    """The one indented block that begins with this table."""
    (found,) = [each.strip() for each in BLOCKS if each.strip().startswith(head)]
    return found


def addressed(text: str, *addresses: str) -> str:
    for address in addresses:
        text = text.replace('"0x…"', f'"{address}"', 1)
    return text


def test_the_tiers_of_the_page_load(document: PolicyDocument) -> None:
    text = addressed(block("[guardians]"), *document.guardians.members)
    tables, _, tiers = text.partition("[caps.team.USDC]")
    cap = replace(document.caps["team"][USDC], never_units=10**12, tiers=())
    bare = replace(document, caps={**document.caps, "team": {**document.caps["team"], USDC: cap}})
    whole = render(bare).replace("[caps.team.USDC]", f"[caps.team.USDC]{tiers}")
    before, rest = whole.split("[guardians]\n", 1)
    loaded = load(before + tables + rest[rest.index("\n# ") :])
    assert list(loaded.guardians.names) == ["carol", "dave", "erin"]
    first, second, third = loaded.caps["team"][USDC].tiers
    assert (first.named, second.named, third.delay_seconds) == ((), ("carol", "dave"), 2 * 86_400)


def test_the_payee_of_the_page_loads(document: PolicyDocument) -> None:
    member = document.guardians.members[0]
    text = addressed(block("[payees.alice]"), member)
    payee = load(render(document).replace("[payees.alice]", text)).payees["alice"]
    assert (payee.operator, payee.guardian) == ("alice", member)


def test_lists_and_models_of_the_page_load(document: PolicyDocument) -> None:
    stranger = "0x71C7656EC7ab88b098defB751B7401B5f6d8976F"
    tables = addressed(block("[sanctions]"), stranger) + "\n" + block("[models]")
    loaded = load(f"{render(document)}\n{tables}\n")
    assert loaded.sanctions and loaded.models
    (listing,) = load_listings(block("[lists.ofac]"))
    assert listing.name in loaded.sanctions.sources
    assert list(listing.entries.values()) == ["SDN 33151"]
