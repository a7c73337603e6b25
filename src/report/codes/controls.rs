//! What each control asks for, and what waiving it means: the closed list of `[[waivers]]`.

use super::{Code, code};

/// One entry for each [`Control`](crate::model::Control), sorted by name.
pub const CONTROLS: &[Code] = &[
    code(
        "access-log-encryption",
        "the access-log bucket is encrypted with S3's own keys",
        "B17. S3 cannot deliver server access logs into a bucket whose default encryption is a customer key, so the access-log \
         bucket has SSE-S3. Waived, its default encryption stays as it is, and access logs may not arrive.",
        "Waive it for a bucket that also receives something else, until the log has a bucket of its own.",
    ),
    code(
        "access-logging",
        "every request to the audit bucket is logged",
        "B17, Security Hub S3.9. The audit bucket writes server access logs to a second bucket of the estate. Waived, the live \
         setting stays, and an access-log bucket that does not exist is not made. Nobody can then tell from S3 who read the logs.",
        "Waive it while object-level events of a trail say the same, or until the log bucket is agreed on.",
    ),
    code(
        "account-public-access-block",
        "public access is blocked for the whole AWS account",
        "B2, Security Hub S3.1. It applies only where `[account] public_access_block = true`, and acts on every bucket of the \
         account. Waived, the account's block stays as it is; the block of the audit bucket is another control.",
        "Waive it with a date when public buckets of the account have to move first.",
    ),
    code(
        "acl-grants",
        "no access control list grants anything",
        "B3, B4. A grant of an ACL is a way in that the bucket policy does not show. Waived, the live list stays; `access` goes on \
         counting its grantees as undeclared.",
        "Find who uses the grant with `auditseal access`, give them a role, then end the waiver.",
    ),
    code(
        "attached-policies",
        "no managed policy is attached to the delivery role",
        "R2, Security Hub IAM.21. What Databricks' delivery may do is one inline policy. Waived, attached policies stay, and widen \
         what a stolen delivery session can do.",
        "Detach them when nothing else uses the role.",
    ),
    code(
        "block-public-acls",
        "new public ACLs are refused",
        "B1, Security Hub S3.8. The switch `BlockPublicAcls` of a bucket's public access block. Waived, it stays as it is.",
        "End the waiver as soon as nobody writes objects with public ACLs.",
    ),
    code(
        "block-public-policy",
        "public bucket policies are refused",
        "B1, Security Hub S3.8. The switch `BlockPublicPolicy` of a bucket's public access block. Waived, it stays as it is.",
        "End the waiver as soon as the bucket's policy is not public any more.",
    ),
    code(
        "bucket-key",
        "one call to KMS serves many objects",
        "B10. `BucketKeyEnabled` of the default encryption: fewer requests to KMS. Waived, it stays as it is; nothing but cost \
         depends on it.",
        "Waive it where the encryption context of every object is read in CloudTrail.",
    ),
    code(
        "bucket-owner-enforced",
        "the bucket's owner owns every object, and ACLs grant nothing",
        "B4, Security Hub S3.12. Object ownership is `BucketOwnerEnforced`. Waived, the live setting stays, and ACLs of objects \
         may count.",
        "Waive it until writers that send other ACLs than `bucket-owner-full-control` are gone.",
    ),
    code(
        "customer-key",
        "objects are encrypted with a key of your own",
        "B10, Security Hub S3.17. The default encryption names a customer managed key, so that reading takes a second, separate \
         permission. Waived, the live default stays; no key is made where there is none, and the generated policies speak of \
         the key that is in use, or of none.",
        "Name the existing key under `[key] arn`, or let one be made when the readers are ready for it.",
    ),
    code(
        "declared-allows",
        "the generated policies give the declared principals their access",
        "B7, K1. Allow statements for delivery, readers, observers and admins in the bucket and key policies. Waived, statements \
         that are missing stay missing and live ones of the same Sid stay: whoever is declared reads and writes by other means, \
         such as IAM policies, or not at all.",
        "Look at `auditseal access` for the declared principals before the waiver ends: nothing may change for them.",
    ),
    code(
        "destruction-denied",
        "nobody deletes versions, changes retention or re-encrypts",
        "B8. The statement `NobodyDestroys`: an explicit deny of everything on objects that is neither reading nor delivering. \
         Waived, whoever has the permission can destroy evidence; `access tamper` names them.",
        "Find what deletes objects today, usually a clean-up job, and replace it with the lifecycle rule.",
    ),
    code(
        "direct-key-use-denied",
        "the key is used through S3 only",
        "K1. The statement `UseOnlyThroughS3` of the key policy. Waived, decrypting outside S3 stays possible for whoever may.",
        "Waive it while something else is encrypted with the same key.",
    ),
    code(
        "early-expiry",
        "no lifecycle rule expires logs before their time",
        "B15. Foreign lifecycle rules that expire logs earlier than declared are removed. Waived, they stay and delete logs.",
        "Raise the days of the foreign rule, or declare the shorter retention.",
    ),
    code(
        "event-notifications",
        "object events reach EventBridge",
        "T2. Waived, the live setting stays, whatever `[bucket] event_bridge` says.",
        "Better write `event_bridge` as it shall be; the waiver is for a change with a date.",
    ),
    code(
        "foreign-keys-denied",
        "no object is written under a key that nobody declared",
        "B10. The statements `OnlyOurKey` and `NoCustomerKeys`: a stolen writer session cannot make objects that only it can read. \
         Waived, they are not written.",
        "Waive it while a writer still names a key of its own.",
    ),
    code(
        "grant-creation-denied",
        "nobody hands on the use of the key",
        "K1. The statement `NoGrants` of the key policy. Waived, KMS grants can be made, which no policy shows.",
        "Find what makes grants (CloudTrail, CreateGrant) and give it a key of its own.",
    ),
    code(
        "ignore-public-acls",
        "public ACLs that exist count for nothing",
        "B1, Security Hub S3.8. The switch `IgnorePublicAcls` of a bucket's public access block. Waived, it stays as it is.",
        "Waive it only while public objects are read on purpose, and move them.",
    ),
    code(
        "key-alias",
        "the key has the declared alias",
        "The alias is how a key is found again without its ARN. Waived, none is made: name the key under `[key] arn`.",
        "Declare the alias that the key has under `[key] alias`, and remove the waiver.",
    ),
    code(
        "key-enabled",
        "the key is alive",
        "K3, Security Hub KMS.3. A disabled key, or one that waits for its deletion, stops delivery and reading. Waived, its state \
         stays; a deletion that is due is not cancelled.",
        "Do not waive it for the key in use.",
    ),
    code(
        "key-grants",
        "no grant gives the key away",
        "K1. Grants are ways to a key that no policy shows; they are revoked. Waived, live ones stay, and `access` counts their \
         grantees.",
        "Find the service behind each grant, move it to another key, and end the waiver.",
    ),
    code(
        "key-rotation",
        "the key rotates",
        "K2, Security Hub KMS.4. Automatic rotation with the declared period. Waived, the live setting stays.",
        "Rotation changes nothing for readers: the waiver is rarely needed.",
    ),
    code(
        "object-lock",
        "versions cannot be deleted before their time",
        "B13, Security Hub S3.15. It applies only where `[bucket.object_lock]` is declared. Waived, the lock is not put on, or its \
         default retention stays.",
        "Waive it with the date on which the lock is to begin: it cannot be undone.",
    ),
    code(
        "other-deliveries",
        "logs are delivered in the declared way only",
        "D1, D3. Other enabled configurations that deliver to the audit bucket are disabled once the declared one works, and \
         those to undeclared buckets when `[delivery] undeclared = \"disable\"`. Waived, they go on, and the policies let those \
         to the audit bucket write. Logs elsewhere are a copy that this manifest does not protect.",
        "Name one by `address = \"log-delivery[ID]\"`, so that the next one is not covered too.",
    ),
    code(
        "ownership-tag",
        "bucket, key and role are marked as reconciled here",
        "The tag `auditseal:owner` keeps two declarations from undoing each other, and tells our statements from foreign ones. \
         Waived, things that exist are not marked.",
        "Waive it while nothing at all may change; it is the first waiver to end.",
    ),
    code(
        "reader-mfa",
        "readers that are declared with MFA read only with it",
        "B7. The statement `MfaReaders`. Waived, sessions without multi-factor authentication read too.",
        "Waive it while the reader's sessions cannot carry the key, or write `mfa = false`.",
    ),
    code(
        "replication",
        "copies go to declared buckets only",
        "B16, Security Hub S3.7. The replication of the audit bucket is exactly the declared one. Waived, the live configuration \
         stays, with copies in places that no manifest protects.",
        "Declare the destination under `[[bucket.replicas]]`, or end it.",
    ),
    code(
        "restrict-public-buckets",
        "a public policy opens the bucket to nobody outside the account",
        "B1, Security Hub S3.8. The switch `RestrictPublicBuckets` of a bucket's public access block. Waived, it stays as it is.",
        "End the waiver as soon as the bucket's policy is not public any more.",
    ),
    code(
        "retention",
        "logs stay for the declared time, and not longer",
        "B15, Security Hub S3.13. The rules `auditseal-retention`. Waived, they are not written, and logs stay for as long as \
         live rules say, or for ever.",
        "Declare the retention that is lived under `[bucket] retention_days`.",
    ),
    code(
        "role-policy",
        "the delivery role has exactly the generated inline policy",
        "R2. What Databricks documents for a delivery, below the declared prefix. Waived, the role keeps the policies that let it \
         deliver today.",
        "Waive it together with `undeclared-inline-policies` or `attached-policies`, whichever the role lives on.",
    ),
    code(
        "role-trust",
        "only Databricks' log delivery, for this account, may assume the role",
        "R1. The trust policy names Databricks' delivery principal with your account id as external id. Waived, the live trust \
         policy stays, and whoever else it names can deliver forged logs and read what the role reads.",
        "Waive it only while another account's delivery uses the role.",
    ),
    code(
        "system-table-grants",
        "exactly the declared principals read `system.access`",
        "D6. Grants of declared readers are made, and undeclared ones revoked when `revoke_undeclared` says so. Waived, the live \
         grants stay.",
        "Declare who reads; what is only reported needs no waiver.",
    ),
    code(
        "system-tables",
        "audit events can be queried as system tables",
        "D4. The system schema `access` is enabled in each metastore. Waived, it stays off.",
        "Write `[unity_catalog] enabled = false` where nobody wants system tables at all.",
    ),
    code(
        "tls-only",
        "nobody reaches the bucket without TLS",
        "B9, Security Hub S3.5. The statement `TlsOnly`, a deny whose one condition is `aws:SecureTransport`. Waived, requests \
         without TLS are not refused, or only those that a live statement refuses.",
        "Nothing of AWS or Databricks needs it: look for old clients in the access log and end the waiver.",
    ),
    code(
        "tls-version",
        "nobody reaches the bucket below TLS 1.2",
        "B9. The statement `Tls12`. Waived, it is not written; S3 itself accepts nothing below TLS 1.2 on its public endpoints.",
        "It can be ended at any time.",
    ),
    code(
        "undeclared-changes-denied",
        "only declared admins change the bucket's configuration",
        "B8. The statement `ConfigOnlyAdmins`. Waived, whoever has the permission in the account can change policy, encryption and \
         lifecycle; `access tamper` names them.",
        "Declare the roles of your pipelines as admins, or move what they do into the manifest.",
    ),
    code(
        "undeclared-inline-policies",
        "the delivery role has no other inline policy",
        "R2. Waived, undeclared inline policies stay, and widen what a stolen delivery session can do.",
        "End it together with `role-policy`.",
    ),
    code(
        "undeclared-key-use-denied",
        "the key is closed to everyone who is not declared",
        "K1. The statement `UseOnlyDeclared` of the key policy; it binds grants and IAM policies too. Waived, whoever the live \
         policy lets decrypt goes on doing so.",
        "`auditseal access read` lists whom it would close out: declare them, or tell them.",
    ),
    code(
        "undeclared-lists-denied",
        "object names are for the declared only",
        "B7. The statement `ListOnlyDeclared`. Waived, others in the account may list object names, which tell workspaces and \
         dates.",
        "`auditseal access list` names them: declare them as observers, or tell them.",
    ),
    code(
        "undeclared-reads-denied",
        "objects are closed to everyone who is not declared",
        "B7. The statements `ObjectsOnlyDeclared` and `ReadsOnlyDeclared`: administrators of the account with wide policies are \
         not silently among the readers. Waived, they are, and `access read` reports each as undeclared.",
        "Declare who has to read, tell the others, and end the waiver.",
    ),
    code(
        "undeclared-statements",
        "nothing is allowed that nobody declared",
        "B5, B7, K1, Security Hub S3.6. Allow statements of the live bucket and key policies that the manifest does not generate \
         are removed. Waived, they stay; `access` goes on reporting whom they let in.",
        "Give the waiver an `address`, so that it covers one policy, and declare whoever uses each statement.",
    ),
    code(
        "undeclared-writes-denied",
        "only the delivery writes",
        "B8. The statements `WritesOnlyDelivery` and `WritesOnlyLogging`: nobody can forge or overwrite logs. Waived, whoever has \
         the permission can.",
        "`auditseal access write` names them: move what they write to another bucket.",
    ),
    code(
        "verbose-audit-logs",
        "workspaces record commands as declared",
        "D5. The switch `enableVerboseAuditLogs` of a declared workspace. Waived, it stays as it is.",
        "Waive it with the date on which the switch is to be turned.",
    ),
    code(
        "versioning",
        "what is overwritten or deleted stays as a version",
        "B12, Security Hub S3.14. Waived, versioning stays off or suspended: whoever may write or delete an object destroys the \
         earlier one.",
        "Waive it only while old versions cannot be paid for, and shorten `noncurrent_retention_days` instead.",
    ),
];

#[cfg(test)]
mod tests {
    use super::CONTROLS;
    use crate::model::Control;

    #[test]
    fn every_control_is_explained_and_nothing_else() {
        let mut names: Vec<&str> = Control::ALL.iter().map(|control| control.name()).collect();
        names.sort_unstable();
        assert_eq!(CONTROLS.iter().map(|code| code.code).collect::<Vec<_>>(), names);
        for control in Control::ALL {
            let explained = CONTROLS.iter().find(|code| code.code == control.name()).unwrap();
            assert!(explained.meaning.starts_with(control.ids()), "{control}");
        }
    }
}
