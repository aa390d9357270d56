"""A page as tests read it: parsed by the standard library, every tag closed where it must be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta"})


@dataclass
class Node:
    """An element with its attributes and what is in it, in order."""

    tag: str
    attributes: dict[str, str]
    inside: list[Node | str] = field(default_factory=list)

    def all(self, tag: str = "", **attributes: str) -> Iterator[Node]:
        for each in self.inside:
            if isinstance(each, Node):
                held = {key.rstrip("_"): value for key, value in attributes.items()}
                if tag in ("", each.tag) and all(
                    value in each.attributes.get(k, "").split() for k, value in held.items()
                ):
                    yield each
                yield from each.all(tag, **attributes)

    def one(self, tag: str = "", **attributes: str) -> Node:
        (found,) = self.all(tag, **attributes)
        return found

    @property
    def text(self) -> str:
        return "".join(each if isinstance(each, str) else each.text for each in self.inside)


class Tree(HTMLParser):
    """A page as nodes; a tag that is not closed where it must be is an error."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.root = Node("", {})
        self._open = [self.root]
        self.feed(page)
        self.close()
        assert self._open == [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self._open[-1].inside.append(node)
        if tag not in VOID:
            self._open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self._open[-1].inside.append(data)
