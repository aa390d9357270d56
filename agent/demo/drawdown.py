"""The fall: ether loses a third, somebody without any role stops the agent, and only a new key goes on."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from agent.demo.scene import Scene
from agent.demo.stage import Child, StoryBroken
from agent.demo.thief import Thief, refusal, replace_key, watch_of
from guardians.report.plainly import usd
from strongroom.model import Address, WatchState
from strongroom.protocols.abi import decode_values, selector, view
from strongroom.protocols.kernel import guardian_read
from strongroom.protocols.watch import encode_trip, watch_from, watch_reads
from strongroom.quantities import format_bps
from strongroom.settings import Mode
from strongroom.world.people import LAST_AGENT, NEXT_AGENT, STRANGER
from strongroom.world.treasury import TREASURY, WETH

_USD = 10**8
_FALL_BPS = 3_500
_MONTH_SECONDS = 31 * 86_400
_FIVE_YEARS = 5 * 365
"""In the next calendar month, whatever the day."""
_SELECTOR = 4


@dataclass(frozen=True, slots=True)
class Fall:
    """Whole USD that the watch counted before and after, who tripped it, and the month (such as `2027-03`) whose
    payroll fell due in the pause."""

    before_usd: int
    after_usd: int
    tripped_by: Address
    month: str

    @property
    def payroll(self) -> str:
        """Its unit's id."""
        return f"payroll-{self.month}"


def trip(scene: Scene) -> Fall:
    """Before the fall nobody can stop the agent without a reason; after it, anybody can."""
    scene.stage.chapter("The fall: ether loses a third, and an address without any role stops the agent")
    world, stage, watch = scene.world, scene.stage, watch_of(scene)
    world.advance(_MONTH_SECONDS)
    stage.check(not scene.read(guardian_read(scene.kernel_address, STRANGER.address)), "the stranger has no role")
    before = _refused_trip(scene)
    stage.check(not world.send_as(STRANGER.address, watch, encode_trip()).success, "nothing is tripped")
    stage.tell(f"   {STRANGER.address}, neither owner nor guardian nor agent, calls trip() of the watch")
    stage.tell(f"   it reverts, NoDrawdown: {_stands(before)}")
    _ether_falls(scene)
    after, month = _tripped(scene), f"{datetime.fromtimestamp(world.now(), UTC):%Y-%m}"
    fall = Fall(_wealth(before) // _USD, _wealth(after) // _USD, STRANGER.address, month)
    _refused_work(scene, fall)
    return fall


def _refused_trip(scene: Scene) -> WatchState:
    """The watch says why it does not pause: wealth and floor, those that it shows."""
    state = _watched(scene)
    why = refusal(scene, STRANGER.address, state.address, encode_trip()) or b""
    found = (why[:_SELECTOR], decode_values(["uint256", "uint256"], why[_SELECTOR:])) if len(why) > _SELECTOR else why
    wanted = (selector("NoDrawdown(uint256,uint256)"), (state.wealth_e8, state.floor_e8))
    scene.stage.check(found == wanted, f"a treasury above its floor is not tripped: {found!r}")
    return state


def _stands(state: WatchState) -> str:
    below = format_bps((state.mark_e8 - state.floor_e8) * 10_000 // state.mark_e8)
    return f"it counts {usd(_wealth(state))}, and its floor, {below} below its mark, is {usd(state.floor_e8)}"


def _ether_falls(scene: Scene) -> None:
    world, began, before = scene.world, scene.world.now(), scene.world.prices_e8()[WETH][0]
    world.fall(WETH, _FALL_BPS)
    after = world.prices_e8()[WETH][0]
    hours = (world.now() - began) // 3_600
    prices = f"from {usd(before)} to {usd(after)}"
    scene.stage.tell(f"   ether falls by {format_bps(_FALL_BPS)} in {hours} hours, {prices}, in every feed and pool")


def _tripped(scene: Scene) -> WatchState:
    """Two observations, some blocks apart: one block may have been made up."""
    world, stage, watch = scene.world, scene.stage, watch_of(scene)
    stage.check(world.send_as(STRANGER.address, watch, encode_trip()).success, "the fall is observed")
    stage.check(not _paused(scene), "one observation pauses nothing")
    too_soon = refusal(scene, STRANGER.address, watch, encode_trip()) or b""
    stage.check(too_soon[:_SELECTOR] == selector("TooSoon(uint256)"), f"the second one must wait: {too_soon!r}")
    state = _watched(scene)
    world.mine(state.confirm_blocks)
    stage.check(world.send_as(STRANGER.address, watch, encode_trip()).success, "the fall is confirmed")
    stage.check(_paused(scene), "the Kernel is paused")
    stage.tell(
        f"   the same call now: it counts {usd(_wealth(state))}, payments since the mark included, below the floor; "
        f"again {state.confirm_blocks} blocks later: the Kernel is paused"
    )
    return state


def _refused_work(scene: Scene, fall: Fall) -> None:
    """The key alone is refused, and the running treasurer pays nobody: payroll falls due and waits for people."""
    stage, paid_before = scene.stage, _payees_hold(scene)
    asked = stage.ask_strongroom("status", "--config", str(scene.documents(Mode.GUARDED)))
    unit = _payday(scene, fall)
    refused = Thief.of(scene, NEXT_AGENT.address).refused()
    stage.check(refused == "KernelPaused()", f"the agent's key is refused: {refused}")
    stage.tell(f"   a payment with the agent's key: refused, {refused}")
    status = asked()
    stage.tell(f"   strongroom status: Kernel {status['kernel']}")
    _told_beside(scene, status)
    seen = (unit["id"], unit["status"], unit["lane"], unit["tx_hash"])
    stage.check(seen == (fall.payroll, "waiting", "owner", ""), f"payroll does not execute in the pause: {unit}")
    stage.check(_payees_hold(scene) == paid_before, "nobody is paid in the pause")
    stage.tell(f"   {unit['id']} is not executed; it waits for guardians at nonce {unit['nonce']}")


def _told_beside(scene: Scene, status: Mapping[str, Any]) -> None:
    """What the agent's key can pay for, and what strangers have sent: listed, never counted."""
    stage, strange = scene.stage, status["arrivals"]["holdings"]
    stage.check(status["gas"]["days"] > 0, f"the agent's key can pay for its work: {status['gas']}")
    days = status["gas"]["days"]
    lasts = "over 5 years" if days > _FIVE_YEARS else f"{days} days"
    stage.tell(f"   and: the agent's key holds gas for {lasts}; {len(strange)} unlisted tokens count for nothing")


def _payday(scene: Scene, fall: Fall) -> dict[str, Any]:
    """The month's payroll, now: its one unit."""
    config = str(scene.documents(Mode.GUARDED))
    answer = scene.stage.strongroom("cycle", "payroll", "--month", fall.month, "--config", config)
    scene.stage.tell(f"   strongroom cycle payroll: {answer['rationale']}")
    (unit,) = answer["units"]
    return dict(unit)


def _payees_hold(scene: Scene) -> dict[str, int]:
    return {payee.id: scene.held(payee.address, payee.monthly.token) for payee in TREASURY.payees}


def rekey(scene: Scene) -> None:
    """Two guardians give the Kernel a third key; the mark is what is left."""
    stage = scene.stage
    replace_key(scene, NEXT_AGENT, LAST_AGENT)
    stage.check(not _paused(scene), "the Kernel lives again")
    refused = Thief.of(scene, NEXT_AGENT.address).refused()
    stage.check(refused == f"NotAgent({NEXT_AGENT.address})", f"the old key is refused: {refused}")
    stage.tell("   two guardians sign the re-key and, in the same transaction, the watch's new mark")
    stage.tell(f"   a payment with the old key: refused, {refused}")
    state = _refused_trip(scene)
    stage.check(state.mark_e8 == state.wealth_e8, f"the mark is the wealth of now: {state}")
    stage.tell(f"   trip() reverts again, NoDrawdown: {_stands(state)}")


def resume(scene: Scene, treasurer: Child, fall: Fall) -> None:
    """Under the third key work goes on: the payroll that the pause held up is paid once."""
    stage, paid_before = scene.stage, _payees_hold(scene)
    stage.hear(treasurer, f"process {treasurer.pid}")
    stage.tell(f"   {stage.hear(treasurer, f'{fall.payroll}: superseded')}, for the re-key has its nonce")
    unit = _payday(scene, fall)
    stage.check((unit["status"], unit["lane"]) == ("executed", "agent"), f"work resumes under the third key: {unit}")
    paid = {name: units - paid_before[name] for name, units in _payees_hold(scene).items()}
    stage.check(paid == {each.id: each.monthly.units for each in TREASURY.payees}, f"everybody is paid once: {paid}")
    stage.tell(f"   {unit['id']}: executed by the new key alone in {unit['tx_hash']}, everybody is paid once")


def _watched(scene: Scene) -> WatchState:
    from strongroom.chain.rpc import RpcChain

    watch = watch_of(scene)
    with closing(RpcChain(scene.world.url)) as chain:
        state = watch_from(watch, chain.read(watch_reads(watch), chain.head()))
    if state is None:
        raise StoryBroken(f"`{watch}` is no watch")
    return state


def _paused(scene: Scene) -> bool:
    return scene.read(view(scene.kernel_address, "paused()", ["bool"], bool))


def _wealth(state: WatchState) -> int:
    if state.wealth_e8 is None:
        raise StoryBroken("a price is missing")
    return state.wealth_e8
