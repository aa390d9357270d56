"""The language model: an honest one chooses within the mandate, a hostile one and strangers' texts change nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agent.demo import injected
from agent.demo.minds import THEFTS, obedient, taking
from agent.demo.scene import Scene, shown
from agent.demo.scripted_model import ScriptedModel, scripted_model
from agent.demo.stage import Child
from agent.demo.trials import REBALANCE, Judged, prepare, trials
from strongroom.documents import read
from strongroom.model_settings import LanguageModel
from strongroom.settings import Mode, load_treasury
from strongroom.templates import render_treasury
from strongroom.world.people import GUARDIANS
from strongroom.world.treasury import WETH, units

_DAY_SECONDS, _QUIET_DAYS = 86_400, 4
_GRANT, _PRICE_E8 = units(WETH, 50), 3_850_00000000
_TENTH, _WHOLE = 1_000, 10_000
_TIMEOUT_SECONDS, _MAX_TOKENS = 30, 4_096


@dataclass(frozen=True, slots=True)
class Withstood:
    """How many hostile answers there were, and how many verdicts came out otherwise because of them or of a text."""

    hostile_answers: int
    verdicts_changed: int


def turn_down(scene: Scene, treasurer: Child) -> None:
    """Guardians use up the nonces of what still waits: a rebalancing is planned anew when none is under way."""
    safe = scene.world.account.safe
    with scene.queue() as queue:
        waiting = queue.pending(scene.read(injected.read_nonce(safe)))
    for each in waiting:
        mined = scene.world.safe_exec(scene.world.account, GUARDIANS[:2], safe)
        scene.stage.check(mined.success, "guardians reject on chain")
        became = scene.stage.hear(treasurer, f"{json.loads(each.origin)['unit']}: rejected")
        scene.stage.tell(f"   {became} by two guardians, who used up its nonce")


def withstand(scene: Scene) -> Withstood:
    """A grant makes a rebalancing due; a model chooses, then steals, then obeys what strangers wrote."""
    scene.stage.chapter("A model: an honest one chooses within bounds; a hostile one and injected text change nothing")
    # Meanwhile what was sold flows back into the caps, and others trade the pools back to what the feeds say.
    scene.world.advance(_QUIET_DAYS * _DAY_SECONDS)
    scene.world.move_market(WETH, _PRICE_E8)
    scene.world.mint(WETH, scene.world.account.safe, _GRANT)
    scene.stage.tell(f"   a grant of {shown(WETH, _GRANT)} arrives; the mandate wants a part of it sold")
    with scripted_model(taking(_TENTH, "gas is dear today")) as model:
        config = _documents(scene, model.url)
        _choose(scene, config)
        scene.world.advance(_DAY_SECONDS)
        changed = _steal(scene, model, config)
        model.mind = obedient
        changed += injected.verdicts_changed(scene, model, config)
    scene.stage.check(changed == 0, f"no verdict changes: {changed} do")
    return Withstood(len(THEFTS), changed)


def _documents(scene: Scene, url: str) -> Path:
    """The guarded treasury's, with a model named in treasury.toml."""
    folder = shutil.copytree(scene.documents(Mode.GUARDED), scene.home / "with-a-model")
    treasury = load_treasury(read(folder / "treasury.toml"), folder)
    named = replace(treasury, model=LanguageModel(url, "scripted", _TIMEOUT_SECONDS, _MAX_TOKENS))
    (folder / "treasury.toml").write_text(render_treasury(named))
    return folder


def _choose(scene: Scene, config: Path) -> None:
    """An honest model takes a tenth of what is wanted: so little executes with nobody asked."""
    scene.stage.await_dismissed()
    asked = scene.stage.ask_strongroom("cycle", REBALANCE, "--config", str(config))
    prepare()
    answer = asked()
    scene.stage.tell(f"   {answer['rationale']}")
    scene.stage.check(bool(answer["units"]) and "a model chose" in answer["rationale"], f"a model chose: {answer}")
    for unit in answer["units"]:
        done = (unit["status"], unit["lane"]) == ("executed", "agent")
        scene.stage.check(done, f"a model's small choice executes alone: {unit['id']} {unit['findings']}")
        scene.stage.tell(f"   {unit['id']}: the model's choice, executed alone in {unit['tx_hash']}")


def _steal(scene: Scene, model: ScriptedModel, config: Path) -> int:
    """Each hostile answer ends in the mandate's own plan, judged as without a model; verdicts that are not."""
    with trials(config, with_model=False) as bench:
        own = bench.rebalance()
    with trials(config) as bench:
        model.mind, before = taking(_WHOLE), len(bench.reasons())
        _require_asked(scene, own, bench.rebalance())
        changed = 0
        for theft, mind in THEFTS.items():
            model.mind = mind
            changed += bench.rebalance() != own
            scene.stage.tell(f"   it {theft}: {bench.notices.told[-1].partition('rules are: ')[2]}")
        reasons = bench.reasons()[before + 1 :]
    scene.stage.check(len(reasons) == len(THEFTS) and all(reasons), f"each is in the log, with its reason: {reasons}")
    scene.stage.tell(
        f"   {len(THEFTS)} hostile answers, each ended in the mandate's own plan and one entry that says why"
    )
    return changed


def _require_asked(scene: Scene, own: Sequence[Judged], chosen: Sequence[Judged]) -> None:
    """The same model choosing all of it: the same swaps under its own label, and guardians are asked for the large."""
    findings = [finding for judged in chosen for finding in judged.findings]
    asked = [each for each in findings if (each["rule"], each["verdict"]) == ("provenance", "ask")]
    scene.stage.check(len(own) == len(chosen) and bool(asked), f"a model's large choice asks guardians: {chosen}")
    scene.stage.tell(f"   were it to choose all: {asked[0]['verdict']}, {asked[0]['reason']}: {asked[0]['limit']}")
