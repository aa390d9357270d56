// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {KernelState} from "./KernelState.sol";
import {IKernelBreaker, IKernelConfig} from "./interfaces/IKernel.sol";
import {Bucket, BucketSetting, Pending} from "./interfaces/KernelTypes.sol";
import {LeakyBucket} from "./libraries/LeakyBucket.sol";

/// @title What the Safe may change: at once if it tightens, announced and vetoable if it loosens
abstract contract KernelChanges is KernelState, IKernelConfig {
    using LeakyBucket for Bucket;

    modifier announced() {
        _takeAnnouncement();
        _;
    }

    /* ANNOUNCEMENTS */

    /// @dev The call being made is its own announcement: whoever makes it can only send the bytes that were announced.
    function _takeAnnouncement() private {
        if (msg.sender != safe && !isGuardian(msg.sender)) revert NotGuardian(msg.sender);
        bytes32 change = keccak256(msg.data);
        if (!_isPending(change)) revert NotAnnounced(change);
        Pending storage found = _pending[change];
        if (block.timestamp < found.readyAt) revert NotReady(change, found.readyAt);
        emit ChangeMade(change, found.serial);
        delete _pending[change];
        delete _timesVetoed[change];
    }

    /// @inheritdoc IKernelConfig
    function announce(bytes calldata call) external onlySafe locked {
        bytes32 change = keccak256(call);
        if (_isPending(change)) revert AlreadyAnnounced(change);
        Pending memory found = _announcement(call, change);
        _pending[change] = found;
        emit ChangeAnnounced(change, found.serial, call, found.readyAt, found.expiresAt, found.needed);
    }

    /// @inheritdoc IKernelConfig
    function cancel(bytes32 change) external onlySafe locked {
        if (!_isPending(change)) revert NotAnnounced(change);
        delete _pending[change];
        emit ChangeCancelled(change);
    }

    /// @inheritdoc IKernelConfig
    function veto(bytes32 change) external onlyGuardian locked {
        if (!_isPending(change)) revert NotAnnounced(change);
        Pending storage found = _pending[change];
        // A count of the contract's own, which nobody can nudge.
        // slither-disable-next-line incorrect-equality
        if (found.needed == 0 || found.subject == msg.sender) revert NotVetoable(change);
        if (_hasVetoed[found.serial][msg.sender]) revert AlreadyVetoed(change, msg.sender);
        _hasVetoed[found.serial][msg.sender] = true;
        _countVeto(change, found);
    }

    function _countVeto(bytes32 change, Pending storage found) private {
        (uint16 vetoes, uint16 needed) = (found.vetoes + 1, found.needed);
        // slither-disable-next-line incorrect-equality (counts)
        if (vetoes == needed) {
            delete _pending[change];
            _timesVetoed[change] = needed;
        } else {
            found.vetoes = vetoes;
        }
        emit ChangeVetoed(change, msg.sender, vetoes, needed);
    }

    function _announcement(bytes calldata call, bytes32 change) private returns (Pending memory found) {
        bytes4 selector = call.length < 4 ? bytes4(0) : bytes4(call[:4]);
        bool isRekey = selector == IKernelBreaker.rekey.selector;
        bool isRemoval = selector == IKernelConfig.removeGuardian.selector;
        bool isOther =
            selector == IKernelConfig.setPolicy.selector || selector == IKernelBreaker.unblockAddress.selector;
        if (!isRekey && !isRemoval && !isOther) revert NotAnnounceable(selector);
        found.subject = isRemoval ? abi.decode(call[4:], (address)) : address(0);
        found.readyAt = uint40(block.timestamp + (isRekey ? rekeyDelay : configDelay));
        found.expiresAt = found.readyAt + window;
        found.serial = ++_counters.serial;
        found.pauses = _counters.pauses;
        found.needed = isRekey ? 0 : _timesVetoed[change] + 1;
    }

    /* LOOSENING */

    /// @inheritdoc IKernelConfig
    function setPolicy(bytes32 newRoot, bytes32 newDocumentHash, BucketSetting[] calldata settings)
        external
        locked
        announced
    {
        for (uint256 i = 0; i < settings.length; i++) {
            _resetBucket(settings[i]);
        }
        _setPolicy(newRoot, newDocumentHash);
        _voidAnnouncements();
    }

    /// @inheritdoc IKernelConfig
    function removeGuardian(address guardian) external locked announced {
        _removeGuardian(guardian);
    }

    /// @dev What was announced before the Safe tightened, or before another change was made, was meant for another state:
    /// one guardian could otherwise undo it with an older announcement.
    function _voidAnnouncements() internal {
        _counters.pauses++;
    }

    function _setPolicy(bytes32 newRoot, bytes32 newDocumentHash) internal {
        root = newRoot;
        documentHash = newDocumentHash;
        emit PolicySet(newRoot, ++_state.version, newDocumentHash);
    }

    function _resetBucket(BucketSetting memory setting) private {
        if (setting.level != 0) revert BadBucket(setting.token, setting.class);
        Bucket memory current = _bucketAt(bucketKey(setting.token, setting.class));
        uint256 level = current.levelAt(block.timestamp);
        // A bucket that was closed starts full: opening one must not hand out its capacity at once.
        // slither-disable-next-line incorrect-equality (a capacity is set, never measured)
        bool startsFull = current.capacity == 0 && level < setting.capacity;
        _setBucket(setting, startsFull ? setting.capacity : level);
    }

    /* TIGHTENING */

    /// @inheritdoc IKernelConfig
    function addGuardian(address guardian) external onlySafe locked {
        _addGuardian(guardian);
    }

    /// @inheritdoc IKernelConfig
    function lowerBucket(BucketSetting calldata setting) external onlySafe locked {
        Bucket memory current = _bucketAt(bucketKey(setting.token, setting.class));
        if (!current.isLowered(setting.capacity, setting.drain)) revert NotLowering(setting.token, setting.class);
        _resetBucket(setting);
        _voidAnnouncements();
    }

    /// @inheritdoc IKernelConfig
    function revoke(bytes32 rule) external onlySafe locked {
        uint32 version_ = _state.version;
        _revoked[version_][rule] = true;
        _state.screened = true;
        emit RuleRevoked(rule, version_);
        _voidAnnouncements();
    }
}
