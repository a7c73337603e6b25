//! One change, taken apart for every renderer.

use crate::diff::FieldChange;
use crate::plan::{Action, Change};

use super::statement::{self, Sign};
use super::style::Role;
use super::value::{inline, plain};

/// One field of a change.
pub(super) enum Detail {
    /// `None` is "not there".
    Field {
        path: String,
        before: Option<String>,
        after: Option<String>,
        reason: Option<String>,
    },
    Statement {
        path: String,
        sign: char,
        reason: Option<String>,
        lines: Vec<(Sign, String)>,
    },
}

/// The fields of a change, in its order. A reason that only repeats the change's own is left out.
pub(super) fn details(change: &Change) -> Vec<Detail> {
    change.fields.iter().map(|field| detail(field, &change.reason)).collect()
}

fn detail(field: &FieldChange, whole: &str) -> Detail {
    let FieldChange { path, before, after, reason } = field;
    let reason = (reason != whole && !reason.is_empty()).then(|| plain(reason));
    let path = plain(path);
    if statement::is_statement(before) || statement::is_statement(after) {
        let sign = sign(before.is_null(), after.is_null());
        return Detail::Statement { path, sign, reason, lines: statement::lines(before, after) };
    }
    let shown = |value: &serde_json::Value| (!value.is_null()).then(|| inline(value));
    Detail::Field { path, before: shown(before), after: shown(after), reason }
}

/// `+`, `-` or `~`, as a field has no value before, none after, or both.
pub(super) fn sign(no_before: bool, no_after: bool) -> char {
    match (no_before, no_after) {
        (true, _) => '+',
        (false, true) => '-',
        (false, false) => '~',
    }
}

/// What Terraform prints for it.
pub(super) fn symbol(action: Action) -> &'static str {
    match action {
        Action::Create => "+",
        Action::Update => "~",
        Action::Replace => "-/+",
        Action::Delete => "-",
        Action::Noop => "=",
    }
}

pub(super) fn verb(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Replace => "replace",
        Action::Delete => "delete",
        Action::Noop => "keep",
    }
}

/// What will happen, as the second half of a sentence.
pub(super) fn sentence(action: Action) -> &'static str {
    match action {
        Action::Create => "will be created",
        Action::Update => "will be updated in place",
        Action::Replace => "will be replaced: the new one works before the old one is switched off",
        Action::Delete => "will be deleted",
        Action::Noop => "stays as it is",
    }
}

pub(super) fn role(action: Action) -> Role {
    match action {
        Action::Create => Role::Create,
        Action::Update => Role::Update,
        Action::Replace => Role::Replace,
        Action::Delete => Role::Delete,
        Action::Noop => Role::Faint,
    }
}
