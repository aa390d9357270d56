"""The doctor reads every contract back and compares it with the documents: all fields, both sides, each mend."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from policies.document import load
from policies.grants import compile_policy
from strongroom.addresses import to_address
from strongroom.model import Address
from strongroom.protocols.abi import encode_call
from strongroom.protocols.kernel import encode_add_guardian, encode_announce, encode_block, encode_set_policy
from strongroom.protocols.owner_guard import encode_announce_change, encode_announce_removal
from strongroom.protocols.safe import GUARD_SLOT
from strongroom.wallet.deploy import artifact
from strongroom.world.people import GUARDIANS, STRANGER
from tests.agent.onboarding.conftest import Answer, Treasury

Strongroom = Callable[..., Answer]
Doctor = Callable[..., Answer]
NodeWithout = Callable[[Callable[[Any], bool]], str]
INES, *_ = GUARDIANS


@pytest.fixture
def doctor(strongroom: Strongroom, treasury: Treasury) -> Doctor:
    return lambda *more: strongroom("doctor", "--config", treasury.folder, *more)


def named(treasury: Treasury, key: str) -> Address:
    found = re.search(rf'^{key} = "(0x\w+)"$', (treasury.folder / "treasury.toml").read_text(), re.MULTILINE)
    assert found
    return Address(found[1])


@dataclass(frozen=True)
class Found:
    """What one visit of the doctor found, as machines are told it."""

    data: Any

    @property
    def unwell(self) -> dict[str, str]:
        return {each["name"]: each["grade"] for each in self.data["checks"] if each["grade"] not in ("ok", "skipped")}

    def check(self, name: str) -> dict[str, str]:
        (found,) = [each for each in self.data["checks"] if each["name"] == name]
        return dict(found)

    def chain(self, contract: str) -> dict[str, str]:
        """A contract's fields as the chain has them, by name."""
        (found,) = [each for each in self.data["contracts"] if each["name"] == contract]
        return {field["name"]: field["chain"] for field in found["fields"]}


def look(doctor: Doctor) -> Found:
    return Found(doctor("--json").data)


def guard_of(treasury: Treasury) -> Address:
    safe = treasury.world.account.safe
    return Address(to_address(treasury.world.ask("eth_getStorageAt", safe, hex(GUARD_SLOT), "latest")[-40:]))


def send_as_safe(treasury: Treasury, to: Address, data: bytes) -> None:
    world, safe = treasury.world, treasury.world.account.safe
    world.set_balance(safe, 200 * 10**18)
    assert world.send_as(safe, to, data).success


# WHAT STANDS


def test_right_after_the_installation_each_contract_is_one_line_and_all_is_equal(
    guarded: Treasury, doctor: Doctor
) -> None:
    answer = doctor()
    lines = answer.text.splitlines()
    kernel = f"Kernel {named(guarded, 'kernel')}  38 fields equal"
    after = lines[lines.index(kernel) :]
    assert [line.partition(" 0x")[0] for line in after] == [
        "Kernel",
        *(f"price source of `{id_}`" for id_ in ("WETH", "USDC", "DAI", "HALL", "ETH", "USDC@aave", "DAI@aave")),
        *("watch", "owners' guard", "Safe"),
    ]
    assert all(re.fullmatch(r".* 0x\w{40}  \d+ fields equal", line) for line in after)
    assert answer.exit_code == 0


def test_every_field_is_shown_to_who_asks_for_it(guarded: Treasury, doctor: Doctor) -> None:
    text = doctor("--fields").text
    assert "  equal    `config_delay` of [kernel]: 2 hours" in text
    assert "  told     policies so far: 1" in text
    assert text.count("\n  equal  ") == sum(map(int, re.findall(r"(\d+) fields equal$", text, re.MULTILINE)))


def test_machines_are_told_every_field_with_both_sides(guarded: Treasury, doctor: Doctor) -> None:
    contracts = look(doctor).data["contracts"]
    assert {each["contract"] for each in contracts} == {"Kernel", "PriceSource", "Watch", "OwnerGuard", "Safe"}
    for each in contracts:
        compared = [field for field in each["fields"] if field["documents"] is not None]
        assert len(compared) == each["equal"]
        assert all(field["documents"] == field["chain"] and not field["differs"] for field in compared)


def test_a_treasury_without_a_kernel_is_compared_as_far_as_it_goes(treasury: Treasury, doctor: Doctor) -> None:
    found = look(doctor)
    assert [each["name"] for each in found.data["contracts"]] == ["Safe"]
    assert found.check("kernel")["what"] == "none; guarded mode needs one"


def test_without_the_agents_key_at_hand_all_else_is_compared(guarded: Treasury, doctor: Doctor) -> None:
    guarded.state.keystore.unlink()
    found = look(doctor)
    assert found.unwell["agent key"] == "fail" and found.check("kernel")["what"].endswith("37 fields equal")
    assert "the agent's key" not in found.chain("Kernel")


def test_a_bare_safe_under_our_guard_is_told_so_and_nothing_is_compared(
    guarded: Treasury, strongroom: Strongroom, known: Path
) -> None:
    """Without documents there is nothing to hold it against; the Kernel is then a module like any other."""
    place = ["--safe", guarded.world.account.safe, "--rpc", guarded.world.url, "--chains", known]
    found = Found(strongroom("doctor", *place, "--json").data)
    assert found.unwell == {"modules": "warn"} and found.data["contracts"] == []
    assert found.check("guard")["what"].startswith("our owners' guard: who commands the Safe changes 2 days after")


# WHAT DIFFERS


def test_every_field_that_differs_is_told_with_both_sides_and_its_mend(guarded: Treasury, doctor: Doctor) -> None:
    guarded.edit("policy.toml", 'max_loss = "1 %"', 'max_loss = "0.9 %"')
    guarded.edit("policy.toml", "confirm_blocks = 5", "confirm_blocks = 6")
    answer = doctor()
    assert answer.exit_code == 1
    differing = re.findall(r"^  differs  (.*)$", answer.text, re.MULTILINE)
    hashed, watched = ["the policy's root", "the policy's hash"], ["`confirm_blocks` of [watch]"]
    assert differing == [*hashed, *watched, "the address of the watch"]
    sides = (
        "`confirm_blocks` of [watch]\n{0}documents  6\n{0}chain      5\n{0}to mend    `strongroom policy update` plans"
    )
    assert sides.format(" " * 13) in answer.text
    assert answer.text.count("to mend    ") == 4


def test_a_kernel_of_another_policy_is_told_by_its_first_difference_and_how_many_more(
    guarded: Treasury, doctor: Doctor
) -> None:
    text = (guarded.folder / "policy.toml").read_text()
    root = compile_policy(load(text)).root
    guarded.edit("policy.toml", 'max_loss = "1 %"', 'max_loss = "0.9 %"')
    check = look(doctor).check("kernel")
    assert check["grade"] == "fail" and check["what"].startswith("the policy's root is `0x")
    assert check["what"].endswith(f"here and `{root}` in the Kernel, and 1 more field differs")
    plans = "`strongroom policy update`, for a key `strongroom rekey`"
    assert check["mend"] == f"put back what the Kernel has, or let the owners change it: {plans}"


@pytest.mark.parametrize(("artifact_name", "found"), [(None, "no code"), ("AuditRegistry", "other code")])
def test_before_the_installation_or_at_a_strangers_contract_one_line_says_so(
    treasury: Treasury, doctor: Doctor, artifact_name: str | None, found: str
) -> None:
    where = treasury.world.deploy(artifact(artifact_name).creation) if artifact_name else STRANGER.address
    treasury.edit("treasury.toml", "[account]\n", f'[account]\nkernel = "{where}"\n')
    check, answer = look(doctor).check("kernel"), doctor()
    assert (check["grade"], check["what"]) == ("fail", f"no Kernel of this version at `{where}`")
    assert check["mend"] == "check the address in treasury.toml, or deploy one"
    assert f"Kernel {where}  0 fields equal, 1 differs\n  differs  code\n" in answer.text
    assert f"             chain      {found}\n" in answer.text and answer.exit_code == 1


def test_a_kernel_that_agrees_but_whose_guard_is_gone_fails_the_doctor(guarded: Treasury, doctor: Doctor) -> None:
    guarded.storage(GUARD_SLOT, 0)
    answer = doctor("--json")
    found = Found(answer.data)
    assert found.unwell == {"owners' guard": "fail"} and answer.exit_code == 1
    check = found.check("owners' guard")
    assert check["what"].endswith("here and `none` in the Safe") and "policy update" in check["mend"]


def test_a_foreign_guard_in_the_place_of_ours_is_told_by_its_code(guarded: Treasury, doctor: Doctor) -> None:
    guarded.storage(GUARD_SLOT, int(named(guarded, "kernel"), 16))
    found = look(doctor)
    assert found.unwell == {"guard": "warn", "guard sees modules": "warn", "owners' guard": "fail"}
    fields = found.chain("owners' guard")
    assert fields["the Safe's guard"] == named(guarded, "kernel") and fields["code"] == "other code"


def test_a_log_that_was_never_opened_is_found(guarded: Treasury, doctor: Doctor) -> None:
    registry = guarded.world.deploy(artifact("AuditRegistry").creation)
    guarded.edit("treasury.toml", "[account]\n", f'[account]\nregistry = "{registry}"\n')
    found = look(doctor)
    assert found.unwell == {"audit log": "fail"}
    assert found.chain("audit log")["the Kernel's log"] == "not open"


# WHAT NO DOCUMENT SPEAKS OF


def test_a_guardian_that_no_document_names_is_found_by_the_kernels_events(guarded: Treasury, doctor: Doctor) -> None:
    kernel = named(guarded, "kernel")
    send_as_safe(guarded, kernel, encode_add_guardian(STRANGER.address))
    found = look(doctor)
    assert found.unwell == {"kernel": "fail"}
    check = found.check("kernel")
    assert check["what"] == f"a guardian that no document names is `none` here and `{STRANGER.address}` in the Kernel"
    removal = encode_call("removeGuardian(address)", STRANGER.address)
    (data,) = re.findall(r"`0x([0-9a-f]+)`", check["mend"])
    assert bytes.fromhex(data) == encode_announce(removal)
    send_as_safe(guarded, kernel, bytes.fromhex(data))
    guarded.world.advance(2 * 3_600)
    send_as_safe(guarded, kernel, removal)
    assert look(doctor).chain("Kernel")["a guardian that no document names"] == "none"


def test_what_is_blocked_and_revoked_is_told(guarded: Treasury, doctor: Doctor) -> None:
    kernel, compiled = named(guarded, "kernel"), compile_policy(load((guarded.folder / "policy.toml").read_text()))
    leaf, rule = next(iter(compiled.names.items()))
    assert guarded.world.send_as(INES.address, kernel, encode_block(STRANGER.address)).success
    send_as_safe(guarded, kernel, encode_call("revoke(bytes32)", bytes.fromhex(leaf[2:])))
    fields = look(doctor).chain("Kernel")
    assert (fields["blocked by guardians"], fields["revoked rules"]) == (STRANGER.address, rule)


def test_a_policy_that_is_announced_is_told_with_its_time(guarded: Treasury, doctor: Doctor) -> None:
    kernel, document = named(guarded, "kernel"), load((guarded.folder / "policy.toml").read_text())
    compiled = compile_policy(document)
    call = encode_set_policy(compiled.root, "0x" + "07" * 32, compiled.buckets)  # type: ignore[arg-type]
    send_as_safe(guarded, kernel, encode_announce(call))
    check = look(doctor).check("kernel")
    assert check["grade"] == "ok"
    assert re.search(r"; announced: another policy, ready at 20\d\d-\d\d-\d\d \d\d:\d\d UTC$", check["what"])
    guarded.world.advance(2 * 3_600)
    send_as_safe(guarded, kernel, call)
    assert look(doctor).chain("Kernel")["announced"] == "none"


def test_an_announced_change_of_the_safe_is_a_warning_that_says_how_to_veto_it(
    guarded: Treasury, doctor: Doctor
) -> None:
    guard = guard_of(guarded)
    call = encode_call("enableModule(address)", STRANGER.address)
    send_as_safe(guarded, guard, encode_announce_change(call))
    found = look(doctor)
    assert found.unwell == {"owners' guard": "warn"}
    check = found.check("owners' guard")
    assert check["what"].startswith(f"announced: `enableModule({STRANGER.address})`, possible in ")
    assert "guardian veto 0x" in check["mend"]


def test_a_change_that_waits_is_told_beside_a_difference_too(guarded: Treasury, doctor: Doctor) -> None:
    """A guard of other terms than the policy's guards all the same, whatever the Kernel holds."""
    send_as_safe(guarded, guard_of(guarded), encode_announce_change(encode_call("changeThreshold(uint256)", 1)))
    text = (guarded.folder / "policy.toml").read_text()
    longer = re.sub(r'(\[owner_guard\]\ndelay = )".*"', r'\1"3 days"', text)
    assert longer != text
    (guarded.folder / "policy.toml").write_text(longer)
    found = look(doctor)
    assert found.unwell == {"kernel": "fail", "owners' guard": "fail"}
    assert "; announced: `changeThreshold(1)`, possible in " in found.check("owners' guard")["what"]
    assert found.chain("owners' guard")["`delay` of [owner_guard]"] == "2 days"


def test_the_announced_removal_of_the_guard_is_a_warning(guarded: Treasury, doctor: Doctor) -> None:
    guard = guard_of(guarded)
    send_as_safe(guarded, guard, encode_announce_removal())
    found = look(doctor)
    assert found.unwell == {"owners' guard": "warn"}
    assert found.check("owners' guard")["what"] == "its own removal is announced: possible in 4 days"
    assert found.chain("owners' guard")["its removal is announced"].startswith("possible from 20")


def test_a_node_that_shows_no_events_is_told_for_unknown_is_not_none(
    guarded: Treasury, doctor: Doctor, node_without: NodeWithout
) -> None:
    picky = node_without(lambda request: request["method"] == "eth_getLogs")
    guarded.edit("treasury.toml", guarded.world.url, picky)
    found = look(doctor)
    assert found.unwell["owners' guard"] == "warn"
    fields = found.chain("Kernel")
    assert fields["the Kernel's events"] == "the node shows none; ask another one" and "announced" not in fields
