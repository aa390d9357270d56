// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAuditRegistry} from "../../src/interfaces/IAuditRegistry.sol";

/// @title What the registry sees of a Kernel: its Safe, its agent, and what it binds
contract LoggedKernel {
    address public immutable safe;
    address public immutable agent;

    constructor(address safe_, address agent_) {
        safe = safe_;
        agent = agent_;
    }

    function act(IAuditRegistry registry, bytes32 ledgerLeaf, bytes32 action) external {
        registry.bind(ledgerLeaf, action);
    }
}
