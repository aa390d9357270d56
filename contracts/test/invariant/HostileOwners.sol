// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOwnerGuard, Shape} from "../../src/interfaces/IOwnerGuard.sol";
import {ISafeParts} from "../../src/interfaces/ISafeParts.sol";
import {OwnerGuardFixture, SafeTx} from "../OwnerGuardFixture.sol";
import {CatchingCaller} from "../mocks/Callers.sol";
import {ObedientModule, SingletonThief} from "../mocks/SafeTricks.sol";

/// @title Thieves with enough of the owners' keys, and one honest owner who sometimes vetoes
/// @dev Keeps a book of its own: when each change was announced, as Safe transactions that went through tell it.
/// Whatever the Safe becomes must be what that book allows. Every call of the campaign is one to this contract.
contract HostileOwners is OwnerGuardFixture {
    uint256 private constant KINDS = 6;

    bool private immutable isOn150;
    ObedientModule private obedient;
    CatchingCaller private caller;
    SingletonThief private thief;
    address private otherGuard;
    bytes[] private wanted;
    mapping(bytes32 change => uint256) private announcedAt;
    uint256 private removalAt;

    uint256 public attempts;
    uint256 public accepted;
    uint256 public changes;
    uint256 public removals;
    /// @notice Transactions after which somebody else commands the Safe than the book allows. Must stay zero.
    uint256 public breaches;

    constructor(bool isOn150_) {
        isOn150 = isOn150_;
        setUp();
        (obedient, caller, thief) = (new ObedientModule(), new CatchingCaller(), new SingletonThief());
        safeDoes(enabling(address(obedient)));
        otherGuard = address(newGuard(address(kernel), DELAY, WINDOW));
        wanted.push(enabling(stranger));
        wanted.push(abi.encodeCall(ISafeParts.disableModule, (address(obedient), address(kernel))));
        wanted.push(abi.encodeCall(ISafeParts.setFallbackHandler, (stranger)));
        wanted.push(abi.encodeCall(ISafeParts.addOwnerWithThreshold, (stranger, 2)));
        wanted.push(abi.encodeCall(ISafeParts.swapOwner, (owners[1], owners[2], alice)));
        wanted.push(abi.encodeCall(ISafeParts.setGuard, (otherGuard)));
    }

    function version() internal view override returns (string memory) {
        return isOn150 ? V1_5_0 : V1_4_1;
    }

    /* THE THIEVES: at most one transaction a call, for each call is a transaction of the chain */

    function pay(uint256 units) external {
        _send(paying(units % 3));
    }

    /// @notice What is in force already is left alone, but for one time in four: it is refused, and they get nowhere.
    function announceChange(uint256 which, uint256 mood) external {
        which = which % KINDS;
        bool stands = guard.pending(keccak256(wanted[which])).readyAt != 0;
        if (stands && mood % 4 != 0) _send(paying(1));
        else _announce(which);
    }

    function announceLeaving(uint256 mood) external {
        if (guard.removalReadyAt() != 0 && mood % 4 != 0) _send(paying(1));
        else _announceLeaving();
    }

    /// @notice A change as a call, in a batch, behind a payment, through a module or inside another transaction; half
    /// of the time when it is due to the second, or one before.
    function change(uint256 which, uint256 way, uint256 when) external {
        which = which % KINDS;
        if (when % 2 == 0) {
            if (guard.pending(keccak256(wanted[which])).readyAt == 0) return _announce(which);
            _await(guard.pending(keccak256(wanted[which])).readyAt, when);
        }
        _send(_dressed(wanted[which], way % 8));
    }

    function leave(uint256 way, uint256 when) external {
        if (when % 2 == 0) {
            if (guard.removalReadyAt() == 0) return _announceLeaving();
            _await(guard.removalReadyAt(), when);
        }
        _send(_dressed(removing().data, way % 8));
    }

    /// @notice Another implementation, or any bytes as a batch with a change somewhere among them.
    function sendNonsense(bytes calldata head, bytes calldata tail, uint256 which) external {
        if (which % 4 == 0) _send(delegated(address(thief), abi.encodeCall(thief.take, (address(thief)))));
        else _send(batch(bytes.concat(head, packed(address(safe), wanted[which % KINDS]), tail)));
    }

    function _announce(uint256 which) private {
        bytes memory call = wanted[which];
        if (!_send(plain(address(guard), abi.encodeCall(IOwnerGuard.announce, (call))))) return;
        announcedAt[keccak256(call)] = vm.getBlockTimestamp();
    }

    function _announceLeaving() private {
        if (_send(plain(address(guard), abi.encodeCall(guard.announceRemoval, ())))) {
            removalAt = vm.getBlockTimestamp();
        }
    }

    function _await(uint256 readyAt, uint256 when) private {
        if (readyAt > vm.getBlockTimestamp()) vm.warp(readyAt - (when % 16 == 0 ? 1 : 0));
    }

    function _dressed(bytes memory call, uint256 way) private returns (SafeTx memory each) {
        if (way < 3) return own(call);
        if (way == 3) return batch(packed(address(safe), call));
        if (way == 4) return batch(bytes.concat(packed(alice, ""), packed(address(0), call)));
        bytes memory order = abi.encodeCall(obedient.obey, (address(safe), address(safe), call));
        if (way == 5) return plain(address(obedient), order);
        if (way == 6) return batch(bytes.concat(packed(address(safe), call), packed(address(obedient), order)));
        bytes memory inner = approved(own(call), safe.nonce() + 1);
        return plain(address(caller), abi.encodeCall(caller.attempt, (address(safe), inner)));
    }

    /* TIME AND THE HONEST OWNER */

    function letTimePass(uint256 duration) external {
        vm.warp(vm.getBlockTimestamp() + duration % (DELAY + DELAY / 2));
    }

    function vetoOne(uint256 which, uint256 mood) external {
        if (mood % 4 != 0) return;
        bytes32 made = keccak256(wanted[which % KINDS]);
        uint16 needed = guard.pending(made).needed;
        if (!safe.isOwner(owners[2]) || needed == 0) return;
        vm.prank(owners[2]);
        try guard.veto(made) {
            if (needed == 1) announcedAt[made] = 0;
        } catch {}
    }

    /* THE BOOK */

    function _send(SafeTx memory each) private returns (bool success) {
        Shape memory before = shapeOf();
        attempts++;
        (success,) = attempt(each);
        if (success) accepted++;
        Shape memory later = shapeOf();
        if (keccak256(abi.encode(before)) == keccak256(abi.encode(later))) return success;
        changes++;
        _settle(before, later);
        _restore(before, later);
    }

    /// @dev Each part that differs needs its own change in the book, old enough, and each change is spent.
    function _settle(Shape memory before, Shape memory later) private {
        if (before.singleton != later.singleton || before.threshold != later.threshold) breaches++;
        if (before.moduleGuard != later.moduleGuard) breaches++;
        if (before.handler != later.handler) _spend(2);
        if (_isLonger(later.modules, before.modules)) _spend(0);
        if (_isLonger(before.modules, later.modules)) _spend(1);
        if (_isLonger(later.owners, before.owners)) _spend(3);
        bool isSwapped = keccak256(abi.encode(before.owners)) != keccak256(abi.encode(later.owners));
        if (isSwapped && before.owners.length == later.owners.length) _spend(4);
        if (later.guard == otherGuard) _spend(5);
        if (later.guard == address(0)) _spendRemoval();
    }

    function _spend(uint256 which) private {
        bytes32 made = keccak256(wanted[which]);
        if (announcedAt[made] == 0 || vm.getBlockTimestamp() < announcedAt[made] + DELAY) breaches++;
        announcedAt[made] = 0;
    }

    function _spendRemoval() private {
        removals++;
        if (removalAt == 0 || vm.getBlockTimestamp() < removalAt + 2 * DELAY) breaches++;
        removalAt = 0;
    }

    /// @dev Back to what it was, behind the guard's back, so that a long campaign still has something to steal.
    function _restore(Shape memory before, Shape memory later) private {
        if (later.guard != before.guard) safeDoes(abi.encodeCall(ISafeParts.setGuard, (before.guard)));
        if (later.handler != before.handler) {
            safeDoes(abi.encodeCall(ISafeParts.setFallbackHandler, (before.handler)));
        }
        if (_isLonger(later.modules, before.modules)) {
            safeDoes(abi.encodeCall(ISafeParts.disableModule, (SENTINEL, stranger)));
        }
        if (_isLonger(before.modules, later.modules)) {
            safeDoes(abi.encodeCall(ISafeParts.disableModule, (SENTINEL, address(obedient))));
            safeDoes(enabling(address(kernel)));
            safeDoes(enabling(address(obedient)));
        }
        if (_isLonger(later.owners, before.owners)) {
            safeDoes(abi.encodeCall(ISafeParts.removeOwner, (SENTINEL, stranger, 2)));
        } else if (later.owners[2] == alice) {
            safeDoes(abi.encodeCall(ISafeParts.swapOwner, (owners[1], alice, owners[2])));
        }
    }

    function _isLonger(address[] memory a, address[] memory b) private pure returns (bool) {
        return a.length > b.length;
    }
}
