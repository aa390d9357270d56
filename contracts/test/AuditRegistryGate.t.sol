// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAuditRegistry} from "../src/interfaces/IAuditRegistry.sol";
import {RegistryFixture} from "./RegistryFixture.sol";

contract AuditRegistryGateTest is RegistryFixture {
    IAuditRegistry.Coverage private none;

    /* ACCUMULATORS */

    function testFuzz_each_action_extends_the_accumulator_and_is_told(bytes32 leaf, bytes32 action) public {
        act();
        bytes32 next = keccak256(abi.encode(accumulators[1], leaf, action));
        vm.expectEmit(true, true, true, true, address(registry));
        emit IAuditRegistry.Bound(address(kernel), leaf, action, next, 2);
        kernel.act(registry, leaf, action);
        IAuditRegistry.Log memory log = registry.log(address(kernel));
        assertTrue(log.bound == 2 && log.covered == 0 && log.accumulator == next, "bound, not covered");
    }

    /// @dev Twice around the ring and more: exactly the last K are remembered, each its own.
    function test_exactly_as_many_accumulators_are_remembered_as_actions_may_wait() public {
        for (uint256 n = 1; n <= 3 * K; n++) {
            act();
            if (n % 3 == 0) cover(n);
            for (uint64 i = 0; i <= n; i++) {
                bytes32 expected = n - i < K ? accumulators[i] : bytes32(0);
                assertEq(registry.accumulator(address(kernel), i), expected, "remembered");
            }
            assertEq(registry.accumulator(address(kernel), uint64(n + 1)), 0, "not bound yet");
        }
    }

    /* THE GATE */

    function test_k_actions_may_wait_and_not_one_more() public {
        acts(K);
        actRefused(K, times[1]);
        cover(1);
        act();
        actRefused(K, times[2]);
    }

    function test_an_action_may_wait_for_less_than_t_and_not_for_t() public {
        act();
        wait_(T - 1);
        act();
        wait_(1);
        actRefused(2, times[1]);
    }

    function test_where_nothing_waits_no_time_is_too_long() public {
        wait_(400 * T);
        act();
        cover(1);
        wait_(400 * T);
        act();
        assertEq(registry.log(address(kernel)).covered, 1, "covered");
    }

    function test_the_oldest_uncovered_action_is_the_one_that_counts() public {
        act();
        wait_(T / 2);
        act();
        wait_(T / 4);
        cover(1);
        wait_(T / 2);
        act();
        wait_(T / 4);
        actRefused(2, times[2]);
    }

    /// @dev Actions 3 and 4 overtake the anchor that covers 2: the clock stands at 2, the first after the anchor before.
    function test_actions_that_overtake_an_anchor_are_timed_early_never_late() public {
        act();
        wait_(T / 4);
        acts(1);
        wait_(T / 4);
        acts(2);
        cover(2);
        wait_(3 * T / 4 - 1);
        act();
        wait_(1);
        actRefused(3, times[2]);
        cover(5);
        act();
        assertEq(registry.log(address(kernel)).covered, 5, "covered");
    }

    function test_an_anchor_without_coverage_opens_nothing() public {
        acts(K);
        recordSome(5);
        anchor();
        actRefused(K, times[1]);
        assertEq(registry.log(address(kernel)).covered, 0, "covered");
    }

    function test_the_same_head_may_be_anchored_again_with_coverage() public {
        acts(K);
        IAuditRegistry.Coverage memory coverage = coverageOf(entryOf(accumulators[K]));
        anchor();
        anchorWith(coverage);
        act();
    }

    /// @dev Any order of acts, waits and anchors: beyond K or T nothing is bound; `covered` is what was proven.
    function testFuzz_at_most_k_actions_or_t_seconds_are_ever_missing(uint256[24] calldata steps) public {
        uint256 covered;
        for (uint256 i = 0; i < steps.length; i++) {
            (uint256 kind, uint256 value) = (steps[i] % 4, steps[i] / 4);
            if (kind == 0) wait_(value % (T / 2));
            if (kind == 1) covered = _coverSome(covered, value);
            if (kind > 1) _tryToAct(covered);
        }
        assertEq(registry.log(address(kernel)).covered, covered, "covered");
    }

    function _coverSome(uint256 covered, uint256 value) private returns (uint256) {
        uint256 newest = accumulators.length - 1;
        uint256 chosen = bound(value, newest < K ? 0 : newest - K + 1, newest);
        cover(chosen);
        return chosen > covered ? chosen : covered;
    }

    function _tryToAct(uint256 covered) private {
        uint256 waiting = accumulators.length - 1 - covered;
        bool isLate = waiting != 0 && vm.getBlockTimestamp() - times[covered + 1] >= T;
        uint256 before = registry.log(address(kernel)).bound;
        try this.actOnce() {
            assertTrue(!isLate && waiting < K, "refused beyond K or T");
        } catch {
            // Early is allowed only while something waits.
            assertTrue(waiting != 0, "nothing waits, nothing is refused");
            assertEq(registry.log(address(kernel)).bound, before, "not bound");
        }
    }

    function actOnce() external {
        act();
    }

    /* COVERAGE */

    function test_an_entry_elsewhere_or_with_another_byte_covers_nothing() public {
        act();
        IAuditRegistry.Coverage memory coverage = coverageOf(entryOf(accumulators[1]));
        bytes4 missing = IAuditRegistry.NotIncluded.selector;
        coverage.index += 1;
        coverRefused(coverage, refusal(missing, coverage.index));
        coverage.index = type(uint64).max;
        coverRefused(coverage, refusal(missing, coverage.index));
        coverage.index = uint64(entries.length - 3);
        for (uint256 i = 0; i < coverage.entry.length; i++) {
            coverage.entry[i] ^= 0x01;
            coverRefused(coverage, refusal(missing, coverage.index));
            coverage.entry[i] ^= 0x01;
        }
        anchorWith(coverage);
    }

    function test_another_binding_or_a_forgotten_accumulator_covers_nothing() public {
        bytes4 unknown = IAuditRegistry.NotAnAccumulator.selector;
        act();
        coverRefused(coverageOf(entryOf(keccak256("other"))), refusal(unknown, uint256(keccak256("other"))));
        coverRefused(coverageOf(entryOf(0)), refusal(unknown, 0));
        cover(1);
        acts(K);
        coverRefused(coverageOf(entryOf(accumulators[1])), refusal(unknown, uint256(accumulators[1])));
        cover(K + 1);
    }

    function test_an_older_accumulator_uncovers_nothing() public {
        acts(3);
        cover(3);
        cover(2);
        cover(0);
        assertEq(registry.log(address(kernel)).covered, 3, "covered");
        acts(K);
        actRefused(K, times[4]);
    }

    function test_a_head_of_any_other_form_binds_nothing() public {
        act();
        bytes memory digits = hexOf(accumulators[1]);
        _malformed(bytes.concat("anchor.bound ", digits, "\n{}"));
        _malformed(bytes.concat("x anchor.bound ", digits, "\n{}"));
        _malformed(bytes.concat("12 anchor.bound ", digits, "\n{}"));
        _malformed(bytes.concat("1  ", digits, "\n{}"));
        _malformed(bytes.concat("1 Anchor ", digits, "\n{}"));
        _malformed(bytes.concat("1 anchor\nbound ", digits, "\n{}"));
        _malformed(bytes.concat("1 anchor.bound 1 ", digits, "\n{}"));
        _malformed(bytes.concat("1 abcdefghijklmnopq.abcdefghijklmnop ", digits, "\n{}"));
        _malformed(bytes.concat("1 anchor.bound ", digits));
        _malformed(bytes.concat("1 anchor.bound ", digits, " \n{}"));
        _malformed(bytes.concat("1 anchor.bound 0", digits, "\n{}"));
        _malformed(bytes.concat("1 anchor.bound 0x", digits, "\n{}"));
        _malformed(bytes.concat("{\"json\":\"first\"}\n1 anchor.bound ", digits, "\n{}"));
        _malformed("1 anchor.bound \n{}");
        _malformed("1");
        _malformed("1 anchor.bound");
        for (uint256 i = 0; i < digits.length; i++) {
            if (digits[i] >= "a") digits[i] = bytes1(uint8(digits[i]) - 32);
        }
        _malformed(bytes.concat("1 anchor.bound ", digits, "\n{}"));
        assertEq(registry.log(address(kernel)).covered, 0, "covered");
    }

    function _malformed(bytes memory entry) private {
        coverRefused(coverageOf(entry), refusal(IAuditRegistry.NotAnAccumulator.selector, 0));
    }
}
