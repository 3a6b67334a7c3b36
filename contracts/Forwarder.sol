// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// The code behind every deposit address. A deposit is a 71-byte proxy whose last 20 bytes are its receiver; the
/// proxy takes plain coin itself (so a late payment works within the 2300 gas of a Solidity transfer()) and delegates
/// every call with data to this contract. There is no owner, no key, no upgrade and no exit but the receiver.
contract Forwarder {
    /// Where the receiver starts in the proxy's code; Factory.sol writes it there.
    uint256 private constant RECEIVER_AT = 51;

    address private immutable FACTORY = msg.sender;

    error NotFactory();

    /// Sends `amount` of `token` (0: the native coin) to the receiver, or reverts with at most 256 bytes of the reason.
    /// Only the factory may call, so that nothing moves without its event.
    function sweep(address token, uint256 amount) external {
        if (msg.sender != FACTORY) revert NotFactory();
        assembly ("memory-safe") {
            // Reading past the end of the code yields zeros, which the shift drops.
            extcodecopy(address(), 0, RECEIVER_AT, 32)
            let receiver := shr(96, mload(0))
            let ok
            switch token
            case 0 {
                // No return data is copied here, so the receiver cannot make us pay for memory.
                ok := call(gas(), receiver, amount, 0, 0, 0, 0)
            }
            default {
                let data := mload(0x40)
                mstore(data, 0xa9059cbb00000000000000000000000000000000000000000000000000000000) // transfer(address,uint256)
                mstore(add(data, 4), receiver)
                mstore(add(data, 36), amount)
                ok := call(gas(), token, 0, data, 68, 0, 32)
                // Nothing returned counts as success (USDT; the factory has already seen a balance, so there is code
                // behind the address), anything else must begin with a full word "true".
                switch returndatasize()
                case 0 {}
                default { ok := and(ok, and(gt(returndatasize(), 31), eq(mload(0), 1))) }
            }
            if iszero(ok) {
                let size := returndatasize()
                if gt(size, 256) { size := 256 }
                let reason := mload(0x40)
                returndatacopy(reason, 0, size)
                revert(reason, size)
            }
        }
    }
}
