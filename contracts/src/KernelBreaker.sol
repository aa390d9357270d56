// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {KernelChanges} from "./KernelChanges.sol";
import {IKernelBreaker} from "./interfaces/IKernel.sol";

/// @title Stop now, ask later: what ends the agent's powers, and the one way back
abstract contract KernelBreaker is KernelChanges, IKernelBreaker {
    /// @inheritdoc IKernelBreaker
    function pause() external {
        bool mayPause = msg.sender == _state.agent || msg.sender == safe || isGuardian(msg.sender);
        if (!mayPause) revert NotAllowedToPause(msg.sender);
        _pause(0);
    }

    /// @inheritdoc IKernelBreaker
    function blockAddress(address target) external onlyGuardian locked {
        blocked[target] = true;
        _state.screened = true;
        emit AddressBlocked(target, msg.sender);
    }

    /// @inheritdoc IKernelBreaker
    function unblockAddress(address target) external locked announced {
        blocked[target] = false;
        emit AddressUnblocked(target);
    }

    /// @inheritdoc IKernelBreaker
    function rekey(address newAgent, bytes32 codeHash, address[] calldata dropped) external locked announced {
        address oldAgent = _state.agent;
        burned[oldAgent] = true;
        for (uint256 i = 0; i < dropped.length; i++) {
            _removeGuardian(dropped[i]);
        }
        _setAgent(newAgent, codeHash);
        _state.paused = false;
        emit Rekeyed(++_state.epoch, oldAgent, newAgent, codeHash);
        _voidAnnouncements();
    }

    /// @dev Voids what is pending only on the way from Live to Paused, or a hostile guardian could pause a re-key away for ever.
    function _pause(bytes32 limit) internal {
        if (_state.paused) return;
        _state.paused = true;
        _voidAnnouncements();
        emit Paused(_state.epoch, msg.sender, limit);
    }
}
