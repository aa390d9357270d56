// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ActRule, Kind, Leg, OrderRule, PayRule} from "../../src/interfaces/KernelTypes.sol";
import {IBuiltKernel} from "../Fixture.sol";
import {ScriptedVault} from "../mocks/ScriptedVault.sol";
import {Inflow, ScriptedVenue} from "../mocks/ScriptedVenue.sol";
import {Token} from "../mocks/Token.sol";
import {HostileTrader, Market} from "./HostileTrader.sol";

/// @title The thief among lenders: the same hostile venue takes supplies and gives withdrawals, at rates known before
/// @dev Acts, by number: supply, withdraw, deposit, redeem; the last two at a vault's word.
contract HostileLender is HostileTrader {
    uint256 private constant RATE_UNITS = 1e27;

    ScriptedVault private immutable vault;
    ActRule[4] private rules;
    bytes32[][4] private actProofs;
    ActRule private exitRule;
    bytes32[] private exitProof;

    /// @notice Acts and exits that brought less than their rule's least. Must stay zero.
    uint256 public actShortfalls;
    uint256 public acts;
    uint256 public actAttempts;
    uint256 public exits;
    mapping(bytes32 bucket => Outflow[]) private spent;

    constructor(
        IBuiltKernel kernel_,
        address safe_,
        address guardian_,
        address agent_,
        Token usdc_,
        PayRule[] memory payments_,
        bytes32[][] memory paymentProofs_,
        OrderRule[] memory orders_,
        bytes32[][] memory orderProofs_,
        Market memory market
    )
        HostileTrader(
            kernel_, safe_, guardian_, agent_, usdc_, payments_, paymentProofs_, orders_, orderProofs_, market
        )
    {
        vault = ScriptedVault(market.lending.acts[2].vault);
        (exitRule, exitProof) = (market.lending.exit, market.lending.exitProof);
        for (uint256 i = 0; i < 4; i++) {
            (rules[i], actProofs[i]) = (market.lending.acts[i], market.lending.proofs[i]);
        }
    }

    /* THE THIEF */

    /// @notice Everything the bucket holds, for the least that passes or one unit less.
    function actAll(uint256 which, uint256 missing, uint8 mood) external {
        ActRule memory rule = rules[which % 4];
        uint256 left = kernel.available(kernel.bucketKey(rule.tokenIn, rule.class));
        _act(which % 4, left < rule.maxAmount ? left : rule.maxAmount, missing % 4 == 0 ? 1 : 0, mood);
    }

    function actSome(uint256 which, uint256 amount, uint256 missing, uint8 mood) external {
        which = which % 4;
        _act(which, amount % (rules[which].maxAmount / 4), missing % 4 == 0 ? 1 : 0, mood);
    }

    /// @notice The vault says what it likes, up to half below and above its rule's range.
    function revalue(uint256 shares, uint256 assets) external {
        (ActRule memory deposit, ActRule memory redeem) = (rules[2], rules[3]);
        vault.setRates(_around(shares, deposit), _around(assets, redeem));
    }

    /// @notice The way home is not the agent's, and not open while the Kernel runs.
    function exitWhileLive(uint256 amount) external {
        _awaitLive(amount);
        Leg[] memory legs = _leg(Kind.Exit, exitRule, exitProof, amount % 1e9 + 1);
        venue.instruct(10_000, amount % 1e9 + 1, address(0), "");
        address[2] memory callers = [agent, guardian];
        for (uint256 i = 0; i < 2; i++) {
            vm.prank(callers[i]);
            try kernel.run(legs, 0) {
                breaches++;
            } catch {}
        }
    }

    /* READINGS */

    function overacts(address token, uint32 class, uint256 capacity, uint256 drain) external view returns (bool) {
        return _exceeds(spent[kernel.bucketKey(token, class)], capacity, drain);
    }

    /* CALLS */

    function _act(uint256 which, uint256 amount, uint256 missing, uint8 mood) private {
        _awaitLive(which);
        ActRule memory rule = rules[which];
        Leg[] memory legs = _leg(Kind.Act, rule, actProofs[which], amount);
        _instruct(rule, _least(rule, amount), missing, mood);
        (uint256 heldIn, uint256 heldOut) = (_units(rule.tokenIn), _units(rule.tokenOut));
        uint256 least = amount * rule.minRate / RATE_UNITS;
        attempts++;
        actAttempts++;
        vm.prank(agent);
        try kernel.run(legs, 0) {
            accepted++;
            acts++;
            _note(rule, heldIn, heldOut, least);
        } catch {}
        if (Token(rule.tokenIn).allowance(safe, address(venue)) != 0) allowances++;
    }

    /// @dev A guardian brings home what goes, and the agent tries what it may not.
    function _tryWhilePaused(uint256 which) internal override {
        super._tryWhilePaused(which);
        ActRule memory rule = exitRule;
        uint256 left = kernel.available(kernel.bucketKey(rule.tokenIn, rule.class));
        uint256 amount = left < rule.maxAmount ? left : rule.maxAmount;
        Leg[] memory legs = _leg(Kind.Exit, rule, exitProof, amount);
        _instruct(rule, amount, which % 3 == 0 ? 1 : 0, uint8(which));
        (uint256 heldIn, uint256 heldOut) = (_units(rule.tokenIn), _units(rule.tokenOut));
        vm.prank(agent);
        try kernel.run(legs, 0) {
            breaches++;
        } catch {}
        vm.prank(guardian);
        try kernel.run(legs, 0) {
            exits++;
            _note(rule, heldIn, heldOut, amount);
        } catch {}
        if (Token(rule.tokenIn).allowance(safe, address(venue)) != 0) allowances++;
    }

    function _note(ActRule memory rule, uint256 heldIn, uint256 heldOut, uint256 least) private {
        uint256 heldNow = _units(rule.tokenIn);
        uint256 gone = heldIn > heldNow ? heldIn - heldNow : 0;
        spent[kernel.bucketKey(rule.tokenIn, rule.class)].push(Outflow(vm.getBlockTimestamp(), gone));
        if (_units(rule.tokenOut) - heldOut < least) actShortfalls++;
    }

    function _instruct(ActRule memory rule, uint256 least, uint256 missing, uint8 mood) private {
        uint256 give = least > missing ? least - missing : 0;
        mood = mood % 5;
        // Takes half; calls back; donates what it takes; passes an inflow off as its own; or is fair.
        if (mood == 0) venue.instruct(5000, give, address(0), "");
        else if (mood == 1) venue.instruct(10_000, give, address(kernel), _callBack(0));
        else if (mood == 2) venue.instruct(10_000, give, rule.tokenIn, abi.encodeCall(Token.mint, (safe, 1e6)));
        else if (mood == 3) venue.instruct(10_000, 0, address(inflow), _release(rule.tokenOut, give));
        else venue.instruct(10_000, give, address(0), "");
    }

    function _release(address token, uint256 amount) private view returns (bytes memory) {
        return abi.encodeCall(Inflow.release, (Token(token), safe, amount));
    }

    /// @dev What passes: the pinned rate's units, or the vault's word.
    function _least(ActRule memory rule, uint256 amount) private view returns (uint256) {
        if (rule.vault == address(0)) return amount * rule.minRate / RATE_UNITS;
        return rule.vault == rule.tokenOut ? vault.convertToShares(amount) : vault.convertToAssets(amount);
    }

    function _leg(Kind kind, ActRule memory rule, bytes32[] memory proof, uint256 amount)
        private
        view
        returns (Leg[] memory legs)
    {
        uint256 deadline = vm.getBlockTimestamp();
        (Token tokenIn, Token tokenOut) = (Token(rule.tokenIn), Token(rule.tokenOut));
        bytes memory data = abi.encodeCall(ScriptedVenue.swap, (tokenIn, tokenOut, safe, amount, 0, deadline));
        legs = new Leg[](1);
        legs[0] = Leg(kind, abi.encode(rule), proof, uint96(amount), 0, deadline, data);
    }

    function _around(uint256 seed, ActRule memory rule) private pure returns (uint256) {
        // Mostly within the range, now and then beyond it.
        if (seed % 8 == 0) return rule.minRate / 2;
        if (seed % 8 == 1) return rule.maxRate * 3 / 2;
        return rule.minRate + seed % (rule.maxRate - rule.minRate + 1);
    }

    function _units(address token) private view returns (uint256) {
        return Token(token).balanceOf(safe);
    }
}
