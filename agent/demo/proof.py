"""The proof: the log is anchored on chain, verifies to the last byte, and cannot be rewritten."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agent.demo.scene import Scene
from strongroom.settings import Mode


@dataclass(frozen=True, slots=True)
class Proven:
    entries: int
    verified: bool
    anchored_size: int


def anchor(scene: Scene) -> None:
    """The first head goes to the registry."""
    answer = scene.stage.strongroom("ledger", "anchor", "--config", str(scene.documents(Mode.GUARDED)))
    scene.stage.tell(f"   {answer['size']} entries anchored, root {answer['root']}")


def prove(scene: Scene) -> Proven:
    """A later head is anchored as an extension of the first; everything is recomputed; one changed byte is named."""
    scene.stage.chapter("Proof: the log is anchored on chain, and one flipped byte is found and named")
    anchor(scene)
    config = str(scene.documents(Mode.GUARDED))
    anchored = scene.anchored().size
    report = scene.stage.strongroom("ledger", "verify", "--config", config)
    scene.stage.tell(f"   {report['entries']} entries verify; the chain holds the head of the first {anchored}")
    scene.stage.check(0 < anchored <= report["entries"], "the anchored head is one of this log")
    scene.stage.tell(f"   {_tampered(scene)}")
    return Proven(report["entries"], True, anchored)


def page(scene: Scene) -> Path:
    """One page that tells the whole run, written where the demo was started."""
    out = Path.cwd() / "strongroom-demo.html"
    scene.stage.chapter("The page: what happened and why, for people")
    answer = scene.stage.strongroom("report", "--config", str(scene.documents(Mode.GUARDED)), "--out", str(out))
    scene.stage.check(answer["intact"], "the page tells an intact log")
    scene.stage.tell(f"   {out}: {answer['units']} units, {answer['entries']} entries with their proofs")
    return out


def _tampered(scene: Scene) -> str:
    """A copy of the log with one byte flipped, and what verification says of it."""
    import shutil

    from strongroom.ledger.verification import verify

    copy = scene.home / "tampered"
    shutil.copytree(scene.home / "state" / "ledger", copy)
    data = bytearray((copy / "log").read_bytes())
    data[len(data) // 3] ^= 1
    (copy / "log").write_bytes(bytes(data))
    fault = verify(copy).fault
    if fault is None:
        scene.stage.check(False, "a flipped byte is found")
        return ""
    return f"one flipped byte in a copy: entry {fault.index}, {fault.reason}"
