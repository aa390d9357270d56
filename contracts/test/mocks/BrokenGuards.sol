// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {OwnerGuardRemoval} from "../../src/OwnerGuardRemoval.sol";

// Guards whose every check went wrong. What they share with the real one is the way out.

/// @title Refuses everything it is asked before execution, as parsing that always fails would
contract RefusingGuard is OwnerGuardRemoval {
    error Broken();

    constructor(address safe_, uint32 delay_, uint32 window_) OwnerGuardRemoval(safe_, delay_, window_) {}

    function _checkBefore(address, bytes calldata, uint8, uint256) internal pure override {
        revert Broken();
    }

    function _checkAfter(bool) internal pure override {}
}

/// @title Refuses everything it sees after execution, as a comparison that never agrees would
contract DistrustfulGuard is OwnerGuardRemoval {
    error Broken();

    constructor(address safe_, uint32 delay_, uint32 window_) OwnerGuardRemoval(safe_, delay_, window_) {}

    function _checkBefore(address, bytes calldata, uint8, uint256) internal pure override {}

    function _checkAfter(bool) internal pure override {
        revert Broken();
    }
}

/// @title Burns all the gas it is given, before and after
contract BurningGuard is OwnerGuardRemoval {
    constructor(address safe_, uint32 delay_, uint32 window_) OwnerGuardRemoval(safe_, delay_, window_) {}

    function _checkBefore(address, bytes calldata, uint8, uint256) internal pure override {
        _burn();
    }

    function _checkAfter(bool) internal pure override {
        _burn();
    }

    function _burn() private pure {
        assembly {
            invalid()
        }
    }
}

/// @title Calls a contract that is not there, and reads what it does not answer
contract ForsakenGuard is OwnerGuardRemoval {
    constructor(address safe_, uint32 delay_, uint32 window_) OwnerGuardRemoval(safe_, delay_, window_) {}

    function _checkBefore(address, bytes calldata, uint8, uint256) internal view override {
        ForsakenGuard(address(0xDEAD)).delay();
    }

    function _checkAfter(bool) internal view override {
        ForsakenGuard(address(0xDEAD)).delay();
    }
}
