// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Token} from "./Token.sol";

/// @title A receipt whose balances grow with an index, rounded half up like the best known lending protocol's
contract InterestToken {
    uint256 private constant RAY = 1e27;

    address public immutable pool;
    uint256 public index = RAY;
    mapping(address => uint256) public scaled;
    mapping(address => mapping(address => uint256)) public allowance;

    error NotPool(address caller);

    constructor(address pool_) {
        pool = pool_;
    }

    function setIndex(uint256 index_) external {
        index = index_;
    }

    function balanceOf(address holder) public view returns (uint256) {
        return (scaled[holder] * index + RAY / 2) / RAY;
    }

    function mint(address to, uint256 units) external {
        if (msg.sender != pool) revert NotPool(msg.sender);
        scaled[to] += _scaledOf(units);
    }

    function burn(address from, uint256 units) external {
        if (msg.sender != pool) revert NotPool(msg.sender);
        scaled[from] -= _scaledOf(units);
    }

    function _scaledOf(uint256 units) private view returns (uint256) {
        return (units * RAY + index / 2) / index;
    }
}

/// @title A lending pool with the two functions a treasury uses, shaped as Aave V3's
contract LendingPool {
    Token public immutable asset;
    InterestToken public immutable receipt;

    constructor(Token asset_) {
        asset = asset_;
        receipt = new InterestToken(address(this));
    }

    function supply(address asset_, uint256 amount, address onBehalfOf, uint16) external {
        Token(asset_).transferFrom(msg.sender, address(this), amount);
        receipt.mint(onBehalfOf, amount);
    }

    function withdraw(address asset_, uint256 amount, address to) external returns (uint256) {
        receipt.burn(msg.sender, amount);
        Token(asset_).transfer(to, amount);
        return amount;
    }
}
