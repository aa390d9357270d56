"""`strongroom policy twap`: a second price for a token that has one feed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from agent.cli import say
from agent.cli.reach import config_option, json_option


@click.command()
@click.argument("token", metavar="TOKEN")
@click.option("--pool", required=True, metavar="ADDRESS", help="The Uniswap V3 pool of TOKEN and the quote.")
@click.option("--quote", required=True, metavar="TOKEN", help="The pool's other token; its first feed prices it.")
@click.option("--window", default="1 hour", show_default=True, help="Averaged over so long, 30 minutes to 1 day.")
@click.option("--min-liquidity", type=int, help="Below it there is no price; default: half of what is in use now.")
@config_option
@json_option
def twap(
    token: str, pool: str, quote: str, window: str, min_liquidity: int | None, config: Path, as_json: bool
) -> None:
    """Plan a feed from a pool's average price, for a token that has one Chainlink feed only. Nothing is sent.

    Where the pool is held away from the market, the two sources disagree and swaps of the token stop.

    \b
    Example:
      strongroom policy twap HALL --pool 0x88e6A0c2dDD26FEEb64F039a2c41296FcB3f5640 --quote WETH --window "1 hour"
    """
    from agent.twap import plan_twap
    from strongroom.addresses import parse_address
    from strongroom.quantities import parse_seconds

    seconds = parse_seconds(window, "--window")
    answer = plan_twap(config, token, quote, parse_address(pool), seconds, min_liquidity)
    say("\n".join(_lines(answer)), answer, as_json)


def _lines(answer: Mapping[str, Any]) -> Iterator[str]:
    yield f"feed of {answer['token']}  {answer['feed']}"
    yield f"liquidity in use {answer['liquidity']:,}; below {answer['min_liquidity']:,} on average there is no price"
    if answer["stands"]:
        yield "1. It stands already."
    else:
        yield f"1. Anybody sends, with any wallet: to {answer['to']}, value 0, data"
        yield f"   {answer['data']}"
    yield f"2. Then, in [tokens.{answer['token']}] of policy.toml:"
    yield f"   feeds = {json.dumps(answer['feeds'])}"
    if len(answer["feeds"]) == 1:
        yield f"   {answer['token']} needs a Chainlink feed beside it: two independent sources, or it is not priced"
