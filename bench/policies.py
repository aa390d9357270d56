"""The policy engine beside its peers: `python bench/policies.py [--rounds N] [--rows N]`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def main() -> None:
    # Python puts this folder first, where this very file would be the package `policies`.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from bench.backtesting import measure_rows
    from bench.deciding import measure

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--rows", type=int, default=100_000, help="of the history that is backtested")
    asked = parser.parse_args()
    print(json.dumps({"name": "policies", "metrics": measure(asked.rounds) | measure_rows(asked.rows)}))


if __name__ == "__main__":
    main()
