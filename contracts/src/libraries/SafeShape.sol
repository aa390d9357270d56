// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOwnerGuard, Shape} from "../interfaces/IOwnerGuard.sol";
import {ISafe} from "../interfaces/ISafe.sol";
import {ISafeParts} from "../interfaces/ISafeParts.sol";

/// @title Who commands a Safe: read from it, and foreseen for a call that it makes to itself
/// @dev What is foreseen and what then is must be equal to the order of the lists: a Safe puts newcomers first.
library SafeShape {
    address private constant SENTINEL = address(1);
    uint256 private constant MOST_MODULES = 64;
    uint256 private constant SINGLETON_SLOT = 0;
    /// @dev keccak256("guard_manager.guard.address")
    uint256 private constant GUARD_SLOT = 0x4a204f620c8c5ccdca3fd54d003badd85ba500436a431f0cbda4f558c93c34c8;
    /// @dev keccak256("module_manager.module_guard.address"); unused, so zero, before 1.5.0.
    uint256 private constant MODULE_GUARD_SLOT = 0xb104e0b93118902c651344349b610029d694cfdec91c589c91ebafbcd0289947;
    /// @dev keccak256("fallback_manager.handler.address")
    uint256 private constant HANDLER_SLOT = 0x6c9a6c4a39284e37ed1cf53d337577d14212a4870fb976a4366c693b939918d5;

    /* READING */

    function read(address safe) internal view returns (Shape memory shape) {
        shape.singleton = _addressAt(safe, SINGLETON_SLOT);
        shape.guard = _addressAt(safe, GUARD_SLOT);
        shape.moduleGuard = _addressAt(safe, MODULE_GUARD_SLOT);
        shape.handler = _addressAt(safe, HANDLER_SLOT);
        address next;
        (shape.modules, next) = ISafeParts(safe).getModulesPaginated(SENTINEL, MOST_MODULES);
        if (next != SENTINEL) revert IOwnerGuard.TooManyModules();
        shape.owners = ISafeParts(safe).getOwners();
        shape.threshold = ISafeParts(safe).getThreshold();
    }

    function hash(Shape memory shape) internal pure returns (bytes32) {
        return keccak256(abi.encode(shape));
    }

    function _addressAt(address safe, uint256 slot) private view returns (address) {
        return address(uint160(uint256(bytes32(ISafe(safe).getStorageAt(slot, 1)))));
    }

    /* FORESEEING */

    /// @notice Makes of `shape` what the Safe's own `call` will make of the Safe. Calls it does not know change
    /// nothing: if one does after all, the comparison after execution finds it.
    function foresee(Shape memory shape, bytes calldata call) internal pure {
        bytes4 selector = bytes4(call);
        bytes calldata words = call[4:];
        if (selector == ISafeParts.enableModule.selector) {
            shape.modules = _with(shape.modules, abi.decode(words, (address)));
        } else if (selector == ISafeParts.disableModule.selector) {
            shape.modules = _without(shape.modules, second(words));
        } else if (selector == ISafeParts.setGuard.selector) {
            shape.guard = abi.decode(words, (address));
        } else if (selector == ISafeParts.setModuleGuard.selector) {
            shape.moduleGuard = abi.decode(words, (address));
        } else if (selector == ISafeParts.setFallbackHandler.selector) {
            shape.handler = abi.decode(words, (address));
        } else {
            _foreseeOwners(shape, selector, words);
        }
    }

    function _foreseeOwners(Shape memory shape, bytes4 selector, bytes calldata words) private pure {
        if (selector == ISafeParts.addOwnerWithThreshold.selector) {
            (address owner, uint256 threshold) = abi.decode(words, (address, uint256));
            (shape.owners, shape.threshold) = (_with(shape.owners, owner), threshold);
        } else if (selector == ISafeParts.removeOwner.selector) {
            (, address owner, uint256 threshold) = abi.decode(words, (address, address, uint256));
            (shape.owners, shape.threshold) = (_without(shape.owners, owner), threshold);
        } else if (selector == ISafeParts.swapOwner.selector) {
            (, address oldOwner, address newOwner) = abi.decode(words, (address, address, address));
            _replace(shape.owners, oldOwner, newOwner);
        } else if (selector == ISafeParts.changeThreshold.selector) {
            shape.threshold = abi.decode(words, (uint256));
        }
    }

    /// @notice The second of the addresses in `words`: whom `disableModule`, `removeOwner` and `swapOwner` are about.
    function second(bytes calldata words) internal pure returns (address found) {
        (, found) = abi.decode(words, (address, address));
    }

    function _with(address[] memory list, address newcomer) private pure returns (address[] memory made) {
        made = new address[](list.length + 1);
        made[0] = newcomer;
        for (uint256 i = 0; i < list.length; i++) {
            made[i + 1] = list[i];
        }
    }

    /// @dev Who is not in the list is not taken out of it: the Safe refuses such a call.
    function _without(address[] memory list, address leaver) private pure returns (address[] memory made) {
        uint256 count = 0;
        for (uint256 i = 0; i < list.length; i++) {
            if (list[i] != leaver) count++;
        }
        made = new address[](count);
        for (uint256 i = list.length; i > 0; i--) {
            if (list[i - 1] != leaver) made[--count] = list[i - 1];
        }
    }

    function _replace(address[] memory list, address leaver, address newcomer) private pure {
        for (uint256 i = 0; i < list.length; i++) {
            if (list[i] == leaver) list[i] = newcomer;
        }
    }
}
