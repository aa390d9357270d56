// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title 1.0001 to the power of a tick, applied to an amount
/// @dev By the binary digits of the tick: each row is 2^128 / 1.0001^(2^i), rounded down. Every product rounds down too, so
/// the power is below the true one by at most 20 / power parts of 2^128: for ticks within 443,636 (a factor of 2^64 either
/// way) by less than one part in 2^59.
library TickRatio {
    /// @dev More than a factor of 2^64 between units of two tokens is no market.
    int256 internal constant MOST = 443_636;
    uint256 private constant ONE = 2 ** 128;

    error TickOutOfRange(int256 tick);

    /// @notice `amount` * 1.0001^`tick`, within one part in 2^59 and one unit. Reverts where it does not fit.
    function scaled(uint256 amount, int256 tick) internal pure returns (uint256) {
        if (tick < -MOST || tick > MOST) revert TickOutOfRange(tick);
        uint256 power = _inversePower(uint256(tick < 0 ? -tick : tick));
        // Split so that every product fits.
        // slither-disable-next-line divide-before-multiply
        if (tick > 0) return amount / power * ONE + (amount % power) * ONE / power;
        // slither-disable-next-line divide-before-multiply (as above)
        return amount / ONE * power + (amount % ONE) * power / ONE;
    }

    /// @return power 2^128 / 1.0001^`exponent`.
    function _inversePower(uint256 exponent) private pure returns (uint256 power) {
        power = ONE;
        uint128[19] memory rows = _rows();
        for (uint256 i = 0; i < rows.length; i++) {
            if (exponent & 1 << i != 0) power = power * rows[i] / ONE;
        }
    }

    function _rows() private pure returns (uint128[19] memory) {
        return [
            0xfff97272373d413259a46990580e2139,
            0xfff2e50f5f656932ef12357cf3c7fdcb,
            0xffe5caca7e10e4e61c3624eaa0941ccf,
            0xffcb9843d60f6159c9db58835c926643,
            0xff973b41fa98c081472e6896dfb254bf,
            0xff2ea16466c96a3843ec78b326b52860,
            0xfe5dee046a99a2a811c461f1969c3052,
            0xfcbe86c7900a88aedcffc83b479aa3a3,
            0xf987a7253ac413176f2b074cf7815e53,
            0xf3392b0822b70005940c7a398e4b70f2,
            0xe7159475a2c29b7443b29c7fa6e889d8,
            0xd097f3bdfd2022b8845ad8f792aa5825,
            0xa9f746462d870fdf8a65dc1f90e061e4,
            0x70d869a156d2a1b890bb3df62baf32f6,
            0x31be135f97d08fd981231505542fcfa5,
            0x09aa508b5b7a84e1c677de54f3e99bc8,
            0x005d6af8dedb81196699c329225ee604,
            0x00002216e584f5fa1ea926041bedfe97,
            0x00000000048a170391f7dc42444e8fa2
        ];
    }
}
