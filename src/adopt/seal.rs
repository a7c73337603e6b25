//! What the policies of a bucket that this tool sealed say of its declaration: an estate whose manifest was lost, or was
//! never checked in, is adopted with the readers, observers and admins that it has.

use crate::iam::{Element, Statement, parse};
use crate::model::bucket::LifecycleRule;
use crate::model::fact::{PolicyText, Tags};
use crate::model::live::Read;
use crate::model::{Desired, Fact, Live, OWNER_TAG};

/// Whom our statements name. ARNs, in the order of the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seal {
    pub readers: Vec<String>,
    pub mfa: Vec<String>,
    pub observers: Vec<String>,
    pub admins: Vec<String>,
}

/// Statements of ours, only in a bucket that carries our own mark: anybody may choose such a Sid.
pub(super) fn seal(desired: &Desired, live: &Live) -> Option<Seal> {
    let statements = statements(desired, live, &desired.delivery.bucket)?;
    let root = format!(":iam::{}:root", desired.aws.account_id);
    let mut admins = condition(&statements, "ConfigOnlyAdmins");
    admins.retain(|arn| !arn.ends_with(&root));
    Some(Seal {
        readers: principals(&statements, "ReadersRead"),
        mfa: condition(&statements, "MfaReaders"),
        observers: principals(&statements, "ObserversList"),
        admins,
    })
}

/// Readers of the access log, as its bucket's policy names them.
pub(super) fn log_readers(desired: &Desired, live: &Live, bucket: &str) -> Vec<String> {
    statements(desired, live, bucket).map(|all| principals(&all, "ReadersRead")).unwrap_or_default()
}

fn statements(desired: &Desired, live: &Live, bucket: &str) -> Option<Vec<Statement>> {
    let place = desired.aws_place();
    let Tags(tags) = live.view(&place, Read::BucketTags { bucket: bucket.to_owned() }, Fact::tags).present()?;
    if tags.get(OWNER_TAG) != Some(&desired.owner()) {
        return None;
    }
    let PolicyText(text) =
        live.view(&place, Read::BucketPolicy { bucket: bucket.to_owned() }, Fact::policy).present()?;
    Some(parse(&text).ok()?.statements)
}

fn with_sid<'a>(statements: &'a [Statement], sid: &str) -> Option<&'a Statement> {
    statements.iter().find(|one| one.sid.as_deref() == Some(sid))
}

fn principals(statements: &[Statement], sid: &str) -> Vec<String> {
    match with_sid(statements, sid).and_then(|one| one.principal.as_ref()) {
        Some(Element::Is(spec)) => spec.aws.clone(),
        _ => Vec::new(),
    }
}

fn condition(statements: &[Statement], sid: &str) -> Vec<String> {
    let conditions = with_sid(statements, sid).into_iter().flat_map(|one| &one.conditions);
    conditions
        .filter(|one| one.key.eq_ignore_ascii_case("aws:PrincipalArn"))
        .flat_map(|one| one.values.iter().map(String::from))
        .collect()
}

/// The retention rule that this tool wrote for the current prefix.
pub(super) fn rule(rules: &[LifecycleRule]) -> Option<&LifecycleRule> {
    rules.iter().find(|rule| rule.id == "auditseal-retention" && rule.enabled)
}

/// Prefixes of earlier deliveries, by the rules that this tool wrote for them.
pub(super) fn previous(rules: &[LifecycleRule]) -> Vec<String> {
    let ours = rules.iter().filter(|rule| rule.id.starts_with("auditseal-retention-previous-"));
    ours.filter_map(|rule| rule.filter.prefix.as_deref())
        .map(|folder| if folder == "workspaceId=" { String::new() } else { folder.trim_end_matches('/').to_owned() })
        .collect()
}
