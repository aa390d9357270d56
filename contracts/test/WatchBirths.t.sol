// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IWatch, Watched, WatchBirth} from "../src/interfaces/IWatch.sol";
import {WatchFixture} from "./WatchFixture.sol";

/// @title A new watch goes on where the former one was: neither a new Kernel nor a new watch forgives a loss
contract WatchBirthsTest is WatchFixture {
    function test_a_fall_before_the_new_kernel_is_still_a_fall() external {
        etherFalls();
        _succeed();
        assertEq(watch.markE8(), MARK, "the former mark");
        trip();
        mine(CONFIRM);
        trip();
        assertTrue(kernel.paused(), "paused");
    }

    function test_without_a_predecessor_the_wealth_of_now_is_the_mark() external {
        etherFalls();
        _renew(address(0));
        assertEq(watch.markE8(), MARK - 70_000e8, "of now");
        tripRefused(noDrawdown(watch.markE8()));
    }

    function testFuzz_what_either_kernel_paid_is_no_loss(uint96[4] calldata amounts) external {
        for (uint256 i = 0; i < amounts.length; i++) {
            if (i == 2) _succeed();
            pay(payAlice, bound(amounts[i], 1, MAX_PAYMENT));
        }
        tripRefused(noDrawdown(MARK));
    }

    function test_it_inherits_what_its_predecessor_inherited() external {
        for (uint256 i = 0; i < 3; i++) {
            pay(payAlice, MAX_PAYMENT);
            _succeed();
        }
        assertEq(watch.paidSinceMark(address(usdc)), 3 * MAX_PAYMENT, "of three");
        tripRefused(noDrawdown(MARK));
    }

    function test_a_watch_is_replaced_under_the_same_kernel_and_nothing_is_added_back_twice() external {
        pay(payAlice, MAX_PAYMENT);
        _renew(address(watch));
        assertEq(watch.paidSinceMark(address(usdc)), MAX_PAYMENT, "once");
        tripRefused(noDrawdown(MARK));
    }

    function test_a_rebase_ends_what_was_inherited() external {
        pay(payAlice, MAX_PAYMENT);
        _succeed();
        vm.prank(safe);
        watch.rebase();
        assertEq(watch.paidSinceMark(address(usdc)), 0, "of now");
        assertEq(watch.markE8(), watch.wealthE8(), "mark");
    }

    function test_inheriting_asks_for_no_price() external {
        usdcFeeds[0].kill();
        WatchBirth memory birth = watchBirth();
        birth.predecessor = address(watch);
        assertEq(newWatch(birth).markE8(), MARK, "mark");
    }

    function test_a_watch_of_other_tokens_or_of_another_safe_is_no_predecessor() external {
        WatchBirth memory birth = watchBirth();
        birth.predecessor = address(watch);
        Watched[] memory all = birth.tokens;
        birth.tokens = new Watched[](2);
        (birth.tokens[0], birth.tokens[1]) = (all[0], all[1]);
        _refused(birth);
        birth.tokens[1] = all[2];
        IWatch fewer = newWatch(_orphan(birth));
        birth.tokens[1] = all[1];
        birth.predecessor = address(fewer);
        _refused(birth);
        safe = _deploySafe();
        _deployKernel();
        birth = watchBirth();
        birth.predecessor = address(watch);
        _refused(birth);
    }

    /* STEPS */

    /// @dev A new Kernel for the same Safe, and a watch that follows the former one's.
    function _succeed() private {
        _deployKernel();
        _renew(address(watch));
    }

    function _renew(address predecessor) private {
        WatchBirth memory birth = watchBirth();
        birth.predecessor = predecessor;
        watch = newWatch(birth);
        vm.prank(safe);
        kernel.addGuardian(address(watch));
    }

    function _orphan(WatchBirth memory birth) private pure returns (WatchBirth memory alone) {
        alone = abi.decode(abi.encode(birth), (WatchBirth));
        alone.predecessor = address(0);
    }

    function _refused(WatchBirth memory birth) private {
        bytes memory reason = abi.encodeWithSelector(IWatch.BadWatch.selector, bytes32("predecessor"));
        assertUnborn("Watch.sol:Watch", abi.encode(birth), reason);
    }
}
