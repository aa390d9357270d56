// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Forbidden} from "../src/libraries/Forbidden.sol";
import {ForbiddenSelectors} from "./ForbiddenSelectors.sol";
import {Test} from "./Test.sol";

/// @title Which functions no leg calls, by the library alone
/// @dev That the Kernel refuses each of them, name by name, is in KernelSwapRules.
contract ForbiddenTest is Test {
    function test_every_function_of_the_list_is_forbidden() external pure {
        bytes4[63] memory all = ForbiddenSelectors.all();
        for (uint256 i = 0; i < all.length; i++) {
            assertTrue(Forbidden.isForbidden(all[i]), "forbidden");
        }
    }

    /// @dev Bit by bit beside the list: no product of differences is zero by chance.
    function test_no_neighbour_of_the_list_is_forbidden() external pure {
        bytes4[63] memory all = ForbiddenSelectors.all();
        for (uint256 i = 0; i < all.length; i++) {
            for (uint256 bit = 0; bit < 32; bit++) {
                bytes4 near = bytes4(uint32(all[i]) ^ uint32(1 << bit));
                assertTrue(Forbidden.isForbidden(near) == isListed(near), "neighbour");
            }
        }
    }

    function testFuzz_nothing_else_is_forbidden(bytes4 selector) external pure {
        assertTrue(Forbidden.isForbidden(selector) == isListed(selector), "forbidden");
    }

    function isListed(bytes4 selector) private pure returns (bool) {
        bytes4[63] memory all = ForbiddenSelectors.all();
        for (uint256 i = 0; i < all.length; i++) {
            if (all[i] == selector) return true;
        }
        return false;
    }
}
