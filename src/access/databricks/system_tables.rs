//! Who may SELECT from `system.access` (Databricks docs, "Monitor account activity with system tables").

use std::collections::BTreeSet;

use crate::model::unity_catalog::StoredKind;

use super::{Findings, Metastore, Question, SYSTEM_TABLES, Verdict, View};

const CATALOG: &str = "system";
const SCHEMA: &str = "system.access";

pub(super) fn assess(view: &View<'_>, metastore: &Metastore, findings: &mut Findings) {
    let mut holdings = metastore.inherited(StoredKind::Schema, SCHEMA, &["SELECT"]);
    let prefix = format!("{SCHEMA}.");
    let granted = metastore.grants.keys().filter(|(securable, _)| securable == "table").map(|(_, name)| name.clone());
    let listed = metastore.objects.iter().filter(|one| one.kind == StoredKind::Table).map(|one| one.full_name.clone());
    let tables: BTreeSet<String> = granted.chain(listed).filter(|name| name.starts_with(&prefix)).collect();
    for table in tables {
        holdings.extend(metastore.inherited(StoredKind::Table, &table, &["SELECT"]));
    }
    holdings.sort();
    holdings.dedup();
    let into_catalog = who(view, &metastore.users(StoredKind::Catalog, CATALOG, "USE_CATALOG"));
    let into_schema = who(view, &metastore.users(StoredKind::Schema, SCHEMA, "USE_SCHEMA"));
    for holding in &holdings {
        let before = findings.principals.len();
        view.people(holding, &view.template(Question::Read, SYSTEM_TABLES), findings);
        // SELECT alone opens nothing: catalog and schema have to be usable too.
        for access in findings.principals.iter_mut().skip(before) {
            access.actions = vec!["SELECT".to_owned()];
            for (usable, what) in
                [(&into_catalog, "USE CATALOG on `system`"), (&into_schema, "USE SCHEMA on `system.access`")]
            {
                if !usable.contains(&access.arn) {
                    access.verdict = Verdict::Conditional;
                    access.conditions.push(format!("with {what}, of which no grant was found"));
                }
            }
        }
    }
    if !metastore.owner.is_empty() {
        for member in view.directory.expand(&metastore.owner) {
            findings.indirect.push(view.indirect(&member, format!("metastore admin of `{}`", metastore.id)));
        }
    }
}

fn who(view: &View<'_>, names: &[String]) -> BTreeSet<String> {
    names.iter().flat_map(|name| view.directory.expand(name)).map(|member| member.name).collect()
}
