//! Whether a single text is a valid name of its kind: account, region, bucket, prefix, ARN, alias, duration, principal.
//! Knows no manifest and no position.

use jiff::civil::Date;

use crate::model::Arn;
use crate::model::place::Partition;

use super::codes;
use super::defaults::{MAX_NAME, MAX_REASON, MAX_SILENCE_MINUTES, MIN_SILENCE_MINUTES};
use super::source::{is_invisible, quote};

/// Why a text is refused, and what to write instead.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Problem {
    pub code: &'static str,
    pub message: String,
    pub help: String,
}

type Checked<T = ()> = Result<T, Problem>;

fn problem<T>(code: &'static str, message: String, help: &str) -> Checked<T> {
    Err(Problem { code, message, help: help.to_owned() })
}

fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// An AWS account id (Account Management reference guide, "View AWS account identifiers").
pub(super) fn aws_account(text: &str) -> Checked {
    if is_digits(text, 12) {
        return Ok(());
    }
    let message = format!("{} is not an AWS account id", quote(text));
    problem(codes::INVALID_ACCOUNT, message, "write its twelve digits, without hyphens")
}

/// A UUID in its usual form, as Databricks shows account ids and application ids.
pub(super) fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// A Databricks account id. In lower case only: policies compare it letter by letter, as the external id.
pub(super) fn databricks_account(text: &str) -> Checked {
    let message = format!("{} is not a Databricks account id", quote(text));
    if !is_uuid(text) {
        let help = "copy the UUID from the account console, such as `0d26daa6-5e44-4c97-a497-ef015f91254a`";
        return problem(codes::INVALID_DATABRICKS_ACCOUNT, message, help);
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        let help = "write it in lower case: it is compared letter by letter as the external id of the delivery role";
        return problem(codes::INVALID_DATABRICKS_ACCOUNT, message, help);
    }
    Ok(())
}

/// A region code of the partitions that Databricks on AWS has accounts for.
pub(super) fn region(text: &str) -> Checked {
    let parts: Vec<&str> = text.split('-').collect();
    let number = parts.last().is_some_and(|last| matches!(last.len(), 1 | 2) && is_digits(last, last.len()));
    let words = parts.split_last().is_some_and(|(_, words)| {
        words.len() >= 2
            && words.iter().all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
            && words.first().is_some_and(|first| first.len() == 2)
    });
    let other = ["cn-", "us-iso", "eu-iso", "eusc-"].iter().find(|start| text.starts_with(**start));
    if other.is_some() {
        let message = format!("region {} is in a partition without Databricks on AWS", quote(text));
        return problem(codes::INVALID_REGION, message, "use a region of the `aws` or `aws-us-gov` partition");
    }
    if number && words && text.len() <= 32 {
        return Ok(());
    }
    let message = format!("{} is not the code of an AWS region", quote(text));
    problem(codes::INVALID_REGION, message, "write a code such as `us-east-1`")
}

/// Names of general purpose buckets (S3 User Guide, "General purpose bucket naming rules"). `home` is account and region,
/// when known: names of an account's regional namespace end with them.
pub(super) fn bucket(text: &str, home: Option<(&str, &str)>) -> Checked {
    let refuse = |why: &str| {
        let message = format!("{} is not a valid bucket name: {why}", quote(text));
        problem(codes::INVALID_BUCKET, message, "see \"General purpose bucket naming rules\" in the S3 User Guide")
    };
    if !(3..=63).contains(&text.len()) {
        return refuse("it needs 3 to 63 characters");
    }
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if !text.bytes().all(|byte| plain(byte) || matches!(byte, b'-' | b'.')) {
        return refuse("only lower-case letters, digits, `-` and `.` are allowed");
    }
    if !text.bytes().next().is_some_and(plain) || !text.bytes().next_back().is_some_and(plain) {
        return refuse("it has to begin and end with a letter or digit");
    }
    if text.contains("..") {
        return refuse("it has two adjacent dots");
    }
    let numbers: Vec<&str> = text.split('.').collect();
    if numbers.len() == 4 && numbers.iter().all(|part| (1..=3).contains(&part.len()) && is_digits(part, part.len())) {
        return refuse("it has the form of an IP address");
    }
    for start in ["xn--", "sthree-", "amzn-s3-demo-"] {
        if text.starts_with(start) {
            return refuse(&format!("names that begin with `{start}` are reserved"));
        }
    }
    for end in ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"] {
        if text.ends_with(end) {
            return refuse(&format!("names that end with `{end}` are reserved"));
        }
    }
    if text.ends_with("-an")
        && home.is_some_and(|(account, region)| !text.ends_with(&format!("-{account}-{region}-an")))
    {
        return refuse("names that end with `-an` belong to an account and region: `<name>-<account>-<region>-an`");
    }
    Ok(())
}

/// A delivery prefix. Databricks wants no slash at its ends; wildcards and `$` would widen policies that name it (IAM User
/// Guide, "IAM policy elements: Variables and tags").
pub(super) fn prefix(text: &str) -> Checked {
    let refuse = |why: &str, help: &str| {
        problem(codes::INVALID_PREFIX, format!("{} is not a valid prefix: {why}", quote(text)), help)
    };
    // An existing delivery to the root of a bucket can be declared as it is.
    if text.is_empty() {
        return Ok(());
    }
    if text.starts_with('/') || text.ends_with('/') {
        return refuse("it begins or ends with `/`", "leave the outer `/` out");
    }
    if text.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
        return refuse("a part between two `/` is empty, `.` or `..`", "name every part");
    }
    key_letters(text, "!-_.'()=")
}

/// Key prefix of the access log: like a prefix, but S3 puts it before object names as it is, so that a final `/` is usual.
pub(super) fn log_prefix(text: &str) -> Checked {
    if text.is_empty() || text == "/" {
        let message = "the access-log prefix is empty".to_owned();
        return problem(codes::INVALID_PREFIX, message, "write for example `s3/`");
    }
    prefix(text.strip_suffix('/').unwrap_or(text))
}

/// `s3://bucket/prefix`: the bucket and the prefix, which may be left out.
pub(super) fn store(text: &str) -> Checked<(String, String)> {
    let refuse = |why: &str, help: &str| {
        problem(codes::INVALID_STORE, format!("{} is no place for a store: {why}", quote(text)), help)
    };
    let Some(rest) = text.strip_prefix("s3://") else {
        return refuse("it does not begin with `s3://`", "write `s3://BUCKET/PREFIX`");
    };
    let (name, below) = rest.split_once('/').map_or((rest, None), |(name, below)| (name, Some(below)));
    bucket(name, None)?;
    let Some(below) = below else { return Ok((name.to_owned(), String::new())) };
    if below.is_empty() || below.starts_with('/') || below.ends_with('/') {
        return refuse("its prefix begins or ends with `/`", "leave the outer `/` out");
    }
    prefix(below).map_err(|found| Problem { code: codes::INVALID_STORE, ..found })?;
    Ok((name.to_owned(), below.to_owned()))
}

/// The letters that S3 calls safe in object keys (S3 User Guide, "Naming Amazon S3 objects"), without `*`.
fn key_letters(text: &str, safe: &str) -> Checked {
    let odd = text.chars().find(|letter| !(letter.is_ascii_alphanumeric() || *letter == '/' || safe.contains(*letter)));
    if let Some(odd) = odd {
        let message = format!("{} is not a valid prefix: it holds {}", quote(text), quote(&odd.to_string()));
        return problem(codes::INVALID_PREFIX, message, "use letters, digits, `/` and `!-_.'()=`");
    }
    if text.len() > 512 {
        let message = format!("{} is not a valid prefix: it is too long", quote(text));
        return problem(codes::INVALID_PREFIX, message, "use at most 512 characters: object keys have 1024 in all");
    }
    Ok(())
}

fn arn(text: &str, partition: Option<Partition>, example: &str) -> Checked<Arn> {
    let Ok(arn) = text.parse::<Arn>() else {
        let message = format!("{} is not an ARN", quote(text));
        return problem(codes::INVALID_ARN, message, &format!("write it in full, such as `{example}`"));
    };
    if let Some(partition) = partition
        && arn.partition != partition.arn_name()
    {
        let message = format!("{} is an ARN of partition {}", quote(text), quote(&arn.partition));
        let help = format!("this manifest is in partition `{}`", partition.arn_name());
        return problem(codes::INVALID_ARN, message, &help);
    }
    Ok(arn)
}

/// The ARN of an IAM role: the form that policies can name. Sessions change with every login, and an account or a pattern
/// is more than one principal (IAM User Guide, "IAM identifiers").
pub(super) fn role(text: &str, partition: Option<Partition>) -> Checked<Arn> {
    let arn = arn(text, partition, "arn:aws:iam::111122223333:role/SecurityAnalyst")?;
    let refuse = |why: &str, help: &str| problem(codes::NOT_A_ROLE, format!("{} {why}", quote(text)), help);
    if arn.service == "sts" && arn.resource.starts_with("assumed-role/") {
        let name = arn.resource.split('/').nth(1).unwrap_or_default();
        let help = format!(
            "write the role's own ARN, with its path: `arn:{}:iam::{}:role/{name}`",
            arn.partition, arn.account
        );
        return refuse("is a session of a role", &help);
    }
    if arn.service != "iam" {
        return refuse("is not an IAM role", "write the ARN of a role: `arn:aws:iam::<account>:role/<path>/<name>`");
    }
    if arn.resource == "root" {
        return refuse("is a whole account, not a role", "name the roles of the account that are meant, one by one");
    }
    if arn.resource.starts_with("user/") {
        return refuse("is a user, not a role", "give the user a role to assume, and declare that");
    }
    if text.contains(['*', '?', '$']) {
        return refuse("is a pattern, not a role", "name every role in full");
    }
    let Some((path, name)) = arn.role() else {
        return refuse("is not an IAM role", "write the ARN of a role: `arn:aws:iam::<account>:role/<path>/<name>`");
    };
    if !arn.region.is_empty() || !is_digits(&arn.account, 12) {
        return refuse("is not a valid role ARN", "a role's ARN has no region, and an account of twelve digits");
    }
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
    let graphic = path.bytes().all(|byte| byte.is_ascii_graphic());
    if name.len() > 64 || !name.bytes().all(letter) || path.len() > 512 || !graphic || path.contains("//") {
        return refuse("is not a valid role ARN", "a role's name has up to 64 letters, digits and `+=,.@_-`");
    }
    Ok(arn)
}

/// The ARN of a KMS key itself (KMS Developer Guide, "Key identifiers"): an alias can be moved to another key.
pub(super) fn key(text: &str, partition: Option<Partition>) -> Checked<Arn> {
    let example = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let arn = arn(text, partition, example)?;
    let refuse = |why: &str, help: &str| problem(codes::INVALID_ARN, format!("{} {why}", quote(text)), help);
    if arn.service == "kms" && arn.resource.starts_with("alias/") {
        return refuse("is an alias, not a key", "write the ARN of the key that the alias stands for");
    }
    let id = arn.resource.strip_prefix("key/").filter(|_| arn.service == "kms");
    let multi = |id: &str| id.strip_prefix("mrk-").is_some_and(|hex| hex.len() == 32 && is_lower_hex(hex));
    if !id.is_some_and(|id| is_uuid(id) || multi(id)) || !is_digits(&arn.account, 12) || region(&arn.region).is_err() {
        return refuse("is not the ARN of a KMS key", &format!("write it in full, such as `{example}`"));
    }
    Ok(arn)
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
}

/// An alias of a customer managed key (KMS API reference, `CreateAlias`).
pub(super) fn alias(text: &str) -> Checked {
    let refuse = |why: &str| {
        let message = format!("{} is not a valid key alias: {why}", quote(text));
        problem(codes::INVALID_ALIAS, message, "write `alias/` and then letters, digits, `/`, `_` and `-`")
    };
    let Some(name) = text.strip_prefix("alias/") else {
        return refuse("it does not begin with `alias/`");
    };
    if name.starts_with("aws/") {
        return refuse("`alias/aws/` is for keys that AWS manages");
    }
    if name.is_empty() || text.len() > 256 {
        return refuse("it needs 1 to 250 characters after `alias/`");
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-')) {
        return refuse("it holds other characters than letters, digits, `/`, `_` and `-`");
    }
    Ok(())
}

/// Minutes of a duration such as `90m`, `2h`, `1d` or `1h30m`.
pub(super) fn minutes(text: &str) -> Checked<u32> {
    let total = parse_minutes(text);
    match total {
        Some(minutes) if (MIN_SILENCE_MINUTES..=MAX_SILENCE_MINUTES).contains(&minutes) => Ok(minutes),
        Some(_) => {
            let message = format!("{} is too short or too long", quote(text));
            problem(codes::INVALID_DURATION, message, "choose from `15m` to `7d`; logs arrive about every 15 minutes")
        }
        None => {
            let message = format!("{} is not a duration", quote(text));
            problem(codes::INVALID_DURATION, message, "write for example `60m`, `2h`, `1h30m` or `1d`")
        }
    }
}

fn parse_minutes(text: &str) -> Option<u32> {
    let mut total = 0_u32;
    let mut rest = text;
    let mut largest = u32::MAX;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: u32 = rest.get(..digits)?.parse().ok()?;
        let unit = match rest.get(digits..=digits)? {
            "d" => 24 * 60,
            "h" => 60,
            "m" => 1,
            _ => return None,
        };
        // Larger units first, each once.
        if unit >= largest {
            return None;
        }
        largest = unit;
        total = total.saturating_add(count.saturating_mul(unit));
        rest = rest.get(digits + 1..)?;
    }
    (!text.is_empty()).then_some(total)
}

/// A day of the calendar, `2027-03-31` and no other form.
pub(super) fn date(text: &str) -> Checked<Date> {
    let form = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    match text.parse::<Date>() {
        Ok(date) if form => Ok(date),
        _ => problem(codes::INVALID_DATE, format!("{} is not a date", quote(text)), "write for example `2027-03-31`"),
    }
}

/// The reason of a waiver: one line of text.
pub(super) fn reason(text: &str) -> Checked {
    let odd = text.chars().any(|letter| letter.is_control() || is_invisible(letter));
    if !odd && !text.trim().is_empty() && text.chars().count() <= MAX_REASON {
        return Ok(());
    }
    let help = "write one line of 1 to 500 characters, such as \"the archive moves in March\"";
    problem(codes::INVALID_NAME, format!("{} is not a reason", quote(text)), help)
}

/// A manifest's name, which is part of every address: no `/`, no brackets, and not the `_` of account-wide things.
pub(super) fn manifest(text: &str) -> Checked {
    label(text).map_err(|_| Problem {
        code: codes::MANIFEST_NAME,
        message: format!("{} cannot be the name of a manifest", quote(text)),
        help: "rename the file: up to 64 letters, digits, `-`, `_` and `.`, starting with a letter or digit".to_owned(),
    })
}

/// A label such as the NAME of a reader.
pub(super) fn label(text: &str) -> Checked {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let start = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if start && text.len() <= 64 && text.bytes().all(letter) {
        return Ok(());
    }
    let help = "use up to 64 letters, digits, `-`, `_` and `.`, starting with a letter or digit";
    problem(codes::INVALID_NAME, format!("{} is not a valid name", quote(text)), help)
}

/// A name that a cloud or a local file gives: not empty, no longer than 255, without control characters.
pub(super) fn name(text: &str) -> Checked {
    let odd = text.chars().any(|letter| letter.is_control() || is_invisible(letter));
    if !odd && text.trim() == text && (1..=MAX_NAME).contains(&text.chars().count()) {
        return Ok(());
    }
    let help = "use 1 to 255 characters, without control characters and without spaces at the ends";
    problem(codes::INVALID_NAME, format!("{} is not a valid name", quote(text)), help)
}

/// A Databricks user, by e-mail address.
pub(super) fn user(text: &str) -> Checked {
    let mut parts = text.split('@');
    let valid = matches!((parts.next(), parts.next(), parts.next()), (Some(before), Some(after), None)
        if !before.is_empty() && !after.is_empty());
    if valid && name(text).is_ok() && !text.contains(char::is_whitespace) {
        return Ok(());
    }
    let help = "write the user's e-mail address; for a group use `databricks_group`";
    problem(codes::INVALID_PRINCIPAL, format!("{} is not a Databricks user", quote(text)), help)
}

/// A Databricks service principal, by application id.
pub(super) fn service_principal(text: &str) -> Checked {
    if is_uuid(text) {
        return Ok(());
    }
    let help = "write its application id, a UUID, not its display name";
    problem(codes::INVALID_PRINCIPAL, format!("{} is not a service principal's application id", quote(text)), help)
}
