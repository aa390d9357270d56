"""The bench's simulation on Ray, from an environment with Ray in it: reads tasks' parts from the command line, prints
seconds and the digest of all outcomes as one line of JSON."""

from __future__ import annotations

import json
import sys
import time

from bench.treasury import DAYS, MODEL, PATHS, SEED, TREASURY, digest
from simulations.treasury.workers import Task, ray, spread


def main() -> None:
    parts = int(sys.argv[1])
    execute = ray(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    whole = Task(MODEL, TREASURY, SEED, 0, PATHS, DAYS)
    # Its workers start, and load their kernels, with the first tasks.
    spread(Task(MODEL, TREASURY, SEED, 0, parts, 1), parts, execute)
    began = time.perf_counter()
    found = spread(whole, parts, execute)
    print(json.dumps({"seconds": time.perf_counter() - began, "digest": digest(found)}))


if __name__ == "__main__":
    main()
