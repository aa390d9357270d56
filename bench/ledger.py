"""The ledger against the disk it writes to and against pymerkle: `python bench/ledger.py [--kills N] [--mutations N]`.

Raw fdatasync is measured in the same run, in turn with the appends, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
from threading import Thread

from strongroom.ledger.checkpoint import Head, LogKey
from strongroom.ledger.file_ledger import FileLedger
from strongroom.ledger.frames import walk
from strongroom.ledger.merkle import Tree, includes, leaf_hash
from strongroom.ledger.proof import Proof
from strongroom.ledger.verification import verify
from strongroom.model import Account, Address

ACCOUNT = Account(31337, Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"))
BODY = {"unit": "payroll-2026-11", "amount": "1000000000000000000", "calls": [{"data": "0x" + "cd" * 68, "value": "0"}]}
FIELDS = {f"field{n}": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed" for n in range(6)}
BLOCKS, BLOCK = 20, 100
WRITER = """
import os, sys
from pathlib import Path
from strongroom.ledger.file_ledger import FileLedger
from strongroom.model import Account, Address
class Clock:
    def now(self): return 1790000000
ledger = FileLedger.open(Path(sys.argv[1]), Account(31337, Address(sys.argv[2])), Clock(), {})
while True:
    os.write(1, b"%d\\n" % ledger.append("tool.req", {"pid": os.getpid()}, confidential={"secret": "s"}).index)
"""


class WallClock:
    def now(self) -> int:
        return int(time.time())


def timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def percentile_us(seconds: list[float], share: float) -> float:
    return round(sorted(seconds)[int(len(seconds) * share)] * 1e6, 1)


def opened(folder: Path) -> FileLedger:
    return FileLedger.open(folder, ACCOUNT, WallClock(), {})


def append(ledger: FileLedger) -> int:
    return ledger.append("rehearsal", BODY, confidential=FIELDS).index


def single(folder: Path) -> dict[str, float]:
    """Durable appends one after another, in turn with raw appends of as many bytes."""
    ledger, raw = opened(folder / "single"), os.open(folder / "raw", os.O_WRONLY | os.O_CREAT)
    append(ledger)
    record = list(walk((folder / "single" / "log").read_bytes()))[-1]
    data = b"x" * (record.end - record.start)
    ours: list[float] = []
    disk: list[float] = []
    computing = 0.0
    for _ in range(BLOCKS):
        disk += [timed(lambda: (os.write(raw, data), os.fdatasync(raw))) for _ in range(BLOCK)]
        before = time.process_time()
        ours += [timed(lambda: append(ledger)) for _ in range(BLOCK)]
        computing += time.process_time() - before
    ledger.close()
    os.close(raw)
    return {
        "entry_bytes": len(data),
        "raw_fdatasync_per_s": round(len(disk) / sum(disk)),
        "append_per_s": round(len(ours) / sum(ours)),
        "append_vs_raw": round(sum(disk) / sum(ours), 3),
        "append_cpu_us": round(computing / len(ours) * 1e6, 1),
        "append_p50_us": percentile_us(ours, 0.5),
        "append_p99_us": percentile_us(ours, 0.99),
        "raw_p99_us": percentile_us(disk, 0.99),
    }


def shared(folder: Path, writers: int = 8, each: int = 2000) -> dict[str, float]:
    """Eight threads on one ledger; each append returns when it is durable."""
    ledger = opened(folder / "shared")
    threads = [Thread(target=lambda: [append(ledger) for _ in range(each)]) for _ in range(writers)]

    def run() -> None:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    seconds = timed(run)
    ledger.close()
    reopening = timed(lambda: opened(folder / "shared").close())
    verifying = timed(lambda: verify(folder / "shared"))
    size = writers * each
    return {
        "writers8_per_s": round(size / seconds),
        "open_per_s": round(size / reopening),
        "verify_per_s": round(size / verifying),
    }


def proofs(leaves: int = 1_000_000) -> dict[str, float]:
    """Inclusion proofs in a tree of a million, and the size of a portable one with two witnesses."""
    tree = Tree()
    building = timed(lambda: [tree.append(sha256(b"\x00%d" % n).digest()) for n in range(leaves)])
    root = tree.root()
    chosen = [random.randrange(leaves) for _ in range(5000)]
    making = [timed(lambda i=i: tree.inclusion(i)) for i in chosen]  # type: ignore[misc]
    paths = [(i, tree.leaf(i), tree.inclusion(i)) for i in chosen]
    checking = [timed(lambda p=p: includes(root, leaves, p[0], p[1], p[2])) for p in paths]  # type: ignore[misc]
    key, origin = LogKey(bytes(32)), "strongroom/" + "0" * 32
    note = key.sign(origin, Head(leaves, root)).note
    witnesses = "".join("— witness.example/w " + "A" * 100 + "\n" for _ in range(2))
    return {
        "tree_append_per_s": round(leaves / building),
        "prove_p50_us": percentile_us(making, 0.5),
        "prove_p99_us": percentile_us(making, 0.99),
        "check_p50_us": percentile_us(checking, 0.5),
        "check_p99_us": percentile_us(checking, 0.99),
        "portable_proof_bytes": len(Proof(leaves - 2, tree.inclusion(leaves - 2), note + witnesses).encode().encode()),
    }


def peer(leaves: int = 20_000) -> dict[str, float]:
    """pymerkle in memory, the same tree; it keeps no log and syncs nothing."""
    from pymerkle import InmemoryTree
    from pymerkle.proof import verify_inclusion

    tree = InmemoryTree(algorithm="sha256")
    for n in range(leaves):
        tree.append_entry(b"%d" % n)
    root = tree.get_root()
    chosen = [random.randrange(1, leaves + 1) for _ in range(1000)]
    made = [(timed(lambda i=i: tree.prove_inclusion(i)), tree.prove_inclusion(i), i) for i in chosen]  # type: ignore[misc]
    checked = [
        timed(lambda p=p, i=i: verify_inclusion(leaf_hash(b"%d" % (i - 1)), root, p))  # type: ignore[misc]
        for _, p, i in made
    ]
    return {
        "pymerkle_leaves": leaves,
        "pymerkle_prove_p50_us": percentile_us([seconds for seconds, _, _ in made], 0.5),
        "pymerkle_check_p50_us": percentile_us(checked, 0.5),
    }


def kills(folder: Path, count: int) -> dict[str, float]:
    """SIGKILL a writing process at a random moment, `count` times over one ledger."""
    acknowledged: set[int] = set()
    for _ in range(count):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder / "killed"), ACCOUNT.safe], stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        with child.stdout as out:
            seen = [out.readline() for _ in range(random.randint(1, 40))]
            child.kill()
            seen += out.read().splitlines(keepends=True)
        child.wait()
        acknowledged |= {int(line) for line in seen if line.endswith(b"\n")}
    report = verify(folder / "killed") if count else None
    lost = sum(index >= report.size for index in acknowledged) if report else 0
    return {
        "kills": count,
        "kill_acknowledged": len(acknowledged),
        "kill_lost": lost,
        "kill_ok": not report or report.ok,
    }


def mutations(folder: Path, count: int) -> dict[str, float]:
    """Flip, cut out, exchange or repeat bytes anywhere in a closed log; how many were found, and named to the entry."""
    ledger = opened(folder / "mutated")
    for _ in range(20):
        append(ledger)
    ledger.close()
    log = (folder / "mutated" / "log").read_bytes()
    ends = [record.end for record in walk(log)]
    found = named = 0
    for _ in range(count):
        changed, offset = mutated(log)
        (folder / "mutated" / "log").write_bytes(changed)
        fault = verify(folder / "mutated").fault
        found += fault is not None
        named += fault is not None and fault.index == sum(end <= offset for end in ends)
    return {"mutations": count, "mutations_found": found, "mutations_named": named}


def mutated(log: bytes) -> tuple[bytes, int]:
    """A changed copy, and the first offset at which it differs."""
    while True:
        start, width = random.randrange(len(log)), random.randint(1, 300)
        end = min(len(log), start + width)
        changed = random.choice(
            [
                log[:start] + bytes([log[start] ^ 1 << random.randrange(8)]) + log[start + 1 :],
                log[:start] + log[end:],
                log[:end] + log[start:],
                log[:start] + log[start:end][::-1] + log[end:],
                log[:start],
            ]
        )
        if changed != log:
            differs = (n for n, (a, b) in enumerate(zip(log, changed, strict=False)) if a != b)
            return changed, next(differs, min(len(log), len(changed)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--mutations", type=int, default=1000)
    parser.add_argument("--folder", type=Path, help="where to write; the disk under it is what is measured")
    asked = parser.parse_args()
    folder = Path(mkdtemp(prefix="ledger-", dir=asked.folder))
    metrics: dict[str, float] = {}
    try:
        metrics |= single(folder) | shared(folder) | proofs() | peer()
        metrics |= kills(folder, asked.kills) | mutations(folder, asked.mutations)
    finally:
        shutil.rmtree(folder)
    for name, value in metrics.items():
        print(f"{name:24s} {value:>14,}")
    print(json.dumps({"name": "ledger", "metrics": metrics}))


if __name__ == "__main__":
    main()
