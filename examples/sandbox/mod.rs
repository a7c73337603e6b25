//! The sandbox as a library: an independent AWS emulator behind our proxy, and the Databricks simulator. The example
//! and the integration tests include it by path; nothing of it is part of the released program.

pub mod aws_proxy;
pub mod aws_seed;
pub mod databricks;
pub mod emulator;
pub mod estate;
pub mod faults;
