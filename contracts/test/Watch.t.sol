// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {IPriceSource} from "../src/interfaces/IPriceSource.sol";
import {IWatch, Watched, WatchBirth} from "../src/interfaces/IWatch.sol";
import {WatchFixture} from "./WatchFixture.sol";

/// @title The drawdown stop: anybody pulls it, twice, and only after a fall
contract WatchTest is WatchFixture {
    event Observed(address indexed by, uint256 wealthE8, uint256 floorE8, uint256 confirmableAt);
    event Recovered(address indexed by, uint256 wealthE8, uint256 floorE8);
    event Tripped(address indexed by, uint256 wealthE8, uint256 floorE8);
    event Rebased(uint256 markE8);

    uint256 private constant FLOOR = MARK * 95 / 100;
    uint256 private constant FALLEN = MARK - 70_000e8;

    /* TWO OBSERVATIONS */

    function test_before_the_fall_nobody_trips_it_and_afterwards_anybody_does() external {
        tripRefused(noDrawdown(MARK));
        etherFalls();
        vm.expectEmit(true, true, true, true, address(watch));
        emit Observed(stranger, FALLEN, FLOOR, START_BLOCK + CONFIRM);
        trip();
        assertTrue(!kernel.paused(), "once is not enough");
        mine(CONFIRM);
        vm.expectEmit(true, true, true, true, address(watch));
        emit Tripped(stranger, FALLEN, FLOOR);
        trip();
        assertTrue(kernel.paused(), "paused");
        payRefused(payAlice, 1, abi.encodeWithSelector(IKernelErrors.KernelPaused.selector));
        assertEq(watch.observedAt(), 0, "used up");
    }

    function testFuzz_the_second_observation_counts_from_its_block_on(uint256 blocks) external {
        blocks = bound(blocks, 0, CONFIRM + EXPIRY);
        etherFalls();
        trip();
        mine(blocks);
        if (blocks < CONFIRM) tripRefused(abi.encodeWithSelector(IWatch.TooSoon.selector, START_BLOCK + CONFIRM));
        else trip();
        assertTrue(kernel.paused() == (blocks >= CONFIRM), "exactly then");
    }

    function testFuzz_the_first_observation_is_not_overwritten(uint8[6] calldata waits) external {
        etherFalls();
        trip();
        for (uint256 i = 0; i < waits.length; i++) {
            if (vm.getBlockNumber() + waits[i] >= START_BLOCK + CONFIRM) break;
            mine(waits[i]);
            tripRefused(abi.encodeWithSelector(IWatch.TooSoon.selector, START_BLOCK + CONFIRM));
            assertEq(watch.observedAt(), START_BLOCK, "first");
        }
        vm.roll(START_BLOCK + CONFIRM);
        trip();
        assertTrue(kernel.paused(), "paused");
    }

    function test_an_observation_expires_and_the_next_is_a_first_one() external {
        etherFalls();
        trip();
        mine(CONFIRM + EXPIRY);
        assertEq(watch.observedAt(), START_BLOCK, "its last block");
        mine(1);
        assertEq(watch.observedAt(), 0, "expired");
        trip();
        assertTrue(!kernel.paused(), "a first one");
        assertEq(watch.observedAt(), START_BLOCK + CONFIRM + EXPIRY + 1, "of now");
    }

    function test_a_healthy_observation_voids_the_first() external {
        etherFalls();
        trip();
        mine(CONFIRM);
        etherAt(2000);
        vm.expectEmit(true, true, true, true, address(watch));
        emit Recovered(stranger, MARK, FLOOR);
        trip();
        etherFalls();
        trip();
        assertTrue(!kernel.paused(), "a first one again");
    }

    function testFuzz_it_observes_exactly_what_is_below_the_floor(uint256 taken) external {
        taken = bound(taken, 0, TREASURY);
        ownersPay(taken);
        uint256 wealth = (TREASURY - taken) * 9999 / 100 + 200_000e8;
        assertEq(watch.wealthE8(), wealth, "wealth");
        if (wealth >= FLOOR) tripRefused(noDrawdown(wealth));
        else trip();
        assertTrue((watch.observedAt() != 0) == (wealth < FLOOR), "observed");
    }

    function test_at_the_floor_itself_all_is_well() external {
        // 59,995 dollars of ether fewer: five percent to the last.
        vm.deal(safe, 70.0025 ether);
        tripRefused(noDrawdown(FLOOR));
        vm.deal(safe, 70.0025 ether - 1);
        trip();
        assertEq(watch.observedAt(), START_BLOCK, "observed");
    }

    /* THE MARK */

    function test_the_safe_alone_rebases_and_that_voids_what_was_observed() external {
        vm.expectRevert(abi.encodeWithSelector(IWatch.NotSafe.selector, guardian));
        vm.prank(guardian);
        watch.rebase();
        etherFalls();
        trip();
        vm.expectEmit(true, true, true, true, address(watch));
        emit Rebased(FALLEN);
        vm.prank(safe);
        watch.rebase();
        assertEq(watch.markE8(), FALLEN, "mark");
        assertEq(watch.observedAt(), 0, "void");
        mine(CONFIRM);
        tripRefused(noDrawdown(FALLEN));
    }

    function test_a_large_payment_of_the_owners_needs_a_rebase() external {
        ownersPay(100_000e6);
        trip();
        vm.prank(safe);
        watch.rebase();
        tripRefused(noDrawdown(MARK - 99_990e8));
    }

    function test_what_was_paid_before_the_mark_is_no_longer_added() external {
        pay(payAlice, 1000e6);
        vm.prank(safe);
        watch.rebase();
        assertEq(watch.markE8(), MARK - 99_990_000_000, "mark");
        assertEq(watch.wealthE8(), watch.markE8(), "wealth");
        pay(payBob, 1000e6);
        assertEq(watch.wealthE8(), watch.markE8(), "and what is paid since then is");
    }

    /* WHAT STOPS IT */

    function test_without_a_price_nothing_is_observed() external {
        etherFalls();
        trip();
        mine(CONFIRM);
        usdcFeeds[1].kill();
        tripRefused(
            abi.encodeWithSelector(IPriceSource.FeedUnusable.selector, address(usdcFeeds[1]), bytes32("absent"))
        );
        assertTrue(!kernel.paused(), "live");
    }

    function test_a_paused_kernel_has_nothing_to_stop() external {
        etherFalls();
        trip();
        vm.prank(guardian);
        kernel.pause();
        mine(CONFIRM);
        tripRefused(abi.encodeWithSelector(IWatch.AlreadyPaused.selector));
    }

    function test_a_watch_that_is_no_guardian_stops_nothing() external {
        watch = newWatch(watchBirth());
        etherFalls();
        trip();
        mine(CONFIRM);
        tripRefused(abi.encodeWithSelector(IKernelErrors.NotAllowedToPause.selector, address(watch)));
    }

    /* BIRTH */

    function test_what_it_is_born_with_is_what_it_shows() external view {
        Watched[] memory expected = watchedTokens();
        assertEq(keccak256(abi.encode(watch.watched())), keccak256(abi.encode(expected)), "tokens");
        assertEq(watch.markE8(), MARK, "mark");
        assertEq(watch.floorE8(), FLOOR, "floor");
    }

    function test_a_birth_that_contradicts_itself_is_refused() external {
        WatchBirth memory birth = watchBirth();
        (birth.maxDrawdownBps) = 0;
        _refused(birth, "maxDrawdownBps");
        birth.maxDrawdownBps = 10_000;
        _refused(birth, "maxDrawdownBps");
        birth = watchBirth();
        birth.confirmBlocks = 0;
        _refused(birth, "confirmBlocks");
        birth = watchBirth();
        birth.expiryBlocks = 0;
        _refused(birth, "expiryBlocks");
        birth = watchBirth();
        birth.kernel = stranger;
        _refused(birth, "kernel");
        birth = watchBirth();
        birth.ownToken = address(weth);
        _refused(birth, "ownToken");
    }

    function test_tokens_are_few_priced_by_their_own_source_and_named_once() external {
        WatchBirth memory birth = watchBirth();
        birth.tokens = new Watched[](0);
        _refused(birth, "tokens");
        birth.tokens = new Watched[](9);
        _refused(birth, "tokens");
        birth = watchBirth();
        birth.tokens[1] = birth.tokens[0];
        _refused(birth, "tokens");
        birth = watchBirth();
        (birth.tokens[1], birth.tokens[2]) = (birth.tokens[2], birth.tokens[1]);
        _refused(birth, "tokens");
        birth = watchBirth();
        birth.tokens[0].source = wethSource;
        _refused(birth, "tokens");
    }

    function _refused(WatchBirth memory birth, bytes32 field) private {
        assertUnborn("Watch.sol:Watch", abi.encode(birth), abi.encodeWithSelector(IWatch.BadWatch.selector, field));
    }
}
