"""How long a whole world takes to build, anvil's start included."""

from __future__ import annotations

import json
import statistics
import time

RUNS = 7


def main() -> None:
    """Prints the first build with its imports, and the median of later ones."""
    first = time.perf_counter()
    from strongroom.world.world import World

    World.start().stop()
    cold = time.perf_counter() - first
    warm = [_build(World) for _ in range(RUNS)]
    print(f"first build, imports included  {cold:6.3f} s")
    print(f"median of {RUNS} later builds     {statistics.median(warm):6.3f} s   ({min(warm):.3f} to {max(warm):.3f})")
    metrics = {"world_seconds": round(statistics.median(warm), 4), "world_first_seconds": round(cold, 4)}
    print(json.dumps({"name": "world", "metrics": metrics}))


def _build(world: type) -> float:
    start = time.perf_counter()
    built = world.start()
    seconds = time.perf_counter() - start
    built.stop()
    return seconds


if __name__ == "__main__":
    main()
