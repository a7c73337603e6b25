//! The codes of manifest errors, for `explain`: stable, scripts and documentation refer to them.

/// What a code means and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    pub code: &'static str,
    pub meaning: &'static str,
    pub remedy: &'static str,
}

macro_rules! codes {
    ($($name:ident = $code:literal: $meaning:literal, $remedy:literal;)+) => {
        $(pub(super) const $name: &str = $code;)+

        /// Every code that loading manifests can give, in the order of the checks.
        pub const CODES: &[Code] = &[$(Code { code: $code, meaning: $meaning, remedy: $remedy }),+];
    };
}

codes! {
    NOT_FOUND = "manifest-not-found":
        "there is no file or directory at the given path",
        "give the path of a manifest or of a directory of manifests with -m; `auditseal init` writes one";
    UNREADABLE = "manifest-unreadable":
        "the operating system refused to read the file, or it is no regular file",
        "make the file readable for the user that runs auditseal";
    TOO_LARGE = "manifest-too-large":
        "the file is larger than 1 MB and was not read",
        "check that the path is that of a manifest";
    NOT_UTF8 = "manifest-not-utf8":
        "the file is not UTF-8 text",
        "save the file as UTF-8";
    NO_MANIFESTS = "no-manifests":
        "the directory holds no manifest: no file `*.toml` other than `defaults.toml`",
        "write one: `auditseal init`, or `auditseal init --from-live` for what is there";
    MANIFEST_NAME = "invalid-manifest-name":
        "the file stem is the manifest's name in addresses, and this one cannot be such a name",
        "rename the file: letters, digits, `-`, `_` and `.`, starting with a letter or digit";
    SECRET = "secret-in-manifest":
        "a secret stands in the manifest in clear text",
        "delete it from the file and its history, revoke it, and let the AWS and Databricks credential chains find credentials";
    TOML_SYNTAX = "toml-syntax":
        "the file is not valid TOML",
        "correct the text at the position given";
    DUPLICATE_KEY = "duplicate-key":
        "a key or table is written twice",
        "keep one of the two";
    NESTED_TOO_DEEPLY = "nested-too-deeply":
        "keys are nested far deeper than any manifest needs",
        "check that the file is a manifest";
    UNKNOWN_VERSION = "unknown-version":
        "the manifest is written for a version of the format that this program does not know",
        "use a newer auditseal, or write `version = 1`";
    UNKNOWN_KEY = "unknown-key":
        "a key or section that manifests do not have",
        "correct its spelling or its place; `auditseal schema` lists every key";
    MISSING_KEY = "missing-key":
        "a key that has no default is missing",
        "add it; `auditseal schema` says what it means";
    WRONG_TYPE = "wrong-type":
        "a value is of another type than its key takes",
        "write a value of the expected type";
    OUT_OF_RANGE = "out-of-range":
        "a number or text is smaller or larger than its key allows",
        "choose a value within the bounds given";
    UNKNOWN_VALUE = "unknown-value":
        "a value is none of the words that its key takes",
        "write one of the words given";
    INVALID_ACCOUNT = "invalid-aws-account":
        "not an AWS account id",
        "write the twelve digits of the account, in quotes";
    INVALID_DATABRICKS_ACCOUNT = "invalid-databricks-account":
        "not a Databricks account id",
        "copy the UUID from the account console";
    INVALID_REGION = "invalid-region":
        "not the code of an AWS region of the `aws` and `aws-us-gov` partitions, or of the wrong one of the two",
        "write a region code such as `us-east-1`";
    INVALID_BUCKET = "invalid-bucket-name":
        "not a name that S3 takes for a general purpose bucket",
        "follow the naming rules of the S3 User Guide, \"General purpose bucket naming rules\"";
    INVALID_PREFIX = "invalid-prefix":
        "not a prefix that Databricks can deliver under, or that a policy can name exactly",
        "write it without leading, trailing or doubled `/`, and without wildcards";
    INVALID_ARN = "invalid-arn":
        "not an ARN of the kind and partition that the key takes",
        "copy the ARN from the AWS console or CLI";
    NOT_A_ROLE = "not-a-role":
        "only IAM roles can be declared: a user, a session, an account or a pattern cannot",
        "write the role's ARN, with its path: `arn:aws:iam::<account>:role/<path>/<name>`";
    INVALID_ALIAS = "invalid-key-alias":
        "not a name that KMS takes for an alias of a customer managed key",
        "write `alias/` and then letters, digits, `/`, `_` and `-`";
    INVALID_DURATION = "invalid-duration":
        "not a duration, or one outside the bounds",
        "write for example `60m` or `2h`, from 15 minutes to 7 days";
    INVALID_DATE = "invalid-date":
        "not a day of the calendar in the form year-month-day",
        "write for example `2027-03-31`";
    INVALID_NAME = "invalid-name":
        "a name is empty, too long, or holds characters that names do not have",
        "choose a name of letters, digits, `-`, `_` and `.`";
    INVALID_PRINCIPAL = "invalid-principal":
        "not a Databricks principal of the kind that the key takes",
        "write a group's name, a user's e-mail address, or a service principal's application id";
    READER_KIND = "reader-kind":
        "a reader is exactly one principal, of AWS or of Databricks",
        "keep one of `role`, `databricks_group`, `databricks_user` and `databricks_service_principal`";
    DUPLICATE_VALUE = "duplicate-value":
        "the same value is declared twice",
        "keep one of the two";
    DUPLICATE_BUCKET = "duplicate-bucket":
        "one bucket is declared for two uses: audit logs, their access log, replicas and the store never share a bucket",
        "give each its own bucket";
    REPLICA_REGION = "replica-region":
        "a replica is in the region of the audit bucket",
        "choose another region";
    PROFILE_MISSING = "profile-missing":
        "something is in another AWS account and nothing says which credentials reach it",
        "add the `profile` for that account";
    PROFILE_CONFLICT = "profile-conflict":
        "one account is reached with two different sets of credentials",
        "use the same `profile` and `assume_role` for one account everywhere, for example in `defaults.toml`";
    ELSEWHERE = "wrong-account-or-region":
        "something has to be in the account or region of the audit bucket, and is not",
        "name one in the same account and region";
    RETENTION = "retention-below-object-lock":
        "objects would expire while Object Lock still holds them",
        "raise `retention_days` or lower the days of the lock";
    NO_ADMINS = "no-admins":
        "no admin is declared: once sealed, nobody could change the bucket and its key",
        "declare at least one role under `[admins.NAME]`";
    DELIVERY_ROLE = "delivery-role-reused":
        "the role that Databricks writes with is declared for people or products too",
        "use separate roles";
    OBSERVER_READS = "observer-reads":
        "a role is an observer, which reads no object, and a reader",
        "remove it from one of the two";
    READER_UNREACHED = "reader-without-unity-catalog":
        "a Databricks reader is declared while `unity_catalog.enabled` is false, so its grant would never be made",
        "enable it, or remove the reader";
    WAIVER_ADDRESS = "waiver-address":
        "a waiver names a resource on which its control has no say, or something that is no address",
        "name one that the plan printed, without the manifest's name, or leave `address` out";
    ALERT_KEYS = "alert-keys":
        "a sink has a key that its kind does not take, or lacks one that it needs",
        "a file takes `path` and `format`; a webhook `url`, `secret` and `format`; Slack `url`";
    SECRET_SOURCE = "secret-source":
        "where a secret is found is said in no way, in several, or in one that cannot be",
        "write exactly one of `{ env = \"NAME\" }`, `{ file = \"PATH\" }` and `{ aws_secret = \"NAME OR ARN\" }`";
    INVALID_URL = "invalid-url":
        "not a URL that findings are sent to: they go over HTTPS, and over plain HTTP to this machine only",
        "write an `https://` URL; one that holds a secret is kept elsewhere: `url = { env = \"NAME\" }`";
    INVALID_PATH = "invalid-path":
        "not the path of a file that findings can be written to",
        "name a file of its own, which is neither a manifest nor one of `.auditseal`";
    SINK_CONTRADICTION = "sink-contradiction":
        "two manifests of a directory declare one sink differently, or two sinks write one file",
        "declare a shared sink in `defaults.toml`, or give each a name and a file of its own";
    INVALID_STORE = "invalid-store":
        "not a place in S3 where journals and what checks remember can be kept",
        "write `s3://BUCKET/PREFIX`, without `/` at the end; the bucket is none that holds logs";
    STORE_CONTRADICTION = "store-contradiction":
        "manifests of a directory declare different stores: they share journals, drift memory and outbox, so that there is one",
        "declare `[store]` once, in `defaults.toml`";
    WAIVER_CONTRADICTION = "waiver-contradiction":
        "a control is waived that something else in the manifest cannot do without",
        "remove the waiver, or what needs the control";
    CLAIMED_TWICE = "claimed-twice":
        "two manifests reconcile the same bucket, key or role",
        "declare it in one of them only";
    CONTRADICTION = "contradiction":
        "two manifests want different things of something that an account has only one of",
        "write the same value in both, or once in `defaults.toml`";
}

/// The plan gives these two as well, and explains them.
pub(super) const WAIVER_EXPIRED: &str = "waiver-expired";
pub(super) const WAIVER_ENDS_SOON: &str = "waiver-ends-soon";

/// What a code means, when it is one of manifests.
#[must_use]
pub fn explain(code: &str) -> Option<&'static Code> {
    CODES.iter().find(|known| known.code == code)
}
