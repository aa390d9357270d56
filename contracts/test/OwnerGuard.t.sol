// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelBreaker, IKernelConfig} from "../src/interfaces/IKernel.sol";
import {IOwnerGuard, IOwnerGuardRemoval, ITransactionGuard} from "../src/interfaces/IOwnerGuard.sol";
import {ISafeParts} from "../src/interfaces/ISafeParts.sol";
import {OwnerGuardFixture, SafeTx} from "./OwnerGuardFixture.sol";
import {CatchingCaller, RevertingTarget} from "./mocks/Callers.sol";
import {ObedientModule, SingletonThief} from "./mocks/SafeTricks.sol";

/// @title The owners' transactions under the guard: what passes at once, what never does, and what waits
abstract contract OwnerGuardTest is OwnerGuardFixture {
    address internal module = address(0x30D01E);

    /* WHAT PASSES AT ONCE */

    function test_owners_pay_at_once() external {
        exec(paying(7));
        assertEq(token.balanceOf(alice), 7, "alice");
    }

    function test_owners_pay_by_batch_at_once() external {
        SafeTx memory one = paying(7);
        exec(batch(bytes.concat(packed(one.to, one.data), packed(stranger, ""), packed(one.to, one.data))));
        assertEq(token.balanceOf(alice), 14, "alice");
        exec(batch(""));
    }

    function test_a_rejection_only_uses_up_its_nonce() external {
        uint256 nonce = safe.nonce();
        bytes32 before = shapeHash();
        exec(own(""));
        exec(batch(packed(address(safe), "")));
        assertEq(safe.nonce(), nonce + 2, "nonce");
        assertEq(shapeHash(), before, "nothing changed");
    }

    function test_the_kernel_is_configured_without_the_guards_delay() external {
        exec(plain(address(kernel), abi.encodeCall(IKernelConfig.revoke, (bytes32("rule")))));
        bytes memory rekey = abi.encodeCall(IKernelBreaker.rekey, (stranger, bytes32(0), new address[](0)));
        exec(batch(packed(address(kernel), abi.encodeCall(IKernelConfig.announce, (rekey)))));
        assertTrue(kernel.pending(keccak256(rekey)).readyAt != 0, "announced there");
    }

    function test_a_failing_transaction_that_sets_its_gas_uses_up_its_nonce() external {
        SafeTx memory failing = plain(address(new RevertingTarget()), hex"01");
        failing.safeTxGas = 50_000;
        uint256 nonce = safe.nonce();
        (bool success, bytes memory returned) = attempt(failing);
        assertTrue(success && !abi.decode(returned, (bool)), "sent, and failed");
        assertEq(safe.nonce(), nonce + 1, "nonce");
        exec(paying(1));
    }

    function testFuzz_signatures_and_sender_decide_nothing(bytes calldata signatures, address sender) external {
        bytes memory call = enabling(module);
        vm.startPrank(address(safe));
        vm.expectRevert(notAnnounced(call));
        guard.checkTransaction(address(safe), 0, call, 0, 0, 0, 0, address(0), payable(address(0)), signatures, sender);
        guard.checkTransaction(stranger, 0, call, 0, 0, 0, 0, address(0), payable(address(0)), signatures, sender);
        vm.stopPrank();
    }

    /* WHAT NEVER PASSES */

    function test_a_refund_is_refused() external {
        SafeTx memory each = paying(1);
        each.gasPrice = 1;
        execRefused(each, abi.encodeWithSelector(IOwnerGuard.RefundNotAllowed.selector, 1));
    }

    function test_a_delegatecall_to_anything_but_multisend_call_only_is_refused() external {
        address thief = address(new SingletonThief());
        address full = deployed(version(), "libraries/MultiSend.sol/MultiSend.json");
        address[4] memory targets = [thief, full, stranger, address(safe)];
        for (uint256 i = 0; i < targets.length; i++) {
            SafeTx memory each = batch("");
            each.to = targets[i];
            execRefused(each, _notDelegated(targets[i]));
        }
        execRefused(delegated(thief, abi.encodeCall(SingletonThief.take, (thief))), _notDelegated(thief));
        assertTrue(guard.shape().singleton != thief, "singleton");
    }

    function test_multisend_call_only_of_either_version_may_be_delegated_to() external {
        string[2] memory packages = [V1_4_1, V1_5_0];
        for (uint256 i = 0; i < 2; i++) {
            SafeTx memory each = batch(packed(address(token), paying(1).data));
            each.to = deployed(packages[i], "libraries/MultiSendCallOnly.sol/MultiSendCallOnly.json");
            exec(each);
        }
        assertEq(token.balanceOf(alice), 2, "alice");
    }

    function test_a_transaction_inside_a_transaction_is_refused() external {
        CatchingCaller caller = new CatchingCaller();
        bytes memory inner = approved(paying(5), safe.nonce() + 1);
        bytes memory attempting = abi.encodeCall(caller.attempt, (address(safe), inner));
        bytes memory outer = approved(plain(address(caller), attempting), safe.nonce());
        vm.expectEmit(true, false, false, true, address(caller));
        emit CatchingCaller.Caught(address(safe), abi.encodeWithSelector(IOwnerGuardRemoval.Nested.selector));
        _send(outer);
        assertEq(token.balanceOf(alice), 0, "alice");
        _send(inner);
        assertEq(token.balanceOf(alice), 5, "the same bytes pass by themselves");
    }

    function test_a_second_transaction_within_one_of_the_chains_is_refused() external {
        bytes memory first = approved(paying(1), safe.nonce());
        bytes memory second = approved(paying(2), safe.nonce() + 1);
        try this.both(first, second) {
            assertTrue(false, "both");
        } catch (bytes memory reason) {
            assertEq(keccak256(reason), keccak256(abi.encodeWithSelector(NotTrue.selector, "sent")), "the second");
        }
        _send(first);
        _send(second);
    }

    /// @dev One call of a test is one transaction of the chain.
    function both(bytes calldata first, bytes calldata second) external {
        _send(first);
        _send(second);
    }

    /// @dev To the guard a hook that the Safe is made to call looks like one the Safe calls itself.
    function test_calling_the_guards_hooks_in_a_transaction_hides_nothing() external {
        ObedientModule obedient = new ObedientModule();
        safeDoes(enabling(address(obedient)));
        bytes memory order = abi.encodeCall(obedient.obey, (address(safe), address(safe), enabling(module)));
        bytes memory theft = packed(address(obedient), order);
        bytes memory ending = abi.encodeCall(ITransactionGuard.checkAfterExecution, (bytes32(0), true));
        bytes memory beginning = _beginning(stranger, "");
        bytes memory leaving = _beginning(address(guard), abi.encodeCall(IOwnerGuardRemoval.announceRemoval, ()));
        bytes[6] memory ways = [
            bytes.concat(_toGuard(ending), theft, _toGuard(beginning)),
            bytes.concat(_toGuard(leaving), theft),
            bytes.concat(_toGuard(ending), _toGuard(leaving), theft),
            bytes.concat(_obeyed(obedient, ending), theft, _obeyed(obedient, beginning)),
            bytes.concat(_obeyed(obedient, leaving), theft),
            bytes.concat(_toGuard(ending), theft)
        ];
        for (uint256 i = 0; i < ways.length; i++) {
            (bool success,) = attempt(batch(ways[i]));
            assertTrue(!success && !safe.isModuleEnabled(module), "refused");
        }
        exec(batch(_toGuard(ending)));
    }

    function _toGuard(bytes memory call) private view returns (bytes memory) {
        return packed(address(guard), call);
    }

    function _obeyed(ObedientModule obedient, bytes memory call) private view returns (bytes memory) {
        return packed(address(obedient), abi.encodeCall(obedient.obey, (address(safe), address(guard), call)));
    }

    function _beginning(address to, bytes memory call) private pure returns (bytes memory) {
        return abi.encodeCall(
            ITransactionGuard.checkTransaction,
            (to, 0, call, 0, 0, 0, 0, address(0), payable(address(0)), "", address(0))
        );
    }

    function test_a_transaction_inside_a_call_to_itself_is_refused_even_announced() external {
        bytes memory inner = approved(paying(5), safe.nonce() + 1);
        execRefused(own(inner), notAnnounced(inner));
        execRefused(batch(packed(address(safe), inner)), notAnnounced(inner));
        announce(inner);
        pass(DELAY);
        assertEq(keccak256(approved(paying(5), safe.nonce() + 1)), keccak256(inner), "approved, and the same bytes");
        (bool success,) = attempt(own(inner));
        assertTrue(!success, "refused");
    }

    function test_no_transaction_runs_while_a_leg_of_the_kernel_does() external {
        CatchingCaller caller = new CatchingCaller();
        bytes memory inner = approved(paying(5), safe.nonce());
        token.setHook(address(caller), abi.encodeCall(caller.attempt, (address(safe), inner)));
        vm.expectEmit(true, false, false, true, address(caller));
        emit CatchingCaller.Caught(address(safe), abi.encodeWithSelector(IOwnerGuard.KernelBusy.selector));
        vm.prank(agent);
        kernel.pay(payAlice, 1, new bytes32[](0), 0);
        assertEq(token.balanceOf(alice), 1, "the payment alone");
        token.setHook(address(0), "");
        exec(paying(5));
    }

    function test_a_module_that_obeys_the_safe_does_not_change_it_within_a_transaction() external {
        ObedientModule obedient = new ObedientModule();
        safeDoes(enabling(address(obedient)));
        bytes[6] memory calls = [
            enabling(module),
            abi.encodeCall(ISafeParts.disableModule, (address(obedient), address(kernel))),
            abi.encodeCall(ISafeParts.setGuard, (address(0))),
            abi.encodeCall(ISafeParts.setFallbackHandler, (module)),
            abi.encodeCall(ISafeParts.changeThreshold, (1)),
            abi.encodeCall(ISafeParts.swapOwner, (SENTINEL, owners[0], stranger))
        ];
        bytes32 before = shapeHash();
        for (uint256 i = 0; i < calls.length; i++) {
            bytes memory order = abi.encodeCall(obedient.obey, (address(safe), address(safe), calls[i]));
            (bool success, bytes memory reason) = attempt(plain(address(obedient), order));
            assertTrue(!success, "refused");
            assertEq(bytes32(bytes4(reason)), bytes32(IOwnerGuard.ShapeChanged.selector), "reason");
        }
        assertEq(shapeHash(), before, "nothing changed");
    }

    /// @dev The announced change passes by itself: that a second one hides behind it is what is found.
    function test_an_announced_change_does_not_cover_another_one_of_the_same_kind() external {
        ObedientModule obedient = new ObedientModule();
        safeDoes(enabling(address(obedient)));
        announce(enabling(module));
        pass(DELAY);
        bytes memory order = abi.encodeCall(obedient.obey, (address(safe), address(safe), enabling(stranger)));
        SafeTx memory each =
            batch(bytes.concat(packed(address(safe), enabling(module)), packed(address(obedient), order)));
        (bool success, bytes memory reason) = attempt(each);
        assertTrue(!success && bytes4(reason) == IOwnerGuard.ShapeChanged.selector, "refused");
        exec(own(enabling(module)));
    }

    function test_more_modules_than_can_be_compared_are_refused() external {
        for (uint160 i = 0; i < 63; i++) {
            safeDoes(enabling(address(0x1000 + i)));
        }
        exec(paying(1));
        safeDoes(enabling(module));
        execRefused(paying(1), abi.encodeWithSelector(IOwnerGuard.TooManyModules.selector));
    }

    /* BIRTH AND WHO MAY ASK */

    function test_it_is_born_with_bounded_delays_and_a_real_kernel() external {
        assertEq(guard.safe(), address(safe), "safe");
        assertEq(guard.kernel(), address(kernel), "kernel");
        assertTrue(guard.delay() == DELAY && guard.window() == WINDOW, "delays");
        _bornRefused(stranger, DELAY, WINDOW, "kernel");
        _bornRefused(address(kernel), 1 hours - 1, WINDOW, "delay");
        _bornRefused(address(kernel), 30 days + 1, WINDOW, "delay");
        _bornRefused(address(kernel), DELAY, 1 days - 1, "window");
        _bornRefused(address(kernel), DELAY, 30 days + 1, "window");
        newGuard(address(kernel), 1 hours, 1 days);
        newGuard(address(kernel), 30 days, 30 days);
    }

    function test_it_shows_who_commands_the_safe() external {
        safeDoes(abi.encodeCall(ISafeParts.setFallbackHandler, (module)));
        safeDoes(enabling(module));
        assertEq(keccak256(abi.encode(guard.shape())), shapeHash(), "shape");
        assertTrue(guard.shape().modules.length == 2 && guard.shape().owners.length == 3, "lists");
    }

    function test_its_interface_is_a_transaction_guards_and_only_its_own_safe_can_install_it() external {
        bytes4 id = type(ITransactionGuard).interfaceId;
        assertEq(bytes32(id), bytes32(bytes4(0xe6d7a83a)), "id");
        vm.prank(stranger);
        assertTrue(guard.supportsInterface(id), "anybody may ask");
        assertTrue(guard.supportsInterface(0x01ffc9a7) && !guard.supportsInterface(0xffffffff), "erc-165");
        assertTrue(!guard.supportsInterface(id), "another contract must not install it");
        vm.prank(address(safe));
        assertTrue(guard.supportsInterface(id), "its Safe");
    }

    function testFuzz_nobody_but_the_safe_calls_its_hooks_or_configures_it(address caller) external {
        vm.assume(caller != address(safe));
        bytes[6] memory calls = [
            abi.encodeCall(
                ITransactionGuard.checkTransaction,
                (stranger, 0, "", 0, 0, 0, 0, address(0), payable(address(0)), "", address(0))
            ),
            abi.encodeCall(ITransactionGuard.checkAfterExecution, (bytes32(0), true)),
            abi.encodeCall(IOwnerGuard.announce, (enabling(module))),
            abi.encodeCall(IOwnerGuard.cancel, (bytes32(0))),
            abi.encodeCall(IOwnerGuardRemoval.announceRemoval, ()),
            abi.encodeCall(IOwnerGuardRemoval.cancelRemoval, ())
        ];
        for (uint256 i = 0; i < calls.length; i++) {
            vm.prank(caller);
            (bool success, bytes memory reason) = address(guard).call(calls[i]);
            bytes memory expected = abi.encodeWithSelector(IOwnerGuardRemoval.NotSafe.selector, caller);
            assertTrue(!success && keccak256(reason) == keccak256(expected), "not the Safe");
        }
    }

    /* SHORTHAND */

    function _send(bytes memory execution) private {
        vm.prank(owners[0]);
        (bool success,) = address(safe).call(execution);
        assertTrue(success, "sent");
    }

    function _notDelegated(address target) private view returns (bytes memory) {
        return abi.encodeWithSelector(IOwnerGuard.DelegatecallNotAllowed.selector, target, target.codehash);
    }

    function _bornRefused(address kernel_, uint32 delay, uint32 window, bytes32 field) private {
        bytes memory reason = abi.encodeWithSelector(IOwnerGuardRemoval.BadGuard.selector, field);
        assertUnborn("OwnerGuard.sol:OwnerGuard", abi.encode(kernel_, delay, window), reason);
    }
}

/// forge-config: default.isolate = true
contract OwnerGuardOn141Test is OwnerGuardTest {
    function version() internal pure override returns (string memory) {
        return V1_4_1;
    }
}

/// forge-config: default.isolate = true
contract OwnerGuardOn150Test is OwnerGuardTest {
    function version() internal pure override returns (string memory) {
        return V1_5_0;
    }
}
