// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Bucket} from "../interfaces/KernelTypes.sol";

/// @title A continuous leaky bucket: level(t) = max(0, level(u) - floor((t - u) * capacity / drain)), u = last update
/// @dev Rounding is against the agent: a leak is rounded down at every charge, so charging often drains slower, never
/// faster. In any window T the sum of charges is at most capacity + capacity * T / drain: what is charged raises the level,
/// only time lowers it, and no charge lifts it above the capacity. With reconfigurations inside the window the largest
/// capacity and the largest rate in it hold. Times are uint32 (until 2106); sums stay far below 2^256: 96 + 32 bits.
library LeakyBucket {
    /// @notice The level at time `timestamp`, rounded up.
    function levelAt(Bucket memory bucket, uint256 timestamp) internal pure returns (uint256) {
        if (bucket.drain == 0) return bucket.level;
        (uint256 level, uint256 capacity) = (bucket.level, bucket.capacity);
        uint256 leaked = (timestamp - bucket.updated) * capacity / bucket.drain;
        return leaked < level ? level - leaked : 0;
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
