"""`strongroom init`: the four documents for a Safe, existing or yet to be made. Reads only; sends nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli import say
from agent.cli.reach import json_option
from strongroom.addresses import parse_address
from strongroom.errors import InputError
from strongroom.model import Address

if TYPE_CHECKING:
    from agent.onboarding.chains import KnownChain
    from agent.onboarding.drafts import Place

_DAY = 86_400
_OWN_SERVICE = "http://127.0.0.1:8000"
_FILE = click.Path(path_type=Path)
_THERE = click.Path(path_type=Path, exists=True, dir_okay=False)


class WhichSafe(InputError):
    def __init__(self) -> None:
        super().__init__(
            "`init` needs a Safe: give `--safe ADDRESS --rpc URL` for one that exists, "
            "or `--owners A,B,C --threshold 2 --rpc URL` for a new one"
        )


@click.command()
@click.option("--safe", metavar="ADDRESS", help="An existing Safe, 1.3.0 or newer.")
@click.option("--owners", metavar="A,B,C", help="Owners of a new Safe.")
@click.option("--threshold", type=int, default=2, show_default=True, help="Owners who must sign, in a new Safe.")
@click.option("--salt", type=int, default=0, show_default=True, help="Tells apart new Safes of the same owners.")
@click.option("--rpc", metavar="URL", help="A node of the Safe's chain.")
@click.option("--service", metavar="URL", help="The Safe Transaction Service with the owners' queue.")
@click.option("--folder", type=_FILE, default=Path("config"), show_default=True, help="Where the documents go.")
@click.option("--state", "state_dir", type=_FILE, help="Where ledger and keystore go.  [default: ~/.strongroom/SAFE]")
@click.option("--name", metavar="TEXT", help="What people call this treasury.")
@click.option("--days", type=click.IntRange(1), default=365, show_default=True, help="How far back to look for payees.")
@click.option("--chains", type=_THERE, help="Another chains.toml than the folder's, or ours; it is kept there.")
@json_option
def init(safe: str | None, owners: str | None, rpc: str | None, as_json: bool, **options: Any) -> None:
    """Write treasury.toml, mandate.toml, policy.toml and schedule.toml, in shadow mode.

    An existing Safe is read, never touched: version, owners, modules, guard, handler, balances, queue and past payees,
    who are proposed in comments and not trusted. For a new Safe, prints its address and the transaction that makes it.

    \b
    Examples:
      strongroom init --safe 0x5298... --rpc https://node.example --service https://safe.example
      strongroom init --owners 0x7099...,0x3C44...,0x90F7... --threshold 2 --rpc https://node.example
    """
    from agent.onboarding.chains import chains_in
    from agent.onboarding.drafts import NAMES
    from agent.onboarding.writing import require_free

    if not rpc or bool(safe) == bool(owners):
        raise WhichSafe
    require_free(options["folder"], NAMES)
    named, beside = options["chains"], chains_in(options["folder"])
    options["chains"] = named or beside
    if safe:
        _existing(parse_address(safe), rpc, as_json, options)
    else:
        members = tuple(parse_address(owner.strip()) for owner in (owners or "").split(","))
        _new(members, rpc, as_json, options)
    if named and not beside:
        # `doctor` and `policy deploy` look there for it.
        (options["folder"] / "chains.toml").write_text(named.read_text())


def _existing(safe: Address, rpc: str, as_json: bool, options: dict[str, Any]) -> None:
    from agent.onboarding.drafts import drafts
    from agent.onboarding.node import open_node
    from agent.onboarding.report import closing_lines, survey_data, survey_lines
    from agent.onboarding.survey import survey
    from agent.onboarding.warnings import warnings
    from agent.onboarding.writing import write

    with open_node(rpc, options["chains"]) as node, node.queue(options["service"], safe) as queue:
        found = survey(node.chain, node.transport, node.known, safe, queue, options["days"] * _DAY)
    written = write(drafts(found, _place(rpc, safe, node.known, options)), options["folder"])
    told = warnings(found)
    lines = [*survey_lines(found), *closing_lines(told, written, options["folder"])]
    data = {**survey_data(found), "warnings": list(told), "written": list(map(str, written))}
    say("\n".join(lines), data, as_json)


def _new(owners: tuple[Address, ...], rpc: str, as_json: bool, options: dict[str, Any]) -> None:
    from agent.onboarding.creation import plan_safe
    from agent.onboarding.drafts import new_drafts
    from agent.onboarding.node import open_node
    from agent.onboarding.report import closing_lines, new_safe_data, new_safe_lines
    from agent.onboarding.writing import write

    with open_node(rpc, options["chains"]) as node:
        new = plan_safe(node.chain, node.known, owners, options["threshold"], options["salt"])
    place = _place(rpc, new.account.safe, node.known, options)
    tokens = node.known.coin, *node.known.tokens.values()
    texts = new_drafts(new.account, node.known, owners, new.threshold, tokens, place)
    written = write(texts, options["folder"])
    told = ("one signature moves everything; take `--threshold 2` or more",) if new.threshold == 1 else ()
    lines = [*new_safe_lines(new), *closing_lines(told, written, options["folder"])]
    data = {**new_safe_data(new), "warnings": list(told), "written": list(map(str, written))}
    say("\n".join(lines), data, as_json)


def _place(rpc: str, safe: Address, known: KnownChain, options: dict[str, Any]) -> Place:
    from agent.onboarding.drafts import Place

    state_dir = options["state_dir"] or Path.home() / ".strongroom" / safe
    return Place(
        name=options["name"] or f"Safe {safe}",
        rpc=rpc.rstrip("/"),
        service=(options["service"] or known.service or _OWN_SERVICE).rstrip("/"),
        state_dir=state_dir.expanduser().resolve(),
    )
