//! The parts of an input document, tolerant of the spellings of the AWS command line.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::model::bucket::PublicAccessBlock;
use crate::model::key::Grant;

use super::super::document::parse;
use super::super::evaluate::{Document, NamedPolicy};
use super::super::json::Json;
use super::Unread;

/// Key → values; a single value may stand without its list. An empty list says that the key is absent.
#[derive(Default)]
pub(super) struct Context(pub BTreeMap<String, Vec<String>>);

impl<'de> Deserialize<'de> for Context {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Json::Object(members) = Json::deserialize(from)? else {
            return Err(D::Error::custom("`context` is no object of condition keys"));
        };
        let scalar = |key: &str, value: Json| match value {
            Json::String(text) => Ok(text),
            Json::Bool(value) => Ok(value.to_string()),
            Json::Number(value) => Ok(value.to_string()),
            other => {
                Err(D::Error::custom(format!("`{key}` of `context` is {}; expected a string or a list", other.kind())))
            }
        };
        let mut context = BTreeMap::new();
        for (key, value) in members {
            let values = match value {
                Json::List(items) => items.into_iter().map(|item| scalar(&key, item)).collect::<Result<_, _>>()?,
                one => vec![scalar(&key, one)?],
            };
            context.insert(key, values);
        }
        Ok(Self(context))
    }
}

/// A policy: its document, its document as a text in a string, or either under a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    name: Option<String>,
    document: Json,
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Json::deserialize(from)? {
            Json::Object(members) if members.iter().any(|(name, _)| name == "policy") => {
                let (mut name, mut document) = (None, Json::Null);
                for (member, value) in members {
                    match (member.as_str(), value) {
                        ("policy", value @ (Json::Object(_) | Json::String(_))) => document = value,
                        ("name", Json::String(text)) => name = Some(text),
                        (other, value) => {
                            return Err(D::Error::custom(format!(
                                "`{other}` is {} in a named policy; expected `name` (a string) and `policy` (a document)",
                                value.kind()
                            )));
                        }
                    }
                }
                Ok(Self { name, document })
            }
            document @ (Json::Object(_) | Json::String(_)) => Ok(Self { name: None, document }),
            other => Err(D::Error::custom(format!(
                "a policy is {}; expected a policy document or `{{\"name\": …, \"policy\": …}}`",
                other.kind()
            ))),
        }
    }
}

impl Given {
    /// A policy without a name is called by its place in the input.
    pub(super) fn named(self, place: String, unread: &mut Vec<Unread>) -> NamedPolicy {
        let policy = match self.document {
            Json::String(text) => parse(&text),
            json => parse(&json.minified()),
        };
        let name = self.name.unwrap_or(place);
        let document = match policy {
            Ok(policy) => Document::Known(policy.into()),
            Err(error) => {
                unread.push(Unread { policy: name.clone(), reason: error.to_string() });
                Document::Unknown(error.to_string())
            }
        };
        NamedPolicy { name: name.into(), document }
    }
}

/// The switches of a public access block, in the spelling of this program or of the S3 API; one that is left out is off, and
/// `true` alone is all of them.
pub(super) struct Block(pub PublicAccessBlock);

impl<'de> Deserialize<'de> for Block {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let all = |on: bool| PublicAccessBlock {
            block_public_acls: on,
            ignore_public_acls: on,
            block_public_policy: on,
            restrict_public_buckets: on,
        };
        let members = match Json::deserialize(from)? {
            Json::Bool(on) => return Ok(Self(all(on))),
            Json::Object(members) => members,
            other => {
                let message = format!("`block_public_access` is {}; expected an object of switches", other.kind());
                return Err(D::Error::custom(message));
            }
        };
        let mut block = all(false);
        for (name, value) in members {
            let Json::Bool(on) = value else {
                return Err(D::Error::custom(format!("`{name}` is {}; expected true or false", value.kind())));
            };
            match name.as_str() {
                "block_public_acls" | "BlockPublicAcls" => block.block_public_acls = on,
                "ignore_public_acls" | "IgnorePublicAcls" => block.ignore_public_acls = on,
                "block_public_policy" | "BlockPublicPolicy" => block.block_public_policy = on,
                "restrict_public_buckets" | "RestrictPublicBuckets" => block.restrict_public_buckets = on,
                _ => {
                    return Err(D::Error::custom(format!(
                        "`{name}` is no switch of a public access block; expected `block_public_acls`, \
                         `ignore_public_acls`, `block_public_policy` or `restrict_public_buckets`"
                    )));
                }
            }
        }
        Ok(Self(block))
    }
}

/// A grant, with the field names of this program or of `aws kms list-grants`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GivenGrant {
    #[serde(default, alias = "GrantId", alias = "grant_id")]
    id: Option<String>,
    #[serde(default, alias = "Name")]
    name: String,
    #[serde(alias = "GranteePrincipal", alias = "grantee_principal")]
    grantee: String,
    #[serde(default, alias = "RetiringPrincipal", alias = "retiring_principal")]
    retiring: Option<String>,
    #[serde(default, alias = "IssuingAccount")]
    issuing_account: Option<String>,
    #[serde(alias = "Operations")]
    operations: Vec<String>,
    #[serde(default, alias = "Constraints")]
    constraints: Option<Json>,
    #[serde(default, alias = "KeyId")]
    key_id: Option<String>,
    #[serde(default, rename = "CreationDate")]
    _creation_date: Option<Json>,
}

impl GivenGrant {
    /// Whether the grant is on this key; one that does not say its key is.
    pub fn is_of(&self, resource: &str) -> bool {
        self.key_id.as_ref().is_none_or(|key| key == resource || resource.ends_with(&format!(":key/{key}")))
    }

    pub fn named(self, index: usize) -> Grant {
        Grant {
            id: self.id.unwrap_or_else(|| format!("kms_grants[{index}]")),
            name: self.name,
            grantee: self.grantee,
            retiring: self.retiring,
            issuing_account: self.issuing_account,
            operations: self.operations,
            constraints: self.constraints.map(|constraints| match constraints {
                Json::String(text) => text,
                json => json.pretty(),
            }),
        }
    }
}
