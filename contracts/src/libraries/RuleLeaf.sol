// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Kind} from "../interfaces/KernelTypes.sol";

/// @title Leaves of the policy tree: leaf = keccak256(keccak256(abi.encode(tag, rule)))
/// @dev The tag is keccak256 of the kind's name and fields in EIP-712 notation, so it pins the layout too; structs are
/// static, so abi.encode(tag, rule) is the tag followed by the rule's own abi.encode. Leaves are hashed twice so that
/// no inner node (64 bytes, hashed once) can pass for a leaf. All five are fixed by tests.
library RuleLeaf {
    bytes32 internal constant TAG_PAY =
        keccak256("Pay(address token,address recipient,uint96 maxAmount,uint32 class,uint32 delay)");

    bytes32 internal constant TAG_ORDER = keccak256(
        "Order(bytes32 name,address token,address recipient,uint96 amount,"
        "uint32 cooldown,uint40 notBefore,uint40 notAfter,uint32 delay)"
    );

    bytes32 internal constant TAG_SWAP = keccak256(
        "Swap(address target,address spender,address tokenIn,address tokenOut,"
        "Template template,uint96 maxAmount,uint96 dust,uint128 maxHolding,"
        "address sourceIn,address sourceOut,uint16 maxSlippageBps,uint32 class,uint32 delay)"
        "Template(bytes32 hash,uint16 amountWord,uint16 minOutWord,uint16 deadlineWord)"
    );

    bytes32 internal constant TAG_ACT = keccak256(
        "Act(address target,address spender,address tokenIn,address tokenOut,"
        "Template template,uint96 maxAmount,uint96 dust,uint128 maxHolding,"
        "address vault,uint256 minRate,uint256 maxRate,uint16 maxSlippageBps,uint32 class,uint32 delay)"
        "Template(bytes32 hash,uint16 amountWord,uint16 minOutWord,uint16 deadlineWord)"
    );

    bytes32 internal constant TAG_EXIT = keccak256(
        "Exit(address target,address spender,address tokenIn,address tokenOut,"
        "Template template,uint96 maxAmount,uint96 dust,uint128 maxHolding,"
        "address vault,uint256 minRate,uint256 maxRate,uint16 maxSlippageBps,uint32 class,uint32 delay)"
        "Template(bytes32 hash,uint16 amountWord,uint16 minOutWord,uint16 deadlineWord)"
    );

    /// @notice The tag of a kind.
    function tag(Kind kind) internal pure returns (bytes32) {
        if (kind == Kind.Pay) return TAG_PAY;
        if (kind == Kind.Order) return TAG_ORDER;
        if (kind == Kind.Swap) return TAG_SWAP;
        if (kind == Kind.Act) return TAG_ACT;
        return TAG_EXIT;
    }

    /// @notice The leaf of a rule given as the bytes of its abi.encode.
    function hash(Kind kind, bytes calldata rule) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256(bytes.concat(tag(kind), rule))));
    }

    /// @notice Whether `leaf` is in the tree: siblings from the leaf upwards, each pair hashed in ascending order.
    function isInTree(bytes32[] calldata proof, bytes32 root, bytes32 leaf) internal pure returns (bool) {
        bytes32 node = leaf;
        uint256 length = proof.length;
        for (uint256 i = 0; i < length; i++) {
            bytes32 sibling = proof[i];
            (bytes32 low, bytes32 high) = node < sibling ? (node, sibling) : (sibling, node);
            node = keccak256(abi.encode(low, high));
        }
        return node == root;
    }
}
