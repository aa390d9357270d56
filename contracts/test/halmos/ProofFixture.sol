// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernelAnnouncedRuns, IKernelPay, IKernelRun} from "../../src/interfaces/IKernel.sol";
import {Birth} from "../../src/interfaces/KernelTypes.sol";
import {IBuiltKernel} from "../Fixture.sol";
import {Test} from "../Test.sol";
import {AnySafe, StoringVm, svm} from "./AnySafe.sol";

/// @title The shipped Kernel in any state at any time
/// @dev Functions that begin with `check_` are for halmos; forge runs none of them.
abstract contract ProofFixture is Test {
    /// @dev Scalars of the storage come first: `_state`, `root`, `documentHash`, `agentCodeHash`, `_counters`.
    uint256 private constant SCALARS = 5;

    address internal constant agent = address(0xA6E27);
    IBuiltKernel internal kernel;
    AnySafe internal safe;

    /// @dev The agent is one key without code: which one makes no difference, and it is nobody else by `BadAgent`.
    function setUp() public virtual {
        safe = new AnySafe();
        kernel = _deployed(_birth());
        svm.enableSymbolicStorage(address(kernel));
        svm.enableSymbolicStorage(address(safe));
        for (uint256 slot = 0; slot < SCALARS; slot++) {
            StoringVm(address(vm)).store(address(kernel), bytes32(slot), svm.createBytes32("storage"));
        }
        uint256 time = svm.createUint(32, "time");
        vm.assume(time != 0);
        vm.warp(time);
        vm.assume(kernel.agent() == agent && !kernel.isGuardian(agent) && !kernel.burned(agent));
    }

    function _birth() internal view returns (Birth memory birth) {
        (birth.safe, birth.agent) = (address(safe), agent);
        (birth.configDelay, birth.rekeyDelay, birth.window) = (2 days, 6 hours, 7 days);
    }

    /// @dev From the artifact: what is proven is byte for byte what ships.
    function _deployed(Birth memory birth) internal returns (IBuiltKernel made) {
        bytes memory code = bytes.concat(vm.getCode("Kernel.sol:Kernel"), abi.encode(birth));
        assembly {
            made := create(0, add(code, 0x20), mload(code))
        }
        assert(address(made) != address(0));
    }

    /// @dev Any calldata of any function, sent by `caller`.
    function _send(address caller) internal returns (bool success) {
        bytes memory call = svm.createCalldata("Kernel");
        vm.prank(caller);
        (success,) = address(kernel).call(call);
    }

    /// @dev The same, of any function but those that take rules: any rule of any token is more than a solver can enumerate.
    function _sendNoLegs(address caller) internal {
        bytes memory call = svm.createCalldata("Kernel");
        bytes4 selector = bytes4(call);
        vm.assume(selector != IKernelRun.run.selector && selector != IKernelPay.pay.selector);
        vm.assume(selector != IKernelAnnouncedRuns.announceRun.selector);
        vm.prank(caller);
        (bool success,) = address(kernel).call(call);
        success;
    }

    function _authority(address guardian) internal view returns (bytes32) {
        bytes32 people = keccak256(abi.encode(kernel.agent(), kernel.isGuardian(guardian), kernel.agentCodeHash()));
        return keccak256(abi.encode(people, kernel.epoch(), kernel.version(), kernel.root(), kernel.documentHash()));
    }
}
