// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {OwnerGuardRemoval} from "./OwnerGuardRemoval.sol";
import {IKernelState} from "./interfaces/IKernel.sol";
import {Announced, IOwnerGuard, Shape} from "./interfaces/IOwnerGuard.sol";
import {ISafe} from "./interfaces/ISafe.sol";
import {ISafeParts} from "./interfaces/ISafeParts.sol";
import {MultiSendBatch} from "./libraries/MultiSendBatch.sol";
import {SafeShape} from "./libraries/SafeShape.sol";

/// @title OwnerGuard: whoever holds enough of the owners' keys changes who commands the Safe only late and in the open
/// @notice UNAUDITED. It sees the Safe's own transactions, not what modules do: the Kernel bounds itself, any other
/// module is outside the claim. It does not limit what the owners pay. Calls to anybody but the Safe pass, the Kernel's
/// configuration among them: that has delays of its own.
/// @dev For Safe 1.4.1 and 1.5.0. No module guard. Needs Cancun (transient storage).
contract OwnerGuard is OwnerGuardRemoval, IOwnerGuard {
    using SafeShape for Shape;

    address public immutable kernel;

    uint32 private _serial;
    mapping(bytes32 change => Announced) private _announced;
    mapping(bytes32 change => uint16) private _timesVetoed;
    mapping(uint32 serial => mapping(address owner => bool)) private _hasVetoed;
    /// @dev What the Safe must be after its transaction, and whether that makes a change.
    bytes32 private transient _expected;
    bool private transient _isChange;

    constructor(address kernel_, uint32 delay_, uint32 window_) OwnerGuardRemoval(_safeOf(kernel_), delay_, window_) {
        // slither-disable-next-line missing-zero-check (`_safeOf` wants code there)
        kernel = kernel_;
    }

    function _safeOf(address kernel_) private view returns (address) {
        if (kernel_.code.length == 0) revert BadGuard("kernel");
        return IKernelState(kernel_).safe();
    }

    /* BEFORE A TRANSACTION */

    function _checkBefore(address to, bytes calldata data, uint8 operation, uint256 gasPrice) internal override {
        if (gasPrice != 0) revert RefundNotAllowed(gasPrice);
        if (IKernelState(kernel).busy()) revert KernelBusy();
        Shape memory expected = SafeShape.read(safe);
        if (operation == 0) _judge(expected, to, data);
        else _judgeBatch(expected, to, data);
        _expected = expected.hash();
    }

    function _judgeBatch(Shape memory expected, address target, bytes calldata data) private {
        if (!MultiSendBatch.isCallOnly(target.codehash)) revert DelegatecallNotAllowed(target, target.codehash);
        bytes calldata packed = MultiSendBatch.packedIn(data);
        uint256 position = 0;
        while (position < packed.length) {
            (address to, bytes calldata call, uint256 end) = MultiSendBatch.callAt(packed, position);
            // MultiSendCallOnly 1.5.0 takes a target of zero for the Safe itself.
            _judge(expected, to == address(0) ? safe : to, call);
            position = end;
        }
    }

    /// @dev An empty call to itself is how a Safe uses up a nonce without doing anything; it is never refused.
    function _judge(Shape memory expected, address to, bytes calldata call) private {
        if (to != safe || call.length == 0) return;
        _takeAnnouncement(keccak256(call));
        _isChange = true;
        expected.foresee(call);
    }

    /* AFTER IT */

    function _checkAfter(bool success) internal view override {
        // Whoever sends it chooses its gas: nobody burns what the Safe has waited for.
        if (_isChange && !success) revert ChangeFailed();
        bytes32 found = SafeShape.read(safe).hash();
        if (found != _expected) revert ShapeChanged(found, _expected);
    }

    /* ANNOUNCEMENTS */

    /// @inheritdoc IOwnerGuard
    function announce(bytes calldata call) external onlySafe {
        bytes32 change = keccak256(call);
        if (_isPending(change)) revert AlreadyAnnounced(change);
        // slither-disable-next-line uninitialized-local (no vetoes yet)
        Announced memory made;
        made.subject = _subject(call);
        made.readyAt = uint40(block.timestamp + delay);
        made.expiresAt = made.readyAt + window;
        made.serial = ++_serial;
        made.needed = _timesVetoed[change] + 1;
        _announced[change] = made;
        emit ChangeAnnounced(change, made.serial, call, made.readyAt, made.expiresAt, made.needed);
    }

    /// @return Whom the call takes the owner's rights from; zero for nobody.
    function _subject(bytes calldata call) private pure returns (address) {
        if (call.length < 4) revert NotAnnounceable(0);
        bytes4 selector = bytes4(call);
        bool isRemoval = selector == ISafeParts.setGuard.selector && abi.decode(call[4:], (address)) == address(0);
        if (isRemoval) revert NotAnnounceable(selector);
        bool takesRights = selector == ISafeParts.removeOwner.selector || selector == ISafeParts.swapOwner.selector;
        return takesRights ? SafeShape.second(call[4:]) : address(0);
    }

    /// @inheritdoc IOwnerGuard
    function cancel(bytes32 change) external onlySafe {
        if (!_isPending(change)) revert NotAnnounced(change);
        delete _announced[change];
        emit ChangeCancelled(change);
    }

    /// @dev The Safe is about to make the call. Should it fail, this is undone with it.
    function _takeAnnouncement(bytes32 change) private {
        if (!_isPending(change)) revert NotAnnounced(change);
        Announced memory found = _announced[change];
        if (block.timestamp < found.readyAt) revert NotReady(change, found.readyAt);
        delete _announced[change];
        delete _timesVetoed[change];
        emit ChangeMade(change, found.serial);
    }

    function _isPending(bytes32 change) private view returns (bool) {
        Announced storage found = _announced[change];
        return found.readyAt != 0 && block.timestamp <= found.expiresAt;
    }

    /* VETOES */

    /// @inheritdoc IOwnerGuard
    function veto(bytes32 change) external {
        if (!ISafe(safe).isOwner(msg.sender)) revert NotOwner(msg.sender);
        if (!_isPending(change)) revert NotAnnounced(change);
        Announced memory found = _announced[change];
        if (found.subject == msg.sender) revert NotVetoable(change);
        if (_hasVetoed[found.serial][msg.sender]) revert AlreadyVetoed(change, msg.sender);
        _hasVetoed[found.serial][msg.sender] = true;
        _countVeto(change, found);
    }

    function _countVeto(bytes32 change, Announced memory found) private {
        uint16 vetoes = found.vetoes + 1;
        // slither-disable-next-line incorrect-equality (counts)
        if (vetoes == found.needed) {
            delete _announced[change];
            _timesVetoed[change] = found.needed;
        } else {
            _announced[change].vetoes = vetoes;
        }
        emit ChangeVetoed(change, msg.sender, vetoes, found.needed);
    }

    /* VIEWS */

    /// @inheritdoc IOwnerGuard
    function pending(bytes32 change) external view returns (Announced memory found) {
        if (_isPending(change)) found = _announced[change];
    }

    /// @inheritdoc IOwnerGuard
    function shape() external view returns (Shape memory) {
        return SafeShape.read(safe);
    }
}
