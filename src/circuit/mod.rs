//! From a quantized graph to a Halo2 circuit.
