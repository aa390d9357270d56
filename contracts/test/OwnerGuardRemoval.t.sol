// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOwnerGuard, IOwnerGuardRemoval} from "../src/interfaces/IOwnerGuard.sol";
import {ISafeParts} from "../src/interfaces/ISafeParts.sol";
import {OwnerGuardFixture, SafeTx} from "./OwnerGuardFixture.sol";
import {CatchingCaller} from "./mocks/Callers.sol";

/// @title The guard can never brick a Safe: an announced removal works after twice the delay, whatever is broken
abstract contract OwnerGuardRemovalTest is OwnerGuardFixture {
    address private module = address(0x30D01E);

    /* THE WAY OUT */

    function test_a_removal_waits_twice_the_delay_and_cannot_be_vetoed() external {
        announceRemoval();
        uint256 readyAt = vm.getBlockTimestamp() + 2 * DELAY;
        assertEq(guard.removalReadyAt(), readyAt, "ready at");
        vm.expectRevert(notAnnounced(removing().data));
        veto(owners[2], removing().data);
        pass(2 * DELAY - 1);
        execRefused(removing(), _notReady(readyAt));
        pass(1);
        exec(removing());
        assertEq(guardOf(), address(0), "gone");
        exec(own(enabling(module)));
    }

    function test_a_removal_that_was_not_announced_is_refused() external {
        execRefused(removing(), _notReady(0));
        execRefused(batch(packed(address(safe), removing().data)), notAnnounced(removing().data));
    }

    function test_a_removal_goes_alone() external {
        _announceAndWait();
        execRefused(batch(packed(address(safe), removing().data)), notAnnounced(removing().data));
        SafeTx memory each = removing();
        each.gasPrice = 1;
        execRefused(each, abi.encodeWithSelector(IOwnerGuard.RefundNotAllowed.selector, 1));
        each = removing();
        each.operation = 1;
        execRefused(
            each,
            abi.encodeWithSelector(IOwnerGuard.DelegatecallNotAllowed.selector, address(safe), address(safe).codehash)
        );
        exec(removing());
    }

    function test_announcing_a_removal_pays_no_refund() external {
        SafeTx memory each = plain(address(guard), abi.encodeCall(guard.announceRemoval, ()));
        each.gasPrice = 1;
        execRefused(each, abi.encodeWithSelector(IOwnerGuard.RefundNotAllowed.selector, 1));
    }

    function test_an_announced_removal_expires_and_may_be_announced_again() external {
        _announceAndWait();
        pass(WINDOW + 1);
        assertEq(guard.removalReadyAt(), 0, "expired");
        execRefused(removing(), _notReady(0));
        _announceAndWait();
        pass(WINDOW);
        exec(removing());
    }

    function test_announcing_again_does_not_restart_the_clock() external {
        announceRemoval();
        vm.expectRevert(abi.encodeWithSelector(IOwnerGuardRemoval.RemovalPending.selector));
        vm.prank(address(safe));
        guard.announceRemoval();
    }

    function test_the_safe_takes_a_removal_back() external {
        vm.expectRevert(abi.encodeWithSelector(IOwnerGuardRemoval.NoRemoval.selector));
        vm.prank(address(safe));
        guard.cancelRemoval();
        announceRemoval();
        exec(plain(address(guard), abi.encodeCall(guard.cancelRemoval, ())));
        pass(2 * DELAY);
        execRefused(removing(), _notReady(0));
    }

    function test_a_guard_that_is_installed_again_is_not_taken_out_at_once() external {
        _announceAndWait();
        exec(removing());
        exec(own(abi.encodeCall(ISafeParts.setGuard, (address(guard)))));
        execRefused(removing(), _notReady(0));
        execRefused(own(enabling(module)), notAnnounced(enabling(module)));
    }

    /// @dev The Safe sets so little gas aside that either all of it works or all of it is undone.
    function test_no_gas_limit_uses_a_removal_up_without_making_it() external {
        _announceAndWait();
        SafeTx memory starved = removing();
        starved.safeTxGas = 1;
        bytes memory execution = approved(starved, safe.nonce());
        bool sent = false;
        uint256 refused = 0;
        for (uint256 gasLimit = 20_000; !sent; gasLimit += 500) {
            bytes memory returned;
            vm.prank(owners[0]);
            (sent, returned) = address(safe).call{gas: gasLimit}(execution);
            assertTrue(!sent || abi.decode(returned, (bool)), "sent, so made");
            if (!sent) refused++;
        }
        assertTrue(refused > 10 && guardOf() == address(0), "gone at the first limit that suffices");
    }

    function test_a_removal_that_failed_stays_announced_and_one_that_was_made_does_not() external {
        _announceAndWait();
        uint256 readyAt = guard.removalReadyAt();
        this.hooks(false);
        assertEq(guard.removalReadyAt(), readyAt, "failed");
        this.hooks(true);
        assertEq(guard.removalReadyAt(), 0, "made");
    }

    /// @dev Both hooks as the Safe calls them around its removal, in one transaction of the chain.
    function hooks(bool success) external {
        bytes memory call = removing().data;
        vm.prank(address(safe));
        guard.checkTransaction(address(safe), 0, call, 0, 0, 0, 0, address(0), payable(address(0)), "", address(0));
        if (success) {
            vm.expectEmit(true, true, true, true, address(guard));
            emit IOwnerGuardRemoval.Removed();
        }
        vm.prank(address(safe));
        guard.checkAfterExecution(bytes32(0), success);
    }

    function test_a_removal_inside_another_transaction_is_refused() external {
        _announceAndWait();
        CatchingCaller caller = new CatchingCaller();
        bytes memory inner = approved(removing(), safe.nonce() + 1);
        exec(plain(address(caller), abi.encodeCall(caller.attempt, (address(safe), inner))));
        assertEq(guardOf(), address(guard), "still there");
        exec(removing());
    }

    /* WHATEVER IS BROKEN AROUND IT */

    function test_the_guard_is_removed_when_its_kernel_does_not_answer() external {
        bytes[3] memory codes = [bytes(""), hex"fe", hex"600160005260206000f3"];
        vm.etch(address(kernel), codes[0]);
        announceRemoval();
        pass(2 * DELAY);
        for (uint256 i = 0; i < codes.length; i++) {
            vm.etch(address(kernel), codes[i]);
            (bool success,) = attempt(paying(1));
            assertTrue(!success, "nothing else passes");
        }
        exec(removing());
        exec(paying(1));
    }

    function test_the_guard_is_removed_when_there_are_too_many_modules_to_compare() external {
        for (uint160 i = 0; i < 64; i++) {
            safeDoes(enabling(address(0x1000 + i)));
        }
        (bool success,) = attempt(paying(1));
        assertTrue(!success, "nothing else passes");
        _announceAndWait();
        exec(removing());
    }

    /// @dev Ether sent along, gas set aside, any signatures: nothing of it closes the way out.
    function testFuzz_no_field_but_the_refund_closes_the_way_out(uint256 seed, uint256 late) external {
        announceRemoval();
        pass(2 * DELAY + late % (WINDOW + 1));
        SafeTx memory each = removing();
        each.safeTxGas = seed % 1_000_000;
        exec(each);
        assertEq(guardOf(), address(0), "gone");
    }

    /* SHORTHAND */

    function _announceAndWait() private {
        announceRemoval();
        pass(2 * DELAY);
    }

    function _notReady(uint256 readyAt) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IOwnerGuardRemoval.RemovalNotReady.selector, readyAt);
    }
}

/// forge-config: default.isolate = true
contract OwnerGuardRemovalOn141Test is OwnerGuardRemovalTest {
    function version() internal pure override returns (string memory) {
        return V1_4_1;
    }
}

/// forge-config: default.isolate = true
contract OwnerGuardRemovalOn150Test is OwnerGuardRemovalTest {
    function version() internal pure override returns (string memory) {
        return V1_5_0;
    }
}
