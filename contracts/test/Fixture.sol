// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {
    IKernelAnnouncedRuns,
    IKernelBreaker,
    IKernelConfig,
    IKernelPaid,
    IKernelPay,
    IKernelRun,
    IKernelState
} from "../src/interfaces/IKernel.sol";
import {Birth, BucketSetting, Kind, Leg, OrderRule, PayRule} from "../src/interfaces/KernelTypes.sol";
import {Test} from "./Test.sol";
import {Tree} from "./Tree.sol";
import {Token} from "./mocks/Token.sol";

interface IRealSafe {
    function setup(
        address[] calldata owners,
        uint256 threshold,
        address to,
        bytes calldata data,
        address fallbackHandler,
        address paymentToken,
        uint256 payment,
        address payable paymentReceiver
    ) external;
    function enableModule(address module) external;
    function isOwner(address account) external view returns (bool);
}

interface IProxyFactory {
    function createProxyWithNonce(address singleton, bytes calldata initializer, uint256 salt)
        external
        returns (address);
}

/// @title The parts of the interface that the Kernel implements today
interface IBuiltKernel is
    IKernelState,
    IKernelPay,
    IKernelRun,
    IKernelAnnouncedRuns,
    IKernelBreaker,
    IKernelConfig,
    IKernelPaid
{}

/// @title A treasury on the real Safe 1.4.1 bytecode: three owners, one more guardian, an agent, a policy of seven rules
/// @dev `vm.prank(safe)` stands for a transaction that enough owners signed. Balances and caps are in units of 6 decimals.
abstract contract Fixture is Test {
    uint96 internal constant MAX_PAYMENT = 1000e6;
    uint96 internal constant CAPACITY = 5000e6;
    uint32 internal constant DRAIN = 10 days;
    uint96 internal constant ACTIONS = 20e6;
    uint96 internal constant SALARY = 3000e6;
    uint32 internal constant COOLDOWN = 28 days;
    uint32 internal constant CONFIG_DELAY = 2 days;
    uint32 internal constant REKEY_DELAY = 6 hours;
    uint32 internal constant WINDOW = 7 days;
    uint256 internal constant TREASURY = 1_000_000e6;
    bytes32 internal constant ENTRY = keccak256("an entry of the ledger");

    address internal safe;
    IBuiltKernel internal kernel;
    Token internal usdc;
    address[] internal owners;
    address internal agent = address(0xA6E27);
    address internal guardian = address(0x6A4D1);
    address internal stranger = address(0x57A46E);
    address internal alice = address(0xA11CE);
    address internal bob = address(0xB0B);
    address internal carol = address(0xCA401);

    bytes32[] internal leaves;
    PayRule internal payAlice;
    PayRule internal payBob;
    PayRule internal payEther;
    PayRule internal payLate;
    OrderRule internal salary;
    OrderRule internal rent;

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        safe = _deploySafe();
        usdc = new Token("USD Coin", "USDC", 6);
        usdc.mint(safe, TREASURY);
        vm.deal(safe, 100 ether);
        _writeRules(address(usdc));
        _deployKernel();
    }

    /* DEPLOYMENT */

    function _deploySafe() internal returns (address made) {
        address singleton = _deployArtifact("SafeL2.sol/SafeL2.json");
        address factory = _deployArtifact("proxies/SafeProxyFactory.sol/SafeProxyFactory.json");
        owners = [address(0x01001), address(0x01002), address(0x01003)];
        bytes memory setup = abi.encodeCall(
            IRealSafe.setup, (owners, 2, address(0), "", address(0), address(0), 0, payable(address(0)))
        );
        made = IProxyFactory(factory).createProxyWithNonce(singleton, setup, 0);
    }

    /// @dev Safe 1.4.1. Whoever tests another version overrides it.
    function _safeArtifacts() internal view virtual returns (string memory) {
        return "../node_modules/@safe-global/safe-contracts/build/artifacts/contracts/";
    }

    function _deployArtifact(string memory path) internal returns (address made) {
        bytes memory code = vm.parseJsonBytes(vm.readFile(string.concat(_safeArtifacts(), path)), ".bytecode");
        // The one place a test needs the create opcode: the bytecode comes from a file.
        assembly {
            made := create(0, add(code, 0x20), mload(code))
        }
        assertTrue(made != address(0), path);
    }

    function _deployKernel() internal {
        kernel = newKernel(_birth());
        _enable();
    }

    function _enable() internal {
        vm.prank(safe);
        IRealSafe(safe).enableModule(address(kernel));
    }

    /// @dev From the artifact: what is tested is byte for byte what ships.
    function newKernel(Birth memory birth) internal returns (IBuiltKernel) {
        return IBuiltKernel(vm.deployCode("Kernel.sol:Kernel", abi.encode(birth)));
    }

    function _birth() internal view virtual returns (Birth memory birth) {
        birth.safe = safe;
        birth.agent = agent;
        birth.guardians = new address[](1);
        birth.guardians[0] = guardian;
        birth.root = Tree.root(leaves);
        birth.documentHash = keccak256("policy.toml");
        birth.buckets = _buckets();
        birth.configDelay = CONFIG_DELAY;
        birth.rekeyDelay = REKEY_DELAY;
        birth.window = WINDOW;
    }

    function _buckets() internal view returns (BucketSetting[] memory settings) {
        settings = new BucketSetting[](3);
        settings[0] = BucketSetting(address(1), 0, ACTIONS, 0, 1 days);
        settings[1] = BucketSetting(address(usdc), 0, CAPACITY, 0, DRAIN);
        settings[2] = BucketSetting(address(0), 0, 5 ether, 0, DRAIN);
    }

    function _writeRules(address token) internal {
        payAlice = PayRule(token, alice, MAX_PAYMENT, 0, 0);
        payBob = PayRule(token, bob, MAX_PAYMENT, 0, 0);
        payEther = PayRule(address(0), alice, 1 ether, 0, 0);
        payLate = PayRule(token, carol, MAX_PAYMENT, 0, 1 days);
        salary = OrderRule(keccak256("salary carol"), token, carol, SALARY, COOLDOWN, 0, 0, 0);
        rent = OrderRule(keccak256("rent"), token, bob, SALARY, COOLDOWN, 1_800_086_400, 1_810_000_000, 0);
        leaves = [
            payLeaf(payAlice),
            payLeaf(payBob),
            payLeaf(payEther),
            payLeaf(payLate),
            orderLeaf(salary),
            orderLeaf(rent),
            payLeaf(PayRule(token, alice, MAX_PAYMENT, 7, 0))
        ];
    }

    /* RULES, AS THE ADR WRITES THEM: independent of the contract's own library */

    function payLeaf(PayRule memory rule) internal pure returns (bytes32) {
        bytes32 tag = keccak256("Pay(address token,address recipient,uint96 maxAmount,uint32 class,uint32 delay)");
        return keccak256(abi.encode(keccak256(abi.encode(tag, rule))));
    }

    function orderLeaf(OrderRule memory rule) internal pure returns (bytes32) {
        bytes32 tag = keccak256(
            "Order(bytes32 name,address token,address recipient,uint96 amount,uint32 cooldown,uint40 notBefore,uint40 notAfter,uint32 delay)"
        );
        return keccak256(abi.encode(keccak256(abi.encode(tag, rule))));
    }

    function proofOf(bytes32 leaf) internal view returns (bytes32[] memory) {
        for (uint256 i = 0; i < leaves.length; i++) {
            if (leaves[i] == leaf) return Tree.proof(leaves, i);
        }
        return new bytes32[](0);
    }

    /* ACTS */

    function pay(PayRule memory rule, uint256 amount) internal {
        bytes32[] memory proof = proofOf(payLeaf(rule));
        vm.prank(agent);
        kernel.pay(rule, amount, proof, ENTRY);
    }

    function payRefused(PayRule memory rule, uint256 amount, bytes memory reason) internal {
        bytes32[] memory proof = proofOf(payLeaf(rule));
        vm.expectRevert(reason);
        vm.prank(agent);
        kernel.pay(rule, amount, proof, ENTRY);
    }

    function run(Leg[] memory legs) internal {
        vm.prank(agent);
        kernel.run(legs, ENTRY);
    }

    function runRefused(Leg[] memory legs, bytes memory reason) internal {
        vm.expectRevert(reason);
        vm.prank(agent);
        kernel.run(legs, ENTRY);
    }

    function payLeg(PayRule memory rule, uint96 amount) internal view returns (Leg memory leg) {
        leg.kind = Kind.Pay;
        leg.rule = abi.encode(rule);
        leg.proof = proofOf(payLeaf(rule));
        leg.amount = amount;
    }

    function orderLeg(OrderRule memory rule) internal view returns (Leg memory leg) {
        leg.kind = Kind.Order;
        leg.rule = abi.encode(rule);
        leg.proof = proofOf(orderLeaf(rule));
        leg.amount = rule.amount;
    }

    function one(Leg memory leg) internal pure returns (Leg[] memory legs) {
        legs = new Leg[](1);
        legs[0] = leg;
    }

    function announce(bytes memory call) internal {
        vm.prank(safe);
        kernel.announce(call);
    }

    /// @dev Sends calldata that was announced; reverts as the Kernel does.
    function make(address sender, bytes memory call) internal {
        vm.prank(sender);
        (bool success, bytes memory reason) = address(kernel).call(call);
        if (!success) {
            assembly {
                revert(add(reason, 0x20), mload(reason))
            }
        }
    }

    /// @dev Not by vm.expectRevert: a low-level call would swallow its complaint that nothing reverted.
    function makeRefused(address sender, bytes memory call, bytes memory reason) internal {
        vm.prank(sender);
        (bool success, bytes memory found) = address(kernel).call(call);
        assertTrue(!success, "refused");
        assertEq(keccak256(found), keccak256(reason), "reason");
    }

    function wait_(uint256 delay) internal {
        vm.warp(vm.getBlockTimestamp() + delay);
    }

    function usdcKey() internal view returns (bytes32) {
        return kernel.bucketKey(address(usdc), 0);
    }

    /// @dev The calldata of a policy with this root and no new buckets.
    function policyCall(bytes32 newRoot) internal pure returns (bytes memory) {
        return abi.encodeCall(IKernelConfig.setPolicy, (newRoot, keccak256("doc 2"), new BucketSetting[](0)));
    }
}
