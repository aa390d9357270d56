// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOwnerGuard} from "../src/interfaces/IOwnerGuard.sol";
import {ISafeParts} from "../src/interfaces/ISafeParts.sol";
import {IMultiSend, OwnerGuardFixture} from "./OwnerGuardFixture.sol";
import {CatchingCaller} from "./mocks/Callers.sol";
import {ObedientModule} from "./mocks/SafeTricks.sol";

/// @title The least a module guard needs to be accepted by a Safe
contract AnyModuleGuard {
    function supportsInterface(bytes4) external pure returns (bool) {
        return true;
    }
}

/// @title Two readings of the same bytes, and moments at which nobody should act
abstract contract OwnerGuardHiddenTest is OwnerGuardFixture {
    /// @dev Fifteen zero bytes at its end: they stand where the guard reads the length of a call.
    address private module = address(uint160(0x30D01E) << 120);

    /// @dev At the standard place stand two empty calls to nobody; MultiSendCallOnly goes where the offset says, a word
    /// later, and reads their values as a call of the Safe to itself.
    function test_calldata_that_points_elsewhere_hides_no_change() external {
        bytes memory call = enabling(module);
        uint256 hidden = 1 + 20 + 32 + 32 + call.length;
        bytes21 head = bytes21(call);
        bytes memory transactions = bytes.concat(
            abi.encodePacked(uint8(0), address(0), uint88(hidden), uint8(0), safe, uint256(0)),
            abi.encodePacked(uint8(0), address(0), uint88(call.length), head, uint256(0))
        );
        bytes memory data = abi.encodePacked(
            IMultiSend.multiSend.selector, uint256(64), transactions.length, transactions, new bytes(22)
        );

        execRefused(delegated(address(multiSend), data), abi.encodeWithSelector(IOwnerGuard.BadBatch.selector, 0));
        safeDoes(removing().data);
        exec(delegated(address(multiSend), data));
        assertTrue(safe.isModuleEnabled(module), "without the guard the trick works");
    }

    /// @dev Even what passes by its nature: only the way out itself looks at nothing.
    function test_nothing_is_announced_while_a_leg_of_the_kernel_runs() external {
        bytes memory call = abi.encodeCall(IOwnerGuard.announce, (enabling(module)));
        _tryInALeg(address(guard), call, abi.encodeWithSelector(IOwnerGuard.KernelBusy.selector));
        assertEq(guard.pending(keccak256(enabling(module))).readyAt, 0, "announced");
    }

    function _tryInALeg(address to, bytes memory call, bytes memory reason) private {
        CatchingCaller caller = new CatchingCaller();
        bytes memory inner = approved(plain(to, call), safe.nonce());
        token.setHook(address(caller), abi.encodeCall(caller.attempt, (address(safe), inner)));
        vm.expectEmit(true, false, false, true, address(caller));
        emit CatchingCaller.Caught(address(safe), reason);
        vm.prank(agent);
        kernel.pay(payAlice, 1, new bytes32[](0), 0);
    }
}

/// forge-config: default.isolate = true
contract OwnerGuardHiddenOn141Test is OwnerGuardHiddenTest {
    function version() internal pure override returns (string memory) {
        return V1_4_1;
    }
}

/// @dev 1.4.1 knows no module guards.
/// forge-config: default.isolate = true
contract OwnerGuardHiddenOn150Test is OwnerGuardHiddenTest {
    function test_another_module_guard_is_announced_or_seen() external {
        bytes memory call = abi.encodeCall(ISafeParts.setModuleGuard, (address(new AnyModuleGuard())));
        ObedientModule obedient = new ObedientModule();
        safeDoes(enabling(address(obedient)));
        execRefused(own(call), notAnnounced(call));
        (bool success,) =
            attempt(plain(address(obedient), abi.encodeCall(obedient.obey, (address(safe), address(safe), call))));
        assertTrue(!success && shapeOf().moduleGuard == address(0), "not through a module");
        announce(call);
        pass(DELAY);
        exec(own(call));
        assertTrue(shapeOf().moduleGuard != address(0), "as announced");
    }

    function version() internal pure override returns (string memory) {
        return V1_5_0;
    }
}
