"""curvesim's own stableswap pool, which rounds as the 3pool does and knows no limit of 256 bits: pools and swaps as
JSON on standard input, what each swap gives as JSON on standard output."""

from __future__ import annotations

import json
import sys
from typing import Any


def main() -> None:
    from curvesim.pool.stableswap import CurvePool

    asked = json.load(sys.stdin)
    json.dump([[_given(CurvePool, row, *swap) for swap in row["swaps"]] for row in asked], sys.stdout)


def _given(pool: Any, row: dict[str, Any], into: int, outof: int, units: int) -> int | None:
    made = pool(row["amp"], list(row["balances"]), len(row["rates"]), list(row["rates"]), fee=row["fee"])
    try:
        return int(made.exchange(into, outof, units)[0])
    except (AssertionError, ZeroDivisionError):
        return None


if __name__ == "__main__":
    main()
