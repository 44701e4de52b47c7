//! The verbs. Each file holds one: its arguments, its result, and `run`.

#[cfg(all(feature = "compile", feature = "chain"))]
mod attest;
#[cfg(feature = "compile")]
mod bench;
mod certify;
mod commit;
#[cfg(all(feature = "compile", feature = "chain"))]
mod demo;
#[cfg(all(feature = "compile", feature = "chain"))]
mod deploy;
#[cfg(all(feature = "compile", feature = "chain"))]
mod doctor;
#[cfg(all(feature = "compile", feature = "chain"))]
mod explain;
#[cfg(feature = "compile")]
mod gas;
#[cfg(all(feature = "compile", feature = "chain"))]
mod init;
mod inspect;
#[cfg(feature = "cluster")]
mod jobs;
mod keygen;
mod prove;
mod quantize;
#[cfg(all(feature = "compile", feature = "chain"))]
mod registry;
#[cfg(feature = "compile")]
mod render;
mod run;
mod schema;
mod shell;
#[cfg(all(feature = "compile", feature = "chain"))]
mod submit;
mod verify;
#[cfg(all(feature = "compile", feature = "chain"))]
mod watch;
#[cfg(feature = "cluster")]
mod worker;

use super::{Answer, CliError, Console};

/// What the command can do.
#[derive(clap::Subcommand)]
pub enum Verb {
    /// Read a model and print what it is and what it will cost
    Inspect(inspect::Args),
    /// Compute the model's outputs on integers, without any proof
    Run(run::Args),
    /// Make an int8 model of a float one, from example inputs
    Quantize(quantize::Args),
    /// Plan the layout, make the keys, write the bundle
    Keygen(keygen::Args),
    /// Say what the integers of an input mean: check such a document, or begin one
    Schema(schema::Args),
    /// Hide an input behind a name that proofs can be about
    Commit(commit::Args),
    /// Make a proof file
    Prove(prove::Args),
    /// Check a proof file
    Verify(verify::Args),
    /// Check that a bundle's key computes a model, without trust in whoever made it
    Certify(certify::Args),
    /// Write the verifier contract, its interface and the standard JSON
    #[cfg(feature = "compile")]
    Render(render::Args),
    /// Run the contract on a proof in process and report its gas
    #[cfg(feature = "compile")]
    Gas(Box<gas::Args>),
    /// Deploy the verifier to a chain
    #[cfg(all(feature = "compile", feature = "chain"))]
    Deploy(deploy::Args),
    /// Send a proof to the deployed verifier or to a consumer
    #[cfg(all(feature = "compile", feature = "chain"))]
    Submit(submit::Args),
    /// Sign that data which somebody committed to are true, for a consumer that takes your word
    #[cfg(all(feature = "compile", feature = "chain"))]
    Attest(attest::Args),
    /// Add, list and withdraw versions of models
    #[cfg(all(feature = "compile", feature = "chain"))]
    Registry(registry::Args),
    /// Follow a consumer's requests, prove, answer
    #[cfg(all(feature = "compile", feature = "chain"))]
    Watch(watch::Args),
    /// Make the proofs that others ask for through a NATS server
    #[cfg(feature = "cluster")]
    Worker(worker::Args),
    /// Show the jobs of a NATS server, and who works on them
    #[cfg(feature = "cluster")]
    Jobs(jobs::Args),
    /// Make a Foundry project with a contract to edit that acts on a model's answers
    #[cfg(all(feature = "compile", feature = "chain"))]
    Init(init::Args),
    /// Make keys, prove, verify and measure gas for each model, as a table
    #[cfg(feature = "compile")]
    Bench(bench::Args),
    /// Walk the whole path on a trained model and a local chain
    #[cfg(all(feature = "compile", feature = "chain"))]
    Demo(demo::Args),
    /// Say what an exit code, or an error of a contract, means
    #[cfg(all(feature = "compile", feature = "chain"))]
    Explain(explain::Args),
    /// Say what this machine has of what the path needs, and how to get the rest
    #[cfg(all(feature = "compile", feature = "chain"))]
    Doctor(doctor::Args),
    /// Print the completions for a shell
    Completions(shell::CompletionArgs),
    /// Print or write the manual
    Man(shell::ManualArgs),
}

/// Does what the verb says.
pub fn run(verb: Verb, console: &Console) -> Result<Answer, CliError> {
    crate::proving::check_environment()?;
    match verb {
        Verb::Inspect(args) => inspect::run(args, console),
        Verb::Run(args) => run::run(args, console),
        Verb::Quantize(args) => quantize::run(args, console),
        Verb::Keygen(args) => keygen::run(args, console),
        Verb::Schema(args) => schema::run(&args, console),
        Verb::Commit(args) => commit::run(&args, console),
        Verb::Prove(args) => prove::run(args, console),
        Verb::Verify(args) => verify::run(args, console),
        Verb::Certify(args) => certify::run(&args, console),
        #[cfg(feature = "compile")]
        Verb::Render(args) => render::run(args, console),
        #[cfg(feature = "compile")]
        Verb::Gas(args) => gas::run(&args, console),
        #[cfg(all(feature = "compile", feature = "chain"))]
        Verb::Deploy(args) => deploy::run(args, console),
        #[cfg(all(feature = "compile", feature = "chain"))]
        Verb::Submit(args) => submit::run(args, console),
        #[cfg(all(feature = "compile", feature = "chain"))]
        Verb::Attest(args) => attest::run(&args, console),
        #[cfg(all(feature = "compile", feature = "chain"))]
        Verb::Registry(args) => registry::run(args, console),
        #[cfg(all(feature = "compile", feature = "chain"))]
        Verb::Watch(args) => watch::run(args, console),
        #[cfg(feature = "cluster")]
        Verb::Worker(args) => worker::run(args, console),
        #[cfg(feature = "cluster")]
        Verb::Jobs(args) => jobs::run(&args, console),
        #[cfg(all(feature = "compile", feature = "chain"))]
        Verb::Init(args) => init::run(args, console),
        #[cfg(feature = "compile")]
        Verb::Bench(args) => bench::run(args, console),
        #[cfg(all(feature = "compile", feature = "chain"))]
        Verb::Demo(args) => demo::run(args, console),
        #[cfg(all(feature = "compile", feature = "chain"))]
        Verb::Explain(args) => explain::run(&args, console),
        #[cfg(all(feature = "compile", feature = "chain"))]
        Verb::Doctor(args) => doctor::run(&args, console),
        Verb::Completions(args) => shell::completions(&args, console),
        Verb::Man(args) => shell::manual(&args, console),
    }
}
