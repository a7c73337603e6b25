//! Renderers: any result → text, JSON, Markdown and the rest. Pure: they give text, and never print.

pub mod diagnostic;
