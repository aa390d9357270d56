// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ActRule, Birth, BucketSetting, Kind, Leg, Template} from "../src/interfaces/KernelTypes.sol";
import {SwapFixture} from "./SwapFixture.sol";
import {ScriptedVault} from "./mocks/ScriptedVault.sol";
import {ScriptedVenue} from "./mocks/ScriptedVenue.sol";
import {Token} from "./mocks/Token.sol";

/// @title The treasury with a lender: receipts at a pinned rate, shares at a vault's word, a claim, and two ways home
/// @dev The lender is the scripted venue; all of it has 6 decimals but the shares, which have 18.
abstract contract ActFixture is SwapFixture {
    uint96 internal constant MAX_ACT = 4000e6;
    uint96 internal constant ACT_CAPACITY = 10_000e6;
    uint96 internal constant EXIT_CAPACITY = 6000e6;
    uint32 internal constant ACTS = 88;
    uint32 internal constant EXITS = 99;
    uint256 internal constant PAR = 1e27;
    /// @dev A share of 18 decimals for a unit of 6: 1e12 of them at par.
    uint256 internal constant SHARES = 1e39;

    Token internal receipt;
    Token internal reward;
    ScriptedVault internal vault;
    ActRule internal supply;
    ActRule internal withdraw;
    ActRule internal deposit;
    ActRule internal redeem;
    ActRule internal claim;
    ActRule internal leave;

    function setUp() public virtual override {
        receipt = new Token("Receipt", "aUSDC", 6);
        reward = new Token("Reward", "RWD", 18);
        vault = new ScriptedVault(18);
        vault.setRates(SHARES, 1e15);
        super.setUp();
        receipt.mint(safe, TREASURY);
        vault.mint(safe, TREASURY * 1e12);
    }

    function _addRules() internal virtual override {
        super._addRules();
        supply = actRule(address(usdc), address(receipt), PAR, MAX_ACT);
        withdraw = actRule(address(receipt), address(usdc), PAR, MAX_ACT);
        deposit = actRule(address(usdc), address(vault), SHARES, MAX_ACT);
        (deposit.vault, deposit.minRate) = (address(vault), SHARES / 2);
        redeem = actRule(address(vault), address(usdc), 1e15, 4000e18);
        (redeem.vault, redeem.minRate) = (address(vault), 0.5e15);
        claim = actRule(address(receipt), address(reward), 0, 0);
        (claim.spender, claim.template.amountWord) = (address(0), 0);
        leave = withdraw;
        leave.class = EXITS;
        ActRule[5] memory acts = [supply, withdraw, deposit, redeem, claim];
        for (uint256 i = 0; i < acts.length; i++) {
            leaves.push(actLeaf(Kind.Act, acts[i]));
        }
        leaves.push(actLeaf(Kind.Exit, leave));
    }

    function _birth() internal view virtual override returns (Birth memory birth) {
        birth = super._birth();
        uint256 known = birth.buckets.length;
        BucketSetting[] memory buckets = new BucketSetting[](known + 4);
        for (uint256 i = 0; i < known; i++) {
            buckets[i] = birth.buckets[i];
        }
        buckets[known] = BucketSetting(address(usdc), ACTS, ACT_CAPACITY, 0, DRAIN);
        buckets[known + 1] = BucketSetting(address(receipt), ACTS, ACT_CAPACITY, 0, DRAIN);
        buckets[known + 2] = BucketSetting(address(vault), ACTS, 10_000e18, 0, DRAIN);
        buckets[known + 3] = BucketSetting(address(receipt), EXITS, EXIT_CAPACITY, 0, DRAIN);
        birth.buckets = buckets;
    }

    /* RULES AND LEGS */

    function actRule(address tokenIn, address tokenOut, uint256 rate, uint96 maxAmount)
        internal
        view
        returns (ActRule memory rule)
    {
        rule.target = address(venue);
        rule.spender = tokenIn == address(0) ? address(0) : address(venue);
        (rule.tokenIn, rule.tokenOut, rule.maxAmount) = (tokenIn, tokenOut, maxAmount);
        (rule.maxHolding, rule.minRate, rule.maxRate, rule.class) = (type(uint128).max, rate, rate, ACTS);
        rule.template = Template(keccak256(actData(rule, 0, 0, 0)), AMOUNT_WORD, MIN_OUT_WORD, DEADLINE_WORD);
    }

    function actData(ActRule memory rule, uint256 amount, uint256 minOut, uint256 deadline)
        internal
        view
        returns (bytes memory)
    {
        (Token tokenIn, Token tokenOut) = (Token(rule.tokenIn), Token(rule.tokenOut));
        return abi.encodeCall(ScriptedVenue.swap, (tokenIn, tokenOut, safe, amount, minOut, deadline));
    }

    function actLeg(Kind kind, ActRule memory rule, uint96 amount) internal view returns (Leg memory leg) {
        leg.kind = kind;
        leg.rule = abi.encode(rule);
        leg.proof = proofOf(actLeaf(kind, rule));
        (leg.amount, leg.deadline) = (amount, DEADLINE);
        leg.data = actData(rule, amount, 0, DEADLINE);
    }

    /// @dev As the ADR writes it, independent of the contract's own library.
    function actLeaf(Kind kind, ActRule memory rule) internal pure returns (bytes32) {
        string memory fields =
            "(address target,address spender,address tokenIn,address tokenOut,Template template,uint96 maxAmount,uint96 dust,uint128 maxHolding,address vault,uint256 minRate,uint256 maxRate,uint16 maxSlippageBps,uint32 class,uint32 delay)Template(bytes32 hash,uint16 amountWord,uint16 minOutWord,uint16 deadlineWord)";
        bytes32 tag = keccak256(bytes(string.concat(kind == Kind.Act ? "Act" : "Exit", fields)));
        return keccak256(abi.encode(keccak256(abi.encode(tag, rule))));
    }

    /// @dev The rule besides the others, under a new Kernel with this policy.
    function _adoptAct(Kind kind, ActRule memory rule) internal {
        leaves.push(actLeaf(kind, rule));
        _deployKernel();
    }

    /* ACTS */

    function act(ActRule memory rule, uint96 amount) internal {
        run(one(actLeg(Kind.Act, rule, amount)));
    }

    function actRefused(ActRule memory rule, uint96 amount, bytes memory reason) internal {
        runRefused(one(actLeg(Kind.Act, rule, amount)), reason);
    }

    function exit(ActRule memory rule, uint96 amount, address caller) internal {
        Leg[] memory legs = one(actLeg(Kind.Exit, rule, amount));
        vm.prank(caller);
        kernel.run(legs, 0);
    }

    function exitRefused(Leg memory leg, address caller, bytes memory reason) internal {
        Leg[] memory legs = one(leg);
        vm.expectRevert(reason);
        vm.prank(caller);
        kernel.run(legs, 0);
    }

    function pauseBy(address caller) internal {
        vm.prank(caller);
        kernel.pause();
    }
}
