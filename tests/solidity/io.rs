//! The input/output library, called through a contract.

use std::path::Path;

use revm::primitives::U256;
use sha3::Digest;
use zkverdict::{
    evm::{Fork, Outcome},
    solidity::{CompilerSettings, IoClaim, IoClaimKind, IoElement, IoHash, IoSpec, IoTensor},
};

use crate::fixture::{Deployed, SOLC};

fn spec() -> IoSpec {
    let tensor = |name: &str, shape: &[usize], element, scale, zero_point| IoTensor {
        name: name.to_owned(),
        shape: shape.to_vec(),
        element,
        scale,
        zero_point,
        notes: Vec::new(),
    };
    IoSpec {
        library: "ToyIo".to_owned(),
        model: "toy".to_owned(),
        inferences: 1,
        names_weights: false,
        committed: vec![],
        hashed: vec![],
        inputs: vec![
            tensor("x.1", &[5, 8], IoElement::Int8, 0.5, -128),
            tensor("mask", &[3], IoElement::Uint8, 1.0, 0),
        ],
        claims: Vec::new(),
        outputs: vec![
            tensor("x:1", &[4], IoElement::Int8, 0.003_921_569, 3),
            tensor("scores", &[2], IoElement::Uint8, 1024.0, 255),
        ],
    }
}

const HARNESS: &str = r#"
contract Harness {
    function pack(int8[] calldata x, uint8[] calldata mask, int8[] calldata y, uint8[] calldata scores)
        external pure returns (uint256[] memory instances)
    {
        instances = ToyIo.newInstances(7);
        ToyIo.packX1(x, instances);
        ToyIo.packMask(mask, instances);
        ToyIo.packX12(y, instances);
        ToyIo.packScores(scores, instances);
    }

    function check() external view {
        int8[] memory x = new int8[](40);
        for (uint256 i = 0; i < 40; ++i) x[i] = int8(int256(i) * 6 - 128);
        uint8[] memory mask = new uint8[](3);
        (mask[0], mask[1], mask[2]) = (0, 255, 128);
        int8[] memory y = new int8[](4);
        (y[0], y[1], y[2], y[3]) = (-128, 127, 127, 0);
        uint8[] memory scores = new uint8[](2);
        (scores[0], scores[1]) = (254, 255);
        uint256[] memory instances = this.pack(x, mask, y, scores);
        require(instances.length == 6 && ToyIo.NUM_INSTANCES == 6, "length");
        require(instances[0] == 7, "context");

        // Element t weighs 256^t, a byte is the element less the least of its type.
        uint256 first;
        for (uint256 i = 0; i < 31; ++i) first += uint256(int256(x[i]) + 128) * 256 ** i;
        require(instances[1] == first, "first word");
        uint256 second;
        for (uint256 i = 31; i < 40; ++i) second += uint256(int256(x[i]) + 128) * 256 ** (i - 31);
        require(instances[2] == second, "second word");
        require(instances[3] == 0x80ff00, "unsigned");

        int8[] memory back = ToyIo.unpackX1(instances);
        for (uint256 i = 0; i < 40; ++i) require(back[i] == x[i] && ToyIo.x1At(instances, i) == x[i], "x");
        require(ToyIo.unpackMask(instances)[1] == 255 && ToyIo.maskAt(instances, 2) == 128, "mask");
        require(ToyIo.unpackX12(instances)[0] == -128, "y");
        require(ToyIo.argmaxX12(instances) == 1, "argmax takes the first");
        require(ToyIo.argmaxScores(instances) == 1, "argmax");

        // The same from bytes.
        bytes memory raw = new bytes(40);
        for (uint256 i = 0; i < 40; ++i) raw[i] = bytes1(uint8(x[i]));
        uint256[] memory again = ToyIo.newInstances(7);
        ToyIo.packX1(raw, again);
        require(again[1] == first && again[2] == second, "bytes");
        require(keccak256(ToyIo.unpackX1Bytes(again)) == keccak256(raw), "bytes again");
        require(ToyIo.unpackMaskBytes(instances).length == 3 && ToyIo.unpackMaskBytes(instances)[1] == 0xff, "unsigned bytes");

        require(ToyIo.dequantizeX1(-128) == 0, "zero point");
        require(ToyIo.dequantizeX1(127) == 127.5e18, "half steps");
        require(ToyIo.dequantizeScores(254) == -1024e18, "large");
        // 0.003921569f = 16843009 / 2^32 is 0.0039215688593685627…
        require(ToyIo.dequantizeX12(4) == 3921568859368563, "rounded");
        require(ToyIo.dequantizeX12(2) == -3921568859368563, "away from zero");
        require(ToyIo.contextOf(address(1), address(2), 3) != ToyIo.contextOf(address(1), address(2), 4), "context");
    }
}
"#;

const PACK: &str = "pack(int8[],uint8[],int8[],uint8[])";

fn deploy(spec: &IoSpec, harness: &str, settings: CompilerSettings) -> Deployed {
    let source = spec.render().unwrap() + harness;
    let compiled = SOLC.compile_source("Harness", &source, settings).unwrap();
    Deployed::new(&compiled, Fork::default())
}

fn calldata(signature: &str, arguments: &[U256]) -> Vec<u8> {
    let mut calldata = sha3::Keccak256::digest(signature)[..4].to_vec();
    calldata.extend(arguments.iter().flat_map(|word| word.to_be_bytes::<32>()));
    calldata
}

fn call(signature: &str, arguments: &[U256]) -> Outcome {
    let mut deployed = deploy(&spec(), HARNESS, CompilerSettings::default());
    deployed.call(&calldata(signature, arguments)).outcome
}

#[test]
fn tensors_are_packed_and_read_back() {
    assert_eq!(spec().num_instances(), 6);
    assert_eq!(call("check()", &[]), Outcome::Returned(vec![]));
}

/// Three inferences: contexts, the shared name, three words of input each, one that a claim compares with each, what it says of each,
/// two of output each.
#[test]
fn inferences_of_a_batch_are_told_apart() {
    let of_claim =
        |name: &str| IoTensor { name: name.to_owned(), shape: vec![], ..spec().outputs[0].clone() };
    let claim = IoClaim {
        name: "x:1".into(),
        kind: IoClaimKind::Threshold,
        parameter: Some(of_claim("x:1.threshold")),
        result: IoTensor { element: IoElement::Uint8, shape: vec![4], ..of_claim("x:1.holds") },
        is_of_positions: false,
    };
    let committed = vec!["key".to_owned()];
    let batch = IoSpec { inferences: 3, committed, claims: vec![claim], ..spec() };
    assert_eq!((batch.num_instances(), batch.num_batch_instances()), (9, 25));
    let harness = r#"
    contract Harness {
        function check() external view {
            require(ToyIo.NUM_INFERENCES == 3 && ToyIo.NUM_BATCH_INSTANCES == 25 && ToyIo.NUM_INSTANCES == 9, "counts");
            uint256[] memory batch = new uint256[](25);
            for (uint256 i = 0; i < 25; ++i) batch[i] = 100 + i;
            uint256[] memory made = new uint256[](25);
            for (uint256 i = 0; i < 3; ++i) {
                uint256[] memory one = ToyIo.inferenceOf(batch, i);
                require(one[0] == 100 + i && one[1] == 103, "context and name");
                for (uint256 j = 0; j < 3; ++j) require(one[2 + j] == 104 + 3 * i + j, "inputs");
                require(one[5] == 113 + i && one[6] == 116 + i, "claims");
                for (uint256 j = 0; j < 2; ++j) require(one[7 + j] == 119 + 2 * i + j, "outputs");
                ToyIo.putInference(one, made, i);
            }
            require(keccak256(abi.encode(made)) == keccak256(abi.encode(batch)), "put");
            try this.one(batch, 3) { revert("there are three"); } catch {}
            try this.one(new uint256[](24), 0) { revert("an instance is missing"); } catch {}
        }

        function one(uint256[] memory batch, uint256 i) external pure returns (uint256[] memory) {
            return ToyIo.inferenceOf(batch, i);
        }
    }
    "#;
    let mut deployed = deploy(&batch, harness, CompilerSettings::default());
    assert_eq!(deployed.call(&calldata("check()", &[])).outcome, Outcome::Returned(vec![]));
}

#[test]
fn tensor_of_another_length_is_refused() {
    // Four empty arrays.
    let mut arguments: Vec<U256> = (0..4).map(|i| U256::from(0x80 + 0x20 * i)).collect();
    arguments.extend([U256::ZERO; 4]);
    match call(PACK, &arguments) {
        Outcome::Reverted(data) => {
            let selector = sha3::Keccak256::digest("TensorLength(uint256,uint256)");
            assert_eq!(data[..4], selector[..4]);
            assert_eq!(data[4 + 63], 40);
        }
        other => panic!("{other:?}"),
    }
}

/// A hash stands where its input would.
#[test]
fn hashes_are_read_where_they_stand() {
    let hashed = vec![IoHash { input: "key".into(), inputs_before: 1 }];
    let spec = IoSpec { hashed, ..spec() };
    assert_eq!(spec.num_instances(), 7);
    let harness = r#"
contract Harness {
    function check(uint256[] memory instances) external pure {
        require(ToyIo.NUM_INSTANCES == 7 && ToyIo.KEY_HASH == 3 && ToyIo.MASK_INSTANCE == 4, "where");
        require(ToyIo.hashOfKey(instances) == 13, "key");
        require(ToyIo.maskAt(instances, 0) == 14 && ToyIo.scoresAt(instances, 0) == 16, "tensors");
    }
}
"#;
    takes_just(&spec, harness, 7, [3, 6, 8]);
}

/// That a harness takes instances 10, 11, … if they are so many, and no others.
#[track_caller]
fn takes_just(spec: &IoSpec, harness: &str, taken: u64, refused: [u64; 3]) {
    let mut deployed = deploy(spec, harness, CompilerSettings::default());
    let mut check = |count: u64| {
        let words = [U256::from(0x20), U256::from(count)];
        let instances = (0..count).map(|i| U256::from(10 + i));
        let arguments: Vec<U256> = words.into_iter().chain(instances).collect();
        deployed.call(&calldata("check(uint256[])", &arguments)).outcome
    };
    assert_eq!(check(taken), Outcome::Returned(vec![]));
    for count in refused {
        let Outcome::Reverted(data) = check(count) else { panic!("accepted {count}") };
        assert_eq!(data[..4], sha3::Keccak256::digest("InstanceCount(uint256,uint256)")[..4]);
    }
}

/// What is committed stands between the context and the tensors.
#[test]
fn names_are_read_where_they_stand() {
    let committed = ["x.1", "x 1"].map(str::to_owned).to_vec();
    let spec = IoSpec { committed, ..spec() };
    assert_eq!(spec.num_instances(), 8);
    let harness = r#"
contract Harness {
    function check(uint256[] memory instances) external pure {
        require(ToyIo.NUM_INSTANCES == 8 && ToyIo.X_1_NAME == 1 && ToyIo.X_1_2_NAME == 2, "where");
        require(ToyIo.nameOfX1(instances) == bytes32(uint256(11)), "x.1");
        require(ToyIo.nameOfX12(instances) == bytes32(uint256(12)), "x 1");
        require(ToyIo.x1At(instances, 0) == 13 - 128 && ToyIo.scoresAt(instances, 0) == 17, "tensors");
    }
}
"#;
    takes_just(&spec, harness, 8, [2, 7, 9]);
}

/// `test/RenderedIo.t.sol` measures this library and compares it with a plain specification, for random tensors and (by
/// `script/symbolic.sh`) for all.
#[test]
fn the_library_is_rendered_as_it_was_reviewed() {
    let tensor = |name: &str, element, length: usize| IoTensor {
        name: name.to_owned(),
        shape: vec![length],
        element,
        scale: 1.0,
        zero_point: 0,
        notes: Vec::new(),
    };
    let library = IoSpec {
        library: "RenderedIo".to_owned(),
        model: "two images".to_owned(),
        inferences: 1,
        names_weights: false,
        committed: vec![],
        hashed: vec![],
        inputs: vec![
            tensor("signed", IoElement::Int8, 784),
            tensor("unsigned", IoElement::Uint8, 784),
        ],
        claims: Vec::new(),
        // One fills its last instance, the other does not.
        outputs: vec![
            tensor("four signed", IoElement::Int8, 124),
            tensor("four unsigned", IoElement::Uint8, 100),
        ],
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("test/fixtures/io/RenderedIo.sol");
    let source = library.render().unwrap();
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &source).unwrap();
    }
    let reviewed = std::fs::read_to_string(&path).unwrap();
    assert!(source == reviewed, "the library is not that of `{}`", path.display());
}

/// The compiler copies arrays from calldata without looking at what lies above their elements, unless it goes through Yul.
/// Nobody may change other elements by it.
#[test]
fn what_lies_above_an_element_changes_no_other() {
    let arrays = |dirt: U256| {
        let mut arguments: Vec<U256> = vec![];
        let mut tails: Vec<U256> = vec![];
        for length in [40, 3, 4, 2] {
            arguments.push(U256::from(0x80 + 0x20 * tails.len()));
            tails.push(U256::from(length));
            tails.extend((0..length).map(|i| U256::from(i) | dirt));
        }
        arguments.extend(tails);
        arguments
    };
    let dirt = [U256::MAX << 8, U256::from(0x5a) << 8, U256::from(1) << 255];
    for via_ir in [false, true] {
        let mut settings = CompilerSettings::default();
        settings.via_ir = via_ir;
        let mut deployed = deploy(&spec(), HARNESS, settings);
        let clean = deployed.call(&calldata(PACK, &arrays(U256::ZERO))).outcome;
        assert!(matches!(clean, Outcome::Returned(_)), "{clean:?}");
        for dirt in dirt {
            let outcome = deployed.call(&calldata(PACK, &arrays(dirt))).outcome;
            let expected = if via_ir { Outcome::Reverted(vec![]) } else { clean.clone() };
            assert_eq!(outcome, expected, "{dirt:#x}");
        }
    }
}

#[test]
fn scale_of_zero_is_refused() {
    let mut spec = spec();
    spec.inputs[0].scale = 0.0;
    assert!(spec.render().is_err());
}
