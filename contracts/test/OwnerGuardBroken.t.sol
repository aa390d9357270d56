// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOwnerGuard, IOwnerGuardRemoval} from "../src/interfaces/IOwnerGuard.sol";
import {ISafeParts} from "../src/interfaces/ISafeParts.sol";
import {OwnerGuardFixture} from "./OwnerGuardFixture.sol";
import {BurningGuard, DistrustfulGuard, ForsakenGuard, RefusingGuard} from "./mocks/BrokenGuards.sol";

/// @title Guards broken on purpose: each is announced and removed after twice the delay, by the Safe's own transactions
abstract contract OwnerGuardBrokenTest is OwnerGuardFixture {
    function test_a_guard_that_refuses_everything_before_execution_is_removed() external {
        _isRemovable(address(new RefusingGuard(address(safe), DELAY, WINDOW)));
    }

    function test_a_guard_that_refuses_everything_after_execution_is_removed() external {
        _isRemovable(address(new DistrustfulGuard(address(safe), DELAY, WINDOW)));
    }

    function test_a_guard_that_burns_all_gas_is_removed() external {
        _isRemovable(address(new BurningGuard(address(safe), DELAY, WINDOW)));
    }

    function test_a_guard_that_asks_a_contract_that_is_gone_is_removed() external {
        _isRemovable(address(new ForsakenGuard(address(safe), DELAY, WINDOW)));
    }

    function _isRemovable(address broken) private {
        guard = IOwnerGuard(broken);
        safeDoes(abi.encodeCall(ISafeParts.setGuard, (broken)));
        (bool success,) = attempt(paying(1));
        assertTrue(!success, "broken indeed");
        announceRemoval();
        uint256 readyAt = vm.getBlockTimestamp() + 2 * DELAY;
        pass(2 * DELAY - 1);
        execRefused(removing(), abi.encodeWithSelector(IOwnerGuardRemoval.RemovalNotReady.selector, readyAt));
        pass(1);
        exec(removing());
        assertEq(guardOf(), address(0), "gone");
        exec(paying(1));
    }
}

/// forge-config: default.isolate = true
contract OwnerGuardBrokenOn141Test is OwnerGuardBrokenTest {
    function version() internal pure override returns (string memory) {
        return V1_4_1;
    }
}

/// forge-config: default.isolate = true
contract OwnerGuardBrokenOn150Test is OwnerGuardBrokenTest {
    function version() internal pure override returns (string memory) {
        return V1_5_0;
    }
}
