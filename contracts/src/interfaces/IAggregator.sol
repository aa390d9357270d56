// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title What is read of a Chainlink proxy (AggregatorV3Interface). Rounds are numbers with the aggregator's phase above bit 64
interface IAggregator {
    function decimals() external view returns (uint8);

    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}
