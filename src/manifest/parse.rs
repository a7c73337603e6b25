//! One manifest: text → `Desired`, or everything that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_json::Value;

use crate::finding::Finding;
use crate::model::Waiver;
use crate::model::desired::{
    AccessLog, Account, Admin, AwsAccount, Bucket, DatabricksAccount, Delivery, Desired, Key, ObjectLock, Observer,
    Reader, Replica, Role, Scanner, Store, UnityCatalog, Workspace,
};

use super::grammar::{self, File};
use super::node::{self, Table};
use super::secret::Secret;
use super::source::{Source, error, quote};
use super::walk::{Places, walk};
use super::{alerts, codes, defaults, names, rules, schema, secret};

/// With more secrets than this, nothing else is worth saying, and comparing them with every message would take long.
const MANY_SECRETS: usize = 100;

/// The shared defaults of a directory: their file's name as shown, and its text.
#[derive(Clone, Copy, Debug)]
pub struct Defaults<'a> {
    pub file: &'a str,
    pub text: &'a str,
}

/// Parses and checks one manifest that stands alone.
///
/// `name` is its name in addresses (the file stem), `file` what positions show.
///
/// # Errors
/// Every error of the text, sorted by position.
pub fn parse(name: &str, file: &str, text: &str) -> Result<Desired, Vec<Finding>> {
    parse_with(name, file, text, None).map(|(desired, _)| desired)
}

/// The same with shared defaults below it; also gives where each value stands.
///
/// # Errors
/// Every error of both texts, sorted by position.
pub fn parse_with(
    name: &str,
    file: &str,
    text: &str,
    defaults: Option<Defaults<'_>>,
) -> Result<(Desired, Places), Vec<Finding>> {
    let sources: Vec<Source<'_>> = std::iter::once(Source::new(file, text))
        .chain(defaults.map(|defaults| Source::new(defaults.file, defaults.text)))
        .collect();
    let mut findings = Vec::new();
    let mut secrets = Secrets::default();
    let mut tables = Vec::new();
    // Lines that a syntax error or a secret already speaks of, per file.
    let mut spoken: Vec<BTreeSet<usize>> = Vec::new();
    let mut broken = false;
    for (index, source) in sources.iter().enumerate() {
        let node::Parsed { table, errors, lost } = node::parse(source, index);
        broken |= !errors.is_empty();
        let mut taken = secrets.find(source, &table);
        let spans = errors.iter().filter_map(|finding| finding.span.as_ref());
        taken.extend(spans.flat_map(|span| source.lines(&(span.start..span.end))));
        if let Some(lost) = lost {
            taken.extend(source.lines(&(lost..source.text.len())));
        }
        spoken.push(taken);
        findings.extend(errors);
        tables.push(table);
    }
    let mut tables = tables.into_iter();
    let manifest = tables.next().unwrap_or_default();
    let merged = node::merge(tables.next().unwrap_or_default(), manifest);
    if let Err(problem) = names::manifest(name) {
        findings.push(error(problem.code, file, problem.message, Some(problem.help), None));
    }

    let (result, mut semantic) = read(name, &merged, &sources);
    // The rest of a file whose syntax is broken may have been lost: what is said to be missing may well be there.
    semantic.retain(|finding| {
        let Some(span) = &finding.span else { return true };
        let at = sources.iter().position(|source| source.file == span.file).and_then(|index| spoken.get(index));
        let taken = at.is_some_and(|lines| lines.contains(&span.line));
        let missing = matches!(finding.code.as_str(), codes::MISSING_KEY | codes::NO_ADMINS);
        !(taken || broken && missing)
    });
    findings.extend(semantic);
    let mut findings = secrets.cover(findings);
    findings.sort_by(|a, b| position(a).cmp(&position(b)).then_with(|| a.cmp(b)));
    findings.dedup();
    match result {
        Some(result) if findings.is_empty() => Ok(result),
        _ if findings.is_empty() => {
            let message = "the manifest could not be read".to_owned();
            Err(vec![error(
                codes::WRONG_TYPE,
                file,
                message,
                Some("check it against `auditseal schema`".to_owned()),
                None,
            )])
        }
        _ => Err(findings),
    }
}

/// Sort key: file, then position in it; what has no position comes first.
pub(super) fn position(finding: &Finding) -> (Option<&str>, usize, usize) {
    finding.span.as_ref().map_or((None, 0, 0), |span| (Some(span.file.as_str()), span.start, span.end))
}

/// The secrets of all files: their findings, and their texts, which no other finding may repeat.
#[derive(Default)]
struct Secrets {
    findings: Vec<Finding>,
    texts: BTreeSet<String>,
}

impl Secrets {
    /// Returns the lines that hold one.
    fn find(&mut self, source: &Source<'_>, table: &Table) -> BTreeSet<usize> {
        let forms = secret::by_form(source.text);
        // A secret by its form says more than the name of its key.
        let recognised = |range: &Range<usize>| {
            let next = forms.partition_point(|known| known.range.end <= range.start);
            forms.get(next).is_some_and(|known| known.range.start < range.end)
        };
        let named: Vec<Secret> = secret::by_name(table).into_iter().filter(|named| !recognised(&named.range)).collect();
        let mut lines = BTreeSet::new();
        for secret in forms.iter().chain(&named) {
            if let Some(text) = source.text.get(secret.range.clone()) {
                self.texts.insert(text.trim_matches(['"', '\'', '\n', '\r']).to_owned());
            }
            let message = format!("{} is written in clear text", secret.what);
            let help = "delete it here and in the file's history, and revoke it; credentials come from the standard AWS and \
                        Databricks credential chains";
            let span = source.span(&secret.range);
            self.findings.push(error(codes::SECRET, source.file, message, Some(help.to_owned()), Some(span)));
            lines.extend(source.lines(&secret.range));
        }
        lines
    }

    fn cover(self, mut findings: Vec<Finding>) -> Vec<Finding> {
        let repeats = |text: &str| self.texts.iter().any(|secret| secret.len() > 3 && text.contains(secret.as_str()));
        if self.texts.len() > MANY_SECRETS {
            findings.clear();
        }
        findings.retain(|finding| {
            !repeats(&finding.message) && !repeats(&finding.subject) && !finding.help.as_deref().is_some_and(repeats)
        });
        findings.extend(self.findings);
        findings
    }
}

fn read(name: &str, table: &Table, sources: &[Source<'_>]) -> (Option<(Desired, Places)>, Vec<Finding>) {
    let (value, places, mut findings) = walk(schema::known(), table, sources);
    // Another version may mean anything else by the same keys.
    if let Some(at) = findings.iter().position(|finding| finding.code == codes::UNKNOWN_VERSION) {
        return (None, vec![findings.swap_remove(at)]);
    }
    let Some(mut file) = typed(value) else {
        return (None, findings);
    };
    fill(&mut file);
    findings.extend(rules::check(&file, &places));
    let desired = if findings.is_empty() { desired(name, &file) } else { None };
    (desired.map(|desired| (desired, places)), findings)
}

/// The walk left only what fits, so this does not fail; `None` makes the caller say so rather than go on.
fn typed(value: Value) -> Option<File> {
    serde_json::from_value(value).ok()
}

/// Defaults that follow from other values.
fn fill(file: &mut File) {
    if let Some(aws) = &mut file.aws {
        let region = aws.region.clone();
        aws.partition = aws.partition.or_else(|| region.as_deref().map(defaults::partition));
        for replica in &mut file.bucket.replicas {
            if replica.account_id.is_none() {
                replica.account_id.clone_from(&aws.account_id);
            }
        }
        if let Some(store) = file.store.as_mut().filter(|store| store.account_id.is_none()) {
            store.account_id.clone_from(&aws.account_id);
        }
    }
    for reader in file.readers.values_mut() {
        if reader.role.is_some() {
            reader.mfa.get_or_insert(defaults::MFA);
        }
    }
    file.alerts.iter_mut().for_each(alerts::fill);
    let Some(bucket) = file.delivery.as_ref().and_then(|delivery| delivery.bucket.clone()) else { return };
    if let Some(delivery) = &mut file.delivery {
        delivery.name.get_or_insert_with(|| defaults::delivery_name(&bucket));
    }
    file.bucket.access_log.bucket.get_or_insert_with(|| defaults::access_bucket(&bucket));
    file.key.alias.get_or_insert_with(|| defaults::alias(&bucket));
    if let Some(grammar::Aws { account_id: Some(account), partition: Some(partition), .. }) = &file.aws {
        file.role.arn.get_or_insert_with(|| defaults::role_arn(*partition, account, &bucket));
    }
}

/// A checked file as `Desired`; `None` when something that the rules let through is missing after all.
fn desired(name: &str, file: &File) -> Option<Desired> {
    // Every field by name: a new one in the grammar that is not carried over must not compile.
    let File {
        version: _,
        databricks,
        aws,
        delivery,
        bucket,
        key,
        role,
        readers,
        admins,
        observers,
        scanners,
        unity_catalog,
        workspaces,
        account,
        store,
        waivers,
        alerts,
    } = file.clone();
    let grammar::Databricks { account_id, profile } = databricks?;
    let databricks = DatabricksAccount { account_id: account_id?, profile };
    let grammar::Aws { account_id, region, partition, profile, assume_role } = aws?;
    let aws = AwsAccount {
        account_id: account_id?,
        region: region?,
        partition: partition?,
        profile,
        assume_role: optional(assume_role)?,
    };
    let grammar::Delivery {
        bucket: audit,
        prefix,
        name: config,
        status,
        workspaces: ids,
        max_silence,
        previous_prefixes,
        undeclared,
    } = delivery?;
    let delivery = Delivery {
        bucket: audit?,
        prefix,
        name: config?,
        status,
        workspaces: ids,
        max_silence_minutes: names::minutes(&max_silence).ok()?,
        previous_prefixes,
        undeclared,
    };
    let grammar::Key { arn, alias, rotation_days, previous } = key;
    let key = Key { arn: optional(arn)?, alias: alias?, rotation_days, previous: all(previous)? };
    let grammar::Role { arn, profile } = role;
    let role = Role { arn: arn?.parse().ok()?, profile };
    let grammar::UnityCatalog { enabled, metastores, revoke_undeclared } = unity_catalog;
    let grammar::Account { public_access_block } = account;
    Some(Desired {
        name: name.to_owned(),
        databricks,
        aws,
        delivery,
        bucket: desired_bucket(bucket)?,
        key,
        role,
        readers: map(readers, desired_reader)?,
        admins: map(admins, |admin| Some(Admin { role: admin.role?.parse().ok()? }))?,
        observers: map(observers, |observer| Some(Observer { role: observer.role?.parse().ok()? }))?,
        scanners: map(scanners, |scanner| Some(Scanner { role: scanner.role?.parse().ok()? }))?,
        unity_catalog: UnityCatalog { enabled, metastores, revoke_undeclared },
        workspaces: map(workspaces, |workspace| {
            let grammar::Workspace { verbose_audit_logs } = workspace;
            Some(Workspace { verbose_audit_logs: verbose_audit_logs? })
        })?,
        account: Account { public_access_block },
        waivers: waivers.into_iter().map(desired_waiver).collect::<Option<Vec<_>>>()?,
        alerts: alerts.into_iter().map(alerts::declared).collect::<Option<Vec<_>>>()?,
        store: match store {
            Some(store) => Some(desired_store(store)?),
            None => None,
        },
    })
}

fn desired_bucket(bucket: grammar::Bucket) -> Option<Bucket> {
    let grammar::Bucket {
        retention_days,
        noncurrent_retention_days,
        abort_multipart_days,
        event_bridge,
        object_lock,
        access_log,
        replicas,
    } = bucket;
    let object_lock = match object_lock {
        Some(grammar::ObjectLock { mode, days }) => Some(ObjectLock { mode: mode?, days: days? }),
        None => None,
    };
    let grammar::AccessLog { bucket, prefix, retention_days: log_days, readers } = access_log;
    let access_log = AccessLog { bucket: bucket?, prefix, retention_days: log_days, readers: all(readers)? };
    let replicas = replicas
        .into_iter()
        .map(|replica| {
            let grammar::Replica { bucket, account_id, region, profile } = replica;
            Some(Replica { bucket: bucket?, account_id: account_id?, region: region?, profile })
        })
        .collect::<Option<Vec<_>>>()?;
    Some(Bucket {
        retention_days,
        noncurrent_retention_days,
        abort_multipart_days,
        object_lock,
        access_log,
        event_bridge,
        replicas,
    })
}

fn desired_store(store: grammar::Store) -> Option<Store> {
    let grammar::Store { s3, account_id } = store;
    let (bucket, prefix) = names::store(&s3?).ok()?;
    Some(Store { bucket, prefix, account_id: account_id? })
}

fn desired_reader(reader: grammar::Reader) -> Option<Reader> {
    let grammar::Reader { role, mfa, databricks_group, databricks_user, databricks_service_principal } = reader;
    match role {
        Some(role) => Some(Reader::Role { role: role.parse().ok()?, mfa: mfa? }),
        None => {
            let principal = databricks_group.or(databricks_user).or(databricks_service_principal)?;
            Some(Reader::Databricks { principal })
        }
    }
}

fn desired_waiver(waiver: grammar::Waiver) -> Option<Waiver> {
    let grammar::Waiver { control, address, reason, owner, until } = waiver;
    Some(Waiver {
        control: control?.parse().ok()?,
        address: optional(address)?,
        reason: reason?,
        owner: owner?,
        until: names::date(&until?).ok()?,
    })
}

fn optional<T: std::str::FromStr>(text: Option<String>) -> Option<Option<T>> {
    text.map_or(Some(None), |text| text.parse().ok().map(Some))
}

fn all<T: std::str::FromStr>(texts: Vec<String>) -> Option<Vec<T>> {
    texts.iter().map(|text| text.parse().ok()).collect()
}

fn map<A, B>(from: BTreeMap<String, A>, convert: impl Fn(A) -> Option<B>) -> Option<BTreeMap<String, B>> {
    from.into_iter().map(|(name, value)| Some((name, convert(value)?))).collect()
}

/// A path of the file system for messages.
pub(super) fn shown(path: &std::path::Path) -> String {
    quote(&path.display().to_string())
}
