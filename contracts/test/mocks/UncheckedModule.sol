// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ISafe} from "../../src/interfaces/ISafe.sol";

/// @title A module without any check: what a run is compared with, so that a gas table shows what the checks cost
contract UncheckedModule {
    struct Call {
        address target;
        uint256 value;
        bytes data;
    }

    error CallFailed(address target);

    ISafe public immutable safe;

    constructor(ISafe safe_) {
        safe = safe_;
    }

    function run(Call[] calldata calls) external {
        for (uint256 i = 0; i < calls.length; i++) {
            (bool success,) =
                safe.execTransactionFromModuleReturnData(calls[i].target, calls[i].value, calls[i].data, 0);
            if (!success) revert CallFailed(calls[i].target);
        }
    }
}

/// @title A price source without feeds, so that a gas table shows what the feeds cost
contract FixedSource {
    address public immutable token;
    uint256 private immutable _e8For1e18Units;

    constructor(address token_, uint256 e8For1e18Units) {
        (token, _e8For1e18Units) = (token_, e8For1e18Units);
    }

    function valueE8(uint256 units) external view returns (uint256 lowE8, uint256 highE8) {
        lowE8 = units * _e8For1e18Units / 1e18;
        highE8 = lowE8;
    }
}
