"""The policy engine beside its peers: `python bench/policies.py [--rounds N]`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def main() -> None:
    # Python puts this folder first, where this very file would be the package `policies`.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from bench.deciding import measure

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=500)
    print(json.dumps({"name": "policies", "metrics": measure(parser.parse_args().rounds)}))


if __name__ == "__main__":
    main()
