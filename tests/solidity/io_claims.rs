//! What the library says of claims, called through a contract.

use revm::primitives::U256;
use sha3::Digest;
use zkverdict::{
    evm::{Fork, Outcome},
    solidity::{CompilerSettings, IoClaim, IoClaimKind, IoElement, IoSpec, IoTensor},
};

use crate::fixture::{Deployed, SOLC};

/// A parameter of this shape whose step is 0.5 and whose zero is 3.
fn half(shape: &[usize]) -> (&[usize], f32, i32) {
    (shape, 0.5, 3)
}

/// Claims of all kinds about an output whose step is 0.5 and whose zero is 3, and about one whose step is no fraction of 10⁻¹⁸.
fn spec() -> IoSpec {
    let tensor = |name: &str, shape: &[usize], element, scale, zero_point| IoTensor {
        name: name.to_owned(),
        shape: shape.to_vec(),
        element,
        scale,
        zero_point,
        notes: Vec::new(),
    };
    let claim = |name: &str,
                 kind,
                 (of, scale, zero_point): (&[usize], f32, i32),
                 says: &[usize]| {
        let is_alone = matches!(kind, IoClaimKind::ArgMax | IoClaimKind::Top | IoClaimKind::Values);
        let chosen = || tensor(&format!("{name}.chosen"), of, IoElement::Int8, scale, zero_point);
        IoClaim {
            name: name.to_owned(),
            kind,
            parameter: (!is_alone).then(chosen),
            result: tensor(&format!("{name}.said"), says, IoElement::Uint8, 1.0, 0),
            is_of_positions: false,
        }
    };
    let mut class = claim("class", IoClaimKind::Equal, (&[], 1.0, 0), &[]);
    class.is_of_positions = true;
    class.parameter.as_mut().unwrap().element = IoElement::Uint8;
    let mut value = claim("y[0]", IoClaimKind::Values, half(&[]), &[]);
    value.result = tensor("y[0].said", &[], IoElement::Int8, 0.5, 3);
    IoSpec {
        library: "ClaimsIo".to_owned(),
        model: "claims".to_owned(),
        inferences: 1,
        names_weights: false,
        committed: Vec::new(),
        hashed: vec![],
        inputs: vec![tensor("x", &[32], IoElement::Int8, 1.0, 0)],
        claims: vec![
            claim("y", IoClaimKind::Threshold, half(&[]), &[3]),
            claim("y[1]", IoClaimKind::Threshold, (&[], 0.003_921_569, -128), &[]),
            claim("y[2]:range", IoClaimKind::Range, half(&[2]), &[]),
            claim("y[2]:bucket", IoClaimKind::Bucket, half(&[3]), &[]),
            claim("y[2]:equal", IoClaimKind::Equal, (&[], 0.003_921_569, 3), &[]),
            class,
            claim("y:argmax", IoClaimKind::ArgMax, half(&[]), &[]),
            claim("y:top", IoClaimKind::Top, half(&[]), &[2]),
            value,
        ],
        outputs: vec![tensor("z", &[1], IoElement::Uint8, 1.0, 0)],
    }
}

const HARNESS: &str = r#"
contract Harness {
    function one(int8 element) internal pure returns (int8[] memory elements) {
        elements = new int8[](1);
        elements[0] = element;
    }

    function bit(uint8 element) internal pure returns (uint8[] memory elements) {
        elements = new uint8[](1);
        elements[0] = element;
    }

    function thresholds() external pure {
        uint256[] memory instances = ClaimsIo.newInstances(7);
        require(instances.length == 19 && ClaimsIo.Y_CHOSEN_INSTANCE == 3, "parameters come after inputs");
        require(ClaimsIo.Y_SAID_INSTANCE == 9 && ClaimsIo.Z_INSTANCE == 18, "what is said comes before outputs");
        // (5 - 3) / 2 = 1
        ClaimsIo.packYChosen(one(5), instances);
        uint8[] memory bits = new uint8[](3);
        bits[1] = 1;
        ClaimsIo.packYSaid(bits, instances);
        require(ClaimsIo.thresholdY(instances) == 1e18, "threshold");
        require(ClaimsIo.isAtLeastY(instances, 1e18, 1), "the threshold itself");
        require(ClaimsIo.isAtLeastY(instances, 1e18 - 1, 1) && ClaimsIo.isAtLeastY(instances, -5e18, 1), "lower ones");
        require(!ClaimsIo.isAtLeastY(instances, 1e18 + 1, 1), "not a higher one");
        require(!ClaimsIo.isAtLeastY(instances, 0, 0) && !ClaimsIo.isAtLeastY(instances, 0, 2), "it holds for one alone");
        require(ClaimsIo.isBelowY(instances, 1e18, 0) && ClaimsIo.isBelowY(instances, 1e18 + 1, 2), "below");
        require(!ClaimsIo.isBelowY(instances, 1e18 - 1, 0), "not below less than the threshold");
        require(!ClaimsIo.isBelowY(instances, 9e18, 1), "not below where it holds");
    }

    /// A step is 0.0039215688593685626983642578125: what lies between two units of 10^-18 is rounded to the safe side.
    function fractions() external pure {
        uint256[] memory instances = ClaimsIo.newInstances(7);
        ClaimsIo.packY1Chosen(one(-127), instances);
        ClaimsIo.packY1Said(bit(1), instances);
        require(ClaimsIo.thresholdY1(instances) == 3921568859368563, "nearest");
        require(ClaimsIo.isAtLeastY1(instances, 3921568859368562), "no more than what is proved");
        require(!ClaimsIo.isAtLeastY1(instances, 3921568859368563), "more than what is proved");
        ClaimsIo.packY1Said(bit(0), instances);
        require(ClaimsIo.isBelowY1(instances, 3921568859368563), "no less than what is proved");
        require(!ClaimsIo.isBelowY1(instances, 3921568859368562), "less than what is proved");
        // The same below zero: 2 - 3 steps.
        ClaimsIo.packY2EqualChosen(one(2), instances);
        ClaimsIo.packY2EqualSaid(bit(1), instances);
        require(ClaimsIo.equalsY2Equal(instances, -3921568859368563), "a value is the nearest");
        require(!ClaimsIo.equalsY2Equal(instances, -3921568859368562), "another value");
        ClaimsIo.packY2EqualSaid(bit(0), instances);
        require(!ClaimsIo.equalsY2Equal(instances, -3921568859368563), "it does not hold");
    }

    function ranges() external pure {
        uint256[] memory instances = ClaimsIo.newInstances(7);
        int8[] memory range = new int8[](2);
        // -1 to 1.5
        (range[0], range[1]) = (1, 6);
        ClaimsIo.packY2RangeChosen(range, instances);
        ClaimsIo.packY2RangeSaid(bit(1), instances);
        require(ClaimsIo.isWithinY2Range(instances, -1e18, 1.5e18), "the range itself");
        require(ClaimsIo.isWithinY2Range(instances, -1e18 - 1, 1.5e18 + 1), "a wider one");
        require(!ClaimsIo.isWithinY2Range(instances, -1e18 + 1, 1.5e18), "not with a higher end below");
        require(!ClaimsIo.isWithinY2Range(instances, -1e18, 1.5e18 - 1), "not with a lower end above");
        (int256 low, int256 high) = ClaimsIo.rangeY2Range(instances);
        require(low == -1e18 && high == 1.5e18, "its ends");
        ClaimsIo.packY2RangeSaid(bit(0), instances);
        require(!ClaimsIo.isWithinY2Range(instances, -1e18, 1.5e18), "it does not hold");
    }

    function bucket(int256 a, int256 b, int256 c) external pure returns (uint256) {
        uint256[] memory instances = ClaimsIo.newInstances(7);
        int8[] memory bounds = new int8[](3);
        // 0, 0.5 and 2
        (bounds[0], bounds[1], bounds[2]) = (3, 4, 7);
        ClaimsIo.packY2BucketChosen(bounds, instances);
        ClaimsIo.packY2BucketSaid(bit(2), instances);
        require(ClaimsIo.boundsY2Bucket(instances)[2] == 2e18, "bounds");
        return ClaimsIo.bucketY2Bucket(instances, [a, b, c]);
    }

    function positions() external pure {
        uint256[] memory instances = ClaimsIo.newInstances(7);
        ClaimsIo.packClassChosen(bit(200), instances);
        ClaimsIo.packClassSaid(bit(1), instances);
        require(ClaimsIo.equalsClass(instances, 200) && !ClaimsIo.equalsClass(instances, 199), "class");
        ClaimsIo.packY0Said(one(4), instances);
        require(ClaimsIo.valueY0(instances) == 0.5e18, "value");
        ClaimsIo.packYArgmaxSaid(bit(9), instances);
        require(ClaimsIo.classYArgmax(instances) == 9, "argmax");
        uint8[] memory top = new uint8[](2);
        (top[0], top[1]) = (4, 3);
        ClaimsIo.packYTopSaid(top, instances);
        require(ClaimsIo.topYTop(instances)[0] == 4 && ClaimsIo.topYTop(instances)[1] == 3, "top");
    }
}
"#;

fn call(signature: &str, arguments: &[i128]) -> Outcome {
    let source = spec().render().unwrap() + HARNESS;
    let compiled = SOLC.compile_source("Harness", &source, CompilerSettings::default()).unwrap();
    let mut calldata = sha3::Keccak256::digest(signature)[..4].to_vec();
    for &argument in arguments {
        let word = U256::from(argument.unsigned_abs());
        let word = if argument < 0 { U256::ZERO - word } else { word };
        calldata.extend(word.to_be_bytes::<32>());
    }
    Deployed::new(&compiled, Fork::default()).call(&calldata).outcome
}

#[test]
fn claims_are_read_in_the_models_units() {
    assert_eq!(spec().num_instances(), 19);
    for function in ["thresholds()", "fractions()", "ranges()", "positions()"] {
        assert_eq!(call(function, &[]), Outcome::Returned(vec![]), "{function}");
    }
}

/// Bounds that become the same steps are the same; others are refused.
#[test]
fn a_bucket_between_other_bounds_is_refused() {
    const BUCKET: &str = "bucket(int256,int256,int256)";
    let unit = 1_000_000_000_000_000_000_i128;
    let two = Outcome::Returned(U256::from(2).to_be_bytes::<32>().to_vec());
    for bounds in
        [[0, unit / 2, 2 * unit], [0, unit / 2, 2 * unit - 1], [1 - unit / 2, 1, 3 * unit / 2 + 1]]
    {
        assert_eq!(call(BUCKET, &bounds), two, "{bounds:?}");
    }
    let others = [
        [1, unit / 2, 2 * unit],
        [0, unit / 2 + 1, 2 * unit],
        [0, 0, 2 * unit],
        [0, 1, 3 * unit / 2],
    ];
    for bounds in others {
        match call(BUCKET, &bounds) {
            Outcome::Reverted(data) => {
                let selector = sha3::Keccak256::digest("OtherBound(uint256,int256)");
                assert_eq!(data[..4], selector[..4], "{bounds:?}");
            }
            other => panic!("{bounds:?}: {other:?}"),
        }
    }
}
