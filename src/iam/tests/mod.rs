//! Tests of the room, by what they start from.

use super::evaluate::*;
use super::{Principal, parse};
use crate::model::bucket::PublicAccessBlock;
use crate::model::key::Grant;
use Decision::{Allowed, ExplicitDeny, ImplicitDeny, Unknown};

mod canonical;
mod hostile;
mod inclusion;
mod input;
mod matrix;
mod properties;
mod region;
mod rules;
mod session_path;
mod symbolic;

const OWNER: &str = "111122223333";
const OTHER: &str = "444455556666";
const OBJECT: &str = "arn:aws:s3:::b/audit/x.json";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555";

/// One request and its policies, put together for a test.
struct Case {
    request: Request,
    policies: Policies,
}

fn case(principal: &str, action: &str, resource: &str) -> Case {
    let mut request = Request::new(principal.parse().unwrap(), action, resource);
    request.resource_account = Some(OWNER.to_owned());
    Case { request, policies: Policies::default() }
}

/// `GetObject` by a role of the owner's account.
fn read() -> Case {
    case("arn:aws:sts::111122223333:assumed-role/R/s", "s3:GetObject", OBJECT)
}

fn document(statements: &[&str]) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

fn named(statements: &[&str]) -> NamedPolicy {
    let policy = NamedPolicy::read("p", &document(statements));
    assert!(matches!(policy.document, Document::Known(_)), "{policy:?}");
    policy
}

const ALLOW: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
const DENY: &str = r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#;

fn granting(effect: &str, principal: &str) -> String {
    format!(r#"{{"Effect":"{effect}",{principal},"Action":"*","Resource":"*"}}"#)
}

impl Case {
    fn identity(mut self, statements: &[&str]) -> Self {
        self.policies.identity.push(named(statements));
        self
    }

    fn boundary(mut self, statements: &[&str]) -> Self {
        self.policies.boundary = Some(named(statements));
        self
    }

    fn session(mut self, statements: &[&str]) -> Self {
        self.policies.session.push(named(statements));
        self
    }

    fn scp(mut self, statements: &[&str]) -> Self {
        self.policies.scps.push(vec![named(statements)]);
        self
    }

    fn rcp(mut self, statements: &[&str]) -> Self {
        self.policies.rcps.push(named(statements));
        self
    }

    fn endpoint(mut self, statements: &[&str]) -> Self {
        self.policies.vpc_endpoint = Some(named(statements));
        self
    }

    fn on(mut self, statements: &[&str]) -> Self {
        self.policies.resource = Some(named(statements));
        self
    }

    /// A resource policy that allows everything to one `Principal`.
    fn on_granting(self, principal: &str) -> Self {
        self.on(&[&granting("Allow", &format!("\"Principal\":{principal}"))])
    }

    fn key(mut self, name: &str, values: &[&str]) -> Self {
        self.request.context.insert(name.to_owned(), values.iter().map(|v| (*v).to_owned()).collect());
        self
    }

    fn unknown(mut self, name: &str) -> Self {
        self.request.unknown_keys.insert(name.to_owned());
        self
    }

    fn run(&self) -> Decision {
        evaluate(&self.request, &self.policies).decision
    }
}

/// The decision when an identity policy allows everything under one condition.
fn under(condition: &str, context: &[(&str, &[&str])]) -> Decision {
    let statement = format!(r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}"#);
    let mut case = read().identity(&[&statement]);
    for (name, values) in context {
        case = case.key(name, values);
    }
    case.run()
}

/// Whether a role of the owner's account reads an object through one `Resource` (or other elements) of an identity policy.
fn with_elements(elements: &str, action: &str, resource: &str) -> Decision {
    let statement = format!(r#"{{"Effect":"Allow",{elements}}}"#);
    case("arn:aws:sts::111122223333:assumed-role/R/s", action, resource).identity(&[&statement]).run()
}
