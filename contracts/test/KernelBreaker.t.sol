// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelBreaker, IKernelConfig} from "../src/interfaces/IKernel.sol";
import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {IKernelEvents} from "../src/interfaces/IKernelEvents.sol";
import {BucketSetting, Leg, PayRule} from "../src/interfaces/KernelTypes.sol";
import {Fixture} from "./Fixture.sol";

/// @title A guardian that pauses as soon as it is paid
contract PausingPayee {
    IKernelBreaker private immutable kernel;

    constructor(IKernelBreaker kernel_) {
        kernel = kernel_;
    }

    receive() external payable {
        kernel.pause();
    }
}

/// @title Pause, block and re-key: what stops the agent, and that nothing else starts it again
contract KernelBreakerTest is Fixture, IKernelEvents {
    address private newAgent = address(0xA6E28);

    /* PAUSE */

    function test_agent_owner_guardian_and_safe_pause_at_once() external {
        address[4] memory callers = [agent, owners[1], guardian, safe];
        for (uint256 i = 0; i < callers.length; i++) {
            _deployKernel();
            vm.expectEmit(true, true, true, true, address(kernel));
            emit Paused(0, callers[i], 0);
            vm.prank(callers[i]);
            kernel.pause();
            payRefused(payAlice, 1, abi.encodeWithSelector(IKernelErrors.KernelPaused.selector));
            runRefused(one(payLeg(payAlice, 1)), abi.encodeWithSelector(IKernelErrors.KernelPaused.selector));
        }
    }

    function testFuzz_a_stranger_does_not_pause(address caller) external {
        vm.assume(caller != agent && caller != safe && !kernel.isGuardian(caller));
        vm.expectRevert(abi.encodeWithSelector(IKernelErrors.NotAllowedToPause.selector, caller));
        vm.prank(caller);
        kernel.pause();
    }

    function test_a_pause_voids_what_was_announced() external {
        bytes memory call = _rekeyTo(newAgent);
        announce(call);
        _pause();
        wait_(REKEY_DELAY);
        makeRefused(safe, call, abi.encodeWithSelector(IKernelErrors.NotAnnounced.selector, keccak256(call)));
    }

    function test_pausing_again_does_not_void_the_way_out() external {
        _pause();
        bytes memory call = _rekeyTo(newAgent);
        announce(call);
        _pause();
        wait_(REKEY_DELAY);
        make(safe, call);
        assertTrue(!kernel.paused(), "live");
    }

    function test_a_payee_that_pauses_stops_the_rest_of_the_run() external {
        PausingPayee payee = new PausingPayee(kernel);
        PayRule memory rule = PayRule(address(0), address(payee), 1 ether, 0, 0);
        leaves.push(payLeaf(rule));
        _adoptLeaves();
        vm.prank(safe);
        kernel.addGuardian(address(payee));
        Leg[] memory legs = new Leg[](2);
        (legs[0], legs[1]) = (payLeg(rule, 1), payLeg(payAlice, 1));
        runRefused(legs, abi.encodeWithSelector(IKernelErrors.KernelPaused.selector));
        pay(rule, 1);
        assertTrue(kernel.paused(), "a single payment to it goes through, then it is over");
    }

    /* BLOCK */

    function test_a_blocked_payee_gets_nothing_and_others_do() external {
        vm.expectEmit(true, true, true, true, address(kernel));
        emit AddressBlocked(alice, guardian);
        vm.prank(guardian);
        kernel.blockAddress(alice);
        payRefused(payAlice, 1, abi.encodeWithSelector(IKernelErrors.AddressIsBlocked.selector, alice));
        pay(payBob, 1);
    }

    function test_a_blocked_payee_gets_no_salary() external {
        vm.prank(owners[0]);
        kernel.blockAddress(carol);
        bytes4 selector = IKernelErrors.AddressIsBlocked.selector;
        runRefused(one(orderLeg(salary)), abi.encodeWithSelector(selector, carol));
    }

    function test_a_blocked_token_does_not_move() external {
        vm.prank(guardian);
        kernel.blockAddress(address(usdc));
        payRefused(payAlice, 1, abi.encodeWithSelector(IKernelErrors.AddressIsBlocked.selector, address(usdc)));
        pay(payEther, 1);
    }

    function testFuzz_only_guardians_and_owners_block(address caller) external {
        vm.assume(!kernel.isGuardian(caller));
        vm.expectRevert(abi.encodeWithSelector(IKernelErrors.NotGuardian.selector, caller));
        vm.prank(caller);
        kernel.blockAddress(alice);
    }

    function test_unblocking_is_announced_by_the_safe() external {
        vm.prank(guardian);
        kernel.blockAddress(alice);
        bytes memory call = abi.encodeCall(IKernelBreaker.unblockAddress, (alice));
        makeRefused(safe, call, abi.encodeWithSelector(IKernelErrors.NotAnnounced.selector, keccak256(call)));
        announce(call);
        wait_(CONFIG_DELAY);
        vm.expectEmit(true, true, true, true, address(kernel));
        emit AddressUnblocked(alice);
        make(safe, call);
        pay(payAlice, 1);
    }

    function test_the_native_coin_can_be_blocked_too() external {
        vm.prank(guardian);
        kernel.blockAddress(address(0));
        payRefused(payEther, 1, abi.encodeWithSelector(IKernelErrors.AddressIsBlocked.selector, address(0)));
    }

    /* RE-KEY */

    function test_a_rekey_waits_burns_the_old_key_and_ends_the_pause() external {
        _pause();
        bytes memory call = _rekeyTo(newAgent);
        announce(call);
        uint256 readyAt = vm.getBlockTimestamp() + REKEY_DELAY;
        makeRefused(safe, call, abi.encodeWithSelector(IKernelErrors.NotReady.selector, keccak256(call), readyAt));
        wait_(REKEY_DELAY);
        vm.expectEmit(true, true, true, true, address(kernel));
        emit Rekeyed(1, agent, newAgent, 0);
        make(guardian, call);
        payRefused(payAlice, 1, abi.encodeWithSelector(IKernelErrors.NotAgent.selector, agent));
        assertTrue(kernel.burned(agent) && !kernel.paused(), "burned, live");
        agent = newAgent;
        pay(payAlice, 1);
    }

    function test_a_burned_key_never_comes_back() external {
        address oldAgent = agent;
        _rekey(newAgent, 0);
        agent = newAgent;
        _rekeyRefused(oldAgent, 0, abi.encodeWithSelector(IKernelErrors.KeyBurned.selector, oldAgent));
        _rekeyRefused(newAgent, 0, abi.encodeWithSelector(IKernelErrors.KeyBurned.selector, newAgent));
        vm.expectRevert(abi.encodeWithSelector(IKernelErrors.BadGuardian.selector, oldAgent));
        vm.prank(safe);
        kernel.addGuardian(oldAgent);
    }

    function test_safe_owner_guardian_and_zero_are_no_agents() external {
        address[4] memory wrong = [safe, owners[0], guardian, address(0)];
        for (uint256 i = 0; i < wrong.length; i++) {
            _rekeyRefused(wrong[i], 0, abi.encodeWithSelector(IKernelErrors.BadAgent.selector, wrong[i]));
        }
    }

    function test_a_guardian_dropped_by_the_rekey_may_be_the_new_agent() external {
        address[] memory dropped = new address[](2);
        (dropped[0], dropped[1]) = (guardian, stranger);
        bytes memory call = abi.encodeCall(IKernelBreaker.rekey, (guardian, bytes32(0), dropped));
        announce(call);
        wait_(REKEY_DELAY);
        make(safe, call);
        assertTrue(!kernel.isGuardian(guardian), "dropped");
        assertEq(kernel.agent(), guardian, "agent");
    }

    function test_an_agent_with_code_needs_the_hash_the_safe_named() external {
        vm.etch(newAgent, hex"00");
        _rekeyRefused(newAgent, 0, abi.encodeWithSelector(IKernelErrors.BadAgent.selector, newAgent));
        _rekeyRefused(newAgent, keccak256(hex"01"), abi.encodeWithSelector(IKernelErrors.BadAgent.selector, newAgent));
        _rekey(newAgent, keccak256(hex"00"));
        agent = newAgent;
        pay(payAlice, 1);
        vm.etch(newAgent, hex"6000");
        payRefused(payAlice, 1, abi.encodeWithSelector(IKernelErrors.NotAgent.selector, newAgent));
    }

    function test_a_hash_for_a_key_without_code_is_refused() external {
        _rekeyRefused(newAgent, keccak256(hex"00"), abi.encodeWithSelector(IKernelErrors.BadAgent.selector, newAgent));
    }

    function test_a_rekey_expires() external {
        bytes memory call = _rekeyTo(newAgent);
        announce(call);
        wait_(REKEY_DELAY + WINDOW + 1);
        makeRefused(safe, call, abi.encodeWithSelector(IKernelErrors.NotAnnounced.selector, keccak256(call)));
    }

    function test_a_rekey_hands_out_no_fresh_caps() external {
        for (uint256 i = 0; i < 5; i++) {
            pay(payAlice, MAX_PAYMENT);
        }
        run(one(orderLeg(salary)));
        uint256 paidAt = vm.getBlockTimestamp();
        _rekey(newAgent, 0);
        agent = newAgent;
        uint256 leaked = uint256(CAPACITY) * REKEY_DELAY / DRAIN;
        assertEq(kernel.available(usdcKey()), leaked, "only what time drained");
        bytes4 selector = IKernelErrors.OrderNotDue.selector;
        runRefused(one(orderLeg(salary)), abi.encodeWithSelector(selector, paidAt, paidAt + COOLDOWN));
    }

    /* SHORTHAND */

    function _pause() private {
        vm.prank(guardian);
        kernel.pause();
    }

    function _rekeyTo(address key) private pure returns (bytes memory) {
        return abi.encodeCall(IKernelBreaker.rekey, (key, bytes32(0), new address[](0)));
    }

    function _rekey(address key, bytes32 codeHash) private {
        bytes memory call = abi.encodeCall(IKernelBreaker.rekey, (key, codeHash, new address[](0)));
        announce(call);
        wait_(REKEY_DELAY);
        make(safe, call);
    }

    function _rekeyRefused(address key, bytes32 codeHash, bytes memory reason) private {
        bytes memory call = abi.encodeCall(IKernelBreaker.rekey, (key, codeHash, new address[](0)));
        announce(call);
        wait_(REKEY_DELAY);
        makeRefused(safe, call, reason);
    }

    function _adoptLeaves() private {
        bytes memory call =
            abi.encodeCall(IKernelConfig.setPolicy, (_birth().root, keccak256("doc"), new BucketSetting[](0)));
        announce(call);
        wait_(CONFIG_DELAY);
        make(safe, call);
    }
}
