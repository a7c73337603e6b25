//! What a request can carry: by the credential (C6), by the network (C7), and what S3 passes on to KMS (C8).

use std::collections::{BTreeMap, BTreeSet};

use crate::iam::symbolic::{Keys, World};
use crate::model::Observed;

use super::objects::is_any;
use super::organization::Limits;
use super::subject::{Credential, Subject, Traits};

/// Keys of the network between caller and service.
const THROUGH_ENDPOINT: [&str; 6] =
    ["aws:SourceVpc", "aws:SourceVpce", "aws:SourceVpcArn", "aws:VpceAccount", "aws:VpceOrgID", "aws:VpceOrgPaths"];

/// Keys that only a service's own call carries (C3).
const BY_SERVICE: [&str; 7] = [
    "aws:SourceArn",
    "aws:SourceAccount",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "aws:SourceOwner",
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
];

/// Keys of short-lived credentials.
const SESSION: [&str; 3] = ["aws:TokenIssueTime", "aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge"];

/// Keys that every request has, with a value that the requester chooses (C5).
const ALWAYS: [&str; 3] = ["aws:SecureTransport", "aws:CurrentTime", "aws:EpochTime"];

/// Keys about the resource that were not read.
const ABOUT_RESOURCE: [&str; 8] = [
    "s3:ExistingObjectTag/*",
    "s3:BucketTag/*",
    "aws:ResourceTag/*",
    "aws:ResourceOrgID",
    "aws:ResourceOrgPaths",
    "kms:ResourceAliases",
    "kms:RequestAlias",
    "s3:object-lock-remaining-retention-days",
];

/// Headers and parameters that an ordinary request does not have.
const EXTRAS: [&str; 8] = [
    "s3:x-amz-*",
    "s3:VersionId",
    "s3:delimiter",
    "s3:max-keys",
    "s3:RequestObjectTag/*",
    "s3:RequestObjectTagKeys",
    "s3:object-lock-*",
    "s3:if-*",
];

/// The encryption context of an object.
const OBJECT_CONTEXT: &str = "kms:EncryptionContext:aws:s3:arn";

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn one(key: &str, value: &str) -> (String, Vec<String>) {
    (key.to_owned(), vec![value.to_owned()])
}

/// Every way in which a principal can send a request.
pub(super) fn worlds(subject: &Subject, limits: &Limits) -> Vec<World> {
    let mut worlds = Vec::new();
    for (credential, keys) in credentials(subject.credential) {
        for (network, channel) in channels(subject.credential) {
            let mut all = about(subject, limits);
            join(&mut all, keys.clone());
            join(&mut all, channel);
            worlds.push(World::new(format!("{credential}, {network}"), all));
        }
    }
    worlds
}

/// The ordinary request: TLS, from the internet, without special headers, with the credentials that the principal has at
/// least. Where it comes from and when is left open.
pub(super) fn ordinary(subject: &Subject, limits: &Limits, listed: &str) -> World {
    let mut keys = about(subject, limits);
    if let Some((_, credential)) = credentials(subject.credential).into_iter().next() {
        join(&mut keys, credential);
    }
    if let Some((_, channel)) = channels(subject.credential).into_iter().next() {
        join(&mut keys, channel);
    }
    for (key, value) in [("aws:SecureTransport", "true"), ("s3:TlsVersion", "1.3"), ("s3:prefix", listed)] {
        keys.present.remove(key);
        keys.fixed.extend([one(key, value)]);
    }
    keys.absent.extend(set(&EXTRAS));
    World::new("an ordinary request", keys)
}

fn join(keys: &mut Keys, more: Keys) {
    let Keys { fixed, absent, present, free, unknown } = more;
    keys.fixed.extend(fixed);
    keys.absent.extend(absent);
    keys.present.extend(present);
    keys.free.extend(free);
    keys.unknown.extend(unknown);
}

/// The weakest credential first.
fn credentials(credential: Credential) -> Vec<(&'static str, Keys)> {
    let long_term = || Keys { absent: set(&SESSION), ..Keys::default() };
    let temporary = || Keys { present: set(&["aws:TokenIssueTime", "aws:MultiFactorAuthPresent"]), ..Keys::default() };
    match credential {
        Credential::User | Credential::Root => {
            vec![("long-term credentials", long_term()), ("temporary credentials", temporary())]
        }
        // Whether a session carries the MFA key depends on how it was begun.
        Credential::Role => {
            vec![("role session", Keys { present: set(&["aws:TokenIssueTime"]), ..Keys::default() })]
        }
        Credential::Federated => vec![(
            "federated session",
            Keys { present: set(&["aws:TokenIssueTime"]), absent: set(&["aws:MultiFactorAuthAge"]), ..Keys::default() },
        )],
        Credential::Service | Credential::Anonymous => {
            let mut absent = set(&SESSION);
            if credential == Credential::Anonymous {
                absent.extend(set(&["aws:PrincipalArn", "aws:PrincipalIsAWSService"]));
            }
            vec![("no credentials of an account", Keys { absent, ..Keys::default() })]
        }
    }
}

fn channels(credential: Credential) -> Vec<(&'static str, Keys)> {
    let mut internet = Keys { absent: set(&THROUGH_ENDPOINT), present: set(&["aws:SourceIp"]), ..Keys::default() };
    internet.absent.insert("aws:VpcSourceIp".to_owned());
    internet.fixed.extend([one("aws:ViaAWSService", "false")]);
    internet.absent.extend(set(&["aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast"]));
    let endpoint = Keys {
        absent: set(&["aws:SourceIp", "aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast"]),
        present: set(&["aws:SourceVpc", "aws:SourceVpce", "aws:VpcSourceIp"]),
        fixed: BTreeMap::from([one("aws:ViaAWSService", "false")]),
        ..Keys::default()
    };
    // Another service makes the request for the caller (C8): whose address it shows is not documented.
    let forwarded = Keys {
        absent: set(&THROUGH_ENDPOINT),
        unknown: set(&["aws:SourceIp", "aws:VpcSourceIp"]),
        fixed: BTreeMap::from([one("aws:ViaAWSService", "true")]),
        ..Keys::default()
    };
    match credential {
        Credential::Service => {
            let own =
                Keys { unknown: set(&["aws:SourceIp", "aws:VpcSourceIp", "aws:ViaAWSService"]), ..Keys::default() };
            vec![("from AWS", own)]
        }
        Credential::Anonymous => vec![("from the internet", internet), ("through an endpoint", endpoint)],
        _ => vec![
            ("from the internet", internet),
            ("through an endpoint", endpoint),
            ("through another service", forwarded),
        ],
    }
}

/// What follows from who the principal is.
fn about(subject: &Subject, limits: &Limits) -> Keys {
    let mut keys = Keys { present: set(&ALWAYS), unknown: set(&ABOUT_RESOURCE), ..Keys::default() };
    if subject.credential != Credential::Service {
        keys.absent.extend(set(&BY_SERVICE));
    }
    if subject.credential != Credential::User {
        keys.absent.insert("aws:username".to_owned());
    }
    match (&subject.traits, subject.credential) {
        (_, Credential::Service) => {
            keys.absent.extend(set(&["aws:PrincipalTag/*", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths"]));
        }
        (_, Credential::Anonymous) => {
            keys.absent.extend(set(&["aws:PrincipalTag/*", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths"]));
        }
        (Traits::Known { tags, session_tags }, _) => {
            if *session_tags {
                // A tag of the session hides one of the role of the same name.
                keys.free.insert("aws:PrincipalTag/*".to_owned());
            } else {
                keys.absent.insert("aws:PrincipalTag/*".to_owned());
                keys.fixed.extend(tags.iter().map(|(name, value)| one(&format!("aws:PrincipalTag/{name}"), value)));
            }
            organization(&mut keys, limits);
        }
        (Traits::Open, _) => {
            keys.free.insert("aws:PrincipalTag/*".to_owned());
            if subject.in_account {
                organization(&mut keys, limits);
            }
        }
    }
    if let Some(class) = &subject.class {
        keys.present.extend(set(class.open));
    }
    keys
}

fn organization(keys: &mut Keys, limits: &Limits) {
    match &limits.organization {
        Some(Observed::Present(id)) => {
            keys.fixed.extend([one("aws:PrincipalOrgID", id)]);
            keys.unknown.insert("aws:PrincipalOrgPaths".to_owned());
        }
        Some(Observed::Absent) => keys.absent.extend(set(&["aws:PrincipalOrgID", "aws:PrincipalOrgPaths"])),
        Some(Observed::Unknown(_)) | None => {
            keys.unknown.extend(set(&["aws:PrincipalOrgID", "aws:PrincipalOrgPaths"]));
        }
    }
}

/// Keys of a direct request to the bucket.
pub(super) fn direct() -> Keys {
    Keys {
        absent: set(&["s3:DataAccessPointArn", "s3:DataAccessPointAccount", "s3:AccessPointNetworkOrigin"]),
        ..Keys::default()
    }
}

/// Keys of a request to the bucket through an access point.
pub(super) fn through_access_point(arn: &str, account: &str, vpc: bool) -> Keys {
    let origin = if vpc { "VPC" } else { "Internet" };
    let mut keys = Keys {
        fixed: BTreeMap::from([one("s3:DataAccessPointArn", arn), one("s3:DataAccessPointAccount", account)]),
        ..Keys::default()
    };
    // What one of several regions shows here is not documented.
    if arn.ends_with(".mrap") {
        keys.unknown.insert("s3:AccessPointNetworkOrigin".to_owned());
    } else {
        keys.fixed.extend([one("s3:AccessPointNetworkOrigin", origin)]);
    }
    keys
}

/// Keys of the request that S3 makes to KMS for its caller (K4, C8): the endpoint is not passed on, the encryption context
/// is the bucket or the object, and unknown where any object is meant.
pub(super) fn through_s3(region: &str, context: &str, exact: bool) -> Keys {
    let mut keys = Keys {
        fixed: BTreeMap::from([
            one("kms:ViaService", &format!("s3.{region}.amazonaws.com")),
            one(OBJECT_CONTEXT, context),
            one("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT"),
            one("aws:ViaAWSService", "true"),
            one("aws:SecureTransport", "true"),
        ]),
        absent: set(&THROUGH_ENDPOINT),
        unknown: set(&["aws:SourceIp", "aws:VpcSourceIp", "aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast"]),
        ..Keys::default()
    };
    if exact {
        keys.fixed.extend([one("kms:EncryptionContextKeys", "aws:s3:arn")]);
        keys.absent.insert("kms:EncryptionContext:*".to_owned());
    } else {
        // Whoever wrote the object could add to the context.
        keys.unknown.extend(set(&["kms:EncryptionContextKeys", "kms:EncryptionContext:*"]));
    }
    if is_any(context) {
        keys.fixed.remove(OBJECT_CONTEXT);
        keys.unknown.insert(OBJECT_CONTEXT.to_owned());
    }
    keys
}
