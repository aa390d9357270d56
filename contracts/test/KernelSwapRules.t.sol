// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {Birth, Leg, SwapRule, Template} from "../src/interfaces/KernelTypes.sol";
import {ForbiddenSelectors} from "./ForbiddenSelectors.sol";
import {SwapFixture} from "./SwapFixture.sol";

interface IGuardedSafe {
    function setGuard(address guard) external;
}

/// @title The least a transaction guard needs to be accepted by a Safe
contract AnyGuard {
    function supportsInterface(bytes4) external pure returns (bool) {
        return true;
    }
}

/// @title Rules that contradict themselves, and calldata that is not the rule's
contract KernelSwapRulesTest is SwapFixture {
    address private constant REGISTRY = address(0x4E615742);

    /* RULES */

    function test_contracts_that_obey_the_safe_are_neither_target_nor_spender() external {
        AnyGuard guard = new AnyGuard();
        vm.prank(safe);
        IGuardedSafe(safe).setGuard(address(guard));
        address permit2 = 0x000000000022D473030F116dDEE9F6B43aC78BA3;
        address[4] memory parties = [safe, address(guard), permit2, address(0)];
        for (uint256 i = 0; i < parties.length; i++) {
            SwapRule memory rule = buyWeth;
            rule.target = parties[i];
            _adoptBad(rule);
            rule = buyWeth;
            rule.spender = parties[i];
            if (parties[i] != address(0)) _adoptBad(rule);
        }
    }

    function test_the_kernel_itself_is_neither_target_nor_spender() external {
        SwapRule memory rule = buyWeth;
        // A Kernel cannot name its own address in its first policy; a later one can.
        (rule.target, rule.spender) = (address(kernel), address(venue));
        _replaceBy(rule);
        swapRefused(rule, 1e6, 0, _badRule(rule));
        (rule.target, rule.spender) = (address(venue), address(kernel));
        _replaceBy(rule);
        swapRefused(rule, 1e6, 0, _badRule(rule));
    }

    function test_the_registry_is_neither_target_nor_spender() external {
        // Any call to it succeeds and answers nothing, which is all that `bind` needs.
        vm.etch(REGISTRY, hex"00");
        SwapRule memory rule = buyWeth;
        rule.target = REGISTRY;
        leaves.push(swapLeaf(rule));
        SwapRule memory other = buyWeth;
        other.spender = REGISTRY;
        leaves.push(swapLeaf(other));
        Birth memory birth = _birth();
        birth.registry = REGISTRY;
        kernel = newKernel(birth);
        _enable();
        swapRefused(rule, 1e6, 0, _badRule(rule));
        swapRefused(other, 1e6, 0, _badRule(other));
    }

    function test_a_swap_of_a_token_for_itself_is_no_swap() external {
        SwapRule memory rule = buyWeth;
        (rule.tokenOut, rule.sourceOut) = (rule.tokenIn, rule.sourceIn);
        _adoptBad(rule);
    }

    function testFuzz_a_rule_that_allows_everything_to_be_lost_is_refused(uint16 slippageBps) external {
        SwapRule memory rule = buyWeth;
        rule.maxSlippageBps = uint16(bound(slippageBps, 10_000, type(uint16).max));
        _adoptBad(rule);
    }

    function test_each_token_is_priced_by_a_source_of_its_own() external {
        SwapRule memory rule = buyWeth;
        rule.sourceOut = usdcSource;
        _adoptBad(rule);
        rule = buyWeth;
        rule.sourceIn = etherSource;
        _adoptBad(rule);
        rule = buyWeth;
        rule.sourceIn = address(0);
        _adoptBad(rule);
        rule = buyWeth;
        rule.sourceOut = address(0);
        _adoptBad(rule);
    }

    /// @dev A claim asks for nothing; a swap is none, whatever its rule's maximum.
    function test_a_swap_of_nothing_is_no_claim() external {
        SwapRule memory rule = buyWeth;
        rule.maxAmount = 0;
        _adopt(rule);
        swapRefused(rule, 0, 0, abi.encodeWithSelector(IKernelErrors.AmountIsZero.selector));
    }

    function test_ether_needs_no_spender() external {
        SwapRule memory rule = sellEther;
        rule.spender = address(venue);
        _adoptBad(rule);
    }

    function test_a_rule_with_a_delay_waits_for_announced_runs() external {
        SwapRule memory rule = buyWeth;
        rule.delay = 60;
        _adopt(rule);
        swapRefused(rule, 1e6, 0, abi.encodeWithSelector(IKernelErrors.RuleDelayed.selector, swapLeaf(rule), 60));
    }

    function testFuzz_words_touch_neither_selector_nor_each_other(uint16 first, uint16 second, uint8 which) external {
        first = uint16(bound(first, 4, 400));
        second = uint16(bound(second, first > 31 ? first - 31 : 4, first + 31));
        SwapRule memory rule = buyWeth;
        rule.template = Template(rule.template.hash, first, second, 0);
        if (which % 3 == 1) rule.template = Template(rule.template.hash, 0, second, first);
        if (which % 3 == 2) rule.template = Template(rule.template.hash, uint16(bound(first, 1, 3)), 0, 0);
        _adoptBad(rule);
    }

    function test_of_three_words_no_two_touch() external {
        bytes32 hash = buyWeth.template.hash;
        SwapRule memory rule = buyWeth;
        Template[3] memory bad = [Template(hash, 4, 100, 131), Template(hash, 131, 4, 100), Template(hash, 4, 35, 100)];
        for (uint256 i = 0; i < bad.length; i++) {
            rule.template = bad[i];
            _adoptBad(rule);
        }
    }

    /* CALLDATA */

    function testFuzz_every_byte_of_the_calldata_is_the_rule_s_or_an_argument(uint256 at, bytes1 flip) external {
        vm.assume(flip != 0);
        pays(1e18);
        Leg memory leg = swapLeg(buyWeth, 2000e6, 0);
        at = bound(at, 0, leg.data.length - 1);
        leg.data[at] ^= flip;
        vm.expectRevert();
        vm.prank(agent);
        kernel.run(one(leg), ENTRY);
        leg.data[at] ^= flip;
        run(one(leg));
    }

    function testFuzz_no_byte_more_and_none_less(uint8 more) external {
        vm.assume(more != 0);
        Leg memory leg = swapLeg(buyWeth, 2000e6, 0);
        bytes memory blank = calldataOf(buyWeth, 0, 0, 0);
        bytes32 expected = buyWeth.template.hash;
        leg.data = bytes.concat(leg.data, new bytes(more));
        bytes32 found = keccak256(bytes.concat(blank, new bytes(more)));
        runRefused(one(leg), abi.encodeWithSelector(IKernelErrors.TemplateMismatch.selector, found, expected));
        leg = swapLeg(buyWeth, 2000e6, 0);
        bytes memory data = leg.data;
        leg.data = new bytes(data.length - 1);
        for (uint256 i = 0; i < leg.data.length; i++) {
            leg.data[i] = data[i];
        }
        runRefused(one(leg), _wordMismatch(DEADLINE_WORD, 0, DEADLINE));
    }

    function testFuzz_each_word_is_its_argument(uint96 amount, uint256 minOut, uint256 deadline) external {
        vm.assume(amount != 2000e6 && minOut != 1 && deadline != DEADLINE);
        Leg memory leg = swapLeg(buyWeth, 2000e6, 1);
        leg.data = calldataOf(buyWeth, amount, 1, DEADLINE);
        runRefused(one(leg), _wordMismatch(AMOUNT_WORD, amount, 2000e6));
        leg.data = calldataOf(buyWeth, 2000e6, minOut, DEADLINE);
        runRefused(one(leg), _wordMismatch(MIN_OUT_WORD, minOut, 1));
        leg.data = calldataOf(buyWeth, 2000e6, 1, deadline);
        runRefused(one(leg), _wordMismatch(DEADLINE_WORD, deadline, DEADLINE));
    }

    function testFuzz_any_set_of_words_in_any_order_is_a_template(uint8 declared) external {
        SwapRule memory rule = buyWeth;
        (uint256 amount, uint256 minOut, uint256 deadline) = (2000e6, 5, DEADLINE);
        if (declared & 1 == 0) (rule.template.amountWord, amount) = (0, 0);
        if (declared & 2 == 0) (rule.template.minOutWord, minOut) = (0, 0);
        if (declared & 4 == 0) (rule.template.deadlineWord, deadline) = (0, 0);
        // What is not declared is pinned as it is.
        rule.template.hash = keccak256(calldataOf(rule, 2000e6 - amount, 5 - minOut, DEADLINE - deadline));
        _adopt(rule);
        pays(1e18);
        swap(rule, 2000e6, 5);
        assertEq(weth.balanceOf(safe), 1e18, "weth");
    }

    function test_the_last_second_is_in_time() external {
        pays(1e18);
        Leg memory leg = swapLeg(buyWeth, 2000e6, 0);
        leg.deadline = vm.getBlockTimestamp();
        leg.data = calldataOf(buyWeth, 2000e6, 0, leg.deadline);
        run(one(leg));
        leg.deadline--;
        leg.data = calldataOf(buyWeth, 2000e6, 0, leg.deadline);
        runRefused(one(leg), abi.encodeWithSelector(IKernelErrors.DeadlinePassed.selector, leg.deadline));
    }

    function test_functions_that_move_promise_or_hide_are_never_called() external {
        bytes4[63] memory selectors = ForbiddenSelectors.all();
        for (uint256 i = 0; i < selectors.length; i++) {
            Leg memory leg = swapLeg(buyWeth, 2000e6, 0);
            for (uint256 at = 0; at < 4; at++) {
                leg.data[at] = selectors[i][at];
            }
            runRefused(one(leg), abi.encodeWithSelector(IKernelErrors.SelectorForbidden.selector, selectors[i]));
        }
    }

    function testFuzz_any_other_selector_is_not_forbidden(bytes4 selector) external {
        Leg memory leg = swapLeg(buyWeth, 2000e6, 0);
        vm.assume(selector != 0 && selector != bytes4(leg.data));
        for (uint256 at = 0; at < 4; at++) {
            leg.data[at] = selector[at];
        }
        bytes memory blank = calldataOf(buyWeth, 0, 0, 0);
        for (uint256 at = 0; at < 4; at++) {
            blank[at] = selector[at];
        }
        bytes4 mismatch = IKernelErrors.TemplateMismatch.selector;
        runRefused(one(leg), abi.encodeWithSelector(mismatch, keccak256(blank), buyWeth.template.hash));
    }

    function test_calldata_without_a_selector_is_refused() external {
        Leg memory leg = swapLeg(buyWeth, 2000e6, 0);
        leg.data = "";
        runRefused(one(leg), abi.encodeWithSelector(IKernelErrors.SelectorForbidden.selector, bytes4(0)));
    }

    /* STEPS */

    function _adoptBad(SwapRule memory rule) private {
        _adopt(rule);
        swapRefused(rule, 1e6, 0, _badRule(rule));
    }

    /// @dev This rule alone as the policy of the Kernel that is there.
    function _replaceBy(SwapRule memory rule) private {
        leaves = [swapLeaf(rule)];
        bytes memory call = abi.encodeCall(kernel.setPolicy, (leaves[0], bytes32(0), _birth().buckets));
        announce(call);
        wait_(CONFIG_DELAY);
        make(safe, call);
    }

    function _badRule(SwapRule memory rule) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IKernelErrors.BadRule.selector, swapLeaf(rule));
    }

    function _wordMismatch(uint256 offset, uint256 found, uint256 expected) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IKernelErrors.WordMismatch.selector, offset, found, expected);
    }
}
