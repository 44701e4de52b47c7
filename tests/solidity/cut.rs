//! Models in parts for tests: keys, proofs, and their contracts on a chain.

use crate::fixture::SOLC;
use halo2_proofs::halo2curves::{
    bn256::{Bn256, Fq, Fr, G1, G1Affine, G2Affine},
    ff::PrimeField,
    group::{Curve, prime::PrimeCurveAffine},
    pairing::Engine,
};
use sha3::{Digest, Keccak256};
use std::{path::Path, sync::LazyLock};
use zkverdict::{
    bundle::{BundleError, PartsBundle, Work},
    circuit::{Goal, InstanceLayout, ModelCircuit, Plans, Wishes},
    evm::{Address, Called, Experiment, Fork, GasReport, Machine, Outcome},
    model::Model,
    proving::{Blindings, Judge, ModelProver, Options, PartsVerifier, Powers, Proof, Widths},
    solidity::{
        CompiledContract, CompilerSettings, Packing, PartContract, packing,
        verify_batch_calldata_of_words, verify_proof_calldata_of_words,
    },
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A model in parts, with proofs of two inferences.
pub struct Case {
    pub verifier: PartsVerifier,
    pub parts: Vec<CompiledContract>,
    pub proofs: [Proof; 2],
}

pub static CASES: [LazyLock<Case>; 3] = [
    LazyLock::new(|| Case::new("digits_cnn", 2)),
    LazyLock::new(|| Case::new("digits_cnn", 3)),
    LazyLock::new(|| Case::new("lenet5", 4)),
];

/// A chain with all contracts.
pub struct Deployed {
    pub machine: Machine,
    pub parts: Vec<Address>,
    pub whole: Address,
}

pub fn compiled(contract: &zkverdict::solidity::RenderedContract) -> CompiledContract {
    SOLC.compile(contract, CompilerSettings::default()).unwrap()
}

/// A model that is cut, and the circuits of its parts.
pub struct Planned {
    pub onnx: Vec<u8>,
    pub model: Model,
    pub layout: InstanceLayout,
    pub cuts: Vec<usize>,
    pub circuits: Vec<(ModelCircuit, Widths)>,
    /// How many their keys need.
    pub powers: usize,
}

impl Planned {
    pub fn new(name: &str, count: usize) -> Self {
        let path = Path::new(ROOT).join("test/fixtures/models").join(name).join("int8_qdq.onnx");
        let onnx = std::fs::read(path).unwrap();
        let model = Model::from_onnx(name, &onnx).unwrap();
        let layout = InstanceLayout::of_model(&model, false);
        let cuts = model.cuts_into(count).unwrap();
        let wishes = Wishes { packed: true, ..Wishes::default() };
        let mut most = 0;
        let circuits = model.cut(&cuts).unwrap().into_iter().enumerate().map(|(number, part)| {
            let layout = layout.of_part(&part, count, number);
            let plans = Plans::for_instances(&part.model, layout, wishes).unwrap();
            let circuit = plans.circuit(Goal::Gas);
            let Packing { widths, powers, .. } = packing(&circuit, Goal::Gas).unwrap();
            most = most.max(powers);
            (circuit, widths)
        });
        let circuits = circuits.collect();
        Self { onnx, model, layout, cuts, circuits, powers: most }
    }
}

impl Case {
    pub fn new(name: &str, count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let Planned { onnx, model, layout, cuts, mut circuits, powers } = Planned::new(name, count);
        let powers = Powers::unsafe_dev(powers);
        circuits.reverse();
        let mut provers = Vec::new();
        let made = PartsBundle::create(
            &folder.path().join("parts.zkv"),
            &onnx,
            (&model, &layout),
            &cuts,
            |part, _| {
                let (circuit, widths) = circuits.pop().unwrap();
                let prover = ModelProver::packed(part.model, circuit, &powers, &widths).unwrap();
                let verifier = prover.verifier().clone();
                provers.push(prover);
                Ok::<_, BundleError>((verifier, powers.clone()))
            },
        );
        let (bundle, verifier) = made.unwrap();
        let size = model.graph.tensors[model.inputs[0].tensor.0].len();
        let proofs = [1, 2].map(|seed| {
            let work = Work {
                inputs: vec![(0..size).map(|at| (at as i32 * 31 + seed * 7) % 256 - 128).collect()],
                contexts: vec![Fr::from(5)],
                commitments: Vec::new(),
                blindings: Blindings::draw(0),
                weights: None,
            };
            let proof = bundle.prove(&work, |number, _, work| {
                let proof = work.prove(&provers[number], &Options::default()).unwrap();
                Ok::<_, BundleError>(proof)
            });
            let proof = proof.unwrap();
            assert_eq!(verifier.verify(&proof), Ok(()));
            proof
        });
        let parts = verifier.parts().iter().enumerate().map(|(number, part)| {
            compiled(&part.contract(&format!("Part{number}")).unwrap().render().unwrap())
        });
        let parts = parts.collect();
        Self { verifier, parts, proofs }
    }

    /// The parts on a chain, and what the contract of the whole is told of them.
    pub fn parts_on(&self, machine: &mut Machine) -> Vec<PartContract> {
        let part = |part: &CompiledContract| {
            let deployment = machine.deploy(&part.init_code).unwrap();
            let code_hash = Keccak256::digest(&deployment.runtime).into();
            PartContract { address: deployment.address.into_array(), code_hash }
        };
        self.parts.iter().map(part).collect()
    }

    pub fn whole(&self, parts: &[PartContract]) -> CompiledContract {
        compiled(&self.verifier.contract("Whole", parts).unwrap())
    }

    /// The contract of the whole without one of its checks.
    pub fn weakened(&self, parts: &[PartContract], check: &str, instead: &str) -> CompiledContract {
        let mut rendered = self.verifier.contract("Whole", parts).unwrap();
        assert_eq!(rendered.source.matches(check).count(), 1, "{check}");
        rendered.source = rendered.source.replace(check, instead);
        compiled(&rendered)
    }

    pub fn deploy(&self) -> Deployed {
        self.deploy_with(|parts| self.whole(parts))
    }

    pub fn deploy_with(&self, whole: impl FnOnce(&[PartContract]) -> CompiledContract) -> Deployed {
        let mut machine = Machine::new(Fork::default());
        let parts = self.parts_on(&mut machine);
        let whole = machine.deploy(&whole(&parts).init_code).unwrap().address;
        let parts = parts.iter().map(|part| Address::from(part.address)).collect();
        Deployed { machine, parts, whole }
    }

    pub fn report(&self, calldata: &[u8], fork: Fork) -> GasReport {
        let parts = self.parts_on(&mut Machine::new(fork));
        let mut experiment = Experiment::new(&self.whole(&parts).init_code, calldata);
        for (number, part) in self.parts.iter().enumerate() {
            let (name, init_code) = (format!("Part{number}"), part.init_code.clone());
            experiment = experiment.with_called(Called { name, init_code, debug: None });
        }
        experiment.run(fork).unwrap()
    }

    /// Where each part's proof lies in that of the whole.
    pub fn ranges(&self) -> Vec<std::ops::Range<usize>> {
        let mut end = 32 * self.verifier.crossing();
        let lengths = self.verifier.parts().iter().map(|part| part.verifier.keys().proof_length());
        lengths
            .map(|length| {
                end += length;
                end - length..end
            })
            .collect()
    }

    /// A part's proof and instances, as the contract of the whole hands them on.
    pub fn split(&self, proof: &Proof, number: usize) -> (Vec<u8>, Vec<[u8; 32]>) {
        let part = &self.verifier.parts()[number];
        let name = |&number: &usize| proof.bytes[32 * number..][..32].try_into().unwrap();
        let [before, behind] = &part.own;
        let instances = proof.instances[before.clone()].iter().copied();
        let instances = instances.chain(part.names.iter().map(name));
        let instances = instances.chain(proof.instances[behind.clone()].iter().copied());
        (proof.bytes[self.ranges()[number].clone()].to_vec(), instances.collect())
    }

    /// Where [W'] lies, on which no challenge depends: before the commitments of links and what shows them.
    pub fn opening(&self, number: usize) -> usize {
        let links = self.verifier.parts()[number].names.len();
        self.ranges()[number].end - 64 * (links + 1) - 64
    }
}

pub fn calldata(proof: &Proof) -> Vec<u8> {
    verify_proof_calldata_of_words(&proof.bytes, &proof.instances)
}

pub fn batch(proofs: &[&Proof]) -> Vec<u8> {
    let (proofs, instances): (Vec<_>, Vec<_>) =
        proofs.iter().map(|proof| (&proof.bytes, &proof.instances)).unzip();
    verify_batch_calldata_of_words(&proofs, &instances)
}

pub fn selector(signature: &str) -> Vec<u8> {
    Keccak256::digest(signature)[..4].to_vec()
}

/// `WrongPart` with what a part has reverted with.
pub fn wrong_part(part: u8, reason: &[u8]) -> Vec<u8> {
    let number = |number: usize| {
        let mut word = [0; 32];
        word[24..].copy_from_slice(&(number as u64).to_be_bytes());
        word
    };
    let words = [number(part.into()), number(0x40), number(reason.len())].concat();
    let padding = vec![0; reason.len().next_multiple_of(32) - reason.len()];
    [&selector("WrongPart(uint256,bytes)")[..], &words, reason, &padding].concat()
}

/// With one number.
pub fn error(signature: &str, number: u8) -> Vec<u8> {
    let mut word = [0; 32];
    word[31] = number;
    [&selector(signature)[..], &word].concat()
}

impl Deployed {
    pub fn call(&mut self, to: Address, calldata: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        match self.machine.call(to, calldata).unwrap().outcome {
            Outcome::Returned(data) => Ok(data),
            Outcome::Reverted(data) => Err(data),
            other => panic!("{other:?}"),
        }
    }

    pub fn verify(&mut self, calldata: &[u8]) -> Result<(), Vec<u8>> {
        let mut yes = [0; 32];
        yes[31] = 1;
        self.call(self.whole, calldata).map(|data| assert_eq!(data, yes))
    }

    /// What a part returns for a proof: right and left.
    pub fn accumulate(&mut self, case: &Case, proof: &Proof, number: usize) -> [G1Affine; 2] {
        let (bytes, instances) = case.split(proof, number);
        let arguments = verify_proof_calldata_of_words(&bytes, &instances);
        let calldata = [&selector("accumulate(bytes,uint256[])"), &arguments[4..]].concat();
        let data = self.call(self.parts[number], &calldata).unwrap();
        assert_eq!(data.len(), 128);
        [point(&data[..64]), point(&data[64..])]
    }
}

pub fn point(bytes: &[u8]) -> G1Affine {
    let coordinate = |bytes: &[u8]| {
        let mut repr: [u8; 32] = bytes.try_into().unwrap();
        repr.reverse();
        Fq::from_repr(repr).unwrap()
    };
    let point = G1Affine { x: coordinate(&bytes[..32]), y: coordinate(&bytes[32..]) };
    assert!(bool::from(halo2_proofs::halo2curves::CurveAffine::is_on_curve(&point)));
    point
}

pub fn bytes(point: G1Affine) -> Vec<u8> {
    let coordinate = |coordinate: Fq| {
        let mut repr = coordinate.to_repr();
        repr.reverse();
        repr
    };
    [coordinate(point.x), coordinate(point.y)].concat()
}

/// The same proof with something added to its [W'] in one part.
pub fn moved(case: &Case, proof: &Proof, number: usize, by: G1) -> Proof {
    let mut moved = proof.clone();
    let place = &mut moved.bytes[case.opening(number)..][..64];
    let sum = (point(place) + by).to_affine();
    place.copy_from_slice(&bytes(sum));
    moved
}

pub fn pairing_holds(case: &Case, [right, left]: [G1Affine; 2]) -> bool {
    let tau_g2 = case.verifier.parts()[0].verifier.keys().tau_g2();
    Bn256::pairing(&left, &tau_g2) == Bn256::pairing(&right, &G2Affine::generator())
}

/// [τ]₁, which everybody knows: that of the development string, from its powers.
pub fn tau_g1() -> G1 {
    Powers::unsafe_dev(2).g1[1].to_curve()
}

/// Two proofs, each wrong in one part, whose pairings are wrong by the same and the opposite amount. With z the point that a part is
/// opened at, [W'] + Δ makes a pairing wrong by (τ − z)·Δ; and z·G is seen from what a part returns.
pub fn cancelling(
    case: &Case,
    deployed: &mut Deployed,
    [(first, one), (second, other)]: [(&Proof, usize); 2],
) -> [G1; 2] {
    let mut z = |proof: &Proof, number: usize| {
        let [right, _] = deployed.accumulate(case, proof, number);
        let moved = moved(case, proof, number, G1::generator());
        let [other, _] = deployed.accumulate(case, &moved, number);
        other.to_curve() - right
    };
    let (z_one, z_other) = (z(first, one), z(second, other));
    [tau_g1() - z_other, z_one - tau_g1()]
}
