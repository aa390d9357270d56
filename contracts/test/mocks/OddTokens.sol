// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Token} from "./Token.sol";

/// @title Succeeds without returning anything, like the oldest stablecoins
contract NoReturnToken {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
        emit Transfer(address(0), to, amount);
    }

    function approve(address spender, uint256 amount) public virtual {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) private {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        emit Transfer(from, to, amount);
    }
}

/// @title Returns false where others revert, and moves nothing
contract FalseReturningToken is Token {
    constructor() Token("False", "FALSE", 18) {}

    function transfer(address to, uint256 amount) public override returns (bool) {
        if (balanceOf[msg.sender] < amount || amount > 1000e18) return false;
        return super.transfer(to, amount);
    }
}

/// @title Refuses to move for addresses on its issuer's list
contract BlocklistToken is Token {
    mapping(address => bool) public listed;

    error Listed(address account);

    constructor() Token("Blocklist", "BLOCK", 6) {}

    function list(address account, bool yes) external {
        listed[account] = yes;
    }

    function _move(address from, address to, uint256 amount) internal override {
        if (listed[from]) revert Listed(from);
        if (listed[to]) revert Listed(to);
        super._move(from, to, amount);
    }
}

/// @title Takes `extra` units more from the sender than were sent
contract GreedyToken is Token {
    uint256 public extra;

    constructor() Token("Greedy", "GREED", 18) {}

    function setExtra(uint256 extra_) external {
        extra = extra_;
    }

    function _move(address from, address to, uint256 amount) internal override {
        super._move(from, to, amount);
        balanceOf[from] -= extra;
    }
}

/// @title Calls `hook` with `payload` in the middle of every transfer, and remembers whether that worked
contract CallbackToken is Token {
    address public hook;
    bytes public payload;
    bool public entered;

    constructor() Token("Callback", "CALL", 18) {}

    function setHook(address hook_, bytes calldata payload_) external {
        hook = hook_;
        payload = payload_;
    }

    function _move(address from, address to, uint256 amount) internal override {
        super._move(from, to, amount);
        if (hook != address(0)) (entered,) = hook.call(payload);
    }
}

/// @title Refuses to change an allowance from one amount to another, and answers nothing, like the largest stablecoin
contract TetherLikeToken is NoReturnToken {
    error NotFromZero(uint256 present);

    function approve(address spender, uint256 amount) public override {
        uint256 present = allowance[msg.sender][spender];
        if (amount != 0 && present != 0) revert NotFromZero(present);
        super.approve(spender, amount);
    }
}

/// @title Answers false to an approval
contract RefusingApprovalToken is Token {
    constructor() Token("Refusing", "NO", 18) {}

    function approve(address, uint256) public pure override returns (bool) {
        return false;
    }
}

/// @title An allowance that cannot be taken back
contract StickyApprovalToken is Token {
    constructor() Token("Sticky", "STICK", 18) {}

    function approve(address spender, uint256 amount) public override returns (bool) {
        if (amount == 0) return true;
        return super.approve(spender, amount);
    }
}
