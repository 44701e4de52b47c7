//! Single operators with random attributes, against onnxruntime and as circuits.

#![allow(clippy::unwrap_used)]

mod cases;
mod circuits;
mod reference;
