//! From an ONNX file to a quantized graph, and what that graph computes.

mod difference;
mod digest;
mod error;
mod eval;
mod forms;
mod graph;
mod import;
mod input;
mod limits;
mod line;
mod onnx;
mod operator;
mod output;
mod preparation;
mod quantization;
pub mod quantize;
mod requantization;
mod summary;
mod visibility;
mod window;

pub use difference::*;
pub use error::*;
pub use eval::*;
pub use forms::*;
pub use graph::*;
pub use import::{ExternalData, ImportOptions, embed, supported_operators};
pub use input::InputFormat;
pub use line::{Line, Steps};
pub use operator::*;
pub use output::*;
pub use preparation::*;
pub use quantization::*;
pub use requantization::*;
pub use summary::*;
pub use visibility::Visibility;
pub use window::Window;
