//! TOML manifests → [`Desired`](crate::model::Desired): every error of every file at once, each with its position; defaults
//! filled in here and nowhere else.
//!
//! `grammar` is the shape (and through it the JSON Schema), `node` and `walk` bring a text into that shape, `names` judges
//! single values, `rules` and `principals` values against each other, `directory` manifests against each other. Only `load`
//! reads files.
//!
//! A directory may hold `defaults.toml`: a manifest without a name of its own, whose keys count where a manifest is silent.
//! Tables merge key by key; an entry of `readers`, `admins`, `observers` and `scanners` is replaced as a whole.

mod alerts;
mod answer;
mod codes;
mod defaults;
mod directory;
mod expand;
mod format;
mod format_order;
mod grammar;
mod load;
mod names;
mod node;
mod parse;
mod principals;
mod rules;
mod schema;
mod secret;
mod source;
mod waivers;
mod walk;

#[cfg(test)]
mod tests;

pub use answer::{Answer, check};
pub use codes::{CODES, Code, explain};
pub use directory::check_directory;
pub use expand::expand;
pub use format::format;
pub use load::{Loaded, is_defaults, is_part, load, load_texts};
pub use parse::{Defaults, parse, parse_with};
pub use schema::{defaults_schema, schema};
pub use secret::mask;
pub use waivers::check_waivers;
pub use walk::{Places, join};

/// The code of a directory without manifests.
pub const NO_MANIFESTS_CODE: &str = codes::NO_MANIFESTS;

/// The code of a finding about a secret in clear text: its line is never shown.
pub const SECRET_CODE: &str = codes::SECRET;
