// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelBreaker} from "../src/interfaces/IKernel.sol";
import {IKernelErrors} from "../src/interfaces/IKernelErrors.sol";
import {ActRule, Kind, Leg} from "../src/interfaces/KernelTypes.sol";
import {ActFixture} from "./ActFixture.sol";

interface IGuardedSafe {
    function setGuard(address guard) external;
}

/// @title A guard that a Safe of either version takes: it says yes to every interface
contract AcceptingGuard {
    function supportsInterface(bytes4) external pure returns (bool) {
        return true;
    }
}

/// @title What a Kernel does for its Safe, on the bytecode that is deployed everywhere
abstract contract SafeVersionSuite is ActFixture {
    string internal constant V141 = "../node_modules/@safe-global/safe-contracts/build/artifacts/contracts/";
    string internal constant V150 = "../node_modules/@safe-global/safe-smart-account/build/artifacts/contracts/";

    function _codeHashes() internal pure virtual returns (bytes32 singleton, bytes32 proxy);

    function test_the_safe_is_byte_for_byte_the_released_one() external view {
        (bytes32 singleton, bytes32 proxy) = _codeHashes();
        assertEq(safe.codehash, proxy, "proxy");
        address behind = address(uint160(uint256(vm.load(safe, 0))));
        assertEq(behind.codehash, singleton, "singleton");
    }

    function test_it_pays_tokens_ether_and_orders() external {
        pay(payAlice, 100e6);
        pay(payEther, 1 ether);
        run(one(orderLeg(salary)));
        assertEq(usdc.balanceOf(alice), 100e6, "tokens");
        assertEq(alice.balance, 1 ether, "ether");
        assertEq(usdc.balanceOf(carol), SALARY, "order");
    }

    function test_it_swaps_and_leaves_no_allowance() external {
        pays(0.05e18);
        uint256 before = usdc.balanceOf(safe);
        swap(buyWeth, 100e6, 0);
        assertEq(before - usdc.balanceOf(safe), 100e6, "spent");
        assertEq(usdc.allowance(safe, buyWeth.spender), 0, "allowance");
    }

    function test_it_acts_and_guardians_bring_the_position_home_in_a_pause() external {
        pays(1000e6);
        act(supply, 1000e6);
        pauseBy(owners[2]);
        uint256 before = usdc.balanceOf(safe);
        exit(leave, 1000e6, owners[1]);
        assertEq(usdc.balanceOf(safe) - before, 1000e6, "home");
    }

    function test_after_a_pause_only_a_new_key_acts() external {
        pauseBy(agent);
        payRefused(payAlice, 1, abi.encodeWithSelector(IKernelErrors.KernelPaused.selector));
        bytes memory call = abi.encodeCall(IKernelBreaker.rekey, (bob, 0, new address[](0)));
        announce(call);
        wait_(REKEY_DELAY);
        make(safe, call);
        payRefused(payAlice, 1, abi.encodeWithSelector(IKernelErrors.NotAgent.selector, agent));
        agent = bob;
        pay(payAlice, 1);
    }

    function test_an_announced_run_waits_and_runs() external {
        Leg[] memory legs = one(payLeg(payLate, 10e6));
        vm.prank(agent);
        kernel.announceRun(legs, ENTRY);
        wait_(1 days);
        run(legs);
        assertEq(usdc.balanceOf(carol), 10e6, "paid");
    }

    function test_the_guard_is_found_and_no_leg_calls_it() external {
        ActRule memory rule = supply;
        rule.target = address(new AcceptingGuard());
        vm.prank(safe);
        IGuardedSafe(safe).setGuard(rule.target);
        _adoptAct(Kind.Act, rule);
        actRefused(rule, 1e6, abi.encodeWithSelector(IKernelErrors.BadRule.selector, actLeaf(Kind.Act, rule)));
    }
}

contract Safe141Test is SafeVersionSuite {
    function _safeArtifacts() internal pure override returns (string memory) {
        return V141;
    }

    function _codeHashes() internal pure override returns (bytes32, bytes32) {
        return (
            0xb1f926978a0f44a2c0ec8fe822418ae969bd8c3f18d61e5103100339894f81ff,
            0xd7d408ebcd99b2b70be43e20253d6d92a8ea8fab29bd3be7f55b10032331fb4c
        );
    }
}

contract Safe150Test is SafeVersionSuite {
    function _safeArtifacts() internal pure override returns (string memory) {
        return V150;
    }

    function _codeHashes() internal pure override returns (bytes32, bytes32) {
        return (
            0x180193227186ccb85316c94db1f0d156ed932b14712cfaac78901899178572dc,
            0x4e381985ca68b3e5d27b4425fa581c19cf33146d3f887a3cfca96f55528ea46f
        );
    }
}
