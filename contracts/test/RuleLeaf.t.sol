// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ActRule, Kind, OrderRule, PayRule, SwapRule, Template} from "../src/interfaces/KernelTypes.sol";
import {RuleLeaf} from "../src/libraries/RuleLeaf.sol";
import {Test} from "./Test.sol";

/// @title The frozen encoding: compilers elsewhere depend on every byte of it
contract RuleLeafTest is Test {
    string private constant TEMPLATE = "Template(bytes32 hash,uint16 amountWord,uint16 minOutWord,uint16 deadlineWord)";
    string private constant VENUE =
        "(address target,address spender,address tokenIn,address tokenOut,Template template,uint96 maxAmount,uint96 dust,uint128 maxHolding,";
    string private constant ORACLE =
        "address sourceIn,address sourceOut,uint16 maxSlippageBps,uint32 class,uint32 delay)";
    string private constant RATE =
        "address vault,uint256 minRate,uint256 maxRate,uint16 maxSlippageBps,uint32 class,uint32 delay)";

    bytes32 private constant PAY_VECTOR = 0xf92121388fad1273159a7d771b2021f4379516213cc13beaaea0044fb35c60ce;
    bytes32 private constant ORDER_VECTOR = 0xc02f0584cb8cfb062445fa35a690b5a208c0244c1c5d9ecbc836c03e9e9120ac;
    bytes32 private constant SWAP_VECTOR = 0xc3c057f8fafd2df9ef2c4abd00c71b2302232b5986ea3e4cc9a33e07f5bc994e;
    bytes32 private constant ACT_VECTOR = 0xf143f7b2eca88a660fd557de657842f567894ac42019b824a0ce19e35542c4eb;
    bytes32 private constant EXIT_VECTOR = 0x950f78947d32532553278a98d92b84244415f4da2f1d4b2acbf8547c08395f23;

    function testFuzz_a_payment_hashes_as_documented(PayRule calldata rule) external view {
        bytes32 tag = keccak256("Pay(address token,address recipient,uint96 maxAmount,uint32 class,uint32 delay)");
        assertEq(this.leafOf(Kind.Pay, abi.encode(rule)), _twice(abi.encode(tag, rule)), "leaf");
    }

    function testFuzz_an_order_hashes_as_documented(OrderRule calldata rule) external view {
        bytes32 tag = keccak256(
            "Order(bytes32 name,address token,address recipient,uint96 amount,uint32 cooldown,uint40 notBefore,uint40 notAfter,uint32 delay)"
        );
        assertEq(this.leafOf(Kind.Order, abi.encode(rule)), _twice(abi.encode(tag, rule)), "leaf");
    }

    function testFuzz_a_swap_hashes_as_documented(SwapRule calldata rule) external view {
        bytes32 tag = keccak256(bytes(string.concat("Swap", VENUE, ORACLE, TEMPLATE)));
        assertEq(this.leafOf(Kind.Swap, abi.encode(rule)), _twice(abi.encode(tag, rule)), "leaf");
    }

    function testFuzz_acts_and_exits_hash_as_documented(ActRule calldata rule) external view {
        bytes32 act = keccak256(bytes(string.concat("Act", VENUE, RATE, TEMPLATE)));
        bytes32 exit = keccak256(bytes(string.concat("Exit", VENUE, RATE, TEMPLATE)));
        assertEq(this.leafOf(Kind.Act, abi.encode(rule)), _twice(abi.encode(act, rule)), "act");
        assertEq(this.leafOf(Kind.Exit, abi.encode(rule)), _twice(abi.encode(exit, rule)), "exit");
    }

    /// @dev One vector for every kind: rules whose fields count up from one, as `abi.encode` of plain numbers.
    function test_the_vectors_never_change() external view {
        assertEq(this.leafOf(Kind.Pay, _counting(5)), PAY_VECTOR, "pay");
        assertEq(this.leafOf(Kind.Order, _counting(8)), ORDER_VECTOR, "order");
        assertEq(this.leafOf(Kind.Swap, _counting(16)), SWAP_VECTOR, "swap");
        assertEq(this.leafOf(Kind.Act, _counting(17)), ACT_VECTOR, "act");
        assertEq(this.leafOf(Kind.Exit, _counting(17)), EXIT_VECTOR, "exit");
    }

    function leafOf(Kind kind, bytes calldata rule) external pure returns (bytes32) {
        return RuleLeaf.hash(kind, rule);
    }

    function _counting(uint256 fields) private pure returns (bytes memory encoded) {
        for (uint256 i = 1; i <= fields; i++) {
            encoded = bytes.concat(encoded, bytes32(i));
        }
    }

    function _twice(bytes memory preimage) private pure returns (bytes32) {
        return keccak256(abi.encode(keccak256(preimage)));
    }
}
