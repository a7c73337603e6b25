//! What every guard and finding code means, why it exists, and what to do: the text behind `explain CODE`.
//!
//! Where published control sets contradict each other or Databricks' own instructions, the text says what was decided.

mod alerts;
mod controls;
mod estate;
mod store;

pub use alerts::ALERTS;
pub use controls::CONTROLS;
use estate::ESTATE;
pub use store::STORE;

/// One code and its explanation. Texts are sentences, without line breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    pub code: &'static str,
    /// A few words.
    pub title: &'static str,
    /// What it says and why it matters.
    pub meaning: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// The explanation of a code; `None` for one that does not exist.
#[must_use]
pub fn explain(code: &str) -> Option<&'static Code> {
    CODES.iter().chain(CONTROLS).chain(ALERTS).chain(STORE).find(|known| known.code == code)
}

const fn code(code: &'static str, title: &'static str, meaning: &'static str, remedy: &'static str) -> Code {
    Code { code, title, meaning, remedy }
}

/// Every code of a plan: of guards and of estates, each sorted.
pub const CODES: &[Code] = &joined::<{ GUARDS.len() + ESTATE.len() }>();

const fn joined<const N: usize>() -> [Code; N] {
    let mut all = [code("", "", "", ""); N];
    let (mut rest, mut tail) = all.split_at_mut(GUARDS.len());
    let mut guards = GUARDS;
    while let (Some((slot, slots)), Some((one, others))) = (rest.split_first_mut(), guards.split_first()) {
        *slot = *one;
        rest = slots;
        guards = others;
    }
    let mut estate = ESTATE;
    while let (Some((slot, slots)), Some((one, others))) = (tail.split_first_mut(), estate.split_first()) {
        *slot = *one;
        tail = slots;
        estate = others;
    }
    all
}

const GUARDS: &[Code] = &[
    code(
        "access-widened",
        "a step would open the logs to somebody who is not declared",
        "Before anything is written, who can read, write, list and tamper is worked out for the live state and for the state \
         after every step: S3, KMS, IAM and role chains together. After the named step somebody could do something that they \
         cannot do before it, or of whom nothing shows that they cannot, and the declaration does not name them for it.",
        "Declare the principal as a reader, scanner, observer or admin if it is meant to have access; otherwise take away what \
         lets it in (often a trust policy that a declared role has). `auditseal access --principal ARN --planned` shows the way.",
    ),
    code(
        "account-block-acts-on-every-bucket",
        "the account-level public access block closes more than the audit bucket",
        "`[account] public_access_block = true` sets all four switches for the whole AWS account. Every bucket in it that is \
         public today, by policy or by ACL, stops being public at once: static sites, shared data, other teams' buckets. The \
         CIS benchmark and Security Hub S3.1 want it; the audit bucket itself does not need it, since its own block is \
         complete. So it is reported unless it is asked for, and when asked for it is the last step.",
        "Look through the public buckets of the account with S3's or Access Analyzer's list. If all may close, run again with \
         `--allow account-block-acts-on-every-bucket`; otherwise leave `[account]` out, or waive `account-public-access-block` until \
         they are moved.",
    ),
    code(
        "audit-bucket-is-workspace-root",
        "the audit bucket is the root storage of a workspace",
        "A workspace of the Databricks account uses a storage configuration of this bucket as its root: DBFS, notebook results \
         and libraries lie beside the audit logs, and the workspace's own role has to read and write all of it. Policies that \
         let only the delivery role write would break the workspace, and policies that do not would leave the logs open.",
        "Declare a new bucket under `[delivery] bucket`. The old logs can stay readable where they are until their retention \
         ends.",
    ),
    code(
        "changed-since-run",
        "somebody changed what a rollback would put back",
        "`rollback` puts back only what still is as the run left it. What is neither that nor what was there before the run \
         was changed by somebody else, later: putting the old state back would take their change away with it, so that it \
         is told and left alone, and the rest is put back.",
        "Look at the difference with `auditseal plan`. If the later change may go too, run the rollback again with \
         `--allow changed-since-run`.",
    ),
    code(
        "delivery-cannot-write",
        "a delivery that works today would be refused",
        "After some step of the plan, a role to which an enabled configuration delivers could no longer put objects: an allow is \
         gone, a deny matches it, or the key does not let it encrypt (a delivery needs kms:GenerateDataKey and, for multipart \
         uploads, kms:Decrypt). It is asked of the policies of bucket and key for one request, and, for the declared role, proved \
         for every context that Databricks may use, with trust policy, permissions, boundaries and organisation policies. \
         Databricks does not promise to deliver again what was refused for long, so every \
         intermediate state has to let every live writer write.",
        "Read the step and the deciding statement in the message. Usual causes: a foreign deny in the bucket policy, a role ARN \
         written without its path, a rule that demands an encryption header (Databricks sends none and relies on the bucket's \
         default encryption). Remove the cause, or disable that delivery yourself if it is not wanted.",
    ),
    code(
        "delivery-not-succeeded",
        "the delivery has not succeeded since the change",
        "Databricks' `log_delivery_status` is not SUCCEEDED, or its last success is older than the change or than \
         `[delivery] max_silence_minutes`. The configuration may be right on paper and still deliver nothing. It is also the \
         proof on which a contradiction was decided: Databricks' page asks for the ownership setting `BucketOwnerPreferred`, \
         Security Hub S3.12 for disabled ACLs; `BucketOwnerEnforced` is set, since S3 still accepts uploads with the canned ACL \
         `bucket-owner-full-control` under it, and a success afterwards confirms it.",
        "Read the status message: USER_FAILURE is nearly always a trust policy (external id, exact Databricks role), a missing \
         permission or the key policy. `auditseal access write` shows whether the delivery role can write. After a new \
         configuration allow an hour; SYSTEM_FAILURE is Databricks' own, try again and then ask its support.",
    ),
    code(
        "delivery-role-elsewhere",
        "the delivery role is in another AWS account than the bucket",
        "Databricks documents this layout, and its cross-account bucket policy gives the role s3:PutObjectAcl. Security Hub S3.6 \
         fails for exactly that: a principal of another account with that action. Both cannot hold. Decision: a role in the \
         bucket's own account is the default and needs no exception; a role elsewhere works, with policies on both sides, and \
         S3.6 fails then. Permissions of a foreign role can also be changed by whoever \
         administers the other account.",
        "Prefer a role in `[aws] account_id`: leave `[role] arn` out, and the delivery moves without a gap. To keep the foreign \
         role, set `[role] profile`.",
    ),
    code(
        "delivery-would-end",
        "putting the run back would leave the bucket without any delivery",
        "Before the run no enabled log-delivery configuration wrote to the audit bucket, and the run made the one that does \
         now. Databricks deletes none; switching it off is all that can be undone, and from then on the logs of the account \
         would be recorded nowhere. Nothing gets them back later.",
        "Leave the delivery as it is and correct the manifest instead. If the logs really are to stop, for example because \
         another bucket receives them, run again with `--allow delivery-would-end`.",
    ),
    code(
        "foreign-live-writer",
        "a delivery that works today writes with a role this tool cannot change",
        "An enabled configuration delivers to this bucket through a role in an AWS account that the manifest does not name. A \
         new key or prefix needs new permissions in that role's own policies, and only its account can give them. Switching \
         encryption without them would stop the logs. With a public bucket policy, RestrictPublicBuckets would stop it as well.",
        "Have the other account add kms:GenerateDataKey and kms:Decrypt on the key, and s3:PutObject on the new prefix, then \
         plan again; or give `[role] profile` for that account; or disable that configuration first, knowing that nothing is \
         delivered until the new one works.",
    ),
    code(
        "irreversible-compliance-retention",
        "COMPLIANCE retention cannot be shortened by anybody",
        "Objects written under a COMPLIANCE default cannot be deleted before their time by any principal, the root user and AWS \
         Support included; the only way out is closing the AWS account. Databricks may write a log file again at any time, \
         and every such version is kept and paid for in full.",
        "Start with `mode = \"governance\"` and a short period, watch the cost, then raise it. If COMPLIANCE is what a regulator \
         asks for, run with `--allow irreversible-compliance-retention`.",
    ),
    code(
        "irreversible-object-lock",
        "Object Lock cannot be switched off again",
        "Once a bucket has Object Lock, neither it nor versioning can be switched off. Decisions where controls contradict each \
         other: Security Hub S3.15 wants Object Lock on every bucket, but a bucket with it cannot receive server access logs \
         (S3.9), so the access-log bucket never gets it; S3.20 wants MFA delete, which only the root user can set and which \
         excludes lifecycle rules (S3.13), so lifecycle wins and Object Lock with exact destroyers stands in for it. Databricks \
         overwriting its files is fine, since each becomes a version that the lifecycle later removes.",
        "If it is wanted, run with `--allow irreversible-object-lock`. If not, remove `[bucket.object_lock]`: versioning, exact \
         writers and a policy under which nobody deletes versions protect the logs against everybody but the admins.",
    ),
    code(
        "key-used-elsewhere",
        "the adopted key also encrypts other things",
        "The key under `[key] arn` has grants or policy statements for other uses. Its policy would be narrowed to this bucket, \
         and whatever else it encrypts (volumes, databases, other buckets) could not be decrypted any more.",
        "Leave `[key] arn` out: a key for the audit bucket alone is made. List the old key under `[key] previous`, so that older \
         objects stay readable. A shared key is never narrowed.",
    ),
    code(
        "lock-held",
        "another run holds the lock of this location",
        "A run that changes things takes the lock of its AWS account and bucket, a parameter in SSM that says who holds it, with \
         which run, since when and for how long. Two runs at once would each overwrite policies that the other has just read. \
         `drift` has a lock of its own, a file beside what it remembers, that ends with its process.",
        "Wait, or give `--lock-timeout 5m`. If the run that is named has died, look at its journal with `auditseal runs`, then \
         break the lock with `auditseal unlock`.",
    ),
    code(
        "mfa-reader-cannot",
        "a reader with `mfa = true` can never present MFA",
        "The role's trust policy only lets it be assumed by an identity provider, a service or another role. \
         aws:MultiFactorAuthPresent exists only in sessions that IAM users start with an MFA code: sessions of IAM Identity \
         Center, SAML, OIDC, EC2 and role chains never have it, whatever the provider asked for, so the deny for sessions \
         without MFA locks this reader out altogether.",
        "Set `mfa = false` for this reader and enforce MFA in the identity provider, where the evidence then lies; or use a role \
         that IAM users assume with MFA.",
    ),
    code(
        "no-free-delivery-slot",
        "there is no room for a second enabled delivery",
        "A Databricks account takes at most two enabled account-level configurations per log type, and each workspace at most \
         two. Moving a delivery makes the new one before the old one is switched off, which needs one free place. Disabling \
         first would lose logs.",
        "Look at the enabled configurations in the message. Disable one that is not needed, or set \
         `[delivery] undeclared = \"disable\"` if nothing else relies on them, then plan again.",
    ),
    code(
        "not-a-declared-admin",
        "the caller is not one of the declared admins",
        "The policies that are about to be written deny changes of the bucket's configuration and of the key policy to everybody \
         but the declared admins. Whoever applies them without being one cannot finish the run, undo it or run again.",
        "Assume a role that is listed under `[admins]`, or add the caller's role there, by its ARN with its path (`aws iam get-role` \
         shows it; `sts get-caller-identity` leaves the path out).",
    ),
    code(
        "owned-by-another",
        "another declaration claims this resource",
        "The tag `auditseal:owner` on the bucket, key or role names another Databricks account or another bucket. Two declarations \
         that both reconcile one resource would undo each other's changes on every run.",
        "Use another name in this manifest. If the other declaration is gone, release its claim with `auditseal forget` there, \
         or remove the tag by hand.",
    ),
    code(
        "permission-missing",
        "the caller may not do what the plan needs",
        "Before the first write, every request of the plan is held against the policies of the caller and of bucket and key, \
         each in the state in which it would be sent: the request, the reads before and after it, what takes it back, and the \
         lock. A permission that is certainly missing would stop the run halfway. What depends on conditions, or on policies \
         that were not read, is never taken for missing. A plan warns only, since somebody else may apply it.",
        "Add the statements that are printed below the plan to a policy of the caller; `auditseal permissions apply` prints \
         the whole list. If a Deny decides, nothing that is added helps: it has to go. To run in spite of it, give \
         `--allow permission-missing`: what is refused then fails by its name, and what was done stays.",
    ),
    code(
        "policy-too-large",
        "a generated policy is larger than AWS accepts",
        "Limits, counted without white space: 20,480 bytes for a bucket policy, 32,768 for a key policy, 10,240 characters for all \
         inline policies of a role. Every reader costs five ARNs in the bucket policy, six with MFA. About 75 readers fit with \
         short role names, about 29 with the long names of IAM Identity Center.",
        "Let people share roles: one reader role per team. Or remove foreign statements that the message counts.",
    ),
    code(
        "public-policy",
        "a bucket policy in the plan would be public",
        "A state of the bucket policy, the final or an intermediate one, allows something to everybody or to a set of principals \
         without a fixed boundary. With BlockPublicPolicy on, S3 refuses such a policy and the run would stop half-way; without \
         it the logs would be open. It is judged as if there were no public access block, which is the second line of \
         defence and not the first.",
        "Find the statement in the message; it comes from a foreign allow that was kept or from a declared principal with a \
         wildcard. Name exact roles.",
    ),
    code(
        "remove-undeclared-denies",
        "undeclared denies are removed",
        "Deny statements that the manifest does not generate are kept, since somebody wrote them to protect something (see \
         `undeclared-deny-kept`). With this code allowed they are removed and the policy becomes exactly the generated one. \
         What only they refused is then refused by the generated denies, or by nothing.",
        "Read the removed statements in the plan. If all of them may go, run with `--allow remove-undeclared-denies`.",
    ),
    code(
        "safe-order",
        "the steps are not in their usual order",
        "Between two steps of the usual order somebody could reach the logs whom nobody declared, the delivery would be refused, \
         or nobody would be in control. Both ends of the plan are in order, so the steps were put in another order that keeps \
         every dependency and in which the proofs find nothing of the kind in any state. The named step now waits for the other \
         one, and is not taken when that one fails.",
        "Nothing has to be done. `auditseal plan --explain ADDRESS` shows what each step does to access and what it waits for.",
    ),
    code(
        "self-lockout-bucket",
        "after the plan nobody could change the bucket policy",
        "In some state of the plan no declared admin, or not the caller, may call s3:PutBucketPolicy on the bucket: an explicit \
         deny matches them, or nothing allows them any more. A wrong policy could then be removed only by the root user of the account, or through AWS \
         Organizations' privileged root session.",
        "Check that admins are declared by the ARN of an existing role with its path, and that no kept deny, boundary or \
         organisation policy stops them. This guard has no safe override.",
    ),
    code(
        "self-lockout-key",
        "after the plan nobody could change the key policy",
        "In some state of the plan no declared admin, or not the caller, may call kms:PutKeyPolicy. The key policy is the only \
         authority over a key; IAM cannot help. KMS refuses such policies unless its safety check is bypassed, which this tool \
         never does, and a key that is locked in such a way can be recovered by AWS Support only.",
        "Declare an admin role that exists and that the caller can assume, with its path. This guard has no safe override.",
    ),
    code(
        "single-admin",
        "there is only one admin",
        "If the only admin role is deleted, its ARN in the policies turns into an id that nobody has, even when a role of the same \
         name is made again. What is left is the root user, who is excepted for that reason; in a member account without root \
         credentials that way is closed for keys, since AWS' privileged root sessions unlock S3 bucket policies but \
         not KMS.",
        "Declare a second admin under `[admins]`, for example a break-glass role that nobody uses daily.",
    ),
    code(
        "stale-plan",
        "live state is not what the plan was made from",
        "Between planning and applying something changed: the manifest's digest, the facts that were read, or the value that a \
         step expects right before its write. Going on would overwrite a change that nobody has looked at.",
        "Plan again and look at what is different. If it keeps happening, something else writes to these resources: Terraform, \
         a landing zone, AWS Config's remediation. Take them out of it.",
    ),
    code(
        "statements-removed",
        "policy statements that nobody declared are removed",
        "The live bucket, key or role policy has allow statements that the manifest does not generate. They are removed, since \
         the declared readers are meant to be all readers; whoever relied on them loses access. Their exact text is in the run's \
         before-images, and `auditseal rollback` puts it back.",
        "Look at each removed statement in the plan. Declare those who still need access under `[readers]`, `[scanners]` or \
         `[observers]`. If all may go, run with `--allow statements-removed`.",
    ),
    code(
        "undeclared-access-remains",
        "somebody who is not declared keeps access after the plan",
        "The plan does not open this access, and does not close it either, because it does not come from what the manifest \
         reconciles: most often a principal may assume a declared reader's role, since that role's trust policy and the \
         principal's own policies let it.",
        "`auditseal access --principal ARN` names the statements. Narrow the trust policy of the role that is taken, or declare \
         the principal.",
    ),
    code(
        "undeclared-delivery",
        "audit logs are delivered to a place that nothing declares",
        "An enabled configuration for audit logs points to another bucket, prefix or role than the manifests of this directory \
         declare. It may be an old one, another team's, or how somebody takes the logs out. It is only reported unless \
         disabling is declared, and it is never counted as drift.",
        "Find out whose it is. Declare it in a manifest of its own, or set `[delivery] undeclared = \"disable\"`; disabling takes \
         effect within an hour, and configurations cannot be deleted.",
    ),
    code(
        "undeclared-deny-kept",
        "a deny that nobody declared is kept",
        "The live policy refuses something that the generated policy does not. Removing a refusal can only widen access, so it \
         stays and is reported, not counted as drift. A kept deny is no substitute for a generated one: a TLS deny with \
         exceptions for services, or with NotPrincipal, satisfies Security Hub S3.5 and still lets some requests through \
         without TLS, so the generated one without exceptions is written beside it.",
        "Leave it, or allow `remove-undeclared-denies` once it is clear that it protects nothing.",
    ),
    code(
        "undeclared-grant",
        "somebody who is not declared may read the audit tables",
        "A privilege on `system.access` or one of its tables is held by a principal that is no declared reader. The tables hold the \
         same events as the files, so this reader is as real as one of the bucket. With `[unity_catalog] revoke_undeclared` it \
         is revoked, otherwise reported. A grant of a deleted principal cannot be revoked by name.",
        "Declare the principal as a reader with `databricks_group`, or let it be revoked. Owners, metastore admins and holders \
         of MANAGE on the catalog read without a grant: look at those too.",
    ),
    code(
        "unknown-principal",
        "a declared role does not exist",
        "A role in the manifest was not found, or has another path. S3 and KMS refuse a whole policy when one principal in it does \
         not exist, so nothing would be protected. A role that is deleted later turns into an id in the stored policy, and a new \
         role of the same name is somebody else to AWS.",
        "Compare with `aws iam get-role`: the ARN needs the path, as in `role/team/Analyst`. Roles of IAM Identity Center lie \
         under `aws-reserved/sso.amazonaws.com/`. Create the role first, or remove it from the manifest.",
    ),
    code(
        "unknown-workspace",
        "a declared workspace is not in the Databricks account",
        "A workspace under `[workspaces]` or `[delivery] workspaces` was not found by name or id. A delivery that is filtered by \
         workspace would miss its events. Account-level events are only delivered by a configuration without a filter.",
        "Check the spelling, and that `[databricks] account_id` is the account it belongs to. Better leave \
         `[delivery] workspaces` empty: then all workspaces and the account's own events are delivered.",
    ),
    code(
        "unread-inputs",
        "something could not be read",
        "A read was refused or failed. What is there is unknown, which is neither `in order` nor `absent`: nothing that \
         depends on it is deleted, no proof about access is given, and the plan is incomplete. The plan names each gap and the \
         missing permission.",
        "Grant the permissions that are named (`auditseal permissions plan` prints all of them), then plan again. To go on in \
         spite of it, knowing that the guards did not see everything, give `--allow unread-inputs`.",
    ),
    code(
        "unsuitable-key",
        "the key cannot protect the logs",
        "The declared or live key is not a symmetric encryption key of your own that is enabled in the bucket's region, with \
         material from KMS. The AWS managed key `aws/s3` satisfies a check for `aws:kms`, but its policy cannot be changed, \
         so nobody can be kept from decrypting, and writers from other accounts cannot use it at all: Security Hub S3.17 passes, \
         this control does not. A disabled key, or one that waits for its deletion, stops delivery and reading alike.",
        "Leave `[key] arn` out to have a key made, or name a key with KeyManager CUSTOMER, spec SYMMETRIC_DEFAULT, origin \
         AWS_KMS and state Enabled. A pending deletion can be cancelled while the waiting period runs.",
    ),
];

#[cfg(test)]
mod tests {
    use super::{CODES, explain};

    #[test]
    fn codes_are_sorted_distinct_and_kebab_case() {
        for part in [super::GUARDS, super::ESTATE, super::CONTROLS] {
            assert!(part.windows(2).all(|pair| pair[0].code < pair[1].code));
        }
        let distinct: std::collections::BTreeSet<&str> = CODES.iter().map(|code| code.code).collect();
        assert_eq!(distinct.len(), super::GUARDS.len() + super::ESTATE.len());
        assert!(!distinct.contains(""));
        assert!(super::CONTROLS.iter().all(|control| !distinct.contains(control.code)));
        for code in CODES.iter().chain(super::CONTROLS) {
            let kebab =
                code.code.split('-').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase()));
            assert!(kebab, "{}", code.code);
        }
    }

    #[test]
    fn every_explanation_is_complete_prose() {
        for code in CODES.iter().chain(super::CONTROLS) {
            assert!(!code.title.ends_with('.') && code.title.len() < 90, "{}", code.code);
            for text in [code.meaning, code.remedy] {
                assert!(text.ends_with('.') && !text.contains("  ") && !text.contains('\n'), "{}: {text}", code.code);
                assert!(text.matches('`').count().is_multiple_of(2), "{}: {text}", code.code);
            }
        }
    }

    /// Whatever a guard, a refusal or a notice can say has an explanation.
    #[test]
    fn every_code_of_the_planner_is_explained() {
        let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found = std::collections::BTreeSet::new();
        for room in ["harden", "plan/guard"] {
            for entry in std::fs::read_dir(source.join(room)).unwrap() {
                let path = entry.unwrap().path();
                if !path.is_file() || path.ends_with("tests.rs") {
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                for verb in [".refuse(", ".notice(", ".warn(", ".pass("] {
                    for rest in text.split(verb).skip(1) {
                        let rest = rest.trim_start();
                        if let Some(code) = rest.strip_prefix('"').and_then(|rest| rest.split('"').next()) {
                            found.insert(code.to_owned());
                        }
                    }
                }
            }
        }
        assert!(found.len() > 30, "{found:?}");
        let unknown: Vec<&String> = found.iter().filter(|code| explain(code).is_none()).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    /// A code that a text sends the reader to has to exist.
    #[test]
    fn codes_named_in_texts_exist() {
        for text in CODES.iter().flat_map(|code| [code.meaning, code.remedy]) {
            for allowed in text.split("--allow ").skip(1) {
                let name: String = allowed.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
                assert!(explain(&name).is_some(), "{name}");
            }
        }
        assert!(explain("unread-inputs").is_some());
        assert!(explain("unread").is_none());
    }
}
