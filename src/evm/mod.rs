//! Runs contracts in process and measures their gas.
