"""The record: whether the ledger holds, what the chain holds of it, and every entry with its proof."""

from __future__ import annotations

from collections.abc import Iterator

from guardians.report.chain import Unseen
from guardians.report.contents import Contents
from guardians.report.markup import Markup, join, tag, trusted, visible
from guardians.report.naming import moment
from guardians.report.plainly import mapping, text
from guardians.report.record import Proof
from guardians.report.story import anchorings
from strongroom.ledger.checkpoint import Head
from strongroom.ledger.entries import Entry

_LARGEST_SHOWN = 3_000
"""Bytes of an entry that are printed in full; facts and rehearsals are longer."""


def standing(contents: Contents) -> Markup:
    """The one banner at the top: intact and how far anchored, or what does not hold."""
    fault, record = contents.record.fault, contents.record
    if fault is not None:
        where = "it cannot be said where" if fault.index is None else f"entry {fault.index}"
        what = f"The ledger is NOT intact: {where}: {fault.reason}."
        then = "Only entries before it are shown, and nothing on this page is vouched for. Restore the state folder."
        return tag("div", tag("strong", what), tag("p", then), class_="banner fault", role="alert")
    return tag(
        "div",
        tag("strong", f"The ledger is intact: {len(record.entries)} entries verify. "),
        tag("span", _anchored_words(contents)),
        class_="banner",
    )


def _anchored_words(contents: Contents) -> str:
    if isinstance(contents.chain, Unseen):
        return f"The chain was not compared: {contents.chain.why}."
    if contents.chain.anchor is None:
        return "It is not anchored: no registry holds a head of it, so whoever keeps the folder could rewrite it."
    size, rest = contents.chain.anchor.head.size, len(contents.record.entries) - contents.chain.anchor.head.size
    if size == 0:
        return "The registry holds no head of it yet."
    return f"The chain holds the head of the first {size}; {rest} {'is' if rest == 1 else 'are'} not anchored yet."


def evidence(contents: Contents) -> Markup:
    """Heads and anchors, how to check them by hand, and the entries."""
    pairs = ((tag("dt", name), tag("dd", value)) for name, value in _heads(contents))
    return join(
        tag("dl", pairs, class_="facts wide-facts"),
        _by_hand(contents),
        tag("div", (_entry(each, contents) for each in contents.entries), class_="entries"),
    )


def _heads(contents: Contents) -> Iterator[tuple[str, Markup | str]]:
    record = contents.record
    if record.fault is not None:
        yield "Fault", record.fault.reason
    if record.unfinished:
        yield "Interrupted", f"{record.unfinished}; the next start puts it right"
    newest = record.head
    yield "Newest head", join(f"{newest.size} entries, root ", _hash(newest.root))
    anchor = None if isinstance(contents.chain, Unseen) else contents.chain.anchor
    if anchor is None:
        yield "Anchored", _anchored_words(contents)
        return
    yield "Anchored head", join(f"{anchor.head.size} entries, root ", _hash(anchor.head.root))
    yield "Registry", tag("span", anchor.registry, class_="hash")
    yield "For the Kernel", tag("span", anchor.kernel, class_="hash")
    read = join(f"{anchor.block.number} of ", moment(anchor.block.timestamp), " ")
    yield "Read at block", join(read, tag("span", anchor.block.hash, class_="hash"))
    if anchor.waiting:
        yield "Actions not yet covered", f"{anchor.waiting} of at most {anchor.most}, then the Kernel stops the agent"
    sent = [
        join(f"{each.size} entries at block {each.block} ", tag("span", each.tx_hash, class_="hash"))
        for each in anchorings(record.entries)
    ]
    if sent:
        yield "Anchored by", tag("ol", (tag("li", each) for each in sent))


def _by_hand(contents: Contents) -> Markup:
    steps = (
        "Ask a node of your own for log(Kernel) at the registry: size and root must be those above.",
        "An entry's leaf is SHA-256 of a zero byte and its exact bytes; strongroom ledger show N prints them.",
        "Fold its path as RFC 9162, section 2.1.3.2, says: the result must be the root.",
    )
    told = tag("summary", "How to check an entry without trusting this page")
    return tag("details", told, tag("ol", (tag("li", each) for each in steps)), class_="all")


def _entry(entry: Entry, contents: Contents) -> Markup:
    anchored = contents.anchored
    proof = contents.record.proof(entry.index, anchored) if anchored else None
    return tag(
        "details",
        tag(
            "summary",
            tag("span", str(entry.index), class_="index"),
            tag("span", entry.type, class_="type"),
            tag("span", _about(entry), class_="about"),
            tag("span", "anchored" if proof else "not anchored", class_="state" if proof else "state open"),
        ),
        _inside(entry, contents, proof),
        id=f"entry-{entry.index}",
    )


def _about(entry: Entry) -> str:
    body = entry.body
    return (
        text(body.get("unit"))
        or text(body.get("tool"))
        or ("the ledger's own anchoring" if "anchor" in body else "")
        or text(mapping(body.get("plan")).get("id"))
        or text(body.get("mode"))
        or ("facts" if "facts" in body else "")
    )


def _inside(entry: Entry, contents: Contents, proof: Proof | None) -> Markup:
    newest = contents.record.proof(entry.index, contents.record.head)
    pairs = ((tag("dt", name), tag("dd", value)) for name, value in _place(entry, proof or newest))
    return join(tag("dl", pairs, class_="facts"), _bytes(entry), _path(proof or newest, anchored=proof is not None))


def _place(entry: Entry, proof: Proof | None) -> Iterator[tuple[str, Markup | str]]:
    yield "Written", moment(entry.link.at)
    cause = entry.link.cause
    if cause is not None:
        yield "Because of", tag("a", f"entry {cause}", href=f"#entry-{cause}")
    if int(entry.binding, 16):
        yield "Binding", tag("span", entry.binding, class_="hash")
    if entry.concealed:
        count = len(entry.concealed)
        yield "Confidential", f"{count} {'field is' if count == 1 else 'fields are'} concealed in it"
    if proof is not None:
        yield "Leaf", tag("span", proof.leaf.hex(), class_="hash leaf")


def _bytes(entry: Entry) -> Markup:
    """Exactly what the tree hashes, where it is short and holds nothing that a page would have to alter."""
    shown = entry.raw.decode(errors="replace")
    head, _, rest = shown.partition("\n")
    if len(entry.raw) > _LARGEST_SHOWN or any(_altered(part) for part in (head, rest)):
        told = f"{len(entry.raw):,} bytes; strongroom ledger show {entry.index} prints them"
        return tag("p", told, class_="quiet")
    return tag("pre", head, trusted("\n"), _whole(rest), class_="raw")


def _altered(part: str) -> bool:
    return "\ufffd" in part or any(visible(each) != each for each in _pieces(part))


def _pieces(part: str) -> Iterator[str]:
    """`visible` cuts long texts; these pieces are short enough."""
    return (part[start : start + 500] for start in range(0, len(part), 500))


def _whole(part: str) -> Markup:
    return join(*_pieces(part))


def _path(proof: Proof | None, *, anchored: bool) -> Markup:
    if proof is None:
        return tag("p", "No proof: this entry is in no head that holds.", class_="note")
    return tag(
        "div",
        tag("p", _under(proof.head, anchored)),
        tag("ol", (tag("li", node.hex(), class_="hash") for node in proof.path), class_="path"),
        class_="proof",
    )


def _under(head: Head, anchored: bool) -> str:
    whose = "that the chain holds" if anchored else "that is newest here; the chain does not hold it yet"
    return f"Its path, leaf side first, to the head of {head.size} entries {whose}:"


def _hash(raw: bytes) -> Markup:
    return tag("span", f"0x{raw.hex()}", class_="hash")
