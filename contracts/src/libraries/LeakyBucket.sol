// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Bucket} from "../interfaces/KernelTypes.sol";

/// @title A continuous leaky bucket: level(t) = max(0, level(u) - floor((t - u) * capacity / drain)), u = last update
/// @dev Rounding is against the agent: a leak is rounded down at every charge, so charging often drains slower, never
/// faster. In any window T the sum of charges is at most capacity + capacity * T / drain: what is charged raises the level,
/// only time lowers it, and no charge lifts it above the capacity. With reconfigurations inside the window the largest
/// capacity and the largest rate in it hold. Times are uint32 (until 2106); sums stay far below 2^256: 96 + 32 bits.
library LeakyBucket {
    /// @notice The bucket in its one slot, capacity lowest: written as a struct it would be stored twice.
    function packed(Bucket memory bucket) internal pure returns (uint256) {
        uint256 amounts = uint256(bucket.capacity) | uint256(bucket.level) << 96;
        return amounts | uint256(bucket.updated) << 192 | uint256(bucket.drain) << 224;
    }

    /// @notice The bucket out of its slot.
    function unpacked(uint256 slot) internal pure returns (Bucket memory) {
        return Bucket(uint96(slot), uint96(slot >> 96), uint32(slot >> 192), uint32(slot >> 224));
    }

    /// @notice The level at time `timestamp`, rounded up.
    function levelAt(Bucket memory bucket, uint256 timestamp) internal pure returns (uint256) {
        return _level(bucket.capacity, bucket.level, bucket.drain, timestamp - bucket.updated);
    }

    /// @notice The slot once `amount` more is spent at `timestamp`, which counts only if it is at most `room`.
    /// @dev Word by word: every leg pays for this, some of them three times.
    function charged(uint256 slot, uint256 amount, uint256 timestamp)
        internal
        pure
        returns (uint256 filled, uint256 room)
    {
        // Safe: blocks do not run backwards, and a sum that is too large is above the room.
        unchecked {
            (uint256 capacity, uint256 drain) = (uint96(slot), slot >> 224);
            uint256 level = _level(capacity, uint96(slot >> 96), drain, timestamp - uint32(slot >> 192));
            room = level < capacity ? capacity - level : 0;
            filled = capacity | (level + amount) << 96 | uint256(uint32(timestamp)) << 192 | drain << 224;
        }
    }

    /// @notice Whether the charge of `amount` that made `slot` what it is lifted the level over the soft limit: three quarters
    /// of the capacity, rounded up. A level that was above it already is lifted over nothing.
    function isLiftedOverSoft(uint256 slot, uint256 amount) internal pure returns (bool) {
        uint256 capacity = uint96(slot);
        uint256 level = uint96(slot >> 96);
        uint256 soft = capacity - capacity / 4;
        return level > soft && level - amount <= soft;
    }

    function _level(uint256 capacity, uint256 level, uint256 drain, uint256 elapsed) private pure returns (uint256) {
        if (drain == 0) return level;
        // Safe: 96 and at most 64 bits.
        unchecked {
            uint256 leaked = elapsed * capacity / drain;
            return leaked < level ? level - leaked : 0;
        }
    }

    /// @notice Units that fit above `level`; none if the capacity was lowered below it.
    function roomAbove(Bucket memory bucket, uint256 level) internal pure returns (uint256) {
        uint256 capacity = bucket.capacity;
        return level < capacity ? capacity - level : 0;
    }

    /// @notice Sets the level, in place, as of `timestamp`.
    function fill(Bucket memory bucket, uint256 level, uint256 timestamp) internal pure {
        // The casts are safe: a level is at most some capacity of this bucket, a uint96; see above for the time.
        bucket.level = uint96(level);
        bucket.updated = uint32(timestamp);
    }

    /// @notice Whether (capacity, drain) allow no more than `bucket`, at once and over time.
    function isLowered(Bucket memory bucket, uint256 capacity, uint256 drain) internal pure returns (bool) {
        return capacity <= bucket.capacity && capacity * bucket.drain <= bucket.capacity * drain;
    }
}
