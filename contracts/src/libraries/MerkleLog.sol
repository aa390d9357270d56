// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title RFC 9162 trees: SHA-256, 0x00 before an entry, 0x01 before two subtrees
/// @dev Verifies what sections 2.1.3.2 and 2.1.4.2 do, in two stretches. `position` and `last` are the places of a node and
/// of the last node at its level. Below where they meet each level has one sibling: left of an odd node, right of an even
/// one. From there upwards the node is the last; it has a left sibling where it is odd, and none, so no hash, where it is
/// even: one sibling for each bit set. A path of any other length is refused.
library MerkleLog {
    /// @notice SHA-256 of nothing.
    bytes32 internal constant EMPTY_ROOT = 0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855;

    /// @notice The hash of one entry.
    function leafHash(bytes calldata entry) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x00), entry));
    }

    /// @notice Whether `path`, leaf upwards, proves that `leaf` is number `index` of the tree (size, root).
    function includes(bytes32 root, uint256 size, uint256 index, bytes32 leaf, bytes32[] calldata path)
        internal
        pure
        returns (bool)
    {
        if (index >= size) return false;
        (uint256 position, uint256 last) = (index, size - 1);
        bytes32 node = leaf;
        for (uint256 i = 0; i < path.length; i++) {
            bytes32 sibling = path[i];
            if (position != last) {
                node = position & 1 == 1 ? _nodeHash(sibling, node) : _nodeHash(node, sibling);
                (position, last) = (position >> 1, last >> 1);
            } else if (position != 0) {
                node = _nodeHash(sibling, node);
                (position, last) = _withoutLowestBit(position);
            } else {
                return false;
            }
        }
        return last == 0 && node == root;
    }

    /// @notice Whether `path` proves that the tree (size, root) begins with the tree (oldSize, oldRoot).
    /// @dev Every tree begins with the empty one; a tree begins with itself. Neither needs a path, so neither has one.
    function extends(bytes32 oldRoot, uint256 oldSize, bytes32 root, uint256 size, bytes32[] calldata path)
        internal
        pure
        returns (bool)
    {
        if (oldSize == size) return path.length == 0 && oldRoot == root;
        if (oldSize == 0) return path.length == 0;
        if (oldSize > size || path.length == 0) return false;
        // A complete old tree is a node of the new one, so its root is known and not in the path.
        bool isComplete = oldSize & (oldSize - 1) == 0;
        bytes32 seed = isComplete ? oldRoot : path[0];
        (bool fits, bytes32 older, bytes32 newer) = _lead(seed, oldSize, size, isComplete ? path : path[1:]);
        return fits && older == oldRoot && newer == root;
    }

    /// @dev The roots that `path` leads to from `seed`, the last complete subtree of the old tree, if its length fits.
    function _lead(bytes32 seed, uint256 oldSize, uint256 size, bytes32[] calldata path)
        private
        pure
        returns (bool fits, bytes32 older, bytes32 newer)
    {
        (uint256 position, uint256 last) = (oldSize - 1, size - 1);
        while (position & 1 == 1) (position, last) = (position >> 1, last >> 1);
        (older, newer) = (seed, seed);
        for (uint256 i = 0; i < path.length; i++) {
            bytes32 sibling = path[i];
            if (position != last) {
                if (position & 1 == 0) newer = _nodeHash(newer, sibling);
                else (older, newer) = (_nodeHash(sibling, older), _nodeHash(sibling, newer));
                (position, last) = (position >> 1, last >> 1);
            } else if (position != 0) {
                (older, newer) = (_nodeHash(sibling, older), _nodeHash(sibling, newer));
                (position, last) = _withoutLowestBit(position);
            } else {
                return (false, 0, 0);
            }
        }
        fits = last == 0;
    }

    /// @dev Both places, which are one here, without their lowest set bit.
    function _withoutLowestBit(uint256 position) private pure returns (uint256 next, uint256) {
        // Safe: called for what is not zero.
        unchecked {
            next = position & (position - 1);
        }
        return (next, next);
    }

    function _nodeHash(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), left, right));
    }
}
