"""The OwnerGuard on the world's Safe: what its owners send through it, as the codec writes and reads it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files

import pytest
from eth_utils.abi import abi_to_signature
from hypothesis import given
from hypothesis import strategies as st

from strongroom.addresses import from_digest, to_address
from strongroom.chain.rpc import RpcChain
from strongroom.errors import NodeRefused
from strongroom.model import NATIVE, Account, Address, Call, Digest, Operation, SafeTx
from strongroom.protocols.abi import encode_call, selector
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.kernel import Birth, encode_announce, encode_enable_module, encode_rekey
from strongroom.protocols.multisend import encode_multisend
from strongroom.protocols.owner_guard import (
    AnnouncedChange,
    GuardBirth,
    GuardState,
    announced_read,
    change_hash,
    changes_in,
    encode_announce_change,
    encode_announce_removal,
    encode_cancel_change,
    encode_cancel_removal,
    encode_set_guard,
    encode_veto,
    guard_from,
    guard_reads,
    refusal_name,
)
from strongroom.protocols.safe import encode_exec, join_signatures, prevalidated, safe_tx_hash, state_from, state_reads
from strongroom.wallet.deploy import artifact
from strongroom.world.people import AGENT, ALICE, GUARDIANS, NEXT_AGENT, STRANGER
from strongroom.world.treasury import USDC
from strongroom.world.world import World

DAY, HOUR = 86_400, 3_600
DELAY, WINDOW = 2 * DAY, 7 * DAY
ZERO = Digest("0x" + "00" * 32)
MODULE = STRANGER.address
ENABLE = encode_enable_module(MODULE)


@dataclass(frozen=True)
class Hall:
    """The Safe with a Kernel and its guard in place."""

    world: World
    chain: RpcChain
    kernel: Address
    guard: Address

    @property
    def safe(self) -> Address:
        return self.world.account.safe

    def sends(self, to: Address, data: bytes, operation: Operation = Operation.CALL) -> bool:
        """Whether the owners' transaction goes through."""
        return self.world.safe_exec(self.world.account, GUARDIANS[:2], to, data, operation=operation).success

    def batches(self, *calls: tuple[Address, bytes]) -> SafeTx:
        account, multisend = self.world.account, self.world.contracts.multisend
        packed = encode_multisend(Call(account, to, 0, data) for to, data in calls)
        return SafeTx(account, multisend, 0, packed, Operation.DELEGATECALL, self.nonce())

    def direct(self, to: Address, data: bytes) -> SafeTx:
        return SafeTx(self.world.account, to, 0, data, Operation.CALL, self.nonce())

    def nonce(self) -> int:
        return int(
            self.world.ask("eth_call", {"to": self.safe, "data": "0x" + selector("nonce()").hex()}, "latest"), 16
        )

    def refusal(self, tx: SafeTx) -> str | None:
        """Why the guard refuses what two owners have approved; empty when it does not."""
        ines, jonas = GUARDIANS[:2]
        approve = encode_call("approveHash(bytes32)", from_digest(safe_tx_hash(tx)))
        assert self.world.send_as(jonas.address, self.safe, approve).success
        signatures = join_signatures([prevalidated(ines.address), prevalidated(jonas.address)])
        sent = {"from": ines.address, "to": self.safe, "data": "0x" + encode_exec(tx, signatures).hex()}
        try:
            self.world.ask("eth_call", sent, "latest")
        except NodeRefused as refused:
            return refusal_name(refused.data)
        return ""

    def announced(self, call: bytes) -> AnnouncedChange | None:
        (found,) = self.chain.read([announced_read(self.guard, change_hash(call))], self.chain.head())
        assert found is None or isinstance(found, AnnouncedChange)
        return found

    def modules(self) -> tuple[Address, ...]:
        state = state_from(self.chain.read(state_reads(self.safe), self.chain.head()))
        assert state is not None
        return state.modules

    def state(self) -> GuardState:
        found = guard_from(self.guard, self.chain.read(guard_reads(self.guard), self.chain.head()))
        assert found is not None
        return found


@pytest.fixture
def hall(world: World, chain: RpcChain) -> Hall:
    terms = (AGENT.address, (), ZERO, ZERO, (), DAY, HOUR, 7 * DAY)
    kernel = world.deploy(artifact("Kernel").creation + Birth(world.account.safe, NATIVE, *terms).encoded)
    guard = world.deploy(artifact("OwnerGuard").creation + GuardBirth(kernel, DELAY, WINDOW).encoded)
    made = Hall(world, chain, kernel, guard)
    assert made.sends(made.safe, encode_set_guard(guard))
    return made


def test_a_change_is_announced_waits_and_is_made(hall: Hall) -> None:
    assert not hall.sends(hall.safe, ENABLE)
    assert hall.sends(hall.guard, encode_announce_change(ENABLE))
    told = hall.announced(ENABLE)
    assert told is not None and told.expires_at == told.ready_at + WINDOW
    assert (told.subject, told.vetoes, told.serial, told.needed) == (NATIVE, 0, 1, 1)
    assert told.ready_at == hall.chain.head().timestamp + DELAY
    assert not hall.sends(hall.safe, ENABLE)
    hall.world.advance(DELAY)
    assert hall.sends(hall.safe, ENABLE)
    assert hall.modules() == (MODULE,) and hall.announced(ENABLE) is None


def test_one_owner_vetoes_a_change_and_the_next_announcement_takes_two(hall: Hall) -> None:
    assert hall.sends(hall.guard, encode_announce_change(ENABLE))
    kemi = GUARDIANS[2].address
    assert not hall.world.send_as(STRANGER.address, hall.guard, encode_veto(change_hash(ENABLE))).success
    assert hall.world.send_as(kemi, hall.guard, encode_veto(change_hash(ENABLE))).success
    assert hall.announced(ENABLE) is None
    assert hall.sends(hall.guard, encode_announce_change(ENABLE))
    assert hall.world.send_as(kemi, hall.guard, encode_veto(change_hash(ENABLE))).success
    told = hall.announced(ENABLE)
    assert told is not None and (told.vetoes, told.needed, told.serial) == (1, 2, 2)
    hall.world.advance(DELAY)
    assert hall.sends(hall.safe, ENABLE)


def test_the_safe_takes_announcements_back(hall: Hall) -> None:
    assert hall.sends(hall.guard, encode_announce_change(ENABLE))
    assert hall.sends(hall.guard, encode_cancel_change(change_hash(ENABLE)))
    assert hall.announced(ENABLE) is None
    assert hall.sends(hall.guard, encode_announce_removal()) and hall.state().removal_ready_at
    assert hall.sends(hall.guard, encode_cancel_removal()) and not hall.state().removal_ready_at


def test_the_guard_leaves_twice_the_delay_after_its_removal_was_announced(hall: Hall) -> None:
    assert hall.state() == GuardState(hall.guard, hall.safe, hall.kernel, DELAY, WINDOW, 0)
    assert hall.sends(hall.guard, encode_announce_removal())
    assert hall.state().removal_ready_at == hall.chain.head().timestamp + 2 * DELAY
    hall.world.advance(2 * DELAY - HOUR)
    assert hall.refusal(hall.direct(hall.safe, encode_set_guard(NATIVE))) == "RemovalNotReady"
    hall.world.advance(HOUR)
    assert hall.sends(hall.safe, encode_set_guard(NATIVE))
    assert hall.sends(hall.safe, ENABLE)


def test_owners_pay_and_configure_the_kernel_at_once(hall: Hall) -> None:
    usdc = hall.world.contracts.tokens[USDC]
    rekey = encode_announce(encode_rekey(NEXT_AGENT.address))
    tx = hall.batches((usdc, encode_transfer(ALICE.address, 1)), (hall.kernel, rekey))
    assert hall.sends(tx.to, tx.data, tx.operation)


def test_the_codec_names_exactly_the_changes_that_the_guard_wants_announced(hall: Hall) -> None:
    usdc = hall.world.contracts.tokens[USDC]
    payment = (usdc, encode_transfer(ALICE.address, 1))
    harmless = [hall.direct(*payment), hall.direct(hall.safe, b""), hall.batches(payment, (hall.safe, b""))]
    for tx in harmless:
        assert (changes_in(tx), hall.refusal(tx)) == ((), "")
    hidden = [
        hall.direct(hall.safe, ENABLE),
        hall.batches(payment, (hall.safe, ENABLE)),
        hall.batches((NATIVE, ENABLE)),
    ]
    for tx in hidden:
        assert (changes_in(tx), hall.refusal(tx)) == ((ENABLE,), "NotAnnounced")
    leaving = encode_set_guard(NATIVE)
    assert changes_in(hall.direct(hall.safe, leaving)) == ()
    assert changes_in(hall.batches((hall.safe, leaving))) == (leaving,)


def test_a_delegatecall_and_a_batch_that_is_cut_short_are_refused_by_name(hall: Hall) -> None:
    whole = hall.batches((hall.safe, b""))
    elsewhere = SafeTx(whole.account, hall.kernel, 0, whole.data, whole.operation, whole.nonce)
    assert hall.refusal(elsewhere) == "DelegatecallNotAllowed"
    cut = encode_call("multiSend(bytes)", b"\0" * 84)
    broken = SafeTx(whole.account, whole.to, 0, cut, whole.operation, whole.nonce)
    assert hall.refusal(broken) == "BadBatch"
    with pytest.raises(ValueError, match="cut short"):
        changes_in(broken)


def test_every_error_of_the_contract_has_its_name_and_no_other() -> None:
    abi = json.loads(files("strongroom.wallet").joinpath("artifacts", "OwnerGuard.json").read_text())["abi"]
    signatures = {abi_to_signature(entry) for entry in abi if entry["type"] == "error"}
    assert {signature: refusal_name(selector(signature)) for signature in signatures} == {
        signature: signature.partition("(")[0] for signature in signatures
    }
    assert refusal_name(b"") is None and refusal_name(selector("Busy()")) is None


def test_what_is_no_guard_has_no_state(hall: Hall) -> None:
    assert guard_from(hall.kernel, hall.chain.read(guard_reads(hall.kernel), hall.chain.head())) is None


SAFE = to_address(b"\x5a" * 20)
targets = st.sampled_from([SAFE, NATIVE, ALICE.address])


@given(st.lists(st.tuples(targets, st.binary(max_size=80)), max_size=6))
def test_every_call_of_a_batch_to_the_safe_with_data_is_a_change(calls: list[tuple[Address, bytes]]) -> None:
    account = Account(1, SAFE)
    data = encode_multisend(Call(account, to, 0, each) for to, each in calls)
    tx = SafeTx(account, MODULE, 0, data, Operation.DELEGATECALL, 0)
    assert changes_in(tx) == tuple(each for to, each in calls if to != ALICE.address and each)
