//! Behaviour tests.
mod simulator;
