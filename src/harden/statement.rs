//! One generated statement, and a document of them: the text is minified and the same to the byte for the same input.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::Arn;
use crate::model::fact::PolicyText;

/// A statement of ours. Every one carries the reason that the plan prints beside it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Statement {
    pub sid: &'static str,
    pub why: &'static str,
    effect: &'static str,
    principal: Option<Value>,
    action: Option<(&'static str, Value)>,
    resource: Option<Value>,
    condition: BTreeMap<&'static str, BTreeMap<String, Value>>,
}

impl Statement {
    fn new(effect: &'static str, sid: &'static str, why: &'static str) -> Self {
        Self { sid, why, effect, principal: None, action: None, resource: None, condition: BTreeMap::new() }
    }

    pub(super) fn allow(sid: &'static str, why: &'static str) -> Self {
        Self::new("Allow", sid, why)
    }

    /// A deny of a resource policy: for everyone. Exceptions are conditions on `aws:PrincipalArn`, never `NotPrincipal`,
    /// whose effect on sessions AWS does not document.
    pub(super) fn deny(sid: &'static str, why: &'static str) -> Self {
        Self { principal: Some(json!("*")), ..Self::new("Deny", sid, why) }
    }

    /// A statement of an identity policy: the principal is whoever the policy is attached to.
    pub(super) fn identity(sid: &'static str, why: &'static str) -> Self {
        Self::allow(sid, why)
    }

    pub(super) fn one_aws(mut self, principal: &str) -> Self {
        self.principal = Some(json!({ "AWS": principal }));
        self
    }

    pub(super) fn aws<T: AsRef<str>>(mut self, principals: &[T]) -> Self {
        self.principal = Some(json!({ "AWS": list(principals) }));
        self
    }

    pub(super) fn service(mut self, service: &str) -> Self {
        self.principal = Some(json!({ "Service": service }));
        self
    }

    pub(super) fn action<T: AsRef<str>>(mut self, actions: &[T]) -> Self {
        self.action = Some(("Action", one_or_list(actions)));
        self
    }

    pub(super) fn not_action<T: AsRef<str>>(mut self, actions: &[T]) -> Self {
        self.action = Some(("NotAction", one_or_list(actions)));
        self
    }

    pub(super) fn on<T: AsRef<str>>(mut self, resources: &[T]) -> Self {
        self.resource = Some(one_or_list(resources));
        self
    }

    pub(super) fn when<T: AsRef<str>>(mut self, operator: &'static str, key: &str, values: &[T]) -> Self {
        self.condition.entry(operator).or_default().insert(key.to_owned(), one_or_list(values));
        self
    }

    /// Adds a condition only when there are values to compare with.
    pub(super) fn when_some<T: AsRef<str>>(self, operator: &'static str, key: &str, values: Option<&[T]>) -> Self {
        match values {
            Some(values) => self.when(operator, key, values),
            None => self,
        }
    }

    fn members(&self) -> Vec<(&'static str, Value)> {
        let Self { sid, why: _, effect, principal, action, resource, condition } = self;
        let mut members = vec![("Sid", json!(sid)), ("Effect", json!(effect))];
        members.extend(principal.clone().map(|value| ("Principal", value)));
        members.extend(action.clone());
        members.extend(resource.clone().map(|value| ("Resource", value)));
        if !condition.is_empty() {
            members.push(("Condition", json!(condition)));
        }
        members
    }

    /// Written by hand so that the order is the one people read, `Sid` first, whatever map `serde_json` is built with.
    fn text(&self) -> String {
        let members: Vec<String> =
            self.members().into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    }
}

/// A whole document: ours first, then what is kept of the live one.
pub(super) fn document(statements: &[Statement], kept: &[Value]) -> PolicyText {
    let parts: Vec<String> = statements.iter().map(Statement::text).chain(kept.iter().map(Value::to_string)).collect();
    PolicyText(format!("{{\"Version\":\"2012-10-17\",\"Statement\":[{}]}}", parts.join(",")))
}

/// Reasons by the field paths of the diff, one per statement, and one for whatever else goes.
pub(super) fn reasons(prefix: &str, statements: &[Statement], rest: &str) -> BTreeMap<String, String> {
    statements
        .iter()
        .map(|one| (format!("{prefix}statement[{}]", one.sid), one.why.to_owned()))
        .chain([(prefix.trim_end_matches('.').to_owned(), rest.to_owned())])
        .collect()
}

fn list<T: AsRef<str>>(values: &[T]) -> Value {
    Value::Array(values.iter().map(|value| json!(value.as_ref())).collect())
}

fn one_or_list<T: AsRef<str>>(values: &[T]) -> Value {
    match values {
        [one] => json!(one.as_ref()),
        many => list(many),
    }
}

/// ARNs as sorted texts without repetition.
pub(super) fn arns<'a>(arns: impl IntoIterator<Item = &'a Arn>) -> Vec<String> {
    sorted(arns.into_iter().map(Arn::to_string))
}

pub(super) fn sorted(values: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut values: Vec<String> = values.into_iter().collect();
    values.sort();
    values.dedup();
    values
}
