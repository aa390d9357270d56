// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {KernelBreaker} from "./KernelBreaker.sol";
import {IAuditRegistry} from "./interfaces/IAuditRegistry.sol";
import {IERC20} from "./interfaces/IERC20.sol";
import {IKernelPay} from "./interfaces/IKernel.sol";
import {ISafe} from "./interfaces/ISafe.sol";
import {OrderRule, PayRule} from "./interfaces/KernelTypes.sol";
import {RuleLeaf} from "./libraries/RuleLeaf.sol";

/// @title The agent's entry, and money that leaves the Safe by payment or standing order
abstract contract KernelPayments is KernelBreaker, IKernelPay {
    /// @dev bucketKey(ACTIONS, 0). Written out: the compiler would hash it anew in each call.
    bytes32 private constant ACTIONS_KEY = 0xada5013122d395ba3c54772283fb069b10426056ef8ca54750cb9bb552a59e7d;

    /// @inheritdoc IKernelPay
    // slither-disable-next-line reentrancy-no-eth,reentrancy-events (behind the lock, see `_send`)
    function pay(PayRule calldata rule, uint256 amount, bytes32[] calldata proof, bytes32 ledgerLeaf) external locked {
        _enter(ledgerLeaf);
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(RuleLeaf.TAG_PAY, rule))));
        _checkInPolicy(leaf, proof, root);
        if (rule.delay != 0) revert RuleDelayed(leaf, rule.delay);
        _checkAmount(amount, rule.maxAmount);
        _pay(leaf, rule.token, rule.recipient, rule.class, amount, ledgerLeaf, _state.screened);
    }

    /* THE AGENT'S ENTRY */

    /// @dev Authority, breaker, rate limit, gate: once for every call of the agent, however many legs it has.
    function _enter(bytes32 ledgerLeaf) internal {
        if (msg.sender != _state.agent) revert NotAgent(msg.sender);
        // Code may have appeared since (an EIP-7702 delegate runs for whoever calls it): only what the Safe named counts.
        if (msg.sender.code.length != 0 && msg.sender.codehash != agentCodeHash) revert NotAgent(msg.sender);
        if (_state.paused) revert KernelPaused();
        _charge(ACTIONS_KEY, ONE_ACTION);
        if (registry != address(0)) IAuditRegistry(registry).bind(ledgerLeaf, keccak256(msg.data));
    }

    function _checkInPolicy(bytes32 leaf, bytes32[] calldata proof, bytes32 policyRoot) internal pure {
        if (!RuleLeaf.isInTree(proof, policyRoot, leaf)) revert NotInPolicy(leaf);
    }

    /// @return isScreened Whether something was blocked or revoked once: until then no leg looks it up, which saves three
    /// reads. While a leg runs nothing is: both are behind the lock.
    function _checkLive() internal view returns (bool isScreened) {
        isScreened = _state.screened;
        if (_state.paused) revert KernelPaused();
    }

    function _screen(bytes32 leaf, address target, address token) internal view {
        if (revoked(leaf)) revert RuleIsRevoked(leaf);
        if (blocked[target]) revert AddressIsBlocked(target);
        if (blocked[token]) revert AddressIsBlocked(token);
    }

    /* PAYMENTS */

    /// @dev The rule as single values: memory for it would cost each leg of a run more than most of its checks.
    function _pay(
        bytes32 leaf,
        address token,
        address recipient,
        uint32 class,
        uint256 amount,
        bytes32 ledgerLeaf,
        bool isScreened
    ) internal {
        if (isScreened) _screen(leaf, recipient, token);
        _charge(bucketKey(token, class), amount);
        emit Paid(leaf, token, recipient, amount, ledgerLeaf);
        _send(token, recipient, amount);
    }

    function _checkAmount(uint256 amount, uint256 maximum) internal pure {
        if (amount == 0) revert AmountIsZero();
        if (amount > maximum) revert AboveRuleMaximum(amount, maximum);
    }

    function _payOrder(bytes32 leaf, OrderRule memory rule, uint256 amount, bytes32 ledgerLeaf, bool isScreened)
        internal
    {
        // Without a cooldown one leaf could empty the Safe in one block.
        if (rule.cooldown == 0 || rule.amount == 0) revert BadRule(leaf);
        if (amount != rule.amount) revert NotTheOrderedAmount(amount, rule.amount);
        _checkDue(leaf, rule);
        if (isScreened) _screen(leaf, rule.recipient, rule.token);
        lastPaid[leaf] = block.timestamp;
        emit Paid(leaf, rule.token, rule.recipient, amount, ledgerLeaf);
        _send(rule.token, rule.recipient, amount);
    }

    function _checkDue(bytes32 leaf, OrderRule memory rule) private view {
        bool inForce = block.timestamp >= rule.notBefore && (rule.notAfter == 0 || block.timestamp <= rule.notAfter);
        if (!inForce) revert OrderNotInForce(rule.notBefore, rule.notAfter);
        uint256 paidAt = lastPaid[leaf];
        uint256 dueAt = paidAt + rule.cooldown;
        if (paidAt != 0 && block.timestamp < dueAt) revert OrderNotDue(paidAt, dueAt);
    }

    /* THE SAFE'S CALLS */

    /// @dev The Safe loses at most `amount`, whatever the token says about it. That the payee gets all of it is not
    /// checked: a token's own fee is the payee's loss, and visible in the rehearsal.
    // The lock is transient, which slither does not see: whoever is called finds every entry but `pause` shut.
    // slither-disable-next-line reentrancy-balance,reentrancy-benign
    function _send(address token, address recipient, uint256 amount) private {
        uint256 before = _balance(token);
        if (token == address(0)) {
            _call(recipient, amount, "");
        } else {
            bytes memory returned = _call(token, 0, abi.encodeCall(IERC20.transfer, (recipient, amount)));
            if (!_isTrueOrNothing(returned)) revert TransferRefused(token);
        }
        uint256 spent = _difference(before, _balance(token));
        if (spent > amount) revert SpentTooMuch(token, spent, amount);
        // What left, not what was asked: a payee that gives some back has been paid the rest. Safe: uint96 each.
        unchecked {
            paid[token] += spent;
        }
    }

    function _call(address target, uint256 value, bytes memory data) internal returns (bytes memory) {
        (bool success, bytes memory returned) = ISafe(safe).execTransactionFromModuleReturnData(target, value, data, 0);
        if (!success) revert CallFailed(target, returned);
        return returned;
    }

    /// @dev Reverts without a reason for a token without code: the compiler's own check of a call's target.
    function _balance(address token) internal view returns (uint256) {
        return token == address(0) ? safe.balance : IERC20(token).balanceOf(safe);
    }

    function _difference(uint256 larger, uint256 smaller) internal pure returns (uint256) {
        unchecked {
            return larger > smaller ? larger - smaller : 0;
        }
    }

    function _isTrueOrNothing(bytes memory returned) internal pure returns (bool) {
        if (returned.length == 0) return true;
        return returned.length >= 32 && abi.decode(returned, (uint256)) == 1;
    }
}
