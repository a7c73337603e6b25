//! Codes about what was found in an estate: refusals to plan, and what is left alone and said.

use super::{Code, code};

pub(super) const ESTATE: &[Code] = &[
    code(
        "access-log-bucket-locked",
        "the access-log bucket has a default retention",
        "S3 does not deliver server access logs to a bucket whose Object Lock has a default retention period (S3 User Guide, \
         \"Enabling server access logging\"), so the audit bucket's access log would stay empty. Security Hub S3.15 and S3.9 \
         contradict each other here; the access-log bucket goes without a default retention.",
        "Declare another bucket under `[bucket.access_log]`, or take the default retention off that one.",
    ),
    code(
        "alias-taken",
        "the alias of the key points at another key",
        "The key is found again by its alias. The declared alias exists and names a key that does not carry the tag of this \
         bucket; pointing it elsewhere could take a key away from whoever uses the alias.",
        "Declare another `[key] alias`, or adopt that key with `[key] arn` when it is the one you mean.",
    ),
    code(
        "bucket-elsewhere",
        "the bucket is in another region than declared",
        "Buckets cannot move between regions, and key, access log and policies have to be in the bucket's region.",
        "Correct `[aws] region`, or declare a new bucket and keep the old one readable with `[delivery] previous_prefixes`.",
    ),
    code(
        "configuration-drift",
        "live state differs from the declaration",
        "A field of a reconciled resource has another value than the manifests and their defaults ask for, a resource is missing, \
         or one is there that is declared not to be. `drift` tells every field apart: another wrong value of the same field is \
         another finding, and the old one closes. What a waiver allows is not drift.",
        "If nobody meant it, `auditseal apply` puts it back; `auditseal plan --explain ADDRESS` says what asks for the value. If it \
         is meant, declare it, or waive the control with a reason and a day. Where CloudTrail may be read, the finding names who \
         made the change.",
    ),
    code(
        "contradicting-manifests",
        "manifests of one account want different things",
        "Log deliveries and grants on `system.access` belong to the whole Databricks account. Manifests that are planned \
         together have to agree on what happens to undeclared ones; otherwise each run would undo the other's work.",
        "Write the same value in all manifests of the account; `defaults.toml` beside them is the place for it.",
    ),
    code(
        "dangling-delivery",
        "a log delivery refers to a deleted credential or storage configuration",
        "Databricks lets these be deleted while an enabled delivery names them. Where such a delivery writes, or whether it \
         does, cannot be told from the API.",
        "Look at the delivery in the account console; if it is not needed, disable it with \
         `databricks account log-delivery patch-status`.",
    ),
    code(
        "dead-deny-dropped",
        "a deny for deleted principals only is removed",
        "AWS shows a deleted role or user as its unique id (`AROA…`, `AIDA…`). A deny that names nobody else denies nobody, \
         and AWS refuses to take such ids back when the policy is written again.",
        "Nothing. If the principal was made again, write the deny for it anew.",
    ),
    code(
        "delivery-disabled",
        "the declared delivery is disabled and does not exist",
        "`[delivery] status = \"disabled\"` and no live configuration matches: there is nothing to disable, and none is made \
         only to be switched off, because configurations can never be deleted.",
        "Nothing, or declare `status = \"enabled\"` when logs shall be delivered.",
    ),
    code(
        "delivery-role-used-elsewhere",
        "the delivery role also delivers to another bucket",
        "The role's permissions are narrowed to the declared bucket and prefix (controls R2). A delivery that uses it for \
         another bucket would stop at that moment, and Databricks keeps undelivered logs only for a short time.",
        "Declare a role of its own under `[role] arn`; it is created. `--allow delivery-role-used-elsewhere` accepts that \
         the other delivery stops.",
    ),
    code(
        "delivery-silent",
        "no delivery has succeeded for longer than declared",
        "The last success in Databricks' `log_delivery_status` (or, before the first one, the day that the configuration was made) is \
         longer ago than `[delivery] max_silence`. Account-level events never stop for that long, and Databricks keeps what it \
         could not deliver for a short time only: events of the time since then may be lost.",
        "Read the status message of the configuration; `auditseal access write` shows whether the delivery role can write, `auditseal \
         plan` what differs. If the account is really that quiet, declare a longer `max_silence`.",
    ),
    code(
        "grant-of-deleted-principal",
        "a grant of a deleted principal cannot be revoked",
        "Databricks lists grants of principals that were deleted without a name, and its API revokes by name only. Nobody can \
         use such a grant.",
        "Nothing. It is shown so that the list is complete.",
    ),
    code(
        "irreversible-log-delivery",
        "a log-delivery configuration is made, and cannot be deleted",
        "Bucket, prefix, role and workspace filter of a configuration never change: another value is another configuration. \
         Databricks lets one be disabled, not deleted, and keeps its name for ever.",
        "Look twice at bucket, prefix and role before the change is merged; the plan shows the same as irreversible.",
    ),
    code(
        "metastore-without-workspace",
        "a metastore is attached to no running workspace",
        "System schemas and grants are reached through a workspace that is attached to the metastore. Without one nobody \
         queries its system tables either.",
        "Nothing, or name the metastores to reconcile under `[unity_catalog] metastores`.",
    ),
    code(
        "mfa-not-verifiable",
        "whether a reader can bring MFA could not be told",
        "The reader is declared with `mfa = true`, and its trust policy lies in another account or could not be read. \
         Sessions of Identity Center, SAML, OIDC, services and chained roles never carry the MFA key and would be denied.",
        "Check the trust policy of that role; take `mfa` off where sessions come from one of those.",
    ),
    code(
        "no-admin-in-account",
        "no declared admin is in the bucket's account",
        "Only principals of the owning account may change a bucket's policy. With admins elsewhere only, nobody but the root \
         user could change it again.",
        "Declare a role of the bucket's account under `[admins.NAME]`.",
    ),
    code(
        "no-recent-objects",
        "the bucket holds no object as new as it should",
        "The newest log object below the declared prefix is older than `[delivery] max_silence`, whatever the delivery's status says: \
         only the partitions of the last days are listed, and names and times are all that is looked at. A status that succeeds \
         while nothing arrives means that objects go elsewhere or are removed.",
        "Compare with `auditseal plan` (prefix, storage configuration) and the bucket's access log (deletions, lifecycle rules). Whoever \
         runs the check needs s3:ListBucket: declare the role under `[observers]`, which may list and not read.",
    ),
    code(
        "object-lock-kept",
        "object lock is on although nothing declares it",
        "Object Lock cannot be switched off. A default retention that is there is left alone: shortening protection silently \
         is not done.",
        "Declare it under `[bucket.object_lock]`, so that the manifest says what is.",
    ),
    code(
        "object-lock-stricter-kept",
        "the live default retention is stricter than declared",
        "Retention is never shortened silently. The longer period, or the stricter mode, stays.",
        "Declare the live values, or shorten them by hand if that is really meant.",
    ),
    code(
        "other-delivery-in-audit-bucket",
        "another kind of log is delivered to the audit bucket",
        "The generated bucket policy lets only the audit-log delivery write. Billable usage that is delivered to the same \
         bucket by another role or prefix would stop. The controls want a dedicated bucket.",
        "Give that delivery a bucket of its own. `--allow other-delivery-in-audit-bucket` accepts that it stops.",
    ),
    code(
        "replica-elsewhere",
        "a replica is in another account without a profile",
        "A replica is a bucket with the same rules and its own key; in another account it needs credentials of that account.",
        "Set `profile` in its `[[bucket.replicas]]`.",
    ),
    code(
        "replica-without-admin",
        "no declared admin is in a replica's account",
        "The replica's bucket and key policies let only declared admins of its own account change them.",
        "Declare a role of the replica's account under `[admins.NAME]`.",
    ),
    code(
        "role-declared-twice",
        "two manifests share one delivery role",
        "The role's permissions are narrowed to one bucket and prefix. Two manifests would overwrite each other's policy.",
        "Leave `[role]` out, so that each bucket gets a role named after it, or declare two.",
    ),
    code(
        "role-path-differs",
        "the delivery role exists with another path",
        "A role's path is part of its ARN and cannot change; policies that name the role without its path deny it.",
        "Correct `[role] arn` to the ARN that IAM shows.",
    ),
    code(
        "rollback-leaves",
        "what a rollback leaves as the run made it",
        "Some things cannot be taken back, or must not be: buckets, keys and roles that were created hold or open logs and \
         are never deleted; Databricks keeps log-delivery configurations for ever, so that they are disabled; Object Lock \
         cannot be switched off, versioning can be suspended only; a revoked grant is made anew and has another id. What \
         stays keeps its protection.",
        "Nothing, in most cases. What is not needed any more can be deleted by hand once nothing refers to it.",
    ),
    code(
        "storage-configurations-full",
        "the Databricks account takes no more storage configurations",
        "Databricks answers `Storage configuration limit exceeded, only 50 storage configurations are allowed` to one more \
         (databricks/terraform-provider-databricks#1586). A delivery to a bucket that has none needs one. Where the limit was \
         raised nothing is wrong; otherwise `apply` fails at that step. What does not need it is made, and the next `apply` goes \
         on when there is room.",
        "Delete storage configurations that no workspace and no delivery uses (`databricks account storage list`), ask \
         Databricks for more, or let several workspaces deliver to one bucket.",
    ),
    code(
        "system-schema-unavailable",
        "the system schema `access` cannot be enabled",
        "The metastore reports the schema as unavailable: the region or the plan does not offer it yet.",
        "Nothing here; ask Databricks, or set `[unity_catalog] enabled = false`.",
    ),
    code(
        "too-many-replicas",
        "more replicas are declared than possible",
        "Each replica needs its own statements in the policy of the replication role, whose size is limited.",
        "Declare fewer replicas; a replica can be replicated further by its own account.",
    ),
    code(
        "undeclared-access",
        "somebody who is not declared can do something to the logs now",
        "On the live state, as it is before any repair, the named principal can read, write, list or tamper with the logs, or nothing \
         rules it out, and no reader, scanner, observer or admin of the manifests names it. A check tells each principal and each \
         thing that it can do once. While inputs of the proof are unread only those are told who certainly can.",
        "`auditseal access --principal ARN` shows the statements and role chains. If `auditseal plan` takes the access away, apply it; \
         otherwise declare the principal, or take away what lets it in.",
    ),
    code(
        "undeclared-grant-kept",
        "somebody undeclared holds a grant on the system tables",
        "A grant on `system.access` or one of its tables lets the principal read audit events in SQL. It is shown before \
         anything is revoked, and revoked only when the manifest asks for it.",
        "Declare the principal as a reader, or set `[unity_catalog] revoke_undeclared = true`.",
    ),
    code(
        "undeclared-lifecycle-rule-kept",
        "a lifecycle rule that nothing declares stays",
        "It does not expire the delivered logs earlier than declared, so it is left as it is.",
        "Nothing, or remove it by hand.",
    ),
    code(
        "undeclared-notification-kept",
        "events go to a destination that nothing declares",
        "Event notifications carry object names, not their content. Other systems may depend on them, so they stay.",
        "Remove it by hand if it is not wanted.",
    ),
    code(
        "unknown-key",
        "the declared key does not exist",
        "`[key] arn` names a key that KMS does not know in this account and region.",
        "Correct the ARN, or leave it out to have a dedicated key made.",
    ),
    code(
        "unknown-metastore",
        "a declared metastore does not exist",
        "`[unity_catalog] metastores` names one that the Databricks account does not have.",
        "Correct the name or id; leave the list out for all attached metastores.",
    ),
    code(
        "unreadable-policy",
        "a live policy cannot be understood",
        "The policy that is there is not a document that can be parsed safely, so it cannot be told which denies it holds, \
         and it is not overwritten.",
        "Look at the policy and repair it by hand.",
    ),
    code(
        "waiver-ends-soon",
        "a waiver ends within two weeks",
        "Once it has ended, what it left as it is becomes a change of the next plan. Scheduled checks say so from 14 \
         days before.",
        "Make the control hold, or agree on a later day and change `until`: a review shows it as an extension.",
    ),
    code(
        "waiver-expired",
        "a waiver has ended, and its control is planned again",
        "`until` is the last day on which a waiver holds, in UTC. After it the difference from the secure default is \
         a change like any other, with this code in its reason; `validate --strict` fails.",
        "Apply the change and remove the waiver, or agree on a later day.",
    ),
    code(
        "waiver-unneeded",
        "a waiver waives nothing",
        "Everything was read, and nothing differs that this waiver would keep: the control holds already, the waiver \
         names another resource, or what it waives is shared with a manifest that does not waive it.",
        "Remove it, so that the control cannot be lost unnoticed.",
    ),
    code(
        "waivers-leave-nothing",
        "what is waived and what is not leave an empty policy or lifecycle",
        "All that the declaration would write is waived, and all that is there has to go: the outcome would be a \
         configuration without content, which S3 and KMS do not take.",
        "Waive `undeclared-statements` (or `early-expiry`) too, so that it stays as it is, or waive less.",
    ),
    code(
        "workspace-not-running",
        "a declared workspace is not running",
        "Its configuration cannot be read or changed now.",
        "Plan again when it runs, or leave it out of `[workspaces]`.",
    ),
    code(
        "wrong-account",
        "the credentials belong to another AWS account",
        "The caller's account is not the one that the manifest names. Whatever is read and written would be somebody else's.",
        "Choose another profile with `[aws] profile`, `--aws-profile` or `AWS_PROFILE`.",
    ),
];
