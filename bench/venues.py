"""Exact quotes of Balancer, Aave, tokenized vaults and Curve: thousands at every boundary against the deployed
contracts; of Curve, whose bytecode no package holds, against what its code answered when it was recorded, and against
curvesim."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.curve import PEER, REQUIREMENT, peer_answers, recorded_answers
from simulations.pools.curve import Generation
from tests.simulations.lending import lending_answers
from tests.simulations.vaults import vault_answers
from tests.simulations.venue_cases import stable_answers, weighted_answers

SHOWN = 3
CAMPAIGNS = {
    "balancer_weighted": lambda draw: weighted_answers(draw, 24, 40),
    "balancer_stable": lambda draw: stable_answers(draw, 24, 40),
    "erc4626": lambda draw: vault_answers(draw, 500),
    "aave_v3": lambda draw: lending_answers(draw, 10, 300),
    "curve_3pool": lambda _: recorded_answers(Generation.THREE_POOL),
    "curve_template": lambda _: recorded_answers(Generation.TEMPLATE),
    "curve_ng": lambda _: recorded_answers(Generation.NG),
}


def main() -> None:
    """Prints each venue's campaign and its first mismatches, then one line of JSON."""
    metrics: dict[str, int] = {}
    print(f"{'venue':20} {'quotes':>8} {'refused':>8} {'wrong':>6}")
    for name, campaign in CAMPAIGNS.items():
        metrics |= run(name, campaign(random.Random(51)))
    try:
        metrics |= run(f"curve_{PEER}", peer_answers(random.Random(52)))
    except RuntimeError as error:
        print(f"{REQUIREMENT} is missing: {error}")
    print(json.dumps({"name": "venues", "metrics": metrics}))
    if any(count for name, count in metrics.items() if name.endswith("_mismatches")):
        sys.exit(1)


def run(name: str, answers: Iterator[tuple[Any, Any, Any]]) -> dict[str, int]:
    """Quotes asked, refused by the contract, and answered otherwise by us."""
    quotes, refused, wrong = 0, 0, []
    for asked, ours, theirs in answers:
        quotes, refused = quotes + 1, refused + (theirs is None)
        if ours != theirs:
            wrong.append((asked, ours, theirs))
    print(f"{name:20} {quotes:8} {refused:8} {len(wrong):6}")
    for each in wrong[:SHOWN]:
        print("  asked, ours, theirs:", *each)
    return {f"{name}_quotes": quotes, f"{name}_refusals": refused, f"{name}_mismatches": len(wrong)}


if __name__ == "__main__":
    main()
