// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MultiSendBatch} from "../../src/libraries/MultiSendBatch.sol";

/// @title What the guard reads in a batch, and what was really called, each as a running hash
contract BatchReader {
    bytes32 public called;
    uint256 public calls;

    function read(bytes calldata data) external view returns (bytes32 seen, uint256 count) {
        bytes calldata packed = MultiSendBatch.packedIn(data);
        uint256 position = 0;
        while (position < packed.length) {
            (address to, bytes calldata call, uint256 end) = MultiSendBatch.callAt(packed, position);
            // Calls of others leave no trace here.
            if (to == address(this)) (seen, count) = (keccak256(abi.encode(seen, call)), count + 1);
            position = end;
        }
    }

    fallback() external payable {
        _note();
    }

    receive() external payable {
        _note();
    }

    function _note() private {
        (called, calls) = (keccak256(abi.encode(called, msg.data)), calls + 1);
    }
}
