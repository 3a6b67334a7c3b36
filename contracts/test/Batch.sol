// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// Pays native coin from inside a contract call, as exchanges do: no transaction names the recipients.
contract Batch {
    error Unpaid(address to);

    function pay(address[] calldata to, uint256[] calldata amounts) external payable {
        for (uint256 i; i < to.length; ++i) {
            (bool ok,) = to[i].call{value: amounts[i]}("");
            if (!ok) revert Unpaid(to[i]);
        }
    }
}
