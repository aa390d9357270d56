// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ISafe} from "../../src/interfaces/ISafe.sol";

/// @title A module that the Safe itself commands: a way around a guard that looks at the first call only
contract ObedientModule {
    error CallFailed();

    function obey(address safe, address to, bytes calldata data) external {
        require(msg.sender == safe, "only the Safe");
        (bool success,) = ISafe(safe).execTransactionFromModuleReturnData(to, 0, data, 0);
        if (!success) revert CallFailed();
    }
}

/// @title Delegated to, it puts another implementation under the Safe
contract SingletonThief {
    address private singleton;

    function take(address other) external {
        singleton = other;
    }
}
