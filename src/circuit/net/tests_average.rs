//! Float32 sums are proved bit for bit.
