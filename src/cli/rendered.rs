//! All contracts of a bundle, rendered and compiled: where a model is in parts, where its parts' contracts lie is part of the code that
//! calls them.

use super::bundle::AnyVerifier;
use super::contract::{CompilerArgs, compile, render, render_contract};
use super::{CliError, Console};
use crate::bundle::contract_prefix;
use crate::evm::{Address, B256, keccak256};
use crate::proving::Judge;
use crate::solidity::{self, CompiledContract, PartContract, RenderedContract, SolidityCompiler};

/// The deterministic deployer.
pub const DEPLOYER: Address = Address::new(solidity::DEPLOYER);

/// A contract.
pub struct Rendered {
    /// Its source.
    pub rendered: RenderedContract,
    /// What the compiler made of it.
    pub compiled: CompiledContract,
}

/// The contracts of a bundle, in the order in which they are deployed: first those of a model's parts, where it is in
/// parts. Proofs are sent to the last.
pub struct AllRendered {
    /// Those before the last, and where they lie.
    pub parts: Vec<(Rendered, Address)>,
    /// The last.
    pub verifier: Rendered,
}

impl AllRendered {
    /// Renders and compiles them, the last under the model's name or another; of parts it is said, by number, where they will lie.
    pub fn new(
        verifier: &AnyVerifier,
        name: Option<&str>,
        place: impl Fn(u64, &CompiledContract) -> Address,
        (args, compiler): (&CompilerArgs, &SolidityCompiler),
        console: &Console,
    ) -> Result<Self, CliError> {
        let made = |rendered: RenderedContract| {
            let compiled = compile(&rendered, compiler, console)?;
            Ok::<_, CliError>(Rendered { rendered, compiled })
        };
        let whole = match verifier {
            AnyVerifier::Whole(verifier) => {
                let verifier = made(render(verifier, name, args)?)?;
                return Ok(Self { parts: Vec::new(), verifier });
            }
            AnyVerifier::Parts(verifier) => verifier,
        };
        let prefix = contract_prefix(&whole.model().name);
        let parts = (0..).zip(whole.parts()).map(|(number, part)| {
            let own = match name {
                Some(name) => format!("{name}Part{}", number + 1),
                None => prefix.with(&format!("Part{}Verifier", number + 1)),
            };
            let made = made(render_contract(part.contract(&own)?, args)?)?;
            let address = place(number, &made.compiled);
            Ok::<_, CliError>((made, address))
        });
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let lies = parts.iter().map(|(part, address)| PartContract {
            address: address.into_array(),
            code_hash: code_hash(&part.compiled, *address).0,
        });
        let name = name.map_or_else(|| prefix.with("Verifier"), str::to_owned);
        let verifier = made(whole.contract(&name, &lies.collect::<Vec<_>>())?)?;
        Ok(Self { parts, verifier })
    }
}

/// Where the deterministic deployer puts a contract.
pub fn predict(compiled: &CompiledContract, salt: B256) -> Address {
    DEPLOYER.create2(salt, keccak256(&compiled.init_code))
}

/// Keccak-256 of the code that will lie at an address.
pub fn code_hash(compiled: &CompiledContract, at: Address) -> B256 {
    let mut code = compiled.runtime_code.clone();
    // The one immutable is the address of the contract with the key's points, the first that the constructor makes.
    let key_data = at.create(1).into_word();
    for place in &compiled.immutables {
        code[place.clone()].copy_from_slice(&key_data[key_data.len() - place.len()..]);
    }
    keccak256(code)
}
