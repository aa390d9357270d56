// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelBreaker} from "../../src/interfaces/IKernel.sol";
import {BucketSetting, Leg, OrderRule} from "../../src/interfaces/KernelTypes.sol";
import {Fixture} from "../Fixture.sol";

/// @title A thief with the agent's key under rules with delays, while guardians veto, pause and change the policy
/// @dev Keeps a book of its own: when each plan was announced, as announcements that went through tell it, and how often
/// everything announced was voided. Whatever runs must be what that book allows; the Kernel is never asked.
contract HostilePlanner is Fixture {
    struct Entry {
        uint256 at;
        uint256 voids;
    }

    uint256 private constant PLANS = 6;
    uint256 private constant SHORT = 1 days;
    uint256 private constant LONG = 3 days;

    OrderRule private lateOrder;
    mapping(uint256 plan => Entry) private book;
    uint256 private voids;
    address[] private burnedKeys;

    uint256 public attempts;
    uint256 public accepted;
    uint256 public runs;
    /// @notice What the plans that ran say, in units.
    uint256 public planned;
    /// @notice Delayed legs that ran without the book's leave, and announcements of others. Must stay zero.
    uint256 public breaches;

    constructor() {
        setUp();
    }

    function setUp() public override {
        super.setUp();
        lateOrder = OrderRule(keccak256("late"), address(usdc), carol, 10e6, 1 days, 0, 0, uint32(LONG));
        leaves.push(orderLeaf(lateOrder));
        _deployKernel();
    }

    /* THE THIEF */

    /// @notice What stands already is announced again one time in four only: it is refused.
    function announceOne(uint256 which, uint256 mood) external {
        which = which % PLANS;
        if (_stands(which) && mood % 4 != 0) _run(which);
        else _announce(which);
    }

    /// @notice Half of the time when it is due to the second, or one before.
    function runOne(uint256 which, uint256 when) external {
        which = which % PLANS;
        if (when % 2 == 0 && !_stands(which)) return _announce(which);
        if (when % 2 == 0) _await(which, when);
        _run(which);
    }

    function runTwice(uint256 which) external {
        which = which % PLANS;
        if (!_stands(which)) return _announce(which);
        _await(which, 2);
        _run(which);
        _run(which);
    }

    /// @notice Announced and due, but other legs: a unit more, one leg more, or the announced ones by a burned key.
    function runAltered(uint256 which, uint256 how) external {
        which = which % PLANS;
        if (!_stands(which)) return _announce(which);
        _await(which, 2);
        Leg[] memory legs = _legs(which);
        if (how % 3 == 0) legs[0].amount++;
        else if (how % 3 == 1) legs = _longer(legs);
        _breaks(how % 3 == 2 && burnedKeys.length != 0 ? burnedKeys[how % burnedKeys.length] : _otherSender(how), legs);
    }

    /// @notice Whoever is not the agent announces nothing, a burned key least of all.
    function announceForOthers(uint256 which, uint256 who) external {
        Leg[] memory legs = _legs(which % PLANS);
        address[3] memory others = [stranger, guardian, burnedKeys.length == 0 ? owners[1] : burnedKeys[0]];
        vm.prank(others[who % 3]);
        try kernel.announceRun(legs, 0) {
            breaches++;
        } catch {}
    }

    /// @notice The delayed rule alone, as a payment and as a run that nobody announced.
    function payAtOnce(uint96 amount) external {
        amount = amount % 3 + 1;
        bytes32[] memory proof = proofOf(payLeaf(payLate));
        _awaitLive();
        vm.prank(agent);
        try kernel.pay(payLate, amount, proof, 0) {
            breaches++;
        } catch {}
        _breaks(agent, one(payLeg(payLate, amount)));
    }

    function letItExpire(uint256 which) external {
        which = which % PLANS;
        if (!_stands(which)) return _announce(which);
        vm.warp(book[which].at + _delay(which) + WINDOW + which % 2);
        _run(which);
    }

    /// @return units What the payees of all plans hold.
    function received() external view returns (uint256 units) {
        return usdc.balanceOf(alice) + usdc.balanceOf(bob) + usdc.balanceOf(carol);
    }

    /* TIME AND PEOPLE */

    function letTimePass(uint256 duration) external {
        wait_(duration % 2 days);
    }

    function vetoOne(uint256 which, uint256 mood) external {
        which = which % PLANS;
        if (mood % 2 != 0 || !_stands(which)) return;
        bytes32 id = keccak256(abi.encode(kernel.epoch(), kernel.version(), _legs(which)));
        vm.prank(mood % 4 == 0 ? guardian : owners[0]);
        kernel.vetoRun(id);
        _await(which, 2);
        delete book[which];
        _breaks(agent, _legs(which));
    }

    /// @notice A policy with the same rules, a lowered bucket, a revoked rule that nobody plans with: each voids all.
    function tighten(uint256 how, uint256 which) external {
        if (how % 4 != 0) return;
        (how, which) = (how / 4 % 3, which % PLANS);
        if (how == 0) return _makePolicy();
        vm.prank(safe);
        if (how == 1) kernel.lowerBucket(BucketSetting(address(usdc), 0, CAPACITY, 0, DRAIN));
        else kernel.revoke(leaves[2]);
        voids++;
        if (book[which].at == 0) return;
        _await(which, 2);
        _breaks(agent, _legs(which));
    }

    function pauseAndRekey(uint256 mood) external {
        if (mood % 4 != 0) return;
        vm.prank(guardian);
        kernel.pause();
        voids++;
        for (uint256 which = 0; which < PLANS; which++) {
            _breaks(agent, _legs(which));
        }
        _awaitLive();
    }

    function _makePolicy() private {
        bytes memory call = policyCall(kernel.root());
        announce(call);
        wait_(CONFIG_DELAY);
        make(safe, call);
        voids++;
    }

    function _awaitLive() private {
        if (!kernel.paused()) return;
        address newAgent = address(uint160(uint256(keccak256(abi.encode(agent)))));
        bytes memory call = abi.encodeCall(IKernelBreaker.rekey, (newAgent, bytes32(0), new address[](0)));
        announce(call);
        wait_(REKEY_DELAY);
        make(safe, call);
        burnedKeys.push(agent);
        agent = newAgent;
        voids++;
    }

    /* THE BOOK */

    function _announce(uint256 which) private {
        Leg[] memory legs = _legs(which);
        attempts++;
        vm.prank(agent);
        try kernel.announceRun(legs, 0) {
            accepted++;
            book[which] = Entry(vm.getBlockTimestamp(), voids);
        } catch {}
    }

    function _run(uint256 which) private {
        Leg[] memory legs = _legs(which);
        attempts++;
        vm.prank(agent);
        try kernel.run(legs, 0) {
            accepted++;
            _settle(which, legs);
        } catch {}
    }

    /// @dev One announcement, one run: the entry is spent.
    function _settle(uint256 which, Leg[] memory legs) private {
        runs++;
        for (uint256 i = 0; i < legs.length; i++) {
            planned += legs[i].amount;
        }
        if (!_stands(which) || vm.getBlockTimestamp() < book[which].at + _delay(which)) breaches++;
        delete book[which];
    }

    function _breaks(address sender, Leg[] memory legs) private {
        vm.prank(sender);
        try kernel.run(legs, 0) {
            breaches++;
        } catch {}
    }

    function _stands(uint256 which) private view returns (bool) {
        Entry memory entry = book[which];
        bool isOver = vm.getBlockTimestamp() > entry.at + _delay(which) + WINDOW;
        return entry.at != 0 && entry.voids == voids && !isOver;
    }

    function _await(uint256 which, uint256 when) private {
        uint256 dueAt = book[which].at + _delay(which);
        if (dueAt > vm.getBlockTimestamp()) vm.warp(dueAt - (when % 16 == 0 ? 1 : 0));
    }

    /* PLANS */

    function _delay(uint256 which) private pure returns (uint256) {
        return which == 2 || which == 3 ? LONG : SHORT;
    }

    /// @dev Delayed payments and orders, alone, one after another, and among legs that anybody may run at once.
    function _legs(uint256 which) private view returns (Leg[] memory legs) {
        if (which == 0) return one(payLeg(payLate, 100e6));
        if (which == 2) return one(orderLeg(lateOrder));
        legs = new Leg[](which == 3 ? 3 : 2);
        legs[0] = which == 1 ? payLeg(payAlice, 10e6) : payLeg(payLate, uint96(which) * 1e6);
        legs[1] = which == 3 ? orderLeg(lateOrder) : payLeg(payLate, uint96(which) * 10e6);
        if (which == 3) legs[2] = payLeg(payBob, 5e6);
    }

    function _longer(Leg[] memory legs) private view returns (Leg[] memory made) {
        made = new Leg[](legs.length + 1);
        for (uint256 i = 0; i < legs.length; i++) {
            made[i] = legs[i];
        }
        made[legs.length] = payLeg(payBob, 1);
    }

    function _otherSender(uint256 how) private view returns (address) {
        return how % 3 == 2 ? guardian : agent;
    }
}
