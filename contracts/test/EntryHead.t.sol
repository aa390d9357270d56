// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {EntryHead} from "../src/libraries/EntryHead.sol";
import {Test} from "./Test.sol";

/// @title The library, with its entry in calldata
contract HeadReader {
    function binding(bytes calldata entry) external pure returns (bool, bytes32) {
        return EntryHead.binding(entry);
    }
}

contract EntryHeadTest is Test {
    HeadReader private reader = new HeadReader();

    function testFuzz_a_binding_is_read_as_it_was_written(bytes32 word, bytes calldata json) public view {
        (bool ok, bytes32 found) = reader.binding(bytes.concat("1 tx.intent ", _hexOf(word), "\n", json));
        assertTrue(ok, "read");
        assertEq(found, word, "binding");
    }

    /// @dev Every byte at every place: the parser looks at 32 digits at once, this test at one.
    function test_only_lower_case_hexadecimal_digits_are_a_binding() public view {
        for (uint256 at = 0; at < 64; at++) {
            this.checkDigit(at);
        }
    }

    function checkDigit(uint256 at) external view {
        bytes memory digits = _hexOf(keccak256("binding"));
        for (uint256 value = 0; value < 256; value++) {
            digits[at] = bytes1(uint8(value));
            bool isDigit = value >= 48 && value <= 57 || value >= 97 && value <= 102;
            (bool ok, bytes32 found) = reader.binding(bytes.concat("1 a ", digits, "\n"));
            assertTrue(ok == isDigit, "a digit");
            if (isDigit) assertEq(keccak256(_hexOf(found)), keccak256(digits), "its worth, and the others'");
        }
    }

    function testFuzz_an_entry_cut_short_in_its_head_binds_nothing(bytes32 word, uint256 length) public view {
        bytes memory whole = bytes.concat("1 anchor.bound ", _hexOf(word), "\n");
        bytes memory cut = new bytes(bound(length, 0, whole.length - 1));
        for (uint256 i = 0; i < cut.length; i++) {
            cut[i] = whole[i];
        }
        (bool ok,) = reader.binding(cut);
        assertTrue(!ok, "cut short");
    }

    function _hexOf(bytes32 word) private pure returns (bytes memory digits) {
        digits = new bytes(64);
        for (uint256 i = 0; i < 64; i++) {
            digits[i] = bytes("0123456789abcdef")[uint256(word) >> (252 - 4 * i) & 15];
        }
    }
}
