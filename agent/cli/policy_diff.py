"""`strongroom policy diff`: what a changed policy lets happen that the former one did not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli import say
from agent.cli.reach import json_option

if TYPE_CHECKING:
    from policies.differing.change import Change
    from policies.differing.witness import Witness
    from policies.terms import PolicyDocument

_DRAWS = 1_000


@click.command("diff")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--draws", type=click.IntRange(0), default=_DRAWS, show_default=True, help="Plans tried for an example.")
@json_option
def diff(old: Path, new: Path, draws: int, as_json: bool) -> None:
    """What becomes looser or tighter from the policy OLD to the policy NEW, key by key.

    `unclear` is looser for some plans and tighter for others, or cannot be told: it counts as looser. Where anything is
    looser, plans around the limits of both are tried until the new policy judges one more mildly, and it is shown.

    Exits 0 where nothing is looser, and 1 where something is, or a document cannot be used.

    \b
    Examples:
      strongroom policy diff config/policy.toml /tmp/proposed.toml
      strongroom policy diff old.toml new.toml --json
    """
    from policies.differing.differences import differences, loosens
    from policies.differing.witness import find_witness
    from policies.document import load
    from strongroom.documents import read

    pair = load(read(old), str(old)), load(read(new), str(new))
    changes = differences(*pair)
    looser = loosens(changes)
    witness = find_witness(*pair, changes, draws) if looser else None
    data = _data(changes, looser, witness, pair, draws)
    say("\n".join(_lines(changes, data)), data, as_json)
    if looser:
        raise click.exceptions.Exit(1)


def _data(
    changes: tuple[Change, ...],
    looser: bool,
    witness: Witness | None,
    pair: tuple[PolicyDocument, PolicyDocument],
    draws: int,
) -> dict[str, Any]:
    from policies.differing.words import told

    rows = [{"direction": each.direction, "path": each.path, "said": each.said} for each in changes]
    return {
        "looser": looser,
        "changes": rows,
        "example": list(told(witness, pair)) if witness else None,
        "draws": draws if looser else 0,
    }


def _lines(changes: tuple[Change, ...], data: dict[str, Any]) -> Iterator[str]:
    if not changes:
        yield "both policies say the same"
        return
    yield from (f"{each.direction:7}  {each.path}: {each.said}" for each in changes)
    yield ""
    if not data["looser"]:
        yield "nothing is looser: no plan gets a milder verdict, or fewer guardians"
    elif data["example"]:
        yield "for example, before -> after:"
        yield from (f"  {'  ' if n else ''}{line}" for n, line in enumerate(data["example"]))
    else:
        yield f"no example among {data['draws']:,} plans: what is looser may need another world than"
        yield "these, or lie beyond the verdict on one plan, as delays, owners' rights and the Kernel's own terms do"
