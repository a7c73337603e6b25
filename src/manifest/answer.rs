//! Single values judged before there is a manifest: what somebody types, or what an account calls its things.

use super::names::{self, Problem};

/// What a value is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `[databricks] account_id`.
    DatabricksAccount,
    /// `[aws] account_id`.
    AwsAccount,
    Region,
    Bucket,
    /// `[delivery] prefix`, and the earlier ones.
    Prefix,
    /// `[bucket.access_log] prefix`.
    LogPrefix,
    /// ARN of an IAM role.
    Role,
    /// ARN of a KMS key.
    Key,
    /// Alias of a KMS key.
    Alias,
    /// Databricks group, profile, owner of a waiver: any name that a cloud or a person gives.
    Name,
    DatabricksUser,
    DatabricksServicePrincipal,
    /// NAME of a reader or an admin.
    Label,
    /// Name of the manifest: its file's stem.
    Manifest,
}

/// Judges one value by the rules of a manifest.
///
/// # Errors
/// Why it is refused and what to write instead, in one line.
pub fn check(answer: Answer, text: &str) -> Result<(), String> {
    let checked = match answer {
        Answer::DatabricksAccount => names::databricks_account(text),
        Answer::AwsAccount => names::aws_account(text),
        Answer::Region => names::region(text),
        Answer::Bucket => names::bucket(text, None),
        Answer::Prefix => names::prefix(text),
        Answer::LogPrefix => names::log_prefix(text),
        Answer::Role => names::role(text, None).map(drop),
        Answer::Key => names::key(text, None).map(drop),
        Answer::Alias => names::alias(text),
        Answer::Name => names::name(text),
        Answer::DatabricksUser => names::user(text),
        Answer::DatabricksServicePrincipal => names::service_principal(text),
        Answer::Label => names::label(text),
        Answer::Manifest => names::manifest(text),
    };
    checked.map_err(|Problem { code: _, message, help }| format!("{message}: {help}"))
}

#[cfg(test)]
mod tests {
    use super::{Answer, check};

    #[test]
    fn answers_are_judged_as_in_a_manifest() {
        let rows = [
            (Answer::DatabricksAccount, "0d26daa6-5e44-4c97-a497-ef015f91254a", "0D26DAA6-5e44-4c97-a497-ef015f91254a"),
            (Answer::AwsAccount, "111122223333", "1111-2222-3333"),
            (Answer::Region, "eu-central-1", "Frankfurt"),
            (Answer::Bucket, "acme-audit", "Acme Audit"),
            (Answer::Prefix, "", "/audit"),
            (Answer::LogPrefix, "s3/", ""),
            (Answer::Role, "arn:aws:iam::111122223333:role/a/B", "arn:aws:iam::111122223333:user/B"),
            (Answer::Key, "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", "alias/logs"),
            (Answer::Alias, "alias/logs", "logs"),
            (Answer::Name, "account users", " x"),
            (Answer::DatabricksUser, "a@example.com", "a"),
            (Answer::DatabricksServicePrincipal, "3f2a1b4c-5d6e-7f80-91a2-b3c4d5e6f708", "detections"),
            (Answer::Label, "audit-team", "audit team"),
            (Answer::Manifest, "acme", "_"),
        ];
        for (answer, good, bad) in rows {
            assert_eq!(check(answer, good), Ok(()), "{good}");
            assert!(check(answer, bad).is_err_and(|why| why.contains(": ")), "{bad}");
        }
    }
}
