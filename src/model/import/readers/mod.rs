//! What reads nodes: a file for operators that are alike.

pub(super) mod concat;
pub(super) mod conv;
pub(super) mod elementwise;
pub(super) mod features;
pub(super) mod filled;
pub(super) mod fold;
pub(super) mod known;
mod largest;
pub(super) mod layer_normalization;
pub(super) mod linear;
pub(super) mod pairs;
pub(super) mod picks;
pub(super) mod pool;
pub(super) mod products;
pub(super) mod quantize_linear;
pub(super) mod top_k;
pub(super) mod trees;
pub(super) mod views;
mod volume;
pub(super) mod window;
