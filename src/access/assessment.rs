//! What an assessment says: principals, proofs, and what both rest on.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::Gap;

/// Version of the document that `access --format json` prints.
pub const FORMAT_VERSION: &str = "1.0";

/// What is asked about the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Question {
    /// The content of a log object.
    Read,
    /// New objects below a log prefix.
    Write,
    /// Overwrite, delete, let expire, or take the protection away.
    Tamper,
    /// Names of log objects, which tell workspaces and dates.
    List,
}

impl Question {
    pub const ALL: [Question; 4] = [Question::Read, Question::Write, Question::Tamper, Question::List];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Question::Read => "read",
            Question::Write => "write",
            Question::Tamper => "tamper",
            Question::List => "list",
        }
    }
}

/// What was found for one principal. The order is that of danger, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// No request of the principal, in whatever context, is allowed.
    Cannot,
    /// Some requests may be allowed: the conditions say which, or what is not known.
    Conditional,
    /// Its ordinary request is allowed: over TLS, from the internet, with the credentials that it has.
    Can,
}

impl Verdict {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Cannot => "cannot",
            Verdict::Conditional => "conditional",
            Verdict::Can => "can",
        }
    }

    #[must_use]
    pub fn possible(self) -> bool {
        self != Verdict::Cannot
    }
}

/// What a principal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrincipalKind {
    Root,
    User,
    Role,
    /// One session of a role, named by its own ARN.
    RoleSession,
    FederatedUser,
    /// Principals of an account that nothing names one by one.
    Account,
    /// Any AWS principal that nothing names, of whatever account.
    AnyAws,
    Anonymous,
    Service,
    /// Whoever a SAML or OIDC provider signs for.
    IdentityProvider,
    /// An AWS account known by its canonical user id only.
    CanonicalUser,
    /// Whoever an access point that could not be looked into lets in.
    AccessPoint,
    /// Somebody in the directory of IAM Identity Center to whom an access grant is made.
    DirectoryUser,
    DirectoryGroup,
    DatabricksUser,
    DatabricksServicePrincipal,
    /// A group whose members are not known.
    DatabricksGroup,
}

/// One assumption of a role on the way to the logs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hop {
    /// ARN of the role that is taken.
    pub role: String,
    /// How: `assume-role`, `pass-role` (a compute service runs as it), `service`, `identity-provider`, `access-grant`
    /// (S3 lends it), `unity-catalog`.
    pub by: String,
    /// Statements that let it happen.
    pub statements: Vec<String>,
    pub conditions: Vec<String>,
}

/// The statements that a `can` or `conditional` rests on, by what they are about, in the words of `report`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Witness {
    pub s3: Vec<String>,
    pub kms: Vec<String>,
    pub assume_role: Vec<String>,
    pub unity_catalog: Vec<String>,
    /// Request context under which the requests are allowed.
    pub context: BTreeMap<String, Vec<String>>,
}

/// What one principal can do, in one class of objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PrincipalAccess {
    pub manifest: String,
    pub question: Question,
    pub arn: String,
    pub kind: PrincipalKind,
    /// Whether the declaration names it for this.
    pub declared: bool,
    /// As what it is declared, or why it is not.
    pub declared_as: String,
    pub verdict: Verdict,
    /// Whether a request is known that is allowed; otherwise it is only not ruled out.
    pub certain: bool,
    /// Id of an [`ObjectClass`].
    pub object_class: String,
    /// The actions of the question that may be allowed.
    pub actions: Vec<String>,
    pub via: Vec<Hop>,
    pub witness: Witness,
    /// What has to hold for it to be allowed. Empty for `can`.
    pub conditions: Vec<String>,
    /// For `cannot`: what stands in the way.
    pub blocked_by: Vec<String>,
}

/// Log objects that the same key and the same statements decide about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectClass {
    pub id: String,
    pub manifest: String,
    /// In words.
    pub description: String,
    /// Prefixes of the bucket.
    pub prefixes: Vec<String>,
    /// ARN of the key; `None` where KMS has no say.
    pub key: Option<String>,
    /// Whether objects of the class are known to exist. Those of an older encryption are not, unless somebody samples them.
    pub sampled: bool,
}

/// Something that is taken to be so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Assumption {
    /// Stable, kebab-case.
    pub code: String,
    pub message: String,
    /// An input that should have been read: nothing is proved while there is one.
    pub unread: bool,
}

/// A principal that cannot do it now, and could change something so that it can (the second tier).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Indirect {
    pub manifest: String,
    pub arn: String,
    pub kind: PrincipalKind,
    /// The first tier's declaration: admins are expected here.
    pub declared: bool,
    /// Actions, with the resource that they act on.
    pub means: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProofVerdict {
    Holds,
    /// Neither a counterexample nor a proof: something is unread or assumed.
    NotProven,
    DoesNotHold,
}

impl ProofVerdict {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ProofVerdict::Holds => "holds",
            ProofVerdict::NotProven => "not proven",
            ProofVerdict::DoesNotHold => "does not hold",
        }
    }
}

/// One statement about the estate as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Proof {
    pub manifest: String,
    /// `readers-declared`, `writers-declared`, `tamperers-declared`, `delivery-works`, `control-kept`.
    pub code: String,
    /// In words.
    pub claim: String,
    pub verdict: ProofVerdict,
    /// Counterexamples, or what is missing.
    pub because: Vec<String>,
}

/// The answer for one or more manifests. A function of the declaration and the live state alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// Whether every input was read.
    pub complete: bool,
    pub gaps: Vec<Gap>,
    pub assumptions: Vec<Assumption>,
    pub object_classes: Vec<ObjectClass>,
    /// Sorted by question, then with the dangerous first.
    pub principals: Vec<PrincipalAccess>,
    pub second_tier: Vec<Indirect>,
    pub proofs: Vec<Proof>,
}

/// Somebody who can do something: what two states are compared by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Holder {
    pub manifest: String,
    pub question: Question,
    pub arn: String,
    pub declared: bool,
    /// ARN of the role whose session can, when the principal can only by taking it.
    pub through: Option<String>,
    /// Bucket of the declared replica that this is about.
    pub replica: Option<String>,
    /// The most that was found; never `Cannot`.
    pub verdict: Verdict,
}

impl Assessment {
    /// Everybody who may, per question; twice who may by a declared way and by another one.
    #[must_use]
    pub fn holders(&self) -> BTreeSet<Holder> {
        let mut holders: BTreeMap<_, Holder> = BTreeMap::new();
        for access in self.principals.iter().filter(|access| access.verdict.possible()) {
            let through = access.via.last().map(|hop| hop.role.clone());
            // By a declared way and by another one are two things.
            let key =
                (access.manifest.as_str(), access.question, access.arn.as_str(), access.replica(), access.declared);
            match holders.get_mut(&key) {
                // What somebody can do without any role outweighs what a role lets them do.
                Some(known) => {
                    known.through = known.through.take().filter(|_| through.is_some());
                    known.verdict = known.verdict.max(access.verdict);
                }
                None => {
                    let holder = Holder {
                        manifest: access.manifest.clone(),
                        question: access.question,
                        arn: access.arn.clone(),
                        declared: access.declared,
                        through,
                        replica: access.replica().map(str::to_owned),
                        verdict: access.verdict,
                    };
                    holders.insert(key, holder);
                }
            }
        }
        holders.into_values().collect()
    }

    /// ARNs of those who may, sorted.
    #[must_use]
    pub fn who(&self, question: Question) -> Vec<String> {
        let all: BTreeSet<String> =
            self.holders().into_iter().filter(|holder| holder.question == question).map(|holder| holder.arn).collect();
        all.into_iter().collect()
    }

    #[must_use]
    pub fn proof(&self, manifest: &str, code: &str) -> Option<&Proof> {
        self.proofs.iter().find(|proof| proof.manifest == manifest && proof.code == code)
    }
}
