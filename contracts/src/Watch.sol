// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "./interfaces/IERC20.sol";
import {IKernelBreaker, IKernelPaid, IKernelState} from "./interfaces/IKernel.sol";
import {IPriceSource} from "./interfaces/IPriceSource.sol";
import {IWatch, Watched, WatchBirth} from "./interfaces/IWatch.sol";

/// @title Watch: pauses the Kernel when the treasury has lost too much, whoever tells it
/// @notice UNAUDITED. Its only power is to pause. Owned by nobody; the Safe adds it as guardian, and rebases it after large
/// payments of its own.
/// @dev A gift only raises wealth, so it arms nothing; what is borrowed is back within its transaction, so it is seen at most
/// once. Not covered: what gifts and payees that pay back hide.
contract Watch is IWatch {
    uint256 private constant BPS = 10_000;
    uint256 private constant MOST_TOKENS = 8;

    address public immutable kernel;
    address public immutable safe;
    address public immutable ownToken;
    uint16 public immutable maxDrawdownBps;
    uint32 public immutable confirmBlocks;
    uint32 public immutable expiryBlocks;

    Watched[] private _watched;
    uint256 public markE8;
    uint256 private _observedAt;
    mapping(address token => uint256) private _paidAtMark;
    /// @dev What the predecessor's Kernel had paid since the mark that was inherited.
    mapping(address token => uint256) private _paidBefore;

    constructor(WatchBirth memory birth) {
        if (birth.kernel.code.length == 0) revert BadWatch("kernel");
        if (birth.maxDrawdownBps == 0 || birth.maxDrawdownBps >= BPS) revert BadWatch("maxDrawdownBps");
        if (birth.confirmBlocks == 0) revert BadWatch("confirmBlocks");
        if (birth.expiryBlocks == 0) revert BadWatch("expiryBlocks");
        (kernel, safe) = (birth.kernel, IKernelState(birth.kernel).safe());
        (ownToken, maxDrawdownBps) = (birth.ownToken, birth.maxDrawdownBps);
        (confirmBlocks, expiryBlocks) = (birth.confirmBlocks, birth.expiryBlocks);
        _requireIdle();
        _list(birth.tokens);
        if (birth.predecessor == address(0)) _mark();
        else _inherit(IWatch(birth.predecessor));
    }

    /* OBSERVING */

    /// @inheritdoc IWatch
    function trip() external {
        _requireIdle();
        if (IKernelState(kernel).paused()) revert AlreadyPaused();
        (uint256 wealth, uint256 floor) = (wealthE8(), floorE8());
        if (wealth >= floor) _recover(wealth, floor);
        // slither-disable-next-line incorrect-equality (as below)
        else if (observedAt() == 0) _observe(wealth, floor);
        else _confirm(wealth, floor);
    }

    function _recover(uint256 wealth, uint256 floor) private {
        // Zero is no block: it means that nothing was observed.
        // slither-disable-next-line incorrect-equality
        if (observedAt() == 0) revert NoDrawdown(wealth, floor);
        _observedAt = 0;
        emit Recovered(msg.sender, wealth, floor);
    }

    function _observe(uint256 wealth, uint256 floor) private {
        _observedAt = block.number;
        emit Observed(msg.sender, wealth, floor, block.number + confirmBlocks);
    }

    function _confirm(uint256 wealth, uint256 floor) private {
        uint256 confirmableAt = _observedAt + confirmBlocks;
        if (block.number < confirmableAt) revert TooSoon(confirmableAt);
        _observedAt = 0;
        emit Tripped(msg.sender, wealth, floor);
        IKernelBreaker(kernel).pause();
    }

    /* THE MARK */

    /// @inheritdoc IWatch
    function rebase() external {
        if (msg.sender != safe) revert NotSafe(msg.sender);
        // A leg of the agent's makes the Safe call too.
        _requireIdle();
        _observedAt = 0;
        _mark();
    }

    function _requireIdle() private view {
        if (IKernelState(kernel).busy()) revert KernelBusy();
    }

    function _mark() private {
        uint256 wealth = 0;
        for (uint256 i = 0; i < _watched.length; i++) {
            Watched memory each = _watched[i];
            _paidAtMark[each.token] = IKernelPaid(kernel).paid(each.token);
            _paidBefore[each.token] = 0;
            wealth += _valueE8(each, _held(each.token));
        }
        markE8 = wealth;
        emit Rebased(wealth);
    }

    /// @dev No price is asked: the mark is the old one, whatever happened since. A watch of another Safe or of other tokens has a
    /// mark that says nothing about these; prices may come from new sources.
    function _inherit(IWatch predecessor) private {
        Watched[] memory old = predecessor.watched();
        bool isSame = predecessor.safe() == safe && old.length == _watched.length;
        for (uint256 i = 0; isSame && i < old.length; i++) {
            address token = old[i].token;
            isSame = token == _watched[i].token;
            _paidAtMark[token] = IKernelPaid(kernel).paid(token);
            _paidBefore[token] = predecessor.paidSinceMark(token);
        }
        if (!isSame) revert BadWatch("predecessor");
        markE8 = predecessor.markE8();
        emit Inherited(address(predecessor), markE8);
    }

    function _list(Watched[] memory tokens) private {
        if (tokens.length == 0 || tokens.length > MOST_TOKENS) revert BadWatch("tokens");
        for (uint256 i = 0; i < tokens.length; i++) {
            (address token, address source) = (tokens[i].token, tokens[i].source);
            if (i != 0 && token <= tokens[i - 1].token) revert BadWatch("tokens");
            if (token != address(0) && token == ownToken) revert BadWatch("ownToken");
            if (IPriceSource(source).token() != token) revert BadWatch("tokens");
            _watched.push(tokens[i]);
        }
    }

    /* READINGS */

    /// @inheritdoc IWatch
    function wealthE8() public view returns (uint256 wealth) {
        for (uint256 i = 0; i < _watched.length; i++) {
            Watched memory each = _watched[i];
            wealth += _valueE8(each, _held(each.token) + paidSinceMark(each.token));
        }
    }

    /// @inheritdoc IWatch
    function paidSinceMark(address token) public view returns (uint256) {
        return IKernelPaid(kernel).paid(token) - _paidAtMark[token] + _paidBefore[token];
    }

    /// @inheritdoc IWatch
    function floorE8() public view returns (uint256) {
        return markE8 * (BPS - maxDrawdownBps) / BPS;
    }

    /// @inheritdoc IWatch
    function observedAt() public view returns (uint256) {
        bool hasExpired = block.number > _observedAt + confirmBlocks + expiryBlocks;
        return hasExpired ? 0 : _observedAt;
    }

    /// @inheritdoc IWatch
    function watched() external view returns (Watched[] memory) {
        return _watched;
    }

    function _valueE8(Watched memory each, uint256 units) private view returns (uint256 lowE8) {
        // slither-disable-next-line unused-return (wealth counts at the lower end)
        (lowE8,) = IPriceSource(each.source).valueE8(units);
    }

    function _held(address token) private view returns (uint256) {
        return token == address(0) ? safe.balance : IERC20(token).balanceOf(safe);
    }
}
