// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOwnerGuard} from "../interfaces/IOwnerGuard.sol";

/// @title The calls inside a batch for Safe's MultiSendCallOnly, or a revert wherever the two could read it differently
/// @dev Packed, for each call: operation (1 byte, zero), target (20), value (32), length of the data (32), data.
/// MultiSendCallOnly checks no bounds: it ignores up to 32 bytes at the end and reads beyond it. So calls must fill the
/// batch exactly.
library MultiSendBatch {
    bytes4 private constant MULTI_SEND = bytes4(keccak256("multiSend(bytes)"));
    /// @dev Code hashes of the official MultiSendCallOnly 1.4.1 and 1.5.0, equal on every chain. MultiSend, which
    /// delegates further, is neither.
    bytes32 private constant CODE_1_4_1 = 0xecd5bd14a08c5d2122379900b2f272bdf107a7e92423c10dd5fe3254386c9939;
    bytes32 private constant CODE_1_5_0 = 0xcdbdcec38d2f1c7d961b0029ff8416b7e86e9974d6f0e9c9580c7d17fcfb6663;
    /// @dev Selector, offset and length, before the packed bytes.
    uint256 private constant PREFIX = 4 + 32 + 32;
    uint256 private constant HEAD = 1 + 20 + 32 + 32;

    /// @notice Whether code of this hash only makes the calls of a batch.
    function isCallOnly(bytes32 codeHash) internal pure returns (bool) {
        return codeHash == CODE_1_4_1 || codeHash == CODE_1_5_0;
    }

    /// @notice The packed bytes in calldata of `multiSend`, which must be the standard encoding but for the padding's
    /// value, which nobody reads.
    function packedIn(bytes calldata data) internal pure returns (bytes calldata) {
        if (data.length < PREFIX || bytes4(data) != MULTI_SEND) revert IOwnerGuard.BadBatch(0);
        uint256 offset = uint256(bytes32(data[4:36]));
        uint256 length = uint256(bytes32(data[36:PREFIX]));
        if (offset != 32 || length > data.length) revert IOwnerGuard.BadBatch(0);
        // slither-disable-next-line divide-before-multiply (rounded up to whole words)
        if (data.length != PREFIX + (length + 31) / 32 * 32) revert IOwnerGuard.BadBatch(0);
        return data[PREFIX:PREFIX + length];
    }

    /// @notice The call at `position`, and where it ends.
    function callAt(bytes calldata packed, uint256 position)
        internal
        pure
        returns (address to, bytes calldata data, uint256 end)
    {
        bytes calldata rest = packed[position:];
        if (rest.length < HEAD || rest[0] != 0) revert IOwnerGuard.BadBatch(position);
        uint256 length = uint256(bytes32(rest[53:HEAD]));
        if (length > rest.length - HEAD) revert IOwnerGuard.BadBatch(position);
        to = address(bytes20(rest[1:21]));
        data = rest[HEAD:HEAD + length];
        end = position + HEAD + length;
    }
}
