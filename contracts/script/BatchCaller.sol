// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Makes calls one after another and answers what each gave
/// @notice Never deployed: simulations lay it under a sender's address where a node cannot simulate several calls
/// itself. A call without data is what ether sent to an account without code would be.
contract BatchCaller {
    struct Step {
        address to;
        uint256 value;
        uint256 gas;
        bytes data;
    }

    struct Outcome {
        bool success;
        uint256 gasUsed;
        bytes returned;
    }

    fallback(bytes calldata input) external payable returns (bytes memory) {
        if (input.length == 0) return "";
        Step[] memory steps = abi.decode(input, (Step[]));
        Outcome[] memory outcomes = new Outcome[](steps.length);
        for (uint256 i = 0; i < steps.length; i++) {
            uint256 left = gasleft();
            (bool success, bytes memory returned) =
                steps[i].to.call{value: steps[i].value, gas: steps[i].gas}(steps[i].data);
            outcomes[i] = Outcome(success, left - gasleft(), returned);
        }
        return abi.encode(block.number, block.timestamp, outcomes);
    }
}
