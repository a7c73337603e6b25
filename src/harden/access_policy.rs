//! The policy of the access-log bucket: only S3's log delivery writes, only for the audit bucket of this account.

use crate::model::Desired;

use super::bucket_policy::{READS, config_only_admins, transport};
use super::names::bucket_arn;
use super::parties::Parties;
use super::statement::{Statement, arns, sorted};

const LOGGING: &str = "logging.s3.amazonaws.com";

/// Sids of this policy, of any version of it.
pub(super) const SIDS: [&str; 10] = [
    "TlsOnly",
    "Tls12",
    "WritesOnlyLogging",
    "NobodyDestroys",
    "ReadsOnlyDeclared",
    "ListOnlyDeclared",
    "ConfigOnlyAdmins",
    "Logging",
    "ReadersRead",
    "ReadersList",
];

/// Readers of the access log: the declared ones, else the admins.
pub(super) fn readers(desired: &Desired) -> Vec<String> {
    if desired.bucket.access_log.readers.is_empty() {
        arns(desired.admin_roles())
    } else {
        arns(&desired.bucket.access_log.readers)
    }
}

/// `p` are the parties of the audit bucket, whose accesses are logged.
pub(super) fn statements(desired: &Desired, p: &Parties) -> Vec<Statement> {
    let log = &desired.bucket.access_log;
    let bucket = bucket_arn(p.partition, &log.bucket);
    let objects = format!("{bucket}/*");
    let readers = readers(desired);
    let mut all = transport(&[bucket.clone(), objects.clone()]);
    all.extend(denies(p, &bucket, &objects, &readers));
    all.push(
        Statement::allow("Logging", "B17: S3 writes the access log of the audit bucket")
            .service(LOGGING)
            .action(&["s3:PutObject"])
            .on(&[format!("{bucket}/{}*", log.prefix)])
            .when("ArnEquals", "aws:SourceArn", &[p.bucket_arn()])
            .when("StringEquals", "aws:SourceAccount", &[&p.account]),
    );
    if !readers.is_empty() {
        all.push(
            Statement::allow("ReadersRead", "B17: declared readers read the access log")
                .aws(&readers)
                .action(&["s3:GetObject", "s3:GetObjectVersion"])
                .on(&[objects]),
        );
        all.push(
            Statement::allow("ReadersList", "B17: declared readers list the access log")
                .aws(&readers)
                .action(&["s3:ListBucket", "s3:GetBucketLocation"])
                .on(&[bucket]),
        );
    }
    all
}

fn denies(p: &Parties, bucket: &str, objects: &str, readers: &[String]) -> Vec<Statement> {
    let writes: Vec<&str> = READS.into_iter().chain(["s3:PutObject"]).collect();
    let listers = sorted(readers.iter().chain(&p.admins).cloned());
    vec![
        // The key is absent for people and for anonymous requests: the negated operator then holds, and they are denied.
        Statement::deny("WritesOnlyLogging", "B17: only S3 log delivery writes")
            .not_action(&READS)
            .on(&[objects])
            .when("StringNotEquals", "aws:PrincipalServiceName", &[LOGGING]),
        Statement::deny("NobodyDestroys", "B17: nobody deletes versions or changes retention")
            .not_action(&writes)
            .on(&[objects]),
        Statement::deny("ReadsOnlyDeclared", "B17: the access log is closed to everyone who is not declared")
            .action(&READS)
            .on(&[objects])
            .when("ArnNotEquals", "aws:PrincipalArn", readers),
        Statement::deny("ListOnlyDeclared", "B17: object names are for the declared only")
            .action(&["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"])
            .on(&[bucket])
            .when("ArnNotEquals", "aws:PrincipalArn", &listers),
        config_only_admins(p, bucket),
    ]
}
