//! What the fuzz targets share.
//!
//! Only the pure rooms `iam` and `model` are compiled, from the sources of the program: with sanitizers that takes a minute,
//! the clients of the clouds would take a quarter of an hour.

#[path = "../../../src/iam/mod.rs"]
pub mod iam;
#[path = "../../../src/model/mod.rs"]
pub mod model;

pub mod scenario;
