// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title What no leg ever calls, whatever a policy says: functions that move or promise tokens, or hide further calls
/// @dev The second wall: a leg's calldata is pinned by its rule, so this stops a policy that should not have been signed.
library Forbidden {
    /// @dev Uniswap's Permit2, at the same address on every chain: an approval to it outlives the one it was given for.
    address internal constant PERMIT2 = 0x000000000022D473030F116dDEE9F6B43aC78BA3;

    /// @dev A bit for each selector below and for zero, numbered by bits 7 to 14 of the selector.
    uint256 private constant BITS = 0xc10100201098021201103d028890006800900188720aa008028000d001904729;

    /// @notice Whether a leg may not call `selector`. Zero, which calldata without a selector has, is one of them.
    function isForbidden(bytes4 selector) internal pure returns (bool) {
        uint256 s = uint32(selector);
        // Most are told by this alone.
        if (BITS >> (s >> 7 & 0xff) & 1 == 0) return false;
        return s == 0 || _movesTokens(s) || _promisesTokens(s) || _hidesCalls(s);
    }

    // A product of at most eight differences of 32 bits cannot overflow: it is zero if and only if one of them is. This
    // costs a third of as many comparisons.

    function _movesTokens(uint256 s) private pure returns (bool) {
        unchecked {
            uint256 product0 = (s ^ uint32(bytes4(keccak256("transfer(address,uint256)"))))
                * (s ^ uint32(bytes4(keccak256("transferFrom(address,address,uint256)"))))
                * (s ^ uint32(bytes4(keccak256("transferFrom(address,address,uint160,address)"))))
                * (s ^ uint32(bytes4(keccak256("transferFrom((address,address,uint160,address)[])"))))
                * (s ^ uint32(bytes4(keccak256("transferAndCall(address,uint256,bytes)"))))
                * (s ^ uint32(bytes4(keccak256("transferAndCall(address,uint256)"))))
                * (s ^ uint32(bytes4(keccak256("transferFromAndCall(address,address,uint256,bytes)"))));
            uint256 product1 = (s ^ uint32(bytes4(keccak256("safeTransferFrom(address,address,uint256)"))))
                * (s ^ uint32(bytes4(keccak256("safeTransferFrom(address,address,uint256,bytes)"))))
                * (s ^ uint32(bytes4(keccak256("safeTransferFrom(address,address,uint256,uint256,bytes)"))))
                * (s ^ uint32(bytes4(keccak256("safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)"))))
                * (s ^ uint32(bytes4(keccak256("send(address,uint256,bytes)"))))
                * (s ^ uint32(bytes4(keccak256("operatorSend(address,address,uint256,bytes,bytes)"))));
            uint256 product2 = (s ^ uint32(bytes4(keccak256("transferFromAndCall(address,address,uint256)"))))
                * (s ^ uint32(bytes4(keccak256("transfer(address,uint256,uint256)"))))
                * (s ^ uint32(bytes4(keccak256("transferFrom(address,address,uint256,uint256)"))))
                * (s ^ uint32(bytes4(keccak256("push(address,uint256)"))))
                * (s ^ uint32(bytes4(keccak256("pull(address,uint256)"))))
                * (s ^ uint32(bytes4(keccak256("move(address,address,uint256)"))));
            return product0 == 0 || product1 == 0 || product2 == 0;
        }
    }

    function _promisesTokens(uint256 s) private pure returns (bool) {
        unchecked {
            uint256 product0 = (s ^ uint32(bytes4(keccak256("approve(address,uint256)"))))
                * (s ^ uint32(bytes4(keccak256("approve(address,address,uint160,uint48)"))))
                * (s ^ uint32(bytes4(keccak256("approveAndCall(address,uint256,bytes)"))))
                * (s ^ uint32(bytes4(keccak256("approveDelegation(address,uint256)"))))
                * (s ^ uint32(bytes4(keccak256("setApprovalForAll(address,bool)"))))
                * (s ^ uint32(bytes4(keccak256("increaseAllowance(address,uint256)"))))
                * (s ^ uint32(bytes4(keccak256("decreaseAllowance(address,uint256)"))));
            uint256 product1 = (s ^ uint32(bytes4(keccak256("increaseApproval(address,uint256)"))))
                * (s ^ uint32(bytes4(keccak256("decreaseApproval(address,uint256)"))))
                * (s ^ uint32(bytes4(keccak256("authorizeOperator(address)"))))
                * (s ^ uint32(bytes4(keccak256("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)"))))
                * (s ^ uint32(bytes4(keccak256("permit(address,address,uint256,uint256,bytes)"))))
                * (s ^ uint32(bytes4(keccak256("permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)"))));
            uint256 product2 = (s ^ uint32(bytes4(keccak256("approveAndCall(address,uint256)"))))
                * (s ^ uint32(bytes4(keccak256("increaseApprovalAndCall(address,uint256,bytes)"))))
                * (s ^ uint32(bytes4(keccak256("decreaseApprovalAndCall(address,uint256,bytes)"))))
                * (s ^ uint32(bytes4(keccak256("permit(address,uint256,uint256,bytes)"))))
                * (s ^ uint32(bytes4(keccak256("permit(address,uint256,uint256,uint8,bytes32,bytes32)"))))
                * (s ^ uint32(bytes4(keccak256("permitForAll(address,address,bool,uint256,uint256,bytes)"))))
                * (s ^ uint32(bytes4(keccak256("approve(address,uint256,uint256)"))))
                * (s ^ uint32(bytes4(keccak256("setOperator(address,bool)"))));
            return product0 == 0 || product1 == 0 || product2 == 0;
        }
    }

    function _hidesCalls(uint256 s) private pure returns (bool) {
        unchecked {
            uint256 product0 = (s ^ uint32(bytes4(keccak256("multicall(bytes[])"))))
                * (s ^ uint32(bytes4(keccak256("multicall(uint256,bytes[])"))))
                * (s ^ uint32(bytes4(keccak256("multicall(bytes32,bytes[])"))))
                * (s ^ uint32(bytes4(keccak256("multiSend(bytes)"))))
                * (s ^ uint32(bytes4(keccak256("execute(bytes,bytes[])"))))
                * (s ^ uint32(bytes4(keccak256("execute(bytes,bytes[],uint256)"))))
                * (s ^ uint32(bytes4(keccak256("execute(address,uint256,bytes)"))));
            uint256 product1 = (s ^ uint32(bytes4(keccak256("execute(bytes32,bytes)"))))
                * (s ^ uint32(bytes4(keccak256("executeBatch(address[],bytes[])"))))
                * (s ^ uint32(bytes4(keccak256("executeBatch(address[],uint256[],bytes[])"))))
                * (s ^ uint32(bytes4(keccak256("executeBatch((address,uint256,bytes)[])"))))
                * (s
                        ^ uint32(
                            bytes4(
                                keccak256(
                                    "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)"
                                )
                            )
                        )) * (s ^ uint32(bytes4(keccak256("execTransactionFromModule(address,uint256,bytes,uint8)"))))
                * (s ^ uint32(bytes4(keccak256("execTransactionFromModuleReturnData(address,uint256,bytes,uint8)"))));
            uint256 product2 = (s ^ uint32(bytes4(keccak256("aggregate((address,bytes)[])"))))
                * (s ^ uint32(bytes4(keccak256("tryAggregate(bool,(address,bytes)[])"))))
                * (s ^ uint32(bytes4(keccak256("blockAndAggregate((address,bytes)[])"))))
                * (s ^ uint32(bytes4(keccak256("tryBlockAndAggregate(bool,(address,bytes)[])"))))
                * (s ^ uint32(bytes4(keccak256("aggregate3((address,bool,bytes)[])"))))
                * (s ^ uint32(bytes4(keccak256("aggregate3Value((address,bool,uint256,bytes)[])"))))
                * (s ^ uint32(bytes4(keccak256("execute(address,uint256,bytes,uint8)"))))
                * (s ^ uint32(bytes4(keccak256("execute(uint256,address,uint256,bytes)"))));
            return product0 == 0 || product1 == 0 || product2 == 0;
        }
    }
}
