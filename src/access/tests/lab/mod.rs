//! A small estate, put together in a few words: who is there, what the policies say, and who reads then.

mod live;

use std::collections::{BTreeMap, BTreeSet};

use crate::access::{Assessment, PrincipalAccess, Question, Verdict, assess};
use crate::manifest;
use crate::model::authorization::{Authorization, IamGroup, IamRole, IamUser, InlinePolicy, ManagedPolicy};
use crate::model::bucket::{Encryption, PublicAccessBlock};
use crate::model::databricks::PrivilegeAssignment;
use crate::model::key::Grant;
use crate::model::live::Read;
use crate::model::organization::{Organization, OrganizationLevel};
use crate::model::unity_catalog::{DatabricksIdentity, DatabricksIdentityKind};
use crate::model::{Desired, Fact, Place};

pub const OWN: &str = "111122223333";
pub const OTHER: &str = "444455556666";
pub const BUCKET: &str = "acme-databricks-audit";
pub const OBJECTS: &str = "arn:aws:s3:::acme-databricks-audit/*";
pub const LOGS: &str = "arn:aws:s3:::acme-databricks-audit/audit/*";
pub const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555";
pub const OLD_KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/99999999-2222-3333-4444-555555555555";
pub const READER: &str = "arn:aws:iam::111122223333:role/SecurityAnalyst";
pub const ADMIN: &str = "arn:aws:iam::111122223333:role/PlatformAdmin";
pub const DELIVERY: &str = "arn:aws:iam::111122223333:role/AuditDelivery";
/// Trust in the company's own directory: the usual way in.
pub const SAML: &str = r#"{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:saml-provider/corp"},"Action":"sts:AssumeRoleWithSAML","Condition":{"StringEquals":{"SAML:aud":"https://signin.aws.amazon.com/saml"}}}"#;
const METASTORE: &str = "m-1";

const MANIFEST: &str = r#"
version = 1
[databricks]
account_id = "0d26daa6-5e44-4c97-a497-ef015f91254a"
[aws]
account_id = "111122223333"
region = "us-east-1"
[delivery]
bucket = "acme-databricks-audit"
prefix = "audit"
[role]
arn = "arn:aws:iam::111122223333:role/AuditDelivery"
[readers.analysts]
role = "arn:aws:iam::111122223333:role/SecurityAnalyst"
[readers.auditors]
databricks_group = "audit-readers"
[admins.platform]
role = "arn:aws:iam::111122223333:role/PlatformAdmin"
"#;

/// An estate under test.
#[derive(Clone, Debug)]
pub struct Lab {
    pub desired: Desired,
    pub people: Authorization,
    pub bucket: Vec<String>,
    pub keys: BTreeMap<String, Vec<String>>,
    pub grants: Vec<Grant>,
    pub encryption: Option<Encryption>,
    pub block: PublicAccessBlock,
    pub ownership: &'static str,
    pub acl: Vec<(String, String)>,
    pub points: Vec<(String, Option<String>)>,
    pub organization: Option<Organization>,
    pub levels: Vec<OrganizationLevel>,
    pub unread: Vec<Read>,
    pub extra: Vec<(Place, Read, Fact)>,
    pub identities: Vec<DatabricksIdentity>,
}

pub fn document(statements: &[impl AsRef<str>]) -> String {
    let all: Vec<&str> = statements.iter().map(AsRef::as_ref).collect();
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, all.join(","))
}

/// `Allow` of some actions to a principal (`"*"`, or the object's members as JSON) on resources, with further members.
pub fn allow(principal: &str, actions: &str, resource: &str, more: &str) -> String {
    statement("Allow", principal, actions, resource, more)
}

pub fn deny(principal: &str, actions: &str, resource: &str, more: &str) -> String {
    statement("Deny", principal, actions, resource, more)
}

fn statement(effect: &str, principal: &str, actions: &str, resource: &str, more: &str) -> String {
    let principal = match principal {
        "" => String::new(),
        "*" => r#""Principal":"*","#.to_owned(),
        text if text.starts_with('"') => format!(r#""Principal":{{{text}}},"#),
        arn => format!(r#""Principal":{{"AWS":"{arn}"}},"#),
    };
    let actions = serde_json::to_string(&actions.split(' ').collect::<Vec<_>>()).expect("actions");
    format!(r#"{{"Effect":"{effect}",{principal}"Action":{actions},"Resource":"{resource}"{more}}}"#)
}

/// An identity statement.
pub fn may(actions: &str, resource: &str) -> String {
    allow("", actions, resource, "")
}

/// A trust statement for an AWS principal.
pub fn trusts(principal: &str) -> String {
    format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"sts:AssumeRole"}}"#)
}

pub fn trusts_service(service: &str) -> String {
    format!(r#"{{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"sts:AssumeRole"}}"#)
}

pub fn when(operator: &str, key: &str, value: &str) -> String {
    format!(r#","Condition":{{"{operator}":{{"{key}":"{value}"}}}}"#)
}

fn switches(on: bool) -> PublicAccessBlock {
    PublicAccessBlock {
        block_public_acls: on,
        ignore_public_acls: on,
        block_public_policy: on,
        restrict_public_buckets: on,
    }
}

/// A sealed estate: one reader, one admin, the delivery, a customer key. Nobody else can read.
pub fn sealed() -> Lab {
    let desired = manifest::parse("acme", "acme.toml", MANIFEST).expect("manifest");
    let mut lab = Lab {
        desired,
        people: Authorization::default(),
        bucket: Vec::new(),
        keys: BTreeMap::new(),
        grants: Vec::new(),
        encryption: Some(Encryption::kms(KEY)),
        block: switches(true),
        ownership: "BucketOwnerEnforced",
        acl: Vec::new(),
        points: Vec::new(),
        organization: None,
        levels: Vec::new(),
        unread: Vec::new(),
        extra: Vec::new(),
        identities: Vec::new(),
    };
    let databricks = lab.desired.aws.partition.delivery_principal();
    let delivery_trust = format!(
        r#"{{"Sid":"Databricks","Effect":"Allow","Principal":{{"AWS":"{databricks}"}},"Action":"sts:AssumeRole","Condition":{{"StringEquals":{{"sts:ExternalId":"{}"}}}}}}"#,
        lab.desired.databricks.account_id
    );
    lab = lab
        .role("SecurityAnalyst", SAML, &[])
        .role("PlatformAdmin", SAML, &[&may("s3:PutBucketPolicy s3:GetBucketPolicy", &format!("arn:aws:s3:::{BUCKET}"))])
        .role("AuditDelivery", &delivery_trust, &[])
        .on_bucket(&deny(
            "*",
            "s3:GetObject* s3:PutObject* s3:DeleteObject* s3:BypassGovernanceRetention s3:RestoreObject s3:Replicate* s3:UpdateObjectEncryption",
            OBJECTS,
            &format!(r#","Sid":"NotRoot"{}"#, when("ArnEquals", "aws:PrincipalArn", &format!("arn:aws:iam::{OWN}:root"))),
        ))
        .on_bucket(&deny(
            "*",
            "s3:ListBucket*",
            &format!("arn:aws:s3:::{BUCKET}"),
            &when("ArnEquals", "aws:PrincipalArn", &format!("arn:aws:iam::{OWN}:root")),
        ))
        .on_bucket(&allow(READER, "s3:GetObject s3:GetObjectVersion", LOGS, r#","Sid":"ReadersRead""#))
        .on_bucket(&allow(DELIVERY, "s3:PutObject s3:GetObject s3:DeleteObject", LOGS, r#","Sid":"DeliveryWrites""#))
        .on_key(KEY, &allow(READER, "kms:Decrypt", "*", r#","Sid":"ReadersDecrypt""#))
        .on_key(KEY, &allow(DELIVERY, "kms:GenerateDataKey kms:Decrypt", "*", r#","Sid":"DeliveryEncrypts""#))
        .on_key(KEY, &allow(ADMIN, "kms:PutKeyPolicy kms:DescribeKey", "*", r#","Sid":"AdminsAdminister""#));
    lab
}

/// The same without a key of the customer: S3 alone decides.
pub fn plain() -> Lab {
    let mut lab = sealed();
    lab.encryption = Some(Encryption::s3());
    lab
}

impl Lab {
    pub fn on_bucket(mut self, statement: &str) -> Self {
        self.bucket.push(statement.to_owned());
        self
    }

    pub fn on_key(mut self, key: &str, statement: &str) -> Self {
        self.keys.entry(key.to_owned()).or_default().push(statement.to_owned());
        self
    }

    pub fn role(self, name: &str, trust: &str, policies: &[&str]) -> Self {
        self.role_at(&format!("arn:aws:iam::{OWN}:role/{name}"), trust, policies)
    }

    pub fn role_at(mut self, arn: &str, trust: &str, policies: &[&str]) -> Self {
        let name = arn.rsplit('/').next().expect("name");
        self.people.roles.push(IamRole {
            arn: arn.to_owned(),
            id: format!("AROA{:0>17}", name.to_uppercase().replace(['-', '_'], "X")),
            trust: document(&[trust]),
            inline: inline(policies),
            attached: Vec::new(),
            boundary: None,
            tags: BTreeMap::new(),
            instance_profiles: Vec::new(),
        });
        self
    }

    pub fn user(mut self, name: &str, policies: &[&str]) -> Self {
        self.people.users.push(IamUser {
            arn: format!("arn:aws:iam::{OWN}:user/{name}"),
            id: format!("AIDA{:0>17}", name.to_uppercase()),
            inline: inline(policies),
            attached: Vec::new(),
            boundary: None,
            groups: Vec::new(),
            tags: BTreeMap::new(),
        });
        self
    }

    pub fn group(mut self, name: &str, policies: &[&str], user: &str) -> Self {
        let arn = format!("arn:aws:iam::{OWN}:group/{name}");
        self.people.groups.push(IamGroup {
            arn,
            name: name.to_owned(),
            inline: inline(policies),
            attached: Vec::new(),
        });
        self.last_user(user).groups.push(name.to_owned());
        self
    }

    pub fn last_user(&mut self, name: &str) -> &mut IamUser {
        self.people.users.iter_mut().find(|user| user.arn.ends_with(&format!("/{name}"))).expect("user")
    }

    pub fn edit_role(mut self, name: &str, edit: impl FnOnce(&mut IamRole)) -> Self {
        let role = self.people.roles.iter_mut().find(|role| role.arn.ends_with(&format!("/{name}"))).expect("role");
        edit(role);
        self
    }

    pub fn edit_user(mut self, name: &str, edit: impl FnOnce(&mut IamUser)) -> Self {
        edit(self.last_user(name));
        self
    }

    pub fn managed(mut self, arn: &str, statements: &[&str]) -> Self {
        self.people.policies.push(ManagedPolicy { arn: arn.to_owned(), text: document(statements) });
        self
    }

    pub fn grant(mut self, grantee: &str, operations: &[&str], constraints: Option<&str>) -> Self {
        self.grants.push(Grant {
            id: format!("grant-{}", self.grants.len()),
            name: String::new(),
            grantee: grantee.to_owned(),
            retiring: None,
            issuing_account: None,
            operations: operations.iter().map(|one| (*one).to_owned()).collect(),
            constraints: constraints.map(str::to_owned),
        });
        self
    }

    pub fn unblocked(mut self) -> Self {
        self.block = switches(false);
        self
    }

    pub fn with(mut self, edit: impl FnOnce(&mut Self)) -> Self {
        edit(&mut self);
        self
    }

    /// An access point of the bucket's own account, for everybody that its policy names.
    pub fn point(mut self, name: &str, policy: Option<&str>) -> Self {
        self.points.push((name.to_owned(), policy.map(|statement| document(&[statement]))));
        self
    }

    pub fn scp(mut self, statements: &[&str]) -> Self {
        self.level(ManagedPolicy { arn: "p-scp".to_owned(), text: document(statements) }, true);
        self
    }

    pub fn rcp(mut self, statements: &[&str]) -> Self {
        self.level(ManagedPolicy { arn: "p-rcp".to_owned(), text: document(statements) }, false);
        self
    }

    fn level(&mut self, policy: ManagedPolicy, service_control: bool) {
        self.organization =
            Some(Organization { id: Some("o-acme".to_owned()), management_account: Some("999900001111".to_owned()) });
        let mut level = OrganizationLevel { target: "r-1".to_owned(), ..OrganizationLevel::default() };
        if service_control {
            level.service_control.push(policy)
        } else {
            level.resource_control.push(policy)
        }
        self.levels.push(level);
    }

    pub fn without(mut self, read: Read) -> Self {
        self.unread.push(read);
        self
    }

    pub fn place(&self) -> Place {
        self.desired.aws_place()
    }

    pub fn workspace(&self) -> Place {
        Place::Workspace {
            account: self.desired.databricks.account_id.clone(),
            workspace: 1,
            deployment: "dbc-1".to_owned(),
        }
    }

    /// A fact of the workspace that shows the metastore.
    pub fn catalog(mut self, read: Read, fact: impl Into<Fact>) -> Self {
        let place = self.workspace();
        self.extra.push((place, read, fact.into()));
        self
    }

    pub fn privileges(self, securable: &str, name: &str, principal: &str, privileges: &[&str]) -> Self {
        let read = Read::Privileges { securable: securable.to_owned(), name: name.to_owned() };
        let privileges = privileges.iter().map(|one| (*one).to_owned()).collect();
        let grant = PrivilegeAssignment { principal: principal.to_owned(), principal_id: None, privileges };
        self.catalog(read, vec![grant])
    }

    pub fn identity(mut self, id: &str, kind: DatabricksIdentityKind, name: &str, members: &[&str]) -> Self {
        self.identities.push(DatabricksIdentity {
            id: id.to_owned(),
            kind,
            name: name.to_owned(),
            account_admin: false,
            active: true,
            members: members.iter().map(|one| (*one).to_owned()).collect(),
        });
        self
    }

    pub fn assess(&self) -> Assessment {
        assess(std::slice::from_ref(&self.desired), &self.live())
    }

    /// Whoever may and is not declared to, in objects that are known to exist.
    pub fn undeclared(&self, question: Question) -> Vec<PrincipalAccess> {
        let all = self.assess();
        let sampled: BTreeSet<String> =
            all.object_classes.iter().filter(|one| one.sampled).map(|one| one.id.clone()).collect();
        let mut found: Vec<PrincipalAccess> = all
            .principals
            .into_iter()
            .filter(|one| one.question == question && !one.declared && one.verdict != Verdict::Cannot)
            .filter(|one| sampled.contains(&one.object_class))
            .collect();
        found.sort_by(|a, b| a.arn.cmp(&b.arn));
        found
    }
}

fn inline(policies: &[&str]) -> Vec<InlinePolicy> {
    let policies = policies.iter().enumerate();
    policies
        .map(|(index, statement)| InlinePolicy { name: format!("Own{index}"), text: document(&[statement]) })
        .collect()
}
