// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IPriceSource, PriceConfig} from "../src/interfaces/IPriceSource.sol";
import {Birth, BucketSetting, Kind, Leg, SwapRule, Template} from "../src/interfaces/KernelTypes.sol";
import {Fixture} from "./Fixture.sol";
import {Feed} from "./mocks/Feed.sol";
import {ScriptedVenue} from "./mocks/ScriptedVenue.sol";
import {Token} from "./mocks/Token.sol";

/// @title The treasury with a venue, wrapped ether, price sources on four feeds, and rules to swap
/// @dev Ether is 2,000 USD at one source and 2,002 at the other, the stablecoin 1.0000 and 0.9999.
abstract contract SwapFixture is Fixture {
    uint96 internal constant MAX_SWAP = 4000e6;
    uint96 internal constant SWAP_CAPACITY = 10_000e6;
    uint96 internal constant LOSS_CAPACITY = 90e8;
    uint32 internal constant SWAPS = 77;
    uint16 internal constant MAX_SLIPPAGE_BPS = 100;
    uint32 internal constant MAX_AGE = 1 days;
    uint256 internal constant DEADLINE = 1_900_000_000;
    /// @dev Offsets of amountIn, the minimum and the deadline in ScriptedVenue.swap.
    uint16 internal constant AMOUNT_WORD = 4 + 3 * 32;
    uint16 internal constant MIN_OUT_WORD = 4 + 4 * 32;
    uint16 internal constant DEADLINE_WORD = 4 + 5 * 32;

    Token internal weth;
    ScriptedVenue internal venue;
    Feed[2] internal usdcFeeds;
    Feed[2] internal etherFeeds;
    address internal usdcSource;
    address internal wethSource;
    address internal etherSource;
    SwapRule internal buyWeth;
    SwapRule internal sellEther;
    SwapRule internal buyEther;

    function setUp() public virtual override {
        super.setUp();
        weth = new Token("Wrapped Ether", "WETH", 18);
        venue = new ScriptedVenue();
        vm.deal(address(venue), 1000 ether);
        usdcFeeds = [new Feed(8, 1e8), new Feed(8, 0.9999e8)];
        etherFeeds = [new Feed(8, 2000e8), new Feed(18, 2002e18)];
        usdcSource = newSource(config(address(usdc), 6, usdcFeeds));
        wethSource = newSource(config(address(weth), 18, etherFeeds));
        etherSource = newSource(config(address(0), 18, etherFeeds));
        buyWeth = _rule(address(usdc), address(weth), usdcSource, wethSource, MAX_SWAP);
        sellEther = _rule(address(0), address(usdc), etherSource, usdcSource, 2 ether);
        buyEther = _rule(address(usdc), address(0), usdcSource, etherSource, MAX_SWAP);
        _addRules();
        _deployKernel();
    }

    function _addRules() internal virtual {
        leaves.push(swapLeaf(buyWeth));
        leaves.push(swapLeaf(sellEther));
        leaves.push(swapLeaf(buyEther));
    }

    function _birth() internal view virtual override returns (Birth memory birth) {
        birth = super._birth();
        BucketSetting[] memory buckets = new BucketSetting[](birth.buckets.length + 3);
        for (uint256 i = 0; i < birth.buckets.length; i++) {
            buckets[i] = birth.buckets[i];
        }
        buckets[birth.buckets.length] = BucketSetting(address(2), 0, LOSS_CAPACITY, 0, DRAIN);
        buckets[birth.buckets.length + 1] = BucketSetting(address(usdc), SWAPS, SWAP_CAPACITY, 0, DRAIN);
        buckets[birth.buckets.length + 2] = BucketSetting(address(0), SWAPS, 5 ether, 0, DRAIN);
        birth.buckets = buckets;
    }

    /* SOURCES */

    function config(address token, uint8 decimals, Feed[2] memory feeds) internal pure returns (PriceConfig memory) {
        address[2] memory both = [address(feeds[0]), address(feeds[1])];
        return PriceConfig(token, decimals, both, [MAX_AGE, MAX_AGE], 50, address(0));
    }

    /// @dev From the artifact: what is tested is byte for byte what ships.
    function newSource(PriceConfig memory made) internal returns (address) {
        return vm.deployCode("PriceSource.sol:PriceSource", abi.encode(made));
    }

    /* RULES AND LEGS */

    function _rule(address tokenIn, address tokenOut, address sourceIn, address sourceOut, uint96 maxAmount)
        internal
        view
        returns (SwapRule memory rule)
    {
        rule.target = address(venue);
        rule.spender = tokenIn == address(0) ? address(0) : address(venue);
        (rule.tokenIn, rule.tokenOut, rule.sourceIn, rule.sourceOut) = (tokenIn, tokenOut, sourceIn, sourceOut);
        (rule.maxAmount, rule.maxHolding) = (maxAmount, type(uint128).max);
        (rule.maxSlippageBps, rule.class) = (MAX_SLIPPAGE_BPS, SWAPS);
        bytes32 hash = keccak256(calldataOf(rule, 0, 0, 0));
        rule.template = Template(hash, AMOUNT_WORD, MIN_OUT_WORD, DEADLINE_WORD);
    }

    function calldataOf(SwapRule memory rule, uint256 amount, uint256 minOut, uint256 deadline)
        internal
        view
        returns (bytes memory)
    {
        (Token tokenIn, Token tokenOut) = (Token(rule.tokenIn), Token(rule.tokenOut));
        return abi.encodeCall(ScriptedVenue.swap, (tokenIn, tokenOut, safe, amount, minOut, deadline));
    }

    function swapLeg(SwapRule memory rule, uint96 amount, uint256 minOut) internal view returns (Leg memory leg) {
        leg.kind = Kind.Swap;
        leg.rule = abi.encode(rule);
        leg.proof = proofOf(swapLeaf(rule));
        (leg.amount, leg.minOut, leg.deadline) = (amount, minOut, DEADLINE);
        leg.data = calldataOf(rule, amount, minOut, DEADLINE);
    }

    function swapLeaf(SwapRule memory rule) internal pure returns (bytes32) {
        bytes32 tag = keccak256(
            "Swap(address target,address spender,address tokenIn,address tokenOut,Template template,uint96 maxAmount,uint96 dust,uint128 maxHolding,address sourceIn,address sourceOut,uint16 maxSlippageBps,uint32 class,uint32 delay)Template(bytes32 hash,uint16 amountWord,uint16 minOutWord,uint16 deadlineWord)"
        );
        return keccak256(abi.encode(keccak256(abi.encode(tag, rule))));
    }

    /// @dev The rule alone, under a new Kernel with this policy.
    function _adopt(SwapRule memory rule) internal {
        leaves.push(swapLeaf(rule));
        _deployKernel();
    }

    /* ACTS */

    function pays(uint256 give) internal {
        venue.instruct(10_000, give, address(0), "");
    }

    function swap(SwapRule memory rule, uint96 amount, uint256 minOut) internal {
        run(one(swapLeg(rule, amount, minOut)));
    }

    function swapRefused(SwapRule memory rule, uint96 amount, uint256 minOut, bytes memory reason) internal {
        runRefused(one(swapLeg(rule, amount, minOut)), reason);
    }

    /* READINGS */

    /// @dev USD 1e-8 that a swap of `spent` units of the stablecoin for `received` wei loses: high in, low out.
    function lossOf(uint256 spent, uint256 received) internal pure returns (uint256) {
        (uint256 given, uint256 got) = (spent * 1e8 / 1e6, received * 2000e8 / 1e18);
        return given > got ? given - got : 0;
    }

    function left(address token, uint32 class) internal view returns (uint256) {
        return kernel.available(kernel.bucketKey(token, class));
    }
}
