// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOwnerGuard, Shape} from "../src/interfaces/IOwnerGuard.sol";
import {ISafeParts} from "../src/interfaces/ISafeParts.sol";
import {OwnerGuardFixture, SafeTx} from "./OwnerGuardFixture.sol";

/// @title What changes who commands the Safe: announced, late, vetoable, and exactly what was announced
abstract contract OwnerGuardChangesTest is OwnerGuardFixture {
    error Possible();
    error Impossible();

    address private module = address(0x30D01E);

    /// @dev Each kind of change there is, each possible as the Safe is at first.
    function changes() private returns (bytes[9] memory) {
        return [
            enabling(module),
            abi.encodeCall(ISafeParts.disableModule, (SENTINEL, address(kernel))),
            abi.encodeCall(ISafeParts.setGuard, (address(newGuard(address(kernel), DELAY, WINDOW)))),
            abi.encodeCall(ISafeParts.setFallbackHandler, (module)),
            abi.encodeCall(ISafeParts.addOwnerWithThreshold, (stranger, 3)),
            abi.encodeCall(ISafeParts.removeOwner, (owners[0], owners[1], 1)),
            abi.encodeCall(ISafeParts.swapOwner, (owners[1], owners[2], stranger)),
            abi.encodeCall(ISafeParts.changeThreshold, (1)),
            abi.encodeCall(ISafeParts.changeThreshold, (3))
        ];
    }

    /* WAITING */

    function test_no_change_is_made_unannounced_directly_or_in_a_batch() external {
        bytes[9] memory all = changes();
        bytes32 before = shapeHash();
        for (uint256 i = 0; i < all.length; i++) {
            execRefused(own(all[i]), notAnnounced(all[i]));
            execRefused(batch(packed(address(safe), all[i])), notAnnounced(all[i]));
            SafeTx memory harmless = paying(1);
            bytes memory hidden = bytes.concat(packed(harmless.to, harmless.data), packed(address(safe), all[i]));
            execRefused(batch(hidden), notAnnounced(all[i]));
        }
        assertEq(shapeHash(), before, "nothing changed");
    }

    function test_calls_to_itself_that_the_safe_does_not_know_wait_too() external {
        bytes[3] memory calls = [bytes(hex"01"), hex"00000000", abi.encodeWithSignature("nonce()")];
        for (uint256 i = 0; i < calls.length; i++) {
            execRefused(own(calls[i]), notAnnounced(calls[i]));
        }
        announce(calls[2]);
        pass(DELAY);
        exec(own(calls[2]));
    }

    /// @dev Selectors below and above those it knows, with arguments as removing an owner has them.
    function test_a_call_the_safe_does_not_know_is_foreseen_to_change_nothing() external {
        bytes memory arguments = abi.encode(owners[0], owners[1], 1);
        bytes[2] memory calls = [bytes.concat(hex"00000001", arguments), bytes.concat(hex"ffffffff", arguments)];
        announce(calls[0]);
        announce(calls[1]);
        pass(DELAY);
        bytes32 before = shapeHash();
        exec(own(calls[0]));
        exec(own(calls[1]));
        assertEq(shapeHash(), before, "nothing changed");
    }

    function testFuzz_a_change_is_made_once_its_delay_is_over_and_not_a_second_before(uint256 which, bool byBatch)
        external
    {
        bytes memory call = changes()[which % 9];
        SafeTx memory each = byBatch ? batch(packed(address(safe), call)) : own(call);
        announce(call);
        uint256 readyAt = vm.getBlockTimestamp() + DELAY;
        pass(DELAY - 1);
        bytes32 before = shapeHash();
        execRefused(each, abi.encodeWithSelector(IOwnerGuard.NotReady.selector, keccak256(call), readyAt));
        pass(1);
        exec(each);
        assertTrue(shapeHash() != before, "changed");
        assertEq(guard.pending(keccak256(call)).readyAt, 0, "used up");
    }

    function test_several_announced_changes_and_payments_share_a_batch() external {
        bytes memory handler = abi.encodeCall(ISafeParts.setFallbackHandler, (module));
        announce(enabling(module));
        announce(handler);
        pass(DELAY);
        SafeTx memory payment = paying(3);
        exec(
            batch(
                bytes.concat(
                    packed(address(safe), enabling(module)),
                    packed(payment.to, payment.data),
                    packed(address(safe), handler)
                )
            )
        );
        assertTrue(safe.isModuleEnabled(module), "module");
        assertEq(guard.shape().handler, module, "handler");
    }

    function test_only_the_very_bytes_that_were_announced_count() external {
        announce(enabling(module));
        pass(DELAY);
        bytes memory longer = bytes.concat(enabling(module), hex"00");
        execRefused(own(longer), notAnnounced(longer));
        execRefused(own(enabling(stranger)), notAnnounced(enabling(stranger)));
        bytes memory twice =
            bytes.concat(packed(address(safe), enabling(module)), packed(address(safe), enabling(module)));
        execRefused(batch(twice), notAnnounced(enabling(module)));
        exec(own(enabling(module)));
    }

    function test_an_announcement_expires() external {
        announce(enabling(module));
        pass(DELAY + WINDOW + 1);
        execRefused(own(enabling(module)), notAnnounced(enabling(module)));
        assertEq(guard.pending(keccak256(enabling(module))).readyAt, 0, "nothing is shown");
        announce(enabling(module));
        pass(DELAY + WINDOW);
        exec(own(enabling(module)));
    }

    function test_announcing_again_does_not_restart_the_clock() external {
        announce(enabling(module));
        (bool success,) = attempt(plain(address(guard), abi.encodeCall(IOwnerGuard.announce, (enabling(module)))));
        assertTrue(!success, "already announced");
        vm.expectRevert(abi.encodeWithSelector(IOwnerGuard.AlreadyAnnounced.selector, keccak256(enabling(module))));
        vm.prank(address(safe));
        guard.announce(enabling(module));
    }

    function test_the_safe_takes_an_announcement_back() external {
        announce(enabling(module));
        exec(plain(address(guard), abi.encodeCall(IOwnerGuard.cancel, (keccak256(enabling(module))))));
        pass(DELAY);
        execRefused(own(enabling(module)), notAnnounced(enabling(module)));
        vm.expectRevert(notAnnounced(enabling(module)));
        vm.prank(address(safe));
        guard.cancel(keccak256(enabling(module)));
    }

    /// @dev Also with bytes after it, which a Safe ignores: the change's hash would be another one.
    function test_taking_the_guard_out_is_no_change_to_announce() external {
        bytes memory call = removing().data;
        bytes[4] memory calls = [call, bytes.concat(call, hex"00"), bytes(""), hex"e19a9d"];
        for (uint256 i = 0; i < calls.length; i++) {
            bytes4 selector = i < 2 ? ISafeParts.setGuard.selector : bytes4(0);
            vm.expectRevert(abi.encodeWithSelector(IOwnerGuard.NotAnnounceable.selector, selector));
            vm.prank(address(safe));
            guard.announce(calls[i]);
        }
    }

    function test_a_change_that_fails_is_not_used_up() external {
        bytes memory call = abi.encodeCall(ISafeParts.disableModule, (SENTINEL, module));
        announce(call);
        pass(DELAY);
        (bool success,) = attempt(own(call));
        assertTrue(!success, "fails");
        SafeTx memory kept = own(call);
        kept.safeTxGas = 100_000;
        execRefused(kept, abi.encodeWithSelector(IOwnerGuard.ChangeFailed.selector));
        safeDoes(enabling(module));
        exec(own(call));
    }

    /* VETOES */

    function test_one_owner_vetoes_a_change() external {
        announce(enabling(module));
        vm.expectEmit(true, true, false, true, address(guard));
        emit IOwnerGuard.ChangeVetoed(keccak256(enabling(module)), owners[2], 1, 1);
        veto(owners[2], enabling(module));
        pass(DELAY);
        execRefused(own(enabling(module)), notAnnounced(enabling(module)));
    }

    function test_a_change_that_is_ready_may_still_be_vetoed() external {
        announce(enabling(module));
        pass(DELAY + 1);
        veto(owners[2], enabling(module));
        execRefused(own(enabling(module)), notAnnounced(enabling(module)));
    }

    /// @dev What was signed for the nonce that announced, or for the change before the veto, brings nothing back.
    function test_no_signature_given_before_a_veto_makes_the_change() external {
        uint256 nonce = safe.nonce();
        bytes memory announcing =
            approved(plain(address(guard), abi.encodeCall(IOwnerGuard.announce, (enabling(module)))), nonce);
        bytes memory making = approved(own(enabling(module)), nonce + 1);
        _sends(announcing, true);
        veto(owners[2], enabling(module));
        pass(DELAY);
        _sends(announcing, false);
        _sends(making, false);
        announce(enabling(module));
        pass(DELAY);
        _sends(making, false);
        _sends(announcing, false);
        assertTrue(!safe.isModuleEnabled(module), "module");
        exec(own(enabling(module)));
    }

    function _sends(bytes memory execution, bool expected) private {
        vm.prank(owners[0]);
        (bool success,) = address(safe).call(execution);
        assertTrue(success == expected, "sends");
    }

    function test_each_announcement_after_a_veto_takes_one_more_so_that_no_owner_blocks_for_ever() external {
        bytes memory call = enabling(module);
        announce(call);
        veto(owners[2], call);
        announce(call);
        veto(owners[2], call);
        assertEq(guard.pending(keccak256(call)).vetoes, 1, "one of two");
        vm.expectRevert(abi.encodeWithSelector(IOwnerGuard.AlreadyVetoed.selector, keccak256(call), owners[2]));
        veto(owners[2], call);
        veto(owners[1], call);
        announce(call);
        veto(owners[2], call);
        veto(owners[1], call);
        assertEq(guard.pending(keccak256(call)).needed, 3, "three now");
        assertEq(guard.pending(keccak256(call)).serial, 3, "the third");
        pass(DELAY);
        exec(own(call));
    }

    function test_a_change_that_was_made_forgets_its_vetoes() external {
        bytes memory call = abi.encodeCall(ISafeParts.setFallbackHandler, (module));
        announce(call);
        veto(owners[2], call);
        announce(call);
        pass(DELAY);
        exec(own(call));
        announce(call);
        assertEq(guard.pending(keccak256(call)).needed, 1, "needed");
    }

    function test_nobody_vetoes_their_own_removal_but_another_owner_does() external {
        bytes[2] memory calls = [
            abi.encodeCall(ISafeParts.removeOwner, (owners[1], owners[2], 2)),
            abi.encodeCall(ISafeParts.swapOwner, (owners[1], owners[2], stranger))
        ];
        for (uint256 i = 0; i < 2; i++) {
            announce(calls[i]);
            vm.expectRevert(abi.encodeWithSelector(IOwnerGuard.NotVetoable.selector, keccak256(calls[i])));
            veto(owners[2], calls[i]);
            veto(owners[0], calls[i]);
            assertEq(guard.pending(keccak256(calls[i])).readyAt, 0, "vetoed");
        }
    }

    function testFuzz_only_owners_veto(address caller) external {
        vm.assume(!safe.isOwner(caller));
        announce(enabling(module));
        vm.expectRevert(abi.encodeWithSelector(IOwnerGuard.NotOwner.selector, caller));
        veto(caller, enabling(module));
    }

    function test_what_was_not_announced_is_not_vetoed() external {
        vm.expectRevert(notAnnounced(enabling(module)));
        veto(owners[0], enabling(module));
    }

    /* WHAT IS FORESEEN IS WHAT THE SAFE DOES */

    /// @dev Any sequence: the guard lets a ready change through if and only if the Safe itself would make it.
    function testFuzz_every_announced_change_the_safe_would_make_is_made(uint256 seed) external {
        for (uint256 i = 0; i < 6; i++) {
            bytes memory call = _change(uint256(keccak256(abi.encode(seed, i))));
            bool isPossible = _isPossible(call);
            announce(call);
            pass(DELAY);
            (bool success,) = attempt(own(call));
            assertTrue(success == isPossible, "as the Safe");
            if (!success) exec(plain(address(guard), abi.encodeCall(IOwnerGuard.cancel, (keccak256(call)))));
        }
    }

    function _change(uint256 seed) private view returns (bytes memory) {
        address who = address(uint160(0x2000 + seed % 3));
        uint256 kind = (seed >> 8) % 8;
        if (kind == 0) return enabling(who);
        Shape memory now_ = guard.shape();
        if (kind == 1) return _leaving(ISafeParts.disableModule.selector, now_.modules, seed);
        if (kind == 2) return abi.encodeCall(ISafeParts.setFallbackHandler, (who));
        if (kind == 3) return abi.encodeCall(ISafeParts.addOwnerWithThreshold, (who, 2));
        // Never the two who sign.
        bool isFew = now_.owners[0] == owners[0];
        (address previous, address leaver) = isFew ? (owners[1], owners[2]) : (SENTINEL, now_.owners[0]);
        if (kind == 4) return abi.encodeCall(ISafeParts.removeOwner, (previous, leaver, 2));
        if (kind == 5) return abi.encodeCall(ISafeParts.swapOwner, (previous, leaver, who));
        if (kind == 6) return abi.encodeCall(ISafeParts.setModuleGuard, (address(0)));
        return abi.encodeCall(ISafeParts.changeThreshold, (seed % 3));
    }

    function _leaving(bytes4 selector, address[] memory list, uint256 seed) private pure returns (bytes memory) {
        if (list.length == 0) return abi.encodeWithSelector(selector, SENTINEL, SENTINEL);
        uint256 which = (seed >> 16) % list.length;
        return abi.encodeWithSelector(selector, which == 0 ? SENTINEL : list[which - 1], list[which]);
    }

    function _isPossible(bytes memory call) private returns (bool) {
        try this.tried(call) {}
        catch (bytes memory reason) {
            return bytes4(reason) == Possible.selector;
        }
        return false;
    }

    /// @dev Reverts in any case, so that it stays undone.
    function tried(bytes calldata call) external {
        vm.prank(address(safe));
        (bool success,) = address(safe).call(call);
        if (success) revert Possible();
        revert Impossible();
    }
}

/// forge-config: default.isolate = true
contract OwnerGuardChangesOn141Test is OwnerGuardChangesTest {
    function version() internal pure override returns (string memory) {
        return V1_4_1;
    }
}

/// forge-config: default.isolate = true
contract OwnerGuardChangesOn150Test is OwnerGuardChangesTest {
    function version() internal pure override returns (string memory) {
        return V1_5_0;
    }
}
