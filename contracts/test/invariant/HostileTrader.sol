// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ActRule, Kind, Leg, OrderRule, PayRule, SwapRule} from "../../src/interfaces/KernelTypes.sol";
import {IBuiltKernel} from "../Fixture.sol";
import {Feed} from "../mocks/Feed.sol";
import {Inflow, ScriptedVenue} from "../mocks/ScriptedVenue.sol";
import {Token} from "../mocks/Token.sol";
import {HostileAgent} from "./HostileAgent.sol";

/// @notice Where the thief trades.
struct Market {
    ScriptedVenue venue;
    Token weth;
    SwapRule buyWeth;
    bytes32[] buyProof;
    SwapRule sellEther;
    bytes32[] sellProof;
    Feed[4] feeds;
    Lending lending;
}

/// @notice What the thief supplies and withdraws, and the way home that is not the thief's.
struct Lending {
    ActRule[4] acts;
    bytes32[][4] proofs;
    ActRule exit;
    bytes32[] exitProof;
}

/// @title The thief, hand in glove with the venue: it takes less, pays less, calls back and passes inflows off as its own
/// @dev Measures what the venue got and gave by balances, in prices of its own: it asks no price source.
contract HostileTrader is HostileAgent {
    /// @dev What the venue does in a swap.
    enum Mood {
        Fair,
        TakesHalf,
        CallsBack,
        Gives,
        UsesInflow
    }

    uint256 private constant BPS = 10_000;
    uint256 private constant USD = 1e8;
    /// @dev One percent of the most that either rule sells.
    uint256 private constant MOST_LOST = 41e8;
    /// @dev The prices at which the thief measures: the higher source for what goes, the lower for what comes.
    uint256 private constant ETHER_HIGH = 2002;
    uint256 private constant ETHER_LOW = 2000;

    ScriptedVenue internal immutable venue;
    Token private immutable weth;
    Inflow internal immutable inflow;
    SwapRule private buyWeth;
    SwapRule private sellEther;
    bytes32[][2] private proofs;
    Feed[4] private feeds;

    /// @notice Allowances found after a run, and swaps that brought less than their rule's floor. Must stay zero.
    uint256 public allowances;
    uint256 public shortfalls;
    /// @notice Swaps after which the Kernel was paused although they did not pass the soft limit, or the other way round.
    uint256 public missedLimits;
    uint256 public softPauses;
    uint256 public swaps;
    mapping(address token => Outflow[]) private sold;
    Outflow[] private losses;

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
    ) HostileAgent(kernel_, safe_, guardian_, agent_, usdc_, payments_, paymentProofs_, orders_, orderProofs_) {
        (venue, weth, inflow) = (market.venue, market.weth, new Inflow());
        (buyWeth, sellEther) = (market.buyWeth, market.sellEther);
        (proofs[0], proofs[1]) = (market.buyProof, market.sellProof);
        feeds = market.feeds;
    }

    /* THE THIEF */

    /// @notice Everything the bucket holds, at the worst price that passes or a little worse.
    function sellAll(uint256 which, uint256 lossBps, uint8 mood) external {
        SwapRule memory rule = which % 2 == 0 ? buyWeth : sellEther;
        uint256 left = kernel.available(kernel.bucketKey(rule.tokenIn, rule.class));
        _sell(which % 2, left < rule.maxAmount ? left : rule.maxAmount, lossBps % 110, mood);
    }

    /// @notice Twice the most at the worst price that passes, where that fits: enough to run into the soft limit.
    function loseAll(uint256 which) external {
        SwapRule memory rule = which % 2 == 0 ? buyWeth : sellEther;
        for (uint256 i = 0; i < 2; i++) {
            bool fits = kernel.available(kernel.bucketKey(rule.tokenIn, rule.class)) >= rule.maxAmount;
            if (!fits || kernel.available(kernel.bucketKey(address(2), 0)) < MOST_LOST) return;
            _sell(which % 2, rule.maxAmount, 99, uint8(Mood.Fair));
        }
    }

    /// @notice Some, in one leg.
    function sellSome(uint256 which, uint256 amount, uint256 lossBps, uint8 mood) external {
        SwapRule memory rule = which % 2 == 0 ? buyWeth : sellEther;
        _sell(which % 2, amount % (rule.maxAmount / 4), lossBps % 110, mood);
    }

    /// @notice Without fresh answers nothing may pass.
    function sellBlindly(uint256 which) external {
        _awaitLive(which);
        vm.warp(vm.getBlockTimestamp() + 1 days + 1);
        bytes memory call = abi.encodeCall(kernel.run, (_legs(which % 2, 1e6), bytes32(0)));
        vm.prank(agent);
        (bool success,) = address(kernel).call(call);
        if (success) breaches++;
    }

    /* READINGS */

    function oversells(address token, uint256 capacity, uint256 drain) external view returns (bool) {
        return _exceeds(sold[token], capacity, drain);
    }

    function overloses(uint256 capacity, uint256 drain) external view returns (bool) {
        return _exceeds(losses, capacity, drain);
    }

    /* CALLS */

    function _sell(uint256 which, uint256 amount, uint256 lossBps, uint8 mood) private {
        _awaitLive(which);
        _refreshFeeds();
        _instruct(which, amount, lossBps, Mood(mood % 5));
        (address tokenIn, address tokenOut) = _pair(which);
        (uint256 paid, uint256 heldIn, uint256 heldOut) = (_of(tokenIn, address(venue)), _held(tokenIn), _got(tokenOut));
        attempts++;
        Leg[] memory legs = _legs(which, amount);
        uint256 lost = _lost();
        vm.prank(agent);
        try kernel.run(legs, 0) {
            accepted++;
            swaps++;
            _checkSoftLimit(lost);
            sold[tokenIn].push(Outflow(vm.getBlockTimestamp(), _of(tokenIn, address(venue)) - paid));
            uint256 now_ = _held(tokenIn);
            _judge(which, heldIn > now_ ? heldIn - now_ : 0, _got(tokenOut) - heldOut);
        } catch {}
        if (usdc.allowance(safe, address(venue)) != 0) allowances++;
    }

    /// @dev What the Safe gave and got, inflows included, must respect the floor and the loss bucket.
    function _judge(uint256 which, uint256 spent, uint256 received) private {
        uint256 given = which == 0 ? spent * USD / 1e6 : spent * ETHER_HIGH * USD / 1e18;
        uint256 got = which == 0 ? received * ETHER_LOW * USD / 1e18 : received * USD * 9999 / 1e10;
        uint256 loss = given > got ? given - got : 0;
        // Two units of 1e-8 USD for the roundings of either side.
        if (loss > given * buyWeth.maxSlippageBps / BPS + 2) shortfalls++;
        losses.push(Outflow(vm.getBlockTimestamp(), loss > 2 ? loss - 2 : 0));
    }

    /// @dev USD 1e-8 in the loss bucket. Lowered by nobody here, so what is not free is lost.
    function _lost() private view returns (uint256) {
        bytes32 key = kernel.bucketKey(address(2), 0);
        return kernel.bucket(key).capacity - kernel.available(key);
    }

    function _checkSoftLimit(uint256 before) private {
        uint256 capacity = kernel.bucket(kernel.bucketKey(address(2), 0)).capacity;
        bool isOver = 4 * before <= 3 * capacity && 4 * _lost() > 3 * capacity;
        if (isOver) softPauses++;
        if (isOver != kernel.paused()) missedLimits++;
    }

    function _instruct(uint256 which, uint256 amount, uint256 lossBps, Mood mood) private {
        uint256 taken = mood == Mood.TakesHalf && which == 0 ? 5000 : BPS;
        // Units that are worth, at the lower source, what the amount is worth at the higher one.
        uint256 fair = which == 0 ? amount * 1e12 / ETHER_LOW : amount * ETHER_HIGH * BPS / (9999 * 1e12);
        uint256 give = fair * taken / BPS * (BPS - lossBps) / BPS;
        if (mood == Mood.CallsBack) venue.instruct(taken, give, address(kernel), _callBack(which));
        else if (mood == Mood.Gives) venue.instruct(taken, give, address(usdc), abi.encodeCall(Token.mint, (safe, 1e6)));
        else if (mood == Mood.UsesInflow) venue.instruct(taken, 0, address(inflow), _inflow(which, give));
        else venue.instruct(taken, give, address(0), "");
    }

    function _callBack(uint256 which) internal view returns (bytes memory) {
        return abi.encodeCall(kernel.run, (_legs(which, 1), bytes32(0)));
    }

    function _inflow(uint256 which, uint256 give) private view returns (bytes memory) {
        return abi.encodeCall(Inflow.release, (which == 0 ? weth : usdc, safe, give));
    }

    function _legs(uint256 which, uint256 amount) private view returns (Leg[] memory legs) {
        SwapRule memory rule = which == 0 ? buyWeth : sellEther;
        uint256 deadline = vm.getBlockTimestamp();
        (Token tokenIn, Token tokenOut) = (Token(rule.tokenIn), Token(rule.tokenOut));
        bytes memory data = abi.encodeCall(ScriptedVenue.swap, (tokenIn, tokenOut, safe, amount, 0, deadline));
        legs = new Leg[](1);
        legs[0] = Leg(Kind.Swap, abi.encode(rule), proofs[which], uint96(amount), 0, deadline, data);
    }

    function _pair(uint256 which) private view returns (address, address) {
        return which == 0 ? (address(usdc), address(weth)) : (address(0), address(usdc));
    }

    function _of(address token, address holder) private view returns (uint256) {
        return token == address(0) ? holder.balance : Token(token).balanceOf(holder);
    }

    function _got(address token) private view returns (uint256) {
        return _of(token, safe);
    }

    function _refreshFeeds() private {
        int256[4] memory answers = [int256(1e8), 0.9999e8, 2000e8, 2002e18];
        for (uint256 i = 0; i < 4; i++) {
            feeds[i].set(answers[i]);
        }
    }
}
