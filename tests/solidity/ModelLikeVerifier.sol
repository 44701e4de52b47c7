// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// @title Verifier of one Halo2 circuit
/// @notice A proof says: somebody knows a witness with which the circuit holds for these instances.
interface IHalo2Verifier {
    /// @notice The proof does not prove the instances.
    error InvalidProof();

    /// @notice The proof has another length than every proof of this circuit.
    error ProofLength(uint256 received, uint256 expected);

    /// @notice There are more or fewer instances than the circuit has.
    error InstanceCount(uint256 received, uint256 expected);

    /// @notice The calldata is not the one canonical ABI encoding of its arguments.
    error MalformedCalldata();

    /// @notice A scalar is not below the modulus of the BN254 scalar field.
    /// @param index Counts the instances, then the evaluations in the proof.
    error ScalarOutOfRange(uint256 index);

    /// @notice A point of the proof is not on the curve, or a coordinate is not below the modulus.
    /// @param index Counts the points in the proof.
    error PointNotOnCurve(uint256 index);

    /// @notice A challenge hits a point where the argument divides by zero; the prover has to try again.
    error ChallengeInDomain();

    /// @notice The chain has no such precompile, or the gas did not suffice for it.
    error PrecompileFailed(uint256 precompile);

    /// @notice The contract was changed so that memory is in use where the verification works.
    error MemoryInUse();

    /// @notice A batch of nothing proves nothing.
    error EmptyBatch();

    /// @notice A batch has not as many lists of instances as proofs.
    error BatchLength(uint256 proofs, uint256 instances);

    /// @notice Returns true if the proof is valid, reverts if it is not.
    /// @param proof The proof in transcript order: points as two words, scalars as one, big-endian.
    /// @param instances The public inputs, column by column, each below the BN254 scalar modulus.
    /// @return Always true.
    function verifyProof(bytes calldata proof, uint256[] calldata instances) external view returns (bool);

    /// @notice Returns true if all proofs are valid, reverts if one is not. One pairing serves all of them.
    /// @param proofs The proofs.
    /// @param instances For each proof its public inputs.
    /// @return Always true.
    function verifyBatch(bytes[] calldata proofs, uint256[][] calldata instances) external view returns (bool);

    /// @notice Names the statement: the circuit, its number of rows and instances, and the trusted setup.
    function VK_DIGEST() external view returns (bytes32);

    /// @notice How many instances a proof has.
    function NUM_INSTANCES() external view returns (uint256);

    /// @notice The version of this interface and of the proofs' encoding.
    function VERSION() external view returns (uint256);
}

/// @title ModelLikeVerifier
/// @notice Verifies proofs of one circuit of 2^8 rows: KZG over BN254, SHPLONK openings, Keccak transcript.
/// @dev Rendered by zkverdict for halo2-axiom 0.5.3. No storage, no owner, no calls but to precompiles.
///
/// Memory is used at fixed addresses from 0x1400 on, above the free memory pointer, and is not
/// allocated: nothing in it outlives a call. A name ending in `_mptr` points to memory, in `_cptr` to calldata.
contract ModelLikeVerifier is IHalo2Verifier {
    /// @inheritdoc IHalo2Verifier
    bytes32 public constant override VK_DIGEST =
        0xce271acf3e852d6dd3ff7e20db1a10dac5ba1c01dea8fdac9056adb4e1f12714;

    /// @inheritdoc IHalo2Verifier
    uint256 public constant override NUM_INSTANCES = 6;

    /// @inheritdoc IHalo2Verifier
    uint256 public constant override VERSION = 1;

    /// @notice Whether the trusted setup is the development string, under which anybody can forge proofs.
    bool public constant UNSAFE_DEV_SRS = false;

    /// @dev Modulus of the scalar field.
    uint256 internal constant R =
        0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;

    /// @dev Modulus of the field that the points' coordinates are in.
    uint256 internal constant Q =
        0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;

    /// @dev 19 points of two words, 31 evaluations of one.
    uint256 internal constant PROOF_LENGTH = 0x08a0;

    // Addresses of precompiles.
    uint256 internal constant MODEXP = 0x05;
    uint256 internal constant EC_ADD = 0x06;
    uint256 internal constant EC_MUL = 0x07;
    uint256 internal constant EC_PAIRING = 0x08;

    // The scalar modulus, from where the compiler can take it without writing 32 bytes at every use; the weight of
    // the proof in its batch, how many proofs were added before it, and what the weight is multiplied by after it.
    uint256 internal constant R_MPTR = 0x1400;
    uint256 internal constant WEIGHT_MPTR = 0x1420;
    uint256 internal constant COUNT_MPTR = 0x1440;
    uint256 internal constant CHALLENGE_MPTR = 0x1460;

    // The state of the transcript, then what is absorbed; at last the evaluations, which stay:
    //   0x14a0  advice 6 at x
    //   0x14c0  advice 2 at ω⁻¹x
    //   0x14e0  advice 3 at x
    //   0x1500  advice 4 at x
    //   0x1520  advice 0 at x
    //   0x1540  advice 1 at x
    //   0x1560  advice 2 at x
    //   0x1580  advice 5 at x
    //   0x15a0  advice 7 at x
    //   0x15c0  advice 10 at x
    //   0x15e0  advice 6 at ω²x
    //   0x1600  advice 1 at ω⁻¹x
    //   0x1620  advice 3 at ω⁻¹x
    //   0x1640  advice 9 at x
    //   0x1660  advice 9 at ωx
    //   0x1680  advice 4 at ω⁻¹x
    //   0x16a0  advice 2 at ωx
    //   0x16c0  advice 11 at x
    //   0x16e0  advice 7 at ω⁻¹x
    //   0x1700  fixed 6 at x
    //   0x1720  fixed 0 at x
    //   0x1740  fixed 1 at x
    //   0x1760  fixed 2 at x
    //   0x1780  fixed 3 at x
    //   0x17a0  fixed 4 at x
    //   0x17c0  fixed 5 at x
    //   0x17e0  fixed 7 at x
    //   0x1800  fixed 8 at x
    //   0x1820  fixed 3 at ωx
    //   0x1840  fixed 9 at x
    //   0x1860  the random polynomial at x
    //   0x1a00  instance column 0 at ω²x
    //   0x1a20  instance column 0 at ωx
    uint256 internal constant TRANSCRIPT_MPTR = 0x1480;
    uint256 internal constant EVALUATIONS_MPTR = 0x14a0;

    // Challenges.
    uint256 internal constant CHALLENGE_0_MPTR = 0x1880;
    uint256 internal constant CHALLENGE_1_MPTR = 0x18a0;
    uint256 internal constant CHALLENGE_2_MPTR = 0x18c0;
    uint256 internal constant CHALLENGE_3_MPTR = 0x18e0;
    uint256 internal constant Y_MPTR = 0x1960;
    uint256 internal constant X_MPTR = 0x1980;
    uint256 internal constant OPENING_Y_MPTR = 0x19a0;
    uint256 internal constant OPENING_V_MPTR = 0x19c0;
    uint256 internal constant OPENING_U_MPTR = 0x19e0;

    // What is inverted, all at once, and behind it the products of what lies before each.
    uint256 internal constant INVERSES_MPTR = 0x1a40;
    uint256 internal constant INVERSES_END_MPTR = 0x1b40;
    uint256 internal constant INVERSE_OF_VANISHING_MPTR = 0x1a40;
    uint256 internal constant INVERSE_OF_X_MPTR = 0x1a60;

    // Arguments of a precompile.
    uint256 internal constant SCRATCH_MPTR = 0x1c40;

    // The pairing's two pairs of points. The first of each pair is a sum of terms, with room behind it for the
    // term to be added.
    uint256 internal constant RIGHT_MPTR = 0x1d00;
    uint256 internal constant LEFT_MPTR = 0x1dc0;

    // Terms of the multi-scalar multiplication: x, y, scalar. First the proof's, then the key's. Behind them lie
    // values that polynomials share.
    //   0x1e80  advice 0
    //   0x1ee0  advice 1
    //   0x1f40  advice 2
    //   0x1fa0  advice 3
    //   0x2000  advice 4
    //   0x2060  advice 5
    //   0x20c0  advice 6
    //   0x2120  advice 7
    //   0x2180  advice 8
    //   0x21e0  advice 9
    //   0x2240  advice 10
    //   0x22a0  advice 11
    //   0x2300  the random polynomial
    //   0x2360  piece 0 of the quotient
    //   0x23c0  piece 1 of the quotient
    //   0x2420  piece 2 of the quotient
    //   0x2480  piece 3 of the quotient
    //   0x24e0  the openings' quotient
    //   0x2540  the openings' proof at u
    uint256 internal constant PROOF_TERMS_MPTR = 0x1e80;
    uint256 internal constant KEY_TERMS_MPTR = 0x25a0;
    uint256 internal constant TERMS_END_MPTR = 0x29c0;

    /// @dev Refuses a chain on which a precompile is missing or wrong.
    constructor() {
        assembly ("memory-safe") {
            function refuse(precompile) {
                mstore(0x00, 0x00a48593) // PrecompileFailed(uint256)
                mstore(0x20, precompile)
                revert(0x1c, 0x24)
            }

            // 2⁻¹ modulo r.
            let mptr := mload(0x40)
            mstore(mptr, 0x20)
            mstore(add(mptr, 0x20), 0x20)
            mstore(add(mptr, 0x40), 0x20)
            mstore(add(mptr, 0x60), 2)
            mstore(add(mptr, 0x80), sub(R, 2))
            mstore(add(mptr, 0xa0), R)
            // Yul evaluates arguments from the last to the first: the call comes before `returndatasize`.
            if iszero(and(eq(returndatasize(), 0x20), staticcall(gas(), MODEXP, mptr, 0xc0, mptr, 0x20))) {
                refuse(MODEXP)
            }
            if iszero(eq(addmod(mload(mptr), mload(mptr), R), 1)) { refuse(MODEXP) }

            // G + G, and 2·G behind it.
            mstore(mptr, 1)
            mstore(add(mptr, 0x20), 2)
            mstore(add(mptr, 0x40), 1)
            mstore(add(mptr, 0x60), 2)
            if iszero(and(eq(returndatasize(), 0x40), staticcall(gas(), EC_ADD, mptr, 0x80, mptr, 0x40))) {
                refuse(EC_ADD)
            }
            mstore(add(mptr, 0x80), 2)
            if iszero(
                and(
                    eq(returndatasize(), 0x40),
                    staticcall(gas(), EC_MUL, add(mptr, 0x40), 0x60, add(mptr, 0x40), 0x40)
                )
            ) { refuse(EC_MUL) }
            if iszero(
                and(
                    eq(mload(mptr), mload(add(mptr, 0x40))),
                    eq(mload(add(mptr, 0x20)), mload(add(mptr, 0x60)))
                )
            ) { refuse(EC_MUL) }

            // e(G, H)·e(−G, H) = 1, and e(G, H)·e(G, H) ≠ 1.
            mstore(mptr, 1)
            mstore(add(mptr, 0x20), 2)
            mstore(add(mptr, 0x40), 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2)
            mstore(add(mptr, 0x60), 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed)
            mstore(add(mptr, 0x80), 0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b)
            mstore(add(mptr, 0xa0), 0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa)
            mstore(add(mptr, 0xc0), 1)
            mstore(add(mptr, 0xe0), sub(Q, 2))
            mstore(add(mptr, 0x0100), 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2)
            mstore(add(mptr, 0x0120), 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed)
            mstore(add(mptr, 0x0140), 0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b)
            mstore(add(mptr, 0x0160), 0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa)
            if iszero(and(eq(returndatasize(), 0x20), staticcall(gas(), EC_PAIRING, mptr, 0x0180, 0x00, 0x20))) {
                refuse(EC_PAIRING)
            }
            if iszero(eq(mload(0x00), 1)) { refuse(EC_PAIRING) }
            mstore(add(mptr, 0xe0), 2)
            if iszero(and(eq(returndatasize(), 0x20), staticcall(gas(), EC_PAIRING, mptr, 0x0180, 0x00, 0x20))) {
                refuse(EC_PAIRING)
            }
            if mload(0x00) { refuse(EC_PAIRING) }
        }
    }

    /// @inheritdoc IHalo2Verifier
    function verifyProof(bytes calldata proof, uint256[] calldata instances)
        external
        view
        override
        returns (bool)
    {
        // @phase calldata
        uint256 proof_cptr;
        uint256 instances_cptr;
        assembly ("memory-safe") {
            proof_cptr := proof.offset
            instances_cptr := instances.offset
        }
        _verify(proof_cptr, instances_cptr);
        return true;
    }

    /// @inheritdoc IHalo2Verifier
    function verifyBatch(bytes[] calldata, uint256[][] calldata) external view override returns (bool) {
        // @phase calldata
        // Solidity has checked that the arguments are there; where everything is follows from their encoding.
        uint256 count = _startBatch();
        for (uint256 i = 0; i < count; ++i) {
            _addMember(count, i);
        }
        _checkPairing();
        return true;
    }

    /// @dev Draws the challenge whose powers the proofs' equations are multiplied by. It depends on all proofs and
    /// instances, so that no two wrong proofs can cancel each other out.
    // @phase calldata
    function _startBatch() private pure returns (uint256 count) {
        uint256 num_lists;
        assembly ("memory-safe") {
            // The lengths lie where the offsets of the arguments point.
            count := calldataload(add(0x04, calldataload(0x04)))
            num_lists := calldataload(add(0x04, calldataload(0x24)))
        }
        if (count != num_lists) revert BatchLength(count, num_lists);
        if (count == 0) revert EmptyBatch();
        _start();
        assembly ("memory-safe") {
            if iszero(eq(calldatasize(), add(0x84, mul(count, 0x09e0)))) {
                mstore(0x00, 0x59170bf0) // MalformedCalldata()
                revert(0x1c, 0x04)
            }
            // Behind all else, where only values that polynomials share will lie.
            mstore(TERMS_END_MPTR, VK_DIGEST)
            calldatacopy(add(TERMS_END_MPTR, 0x20), 0x00, calldatasize())
            mstore(CHALLENGE_MPTR, mod(keccak256(TERMS_END_MPTR, add(calldatasize(), 0x20)), R))
        }
    }

    /// @dev Adds proof `i` of a batch and moves on to the next weight.
    function _addMember(uint256 count, uint256 i) private view {
        uint256 proof_cptr;
        uint256 instances_cptr;
        assembly ("memory-safe") {
            // Both arrays are a length, an offset for each item, and the items, each with its length. The offsets of
            // the proofs start at 0x64.
            let proof_position := add(mul(0x20, count), mul(i, 0x08c0))
            let lists_cptr := add(0x84, mul(count, 0x08e0))
            let list_position := add(mul(0x20, count), mul(i, 0xe0))
            // Only one encoding of the arguments, so that one batch has one form as calldata.
            if iszero(
                and(
                    and(eq(calldataload(0x04), 0x40), eq(calldataload(0x24), sub(lists_cptr, 0x24))),
                    and(
                        eq(calldataload(add(0x64, mul(0x20, i))), proof_position),
                        eq(calldataload(add(lists_cptr, mul(0x20, i))), list_position)
                    )
                )
            ) {
                mstore(0x00, 0x59170bf0) // MalformedCalldata()
                revert(0x1c, 0x04)
            }
            proof_cptr := add(0x84, proof_position)
            instances_cptr := add(add(lists_cptr, list_position), 0x20)
        }
        _checkLengths(proof_cptr, instances_cptr);
        _addProof(proof_cptr, instances_cptr);
        assembly ("memory-safe") {
            mstore(WEIGHT_MPTR, mulmod(mload(WEIGHT_MPTR), mload(CHALLENGE_MPTR), R))
        }
    }

    /// @dev Takes proofs and instances of the right length. The lengths lie before what they count.
    // @phase calldata
    function _checkLengths(uint256 proof_cptr, uint256 instances_cptr) private pure {
        uint256 length;
        assembly ("memory-safe") {
            length := calldataload(sub(proof_cptr, 0x20))
        }
        if (length != PROOF_LENGTH) revert ProofLength(length, PROOF_LENGTH);
        assembly ("memory-safe") {
            length := calldataload(sub(instances_cptr, 0x20))
        }
        if (length != NUM_INSTANCES) revert InstanceCount(length, NUM_INSTANCES);
    }

    /// @dev Verifies the only proof of a call.
    function _verify(uint256 proof_cptr, uint256 instances_cptr) private view {
        _checkLengths(proof_cptr, instances_cptr);
        // Only one encoding of the arguments, so that one proof has one form as calldata.
        assembly ("memory-safe") {
            if iszero(
                and(
                    eq(calldatasize(), 0x09e4),
                    and(eq(proof_cptr, 0x64), eq(instances_cptr, 0x0924))
                )
            ) {
                mstore(0x00, 0x59170bf0) // MalformedCalldata()
                revert(0x1c, 0x04)
            }
        }
        _start();
        _addProof(proof_cptr, instances_cptr);
        _checkPairing();
    }

    /// @dev Puts the points of the verifying key in front of their scalars, which are zero as is all memory so far.
    // @phase msm
    function _start() private pure {
        assembly ("memory-safe") {
            if gt(mload(0x40), R_MPTR) {
                mstore(0x00, 0x40970a62) // MemoryInUse()
                revert(0x1c, 0x04)
            }
            mstore(R_MPTR, R)
            mstore(WEIGHT_MPTR, 1)
            mstore(COUNT_MPTR, 0)

            // [1]₁
            mstore(0x25a0, 0x0000000000000000000000000000000000000000000000000000000000000001)
            mstore(0x25c0, 0x0000000000000000000000000000000000000000000000000000000000000002)

            // fixed 6
            mstore(0x2600, 0x1dd5ca96ac73032b46e45b2c936eb1bd187e5d3438704a9819d6a8642131bb3d)
            mstore(0x2620, 0x2f7cab694a58fde0f45864bf829e9408cc0e81c610f49612161e4ad7893bbd77)

            // fixed 0
            mstore(0x2660, 0x1f4c5d11e86db7c5b49573227985351e21c4f3e56204c0e8023d436ddb432b02)
            mstore(0x2680, 0x2d6ef13af00382303d9fbc8088f43420c3550b08530557c1219b087dfc78dc67)

            // fixed 1
            mstore(0x26c0, 0x21d8ab7e185c83bcfd4ee0137f3534f101a84e9d027358129c2a27b8895bde71)
            mstore(0x26e0, 0x1d9c3f0455113a702c71467a7d7fabc0baf8ce99371f1bd93fcb07e6518945d3)

            // fixed 2
            mstore(0x2720, 0x2a454c76e59500eeb2f42e797e9361f746320ad061a4ce87ba4633f361162828)
            mstore(0x2740, 0x2eca80ef9bdf27e2a821da480bf7f4866217a48680ddd2b29149c7fc5b844a3b)

            // fixed 4
            mstore(0x2780, 0x2789711b31522a8f0fe5eb489b6c28ae011daf7efbb67d36e763ab547f1010c9)
            mstore(0x27a0, 0x294a864f18151291c790acfdaa5c88488d4b2c953764c56ae79c87a16d415276)

            // fixed 5
            mstore(0x27e0, 0x2de34dd07da767e1403eb465a5180471c245a0626a08a661be6a395cd8d042d5)
            mstore(0x2800, 0x18904b129c45678052ce85087dd7a4533a4f49f2d806b1fe94e296c390510ce7)

            // fixed 7
            mstore(0x2840, 0x01a0641d073fdd37543f38f0128e13d590cce60f1db0d574bb14e899951e1027)
            mstore(0x2860, 0x271a623403ad92bb502203187b126860ae873663be15090823adb9b9abcc53fa)

            // fixed 8
            mstore(0x28a0, 0x1e795773b6efe371f23adede9faed087f22b3f0ac898e36731bf3e29fe5319fc)
            mstore(0x28c0, 0x0c0fe28de17c2071edf1e0f5c1d4b8845bafaef84ecb4bbbe3f9177fc19bea03)

            // fixed 9
            mstore(0x2900, 0x17e8453afd900fcfe3c4401d322b828e71fec3555e4f77d5b51229ee22cba10b)
            mstore(0x2920, 0x2e1a73da199ed41d38fc3790fca05be38e5729c0d35fdb0c999381fcd581c97d)

            // fixed 3
            mstore(0x2960, 0x101854db6c20cbe67b54a2d90dbb14e2ed6f7b03e9236f007bff2558dbaadc3b)
            mstore(0x2980, 0x03358ecaef86c2f21826912dc672938449085658ff31167962298b27cb8acd58)
        }
    }

    /// @dev Checks a proof but for its pairing, of which it adds the weight times both sides to the sums.
    function _addProof(uint256 proof_cptr, uint256 instances_cptr) private view {
        assembly ("memory-safe") {
            // @phase calldata
            // Whether x and y are below q and y² = x³ + 3. The point at infinity, encoded (0, 0), is not.
            function is_on_curve(x, y, q) -> ok {
                ok := and(
                    and(lt(x, q), lt(y, q)),
                    eq(mulmod(y, y, q), addmod(mulmod(x, mulmod(x, x, q), q), 3, q))
                )
            }

            // Copies points from `cptr` to the terms at `mptr`. Reverts unless all are on the curve.
            function copy_points(cptr, end_cptr, mptr, index) {
                let q := Q
                let valid := 1
                let point_cptr := cptr
                // Two at a time.
                for { let last_cptr := sub(end_cptr, 0x40) } lt(point_cptr, last_cptr) {
                    point_cptr := add(point_cptr, 0x80)
                } {
                    {
                        let x := calldataload(point_cptr)
                        let y := calldataload(add(point_cptr, 0x20))
                        mstore(mptr, x)
                        mstore(add(mptr, 0x20), y)
                        valid := and(
                            valid,
                            and(
                                and(lt(x, q), lt(y, q)),
                                eq(mulmod(y, y, q), addmod(mulmod(mulmod(x, x, q), x, q), 3, q))
                            )
                        )
                    }
                    {
                        let x := calldataload(add(point_cptr, 0x40))
                        let y := calldataload(add(point_cptr, 0x60))
                        mstore(add(mptr, 0x60), x)
                        mstore(add(mptr, 0x80), y)
                        valid := and(
                            valid,
                            and(
                                and(lt(x, q), lt(y, q)),
                                eq(mulmod(y, y, q), addmod(mulmod(mulmod(x, x, q), x, q), 3, q))
                            )
                        )
                    }
                    mptr := add(mptr, 0xc0)
                }
                if lt(point_cptr, end_cptr) {
                    let x := calldataload(point_cptr)
                    let y := calldataload(add(point_cptr, 0x20))
                    mstore(mptr, x)
                    mstore(add(mptr, 0x20), y)
                    valid := and(valid, is_on_curve(x, y, q))
                }
                if iszero(valid) {
                    // Finds the first that is not.
                    for {} is_on_curve(calldataload(cptr), calldataload(add(cptr, 0x20)), q) {
                        index := add(index, 1)
                    } { cptr := add(cptr, 0x40) }
                    mstore(0x00, 0x8be2934e) // PointNotOnCurve(uint256)
                    mstore(0x20, index)
                    revert(0x1c, 0x24)
                }
            }

            // Reverts unless all scalars from `cptr` on are below the modulus.
            function check_scalars(cptr, end_cptr, index) {
                let r := R
                let valid := 1
                let scalar_cptr := cptr
                for { let fours_cptr := sub(end_cptr, 0x60) } lt(scalar_cptr, fours_cptr) {
                    scalar_cptr := add(scalar_cptr, 0x80)
                } {
                    valid := and(
                        and(
                            and(valid, lt(calldataload(scalar_cptr), r)),
                            lt(calldataload(add(scalar_cptr, 0x20)), r)
                        ),
                        and(
                            lt(calldataload(add(scalar_cptr, 0x40)), r),
                            lt(calldataload(add(scalar_cptr, 0x60)), r)
                        )
                    )
                }
                for {} lt(scalar_cptr, end_cptr) { scalar_cptr := add(scalar_cptr, 0x20) } {
                    valid := and(valid, lt(calldataload(scalar_cptr), r))
                }
                if iszero(valid) {
                    // Finds the first that is not.
                    for {} lt(calldataload(cptr), r) { index := add(index, 1) } { cptr := add(cptr, 0x20) }
                    mstore(0x00, 0x1e686dee) // ScalarOutOfRange(uint256)
                    mstore(0x20, index)
                    revert(0x1c, 0x24)
                }
            }

            // Draws a challenge after `length` bytes: the state and what was absorbed.
            function squeeze(length) -> challenge {
                let hash := keccak256(TRANSCRIPT_MPTR, length)
                mstore(TRANSCRIPT_MPTR, hash)
                challenge := mod(hash, R)
            }

            // Draws a challenge after nothing but the state.
            function squeeze_again() -> challenge {
                mstore(0x00, mload(TRANSCRIPT_MPTR))
                mstore8(0x20, 1)
                let hash := keccak256(0x00, 0x21)
                mstore(TRANSCRIPT_MPTR, hash)
                challenge := mod(hash, R)
            }

            // The constraints are added in groups, and all openings in one function: compiled through Yul, contracts
            // that are one large function become larger still, or fail to compile. A function that may leave early is
            // not inlined, so each starts with a question whose answer is known.
            function add_constraints_1(before, y, r) -> h {
                if iszero(r) { leave }
                h := before

                // gate 0: the output is the tree's value
                mstore(0x29c0, mulmod(mload(0x1720), mload(0x1520), r))
                mstore(0x29e0, mulmod(mload(0x1740), mload(0x1540), r))
                mstore(0x2a00, mulmod(mload(0x1760), mload(0x1560), r))
                mstore(0x2a20, mulmod(mload(0x14e0), mload(0x1780), r))
                mstore(0x2a40, mulmod(mload(0x1500), mload(0x17a0), r))
                mstore(0x2a60, mulmod(mload(0x17c0), mload(0x1580), r))
                mstore(0x2a80, add(mload(0x14a0), sub(r, addmod(mload(0x2a60), addmod(mload(0x2a40), add(mload(0x2a20), add(mload(0x2a00), add(mload(0x29e0), add(mload(0x29c0), mulmod(mload(0x14c0), mulmod(mload(0x1500), mulmod(mload(0x14c0), mload(0x14e0), r), r), r))))), r), r))))
                h := add(mulmod(h, y, r), mulmod(mload(0x1700), mload(0x2a80), r))

                // gate 1: the output is the tree's value
                mstore(0x2aa0, add(mload(0x2a60), addmod(mload(0x2a40), add(mload(0x2a20), add(mload(0x2a00), add(mload(0x29e0), add(mload(0x1520), mload(0x29c0))))), r)))
                h := add(mulmod(h, y, r), mulmod(mload(0x17e0), add(mload(0x15a0), sub(r, mod(mload(0x2aa0), r))), r))

                // gate 2: the output is the tree's value
                mstore(0x2ac0, mulmod(mload(0x1500), add(mulmod(mload(0x15e0), mload(0x1600), r), mulmod(mload(0x1500), 7, r)), r))
                mstore(0x2ae0, mulmod(add(add(add(mload(0x18a0), mload(0x1640)), add(mload(0x1660), sub(r, mload(0x1580)))), sub(r, addmod(mload(0x1a00), add(1, mload(0x1680)), r))), mulmod(256, mulmod(mulmod(mload(0x1580), mload(0x1880), r), mulmod(mload(0x1820), mload(0x16a0), r), r), r), r))
                mstore(0x2b00, add(mload(0x15c0), sub(r, addmod(mload(0x2a60), add(mload(0x2a40), add(mload(0x2a20), add(mload(0x2a00), addmod(mload(0x29e0), add(mload(0x29c0), add(add(mload(0x1620), add(mload(0x2ac0), mload(0x2ac0))), sub(r, addmod(mload(0x2ae0), mload(0x2ae0), r)))), r)))), r))))
                h := add(mulmod(h, y, r), mulmod(mload(0x1800), mload(0x2b00), r))

                // gate 3: the output is the tree's value
                h := add(mulmod(h, y, r), mulmod(mload(0x1840), add(mload(0x16c0), sub(r, mod(mload(0x2aa0), r))), r))
            }

            // With Z(u) the product of (u − point) over the first set's points, every set i, its polynomial j and each
            // of its points p contribute
            //
            //   weight·Z(u)·vⁱ·yʲ / ∏ (u − point)                                to the polynomial's scalar,
            //   weight·Z(u)·vⁱ·yʲ·value / ((u − p)·∏ (p − other points))         to the value that G's scalar takes off.
            function open(h, scale, x_to_n, r) -> value {
                if iszero(r) { leave }
                let y := mload(OPENING_Y_MPTR)

                // Opened at x, ω²x.
                {
                    let values := 0
                    let factor := mload(0x1a60)
                    {
                        let sum := mload(0x14a0)
                        values := add(values, mulmod(sum, mulmod(mulmod(mload(0x1aa0), factor, r), 0x16f1920a0f334ee1da59eb1000aa7e377e43316c9fd91f1ac4db37c8254163ee, r), r))
                    }
                    {
                        let sum := mload(0x15e0)
                        values := add(values, mulmod(sum, mulmod(mulmod(mload(0x1ae0), factor, r), 0x1972bc68d1fe5147ddf65aa680d6da25a9f0b6dbd9e051767f06bdcbcabe9c13, r), r))
                    }
                    value := addmod(value, mulmod(values, scale, r), r)
                    let scalar := mload(WEIGHT_MPTR)
                    mstore(0x2100, scalar)
                }

                // Opened at ω⁻¹x, x, ωx.
                {
                    scale := mulmod(scale, mload(OPENING_V_MPTR), r)
                    let values := 0
                    let factor := mulmod(mload(0x1a60), mload(0x1a60), r)
                    {
                        let sum := mload(0x14c0)
                        values := add(values, mulmod(sum, mulmod(mulmod(mload(0x1a80), factor, r), 0x2a0ab0fddc927551be8430cad5ed14b758f3321ed13e76f5b9bc1461491b8701, r), r))
                    }
                    {
                        let sum := mload(0x1560)
                        values := add(values, mulmod(sum, mulmod(mulmod(mload(0x1aa0), factor, r), 0x218daaa969cf7cf5f48dff1ee52aa7628c7166b8f93eea6aad4b5e06c8d2d66c, r), r))
                    }
                    {
                        let sum := mload(0x16a0)
                        values := add(values, mulmod(sum, mulmod(mulmod(mload(0x1ac0), factor, r), 0x1530413e7c014e0bbd8e5b8347eaf4a06b0337b928f57fc220bc78bfce11a295, r), r))
                    }
                    value := addmod(value, mulmod(values, scale, r), r)
                    let scalar := mulmod(mulmod(mulmod(scale, mload(0x1a80), r), mload(0x1aa0), r), mload(0x1ac0), r)
                    mstore(0x1f80, scalar)
                }

                // Opened at ω⁻¹x, x.
                {
                    scale := mulmod(scale, mload(OPENING_V_MPTR), r)
                    let values := 0
                    let factor := mload(0x1a60)
                    {
                        let sum := mload(0x16e0)
                        sum := add(mulmod(sum, y, r), mload(0x1600))
                        sum := add(mulmod(sum, y, r), mload(0x1680))
                        sum := add(mulmod(sum, y, r), mload(0x1620))
                        values := add(values, mulmod(sum, mulmod(mulmod(mload(0x1a80), factor, r), 0x217224aaea2279bd96415c872a85e2090533706f79027e72bdb9c26aa377f81, r), r))
                    }
                    {
                        let sum := mload(0x15a0)
                        sum := add(mulmod(sum, y, r), mload(0x1540))
                        sum := add(mulmod(sum, y, r), mload(0x1500))
                        sum := add(mulmod(sum, y, r), mload(0x14e0))
                        values := add(values, mulmod(sum, mulmod(mulmod(mload(0x1aa0), factor, r), 0x2e4d2c28328f788ddeec2fee0ed8fa3c97e0b141822948aa1806596d45c88080, r), r))
                    }
                    value := addmod(value, mulmod(values, scale, r), r)
                    let scalar := mulmod(mulmod(scale, mload(0x1a80), r), mload(0x1aa0), r)
                    mstore(0x1fe0, scalar)
                    scalar := mulmod(scalar, y, r)
                    mstore(0x2040, scalar)
                    scalar := mulmod(scalar, y, r)
                    mstore(0x1f20, scalar)
                    scalar := mulmod(scalar, y, r)
                    mstore(0x2160, scalar)
                }

                // Opened at x.
                {
                    scale := mulmod(scale, mload(OPENING_V_MPTR), r)
                    let values := 0
                    {
                        let sum := mload(0x1860)
                        sum := add(mulmod(sum, y, r), h)
                        sum := add(mulmod(sum, y, r), mload(0x1840))
                        sum := add(mulmod(sum, y, r), mload(0x1800))
                        sum := add(mulmod(sum, y, r), mload(0x17e0))
                        sum := add(mulmod(sum, y, r), mload(0x17c0))
                        sum := add(mulmod(sum, y, r), mload(0x17a0))
                        sum := add(mulmod(sum, y, r), mload(0x1760))
                        sum := add(mulmod(sum, y, r), mload(0x1740))
                        sum := add(mulmod(sum, y, r), mload(0x1720))
                        sum := add(mulmod(sum, y, r), mload(0x1700))
                        sum := add(mulmod(sum, y, r), mload(0x16c0))
                        sum := add(mulmod(sum, y, r), mload(0x15c0))
                        sum := add(mulmod(sum, y, r), mload(0x1580))
                        sum := add(mulmod(sum, y, r), mload(0x1520))
                        values := add(values, mulmod(sum, mload(0x1aa0), r))
                    }
                    value := addmod(value, mulmod(values, scale, r), r)
                    let scalar := mulmod(scale, mload(0x1aa0), r)
                    mstore(0x1ec0, scalar)
                    scalar := mulmod(scalar, y, r)
                    mstore(0x20a0, scalar)
                    scalar := mulmod(scalar, y, r)
                    mstore(0x2280, scalar)
                    scalar := mulmod(scalar, y, r)
                    mstore(0x22e0, scalar)
                    scalar := mulmod(scalar, y, r)
                    mstore(0x2640, addmod(mload(0x2640), scalar, r))
                    scalar := mulmod(scalar, y, r)
                    mstore(0x26a0, addmod(mload(0x26a0), scalar, r))
                    scalar := mulmod(scalar, y, r)
                    mstore(0x2700, addmod(mload(0x2700), scalar, r))
                    scalar := mulmod(scalar, y, r)
                    mstore(0x2760, addmod(mload(0x2760), scalar, r))
                    scalar := mulmod(scalar, y, r)
                    mstore(0x27c0, addmod(mload(0x27c0), scalar, r))
                    scalar := mulmod(scalar, y, r)
                    mstore(0x2820, addmod(mload(0x2820), scalar, r))
                    scalar := mulmod(scalar, y, r)
                    mstore(0x2880, addmod(mload(0x2880), scalar, r))
                    scalar := mulmod(scalar, y, r)
                    mstore(0x28e0, addmod(mload(0x28e0), scalar, r))
                    scalar := mulmod(scalar, y, r)
                    mstore(0x2940, addmod(mload(0x2940), scalar, r))
                    scalar := mulmod(scalar, y, r)
                    let power := scalar
                    mstore(0x23a0, scalar)
                    scalar := mulmod(scalar, x_to_n, r)
                    mstore(0x2400, scalar)
                    scalar := mulmod(scalar, x_to_n, r)
                    mstore(0x2460, scalar)
                    scalar := mulmod(scalar, x_to_n, r)
                    mstore(0x24c0, scalar)
                    scalar := power
                    scalar := mulmod(scalar, y, r)
                    mstore(0x2340, scalar)
                }

                // Opened at x, ωx.
                {
                    scale := mulmod(scale, mload(OPENING_V_MPTR), r)
                    let values := 0
                    let factor := mload(0x1a60)
                    {
                        let sum := mload(0x1780)
                        sum := add(mulmod(sum, y, r), mload(0x1640))
                        values := add(values, mulmod(sum, mulmod(mulmod(mload(0x1aa0), factor, r), 0x217224aaea2279bd96415c872a85e2090533706f79027e72bdb9c26aa377f82, r), r))
                    }
                    {
                        let sum := mload(0x1820)
                        sum := add(mulmod(sum, y, r), mload(0x1660))
                        values := add(values, mulmod(sum, mulmod(mulmod(mload(0x1ac0), factor, r), 0x2e4d2c28328f788ddeec2fee0ed8fa3c97e0b141822948aa1806596d45c8807f, r), r))
                    }
                    value := addmod(value, mulmod(values, scale, r), r)
                    let scalar := mulmod(mulmod(scale, mload(0x1aa0), r), mload(0x1ac0), r)
                    mstore(0x2220, scalar)
                    scalar := mulmod(scalar, y, r)
                    mstore(0x29a0, addmod(mload(0x29a0), scalar, r))
                }
            }

            let r := mload(R_MPTR)
            check_scalars(instances_cptr, add(instances_cptr, 0xc0), 0)
            copy_points(proof_cptr, add(proof_cptr, 0x0440), PROOF_TERMS_MPTR, 0)
            check_scalars(
                add(proof_cptr, 0x0440),
                add(proof_cptr, 0x0820),
                6
            )
            copy_points(
                add(proof_cptr, 0x0820),
                add(proof_cptr, PROOF_LENGTH),
                0x24e0,
                17
            )

            // @phase transcript
            // The digest of the key as halo2 has it, then the instances.
            mstore(TRANSCRIPT_MPTR, 0x17293268d9f59c757db1f1f87896999e9a37dd313754035406a4190c028503d2)
            calldatacopy(0x14a0, instances_cptr, 0xc0)

            // Advice of this phase; challenges for the next.
            calldatacopy(0x1560, add(proof_cptr, 0x00), 0x0200)
            mstore(CHALLENGE_0_MPTR, squeeze(0x02e0))
            mstore(CHALLENGE_1_MPTR, squeeze_again())
            mstore(CHALLENGE_2_MPTR, squeeze_again())
            mstore(CHALLENGE_3_MPTR, squeeze_again())

            // Advice of the last phase; θ compresses the columns of a look-up.
            calldatacopy(0x14a0, add(proof_cptr, 0x0200), 0x0100)
            pop(squeeze(0x0120)) // theta is not used by this circuit.

            // Permuted inputs and tables of look-ups; β and γ make products of values.
            pop(squeeze_again()) // beta is not used by this circuit.
            pop(squeeze_again()) // gamma is not used by this circuit.

            // Running products and the random polynomial; y adds up the constraints.
            calldatacopy(0x14a0, add(proof_cptr, 0x0300), 0x40)
            mstore(Y_MPTR, squeeze(0x60))

            // Pieces of the quotient; all is evaluated at x.
            calldatacopy(0x14a0, add(proof_cptr, 0x0340), 0x0100)
            mstore(X_MPTR, squeeze(0x0120))

            // The evaluations at x and around it. They stay where they are hashed.
            calldatacopy(EVALUATIONS_MPTR, add(proof_cptr, 0x0440), 0x03e0)
            mstore(OPENING_Y_MPTR, squeeze(0x0400))
            mstore(OPENING_V_MPTR, squeeze_again())
            mstore(SCRATCH_MPTR, mload(TRANSCRIPT_MPTR))
            calldatacopy(add(SCRATCH_MPTR, 0x20), add(proof_cptr, 0x0820), 0x40)
            mstore(OPENING_U_MPTR, mod(keccak256(SCRATCH_MPTR, 0x60), r))

            // @phase instances
            // xⁿ, and the vanishing polynomial xⁿ − 1.
            let x_to_n := mload(X_MPTR)
            x_to_n := mulmod(x_to_n, x_to_n, r)
            x_to_n := mulmod(x_to_n, x_to_n, r)
            x_to_n := mulmod(x_to_n, x_to_n, r)
            x_to_n := mulmod(x_to_n, x_to_n, r)
            x_to_n := mulmod(x_to_n, x_to_n, r)
            x_to_n := mulmod(x_to_n, x_to_n, r)
            x_to_n := mulmod(x_to_n, x_to_n, r)
            x_to_n := mulmod(x_to_n, x_to_n, r)
            mstore(INVERSE_OF_VANISHING_MPTR, addmod(x_to_n, sub(r, 1), r))

            // Instance column 0 at ω²x: ∑ᵢ instanceᵢ / (x·ω⁻ⁱ − 1) as one fraction.
            {
                let minus_one := sub(r, 1)
                // In a variable: of a literal in several places the compiler would copy the bytes from the code, for 40
                // gas each time.
                let omega_inverse := 0x1f4d7180df5014849825f3c9b0e89d79432c51f48eb5846ae63b433f28aba10b
                let point := mulmod(mload(X_MPTR), 0x2822ef9d2d155c2b49f7a010aeec0dae3df9cff80535c8d08c9e954b942e6d6b, r)
                let cptr := instances_cptr
                let end_cptr := add(cptr, 0xc0)
                let numerator := 0
                let denominator := 1
                for {} lt(cptr, end_cptr) { cptr := add(cptr, 0x40) } {
                    let difference := add(point, minus_one)
                    numerator := add(mulmod(numerator, difference, r), mulmod(denominator, calldataload(cptr), r))
                    denominator := mulmod(denominator, difference, r)
                    point := mulmod(point, omega_inverse, r)
                    difference := add(point, minus_one)
                    numerator := add(
                        mulmod(numerator, difference, r), mulmod(denominator, calldataload(add(cptr, 0x20)), r)
                    )
                    denominator := mulmod(denominator, difference, r)
                    point := mulmod(point, omega_inverse, r)
                }
                mstore(0x1a00, numerator)
                mstore(0x1b00, denominator)
            }

            // Instance column 0 at ωx: ∑ᵢ instanceᵢ / (x·ω⁻ⁱ − 1) as one fraction.
            {
                let minus_one := sub(r, 1)
                // In a variable: of a literal in several places the compiler would copy the bytes from the code, for 40
                // gas each time.
                let omega_inverse := 0x1f4d7180df5014849825f3c9b0e89d79432c51f48eb5846ae63b433f28aba10b
                let point := mulmod(mload(X_MPTR), 0x1058a83d529be585820b96ff0a13f2dbd8675a9e5dd2336a6692cc1e5a526c81, r)
                let cptr := instances_cptr
                let end_cptr := add(cptr, 0xc0)
                let numerator := 0
                let denominator := 1
                for {} lt(cptr, end_cptr) { cptr := add(cptr, 0x40) } {
                    let difference := add(point, minus_one)
                    numerator := add(mulmod(numerator, difference, r), mulmod(denominator, calldataload(cptr), r))
                    denominator := mulmod(denominator, difference, r)
                    point := mulmod(point, omega_inverse, r)
                    difference := add(point, minus_one)
                    numerator := add(
                        mulmod(numerator, difference, r), mulmod(denominator, calldataload(add(cptr, 0x20)), r)
                    )
                    denominator := mulmod(denominator, difference, r)
                    point := mulmod(point, omega_inverse, r)
                }
                mstore(0x1a20, numerator)
                mstore(0x1b20, denominator)
            }

            // @phase openings
            // Where the polynomials are opened, seen from u. The product over the first set of points stays.
            let scale := mload(WEIGHT_MPTR)
            {
                let u := mload(OPENING_U_MPTR)
                let x := mload(X_MPTR)
                mstore(INVERSE_OF_X_MPTR, x)
                mstore(0x1a80, addmod(u, sub(r, mulmod(x, 0x1f4d7180df5014849825f3c9b0e89d79432c51f48eb5846ae63b433f28aba10b, r)), r))
                {
                    let difference := addmod(u, sub(r, x), r)
                    mstore(0x1aa0, difference)
                    scale := mulmod(scale, difference, r)
                }
                mstore(0x1ac0, addmod(u, sub(r, mulmod(x, 0x1058a83d529be585820b96ff0a13f2dbd8675a9e5dd2336a6692cc1e5a526c81, r)), r))
                {
                    let difference := addmod(u, sub(r, mulmod(x, 0x2822ef9d2d155c2b49f7a010aeec0dae3df9cff80535c8d08c9e954b942e6d6b, r)), r)
                    mstore(0x1ae0, difference)
                    scale := mulmod(scale, difference, r)
                }
            }

            // One inversion for all.
            {
                let product := 1
                for { let mptr := INVERSES_MPTR } lt(mptr, INVERSES_END_MPTR) { mptr := add(mptr, 0x20) } {
                    mstore(add(mptr, 0x0100), product)
                    product := mulmod(product, mload(mptr), r)
                }
                if iszero(product) {
                    mstore(0x00, 0xa7da0ef3) // ChallengeInDomain()
                    revert(0x1c, 0x04)
                }
                mstore(SCRATCH_MPTR, 0x20)
                mstore(add(SCRATCH_MPTR, 0x20), 0x20)
                mstore(add(SCRATCH_MPTR, 0x40), 0x20)
                mstore(add(SCRATCH_MPTR, 0x60), product)
                mstore(add(SCRATCH_MPTR, 0x80), sub(r, 2))
                mstore(add(SCRATCH_MPTR, 0xa0), r)
                // Yul evaluates arguments from the last to the first: the call comes before `returndatasize`.
                if iszero(
                    and(eq(returndatasize(), 0x20), staticcall(gas(), MODEXP, SCRATCH_MPTR, 0xc0, 0x00, 0x20))
                ) {
                    mstore(0x00, 0x00a48593) // PrecompileFailed(uint256)
                    mstore(0x20, MODEXP)
                    revert(0x1c, 0x24)
                }
                let inverse := mload(0x00)
                for { let mptr := INVERSES_END_MPTR } gt(mptr, INVERSES_MPTR) {} {
                    mptr := sub(mptr, 0x20)
                    let value := mload(mptr)
                    mstore(mptr, mulmod(inverse, mload(add(mptr, 0x0100)), r))
                    inverse := mulmod(inverse, value, r)
                }
            }

            // @phase instances
            {
                // (xⁿ − 1) / n is a factor of every Lagrange basis.
                let factor := mulmod(addmod(x_to_n, sub(r, 1), r), 0x3033ea246e506e898e97f570caffd704cb0bb460313fb720b29e139e5c100001, r)
                mstore(
                    0x1a00,
                    mulmod(mulmod(mload(0x1a00), mload(0x1b00), r), factor, r)
                )
                mstore(
                    0x1a20,
                    mulmod(mulmod(mload(0x1a20), mload(0x1b20), r), factor, r)
                )
            }

            // The constraints at x, added up by powers of y: the quotient times the vanishing polynomial.
            // Sums are reduced only when five times the modulus would be exceeded.
            let h := 0
            {
                let y := mload(Y_MPTR)

                // @phase gates
                h := add_constraints_1(h, y, r)
            }

            // @phase openings
            // The quotient's value.
            h := mulmod(h, mload(INVERSE_OF_VANISHING_MPTR), r)

            mstore(0x2520, sub(r, scale))
            mstore(0x2580, mulmod(mload(WEIGHT_MPTR), mload(OPENING_U_MPTR), r))
            let value := open(h, scale, x_to_n, r)
            mstore(0x25e0, addmod(mload(0x25e0), sub(r, value), r))
        }
        // @phase msm
        uint256 count;
        assembly ("memory-safe") {
            count := mload(COUNT_MPTR)
            mstore(COUNT_MPTR, add(count, 1))
        }
        if (count == 0) {
            assembly ("memory-safe") {
                // The scalar of advice 6 is the weight, and the first weight is 1.
                mstore(RIGHT_MPTR, mload(0x20c0))
                mstore(add(RIGHT_MPTR, 0x20), mload(0x20e0))
                mstore(LEFT_MPTR, mload(0x2540))
                mstore(add(LEFT_MPTR, 0x20), mload(0x2560))
            }
            _addTerms(RIGHT_MPTR, 0x1e80, 0x20c0);
            _addTerms(RIGHT_MPTR, 0x2120, 0x2180);
            _addTerms(RIGHT_MPTR, 0x21e0, 0x25a0);
        } else {
            _addTerms(RIGHT_MPTR, 0x1e80, 0x2180);
            _addTerms(RIGHT_MPTR, 0x21e0, 0x25a0);
            assembly ("memory-safe") {
                mstore(0x2580, mload(WEIGHT_MPTR))
            }
            _addTerms(LEFT_MPTR, 0x2540, 0x25a0);
        }
    }

    /// @dev Adds terms to the sum at `sum_mptr`; each is multiplied into the place behind the sum.
    function _addTerms(uint256 sum_mptr, uint256 mptr, uint256 end_mptr) private view {
        assembly ("memory-safe") {
            let first_mptr := mptr
            let term_mptr := add(sum_mptr, 0x40)
            let ok := 1
            // Four at a time. Yul evaluates arguments from the last to the first: ecMul is called, then ecAdd.
            for { let fours_mptr := sub(end_mptr, 0x0120) } lt(mptr, fours_mptr) { mptr := add(mptr, 0x0180) } {
                ok := and(
                    ok,
                    and(
                        staticcall(gas(), EC_ADD, sum_mptr, 0x80, sum_mptr, 0x40),
                        staticcall(gas(), EC_MUL, add(mptr, 0x60), 0x60, term_mptr, 0x40)
                    )
                )
                ok := and(
                    ok,
                    and(
                        staticcall(gas(), EC_ADD, sum_mptr, 0x80, sum_mptr, 0x40),
                        staticcall(gas(), EC_MUL, add(mptr, 0xc0), 0x60, term_mptr, 0x40)
                    )
                )
                ok := and(
                    ok,
                    and(
                        staticcall(gas(), EC_ADD, sum_mptr, 0x80, sum_mptr, 0x40),
                        staticcall(gas(), EC_MUL, add(mptr, 0x0120), 0x60, term_mptr, 0x40)
                    )
                )
                // A missing precompile succeeds without returning anything; looking at every fourth call finds it.
                ok := and(
                    ok,
                    and(
                        and(eq(returndatasize(), 0x40), staticcall(gas(), EC_ADD, sum_mptr, 0x80, sum_mptr, 0x40)),
                        and(eq(returndatasize(), 0x40), staticcall(gas(), EC_MUL, mptr, 0x60, term_mptr, 0x40))
                    )
                )
            }
            for {} lt(mptr, end_mptr) { mptr := add(mptr, 0x60) } {
                ok := and(
                    ok,
                    and(
                        and(eq(returndatasize(), 0x40), staticcall(gas(), EC_ADD, sum_mptr, 0x80, sum_mptr, 0x40)),
                        and(eq(returndatasize(), 0x40), staticcall(gas(), EC_MUL, mptr, 0x60, term_mptr, 0x40))
                    )
                )
            }
            if iszero(ok) {
                // Which of the two? ecAdd has the address before ecMul's.
                ok := and(
                    eq(returndatasize(), 0x40), staticcall(gas(), EC_MUL, first_mptr, 0x60, term_mptr, 0x40)
                )
                mstore(0x00, 0x00a48593) // PrecompileFailed(uint256)
                mstore(0x20, sub(EC_MUL, ok))
                revert(0x1c, 0x24)
            }
        }
    }

    /// @dev Adds the key's terms and checks e(left, [τ]₂) = e(right, [1]₂).
    function _checkPairing() private view {
        // @phase msm
        _addTerms(RIGHT_MPTR, KEY_TERMS_MPTR, TERMS_END_MPTR);
        assembly ("memory-safe") {
            // @phase pairing
            // [1]₂, imaginary parts first.
            mstore(add(RIGHT_MPTR, 0x40), 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2)
            mstore(add(RIGHT_MPTR, 0x60), 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed)
            mstore(add(RIGHT_MPTR, 0x80), 0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b)
            mstore(add(RIGHT_MPTR, 0xa0), 0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa)
            // −[τ]₂, so that both sides multiply to one.
            mstore(add(LEFT_MPTR, 0x40), 0x21ecdb029d35bc24132b0c09988acbc9cdc7db8703536430adf89485e92430f0)
            mstore(add(LEFT_MPTR, 0x60), 0x23422c6a327cfae18d9f98d4ba43f04ca4539e103c578965ba392c75111e0bc9)
            mstore(add(LEFT_MPTR, 0x80), 0x176a83fde7a7ebb83aa954a8d8415e87ff3b9d0fdc0a9440758e2afa93ac72f3)
            mstore(add(LEFT_MPTR, 0xa0), 0x2034cda47a9ce9bca05e67aaf150fe777e94f060745dc7e670898e0ea45572da)
            if iszero(and(eq(returndatasize(), 0x20), staticcall(gas(), EC_PAIRING, RIGHT_MPTR, 0x0180, 0x00, 0x20))) {
                mstore(0x00, 0x00a48593) // PrecompileFailed(uint256)
                mstore(0x20, EC_PAIRING)
                revert(0x1c, 0x24)
            }
            if iszero(eq(mload(0x00), 1)) {
                mstore(0x00, 0x09bde339) // InvalidProof()
                revert(0x1c, 0x04)
            }
        }
    }
}