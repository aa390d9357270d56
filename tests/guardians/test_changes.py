"""Who commands the Safe changes late and in the open: announced, seen, vetoed or made, by guardians' commands alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.app import open_documents, open_treasurer
from agent.cli import strongroom
from agent.example import documents, write
from guardians.app import PASSWORD
from guardians.change_wording import change_words
from guardians.changes import announced_changes, find_guard
from guardians.report.breaker import read_breaker
from guardians.report.contents import gather
from guardians.report.page import render
from strongroom.addresses import keccak, to_address
from strongroom.chain.transport import Transport
from strongroom.errors import NodeRefused
from strongroom.model import NATIVE, Address, Block, Operation, SafeState
from strongroom.notices import MemoryNotices
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.kernel import encode_announce, encode_enable_module, encode_rekey
from strongroom.protocols.owner_guard import (
    change_hash,
    encode_announce_change,
    encode_announce_removal,
    encode_cancel_change,
    encode_set_guard,
    encode_veto,
)
from strongroom.protocols.owner_guard_events import ChangeAnnounced, ChangeMade, ChangeVetoed
from strongroom.protocols.safe_changes import Change, encode_changes, read_change, typed_change
from strongroom.settings import Mode
from strongroom.world.people import ALICE, GUARDIANS, NEXT_AGENT, STRANGER
from tests.guardians.guarded import DAY, DELAY, WINDOW, Guarded, terminal, under_guard
from tests.guardians.hall import SECRET, Hall

INES, JONAS, KEMI = GUARDIANS
MODULE = STRANGER.address
ENABLE = f"enableModule({MODULE})"
CALL = encode_enable_module(MODULE)
HASH = change_hash(CALL)


@pytest.fixture
def guarded(hall: Hall, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Guarded]:
    monkeypatch.setenv(PASSWORD, SECRET)
    with closing(Transport(hall.world.url, 10.0)) as node:
        yield Guarded(hall, under_guard(hall), node, terminal(hall, capsys, monkeypatch))


def stolen(guarded: Guarded, to: str, data: bytes, operation: Operation = Operation.CALL) -> bool:
    """Whether what two stolen keys sign goes through; no command of ours is asked."""
    world = guarded.hall.world
    return world.safe_exec(world.account, GUARDIANS[:2], to, data, operation=operation).success  # type: ignore[arg-type]


def announced(guarded: Guarded, call: bytes = CALL) -> None:
    assert stolen(guarded, guarded.address, encode_announce_change(call))


def listed(guarded: Guarded) -> dict[str, Any]:
    code, out, err = guarded.own(KEMI, "changes", "--json")
    assert (code, err) == (0, "")
    return dict(json.loads(out))


# THE WHOLE WAY


def test_guardians_announce_a_change_wait_and_make_it_by_their_own_commands(guarded: Guarded) -> None:
    shown = guarded.executes("announce", ENABLE)
    assert f"announce: enable the module {MODULE}: it may then move all that the Safe holds" in shown
    assert "it lets the Safe do this 2 days later, for 1 week, and not before" in shown
    assert "each owner may veto it" in shown and "verdict: it changes what you named, and nothing else" in shown
    code, _, err = guarded.own(INES, "make", ENABLE)
    assert code == 1 and f"makes `{ENABLE}`, which can be made from " in err and err.count("\n") == 1
    guarded.hall.world.advance(DELAY)
    shown = guarded.executes("make", ENABLE)
    assert "announced: it can be made from" in shown and "0 of 1 vetoes" in shown
    assert guarded.safe().modules == (MODULE,)
    assert listed(guarded)["changes"] == []


def test_several_changes_go_through_together_and_need_no_places_in_the_safes_lists(guarded: Guarded) -> None:
    """What stands before an owner in the Safe's list is looked up, also after the changes before it."""
    both = (f"swapOwner({JONAS.address}, {ALICE.address})", f"removeOwner({KEMI.address}, 1)")
    guarded.executes("announce", *both)
    guarded.hall.world.advance(DELAY)
    guarded.executes("make", *both)
    assert (guarded.safe().owners, guarded.safe().threshold) == ((INES.address, ALICE.address), 1)


def test_the_third_owner_sees_what_two_announced_and_vetoes_it(guarded: Guarded) -> None:
    announced(guarded)
    code, out, _ = guarded.own(KEMI, "changes")
    assert code == 0 and f"change {HASH}\n  would enable the module {MODULE}" in out
    assert f"may veto it: {INES.address}, {JONAS.address}, {KEMI.address}" in out
    code, out, err = guarded.own(KEMI, "veto", HASH)
    assert code == 0 and err.startswith("sent 0x") and out.endswith("; it can no more be made\n")
    assert listed(guarded)["changes"] == []
    guarded.hall.world.advance(DELAY)
    assert not stolen(guarded, guarded.hall.document.account.safe, CALL)
    assert guarded.own(KEMI, "veto", HASH)[2].endswith("is announced; `strongroom guardian changes` lists what is\n")


def test_announced_again_it_takes_two_vetoes_and_the_list_counts_them(guarded: Guarded) -> None:
    announced(guarded)
    assert guarded.own(KEMI, "veto", ENABLE)[0] == 0
    announced(guarded)
    code, out, _ = guarded.own(KEMI, "veto", ENABLE)
    assert code == 0 and "1 of 2 vetoes: it takes more owners" in out
    (found,) = listed(guarded)["changes"]
    assert (found["vetoes"], found["needed"], found["vetoed_by"]) == (1, 2, [KEMI.address])
    code, _, err = guarded.own(KEMI, "veto", ENABLE)
    assert code == 1 and "you have vetoed it already; it takes another owner's veto" in err and err.count("\n") == 1
    assert guarded.own(JONAS, "veto", ENABLE)[0] == 0
    assert listed(guarded)["changes"] == []


def test_the_owner_whom_a_change_removes_is_told_that_the_veto_is_the_others(guarded: Guarded) -> None:
    announced(guarded, bytes.fromhex("f8dc5dd9") + b"".join(_word(each) for each in (JONAS.address, KEMI.address, 2)))
    (found,) = listed(guarded)["changes"]
    assert (found["does"], found["cannot_veto"]) == (f"removeOwner({KEMI.address}, 2)", KEMI.address)
    _, out, _ = guarded.own(KEMI, "changes")
    assert f"may veto it: {INES.address}, {JONAS.address}, each alone and at once:\n" in out
    assert out.endswith(f"or from any wallet: to {guarded.address}, data 0x{encode_veto(found['change']).hex()}\n")
    assert "it removes you, and nobody vetoes that; another owner can" in guarded.own(KEMI, "veto", found["change"])[2]
    assert guarded.own(INES, "veto", found["change"])[0] == 0


def _word(value: object) -> bytes:
    return value.to_bytes(32, "big") if isinstance(value, int) else bytes(12) + bytes.fromhex(str(value)[2:])


def test_the_guard_itself_goes_alone_and_nobody_can_veto_that(guarded: Guarded) -> None:
    shown = guarded.executes("announce", "removeGuard()")
    assert "4 days later" in shown and "NOBODY CAN VETO THIS" in shown
    assert "the owners' guard itself can be taken out from 20" in guarded.own(KEMI, "changes")[1]
    assert listed(guarded)["removal_ready_at"] == guarded.hall.chain.head().timestamp + 2 * DELAY
    assert "can be made from" in guarded.own(INES, "make", "removeGuard()")[2]
    assert "make it, alone" in guarded.own(INES, "announce", ENABLE, "removeGuard()")[2]
    guarded.hall.world.advance(2 * DELAY)
    guarded.executes("make", "removeGuard()")
    assert guarded.safe().guard == NATIVE
    code, _, err = guarded.own(KEMI, "changes")
    assert code == 1 and "has no owners' guard of ours (it has no guard at all)" in err and err.count("\n") == 1


# WHAT IS NOT SIGNED


def test_a_change_that_was_never_announced_is_refused_in_one_line_that_says_what_to_announce(guarded: Guarded) -> None:
    hall = guarded.hall
    safe = hall.document.account.safe
    salary = (hall.token("USDC"), encode_transfer(ALICE.address, 100 * 10**6))
    hidden = hall.batch(salary, (safe, CALL), nonce=guarded.safe().nonce)
    plain = hall.call(safe, CALL, nonce=guarded.safe().nonce)
    for digest in (hall.propose(plain), hall.propose(hidden)):
        for command in (("verify", digest), ("sign", digest), ("sign", digest, "--change", ENABLE)):
            code, out, err = guarded.own(KEMI, *command)
            assert code == 1 and err.count("\n") == 1
            if command[-1] == ENABLE and digest != hall.propose(plain):
                assert "is not about changes under the owners' guard" in err
            else:
                assert f"`strongroom guardian announce '{ENABLE}'` first, it can be made 2 days later" in err
                assert "NEVER ANNOUNCED" in out and "you may sign" not in out
        assert hall.signers(digest) == set()


def test_what_is_ready_is_signed_only_by_who_names_it_and_only_if_it_is_that(guarded: Guarded) -> None:
    announced(guarded)
    guarded.hall.world.advance(DELAY)
    digest = guarded.hall.propose(
        guarded.hall.call(guarded.hall.document.account.safe, CALL, nonce=guarded.safe().nonce)
    )
    code, out, err = guarded.own(KEMI, "sign", digest)
    assert code == 1 and "is about a change of who commands the Safe that you have not named" in err
    assert "name with `--change`" in out and "you may sign" not in out
    other = f"enableModule({ALICE.address})"
    code, out, err = guarded.own(KEMI, "sign", digest, "--change", other)
    assert code == 1 and f"is about `{ENABLE}`, not about `{other}`; do not sign it" in err
    assert guarded.own(KEMI, "sign", digest, "--change", ENABLE, "--change", ENABLE)[0] == 1
    assert guarded.hall.signers(digest) == set()
    code, out, _ = guarded.own(KEMI, "sign", digest, "--change", ENABLE, "--json")
    assert code == 0 and out.count("\n") == 1
    (step,) = json.loads(out)["changing"]["steps"]
    assert (step["deed"], step["does"], step["change"]) == ("make", ENABLE, HASH)


def test_an_announced_change_beside_a_payment_stays_the_policys_to_deny(guarded: Guarded) -> None:
    announced(guarded)
    guarded.hall.world.advance(DELAY)
    hall = guarded.hall
    salary = (hall.token("USDC"), encode_transfer(ALICE.address, 100 * 10**6))
    digest = hall.propose(hall.batch(salary, (hall.document.account.safe, CALL), nonce=guarded.safe().nonce))
    code, _, err = guarded.own(KEMI, "sign", digest)
    assert code == 1 and "do not sign it, `strongroom guardian reject" in err


def test_an_announcement_with_a_payment_beside_it_is_denied_and_a_cancellation_needs_no_name(guarded: Guarded) -> None:
    hall, nonce = guarded.hall, guarded.safe().nonce
    theft = (hall.token("USDC"), encode_transfer(STRANGER.address, 10**6))
    mixed = hall.propose(hall.batch(theft, (guarded.address, encode_announce_change(CALL)), nonce=nonce))
    assert "do not sign it, `strongroom guardian reject" in guarded.own(KEMI, "sign", mixed)[2]
    announced(guarded)
    undone = hall.propose(hall.call(guarded.address, encode_cancel_change(HASH), nonce=guarded.safe().nonce))
    code, out, _ = guarded.own(KEMI, "sign", undone)
    assert code == 0 and f"take back the announcement {HASH}" in out and "only takes back" in out


def test_the_guards_removal_in_a_batch_is_refused(guarded: Guarded) -> None:
    """Only alone does it pass a guard that is broken; in a batch the guard takes it for a change that nobody can
    announce."""
    assert stolen(guarded, guarded.address, encode_announce_removal())
    guarded.hall.world.advance(2 * DELAY)
    safe = guarded.hall.document.account.safe
    batch = guarded.hall.batch((safe, encode_set_guard(NATIVE)), (safe, CALL), nonce=guarded.safe().nonce)
    code, _, err = guarded.own(KEMI, "verify", guarded.hall.propose(batch))
    assert code == 1 and "`strongroom guardian announce 'removeGuard()'` first" in err


def test_without_a_guard_of_ours_the_policy_denies_every_change_as_before(
    hall: Hall, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD, SECRET)
    own = terminal(hall, capsys, monkeypatch)
    digest = hall.propose(hall.call(hall.document.account.safe, CALL))
    assert "do not sign it, `strongroom guardian reject 0`" in own(KEMI, "sign", digest)[2]
    assert "is not about changes under the owners' guard" in own(KEMI, "sign", digest, "--change", ENABLE)[2]
    yes_to_all = bytes.fromhex("600160005260206000f3")
    hall.world.set_code(MODULE, yes_to_all)
    world = hall.world
    assert world.safe_exec(world.account, GUARDIANS[:2], world.account.safe, encode_set_guard(MODULE)).success
    for command in (("changes",), ("announce", ENABLE), ("make", ENABLE), ("veto", HASH)):
        code, _, err = own(KEMI, *command)
        assert code == 1 and f"its guard `{MODULE}` is another's" in err


def test_only_owners_veto_and_a_slip_of_the_pen_is_one_line(guarded: Guarded) -> None:
    announced(guarded)
    code, _, err = guarded.own(STRANGER, "veto", HASH)
    assert code == 1 and "does not own Safe" in err
    for typed in ("enableModule", "enableModule(0x12)", f"swapOwner({JONAS.address})", "0x123", "sweep()", ""):
        code, _, err = guarded.own(INES, "announce", typed)
        assert code == 1 and err.count("\n") == 1 and err.startswith("guardian: ")
    code, _, err = guarded.own(INES, "announce", f"disableModule({MODULE})")
    assert code == 1 and "it is not an enabled module of the Safe" in err


def test_a_guard_made_for_another_safe_is_no_guard_of_this_one(guarded: Guarded) -> None:
    chain, safe = guarded.hall.chain, guarded.hall.document.account.safe
    assert find_guard(chain, safe, guarded.address, chain.head()) == guarded.state()
    assert find_guard(chain, MODULE, guarded.address, chain.head()) is None
    assert find_guard(chain, safe, guarded.state().kernel, chain.head()) is None


# WHERE PEOPLE LOOK


def test_the_list_of_what_waits_reads_an_announcement_from_its_bytes(guarded: Guarded) -> None:
    """Unjudged, as all in the list: whether the guard is ours, only a review reads."""
    hall, nonce = guarded.hall, guarded.safe().nonce
    hall.propose(hall.call(guarded.address, encode_announce_change(CALL), nonce=nonce))
    _, out, _ = guarded.own(KEMI, "list")
    assert f"NOT A PAYMENT: the Safe tells its guard {guarded.address} that it will enable the module {MODULE}" in out


def test_status_and_the_report_page_say_it_before_anything_else(
    guarded: Guarded, capsys: pytest.CaptureFixture[str]
) -> None:
    hall = guarded.hall
    folder = write(documents(hall.world, hall.url, hall.folder / "state", Mode.SHADOW), hall.folder / "config")
    with open_treasurer(open_documents(folder), MemoryNotices()):
        pass
    quiet = render(gather(folder), 0)
    assert "about to change" not in quiet and f"{guarded.address}</span> who commands the Safe changes 2 days" in quiet
    announced(guarded)
    assert stolen(guarded, guarded.address, encode_announce_removal())
    page = render(gather(folder), 0)
    assert "Who commands the Safe is about to change, unless an owner vetoes it:" in page
    assert page.index("about to change") < page.index("What happened, and why")
    capsys.readouterr()
    strongroom(["status", "--config", str(folder)], standalone_mode=False)
    told = capsys.readouterr().out
    for shown in (page, told):
        assert f"enable the module {MODULE}: it may then move all" in shown and f"guardian veto {HASH}" in shown
        assert "itself can be taken out from 20" in shown and "nobody can veto that" in shown
    warnings = [line for line in told.splitlines() if "warning: " in line]
    assert len(warnings) == 2 and told.splitlines().index(warnings[0]) == 2


def test_the_report_tells_what_was_announced_vetoed_and_made_and_nothing_of_the_kernels_own(guarded: Guarded) -> None:
    """The Kernel announces its own changes by an event of the same name; its veto even has the same topic."""
    hall, state = guarded.hall, guarded.state()
    rekey = encode_rekey(NEXT_AGENT.address)
    assert stolen(guarded, state.kernel, encode_announce(rekey))
    assert stolen(guarded, state.kernel, encode_call("cancel(bytes32)", keccak(rekey)))
    announced(guarded)
    assert guarded.own(KEMI, "veto", HASH)[0] == 0
    announced(guarded)
    hall.world.advance(DELAY)
    assert stolen(guarded, hall.document.account.safe, CALL)
    found = read_breaker(guarded.node, state.kernel, None, hall.chain.head(), guard=guarded.address)
    assert found is not None
    again, veto, *_ = events = [each.event for each in found.happenings]
    assert [type(each) for each in events] == [ChangeAnnounced, ChangeVetoed, ChangeAnnounced, ChangeMade]
    assert isinstance(again, ChangeAnnounced) and (again.call, again.needed, again.serial) == (CALL, 1, 1)
    assert veto == ChangeVetoed(HASH, KEMI.address, 1, 1) and events[-1] == ChangeMade(HASH, 2)


# WORDS


addresses = st.binary(min_size=20, max_size=20).map(to_address)
counts = st.integers(0, 10**8)
changes = st.one_of(
    st.builds(lambda one: Change("enableModule", (one,)), addresses),
    st.builds(lambda one: Change("setFallbackHandler", (one,)), addresses),
    st.builds(lambda one: Change("setModuleGuard", (one,)), addresses),
    st.builds(lambda one: Change("setGuard", (one,)), addresses),
    st.builds(lambda count: Change("changeThreshold", (count,)), counts),
    st.builds(lambda one, count: Change("addOwnerWithThreshold", (one, count)), addresses, counts),
    st.binary(max_size=3).map(lambda data: Change("", (), data)),
)


@given(changes, addresses, addresses, counts)
def test_what_people_type_is_what_the_bytes_say(change: Change, entry: Address, other: Address, count: int) -> None:
    """Also of a change that names its place in a list, which is looked up and left out of the words."""
    state = SafeState("1.4.1", NATIVE, (other, entry), 1, 0, (entry, other), NATIVE, NATIVE)
    placed = [
        Change("removeOwner", (entry, count)),
        Change("swapOwner", (entry, other)),
        Change("disableModule", (other,)),
    ]
    for each in (change, *placed):
        (data,) = encode_changes([each], state)
        assert read_change(data) == each == typed_change(str(each))
        assert change_words(each).isascii()


@given(st.binary(max_size=100))
def test_bytes_that_are_no_canonical_call_are_shown_as_bytes(data: bytes) -> None:
    assert read_change(data).function or str(read_change(data)) == "0x" + data.hex()
    trailing = CALL + data
    assert read_change(trailing) == (Change("enableModule", (MODULE,)) if not data else Change("", (), trailing))


# WHAT CANNOT BE SEEN


class Narrow:
    """A node that serves event logs of so few blocks at a time that it is never asked far enough back."""

    def __init__(self, node: Transport, widest: int) -> None:
        self.node, self.widest = node, widest

    def ask(self, method: str, *parameters: Any) -> Any:
        if method == "eth_getLogs":
            wanted = parameters[0]
            if int(wanted["toBlock"], 16) - int(wanted["fromBlock"], 16) >= self.widest:
                raise NodeRefused(method, "too wide")
        return self.node.ask(method, *parameters)


def test_a_node_that_shows_too_few_logs_says_unknown_and_not_none(guarded: Guarded) -> None:
    """On this short chain even narrow spans reach back to the first block, unless there are none at all."""
    announced(guarded)
    chain, block = guarded.hall.chain, guarded.hall.chain.head()
    assert block.number < 1_000
    found = announced_changes(chain, guarded.node, guarded.state(), block)
    assert found is not None and [each.change for each in found] == [HASH]
    silent: Any = Narrow(guarded.node, 1)
    assert announced_changes(chain, silent, guarded.state(), block) is None


def test_logs_that_reach_back_by_less_than_a_change_can_wait_are_not_enough(guarded: Guarded) -> None:
    """The head is one of a long chain here: 64 spans of a thousand blocks are a few hours of it."""
    chain, head = guarded.hall.chain, guarded.hall.chain.head()

    class Long(Narrow):
        def ask(self, method: str, *parameters: Any) -> Any:
            if method == "eth_getLogs":
                super().ask("eth_chainId")
                if int(parameters[0]["toBlock"], 16) - int(parameters[0]["fromBlock"], 16) >= self.widest:
                    raise NodeRefused(method, "too wide")
                return []
            at = head.timestamp - (10**7 - int(parameters[0], 16))
            return {"number": parameters[0], "hash": "0x" + "11" * 32, "timestamp": hex(at)}

    far = Block(10**7, head.hash, head.timestamp)
    guard = guarded.state()
    pinned: Any = Pinned(chain, head)
    spans: Any = Long(guarded.node, 2_000)
    assert announced_changes(pinned, spans, guard, far) is None
    spans.widest = (DELAY + WINDOW) // 32
    assert announced_changes(pinned, spans, guard, far) == ()


class Pinned:
    """Reads at the block that there is."""

    def __init__(self, chain: Any, block: Block) -> None:
        self.chain, self.block = chain, block

    def read(self, reads: Any, _: Block) -> Any:
        return self.chain.read(reads, self.block)


def test_expired_and_made_changes_are_in_force_no_more(guarded: Guarded) -> None:
    announced(guarded)
    guarded.hall.world.advance(DELAY + WINDOW + DAY)
    assert listed(guarded)["changes"] == []
    announced(guarded)
    assert [each["does"] for each in listed(guarded)["changes"]] == [ENABLE]
    guarded.hall.world.advance(DELAY)
    assert stolen(guarded, guarded.hall.document.account.safe, CALL)
    assert listed(guarded)["changes"] == []
    assert not guarded.hall.world.send_as(KEMI.address, guarded.address, encode_veto(HASH)).success
