// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The first line of a ledger's entry: `<version> <type> <binding>\n`, plain ASCII before any JSON
/// @dev Version: one digit. Type: up to 33 of a-z and the dot. Binding: 64 lower-case hexadecimal digits. Nothing else fits,
/// so whoever reads the line by its spaces reads the same. Any type may bind: what counts is that a hash of 32 bytes,
/// which nothing but the bound actions leads to, stands in an entry of the log.
library EntryHead {
    uint256 private constant DIGITS = 64;
    uint256 private constant TYPE_AT = 2;
    uint256 private constant LONGEST_TYPE = 33;
    /// @dev A one in each byte.
    uint256 private constant ONES = type(uint256).max / 0xff;

    /// @notice The binding of the entry, or `ok` false where its head is not of this form.
    function binding(bytes calldata entry) internal pure returns (bool ok, bytes32 value) {
        uint256 end = _typeEnd(entry);
        uint256 lineEnd = end + 1 + DIGITS;
        if (end == 0 || entry.length <= lineEnd || entry[lineEnd] != "\n") return (false, 0);
        return _fromHex(entry[end + 1:lineEnd]);
    }

    /// @dev Where the space after the type stands, or zero.
    function _typeEnd(bytes calldata entry) private pure returns (uint256) {
        if (entry.length <= TYPE_AT || !_isWithin(entry[0], "0", "9") || entry[1] != " ") return 0;
        for (uint256 at = TYPE_AT; at < entry.length && at <= TYPE_AT + LONGEST_TYPE; at++) {
            if (entry[at] == " ") return at == TYPE_AT ? 0 : at;
            if (!_isWithin(entry[at], "a", "z") && entry[at] != ".") return 0;
        }
        return 0;
    }

    function _fromHex(bytes calldata digits) private pure returns (bool, bytes32) {
        (bool isHigh, uint256 high) = _fromHalf(uint256(bytes32(digits[:32])));
        (bool isLow, uint256 low) = _fromHalf(uint256(bytes32(digits[32:])));
        return isHigh && isLow ? (true, bytes32(high << 128 | low)) : (false, bytes32(0));
    }

    /// @dev All 32 digits at once, a byte each: 64 turns of a loop would cost a sixth of a whole anchor. `0`-`9` are 0x30-0x39
    /// and `a`-`f` 0x61-0x66, so a letter is known by bit 6 and is worth its low nibble and nine. No sum carries over.
    function _fromHalf(uint256 ascii) private pure returns (bool ok, uint256 value) {
        uint256 letters = ascii >> 6 & ONES;
        value = (ascii & 0x0f * ONES) + 9 * letters;
        bool isZone = ascii & 0xf0 * ONES == 0x30 * (ONES + letters);
        // Above nine exactly where it is a letter, and nowhere above fifteen.
        bool isRange = (value + 6 * ONES) >> 4 & ONES == letters && value >> 4 & ONES == 0;
        return (isZone && isRange, _squeezed(value));
    }

    /// @dev The low nibbles of 32 bytes, side by side.
    function _squeezed(uint256 value) private pure returns (uint256) {
        value = (value | value >> 4) & type(uint256).max / 0x101;
        value = (value | value >> 8) & type(uint256).max / 0x10001;
        value = (value | value >> 16) & type(uint256).max / 0x100000001;
        value = (value | value >> 32) & type(uint256).max / 0x10000000000000001;
        return (value | value >> 64) & type(uint128).max;
    }

    function _isWithin(bytes1 character, bytes1 low, bytes1 high) private pure returns (bool) {
        return character >= low && character <= high;
    }
}
