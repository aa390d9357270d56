// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Token} from "./Token.sol";

/// @title A whole ERC-4626 vault: what it holds is what its shares are worth, so a gift to it is yield
/// @dev A first deposit is guarded by virtual shares and one virtual unit, as the widely used implementations are: one
/// unit of the asset starts as 10 ** offset shares. Every answer is rounded against whoever asks. A fee on the way out is
/// not part of `convertToAssets`, as EIP-4626 wants it.
contract YieldVault is Token {
    uint256 private constant BPS = 10_000;

    Token public immutable asset;
    uint256 private immutable _virtualShares;
    uint256 public exitFeeBps;

    error NotOwner(address caller, address owner);

    constructor(Token asset_, uint8 offset) Token("Yield Vault", "YLD", asset_.decimals() + offset) {
        asset = asset_;
        _virtualShares = 10 ** offset;
    }

    function setExitFee(uint256 bps) external {
        exitFeeBps = bps;
    }

    function deposit(uint256 assets, address receiver) external returns (uint256 shares) {
        shares = convertToShares(assets);
        _enter(assets, shares, receiver);
    }

    function mint(uint256 shares, address receiver) external returns (uint256 assets) {
        assets = _dividedUp(shares * (totalAssets() + 1), totalSupply + _virtualShares);
        _enter(assets, shares, receiver);
    }

    function withdraw(uint256 assets, address receiver, address owner) external returns (uint256 shares) {
        shares = _dividedUp(assets * (totalSupply + _virtualShares), totalAssets() + 1);
        _leave(assets, shares, receiver, owner);
    }

    function redeem(uint256 shares, address receiver, address owner) external returns (uint256 assets) {
        assets = convertToAssets(shares) * (BPS - exitFeeBps) / BPS;
        _leave(assets, shares, receiver, owner);
    }

    function totalAssets() public view returns (uint256) {
        return asset.balanceOf(address(this));
    }

    function convertToShares(uint256 assets) public view returns (uint256) {
        return assets * (totalSupply + _virtualShares) / (totalAssets() + 1);
    }

    function convertToAssets(uint256 shares) public view returns (uint256) {
        return shares * (totalAssets() + 1) / (totalSupply + _virtualShares);
    }

    function _enter(uint256 assets, uint256 shares, address receiver) private {
        totalSupply += shares;
        balanceOf[receiver] += shares;
        emit Transfer(address(0), receiver, shares);
        asset.transferFrom(msg.sender, address(this), assets);
    }

    function _leave(uint256 assets, uint256 shares, address receiver, address owner) private {
        if (msg.sender != owner) revert NotOwner(msg.sender, owner);
        balanceOf[owner] -= shares;
        totalSupply -= shares;
        emit Transfer(owner, address(0), shares);
        asset.transfer(receiver, assets);
    }

    function _dividedUp(uint256 dividend, uint256 divisor) private pure returns (uint256) {
        return (dividend + divisor - 1) / divisor;
    }
}
