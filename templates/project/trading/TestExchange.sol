// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {IExchange} from "zkverdict/examples/TradingSignal.sol";

/// @title An exchange for tests: its price is what somebody says
contract TestExchange is IExchange {
    uint256 public price = 1 ether;
    mapping(address account => uint256) public balanceOf;

    uint256 private _since = block.timestamp;
    uint256 private _sum;

    receive() external payable {}

    function setPrice(uint256 newPrice) external {
        (_sum, _since, price) = (cumulativePrice(), block.timestamp, newPrice);
    }

    function cumulativePrice() public view returns (uint256) {
        return _sum + price * (block.timestamp - _since);
    }

    function buy(uint256 minTokens) external payable returns (uint256 tokens) {
        tokens = msg.value * 1 ether / price;
        require(tokens >= minTokens, "too few tokens");
        balanceOf[msg.sender] += tokens;
    }

    function sell(uint256 tokens, uint256 minEther) external returns (uint256 received) {
        received = tokens * price / 1 ether;
        require(received >= minEther, "too little ether");
        balanceOf[msg.sender] -= tokens;
        (bool ok,) = msg.sender.call{value: received}("");
        require(ok, "not paid");
    }
}
