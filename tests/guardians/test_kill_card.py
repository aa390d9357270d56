"""The card works with this project deleted: each step is taken from the printed text and sent with nothing but
JSON-RPC, HTTP, and a signer. What sends it is written out here and imports nothing of ours."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account as Keys
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from agent.cli import strongroom
from agent.demo import guarded
from agent.demo.scene import PASSWORD, Scene
from guardians.app import open_console
from guardians.kill_card import paper
from guardians.kill_card.cards import Pace
from guardians.kill_card.reading import read_card
from strongroom.addresses import keccak, to_address
from strongroom.errors import BadValue
from strongroom.model import NATIVE, Address
from strongroom.protocols.kernel import encode_enable_module, encode_pause
from strongroom.protocols.owner_guard import encode_announce_change
from strongroom.protocols.safe import GUARD_SLOT
from strongroom.settings import Mode
from strongroom.world.people import AGENT, GUARDIANS, NEXT_AGENT, STRANGER
from strongroom.world.treasury import PRICES_E8, WETH
from strongroom.world.world import World
from tests.agent.begun import begun_scene

INES, JONAS, KEMI = OWNERS = tuple(guardian.address for guardian in GUARDIANS)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DAY = 86_400
A4_LINES = 86
"""Eight lines an inch on A4, 93 in all, less what a printer leaves white (`lp -o cpi=12 -o lpi=8`); a browser's page is
set to hold as many."""
YES_TO_ALL = bytes.fromhex("600160005260206000f3")
"""Runtime code that answers every call with one: as good as any guard."""


# WHAT A GUARDIAN HAS WITHOUT US


@dataclass(frozen=True)
class BareHands:
    """A node, and the numbers of Safe's public functions as any explorer shows them."""

    url: str

    def ask(self, method: str, *params: Any) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(self.url, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            data = json.load(answer)
        if "error" in data:
            raise RuntimeError(data["error"]["message"])
        return data["result"]

    def call(self, to: str, data: str) -> str:
        return str(self.ask("eth_call", {"to": to, "data": data}, "latest"))

    def send(self, sender: str, to: str, data: str) -> bool:
        tx = {"from": sender, "to": to, "data": data, "gas": hex(2_000_000)}
        tx_hash = self.ask("eth_sendTransaction", tx)
        for _ in range(500):
            if receipt := self.ask("eth_getTransactionReceipt", tx_hash):
                return bool(receipt["status"] == "0x1")
            time.sleep(0.01)
        raise RuntimeError("it was not mined")

    def safe_executes(self, safe: str, owners: list[str], to: str, data: str) -> bool:
        """Each owner approves the Safe's own hash on chain, then anybody executes."""
        nonce = int(self.call(safe, "0xaffed0e0"), 16)
        digest = self.call(safe, "0xd8d11f78" + arguments(to, data, [word(nonce)]))
        for owner in owners:
            assert self.send(owner, safe, "0xd4d9bdcd" + digest[2:])
        approved = "".join(word(owner) + word(0) + "01" for owner in sorted(owners, key=lambda each: int(each, 16)))
        return self.send(KEMI, safe, "0x6a761202" + arguments(to, data, [], approved))

    def pass_time(self, seconds: int) -> None:
        self.ask("evm_increaseTime", seconds)
        self.ask("evm_mine")


def word(value: int | str) -> str:
    """A 32-byte word: a number, or an address."""
    return f"{int(value, 16) if isinstance(value, str) else value:064x}"


def tail(digits: str) -> str:
    return word(len(digits) // 2) + digits.ljust(-(-len(digits) // 64) * 64, "0")


def arguments(to: str, data: str, last: list[str], signatures: str | None = None) -> str:
    """`to, 0, data, 0, 0, 0, 0, 0x0, 0x0` and the nonce (getTransactionHash) or the signatures (execTransaction)."""
    head, inner = 10 * 32, tail(data[2:])
    words = [word(to), word(0), word(head), *[word(0)] * 6, *last]
    if signatures is None:
        return "".join(words) + inner
    return "".join([*words, word(head + len(inner) // 2)]) + inner + tail(signatures)


def steps(card: str) -> list[tuple[str, str, str]]:
    """Every (who, to, data) on the card, in its order."""
    found = re.finditer(
        r"^ [abc ] (from|as) .*  to (0x\w{40})\n   data  (0x\w{8})  [a-z].*\)((?:\n {9}\w{1,64})*)$", card, re.M
    )
    return [(each[1], each[2], each[3] + re.sub(r"\s", "", each[4])) for each in found]


def step(card: str, number: int, place: int = 0) -> tuple[str, str]:
    """Target and calldata of card `number`'s step `place`."""
    part = re.split(r"^(?=\d [A-Z])", card, flags=re.M)[number]
    _, to, data = steps(part)[place]
    return to, data


# THE PLACE


@pytest.fixture
def scene(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """The example DAO with its Kernel installed, its delegate named, and no process of ours running but the queue."""
    monkeypatch.setenv("STRONGROOM_PASSWORD", PASSWORD)
    with begun_scene(world, tmp_path) as begun:
        yield begun


def printed(scene: Scene, mode: Mode = Mode.GUARDED, new_agent: Address | None = None) -> str:
    with open_console(scene.documents(mode)) as console:
        return paper.text(read_card(console, new_agent, AGENT.address))


def guard_slot(scene: Scene, guard: Address) -> None:
    """Writes the Safe's guard slot, as no transaction could at once."""
    scene.world.ask("anvil_setStorageAt", scene.world.account.safe, f"0x{GUARD_SLOT:064x}", "0x" + word(guard))


def paused(hands: BareHands, kernel: str) -> bool:
    return int(hands.call(kernel, "0x5c975abb"), 16) == 1


def test_every_address_that_a_step_needs_stands_on_the_card_owners_included(scene: Scene) -> None:
    scene = guarded.install(scene)
    card = printed(scene, new_agent=NEXT_AGENT.address)
    assert re.findall(r"^Owner     (\S+)$", card, re.M) == list(OWNERS)
    assert f"\nWatch     {scene.watch}\n" in card
    for function in ("pause()", "trip()", "announce(bytes)", "rekey(address,bytes32,address[])", "rebase()"):
        assert f"0x{keccak(function.encode())[:4].hex()}  {function}" in card


def test_what_the_re_keys_last_step_is_for_stands_beside_it(scene: Scene) -> None:
    card = " ".join(printed(guarded.install(scene), new_agent=NEXT_AGENT.address).split())
    assert "c sets the watch's mark to today's value. Send it with b" in card
    assert "otherwise anybody can pause the new key after a fall." in card


def test_a_card_printed_in_a_pause_says_that_pause_and_trip_are_spent(scene: Scene) -> None:
    scene = guarded.install(scene)
    live = printed(scene, new_agent=NEXT_AGENT.address)
    assert "1 PAUSE  at the first doubt" in live and "Pause first" in live and "already paused" not in live
    assert scene.world.send_as(KEMI, scene.kernel_address, encode_pause()).success
    card = printed(scene, new_agent=NEXT_AGENT.address)
    assert "1 PAUSE  already paused" in card and "2 TRIP  already paused: until a re-key it reverts" in card
    assert "at the first doubt" not in card and "Pause first" not in card
    assert not BareHands(scene.world.url).send(STRANGER.address, *step(card, 2))


@given(
    seconds=st.integers(1, 10**6), blocks=st.integers(1, 10**6), least=st.integers(1, 1_000), more=st.integers(0, 10**5)
)
def test_minutes_are_never_promised_too_early_nor_too_late(seconds: int, blocks: int, least: int, more: int) -> None:
    """Within the minutes said, where there is a whole one, the blocks are mined at this pace."""
    first, last = map(int, re.findall(r"\d+", Pace(seconds, blocks).minutes(least, least + more)))
    assert first * 60 * blocks >= least * seconds
    assert first == last or last * 60 * blocks <= (least + more) * seconds


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed here")
def test_the_page_to_print_is_one_sheet_with_pause_largest_and_the_preamble_last(scene: Scene, tmp_path: Path) -> None:
    with open_console(guarded.install(scene).documents(Mode.GUARDED)) as console:
        page = paper.page(read_card(console, NEXT_AGENT.address))
    order = [
        page.index(each) for each in ('class="first"', "0x8456cb59", 'class="card"', 'class="places"', "approveHash")
    ]
    assert order == sorted(order) and page.count('class="first"') == 1
    (tmp_path / "card.html").write_text(page)
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    rest = f"--disable-component-update --disable-sync --user-data-dir={tmp_path / 'profile'} --no-pdf-header-footer"
    printed_to = tmp_path / "card.pdf"
    command = [str(CHROMIUM), *flags.split(), *rest.split(), f"--print-to-pdf={printed_to}"]
    subprocess.run([*command, f"file://{tmp_path / 'card.html'}"], capture_output=True, check=True, timeout=120)
    assert re.findall(rb"/Count (\d+)", printed_to.read_bytes()) == [b"1"]


def test_pause_and_re_key_work_from_the_page_alone(scene: Scene) -> None:
    scene = guarded.install(scene)
    card, hands, kernel = printed(scene, new_agent=NEXT_AGENT.address), BareHands(scene.world.url), scene.kernel_address
    assert not paused(hands, kernel)
    assert hands.send(INES, *step(card, 1))
    assert paused(hands, kernel)
    (announce, rekey) = (step(card, 3, place) for place in (0, 1))
    assert hands.safe_executes(scene.world.account.safe, [INES, JONAS], *announce)
    assert not hands.send(JONAS, *rekey), "the delay is not over"
    hands.pass_time(3 * 86_400)
    assert not hands.send(STRANGER.address, *rekey)
    assert hands.send(JONAS, *rekey)
    assert not paused(hands, kernel)
    assert int(hands.call(kernel, "0xf5ff5c76"), 16) == int(NEXT_AGENT.address, 16)


def test_a_stranger_trips_from_the_page_after_a_fall_and_owners_set_the_new_mark(scene: Scene) -> None:
    """Without the last step the fall would pause the new key as well."""
    scene = guarded.install(scene)
    card, hands, kernel = printed(scene, new_agent=NEXT_AGENT.address), BareHands(scene.world.url), scene.kernel_address
    trip, safe = step(card, 2), scene.world.account.safe
    assert re.search(r"Twice, 5 to 605 blocks \(about \d+ to \d+ minutes\) apart;", card)
    assert not hands.send(STRANGER.address, *trip), "all is well"
    scene.world.move_market(WETH, PRICES_E8[WETH][0] * 65 // 100)
    assert hands.send(STRANGER.address, *trip) and not paused(hands, kernel)
    hands.ask("anvil_mine", "0x5")
    assert hands.send(STRANGER.address, *trip) and paused(hands, kernel)
    announce, rekey, rebase = (step(card, 3, place) for place in (0, 1, 2))
    assert hands.safe_executes(safe, [INES, JONAS], *announce)
    scene.world.advance(3_600)
    assert hands.send(JONAS, *rekey)
    assert hands.send(STRANGER.address, *trip), "the fall is still there"
    assert not hands.send(JONAS, *rebase), "the mark is the Safe's to set"
    assert hands.safe_executes(safe, [INES, KEMI], *rebase)
    assert not hands.send(STRANGER.address, *trip) and not paused(hands, kernel)


def test_without_a_watch_the_card_has_neither_its_step_nor_its_line(scene: Scene) -> None:
    scene = guarded.install(scene)
    card = printed(replace(scene, watch=None), new_agent=NEXT_AGENT.address)
    assert "TRIP  " not in card and len(steps(card)) == 3 + 4
    odd = printed(replace(scene, watch=scene.kernel_address), new_agent=NEXT_AGENT.address)
    assert "TRIP" not in odd and f"No watch answers at {scene.kernel_address}" in " ".join(odd.split())


def test_the_module_is_disabled_wherever_it_stands_in_the_list(scene: Scene) -> None:
    """Another module enabled later stands before the Kernel; the call must name it. The Safe has no guard here."""
    scene = guarded.install(scene)
    guard_slot(scene, NATIVE)
    world, hands = scene.world, BareHands(scene.world.url)
    other = to_address(bytes.fromhex("77" * 20))
    world.safe_exec(world.account, GUARDIANS[:2], world.account.safe, encode_enable_module(other))
    before = printed(scene)
    assert other in before
    assert hands.safe_executes(world.account.safe, [INES, KEMI], *step(before, 3))
    enabled = "0x2d9ad53d" + word(scene.kernel_address)
    assert int(hands.call(world.account.safe, enabled), 16) == 0
    assert "DISABLE MODULE: the Kernel is not a module" in printed(scene)


def test_under_the_owners_guard_the_module_goes_in_two_steps_from_the_page_alone(scene: Scene) -> None:
    scene = guarded.install(scene)
    card, hands, safe = printed(scene), BareHands(scene.world.url), scene.world.account.safe
    assert "b works 2 days after a, for 1 week unless an owner vetoes it." in " ".join(card.split())
    announce, disable = step(card, 3), step(card, 3, 1)
    assert not hands.safe_executes(safe, [INES, KEMI], *disable), "it was not announced"
    assert hands.safe_executes(safe, [INES, KEMI], *announce)
    assert not hands.safe_executes(safe, [INES, KEMI], *disable), "the delay is not over"
    hands.pass_time(2 * DAY)
    assert hands.safe_executes(safe, [INES, KEMI], *disable)
    assert int(hands.call(safe, "0x2d9ad53d" + word(scene.kernel_address)), 16) == 0


def test_the_owners_guard_is_taken_out_from_the_page_twice_its_delay_later(scene: Scene) -> None:
    scene = guarded.install(scene)
    card, hands, safe = printed(scene), BareHands(scene.world.url), scene.world.account.safe
    assert re.search(r"^Guard     0x\w{40}  changes wait 2 days$", card, re.M)
    assert "b works 4 days after a, for 1 week; nobody can veto it. Never in a batch." in card
    announce, leave = step(card, 4), step(card, 4, 1)
    assert "ANNOUNCED ALREADY" not in card and hands.safe_executes(safe, [INES, JONAS], *announce)
    assert "a IS ANNOUNCED ALREADY: b works from 20" in printed(scene)
    hands.pass_time(4 * DAY - 3_600)
    assert not hands.safe_executes(safe, [INES, JONAS], *leave), "twice the delay is not over"
    hands.pass_time(3_600)
    assert hands.safe_executes(safe, [INES, JONAS], *leave)
    assert "Guard     none" in printed(scene)


def test_what_is_announced_is_on_the_card_and_one_owner_vetoes_it_from_there(scene: Scene) -> None:
    scene = guarded.install(scene)
    assert "VETO" not in printed(scene)
    hands, call = BareHands(scene.world.url), encode_enable_module(STRANGER.address)
    announced = "0x" + encode_announce_change(call).hex()
    guard = re.search(r"^Guard     (\S+)", printed(scene), re.M)
    assert guard and hands.safe_executes(scene.world.account.safe, [INES, JONAS], guard[1], announced)
    card = printed(scene, new_agent=NEXT_AGENT.address)
    assert "1 PAUSE  " in card and "2 VETO  unless you know it and want it" in card
    assert f"enable the module {STRANGER.address}" in " ".join(card.split()) and "0 of 1 vetoes." in card
    assert not hands.send(STRANGER.address, *step(card, 2)), "only owners veto"
    assert hands.send(KEMI, *step(card, 2))
    assert "VETO" not in printed(scene)


def removal_lines(card: str) -> list[str]:
    found = [line.strip() for line in card.splitlines() if "delegator" in line or '"safe"' in line]
    assert found
    return found


def removal(card: str, hour: int) -> urllib.request.Request:
    """The request that the card describes, signed by the first guardian for this hour."""
    service = re.search(r"^Service   (\S+)$", card, re.M)
    path = re.search(r"^   DELETE (\S+)$", card, re.M)
    lines = re.search(r"^   (\{\"domain\".*?\n)   DELETE", card, re.M | re.S)
    body = re.search(r"^    (\{\"delegator\".*?SIGNATURE\"\})$", card, re.M | re.S)
    assert service and path and lines and body
    typed = json.loads(joined(lines[1]).replace("HOUR", str(hour)))
    signed = Keys.sign_message(encode_typed_data(full_message=typed), GUARDIANS[0].key)
    text = joined(body[1]).replace("SIGNATURE", "0x" + signed.signature.hex())
    kind = {"content-type": "application/json"}
    return urllib.request.Request(service[1] + path[1], text.encode(), kind, method="DELETE")


def joined(lines: str) -> str:
    return "".join(line.strip() for line in lines.splitlines())


def test_the_delegate_is_removed_by_one_signature_and_one_request_of_this_hour(scene: Scene) -> None:
    """The card says HOUR because no printed number would work a day later."""
    card, hour = printed(scene, Mode.PROPOSE), int(time.time()) // 3600
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(removal(card, hour - 24), timeout=20)
    refused.value.close()
    assert refused.value.code == 400
    with urllib.request.urlopen(removal(card, hour), timeout=20) as answer:
        assert answer.status == 204
    assert "REMOVE DELEGATE" not in printed(scene, Mode.PROPOSE)


def test_a_guard_is_on_the_card_once_there_is_one_and_comes_off(scene: Scene) -> None:
    world, hands = scene.world, BareHands(scene.world.url)
    assert "REMOVE GUARD" not in printed(scene, Mode.PROPOSE)
    guard = to_address(bytes.fromhex("99" * 20))
    world.set_code(guard, YES_TO_ALL)
    world.safe_exec(world.account, GUARDIANS[:2], world.account.safe, bytes.fromhex("e19a9dd9" + word(guard)))
    card = printed(scene, Mode.PROPOSE)
    assert f"Guard     {guard}  NOT ours" in card and f"{guard} is NOT the owners' guard" in " ".join(card.split())
    assert hands.safe_executes(world.account.safe, [INES, JONAS], *step(card, 1))
    assert "Guard     none" in printed(scene, Mode.PROPOSE)


def test_it_fits_one_page_of_a4_and_its_other_forms_say_the_same(scene: Scene) -> None:
    """At its longest in good times: with Kernel, watch, owners' guard, a new key and a delegate."""
    scene = guarded.install(scene)
    with open_console(scene.documents(Mode.GUARDED)) as console:
        card = read_card(console, NEXT_AGENT.address)
    text, data = paper.text(card), paper.data(card, 1_800_000_000)
    assert max(map(len, text.splitlines())) <= paper.COLUMNS
    assert len(text.splitlines()) <= A4_LINES
    assert [(each["to"], each["data"]) for each in data["steps"]] == [(to, calldata) for _, to, calldata in steps(text)]
    batches = [each["transaction_builder"] for each in data["steps"] if each["by"] == "safe"]
    calls = [(each["to"], each["data"]) for batch in batches for each in batch["transactions"]]
    assert calls == [(to, calldata) for who, to, calldata in steps(text) if who == "as"]
    assert {batch["chainId"] for batch in batches} == {"31337"}
    assert steps(text)[0][2] == "0x" + encode_pause().hex()
    page = re.sub(r"<[^>]+>", "", paper.page(card))
    assert all(
        f"{each['function']} is the data {each['data']}" in page and each["to"] in page for each in data["steps"]
    )
    assert all(line in page.replace("&quot;", '"') for line in removal_lines(text))


def test_without_a_kernel_what_remains_is_printed(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One clear line, and the delegate's removal all the same."""
    config = str(scene.documents(Mode.PROPOSE))
    strongroom(["kill-card", "--config", config], standalone_mode=False)
    said = capsys.readouterr().out
    assert "No Kernel: pause, re-key and disable module do not apply" in said
    assert "1 REMOVE DELEGATE" in said
    strongroom(["kill-card", "--config", config, "--html", "--out", str(tmp_path / "card.html")], standalone_mode=False)
    assert (tmp_path / "card.html").read_text().startswith("<!doctype html>")


def test_a_silent_service_leaves_the_rest_of_the_card(scene: Scene) -> None:
    config = scene.documents(Mode.PROPOSE)
    treasury = config / "treasury.toml"
    treasury.write_text(treasury.read_text().replace(scene.service, "http://ana:secret@127.0.0.1:9"))
    with open_console(config) as console:
        card = read_card(console, None, AGENT.address)
    assert "in whose name the agent proposes is not known" in paper.text(card)
    assert "Service   http://127.0.0.1:9" in paper.text(card).splitlines()
    assert "secret" not in paper.text(card)
    assert f"DELETE /api/v2/delegates/{AGENT.address}/" in paper.text(card)


def test_a_key_that_cannot_or_must_not_be_the_agent_is_refused(scene: Scene) -> None:
    with open_console(scene.documents(Mode.PROPOSE)) as console, pytest.raises(BadValue, match="nothing to re-key"):
        read_card(console, NEXT_AGENT.address)
    scene = guarded.install(scene)
    refused = {
        AGENT.address: "is the agent already",
        INES: "owns the Safe",
        scene.kernel_address: "has code",
    }
    with open_console(scene.documents(Mode.GUARDED)) as console:
        for address, why in refused.items():
            with pytest.raises(BadValue, match=why):
                read_card(console, address)
