// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Bucket} from "../src/interfaces/KernelTypes.sol";
import {LeakyBucket} from "../src/libraries/LeakyBucket.sol";
import {Test} from "./Test.sol";

/// @title The one claim about buckets: in any window T at most capacity + capacity * T / drain
contract LeakyBucketTest is Test {
    using LeakyBucket for Bucket;

    uint256 private constant START = 1_800_000_000;

    struct Charge {
        uint256 time;
        uint256 amount;
    }

    /// @dev A greedy spender: takes what is there whenever it comes by, in any rhythm.
    function testFuzz_no_window_passes_more_than_capacity_and_rate(
        uint96 capacity,
        uint32 drain,
        uint96 level,
        uint24[12] calldata gaps,
        uint96[12] calldata wishes
    ) external pure {
        capacity = uint96(bound(capacity, 1, type(uint96).max));
        drain = uint32(bound(drain, 1, 365 days));
        Bucket memory bucket = Bucket(capacity, uint96(bound(level, 0, capacity)), uint32(START), drain);
        Charge[] memory charges = new Charge[](12);
        uint256 time = START;
        for (uint256 i = 0; i < 12; i++) {
            time += gaps[i];
            uint256 amount = _atMost(wishes[i], capacity - bucket.levelAt(time));
            bucket.fill(bucket.levelAt(time) + amount, time);
            charges[i] = Charge(time, amount);
            assertLe(bucket.level, capacity, "level");
        }
        _checkEveryWindow(charges, capacity, drain);
    }

    function testFuzz_a_charge_is_over_the_soft_limit_once(uint96 capacity, uint96 before, uint96 amount)
        external
        pure
    {
        before = uint96(bound(before, 0, capacity));
        amount = uint96(bound(amount, 0, capacity - before));
        uint256 slot = Bucket(capacity, before + amount, uint32(START), 1).packed();
        // In quarters: above three of four, rounded up to a whole unit, which it was not before.
        bool isOver = 4 * (uint256(before) + amount) > 3 * uint256(capacity) + 3;
        bool wasOver = 4 * uint256(before) > 3 * uint256(capacity) + 3;
        assertTrue(LeakyBucket.isLiftedOverSoft(slot, amount) == (isOver && !wasOver), "over");
    }

    /// @dev Lowered and raised at any time in between: the largest capacity and rate still bound every window.
    function testFuzz_reconfiguring_never_widens_a_window(
        uint96 capacity,
        uint32 drain,
        uint96[8] calldata capacities,
        uint24[8] calldata gaps
    ) external pure {
        capacity = uint96(bound(capacity, 1, type(uint96).max));
        drain = uint32(bound(drain, 1, 365 days));
        Bucket memory bucket = Bucket(capacity, 0, uint32(START), drain);
        Charge[] memory charges = new Charge[](8);
        uint256 time = START;
        for (uint256 i = 0; i < 8; i++) {
            time += gaps[i];
            uint256 amount = bucket.roomAbove(bucket.levelAt(time));
            // As the Kernel does it: settle at the old rate, keep the level, take the new capacity; same drain, lower rate.
            bucket.fill(bucket.levelAt(time) + amount, time);
            bucket.capacity = uint96(bound(capacities[i], 1, capacity));
            charges[i] = Charge(time, amount);
        }
        _checkEveryWindow(charges, capacity, drain);
    }

    function testFuzz_what_counts_as_lowered_is_lower_at_every_time(
        uint96[2] calldata capacities,
        uint32[2] calldata drains,
        uint32 elapsed
    ) external pure {
        Bucket memory old = Bucket(capacities[0], 0, 0, uint32(bound(drains[0], 1, 365 days)));
        uint256 drain = bound(drains[1], 1, 365 days);
        vm.assume(old.isLowered(capacities[1], drain));
        // capacity + capacity * T / drain, over the common denominator.
        uint256 low = capacities[1] * (drain + elapsed) * old.drain;
        assertLe(low, old.capacity * (uint256(old.drain) + elapsed) * drain, "window");
    }

    function testFuzz_the_level_only_falls_and_reaches_zero_after_the_drain(
        uint96 capacity,
        uint96 level,
        uint32 drain,
        uint32 first,
        uint32 second
    ) external pure {
        drain = uint32(bound(drain, 1, 365 days));
        Bucket memory bucket = Bucket(capacity, uint96(bound(level, 0, capacity)), uint32(START), drain);
        (uint256 early, uint256 late) = first < second ? (first, second) : (second, first);
        assertLe(bucket.levelAt(START + late), bucket.levelAt(START + early), "later");
        assertLe(bucket.levelAt(START + early), bucket.level, "never above");
        assertEq(bucket.levelAt(START + drain), 0, "empty after one drain");
        assertEq(bucket.levelAt(START), bucket.level, "no time, no leak");
    }

    function test_an_unset_bucket_holds_nothing_at_any_time() external pure {
        Bucket memory unset;
        assertEq(unset.levelAt(type(uint32).max), 0, "level");
        assertEq(unset.capacity, 0, "capacity");
    }

    /// @dev Exact in integers: sum * drain <= capacity * (drain + T).
    function _checkEveryWindow(Charge[] memory charges, uint256 capacity, uint256 drain) private pure {
        for (uint256 first = 0; first < charges.length; first++) {
            uint256 sum = 0;
            for (uint256 last = first; last < charges.length; last++) {
                sum += charges[last].amount;
                uint256 length = charges[last].time - charges[first].time;
                assertLe(sum * drain, capacity * (drain + length), "window");
            }
        }
    }

    function _atMost(uint256 wish, uint256 limit) private pure returns (uint256) {
        return wish < limit ? wish : limit;
    }

    /// @dev What the Kernel charges, word by word, is what the formula on the struct says.
    function testFuzz_charging_the_slot_is_charging_the_bucket(Bucket memory bucket, uint96 amount, uint32 later)
        external
        pure
    {
        uint256 time = uint256(bucket.updated) + uint256(later) % (type(uint32).max - uint256(bucket.updated) + 1);
        uint256 level = bucket.levelAt(time);
        uint256 room = bucket.roomAbove(level);
        (uint256 filled, uint256 found) = LeakyBucket.charged(bucket.packed(), amount, time);
        assertEq(found, room, "room");
        if (amount > room) return;
        bucket.fill(level + amount, time);
        assertEq(filled, bucket.packed(), "slot");
        assertEq(keccak256(abi.encode(LeakyBucket.unpacked(filled))), keccak256(abi.encode(bucket)), "bucket");
    }
}
