"""Equal documents give equal hashes, roots and verdicts in any process: nothing hangs on the order of a set."""

from __future__ import annotations

import os
import subprocess
import sys

CODE = """
import json
from policies.cases import load_cases, run_cases, sample, samples
from policies.document import document_hash, load
from policies.grants import compile_policy
from strongroom.plain import to_plain

found = {}
for name in samples():
    policy, cases = sample(name)
    document = load(policy)
    compiled = compile_policy(document)
    decided = [to_plain(each.decision) for each in run_cases(document, load_cases(cases, document))]
    found[name] = [document_hash(document), compiled.root, to_plain(compiled.buckets), decided]
print(json.dumps(found))
"""


def answered(seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    ran = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=True)
    return ran.stdout


def test_hashes_roots_and_findings_are_the_same_in_any_process() -> None:
    first, *others = (answered(seed) for seed in ("0", "1", "20261123"))
    assert len(first) > 10_000
    assert others == [first, first]
