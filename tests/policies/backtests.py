"""What tests of backtests share: entries of a service read as a history, and a history replayed."""

from __future__ import annotations

import json
from typing import Any

from policies.backtesting.judging import Judgement
from policies.backtesting.reading import read_history
from policies.backtesting.replay import replay, stretches
from policies.backtesting.rows import History
from policies.backtesting.scene import Prices
from policies.terms import PolicyDocument
from tests.policies import histories


def read(entries: list[dict[str, Any]], policy: PolicyDocument, name: str = "page.json") -> History:
    return read_history([(name, json.dumps({"results": entries}))], policy)


def replayed(history: History, policy: PolicyDocument, prices: Prices = {}, **keys: Any) -> list[Judgement]:  # noqa: B006
    (stretch,) = stretches(history.rows, 1, policy)
    return list(replay(stretch, prices, policy, **keys))


def made(policy: PolicyDocument, kind: str) -> dict[str, Any]:
    maker = histories.Maker(policy, 3, 3_600)
    maker.time += 60
    entry: dict[str, Any] = getattr(maker, kind)()
    return entry
