// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Fails at everything it is called for
contract RevertingTarget {
    error Refused(address caller, uint256 value);

    fallback() external payable {
        revert Refused(msg.sender, msg.value);
    }

    receive() external payable {
        revert Refused(msg.sender, msg.value);
    }
}

/// @title Swallows the failure of the call it makes: the outer call succeeds although nothing happened
contract CatchingCaller {
    event Caught(address indexed target, bytes reason);

    function attempt(address target, bytes calldata data) external payable returns (bool success) {
        bytes memory reason;
        (success, reason) = target.call{value: msg.value}(data);
        if (!success) emit Caught(target, reason);
    }
}
