//! From an ONNX file to a quantized graph, and what that graph computes.

mod graph;
mod requantization;

pub use graph::*;
pub use requantization::*;
