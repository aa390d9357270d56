"""`strongroom rekey`: what the owners sign to replace the agent's key for ever."""

from __future__ import annotations

from pathlib import Path

import click

from agent.cli import say
from agent.cli.reach import config_option, json_option


@click.command()
@click.argument("new_agent", metavar="ADDRESS")
@click.option("--drop", "dropped", multiple=True, help="A guardian to remove in the same step. May be repeated.")
@config_option
@json_option
def rekey(new_agent: str, dropped: tuple[str, ...], config: Path, as_json: bool) -> None:
    """Print the two steps that give the Kernel a new agent and burn the old key. Nothing is signed or sent.

    \b
    Example:
      strongroom rekey 0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc
    """
    from agent.app import open_documents
    from strongroom.addresses import parse_address
    from strongroom.errors import BadValue
    from strongroom.protocols.kernel import encode_announce, encode_rekey

    treasury = open_documents(config).treasury
    if treasury.kernel is None:
        raise BadValue("nothing", "`kernel` in treasury.toml", "name the Kernel; `strongroom policy deploy` plans one")
    call = encode_rekey(parse_address(new_agent), [parse_address(each) for each in dropped])
    announcement = "0x" + encode_announce(call).hex()
    data = {"kernel": treasury.kernel, "announce": announcement, "rekey": "0x" + call.hex()}
    text = "\n".join(
        [
            f"1. The owners sign a Safe transaction: to {treasury.kernel}, value 0, data",
            f"   {announcement}",
            f"2. After the Kernel's delay any guardian or owner sends: to {treasury.kernel}, data",
            f"   {data['rekey']}",
            "3. An owner removes the old delegate at the transaction service and adds the new one.",
        ]
    )
    say(text, data, as_json)
