"""What owners sign to change their Kernel: understood by every guardian, compared with their own policy.toml, listed,
and vetoed by one of them alone."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from agent.app import open_documents, open_treasurer
from agent.cli import strongroom
from agent.example import documents, write
from agent.installing import plan_installation
from agent.updating import plan_update
from guardians.__main__ import main
from guardians.app import PASSWORD
from guardians.report.contents import gather
from guardians.report.page import render
from policies.document import document_hash, load
from policies.grants import compile_policy
from strongroom.errors import MadeAndUsed
from strongroom.model import Address, Call, Operation, SafeTx
from strongroom.notices import MemoryNotices
from strongroom.observe import safe_state
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.kernel import (
    encode_add_guardian,
    encode_announce,
    encode_block,
    encode_pause,
    encode_rekey,
    encode_set_policy,
    guardian_read,
    state_from,
    state_reads,
)
from strongroom.protocols.kernel_changes import named_change, read_kernel_change
from strongroom.protocols.multisend import decode_multisend, encode_multisend
from strongroom.protocols.owner_guard import change_hash, encode_announce_change
from strongroom.protocols.watch import encode_rebase
from strongroom.settings import Mode
from strongroom.wallet.deploy import artifact
from strongroom.world.people import AGENT, ALICE, GUARDIANS, NEXT_AGENT, STRANGER, Person
from tests.guardians.hall import SECRET, Hall

INES, JONAS, KEMI = GUARDIANS
HOUR, DAY = 3_600, 86_400
CONFIG_DELAY, REKEY_DELAY = 2 * HOUR, HOUR
RAISED = ("30_000 USDC", "60_000 USDC")


@dataclass(frozen=True)
class Installed:
    """A Safe with Kernel, watch and owners' guard, as its documents plan them. `config` is the treasurer's folder."""

    hall: Hall
    config: Path
    kernel: Address
    watch: Address
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def own(self, person: Person, command: str, *what: str, edit: bool = True) -> tuple[int, str, str]:
        """One command of a guardian whose documents are those of the treasurer, or, without `edit`, the old ones."""
        folder = self.config if edit else self.folder("old")
        looks = command in ("changes", "list", "show", "verify")
        key = [] if looks else ["--keystore", str(self.hall.keystore(person)), "--yes"]
        self.monkeypatch.setattr(sys, "argv", ["guardian", command, *what, "--config", str(folder), *key])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self.capsys.readouterr()
        return int(ended.value.code or 0), out, err

    def folder(self, name: str) -> Path:
        return _named(self.hall, name, self.kernel, self.watch)

    def edit(self, old: str, new: str) -> None:
        path = self.config / "policy.toml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def looks_on(self) -> Path:
        """The folder of a treasurer who only looks, and has begun the log."""
        path = self.config / "treasury.toml"
        path.write_text(path.read_text().replace('mode = "propose"', 'mode = "shadow"'))
        with open_treasurer(open_documents(self.config), MemoryNotices()):
            return self.config

    def written(self, answer: dict[str, Any]) -> str:
        path = self.config / "update.json"
        path.write_text(json.dumps(answer))
        return str(path)

    def proposal(self, *calls: tuple[str, bytes]) -> str:
        """One that the agent's key, or whoever has it, proposes: the hash."""
        nonce = safe_state(self.hall.chain, self.hall.document.account.safe, self.hall.chain.head()).nonce
        (first, *others) = calls
        tx = self.hall.batch(*calls, nonce=nonce) if others else self.hall.call(*first, nonce=nonce)
        return str(self.hall.propose(tx))

    def as_safe(self, to: str, data: bytes) -> None:
        world = self.hall.world
        assert world.safe_exec(world.account, GUARDIANS[:2], Address(to), data).success

    def listed(self) -> list[dict[str, Any]]:
        code, out, err = self.own(KEMI, "changes", "--json")
        assert (code, err) == (0, "")
        return list(json.loads(out)["changes"])

    def state(self) -> Any:
        chain = self.hall.chain
        found = state_from(self.kernel, chain.read(list(state_reads(self.kernel)), chain.head()), {}, True)
        assert found is not None
        return found

    def nonce(self) -> int:
        return safe_state(self.hall.chain, self.hall.document.account.safe, self.hall.chain.head()).nonce

    def carried_out(self, file: str, *options: str) -> str:
        """Proposed by one, signed by another, executed by the third; what the first was shown."""
        digest = json.loads(Path(file).read_text())["safe_tx_hash"]
        code, shown, err = self.own(INES, "propose", file, *options)
        assert code == 0, err
        for person, command in ((JONAS, "sign"), (KEMI, "execute")):
            code, _, err = self.own(person, command, digest, *options)
            assert code == 0, err
        return shown


def _named(hall: Hall, name: str, kernel: Address, watch: Address) -> Path:
    folder = write(documents(hall.world, hall.url, hall.folder / "state", Mode.PROPOSE), hall.folder / name)
    path = folder / "treasury.toml"
    text = path.read_text().replace("[account]\n", f'[account]\nkernel = "{kernel}"\nwatch = "{watch}"\n', 1)
    path.write_text(text)
    return folder


def _stand(hall: Hall, planned: dict[str, Any]) -> None:
    tx = planned["transaction"]
    data, world = bytes.fromhex(tx["data"][2:]), hall.world
    to = Address(tx["to"])
    assert world.safe_exec(world.account, GUARDIANS[:2], to, data, 0, Operation(tx["operation"])).success


@pytest.fixture
def installed(hall: Hall, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Installed:
    monkeypatch.setenv(PASSWORD, SECRET)
    first = write(documents(hall.world, hall.url, hall.folder / "state", Mode.PROPOSE), hall.folder / "first")
    planned = plan_installation(first, AGENT.address)
    _stand(hall, planned)
    config = _named(hall, "config", planned["kernel"], planned["watch"])
    return Installed(hall, config, planned["kernel"], planned["watch"], capsys, monkeypatch)


# ANOTHER POLICY


def test_a_policy_is_announced_listed_and_made_by_who_holds_the_same(installed: Installed) -> None:
    installed.edit(*RAISED)
    update = plan_update(installed.config)
    shown = installed.carried_out(installed.written(update))
    assert "1. announce: put the policy of your own policy.toml in force at the Kernel: hash " in shown
    assert f"it is about the Kernel {installed.kernel}, which is live:" in shown
    assert "it lets any guardian or owner make this 2 hours later, for 1 week" in shown
    assert (
        "cap: pay team USDC, 15,000.00 at once, back in 30 days -> 15,000.00 at once, back in 10 days LOOSER" in shown
    )
    assert "verdict: it brings what your own documents say, and nothing else; you may sign" in shown
    assert "NOT UNDERSTOOD" not in shown and "deny" not in shown
    call = bytes.fromhex(update["set_policy"][2:])
    (waits,) = installed.listed()
    assert (waits["at"], waits["change"], waits["vetoes"]) == (installed.kernel, change_hash(call), 0)
    _, told, _ = installed.own(KEMI, "changes")
    assert f"or from any wallet: to {installed.kernel}, data {update['veto']}" in told
    assert f"may veto it: {', '.join(each.address for each in GUARDIANS)}" in told
    installed.hall.world.advance(CONFIG_DELAY)
    assert installed.hall.world.send_as(KEMI.address, installed.kernel, call).success
    assert installed.state().root == compile_policy(load((installed.config / "policy.toml").read_text())).root
    assert installed.listed() == []


def test_a_guardian_who_holds_another_policy_is_told_so_loudly_and_signs_nothing(installed: Installed) -> None:
    installed.edit(*RAISED)
    update = plan_update(installed.config)
    file = installed.written(update)
    code, out, err = installed.own(JONAS, "propose", file, edit=False)
    assert code == 1 and "NOT THE POLICY YOU HOLD; do not sign it" in err and err.count("\n") == 1
    assert "put another policy in force at the Kernel, NOT THE POLICY YOU HOLD" in out and "you may sign" not in out
    assert update["document_hash"] in out and "LOOSER" in out
    assert installed.hall.signers(update["safe_tx_hash"]) == set()


@pytest.mark.parametrize("part", ["root", "hash", "caps", "fewer caps"])
def test_a_policy_that_is_the_own_one_but_for_a_part_is_another(installed: Installed, part: str) -> None:
    document = load((installed.config / "policy.toml").read_text())
    compiled, own = compile_policy(document), document_hash(document)
    raised = tuple(replace(each, capacity_units=each.capacity_units + 1) for each in compiled.buckets)
    other = read_kernel_change(b"").hash
    told = {
        "root": (other, own, compiled.buckets),
        "hash": (compiled.root, other, compiled.buckets),
        "caps": (compiled.root, own, raised),
        "fewer caps": (compiled.root, own, compiled.buckets[1:]),
    }[part]
    digest = installed.proposal((installed.kernel, encode_announce(encode_set_policy(*told))))
    code, out, err = installed.own(KEMI, "sign", digest)
    assert code == 1 and "NOT THE POLICY YOU HOLD" in err and "NOT THE POLICY YOU HOLD" in out
    same = installed.proposal(
        (installed.kernel, encode_announce(encode_set_policy(compiled.root, own, compiled.buckets)))
    )
    assert installed.own(KEMI, "sign", same)[0] == 0


def test_one_guardian_vetoes_it_alone_and_announced_again_it_takes_two(installed: Installed) -> None:
    installed.edit(*RAISED)
    update = plan_update(installed.config)
    announce, call = (bytes.fromhex(update[each][2:]) for each in ("announce", "set_policy"))
    installed.as_safe(installed.kernel, announce)
    change = change_hash(call)
    code, out, err = installed.own(KEMI, "veto", change, "--json")
    assert code == 0 and json.loads(out)["is_dead"] is True and err.startswith("sent 0x")
    assert installed.listed() == []
    installed.as_safe(installed.kernel, announce)
    assert "1 of 2 vetoes: it takes more guardians or owners" in installed.own(KEMI, "veto", change)[1]
    assert "you have vetoed it already" in installed.own(KEMI, "veto", change)[2]
    assert "neither a guardian of the Kernel nor an owner" in installed.own(STRANGER, "veto", change)[2]
    assert "it can no more be made" in installed.own(INES, "veto", change)[1]
    installed.hall.world.advance(CONFIG_DELAY)
    assert not installed.hall.world.send_as(KEMI.address, installed.kernel, call).success


def test_a_pause_only_guardian_vetoes_at_the_kernel_and_is_listed(installed: Installed) -> None:
    installed.as_safe(installed.kernel, encode_add_guardian(ALICE.address))
    installed.edit("pause_only = []", f'pause_only = ["{ALICE.address}"]')
    call = named_change("unblockAddress", STRANGER.address).data
    installed.as_safe(installed.kernel, encode_announce(call))
    assert f", {ALICE.address}, each alone" in installed.own(ALICE, "changes")[1]
    assert installed.own(ALICE, "veto", f"unblockAddress({STRANGER.address})")[0] == 0
    assert installed.listed() == []


def test_a_policy_that_the_safe_makes_itself_must_have_been_announced(installed: Installed) -> None:
    installed.edit(*RAISED)
    update = plan_update(installed.config)
    call = bytes.fromhex(update["set_policy"][2:])
    digest = installed.proposal((installed.kernel, call))
    code, out, err = installed.own(KEMI, "sign", digest)
    assert code == 1 and "is not announced at the Kernel: it would revert" in err and "NEVER ANNOUNCED" in out
    installed.as_safe(installed.kernel, bytes.fromhex(update["announce"][2:]))
    digest = installed.proposal((installed.kernel, call))
    assert "which can be made from 20" in installed.own(KEMI, "sign", digest)[2]
    installed.hall.world.advance(CONFIG_DELAY)
    code, out, _ = installed.own(KEMI, "sign", digest)
    assert code == 0 and "announced: it can be made from 20" in out and "0 of 1 vetoes" in out


# A NEW KEY


def test_a_re_key_is_signed_by_who_names_the_new_agent_and_shows_it_to_nobody_else(installed: Installed) -> None:
    digest = installed.proposal((installed.kernel, encode_announce(encode_rekey(NEXT_AGENT.address))))
    code, out, err = installed.own(KEMI, "sign", digest)
    assert code == 1 and "gives the Kernel" in err and "name with `--agent`" in err and err.count("\n") == 1
    assert NEXT_AGENT.address not in out + err and "NOBODY CAN VETO THIS" in out
    code, out, err = installed.own(KEMI, "sign", digest, "--agent", ALICE.address)
    assert code == 1 and f"to `{NEXT_AGENT.address}`, not to `{ALICE.address}`; do not sign" in err
    assert f"{NEXT_AGENT.address}, NOT {ALICE.address} as you named it" in out
    assert installed.hall.signers(digest) == set()  # type: ignore[arg-type]
    code, out, _ = installed.own(KEMI, "sign", digest, "--agent", NEXT_AGENT.address)
    assert code == 0 and f"({NEXT_AGENT.address}, as you named it), burn the key it has for ever" in out
    assert "a pause of the Kernel after it voids it" in out and "it changes what you named" in out


def test_a_re_key_with_its_new_mark_is_made_and_nobody_could_veto_it(installed: Installed) -> None:
    call = encode_rekey(NEXT_AGENT.address)
    installed.as_safe(installed.kernel, encode_announce(call))
    _, told, _ = installed.own(KEMI, "changes")
    assert f"would give the Kernel to the agent's key {NEXT_AGENT.address}" in told
    assert "nobody can veto a re-key; while the Kernel is live, a pause voids it" in told
    assert "nobody vetoes a re-key" in installed.own(KEMI, "veto", change_hash(call))[2]
    installed.hall.world.advance(REKEY_DELAY)
    digest = installed.proposal((installed.kernel, call), (installed.watch, encode_rebase()))
    named = ("--agent", NEXT_AGENT.address)
    code, out, _ = installed.own(INES, "sign", digest, *named)
    assert code == 0 and f"2. make the watch {installed.watch} take a new mark" in out
    assert installed.own(JONAS, "sign", digest, *named)[0] == 0
    assert installed.own(KEMI, "execute", digest, *named)[0] == 0
    assert installed.state().agent == NEXT_AGENT.address


def test_no_new_mark_goes_with_a_watch_that_guards_already(installed: Installed) -> None:
    """To add it again changes nothing on chain: the batch would only make the watch forget what was lost."""
    again = encode_call("addGuardian(address)", installed.watch)
    digest = installed.proposal((installed.kernel, again), (installed.watch, encode_rebase()))
    code, out, error = installed.own(KEMI, "sign", digest, "--change", f"addGuardian({installed.watch})")
    assert code == 1 and "beside it is what your documents do not plan" in out, out + error


def test_whom_a_re_key_drops_is_named_too(installed: Installed) -> None:
    digest = installed.proposal(
        (installed.kernel, encode_announce(encode_rekey(NEXT_AGENT.address, [installed.watch])))
    )
    code, out, err = installed.own(KEMI, "sign", digest, "--agent", NEXT_AGENT.address)
    assert code == 1 and "about a change of the Kernel that you have not named" in err
    assert f"and drop the guardians {installed.watch}" in out
    dropped = ("--change", f"removeGuardian({installed.watch})")
    assert installed.own(KEMI, "sign", digest, "--agent", NEXT_AGENT.address, *dropped)[0] == 0


# WHAT TIGHTENS, AND WHAT DOES NOT


def test_what_tightens_needs_no_name_and_what_loosens_does(installed: Installed) -> None:
    document = load((installed.config / "policy.toml").read_text())
    compiled = compile_policy(document)
    leaf, bucket = next(iter(compiled.rules)), compiled.buckets[0]
    lower = encode_call(
        "lowerBucket((address,uint32,uint96,uint96,uint32))",
        (*replace(bucket, capacity_units=0, drain_seconds=0).fields,),
    )
    revoke = encode_call("revoke(bytes32)", bytes.fromhex(leaf[2:]))
    for data, words in (
        (lower, "lower the cap"),
        (revoke, f"revoke the rule `{compiled.names[leaf]}` at once"),
        (encode_pause(), "pause the Kernel at once"),
    ):
        code, out, err = installed.own(KEMI, "sign", installed.proposal((installed.kernel, data)))
        assert code == 0 and words in out and "it tightens or takes back, and nothing else" in out, err
    for name, announces in (("addGuardian", False), ("removeGuardian", True), ("unblockAddress", True)):
        change = named_change(name, STRANGER.address)
        data = encode_announce(change.data) if announces else change.data
        digest = installed.proposal((installed.kernel, data))
        code, out, err = installed.own(KEMI, "sign", digest)
        assert code == 1 and "about a change of the Kernel that you have not named" in err and "you may" not in out
        code, out, err = installed.own(KEMI, "sign", digest, "--change", f"{name}({ALICE.address})")
        assert code == 1 and f"is about `{change}`, not about" in err
        code, out, err = installed.own(KEMI, "sign", digest, "--change", str(change))
        assert code == 0 and "it changes what you named, and nothing else; you may sign" in out, err


def test_a_guardian_whom_the_own_policy_names_needs_no_name(installed: Installed) -> None:
    installed.edit("pause_only = []", f'pause_only = ["{ALICE.address}"]')
    digest = installed.proposal((installed.kernel, encode_add_guardian(ALICE.address)))
    assert installed.own(KEMI, "sign", digest)[0] == 0
    assert installed.own(JONAS, "sign", digest, "--change", f"addGuardian({ALICE.address})")[0] == 0


def test_an_announcement_is_taken_back_without_a_name(installed: Installed) -> None:
    call = encode_rekey(STRANGER.address)
    installed.as_safe(installed.kernel, encode_announce(call))
    digest = installed.proposal(
        (installed.kernel, encode_call("cancel(bytes32)", bytes.fromhex(change_hash(call)[2:])))
    )
    code, out, _ = installed.own(KEMI, "sign", digest)
    assert code == 0 and f"take back the announcement {change_hash(call)}" in out


def test_what_the_kernel_refuses_from_the_safe_is_not_signed(installed: Installed) -> None:
    digest = installed.proposal((installed.kernel, encode_block(STRANGER.address)))
    code, out, err = installed.own(KEMI, "sign", digest)
    assert code == 1 and "would revert" in err and "only guardians' own accounts" in out


def test_guardians_propose_by_commands_what_no_plan_writes(installed: Installed) -> None:
    """Added at once, and taken away late; what does not fit is one line that says what to write."""
    add, remove = f"addGuardian({ALICE.address})", f"removeGuardian({ALICE.address})"
    for command, change in (("make", add), ("announce", remove), ("make", remove)):
        if (command, change) == ("make", remove):
            assert "which can be made from 20" in installed.own(INES, command, change)[2]
            installed.hall.world.advance(CONFIG_DELAY)
        code, out, err = installed.own(INES, command, change)
        assert code == 0 and "it changes what you named, and nothing else; you may sign" in out, err
        (digest,) = {each.safe_tx_hash for each in installed.hall.service.pending(installed.nonce())}
        for person, act in ((JONAS, "sign"), (KEMI, "execute")):
            code, _, err = installed.own(person, act, digest, "--change", change)
            assert code == 0, err
        is_one = installed.hall.chain.read(
            [guardian_read(installed.kernel, ALICE.address)], installed.hall.chain.head()
        )[0]
        assert is_one == (change == add or command == "announce")
    assert f"it is made at once: `strongroom guardian make '{add}'`" in installed.own(INES, "announce", add)[2]
    assert "`strongroom rekey ADDRESS` plans it" in installed.own(INES, "announce", f"rekey({ALICE.address})")[2]
    both = (remove, f"enableModule({STRANGER.address})")
    assert "propose it apart" in installed.own(INES, "announce", *both)[2]


# WHAT IS BESIDE IT


def test_anything_beside_it_that_no_document_plans_leaves_it_to_the_policy(installed: Installed) -> None:
    """And the policy denies whatever it does not understand."""
    announce = (installed.kernel, encode_announce(encode_rekey(NEXT_AGENT.address)))
    document = load((installed.config / "policy.toml").read_text())
    usdc = next(each.token.address for each in document.tokens.values() if each.token.id == "USDC")
    guard = safe_state(installed.hall.chain, document.account.safe, installed.hall.chain.head()).guard
    swap = encode_call("addOwnerWithThreshold(address,uint256)", STRANGER.address, 1)
    for beside in (
        (usdc, encode_transfer(STRANGER.address, 1)),
        (installed.watch, encode_call("trip()")),
        (installed.kernel, bytes.fromhex("deadbeef")),
        (installed.kernel, encode_announce(encode_pause())),
        (guard, encode_announce_change(swap)),
    ):
        digest = installed.proposal(announce, beside)
        code, out, err = installed.own(KEMI, "sign", digest, "--agent", NEXT_AGENT.address)
        assert code == 1 and "you may sign" not in out and err.count("\n") == 1
        assert installed.hall.signers(digest) == set()  # type: ignore[arg-type]


def test_a_new_mark_alone_and_beside_a_mere_announcement_of_caps_stays_the_policys(installed: Installed) -> None:
    """Or whoever announces anything would have the fall forgotten with it."""
    pause, rebase = (installed.kernel, encode_pause()), (installed.watch, encode_rebase())
    code, out, _ = installed.own(KEMI, "sign", installed.proposal(pause, rebase))
    assert code == 1 and "you may sign" not in out


def test_another_contract_than_the_named_kernel_of_our_code_is_none(installed: Installed) -> None:
    world = installed.hall.world
    other = world.deploy(bytes.fromhex("6001600c60003960016000f300"))
    for kernel in (other, STRANGER.address):
        path = installed.config / "treasury.toml"
        path.write_text(path.read_text().replace(installed.kernel, kernel))
        digest = installed.proposal((kernel, encode_announce(encode_rekey(NEXT_AGENT.address))))
        code, out, err = installed.own(KEMI, "sign", digest)
        assert code == 1 and "do not sign it" in err and "it is about the Kernel" not in out
        path.write_text(path.read_text().replace(kernel, installed.kernel))


def test_a_watch_that_the_policy_wants_is_made_added_and_the_policy_announced_in_one_batch(
    installed: Installed,
) -> None:
    """What `policy update` writes, to the byte; and with any byte of the watch's birth another it is not signed."""
    installed.edit('max_drawdown = "10 %"', 'max_drawdown = "9 %"')
    installed.edit("[watch]\n", f'[watch]\ninherits = "{installed.watch}"\n')
    update = plan_update(installed.config)
    file = installed.written(update)
    shown = installed.carried_out(file)
    assert f"make the watch of your policy.toml at {update['watch']}" in shown
    assert f"make {update['watch']} a guardian of the Kernel: it may pause" in shown
    assert "announce: put the policy of your own policy.toml in force" in shown
    assert installed.hall.chain.read([guardian_read(installed.kernel, update["watch"])], installed.hall.chain.head())[0]
    (waits,) = installed.listed()
    assert waits["at"] == installed.kernel


@pytest.mark.parametrize("inherits", [True, False])
def test_a_watch_that_a_stranger_made_before_the_owners_is_added_all_the_same(
    installed: Installed, inherits: bool
) -> None:
    """With its mark taken anew, unless it has its predecessor's."""
    installed.edit('max_drawdown = "10 %"', 'max_drawdown = "9 %"')
    if inherits:
        installed.edit("[watch]\n", f'[watch]\ninherits = "{installed.watch}"\n')
    world, first = installed.hall.world, plan_update(installed.config)
    for call in decode_multisend(world.account, bytes.fromhex(first["transaction"]["data"][2:])):
        if artifact("Watch").creation in call.data:
            assert world.send_as(STRANGER.address, call.to, call.data).success
    second = plan_update(installed.config)
    assert second["watch"] == first["watch"]
    assert artifact("Watch").creation.hex() not in second["transaction"]["data"]
    shown = installed.carried_out(installed.written(second))
    assert (f"make the watch {second['watch']} take a new mark" in shown) != inherits
    assert installed.hall.chain.read([guardian_read(installed.kernel, second["watch"])], installed.hall.chain.head())[0]


def test_an_inherited_mark_that_is_old_by_now_is_not_taken_over(installed: Installed) -> None:
    installed.edit('max_drawdown = "10 %"', 'max_drawdown = "9 %"')
    installed.edit("[watch]\n", f'[watch]\ninherits = "{installed.watch}"\n')
    world, first = installed.hall.world, plan_update(installed.config)
    for call in decode_multisend(world.account, bytes.fromhex(first["transaction"]["data"][2:])):
        if artifact("Watch").creation in call.data:
            assert world.send_as(STRANGER.address, call.to, call.data).success
    second = plan_update(installed.config)
    usdc = installed.hall.token("USDC")
    installed.as_safe(usdc, encode_transfer(ALICE.address, 10**6))
    installed.as_safe(installed.watch, encode_rebase())
    second["transaction"]["nonce"] += 2
    code, out, _ = installed.own(INES, "propose", installed.written(second))
    assert code == 1 and "you may sign" not in out
    with pytest.raises(MadeAndUsed, match="its mark is not its predecessor's any more"):
        plan_update(installed.config)


def test_a_batch_by_another_contract_than_safes_own_is_not_signed(installed: Installed) -> None:
    """Whoever gave the guardian policy.toml may have named it there; whatever the bytes seem to hold, it acts as the
    Safe."""
    fake = installed.hall.world.deploy(bytes.fromhex("6001600c60003960016000f300"))
    installed.edit(f'multisend = "{installed.hall.document.multisend}"', f'multisend = "{fake}"')
    data = encode_multisend([Call(installed.hall.world.account, installed.kernel, 0, encode_pause())])
    nonce = safe_state(installed.hall.chain, installed.hall.document.account.safe, installed.hall.chain.head()).nonce
    tx = SafeTx(installed.hall.world.account, fake, 0, data, Operation.DELEGATECALL, nonce)
    code, out, _ = installed.own(KEMI, "sign", str(installed.hall.propose(tx)))
    assert code == 1 and "is not Safe's MultiSendCallOnly" in out and "you may sign" not in out


def test_a_watch_of_another_birth_in_that_batch_is_not_signed(installed: Installed) -> None:
    installed.edit('max_drawdown = "10 %"', 'max_drawdown = "9 %"')
    installed.edit("[watch]\n", f'[watch]\ninherits = "{installed.watch}"\n')
    update = plan_update(installed.config)
    data = bytes.fromhex(update["transaction"]["data"][2:])
    creation = artifact("Watch").creation
    at = data.index(creation) + len(creation) + 5 * 32
    changed = bytearray(data)
    changed[at - 1] ^= 1
    update["transaction"]["data"] = "0x" + bytes(changed).hex()
    code, out, err = installed.own(INES, "propose", installed.written(update))
    assert code == 1 and "you may sign" not in out and "do not sign" in err


# WHERE PEOPLE LOOK


def test_the_list_of_what_waits_reads_it_from_its_bytes_and_keeps_the_new_key_to_itself(installed: Installed) -> None:
    installed.proposal((installed.kernel, encode_announce(encode_rekey(NEXT_AGENT.address))))
    _, out, _ = installed.own(KEMI, "list")
    assert f"NOT A PAYMENT: the Safe tells its Kernel {installed.kernel}: announce: give the Kernel to another" in out
    assert NEXT_AGENT.address not in out


def test_the_same_bytes_announced_at_guard_and_kernel_are_vetoed_one_after_the_other(installed: Installed) -> None:
    """Who has the keys to announce may want guardians to believe that one veto was both."""
    call = named_change("unblockAddress", STRANGER.address).data
    document = load((installed.config / "policy.toml").read_text())
    guard = safe_state(installed.hall.chain, document.account.safe, installed.hall.chain.head()).guard
    installed.as_safe(guard, encode_announce_change(call))
    installed.as_safe(installed.kernel, encode_announce(call))
    assert [each["at"] for each in installed.listed()] == [guard, installed.kernel]
    code, out, _ = installed.own(KEMI, "veto", change_hash(call))
    assert code == 0 and f"the same bytes are announced at {installed.kernel} too: veto them again" in out
    code, out, _ = installed.own(KEMI, "veto", change_hash(call))
    assert code == 0 and "it can no more be made" in out and installed.listed() == []


def test_status_the_report_page_and_the_kill_card_say_it_and_a_guardian_vetoes_from_there(
    installed: Installed,
) -> None:
    folder = installed.looks_on()
    assert "is about to change" not in render(gather(folder), 0)
    installed.edit(*RAISED)
    update = plan_update(folder)
    installed.as_safe(installed.kernel, bytes.fromhex(update["announce"][2:]))
    change = change_hash(bytes.fromhex(update["set_policy"][2:]))
    page = render(gather(folder), 0)
    installed.capsys.readouterr()
    strongroom(["status", "--config", str(folder)], standalone_mode=False)
    told = installed.capsys.readouterr().out
    assert "What the agent may do is about to change, unless an owner vetoes it:" in page
    for shown in (page, told):
        assert "announced: put the policy of your own policy.toml in force at the Kernel" in shown
        assert f"`strongroom guardian veto {change}` stops it" in shown
    strongroom(["kill-card", "--json", "--config", str(folder)], standalone_mode=False)
    (veto,) = (each for each in json.loads(installed.capsys.readouterr().out)["steps"] if each["id"] == "veto")
    assert (veto["by"], veto["to"], veto["data"]) == ("guardian", installed.kernel, update["veto"])
    assert installed.hall.world.send_as(KEMI.address, veto["to"], bytes.fromhex(veto["data"][2:])).success
    assert installed.listed() == []


def test_a_re_key_that_nobody_can_veto_is_told_and_is_no_step_of_the_kill_card(installed: Installed) -> None:
    installed.as_safe(installed.kernel, encode_announce(encode_rekey(NEXT_AGENT.address)))
    installed.looks_on()
    installed.capsys.readouterr()
    strongroom(["status", "--config", str(installed.config)], standalone_mode=False)
    told = installed.capsys.readouterr().out
    assert f"give the Kernel to the agent's key {NEXT_AGENT.address}" in told and "nobody can veto it" in told
    assert "standing orders, by the Kernel's count" in told and "to alice" in told
    strongroom(["kill-card", "--json", "--config", str(installed.config)], standalone_mode=False)
    assert "veto" not in [each["id"] for each in json.loads(installed.capsys.readouterr().out)["steps"]]
