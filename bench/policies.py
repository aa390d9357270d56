"""The policy engine beside its peers: `python bench/policies.py [--rounds N]`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def main() -> None:
    # Python puts this folder first, where this very file would be the package `policies`.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from bench import deciding

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=500)
    rounds, metrics = parser.parse_args().rounds, {}
    # Each measure prints its own table and gives its metrics; another one joins by its name here.
    for measure in (deciding.measure,):
        metrics |= measure(rounds)
    print(json.dumps({"name": "policies", "metrics": metrics}))


if __name__ == "__main__":
    main()
