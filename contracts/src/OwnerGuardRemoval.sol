// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOwnerGuardRemoval, ITransactionGuard} from "./interfaces/IOwnerGuard.sol";
import {ISafeParts} from "./interfaces/ISafeParts.sol";

/// @title The guard's two hooks, and the way out that comes first in both
/// @dev A Safe reads its guard once: after `setGuard(address(0))` the old guard's second hook still runs, and a revert
/// there would undo the removal. Nothing on this way is parsed, called or measured, so no defect in what a subclass
/// checks can close it. During it the Safe calls nobody but itself or this contract.
abstract contract OwnerGuardRemoval is IOwnerGuardRemoval {
    uint256 private constant MIN_DELAY = 1 hours;
    uint256 private constant MIN_WINDOW = 1 days;
    uint256 private constant MAX_DELAY = 30 days;
    bytes4 private constant ERC165 = 0x01ffc9a7;

    address public immutable safe;
    uint32 public immutable delay;
    uint32 public immutable window;

    uint40 private _removalReadyAt;
    /// @dev Neither is cleared before the chain's transaction ends. The Safe's own calls can reach these hooks in the
    /// middle of it, directly or through a module: then they must not forget what they were first told.
    bool private transient _hasBegun;
    bool private transient _isLeaving;

    constructor(address safe_, uint32 delay_, uint32 window_) {
        if (safe_.code.length == 0) revert BadGuard("safe");
        if (delay_ < MIN_DELAY || delay_ > MAX_DELAY) revert BadGuard("delay");
        if (window_ < MIN_WINDOW || window_ > MAX_DELAY) revert BadGuard("window");
        (safe, delay, window) = (safe_, delay_, window_);
    }

    modifier onlySafe() {
        if (msg.sender != safe) revert NotSafe(msg.sender);
        _;
    }

    /* HOOKS */

    /// @inheritdoc ITransactionGuard
    function checkTransaction(
        address to,
        uint256,
        bytes calldata data,
        uint8 operation,
        uint256,
        uint256,
        uint256 gasPrice,
        address,
        address payable,
        bytes calldata,
        address
    ) external onlySafe {
        if (_hasBegun) revert Nested();
        _hasBegun = true;
        // A refund could carry off more than the way out is worth: with one it is a transaction like any other.
        if (operation == 0 && gasPrice == 0 && _isWayOut(to, keccak256(data))) _isLeaving = true;
        else _checkBefore(to, data, operation, gasPrice);
    }

    /// @inheritdoc ITransactionGuard
    function checkAfterExecution(bytes32, bool success) external onlySafe {
        if (_isLeaving) return _left(success);
        _checkAfter(success);
    }

    function _checkBefore(address to, bytes calldata data, uint8 operation, uint256 gasPrice) internal virtual;

    function _checkAfter(bool success) internal virtual;

    /* THE WAY OUT */

    /// @inheritdoc IOwnerGuardRemoval
    function announceRemoval() external onlySafe {
        if (removalReadyAt() != 0) revert RemovalPending();
        _removalReadyAt = uint40(block.timestamp + 2 * uint256(delay));
        emit RemovalAnnounced(_removalReadyAt, _removalReadyAt + window);
    }

    /// @inheritdoc IOwnerGuardRemoval
    function cancelRemoval() external onlySafe {
        // slither-disable-next-line incorrect-equality (zero: none is announced)
        if (removalReadyAt() == 0) revert NoRemoval();
        _removalReadyAt = 0;
        emit RemovalCancelled();
    }

    /// @inheritdoc IOwnerGuardRemoval
    function removalReadyAt() public view returns (uint256) {
        return block.timestamp <= uint256(_removalReadyAt) + window ? _removalReadyAt : 0;
    }

    /// @inheritdoc IOwnerGuardRemoval
    function supportsInterface(bytes4 interfaceId) external view returns (bool) {
        bool isOtherSafe = msg.sender != safe && msg.sender.code.length != 0;
        return interfaceId == ERC165 || (interfaceId == type(ITransactionGuard).interfaceId && !isOtherSafe);
    }

    function _isWayOut(address to, bytes32 call) private view returns (bool) {
        if (to == address(this)) return call == keccak256(abi.encodeCall(this.announceRemoval, ()));
        if (to != safe || call != keccak256(abi.encodeCall(ISafeParts.setGuard, (address(0))))) return false;
        if (!_isRemovable()) revert RemovalNotReady(removalReadyAt());
        return true;
    }

    function _isRemovable() private view returns (bool) {
        uint256 readyAt = removalReadyAt();
        return readyAt != 0 && block.timestamp >= readyAt;
    }

    /// @dev What was just announced is not removable yet. A removal that ran out of gas stays announced; one that was
    /// made does not, or a guard that is installed again could be taken out at once.
    function _left(bool success) private {
        if (!success || !_isRemovable()) return;
        _removalReadyAt = 0;
        emit Removed();
    }
}
