// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title A Chainlink proxy whose round is whatever a test says
contract Feed {
    struct Round {
        uint80 id;
        int256 answer;
        uint256 startedAt;
        uint256 updatedAt;
        uint80 answeredIn;
    }

    error NoRounds();

    uint8 public immutable decimals;
    bool public isDead;
    Round private _round;

    constructor(uint8 decimals_, int256 answer) {
        decimals = decimals_;
        set(answer);
    }

    /// @notice A complete round of now.
    function set(int256 answer) public {
        setRound(Round(_round.id + 1, answer, block.timestamp, block.timestamp, _round.id + 1));
    }

    function setRound(Round memory round) public {
        _round = round;
    }

    function kill() external {
        isDead = true;
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        if (isDead) revert NoRounds();
        return (_round.id, _round.answer, _round.startedAt, _round.updatedAt, _round.answeredIn);
    }
}
