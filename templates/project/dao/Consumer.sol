// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {InferenceConsumer} from "zkverdict/InferenceConsumer.sol";
import {IModelVerifier} from "zkverdict/interfaces/IModelVerifier.sol";
import {PackedTensor} from "zkverdict/libraries/PackedTensor.sol";
import {{ "{" }}{{ project.prefix }}Io} from "./{{ project.prefix }}Io.sol";

/// @title A treasury whose proposals `{{ project.model }}` screens
/// @notice What the model sees of a proposal, this contract computes itself, so nobody has to be believed: anybody proves the
/// verdict. A proposal that passes is executed after a delay, one that is held needs the council too, and one that is refused
/// goes nowhere. In the delay the council may veto what the model let pass.
contract {{ project.prefix }}Consumer is InferenceConsumer {
    using PackedTensor for bytes;

    /// @notice A call that somebody wants the treasury to make, and what became of it.
    struct Proposal {
        address proposer;
        address target;
        uint64 executableFrom;
        bool isApproved;
        bool isVetoed;
        bool isExecuted;
        uint256 value;
        bytes data;
        /// What the model sees: a byte for each feature, which is the feature plus 128.
        bytes8 features;
    }

    /// @notice What the model says: the position of its largest output. Others than the first two refuse.
    uint256 public constant PASSES = 0;
    uint256 public constant HELD = 1;

    /// @notice How long a proposal waits.
    uint64 public constant DELAY = 2 days;

    /// @notice Approves what is held, vetoes what passes.
    address public immutable COUNCIL;

    /// @notice All proposals.
    mapping(uint256 id => Proposal) public proposals;

    /// @notice Number of proposals.
    uint256 public proposalCount;

    /// @notice The verdict on features, by their packed hash, plus one; zero while there is none.
    mapping(bytes32 inputsHash => uint256) public verdicts;

    /// @notice Somebody's proposals: executed, vetoed, and neither.
    mapping(address proposer => uint256) public executedOf;
    mapping(address proposer => uint256) public vetoedOf;
    mapping(address proposer => uint256) public openOf;

    /// @notice Whether a proposal that called this was executed.
    mapping(address target => bool) public isKnown;

    /// @notice There is a proposal.
    event Proposed(uint256 indexed id, address indexed proposer, bytes8 features, string description);

    /// @notice The model has a verdict on all proposals with these features.
    event Screened(bytes32 indexed inputsHash, uint256 verdict);

    /// @notice A proposal was executed.
    event Executed(uint256 indexed id);

    /// @notice Only the council does that.
    error NotCouncil(address caller);

    /// @notice There is no such proposal, or it is over.
    error NotOpen(uint256 id);

    /// @notice There is no verdict, or one against it.
    error NotPassed(uint256 id);

    /// @notice The proposal waits.
    error TooEarly(uint256 executableFrom);

    /// @notice The call failed.
    error CallFailed(address target);

    /// @param council Approves what is held, vetoes what passes.
    constructor(IModelVerifier verifier, bytes32 modelId, uint256 version, address council)
        InferenceConsumer(verifier, modelId, version)
    {
        COUNCIL = council;
    }

    /// The council says something about a proposal that waits.
    modifier onlyCouncil(uint256 id) {
        if (msg.sender != COUNCIL) revert NotCouncil(msg.sender);
        Proposal storage proposal = proposals[id];
        if (proposal.proposer == address(0) || proposal.isVetoed || proposal.isExecuted) revert NotOpen(id);
        _;
    }

    receive() external payable {}

    /// @notice Proposes a call.
    function propose(address target, uint256 value, bytes calldata data, string calldata description)
        external
        returns (uint256 id)
    {
        id = proposalCount++;
        Proposal storage proposal = proposals[id];
        (proposal.proposer, proposal.target, proposal.value, proposal.data) = (msg.sender, target, value, data);
        proposal.executableFrom = uint64(block.timestamp) + DELAY;
        proposal.features = bytes8(
            bytes.concat(
                _feature(value * 100 / (address(this).balance + 1) + (value > address(this).balance ? 100 : 0)),
                _feature(isKnown[target] ? 100 : 0),
                _feature(20 * executedOf[msg.sender]),
                _feature(20 * vetoedOf[msg.sender]),
                _feature(data.length == 0 ? 0 : 100),
                _feature(target.code.length == 0 ? 0 : 100),
                _feature(bytes(description).length / 16),
                _feature(20 * openOf[msg.sender])
            )
        );
        ++openOf[msg.sender];
        emit Proposed(id, msg.sender, proposal.features, description);
    }

    /// @notice What the model sees of a proposal: its part of the treasury in percent; 100 if the target is known; 20 for each of
    /// the proposer's proposals that was executed, and that was vetoed; 100 if there are calldata, and if the target is a contract; a
    /// step for 16 bytes of the description; 20 for each proposal that the proposer has open. None is above 100.
    function featuresOf(uint256 id) external view returns (int8[] memory features) {
        features = new int8[](8);
        for (uint256 i = 0; i < 8; ++i) {
            // forge-lint: disable-next-line(unsafe-typecast) from -128 to 127
            features[i] = int8(int256(uint256(uint8(proposals[id].features[i]))) - 128);
        }
    }

    /// @notice Whether a proposal may be executed, when it has waited. None may while the model must not be used.
    function mayPass(uint256 id) public view returns (bool) {
        Proposal storage proposal = proposals[id];
        uint256 verdict = verdicts[keccak256(abi.encodePacked(abi.encodePacked(proposal.features).pack()))];
        if (verdict == 0 || proposal.isVetoed || proposal.isExecuted) return false;
        if (!VERIFIER.isUsable(_MODEL, _VERSION)) return false;
        return verdict == PASSES + 1 || (verdict == HELD + 1 && proposal.isApproved);
    }

    /// @notice Approves a proposal that is held.
    function approve(uint256 id) external onlyCouncil(id) {
        proposals[id].isApproved = true;
    }

    /// @notice Stops a proposal for good.
    function veto(uint256 id) external onlyCouncil(id) {
        Proposal storage proposal = proposals[id];
        proposal.isVetoed = true;
        ++vetoedOf[proposal.proposer];
        --openOf[proposal.proposer];
    }

    /// @notice Makes the call of a proposal.
    function execute(uint256 id) external {
        Proposal storage proposal = proposals[id];
        if (!mayPass(id)) revert NotPassed(id);
        if (block.timestamp < proposal.executableFrom) revert TooEarly(proposal.executableFrom);
        proposal.isExecuted = true;
        ++executedOf[proposal.proposer];
        --openOf[proposal.proposer];
        isKnown[proposal.target] = true;
        (bool ok,) = proposal.target.call{value: proposal.value}(proposal.data);
        if (!ok) revert CallFailed(proposal.target);
        emit Executed(id);
    }

    /// @dev The verdict is on the features in the proof, whoever sends it, and counts for every proposal that has them.
    function _onInference(address, uint256[] calldata instances) internal override {
        bytes32 inputsHash = _inputsHash(instances);
        uint256 verdict = {{ project.prefix }}Io.class{{ project.claim }}(instances);
        verdicts[inputsHash] = verdict + 1;
        emit Screened(inputsHash, verdict);
    }

    function _feature(uint256 value) private pure returns (bytes1) {
        // forge-lint: disable-next-line(unsafe-typecast) at most 228
        return bytes1(uint8(128 + (value > 100 ? 100 : value)));
    }
}
