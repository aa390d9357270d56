"""`simulate treasury` starts from what the node says the Safe holds, at the prices of its feeds."""

from __future__ import annotations

import json

import pytest

from agent import example
from strongroom.settings import Mode
from strongroom.world.treasury import HALL, PRICES_E8, TREASURY, WETH
from tests.agent.conftest import Run
from tests.agent.house import House


def test_the_start_is_what_the_safe_holds_at_the_newest_block(house: House, run: Run) -> None:
    """Ether at the middle of its two sources; the DAO's own token, which follows no history, is named and left out.
    The example's jobs rebalance, so trades are forecast."""
    texts = example.documents(house.world, house.service, house.home / "state", Mode.SHADOW)
    config = example.write(texts, house.home / "documents")
    words = ("simulate", "treasury", "--config", config, "--paths", 20, "--days", 40, "--json")
    code, out, err = run(*words)
    assert code == 0, err
    found = json.loads(out)
    decimals = {token: 6 if token == "USDC" else 18 for token in TREASURY.holdings}
    middle = {token: (low + high) / 2e8 for token, (low, high) in PRICES_E8.items()}
    middle["ETH"] = middle[WETH]
    held = sum(
        units / 10 ** decimals[token] * middle[token] for token, units in TREASURY.holdings.items() if token != HALL
    )
    assert found["not_counted"] == [HALL]
    assert found["nav_usd"] == pytest.approx(held, rel=1e-6)
    trades = found["forecasts"]["mandate.toml"]["measures"]
    assert trades["trades_allowed_mean"]["value"] + trades["trades_asked_mean"]["value"] > 0
    assert run(*words)[1] == out
