"""The errors' tree, as their module draws it."""

from __future__ import annotations

import re

from strongroom import errors


def test_the_drawn_tree_names_every_error_below_its_own_base() -> None:
    drawn: dict[str, str] = {}
    above: dict[int, str] = {0: "StrongroomError"}
    assert errors.__doc__
    for indent, name in re.findall(r"^([│ ]*)[├└]── (\w+)", errors.__doc__, re.MULTILINE):
        depth = len(indent) // 4 + 1
        drawn[name], above[depth] = above[depth - 1], name
    made = {each.__name__: each for each in vars(errors).values() if isinstance(each, type)}
    bases = {name: each.__base__.__name__ for name, each in made.items() if each.__base__ in made.values()}
    assert drawn == bases
