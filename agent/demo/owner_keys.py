"""The owners' keys: two of three are stolen, and still the Safe itself changes hands only late and in the open."""

from __future__ import annotations

from agent.demo.scene import Scene, shown, signing
from agent.demo.thief import refusal
from strongroom.addresses import from_digest
from strongroom.model import Address, Approval, Call, Operation, SafeTx
from strongroom.protocols.abi import view
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.kernel import encode_enable_module
from strongroom.protocols.multisend import encode_multisend
from strongroom.protocols.owner_guard import encode_announce_change, refusal_name
from strongroom.protocols.safe import GUARD_SLOT, address_in_word, encode_exec, join_signatures, safe_tx_hash
from strongroom.quantities import format_moment
from strongroom.world.people import GUARDIANS, STRANGER
from strongroom.world.treasury import TREASURY, USDC, WETH, units

_DAY_SECONDS = 86_400
_STOLEN, _LEFT = GUARDIANS[:2], GUARDIANS[2]
_ENABLE = encode_enable_module(STRANGER.address)


def steal(scene: Scene) -> None:
    """What enough owners' keys do at once, what they cannot, and how the third owner stops what they announce."""
    scene.stage.chapter("The owners' keys: two of three are stolen, and the Safe itself is still not taken")
    tell, thieves = scene.stage.tell, " and ".join(person.name for person in _STOLEN)
    tell(f"   thieves have the keys of {thieves}, as many as the Safe asks for; they try, at once, to")
    _at_once(scene)
    guard = scene.read(
        view(scene.world.account.safe, "getStorageAt(uint256,uint256)", ["bytes"], address_in_word, [GUARD_SLOT, 1])
    )
    announced = scene.world.safe_exec(scene.world.account, _STOLEN, guard, encode_announce_change(_ENABLE))
    scene.stage.check(announced.success, "an announcement is the owners' to make")
    tell(f"   so they announce it, as the guard {guard} demands")
    _vetoed(scene)


def _at_once(scene: Scene) -> None:
    """A module of the thieves' own would move everything, unsigned, for ever."""
    account, tokens = scene.world.account, scene.world.contracts.tokens
    salary = Call(account, tokens[USDC], 0, encode_transfer(TREASURY.payees[0].address, units(USDC, 100)))
    batch = encode_multisend([salary, Call(account, account.safe, 0, _ENABLE)])
    multisend, delegate = scene.world.contracts.multisend, Operation.DELEGATECALL
    for what, to, data, operation, why in (
        ("enable a module of their own", account.safe, _ENABLE, Operation.CALL, "NotAnnounced"),
        ("the same, hidden behind a salary", multisend, batch, delegate, "NotAnnounced"),
        ("run code of their own as the Safe", STRANGER.address, b"", delegate, "DelegatecallNotAllowed"),
    ):
        found = _refused(scene, to, data, operation)
        scene.stage.check(found == why, f"the guard refuses to {what}: {found}")
        scene.stage.tell(f"   {what}: refused, {found}")
    loot = scene.held(account.safe, WETH)
    paid = _refused(scene, tokens[WETH], encode_transfer(STRANGER.address, loot), Operation.CALL)
    scene.stage.check(not paid, f"payments are not the guard's to refuse: {paid}")
    scene.stage.tell(
        f"   pay themselves {shown(WETH, loot)}: that would pass; two owners may pay anybody, with any guard"
    )


def _refused(scene: Scene, to: Address, data: bytes, operation: Operation) -> str:
    """Which of the guard's errors meets what the stolen keys sign; empty when it would go through."""
    account = scene.world.account
    nonce = scene.read(view(account.safe, "nonce()", ["uint256"], int))
    tx = SafeTx(account, to, 0, data, operation, nonce)
    digest = from_digest(safe_tx_hash(tx))
    signatures = join_signatures(Approval(person.address, signing(person)(digest)) for person in _STOLEN)
    found = refusal(scene, STRANGER.address, account.safe, encode_exec(tx, signatures))
    return "" if found is None else refusal_name(found) or f"0x{found.hex()}"


def _vetoed(scene: Scene) -> None:
    """The owner whose key is left sees it, in a process without the agent, and needs nobody else."""
    stage, world, (own, keystore) = scene.stage, scene.world, scene.guardian(_LEFT)
    (change,) = stage.guardian("changes", "--config", str(own))["changes"]
    stage.check(change["call"] == "0x" + _ENABLE.hex(), f"the third owner sees it: {change}")
    stage.tell(f"   {_LEFT.name}, guardian changes: {change['does']}")
    waits = (change["ready_at"] - world.now()) // 3_600
    stage.tell(
        f"   it can be made from {format_moment(change['ready_at'])}, in {waits} hours, unless an owner vetoes it"
    )
    veto = stage.guardian("veto", change["change"], "--keystore", str(keystore), "--yes", "--config", str(own))
    stage.check(veto["is_dead"], f"one veto ends it: {veto}")
    stage.tell(f"   {_LEFT.name}, guardian veto: it can no more be made, {veto['tx_hash']}")
    world.advance(change["expires_at"] - world.now() - _DAY_SECONDS)
    refused = _refused(scene, world.account.safe, _ENABLE, Operation.CALL)
    stage.check(refused == "NotAnnounced", f"days later it is refused as at first: {refused}")
    stage.tell("   days later: refused, NotAnnounced; to announce it again takes one veto more, and as long a wait")
