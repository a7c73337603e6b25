//! The reasoning behind one address of a plan → text, JSON, Markdown.

mod access;
mod json;
#[cfg(test)]
mod tests;
mod text;

pub use json::{explanation_json, explanation_schema};
pub use text::{explanation_markdown, explanation_text};
