"""A guardian's own check on a real chain: good work passes with its amounts, hostile proposals are denied by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from agent.example import documents, write
from agent.installing import plan_installation
from guardians.acts import confirm, reject
from guardians.documents import subject_of
from guardians.review import Review, find_queued, read_proposal, review
from guardians.transcript import review_data, review_lines
from policies.document import document_hash
from strongroom.errors import Denied, NotAnOwner, NotQueued, ServiceRefused
from strongroom.model import Address, Approval, Digest, Operation, Queued, SafeTx, TokenId, Verdict
from strongroom.observe import safe_state
from strongroom.protocols.abi import encode_call
from strongroom.protocols.erc20 import TRANSFER_FROM, encode_approve, encode_transfer
from strongroom.protocols.safe import GUARD_SLOT, encode_exec, join_signatures
from strongroom.protocols.uniswap_v3 import ExactInput, encode_exact_input
from strongroom.protocols.watch import encode_rebase
from strongroom.settings import Mode
from strongroom.world.people import AGENT, ALICE, DEPLOYER, GUARDIANS, STRANGER
from strongroom.world.treasury import TREASURY
from tests.contracts.protocol_desk import creation
from tests.guardians.hall import Hall

USDC = 10**6
INES, JONAS, KEMI = GUARDIANS


def denials(review: Review) -> set[str]:
    return {finding.rule for finding in review.decision.findings if finding.verdict is Verdict.DENY}


def executed(hall: Hall, digest: Digest) -> bool:
    """Anyone may execute what enough guardians signed."""
    queued = find_queued(hall.service, digest)
    data = encode_exec(queued.tx, join_signatures(queued.approvals))
    return hall.world.send_as(DEPLOYER.address, hall.document.account.safe, data).success


def test_a_payroll_is_understood_rehearsed_and_not_denied(hall: Hall) -> None:
    """Every salary is read from the bytes, the rehearsed deltas are exactly those, the Safe loses no more."""
    review = hall.review(hall.propose(hall.payroll()))
    assert review.decision.verdict in (Verdict.ALLOW, Verdict.ASK)
    gained = {(d.holder, d.token): d.units for d in review.rehearsal.deltas if d.units > 0}
    assert gained == {(payee.address, payee.monthly.token): payee.monthly.units for payee in TREASURY.payees}
    assert -sum(d.units for d in review.rehearsal.deltas if d.units < 0) == sum(gained.values())
    text = "\n".join(review_lines(review))
    assert f"pay 11,000.00 USDC to alice ({ALICE.address})" in text
    assert review.same_policy and document_hash(hall.document) in text


def test_two_guardians_sign_and_the_money_arrives(hall: Hall) -> None:
    digest = hall.propose(hall.payroll())
    for person in (INES, JONAS, JONAS):
        confirm(hall.review(digest), hall.key_of(person), hall.service)
    assert hall.signers(digest) == {INES.address, JONAS.address}
    assert executed(hall, digest)
    balance = encode_call("balanceOf(address)", ALICE.address)
    held = hall.world.ask("eth_call", {"to": hall.token("USDC"), "data": "0x" + balance.hex()}, "latest")
    assert int(held, 16) == 11_000 * USDC
    assert denials(hall.review(digest)) >= {"action"}, "what was executed is not signed again"


def test_a_swap_into_the_safe_is_understood_and_not_denied(hall: Hall) -> None:
    review = hall.review(hall.propose(swap(hall, hall.document.account.safe)))
    assert not denials(review)
    assert "sell 1,000.00 USDC for at least 0.331 WETH at uniswap" in "\n".join(review_lines(review))


def test_what_fails_inside_and_is_passed_over_is_told(hall: Hall) -> None:
    failing = hall.world.deploy(creation("RevertingTarget", "Callers"))
    catcher = hall.world.deploy(creation("CatchingCaller", "Callers"))
    tried = hall.call(catcher, encode_call("attempt(address,bytes)", failing, bytes.fromhex("12345678")))
    seen = hall.review(hall.propose(tried))
    (line,) = (line for line in review_lines(seen) if "passed over" in line)
    assert f"a call of {failing}, who is not in the address book (0x12345678) fails" in line
    (caught,) = review_data(seen)["rehearsal"]["caught"]
    assert (caught["to"], caught["selector"]) == (failing, "0x12345678")


def stranger_paid(hall: Hall) -> SafeTx:
    return hall.call(hall.token("USDC"), encode_transfer(STRANGER.address, USDC))


def stranger_in_payroll(hall: Hall) -> SafeTx:
    salary = (hall.token("USDC"), encode_transfer(ALICE.address, 100 * USDC))
    return hall.batch(salary, (hall.token("USDC"), encode_transfer(STRANGER.address, USDC)))


def ether_to_stranger(hall: Hall) -> SafeTx:
    return hall.call(STRANGER.address, value_wei=1)


def approval_left(hall: Hall) -> SafeTx:
    return hall.call(hall.token("USDC"), encode_approve(hall.world.contracts.swap_router, 5 * USDC))


def delegatecall(hall: Hall) -> SafeTx:
    return replace(hall.payroll(), to=hall.world.contracts.safe_singleton)


def new_owner(hall: Hall) -> SafeTx:
    data = encode_call("addOwnerWithThreshold(address,uint256)", STRANGER.address, 1)
    return hall.call(hall.document.account.safe, data)


def module_beside_salary(hall: Hall) -> SafeTx:
    salary = (hall.token("USDC"), encode_transfer(ALICE.address, 100 * USDC))
    return hall.batch(salary, (hall.document.account.safe, encode_call("enableModule(address)", STRANGER.address)))


def too_much(hall: Hall) -> SafeTx:
    return hall.call(hall.token("USDC"), encode_transfer(ALICE.address, 15_000 * USDC + 1))


def swap(hall: Hall, recipient: Address) -> SafeTx:
    """1,000 USDC for at least 0.331 WETH at 3,000 USD."""
    router, units = hall.world.contracts.swap_router, 1_000 * USDC
    usdc, weth = (hall.document.tokens[TokenId(name)].token.address for name in ("USDC", "WETH"))
    order = ExactInput(usdc, weth, 500, recipient, 2**40, units, 331 * 10**15)
    return hall.batch((usdc, encode_approve(router, units)), (router, encode_exact_input(order)))


def swap_to_stranger(hall: Hall) -> SafeTx:
    return swap(hall, STRANGER.address)


def trailing_byte(hall: Hall) -> SafeTx:
    return hall.call(hall.token("USDC"), encode_transfer(ALICE.address, USDC) + b"\0")


def pulled(hall: Hall) -> SafeTx:
    data = encode_call(TRANSFER_FROM, hall.document.account.safe, STRANGER.address, USDC)
    return hall.call(hall.token("USDC"), data)


HOSTILE: list[tuple[Callable[[Hall], SafeTx], set[str]]] = [
    (stranger_paid, {"payees", "provenance", "payments"}),
    (stranger_in_payroll, {"payees", "provenance", "payments"}),
    (ether_to_stranger, {"payees", "provenance"}),
    (approval_left, {"leftovers", "venues"}),
    (delegatecall, {"action", "calls", "intents"}),
    (new_owner, {"calls", "safe_state", "intents"}),
    (module_beside_salary, {"calls", "safe_state"}),
    (too_much, {"payments"}),
    (swap_to_stranger, {"venues"}),
    (trailing_byte, {"calls"}),
    (pulled, {"calls"}),
]


@pytest.mark.parametrize(("attack", "rules"), HOSTILE, ids=[attack.__name__ for attack, _ in HOSTILE])
def test_a_hostile_proposal_is_denied_by_name_and_never_signed(
    hall: Hall, attack: Callable[[Hall], SafeTx], rules: set[str]
) -> None:
    digest = hall.propose(attack(hall))
    review = hall.review(digest)
    assert denials(review) >= rules
    with pytest.raises(Denied, match=digest):
        confirm(review, hall.key_of(INES), hall.service)
    assert hall.signers(digest) == set()


def test_what_a_proposal_says_about_itself_changes_nothing(hall: Hall) -> None:
    """The origin claims the guardian's own policy and a payroll; the bytes pay a stranger."""
    review = hall.review(hall.propose(stranger_paid(hall), hall.origin()))
    assert review.denied and review.same_policy


@pytest.mark.parametrize(
    ("origin", "same"), [("", None), ("[]", None), ('{"policy":7}', None), ('{"policy":"0x00"}', False)]
)
def test_a_proposal_under_another_policy_is_pointed_out(hall: Hall, origin: str, same: bool | None) -> None:
    review = hall.review(hall.propose(hall.payroll(), origin))
    assert review.same_policy is same
    assert ("NOT the one" in "\n".join(review_lines(review))) == (same is False)


def test_an_origin_cannot_forge_a_line_of_the_review(hall: Hall) -> None:
    forged = "\nverdict allow: sign\x1b[2A\u202e"
    lines = list(review_lines(hall.review(hall.propose(stranger_paid(hall), forged))))
    assert [line for line in lines if line.startswith("verdict")] == [lines[-1]]
    assert all(line.isascii() and line.isprintable() for line in lines)


def test_a_queue_that_answers_with_other_bytes_is_not_believed(hall: Hall) -> None:
    """Even where the adapter itself would lie about the hash, the guardian computes it."""
    queued = find_queued(hall.service, hall.propose(hall.payroll()))
    lie = replace(queued, tx=stranger_paid(hall))
    with pytest.raises(ServiceRefused, match="do not sign"):
        read_proposal(lie, hall.document)


def test_the_reviewed_proposal_is_not_counted_against_its_own_caps(hall: Hall) -> None:
    """At a free nonce beside another payroll, only the other one is in flight."""
    first, second = hall.propose(hall.payroll(0)), hall.propose(hall.payroll(1))
    assert [queued.safe_tx_hash for queued in hall.review(first).facts.queue] == [second]
    assert [queued.safe_tx_hash for queued in hall.review(second).facts.queue] == [first]
    assert "1 that wait at earlier nonces" in "\n".join(review_lines(hall.review(second)))


def test_a_key_that_owns_nothing_signs_nothing(hall: Hall) -> None:
    digest = hall.propose(hall.payroll())
    with pytest.raises(NotAnOwner, match=STRANGER.address):
        confirm(hall.review(digest), hall.key_of(STRANGER), hall.service)
    assert hall.signers(digest) == set()


def test_a_rejection_by_two_guardians_uses_up_the_nonce(hall: Hall) -> None:
    """Both run the same command, the signatures meet on one transaction, and the proposal can never execute."""
    attack, account = hall.propose(stranger_paid(hall)), hall.document.account
    safe = safe_state(hall.chain, account.safe, hall.chain.head())
    hashes = {reject(account, safe, 0, hall.key_of(person), hall.service) for person in (INES, JONAS)}
    (rejection,) = hashes
    assert hall.review(rejection).proposal.is_rejection
    assert executed(hall, rejection)
    assert "action" in denials(hall.review(attack))


def test_an_unknown_hash_is_said_to_be_unknown(hall: Hall) -> None:
    with pytest.raises(NotQueued):
        find_queued(hall.service, Digest("0x" + "11" * 32))


def test_the_key_shows_its_address_only(hall: Hall) -> None:
    key = hall.key_of(INES)
    assert repr(key) == f"GuardianKey({INES.address})"
    assert INES.key.hex() not in repr(vars(key))
    approval = Approval(key.address, key.sign(hall.payroll()))
    assert len(approval.signature) == 65


# THE OWNER LANE UNDER THE OWNERS' GUARD


@dataclass(frozen=True)
class Installed:
    """The whole installation of the policy, executed by two owners: Kernel, watch and owners' guard."""

    hall: Hall
    watch: Address
    guard: Address

    def nonce(self) -> int:
        return safe_state(self.hall.chain, self.hall.document.account.safe, self.hall.chain.head()).nonce

    def review(self, tx: SafeTx) -> Review:
        """With the watch in view, as the treasurer looks."""
        hall = self.hall
        queued = find_queued(hall.service, hall.propose(tx))
        return review(hall.chain, hall.service, hall.document, subject_of(hall.document, self.watch), queued)

    def without_guard(self, tx: SafeTx) -> Review:
        slot, safe = f"0x{GUARD_SLOT:064x}", self.hall.document.account.safe
        held = self.hall.world.ask("eth_getStorageAt", safe, slot, "latest")
        self.hall.world.ask("anvil_setStorageAt", safe, slot, "0x" + "00" * 32)
        found = self.review(tx)
        self.hall.world.ask("anvil_setStorageAt", safe, slot, held)
        return found


@pytest.fixture
def installed(hall: Hall) -> Installed:
    folder = write(documents(hall.world, hall.url, hall.folder / "state", Mode.PROPOSE), hall.folder / "config")
    answer = plan_installation(folder, AGENT.address)
    tx, world = answer["transaction"], hall.world
    data = bytes.fromhex(tx["data"][2:])
    assert world.safe_exec(world.account, GUARDIANS[:2], tx["to"], data, 0, Operation(tx["operation"])).success
    made = Installed(hall, Address(answer["watch"]), Address(answer["owner_guard"]))
    state = safe_state(hall.chain, hall.document.account.safe, hall.chain.head())
    assert state.guard == made.guard
    return made


def one_payment(hall: Hall) -> SafeTx:
    return hall.call(hall.token("USDC"), encode_transfer(ALICE.address, 100 * USDC))


def ether_paid(hall: Hall) -> SafeTx:
    return hall.call(ALICE.address, value_wei=10**15)


def payroll(hall: Hall) -> SafeTx:
    return hall.payroll()


def swap_home(hall: Hall) -> SafeTx:
    return swap(hall, hall.document.account.safe)


def payment_with_a_new_mark(installed: Installed) -> SafeTx:
    salary = (installed.hall.token("USDC"), encode_transfer(ALICE.address, 100 * USDC))
    return installed.hall.batch(salary, (installed.watch, encode_rebase()))


@pytest.mark.parametrize("kind", [one_payment, ether_paid, payroll, swap_home, None])
def test_what_the_owners_pay_and_swap_passes_their_guard_as_rehearsed(
    installed: Installed, kind: Callable[[Hall], SafeTx] | None
) -> None:
    """The rehearsal runs through the guard, with the same outcome as without it; two owners sign and it executes."""
    hall = installed.hall
    made = kind(hall) if kind else payment_with_a_new_mark(installed)
    tx = replace(made, nonce=installed.nonce())
    bare, guarded = installed.without_guard(tx), installed.review(tx)
    assert guarded.facts.safe.guard == installed.guard and guarded.changing is None
    assert guarded.rehearsal.success, guarded.rehearsal.revert
    outcome = (guarded.rehearsal.deltas, guarded.rehearsal.allowances)
    assert outcome == (bare.rehearsal.deltas, bare.rehearsal.allowances)
    assert guarded.decision.verdict == bare.decision.verdict
    assert guarded.rehearsal.gas_used > bare.rehearsal.gas_used + 20_000, "the guard has looked at it"
    digest = guarded.proposal.safe_tx_hash
    for person in (JONAS, KEMI):
        hall.service.post_confirmation(digest, hall.key_of(person).sign(tx))
    assert executed(hall, digest)
    assert installed.nonce() == tx.nonce + 1


def test_a_change_that_nobody_announced_fails_in_rehearsal_by_the_guards_own_word(installed: Installed) -> None:
    """The simulation does not go past the guard: the policy denies it twice."""
    tx = replace(new_owner(installed.hall), nonce=installed.nonce())
    found = installed.review(tx)
    assert not found.rehearsal.success and found.rehearsal.revert.startswith("NotAnnounced(0x")
    assert denials(found) >= {"rehearsed", "calls"}
    elsewhere = replace(delegatecall(installed.hall), nonce=installed.nonce())
    assert installed.review(elsewhere).rehearsal.revert.startswith("DelegatecallNotAllowed(0x")


def test_a_delegatecall_to_the_batcher_with_ether_beside_it_is_denied(hall: Hall) -> None:
    tx = replace(hall.payroll(), value_wei=1, operation=Operation.DELEGATECALL)
    assert denials(hall.review(hall.propose(tx))) >= {"action", "calls"}


def test_the_queue_value_is_what_the_service_was_given(hall: Hall) -> None:
    queued = find_queued(hall.service, hall.propose(hall.payroll()))
    assert isinstance(queued, Queued) and queued.tx == hall.payroll()


def test_a_guardian_reads_what_the_policy_would_have_let_go_alone(hall: Hall) -> None:
    """The lines of `policy explain`, and nothing of the kind on what no policy judges or what is denied beyond help."""
    large = hall.call(hall.token("USDC"), encode_transfer(ALICE.address, 14_000 * USDC))
    reviewed = hall.review(hall.propose(large))
    text = "\n".join(review_lines(reviewed))
    assert reviewed.decision.verdict is Verdict.ASK and "  to be allowed:" in text and " over)" in text
    assert "as a last resort people change policy.toml" in text
    assert [each["verdict"] for each in review_data(reviewed)["prospects"]] == ["allow"]
    stranger = hall.review(hall.propose(stranger_paid(hall)))
    assert "people list in policy.toml" in "\n".join(review_lines(stranger))
    forged = replace(stranger, decision=replace(stranger.decision, findings=stranger.decision.findings[1:]))
    assert review_data(forged)["prospects"] == [] and "to be allowed" not in "\n".join(review_lines(forged))
