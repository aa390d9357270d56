// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title What Zodiac's modifiers answer about their members
contract MemberList {
    address[] private _members;

    function enableModule(address member) external {
        _members.push(member);
    }

    function getModulesPaginated(address, uint256) external view returns (address[] memory members, address next) {
        return (_members, address(1));
    }
}

/// @title What Safe's allowance module answers about one delegate's allowance of one token
contract AllowanceBook {
    string public constant NAME = "Allowance Module";

    address private _delegate;
    address private _token;
    uint256 private _units;
    uint256 private _resetMinutes;

    function set(address delegate, address token, uint256 units, uint256 resetMinutes) external {
        (_delegate, _token, _units, _resetMinutes) = (delegate, token, units, resetMinutes);
    }

    function getDelegates(address, uint48, uint8) external view returns (address[] memory delegates, uint48 next) {
        delegates = new address[](1);
        delegates[0] = _delegate;
        return (delegates, 0);
    }

    function getTokens(address, address) external view returns (address[] memory tokens) {
        tokens = new address[](1);
        tokens[0] = _token;
    }

    function getTokenAllowance(address, address, address) external view returns (uint256[5] memory) {
        return [_units, 0, _resetMinutes, 0, 1];
    }
}
