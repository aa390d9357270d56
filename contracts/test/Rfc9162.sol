// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The tests' own RFC 9162 log: the recursive definitions of section 2.1, slow and word for word
/// @dev `leaves` are leaf hashes. Nothing here is shared with the verifier under test.
library Rfc9162 {
    /// @notice `size` leaf hashes of entries that are told apart by `salt`.
    function leaves(uint256 size, uint256 salt) internal pure returns (bytes32[] memory made) {
        made = new bytes32[](size);
        for (uint256 i = 0; i < size; i++) {
            made[i] = leaf(abi.encode(salt, i));
        }
    }

    function leaf(bytes memory entry) internal pure returns (bytes32) {
        return sha256(bytes.concat(hex"00", entry));
    }

    /// @notice MTH(D[size]).
    function root(bytes32[] memory log, uint256 size) internal pure returns (bytes32) {
        return size == 0 ? sha256("") : _mth(log, 0, size);
    }

    /// @notice PATH(index, D[size]), section 2.1.3.1.
    function inclusion(bytes32[] memory log, uint256 index, uint256 size) internal pure returns (bytes32[] memory) {
        return _path(log, index, 0, size);
    }

    /// @notice PROOF(old, D[size]), section 2.1.4.1; empty for old 0.
    function consistency(bytes32[] memory log, uint256 old, uint256 size) internal pure returns (bytes32[] memory) {
        return old == 0 ? new bytes32[](0) : _subproof(log, old, 0, size, true);
    }

    function append(bytes32[] memory list, bytes32 word) internal pure returns (bytes32[] memory longer) {
        longer = new bytes32[](list.length + 1);
        for (uint256 i = 0; i < list.length; i++) {
            longer[i] = list[i];
        }
        longer[list.length] = word;
    }

    function _mth(bytes32[] memory log, uint256 start, uint256 end) private pure returns (bytes32) {
        if (end - start == 1) return log[start];
        uint256 k = start + _split(end - start);
        return sha256(bytes.concat(hex"01", _mth(log, start, k), _mth(log, k, end)));
    }

    function _path(bytes32[] memory log, uint256 m, uint256 start, uint256 end)
        private
        pure
        returns (bytes32[] memory)
    {
        if (end - start == 1) return new bytes32[](0);
        uint256 k = start + _split(end - start);
        if (m < k) return append(_path(log, m, start, k), _mth(log, k, end));
        return append(_path(log, m, k, end), _mth(log, start, k));
    }

    function _subproof(bytes32[] memory log, uint256 m, uint256 start, uint256 end, bool known)
        private
        pure
        returns (bytes32[] memory)
    {
        if (m == end) return known ? new bytes32[](0) : append(new bytes32[](0), _mth(log, start, end));
        uint256 k = start + _split(end - start);
        if (m <= k) return append(_subproof(log, m, start, k, known), _mth(log, k, end));
        return append(_subproof(log, m, k, end, false), _mth(log, start, k));
    }

    /// @dev The largest power of two below `width`.
    function _split(uint256 width) private pure returns (uint256 k) {
        for (k = 1; k * 2 < width; k *= 2) {}
    }
}
