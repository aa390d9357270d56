// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKernel} from "../src/interfaces/IKernel.sol";
import {Birth, BucketSetting, PayRule} from "../src/interfaces/KernelTypes.sol";
import {IOwnerGuard, Shape} from "../src/interfaces/IOwnerGuard.sol";
import {ISafeParts} from "../src/interfaces/ISafeParts.sol";
import {IProxyFactory, IRealSafe} from "./Fixture.sol";
import {Test} from "./Test.sol";
import {CallbackToken} from "./mocks/OddTokens.sol";

/// @title What owners do with a Safe: they approve a transaction's hash, and one of them sends it
interface IOwnersSafe is ISafeParts {
    function nonce() external view returns (uint256);
    function approveHash(bytes32 hash) external;
    function isModuleEnabled(address module) external view returns (bool);
    function isOwner(address account) external view returns (bool);
    function getStorageAt(uint256 offset, uint256 length) external view returns (bytes memory);

    function getTransactionHash(
        address to,
        uint256 value,
        bytes calldata data,
        uint8 operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address refundReceiver,
        uint256 nonce
    ) external view returns (bytes32);

    function execTransaction(
        address to,
        uint256 value,
        bytes calldata data,
        uint8 operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address payable refundReceiver,
        bytes calldata signatures
    ) external payable returns (bool success);
}

interface IMultiSend {
    function multiSend(bytes memory transactions) external payable;
}

/// @notice The fields of a Safe transaction that these tests vary.
struct SafeTx {
    address to;
    bytes data;
    uint8 operation;
    uint256 safeTxGas;
    uint256 gasPrice;
}

/// @title A real Safe, two of three owners, its Kernel and its guard; every transaction goes through `execTransaction`
abstract contract OwnerGuardFixture is Test {
    string private constant PACKAGES = "../node_modules/@safe-global/";
    string internal constant V1_4_1 = "safe-contracts";
    string internal constant V1_5_0 = "safe-smart-account";

    uint32 internal constant DELAY = 2 days;
    uint32 internal constant WINDOW = 7 days;
    address internal constant SENTINEL = address(1);

    IOwnersSafe internal safe;
    IKernel internal kernel;
    IOwnerGuard internal guard;
    IMultiSend internal multiSend;
    CallbackToken internal token;
    PayRule internal payAlice;
    address[3] internal owners = [address(0x01001), address(0x01002), address(0x01003)];
    address internal agent = address(0xA6E27);
    address internal stranger = address(0x57A46E);
    address internal alice = address(0xA11CE);

    /// @dev `V1_4_1` or `V1_5_0`.
    function version() internal view virtual returns (string memory);

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        safe = IOwnersSafe(_deploySafe());
        multiSend = IMultiSend(deployed(version(), "libraries/MultiSendCallOnly.sol/MultiSendCallOnly.json"));
        token = new CallbackToken();
        token.mint(address(safe), 1000);
        vm.deal(address(safe), 100 ether);
        kernel = _deployKernel();
        safeDoes(abi.encodeCall(ISafeParts.enableModule, (address(kernel))));
        guard = newGuard(address(kernel), DELAY, WINDOW);
        safeDoes(abi.encodeCall(ISafeParts.setGuard, (address(guard))));
    }

    /* DEPLOYMENT */

    function _deploySafe() private returns (address) {
        address singleton = deployed(version(), "SafeL2.sol/SafeL2.json");
        address factory = deployed(version(), "proxies/SafeProxyFactory.sol/SafeProxyFactory.json");
        address[] memory list = new address[](3);
        (list[0], list[1], list[2]) = (owners[0], owners[1], owners[2]);
        bytes memory setup =
            abi.encodeCall(IRealSafe.setup, (list, 2, address(0), "", address(0), address(0), 0, payable(address(0))));
        return IProxyFactory(factory).createProxyWithNonce(singleton, setup, 0);
    }

    /// @dev One rule, one leaf: the root. A payment hands control to whatever the token calls back.
    function _deployKernel() private returns (IKernel) {
        payAlice = PayRule(address(token), alice, 100, 0, 0);
        bytes32 tag = keccak256("Pay(address token,address recipient,uint96 maxAmount,uint32 class,uint32 delay)");
        Birth memory birth;
        (birth.safe, birth.agent) = (address(safe), agent);
        birth.root = keccak256(abi.encode(keccak256(abi.encode(tag, payAlice))));
        birth.buckets = new BucketSetting[](2);
        birth.buckets[0] = BucketSetting(address(1), 0, 20e6, 0, 1 days);
        birth.buckets[1] = BucketSetting(address(token), 0, 1000, 0, 1 days);
        (birth.configDelay, birth.rekeyDelay, birth.window) = (2 days, 6 hours, 7 days);
        return IKernel(vm.deployCode("Kernel.sol:Kernel", abi.encode(birth)));
    }

    function newGuard(address kernel_, uint32 delay, uint32 window) internal returns (IOwnerGuard) {
        return IOwnerGuard(vm.deployCode("OwnerGuard.sol:OwnerGuard", abi.encode(kernel_, delay, window)));
    }

    /// @dev A contract of one of Safe's packages.
    function deployed(string memory package, string memory path) internal returns (address made) {
        string memory file = string.concat(PACKAGES, package, "/build/artifacts/contracts/", path);
        bytes memory code = vm.parseJsonBytes(vm.readFile(file), ".bytecode");
        // The bytecode comes from a file.
        assembly {
            made := create(0, add(code, 0x20), mload(code))
        }
        assertTrue(made != address(0), path);
    }

    /// @dev What the Safe does to itself behind its guard's back: to set a scene.
    function safeDoes(bytes memory call) internal {
        vm.prank(address(safe));
        (bool success,) = address(safe).call(call);
        assertTrue(success, "the Safe does it");
    }

    /* TRANSACTIONS OF THE SAFE */

    function plain(address to, bytes memory data) internal pure returns (SafeTx memory) {
        return SafeTx(to, data, 0, 0, 0);
    }

    function delegated(address to, bytes memory data) internal pure returns (SafeTx memory) {
        return SafeTx(to, data, 1, 0, 0);
    }

    /// @dev As the guard sees it: one call of the Safe to itself.
    function own(bytes memory call) internal view returns (SafeTx memory) {
        return plain(address(safe), call);
    }

    /// @dev Calldata of `execTransaction` for this nonce, once enough owners have approved it; `owners[0]` sends it or
    /// has approved too.
    function approved(SafeTx memory each, uint256 nonce) internal returns (bytes memory) {
        bytes32 hash = safe.getTransactionHash(
            each.to, 0, each.data, each.operation, each.safeTxGas, 0, each.gasPrice, address(0), address(0), nonce
        );
        for (uint256 i = 0; i < 2; i++) {
            vm.prank(owners[i]);
            safe.approveHash(hash);
        }
        bytes memory signatures = abi.encodePacked(
            uint256(uint160(owners[0])), uint256(0), uint8(1), uint256(uint160(owners[1])), uint256(0), uint8(1)
        );
        return _execution(each, signatures);
    }

    function _execution(SafeTx memory each, bytes memory signatures) private pure returns (bytes memory) {
        return abi.encodeCall(
            IOwnersSafe.execTransaction,
            (
                each.to,
                0,
                each.data,
                each.operation,
                each.safeTxGas,
                0,
                each.gasPrice,
                address(0),
                payable(address(0)),
                signatures
            )
        );
    }

    function attempt(SafeTx memory each) internal returns (bool success, bytes memory returned) {
        bytes memory call = approved(each, safe.nonce());
        vm.prank(owners[0]);
        (success, returned) = address(safe).call(call);
    }

    function exec(SafeTx memory each) internal {
        (bool success, bytes memory returned) = attempt(each);
        assertTrue(success, string(returned));
        assertTrue(abi.decode(returned, (bool)), "the inner call");
    }

    function execRefused(SafeTx memory each, bytes memory reason) internal {
        (bool success, bytes memory found) = attempt(each);
        assertTrue(!success, "refused");
        assertEq(keccak256(found), keccak256(reason), "reason");
    }

    function announce(bytes memory call) internal {
        exec(plain(address(guard), abi.encodeCall(IOwnerGuard.announce, (call))));
    }

    function veto(address owner, bytes memory call) internal {
        vm.prank(owner);
        guard.veto(keccak256(call));
    }

    function announceRemoval() internal {
        exec(plain(address(guard), abi.encodeCall(guard.announceRemoval, ())));
    }

    /// @dev Not `wait`: the chain's time, whichever value was read before.
    function pass(uint256 duration) internal {
        vm.warp(vm.getBlockTimestamp() + duration);
    }

    /* BATCHES */

    function packed(address to, bytes memory data) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(0), to, uint256(0), data.length, data);
    }

    function batch(bytes memory transactions) internal view returns (SafeTx memory) {
        return delegated(address(multiSend), abi.encodeCall(IMultiSend.multiSend, (transactions)));
    }

    /* CALLS AND READINGS */

    function enabling(address module) internal pure returns (bytes memory) {
        return abi.encodeCall(ISafeParts.enableModule, (module));
    }

    function paying(uint256 units) internal view returns (SafeTx memory) {
        return plain(address(token), abi.encodeCall(token.transfer, (alice, units)));
    }

    function removing() internal view returns (SafeTx memory) {
        return own(abi.encodeCall(ISafeParts.setGuard, (address(0))));
    }

    function guardOf() internal view returns (address) {
        return _addressAt(uint256(keccak256("guard_manager.guard.address")));
    }

    /// @dev Read from the Safe, not from the guard.
    function shapeOf() internal view returns (Shape memory shape) {
        shape.singleton = _addressAt(0);
        shape.guard = guardOf();
        shape.moduleGuard = _addressAt(uint256(keccak256("module_manager.module_guard.address")));
        shape.handler = _addressAt(uint256(keccak256("fallback_manager.handler.address")));
        (shape.modules,) = safe.getModulesPaginated(SENTINEL, 100);
        (shape.owners, shape.threshold) = (safe.getOwners(), safe.getThreshold());
    }

    function shapeHash() internal view returns (bytes32) {
        return keccak256(abi.encode(shapeOf()));
    }

    function _addressAt(uint256 slot) private view returns (address) {
        return address(uint160(uint256(bytes32(safe.getStorageAt(slot, 1)))));
    }

    function notAnnounced(bytes memory call) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IOwnerGuard.NotAnnounced.selector, keccak256(call));
    }
}
