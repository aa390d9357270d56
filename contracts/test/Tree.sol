// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The tests' own sorted-pair Merkle tree, layer by layer; an odd node moves up alone
library Tree {
    function root(bytes32[] memory leaves) internal pure returns (bytes32) {
        bytes32[] memory layer = leaves;
        while (layer.length > 1) layer = _parents(layer);
        return layer[0];
    }

    function proof(bytes32[] memory leaves, uint256 index) internal pure returns (bytes32[] memory path) {
        bytes32[] memory layer = leaves;
        for (; layer.length > 1; index /= 2) {
            uint256 sibling = index ^ 1;
            if (sibling < layer.length) path = _append(path, layer[sibling]);
            layer = _parents(layer);
        }
    }

    function _parents(bytes32[] memory layer) private pure returns (bytes32[] memory above) {
        above = new bytes32[]((layer.length + 1) / 2);
        for (uint256 i = 0; i < above.length; i++) {
            above[i] = 2 * i + 1 < layer.length ? _pair(layer[2 * i], layer[2 * i + 1]) : layer[2 * i];
        }
    }

    function _pair(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(abi.encode(a, b)) : keccak256(abi.encode(b, a));
    }

    function _append(bytes32[] memory path, bytes32 node) private pure returns (bytes32[] memory longer) {
        longer = new bytes32[](path.length + 1);
        for (uint256 i = 0; i < path.length; i++) {
            longer[i] = path[i];
        }
        longer[path.length] = node;
    }
}
