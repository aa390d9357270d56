"""The page of a real run: shadow, the agent lane, a refusal, guardians' signatures, an anchor, and a transfer that no
entry explains. It is made with the agent off, parsed, and held against ledger and chain."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from hashlib import sha256
from html import escape
from pathlib import Path

import pytest

from agent.app import open_documents, open_treasurer
from agent.cli import strongroom
from agent.demo import guarded
from agent.demo.scene import PASSWORD, Scene, signing
from agent.demo.stage import Stage
from agent.demo.thief import watch_of
from agent.desk import OwnDesk
from guardians.report.breaker import Story
from guardians.report.chain import Seen, Unseen
from guardians.report.contents import Contents
from guardians.report.page import render
from guardians.report.plainly import usd, when
from guardians.report.writing import write_report
from guardians.server.serving import Server, open_service
from strongroom.clock import WallClock
from strongroom.errors import LedgerCorrupt
from strongroom.ledger.file_ledger import FileLedger
from strongroom.model import Digest, TokenId
from strongroom.notices import MemoryNotices
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.kernel import encode_announce, encode_pause, encode_rekey
from strongroom.protocols.watch import encode_rebase, encode_trip
from strongroom.quantities import format_units, parse_bps
from strongroom.settings import Mode
from strongroom.world.people import AGENT, GUARDIANS, NEXT_AGENT, OPERATOR, STRANGER
from strongroom.world.treasury import DAI, DECIMALS, TREASURY, USDC, WETH
from strongroom.world.world import World
from tests.guardians.pages import Node, Tree

MADE_AT = 1_800_000_000
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@dataclass(frozen=True)
class Told:
    """A run that is over: its world still answers, its processes are gone."""

    scene: Scene
    contents: Contents
    page: str
    tree: Node
    payroll: str
    swap: str
    refilled: str
    refused: str
    rejected: str
    stray: Digest
    began: int


@pytest.fixture(scope="module")
def told(module_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    home = tmp_path_factory.mktemp("report")
    with (
        pytest.MonkeyPatch.context() as patch,
        ExitStack() as stack,
    ):
        patch.setenv("STRONGROOM_PASSWORD", PASSWORD)
        yield _told(_scene(stack, module_world, home))


def _scene(stack: ExitStack, world: World, home: Path) -> Scene:
    service = stack.enter_context(open_service(world.url, ":memory:", WallClock()))
    server = stack.enter_context(Server(service))
    scene = Scene(Stage(lambda _: None, home, stack, dict(os.environ)), world, home, server.url)
    scene.register_delegate()
    return scene


def _told(scene: Scene) -> Told:
    with open_treasurer(open_documents(scene.documents(Mode.SHADOW)), MemoryNotices()) as shadow:
        OwnDesk(shadow).cycle("payroll")
    scene = guarded.install(scene)
    with open_treasurer(open_documents(scene.documents(Mode.GUARDED)), MemoryNotices()) as treasurer:
        desk = OwnDesk(treasurer)
        (payroll,) = desk.cycle("payroll")["units"]
        desk.cycle("lend")
        (refilled,) = desk.chat(OPERATOR.name, "withdraw 5,000 USDC from aave")["units"]
        (refused,) = desk.chat(OPERATOR.name, f"pay 100 USDC to {STRANGER.address}")["units"]
        (swap,) = desk.chat(OPERATOR.name, "swap 25 WETH to USDC")["units"]
        _sign(scene, swap["proposal"])
        treasurer.runner.poll()
        (rejected,) = desk.chat(OPERATOR.name, "swap 24 WETH to USDC")["units"]
        scene.world.safe_exec(scene.world.account, GUARDIANS[:2], scene.world.account.safe)
        treasurer.runner.poll()
        desk.anchor()
    began = scene.world.now()
    usdc = scene.world.contracts.tokens[USDC]
    stray = scene.world.safe_exec(
        scene.world.account, GUARDIANS[:2], usdc, encode_transfer(STRANGER.address, 7_000_000)
    )
    _stopped(scene)
    out = scene.home / "report.html"
    contents = write_report(scene.home / Mode.GUARDED, out, MADE_AT)
    page = out.read_text()
    ids = (each["id"] for each in (payroll, swap, refilled, refused, rejected))
    return Told(scene, contents, page, Tree(page).root, *ids, stray.tx_hash, began)


def _stopped(scene: Scene) -> None:
    """A guardian pauses, the owners re-key; then ether falls and a stranger trips the watch."""
    world, kernel, watch = scene.world, scene.kernel_address, watch_of(scene)
    assert world.send_as(GUARDIANS[2].address, kernel, encode_pause()).success
    call = encode_rekey(NEXT_AGENT.address)
    assert world.safe_exec(world.account, GUARDIANS[:2], kernel, encode_announce(call)).success
    world.advance(3_600)
    assert world.send_as(GUARDIANS[0].address, kernel, call).success
    assert world.safe_exec(world.account, GUARDIANS[:2], watch, encode_rebase()).success
    world.fall(WETH, 3_500)
    assert world.send_as(STRANGER.address, watch, encode_trip()).success
    world.mine(5)
    assert world.send_as(STRANGER.address, watch, encode_trip()).success


def _sign(scene: Scene, proposal: str) -> None:
    with scene.queue() as queue:
        for guardian in GUARDIANS[:2]:
            queue.post_confirmation(Digest(proposal), signing(guardian)(bytes.fromhex(proposal[2:])))


def unit(told: Told, name: str) -> Node:
    (found,) = (each for each in told.tree.all("section", class_="unit") if each.one("span", class_="id").text == name)
    return found


def test_each_unit_is_told_with_payees_exact_amounts_and_its_end(told: Told) -> None:
    payroll = unit(told, told.payroll)
    wanted = [each.text for each in payroll.one("ul", class_="intents").all("li")]
    assert [text.partition(" to ")[2].split()[0] for text in wanted] == [payee.id for payee in TREASURY.payees]
    assert wanted[0].startswith("Pay 11,000.00 USDC to alice")
    assert payroll.one("span", class_="badge").text == "executed"
    entries = [entry for entry in told.contents.record.entries if entry.type == "tx.mined"]
    (mined,) = (entry for entry in entries if entry.body.get("unit") == told.payroll)
    assert mined.body["tx_hash"] in payroll.text
    assert "−28,500.00 USDC from the Safe" in payroll.text  # noqa: RUF001
    assert "+11,000.00 USDC to alice" in payroll.text
    assert "Every balance moved exactly as rehearsed." in payroll.text


def test_what_is_lent_and_taken_back_reads_as_such_with_its_interest(told: Told) -> None:
    """No share's own name is needed to follow the money."""
    (lent,) = (each for each in told.tree.all("section", class_="unit") if "Lend 300,000.00 USDC" in each.text)
    assert "Lend 300,000.00 USDC at aave" in lent.text
    assert "−300,000.00 USDC from the Safe" in lent.text  # noqa: RUF001
    assert re.search(r"\+(300,000\.00|299,999\.99999\d) USDC to aave, lent by the Safe", lent.text)
    taken = unit(told, told.refilled)
    assert "Take 5,000.00 USDC back from aave" in taken.text
    assert "+5,000.00 USDC to the Safe" in taken.text
    assert "USDC from aave, lent by the Safe" in taken.text
    for each in (lent, taken):
        assert "as rehearsed, beside the interest that what is lent earned meanwhile" in each.text
        assert "USDC@aave" not in "".join(
            node.text for node in each.one("dl", class_="facts").all("ul", class_="deltas")
        )


def test_a_refusal_names_every_finding_against_it(told: Told) -> None:
    refused = unit(told, told.refused)
    (verdict,) = (
        entry
        for entry in told.contents.record.entries
        if entry.type == "verdict" and entry.body["unit"] == told.refused
    )
    against = [each for each in verdict.body["decision"]["findings"] if each["verdict"] != "allow"]
    shown = next(refused.all("ul", class_="findings"))
    assert len(against) >= 2
    for finding in against:
        assert finding["reason"].replace("`", "") in shown.text
    assert refused.one("span", class_="badge").text == "denied"
    assert "100.00 USDC against 0.00 USDC" in shown.text
    assert "100.00 USDC above" in shown.text


def test_margins_are_those_of_the_recorded_findings(told: Told) -> None:
    payroll = unit(told, told.payroll)
    assert "7,000.00 DAI against 9,000.00 DAI2,000.00 DAI below" in payroll.text
    used = [each.attributes["width"] for each in payroll.all("rect", class_="used")]
    assert "77%" in used


def test_what_guardians_rejected_is_over_and_waits_for_nobody(told: Told) -> None:
    rejected = unit(told, told.rejected)
    assert rejected.one("span", class_="badge").text == "rejected"
    assert "Guardians rejected it: they used up nonce" in rejected.text and "waits for" not in rejected.text
    tiles = [tile.text for tile in told.tree.one("dl", class_="tiles").all("div")]
    assert "waiting0for guardians" in tiles and "rejected1by guardians" in tiles


def test_who_stopped_the_agent_is_told_between_the_asks_with_what_the_watch_counted(told: Told) -> None:
    """From the chain's own events, in its order and its time; the ledger knows nothing of them."""
    stops = list(told.tree.one("section", id="happened").all("article", class_="stop"))
    ines, kemi = GUARDIANS[0].address, GUARDIANS[2].address
    titles = [each.one("h3").text for each in stops]
    rekeyed = f"Re-keyed: {NEXT_AGENT.address} is the agent"
    assert [title for title in titles if "mark" not in title] == [
        f"Paused by guardian {kemi}, an owner",
        rekeyed,
        f"A fall observed by {STRANGER.address}, who has no role",
        f"Tripped by {STRANGER.address}, who has no role: the Kernel is paused",
    ]
    assert f"{AGENT.address} is burned for ever" in stops[titles.index(rekeyed)].text
    state = told.contents.facts and told.contents.facts.watch
    assert state is not None and state.wealth_e8 is not None
    counted = f"The watch counted {usd(state.wealth_e8)}; its floor was {usd(state.floor_e8)}."
    assert counted in stops[-1].text and f"New mark of the watch: {usd(state.mark_e8)}" in titles
    rows = {row.one("th").text: row.text for row in told.tree.one("section", id="approvals").one("tbody").all("tr")}
    assert "paused the Kernel" in rows[kemi] and "paused the Kernel" not in rows[ines]


def test_a_node_without_event_logs_or_old_blocks_is_told(told: Told) -> None:
    """A page that tells of no pause must not read as if there had been none."""
    chain = told.contents.chain
    assert isinstance(chain, Seen) and chain.breaker is not None
    silent = render(replace(told.contents, chain=replace(chain, breaker=None)), MADE_AT)
    assert "The node gives no event logs: pauses, falls and new keys are not told here." in silent
    short = render(replace(told.contents, chain=replace(chain, breaker=Story((), 900))), MADE_AT)
    assert "Pauses, falls and new keys are told from block 900 on." in short
    assert "are told from block" not in told.page and "no event logs" not in told.page


def test_the_watch_guards_the_treasury_and_says_what_it_counts(told: Told) -> None:
    section = told.tree.one("section", id="protection").text
    watch = told.contents.facts and told.contents.facts.watch
    assert watch is not None and watch.wealth_e8 is not None
    assert f"{watch.address} counts {usd(watch.wealth_e8)}, below its floor" in section
    assert f"{usd(watch.mark_e8)}, its floor {usd(watch.floor_e8)}" in section


def test_the_chains_own_time_stands_beside_the_logs_where_it_differs(told: Told) -> None:
    opening = told.tree.one("p", class_="span").text
    assert told.contents.breaker[-1].at > told.began + 3_600
    assert f" to {when(told.contents.breaker[-1].at)}" in opening.partition("; by the chain's clock ")[2]


def test_signatures_stand_with_the_unit_and_with_each_guardian(told: Told) -> None:
    signed = unit(told, told.swap)
    for guardian in GUARDIANS[:2]:
        assert guardian.address in signed.text
    rows = {row.one("th").text: row.text for row in told.tree.one("section", id="approvals").one("tbody").all("tr")}
    assert set(rows) == {guardian.address for guardian in GUARDIANS}
    assert told.swap in rows[GUARDIANS[0].address]
    assert rows[GUARDIANS[2].address].startswith(f"{GUARDIANS[2].address}0paused the Kernel, ")
    idle = Tree(render(replace(told.contents, chain=Unseen("it is gone"), signings=()), MADE_AT)).root
    assert "nothing in this time" in idle.one("section", id="approvals").one("tbody").text


def test_money_without_an_entry_is_named(told: Told) -> None:
    section = told.tree.one("section", id="unexplained")
    assert "1 ERC-20 transfer out of the Safe" in section.text
    assert f"7.00 USDC to {STRANGER.address}" in section.text
    assert told.stray in section.text
    assert "1 transfer out of the Safe without an entry" in told.tree.one("header", class_="opening").text


def test_the_chart_and_its_table_say_what_the_chain_holds(told: Told) -> None:
    section, facts = told.tree.one("section", id="allocation"), told.contents.facts
    assert facts is not None
    chart = section.one("svg", class_="chart")
    names = chart.attributes["aria-labelledby"].split()
    assert {node.attributes["id"] for node in chart.all() if "id" in node.attributes} >= set(names)
    assert "target 60 % plus or minus 3 %" in chart.one("desc").text
    rows = {row.one("th").text: [td.text for td in row.all("td")] for row in section.one("tbody").all("tr")}
    assert rows[USDC][0] == "399,000.00"
    for token, decimals in DECIMALS.items():
        lent = facts.balances.get(TokenId(f"{token}@aave"), 0)
        assert rows[token][1] == format_units(facts.balances[token] + lent, decimals)
        assert rows[token][2] == (format_units(lent, decimals) if lent else "")
    assert rows[USDC][2] and rows[DAI][2]
    shares = [parse_bps(cells[5], "the table") for cells in rows.values() if cells[5]]
    assert 10_000 - len(shares) <= sum(shares) <= 10_000


def fold(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """RFC 9162, section 2.1.3.2, written down once more."""
    position, last, root = index, size - 1, leaf
    for node in path:
        assert last > 0
        if position % 2 or position == last:
            root = sha256(b"\1" + node + root).digest()
            while position and position % 2 == 0:
                position, last = position >> 1, last >> 1
        else:
            root = sha256(b"\1" + root + node).digest()
        position, last = position >> 1, last >> 1
    assert last == 0
    return root


def test_every_anchored_entry_is_proved_from_the_page_to_the_root_on_chain(told: Told) -> None:
    """Leaf, path and, where it is printed, the entry itself: nothing but the page, SHA-256 and the registry."""
    anchored = told.scene.anchored()
    shown = list(told.tree.one("div", class_="entries").all("details", id=""))
    entries = [each for each in told.tree.one("div", class_="entries").inside if isinstance(each, Node)]
    assert not shown
    assert len(entries) == len(told.contents.record.entries) > anchored.size > 0
    printed = 0
    for index, entry in enumerate(entries):
        leaf = bytes.fromhex(entry.one("span", class_="leaf").text)
        path = [bytes.fromhex(node.text) for node in entry.one("ol", class_="path").all("li")]
        for raw in entry.all("pre", class_="raw"):
            assert sha256(b"\0" + raw.text.encode()).digest() == leaf
            printed += 1
        covered = index < anchored.size
        assert entry.one("span", class_="state").text == ("anchored" if covered else "not anchored")
        size, root = (anchored.size, anchored.root) if covered else (len(entries), told.contents.record.head.root)
        assert fold(leaf, index, size, path) == root
    assert printed > len(entries) // 3
    record = told.tree.one("section", id="record").text
    assert f"{anchored.size} entries, root 0x{anchored.root.hex()}" in record
    assert str(told.scene.registry) in record


def test_nothing_is_fetched_and_nothing_runs(told: Told) -> None:
    style = told.tree.one("style").text
    (policy,) = (meta for meta in told.tree.all("meta") if meta.attributes.get("http-equiv"))
    allowed = b64encode(sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{allowed}';" in policy.attributes["content"]
    assert "url(" not in style and "@import" not in style
    for node in told.tree.all():
        assert node.tag not in {"script", "link", "img", "iframe", "form", "object", "base"}
        assert not {name for name in node.attributes if name.startswith("on") or name in ("src", "style", "action")}
        assert node.attributes.get("href", "#").startswith("#")


def test_every_link_on_the_page_leads_somewhere(told: Told) -> None:
    places = [node.attributes["id"] for node in told.tree.all() if "id" in node.attributes]
    assert len(places) == len(set(places))
    assert {node.attributes["href"][1:] for node in told.tree.all("a")} <= set(places)


def test_the_command_says_what_it_wrote(told: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, out = str(told.scene.home / Mode.GUARDED), tmp_path / "page.html"
    strongroom(["report", "--config", config, "--out", str(out), "--json"], standalone_mode=False)
    said = json.loads(capsys.readouterr().out)
    assert said["intact"] is True
    assert (said["entries"], said["anchored"]) == (len(told.contents.record.entries), told.scene.anchored().size)
    assert out.read_text().startswith("<!doctype html>")


def test_a_month_without_entries_says_so(told: Told, tmp_path: Path) -> None:
    config, out = str(told.scene.home / Mode.GUARDED), tmp_path / "page.html"
    strongroom(["report", "--config", config, "--out", str(out), "--month", "2020-02"], standalone_mode=False)
    tree = Tree(out.read_text()).root
    assert "February 2020" in tree.text
    assert "Nothing was asked for in this time." in tree.one("section", id="happened").text
    assert "The ledger is intact" in tree.text


def moved(told: Told, tmp_path: Path) -> tuple[Path, Path]:
    """The documents with a state folder that is a copy: its config, its ledger."""
    config = shutil.copytree(told.scene.home / Mode.GUARDED, tmp_path / "config")
    state = shutil.copytree(told.scene.home / "state", tmp_path / "state")
    treasury = config / "treasury.toml"
    treasury.write_text(treasury.read_text().replace(str(told.scene.home / "state"), str(state)))
    return config, state / "ledger"


def test_a_flipped_byte_is_told_and_nothing_behind_it_is_shown(
    told: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, ledger = moved(told, tmp_path)
    data = bytearray((ledger / "log").read_bytes())
    data[len(data) // 2] ^= 1
    (ledger / "log").write_bytes(data)
    out = tmp_path / "page.html"
    with pytest.raises(LedgerCorrupt) as refused:
        strongroom(["report", "--config", str(config), "--out", str(out)], standalone_mode=False)
    tree = Tree(out.read_text()).root
    assert f"NOT intact: entry {refused.value.index}" in tree.one("div", class_="fault").text
    shown = [each for each in tree.one("div", class_="entries").inside if isinstance(each, Node)]
    assert len(shown) == refused.value.index > 0


def test_another_history_than_the_anchored_one_is_told(told: Told, tmp_path: Path) -> None:
    """A log that is sound in itself, and longer, but not the one whose head the chain holds."""
    config, ledger = moved(told, tmp_path)
    shutil.rmtree(ledger)
    with closing(FileLedger.open(ledger, told.scene.world.account, WallClock(), {"mode": "guarded"})) as other:
        for _ in range(told.scene.anchored().size + 1):
            other.append("config.change", {"why": "rewritten"})
    contents = write_report(config, tmp_path / "page.html", MADE_AT)
    assert contents.record.fault is not None
    assert "not the one that was anchored" in Tree((tmp_path / "page.html").read_text()).root.text


def test_without_a_node_the_page_is_made_and_says_what_it_could_not_see(told: Told, tmp_path: Path) -> None:
    config, _ = moved(told, tmp_path)
    treasury = config / "treasury.toml"
    treasury.write_text(treasury.read_text().replace(told.scene.world.url, "http://127.0.0.1:9/secret"))
    write_report(config, tmp_path / "page.html", MADE_AT)
    tree = Tree((tmp_path / "page.html").read_text()).root
    assert "The chain was not compared: the node cannot be reached." in tree.one("div", class_="banner").text
    assert "secret" not in tree.text
    assert "could not be checked" in tree.one("section", id="unexplained").text
    assert "11,000.00 USDC to alice" in tree.text


def test_nothing_of_the_agent_is_needed() -> None:
    block = "import sys; sys.modules.update(dict.fromkeys(('agent', 'langgraph', 'langchain_core', 'openai')));"
    asked = f"{block} import guardians.report.writing, guardians.kill_card.reading, guardians.kill_card.paper"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed here")
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_needs_no_sideways_scrolling(told: Told, tmp_path: Path, width: int) -> None:
    """Measured in a frame of that width, everything unfolded: no parser knows how wide text becomes."""
    unfolded = escape(told.page.replace("<details", "<details open"), quote=True)
    script = "const e=f.contentDocument.documentElement;document.title=`${e.clientWidth} of ${e.scrollWidth}`"
    frame = (
        f'<iframe id="f" style="border:0;width:{width}px;height:900px" srcdoc="{unfolded}" onload="{script}"></iframe>'
    )
    (tmp_path / "frame.html").write_text(f"<!doctype html><meta charset=utf-8><title>unknown</title>{frame}")
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    rest = (
        f"--disable-component-update --disable-sync --hide-scrollbars --user-data-dir={tmp_path / 'profile'} --dump-dom"
    )
    command = [str(CHROMIUM), *flags.split(), *rest.split(), "--virtual-time-budget=10000"]
    done = subprocess.run([*command, f"file://{tmp_path / 'frame.html'}"], capture_output=True, text=True, timeout=120)
    assert f"<title>{width} of {width}</title>" in done.stdout
