//! From an ONNX file to a quantized graph, and what that graph computes.

mod graph;
mod line;
mod requantization;

pub use graph::*;
pub use line::{Line, Steps};
pub use requantization::*;
