//! The input/output library, called through a contract.

use revm::primitives::U256;
use zkverdict::{
    evm::{Fork, Outcome},
    solidity::{CompilerSettings, IoElement, IoSpec, IoTensor},
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
        inputs: vec![
            tensor("x.1", &[5, 8], IoElement::Int8, 0.5, -128),
            tensor("mask", &[3], IoElement::Uint8, 1.0, 0),
        ],
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

fn call(signature: &str, arguments: &[U256]) -> Outcome {
    let source = spec().render().unwrap() + HARNESS;
    let compiled = SOLC.compile_source("Harness", &source, CompilerSettings::default()).unwrap();
    let mut deployed = Deployed::new(&compiled, Fork::default());
    use sha3::Digest;
    let mut calldata = sha3::Keccak256::digest(signature)[..4].to_vec();
    calldata.extend(arguments.iter().flat_map(|word| word.to_be_bytes::<32>()));
    deployed.call(&calldata).outcome
}

#[test]
fn tensors_are_packed_and_read_back() {
    assert_eq!(spec().num_instances(), 6);
    assert_eq!(call("check()", &[]), Outcome::Returned(vec![]));
}

#[test]
fn tensor_of_another_length_is_refused() {
    // Four empty arrays.
    let mut arguments: Vec<U256> = (0..4).map(|i| U256::from(0x80 + 0x20 * i)).collect();
    arguments.extend([U256::ZERO; 4]);
    match call("pack(int8[],uint8[],int8[],uint8[])", &arguments) {
        Outcome::Reverted(data) => {
            use sha3::Digest;
            let selector = sha3::Keccak256::digest("TensorLength(uint256,uint256)");
            assert_eq!(data[..4], selector[..4]);
            assert_eq!(data[4 + 63], 40);
        }
        other => panic!("{other:?}"),
    }
}

const METER: &str = r"
contract Harness {
    function gasOf() external view returns (uint256, uint256, uint256, uint256) {
        int8[] memory elements = new int8[](784);
        bytes memory raw = new bytes(784);
        uint256[] memory instances = ToyIo.newInstances(7);
        uint256[5] memory at;
        at[0] = gasleft();
        ToyIo.packX(elements, instances);
        at[1] = gasleft();
        ToyIo.packX(raw, instances);
        at[2] = gasleft();
        ToyIo.unpackX(instances);
        at[3] = gasleft();
        ToyIo.unpackXBytes(instances);
        at[4] = gasleft();
        return (at[0] - at[1], at[1] - at[2], at[2] - at[3], at[3] - at[4]);
    }
}
";

/// Gas of packing and unpacking an image of 28 × 28 pixels: a small part of a verification. From and to bytes it takes no more
/// than `PackedTensor`'s bounds; elements in words of their own are loaded and stored one by one.
#[test]
fn an_image_is_packed_and_read_back_cheaply() {
    let mut spec = spec();
    spec.inputs.truncate(1);
    (spec.inputs[0].name, spec.inputs[0].shape) = ("x".into(), vec![784]);
    let source = spec.render().unwrap() + METER;
    let compiled = SOLC.compile_source("Harness", &source, CompilerSettings::default()).unwrap();
    let mut deployed = Deployed::new(&compiled, Fork::default());
    use sha3::Digest;
    let Outcome::Returned(data) = deployed.call(&sha3::Keccak256::digest("gasOf()")[..4]).outcome
    else {
        panic!("the meter reverts")
    };
    let limits =
        [("pack", 20_000), ("pack bytes", 13_500), ("unpack", 31_000), ("unpack bytes", 13_500)];
    for ((what, limit), word) in limits.into_iter().zip(data.chunks(32)) {
        let gas = U256::from_be_slice(word);
        println!("{what}: {gas} gas");
        assert!(gas <= U256::from(limit), "{what} takes {gas} gas");
    }
}

#[test]
fn scale_of_zero_is_refused() {
    let mut spec = spec();
    spec.inputs[0].scale = 0.0;
    assert!(spec.render().is_err());
}
