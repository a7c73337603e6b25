//! An account that dice made: users, groups, roles with policies of every kind, boundaries, trust between them, a bucket
//! policy, a key policy and grants. What a die chooses from is written down in lists, so that a reader sees what is tried.

use std::collections::BTreeMap;

use aws_credential_types::Credentials;
use aws_sdk_iam::types::Tag;
use aws_sdk_kms::types::GrantOperation;
use aws_sdk_s3::types as s3;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::harness::Case;

pub const USERS: usize = 3;
pub const ROLES: usize = 5;
/// Whoever is in no other policy and may become every role: it takes the roles' sessions for the test.
pub const TESTER: &str = "tester";

/// Rolls of a run that is the same every time.
pub struct Dice {
    rolls: std::vec::IntoIter<u16>,
}

impl Dice {
    /// The dice of `count` estates.
    pub fn of(count: usize) -> Vec<Self> {
        let mut runner = TestRunner::deterministic();
        let rolls = proptest::collection::vec(proptest::num::u16::ANY, 400);
        (0..count).map(|_| Self { rolls: rolls.new_tree(&mut runner).expect("rolls").current().into_iter() }).collect()
    }

    fn roll(&mut self, sides: usize) -> usize {
        usize::from(self.rolls.next().expect("enough rolls")) % sides
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())].clone()
    }

    fn chance(&mut self, of_ten: usize) -> bool {
        self.roll(10) < of_ten
    }
}

/// The account as it was made.
pub struct Random {
    pub key: String,
    /// Long-term keys by user.
    pub users: BTreeMap<String, Credentials>,
    pub roles: Vec<String>,
    /// What was put where, to be printed with a finding.
    pub story: Vec<String>,
}

struct Maker<'a> {
    case: &'a Case,
    dice: Dice,
    story: Vec<String>,
}

pub fn user(n: usize) -> String {
    format!("user{n}")
}

pub fn role(n: usize) -> String {
    format!("Role{n}")
}

fn document(statements: &[Value]) -> String {
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

impl Maker<'_> {
    fn account(&self) -> &str {
        &self.case.sandbox.aws.account
    }

    fn user_arn(&self, n: usize) -> String {
        format!("arn:aws:iam::{}:user/{}", self.account(), user(n))
    }

    fn somebody(&mut self) -> String {
        let n = self.dice.roll(USERS + ROLES);
        if n < USERS { self.user_arn(n) } else { self.case.sandbox.aws.role_arn(&role(n - USERS)) }
    }

    fn condition(&mut self) -> Option<Value> {
        let chosen = self.dice.one(&[
            None,
            None,
            None,
            Some(json!({ "StringEquals": { "aws:PrincipalTag/team": "a" } })),
            Some(json!({ "StringNotEquals": { "aws:PrincipalTag/team": "a" } })),
            Some(json!({ "StringLikeIfExists": { "aws:PrincipalTag/team": "a*" } })),
            Some(json!({ "Bool": { "aws:SecureTransport": "true" } })),
            Some(json!({ "Bool": { "aws:SecureTransport": "false" } })),
            Some(json!({ "BoolIfExists": { "aws:MultiFactorAuthPresent": "false" } })),
            Some(json!({ "Null": { "aws:PrincipalTag/team": "true" } })),
        ]);
        if chosen.is_none() && self.dice.chance(2) {
            let arn = self.somebody();
            let operator = self.dice.one(&["ArnEquals", "ArnNotEquals", "StringLike", "StringNotLike"]);
            return Some(json!({ operator: { "aws:PrincipalArn": arn } }));
        }
        chosen
    }

    /// A statement about objects, keys or roles, as identity policies have them.
    fn statement(&mut self) -> Value {
        let bucket = self.case.sandbox.aws.bucket.clone();
        let objects = self.dice.one(&[
            format!("arn:aws:s3:::{bucket}/*"),
            format!("arn:aws:s3:::{bucket}/audit/*"),
            format!("arn:aws:s3:::{bucket}/audit/*.json"),
            format!("arn:aws:s3:::{bucket}/other/*"),
            "arn:aws:s3:::*/a?dit/*".to_owned(),
            "*".to_owned(),
        ]);
        let roles = format!("arn:aws:iam::{}:role/", self.account());
        let (actions, resource) = match self.dice.roll(8) {
            0 => (json!("s3:*"), objects),
            1 => (json!(["s3:Get*", "kms:Decrypt"]), "*".to_owned()),
            2 => (json!(["s3:PutObject", "s3:DeleteObject"]), objects),
            3 => (json!("kms:*"), "*".to_owned()),
            4 => (
                json!("sts:AssumeRole"),
                self.dice.one(&[format!("{roles}*"), format!("{roles}Role1"), "*".to_owned()]),
            ),
            5 => (json!("*"), "*".to_owned()),
            6 => (json!("S3:getobject"), objects),
            _ => (json!(["s3:GetObject", "kms:Decrypt", "sts:AssumeRole"]), "*".to_owned()),
        };
        let effect = if self.dice.chance(8) { "Allow" } else { "Deny" };
        let mut statement = if self.dice.chance(1) {
            json!({ "Effect": effect, "NotAction": ["iam:*", "s3:DeleteObject"], "Resource": resource })
        } else {
            json!({ "Effect": effect, "Action": actions, "Resource": resource })
        };
        if let (Some(condition), Some(fields)) = (self.condition(), statement.as_object_mut()) {
            fields.insert("Condition".to_owned(), condition);
        }
        statement
    }

    fn policy(&mut self) -> String {
        let count = 1 + self.dice.roll(3);
        let statements: Vec<Value> = (0..count).map(|_| self.statement()).collect();
        document(&statements)
    }

    fn tell(&mut self, what: String, text: &str) {
        self.story.push(format!("{what}: {text}"));
    }

    async fn boundary(&mut self) -> Option<String> {
        if !self.dice.chance(3) {
            return None;
        }
        let text = self.policy();
        let name = format!("limit{}", self.story.len());
        let aws = &self.case.sandbox.aws;
        let made = aws.world.iam(&aws.root()).create_policy().policy_name(&name).policy_document(&text).send().await;
        let arn = made.expect("CreatePolicy").policy.and_then(|policy| policy.arn).expect("an ARN");
        self.tell(format!("boundary {name}"), &text);
        Some(arn)
    }

    fn tags(&mut self) -> Option<Vec<Tag>> {
        let team = self.dice.one(&[None, Some("a"), Some("b")])?;
        Some(vec![Tag::builder().key("team").value(team).build().expect("a tag")])
    }

    async fn users(&mut self) -> BTreeMap<String, Credentials> {
        let aws = &self.case.sandbox.aws;
        let iam = aws.world.iam(&aws.root());
        iam.create_group().group_name("team").send().await.expect("CreateGroup");
        let text = self.policy();
        let put = iam.put_group_policy().group_name("team").policy_name("inline").policy_document(&text);
        put.send().await.expect("PutGroupPolicy");
        self.tell("group team".to_owned(), &text);
        let mut keys = BTreeMap::new();
        for name in (0..USERS).map(user).chain([TESTER.to_owned()]) {
            let is_tester = name == TESTER;
            let tags = if is_tester { None } else { self.tags() };
            let boundary = if is_tester { None } else { self.boundary().await };
            let create = iam.create_user().user_name(&name).set_tags(tags.clone());
            create.set_permissions_boundary(boundary.clone()).send().await.expect("CreateUser");
            if !is_tester {
                let text = self.policy();
                let put = iam.put_user_policy().user_name(&name).policy_name("inline").policy_document(&text);
                put.send().await.expect("PutUserPolicy");
                self.tell(format!("{name} (tags {tags:?}, boundary {boundary:?})"), &text);
                if self.dice.chance(4) {
                    let join = iam.add_user_to_group().user_name(&name).group_name("team");
                    join.send().await.expect("AddUserToGroup");
                    self.tell(name.clone(), "is in group team");
                }
            }
            let key = iam.create_access_key().user_name(&name).send().await.expect("CreateAccessKey");
            let key = key.access_key.expect("a key");
            keys.insert(name, Credentials::new(key.access_key_id, key.secret_access_key, None, None, "sandbox user"));
        }
        keys
    }

    /// Who may become the role, besides the tester.
    fn trust(&mut self, n: usize) -> String {
        let (trusted, refused) = (self.dice.roll(USERS), self.dice.roll(USERS));
        let tester = format!("arn:aws:iam::{}:user/{TESTER}", self.account());
        let mut statements =
            vec![json!({ "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "AWS": tester } })];
        let principal = match self.dice.roll(6) {
            0 => json!({ "AWS": format!("arn:aws:iam::{}:root", self.account()) }),
            1 => json!({ "AWS": self.user_arn(trusted) }),
            // Roles are made in turn: a principal has to exist.
            2 if n > 0 => json!({ "AWS": self.case.sandbox.aws.role_arn(&role(n - 1)) }),
            3 => json!({ "AWS": self.account() }),
            4 => json!({ "Service": "ec2.amazonaws.com" }),
            _ => json!({ "AWS": "*" }),
        };
        let mut statement = json!({ "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal });
        let external = Some(json!({ "StringEquals": { "sts:ExternalId": "right" } }));
        let condition = if self.dice.chance(3) { external } else { self.condition() };
        if let (Some(condition), Some(fields)) = (condition, statement.as_object_mut()) {
            fields.insert("Condition".to_owned(), condition);
        }
        statements.push(statement);
        if self.dice.chance(2) {
            let arn = self.user_arn(refused);
            statements.push(json!({ "Effect": "Deny", "Action": "sts:AssumeRole", "Principal": { "AWS": arn } }));
        }
        document(&statements)
    }

    async fn roles(&mut self) -> Vec<String> {
        let aws = &self.case.sandbox.aws;
        let iam = aws.world.iam(&aws.root());
        let mut names = Vec::new();
        for n in 0..ROLES {
            let (name, trust) = (role(n), self.trust(n));
            let (tags, boundary, text) = (self.tags(), self.boundary().await, self.policy());
            let create = iam.create_role().role_name(&name).assume_role_policy_document(&trust).set_tags(tags.clone());
            create.set_permissions_boundary(boundary.clone()).send().await.expect("CreateRole");
            if self.dice.chance(5) {
                let put = iam.put_role_policy().role_name(&name).policy_name("inline").policy_document(&text);
                put.send().await.expect("PutRolePolicy");
            } else {
                let made = iam.create_policy().policy_name(format!("managed{n}")).policy_document(&text).send().await;
                let arn = made.expect("CreatePolicy").policy.and_then(|policy| policy.arn).expect("an ARN");
                let attach = iam.attach_role_policy().role_name(&name).policy_arn(arn);
                attach.send().await.expect("AttachRolePolicy");
            }
            self.tell(format!("{name} (tags {tags:?}, boundary {boundary:?})"), &text);
            self.tell(format!("trust of {name}"), &trust);
            names.push(name);
        }
        names
    }

    async fn bucket(&mut self, key: &str) {
        let aws = &self.case.sandbox.aws;
        let (client, bucket) = (aws.world.s3(&aws.root()), aws.bucket.clone());
        client.create_bucket().bucket(&bucket).send().await.expect("CreateBucket");
        let default = s3::ServerSideEncryptionByDefault::builder()
            .sse_algorithm(s3::ServerSideEncryption::AwsKms)
            .kms_master_key_id(key)
            .build()
            .expect("encryption");
        let rule = s3::ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default);
        let rule = rule.bucket_key_enabled(self.dice.chance(5)).build();
        let rules = s3::ServerSideEncryptionConfiguration::builder().rules(rule).build().expect("rules");
        let put = client.put_bucket_encryption().bucket(&bucket).server_side_encryption_configuration(rules);
        put.send().await.expect("PutBucketEncryption");
        let count = self.dice.roll(4);
        let mut statements = Vec::new();
        for _ in 0..count {
            let principal = match self.dice.roll(4) {
                0 => json!("*"),
                1 => json!({ "AWS": format!("arn:aws:iam::{}:root", self.account()) }),
                _ => json!({ "AWS": [self.somebody(), self.somebody()] }),
            };
            let effect = if self.dice.chance(6) { "Allow" } else { "Deny" };
            let actions = self.dice.one(&["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:*Object"]);
            let resource = format!("arn:aws:s3:::{bucket}/{}", self.dice.one(&["*", "audit/*", "other/*"]));
            let mut statement =
                json!({ "Effect": effect, "Principal": principal, "Action": actions, "Resource": resource });
            // An open statement is refused by the public access block, unless it is a deny.
            let condition = match (effect, principal == json!("*")) {
                ("Allow", true) => Some(json!({ "StringEquals": { "aws:PrincipalAccount": self.account() } })),
                _ => self.condition(),
            };
            if let (Some(condition), Some(fields)) = (condition, statement.as_object_mut()) {
                fields.insert("Condition".to_owned(), condition);
            }
            statements.push(statement);
        }
        if !statements.is_empty() {
            let text = document(&statements);
            client.put_bucket_policy().bucket(&bucket).policy(&text).send().await.expect("PutBucketPolicy");
            self.tell("bucket policy".to_owned(), &text);
        }
    }

    async fn key(&mut self) -> String {
        let aws = &self.case.sandbox.aws;
        let kms = aws.world.kms(&aws.root());
        let root = json!({ "AWS": format!("arn:aws:iam::{}:root", self.account()) });
        // With the account statement IAM policies count, without it they do not (K1). The account keeps control.
        let actions = self.dice.one(&[
            json!("kms:*"),
            json!(["kms:Describe*", "kms:Get*", "kms:Put*", "kms:CreateGrant", "kms:List*", "kms:GenerateDataKey"]),
        ]);
        let mut statements = vec![json!({ "Effect": "Allow", "Principal": root, "Action": actions, "Resource": "*" })];
        if self.dice.chance(5) {
            let mut reader = json!({ "Effect": "Allow", "Principal": { "AWS": self.somebody() },
                "Action": "kms:Decrypt", "Resource": "*" });
            let through = json!({ "StringLike": { "kms:ViaService": "s3.*.amazonaws.com" } });
            if let (true, Some(fields)) = (self.dice.chance(5), reader.as_object_mut()) {
                fields.insert("Condition".to_owned(), through);
            }
            statements.push(reader);
        }
        if self.dice.chance(3) {
            statements.push(json!({ "Effect": "Deny", "Principal": { "AWS": self.somebody() },
                "Action": "kms:Decrypt", "Resource": "*" }));
        }
        let text = document(&statements);
        let made = kms.create_key().policy(&text).send().await.expect("CreateKey");
        let arn = made.key_metadata.and_then(|key| key.arn).expect("an ARN");
        self.tell("key policy".to_owned(), &text);
        if self.dice.chance(5) {
            let grantee = self.somebody();
            let grant = kms.create_grant().key_id(&arn).grantee_principal(&grantee).operations(GrantOperation::Decrypt);
            grant.send().await.expect("CreateGrant");
            self.tell("grant of Decrypt to".to_owned(), &grantee);
        }
        arn
    }
}

/// Makes the account that the dice say.
pub async fn make(case: &Case, dice: Dice) -> Random {
    let mut maker = Maker { case, dice, story: Vec::new() };
    let users = maker.users().await;
    let roles = maker.roles().await;
    let key = maker.key().await;
    maker.bucket(&key).await;
    Random { key, users, roles, story: maker.story }
}
