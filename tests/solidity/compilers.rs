//! The same contract under old and new compilers, every pipeline and fork: the same answers.

use foundry_compilers::artifacts::EvmVersion;
use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use zkverdict::{
    evm::Fork,
    solidity::{
        CompilerSettings, Refusal, SolidityCompiler, verify_batch_calldata, verify_proof_calldata,
    },
};

use crate::fixture::{Deployed, RICH, SOLC, solc, verdict};

/// Calldata and what the contract says to it.
pub fn questions() -> Vec<(Vec<u8>, Result<(), Refusal>)> {
    let proof = &RICH.proof;
    let instances = RICH.instances.concat();
    let mut wrong_instances = instances.clone();
    wrong_instances[0] += Fr::ONE;
    let mut wrong_point = proof.clone();
    wrong_point[0x5f] ^= 1;
    let mut wrong_evaluation = proof.clone();
    let evaluation = proof.len() - 0xa0;
    wrong_evaluation[evaluation..evaluation + 0x20].fill(0xff);
    let mut trailing = verify_proof_calldata(proof, &instances);
    trailing.push(0);
    let expected = proof.len() as u64;
    vec![
        (verify_proof_calldata(proof, &instances), Ok(())),
        (verify_proof_calldata(proof, &wrong_instances), Err(Refusal::InvalidProof)),
        (
            verify_proof_calldata(&wrong_point, &instances),
            Err(Refusal::PointNotOnCurve { index: 1 }),
        ),
        (
            verify_proof_calldata(&proof[..32], &instances),
            Err(Refusal::ProofLength { got: 32, expected }),
        ),
        (trailing, Err(Refusal::MalformedCalldata)),
        (verify_batch_calldata(&[proof, proof], &[&instances, &instances]), Ok(())),
        (
            verify_batch_calldata(&[proof, proof], &[&instances, &wrong_instances]),
            Err(Refusal::InvalidProof),
        ),
    ]
}

fn same_answers(compiler: &SolidityCompiler, pipelines: &[(bool, bool)], forks: &[EvmVersion]) {
    let rendered = RICH.contract.render().unwrap();
    for &(via_ir, optimizer) in pipelines {
        for &evm_version in forks {
            let mut settings = CompilerSettings::default();
            settings.via_ir = via_ir;
            settings.optimizer = optimizer;
            settings.evm_version = evm_version;
            let compiled = compiler.compile(&rendered, settings).unwrap();
            // Far from the memory that the contract takes for itself.
            if let Some(reserved) = compiled.reserved_memory() {
                let base = compiled.memory_base().unwrap();
                assert!(reserved * 4 <= base * 3, "{reserved} of {base} under {settings:?}");
            }
            let mut deployed = Deployed::new(&compiled, Fork::default());
            for (i, (calldata, expected)) in questions().into_iter().enumerate() {
                let run = deployed.call(&calldata);
                assert_eq!(verdict(&run), expected, "question {i} under {settings:?}");
            }
        }
    }
}

const PIPELINES: [(bool, bool); 4] = [(false, true), (false, false), (true, true), (true, false)];

/// What a later fork changes is which instructions the optimizer of Yul may choose.
const OPTIMIZED_YUL: [(bool, bool); 1] = [(true, true)];

#[test]
fn newest_compiler_gives_the_same_answers() {
    same_answers(&SOLC, &PIPELINES, &[EvmVersion::Paris]);
    same_answers(&SOLC, &OPTIMIZED_YUL, &[EvmVersion::Cancun]);
}

#[test]
fn solc_0_8_28_gives_the_same_answers() {
    let compiler = solc("tools/solc-0.8.28");
    same_answers(&compiler, &PIPELINES, &[EvmVersion::Paris]);
    same_answers(&compiler, &OPTIMIZED_YUL, &[EvmVersion::Cancun]);
}

#[test]
fn solc_0_8_20_gives_the_same_answers() {
    // It knows no Cancun.
    same_answers(&solc("tools/solc-0.8.20"), &PIPELINES, &[EvmVersion::Paris]);
}
