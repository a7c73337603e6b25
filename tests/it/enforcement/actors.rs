//! Who tries, and what each of them is to get.

use auditseal::iam::NamedPolicy;
use aws_credential_types::Credentials;
use serde_json::json;

use super::{Sealed, decoded};
use crate::sandbox::aws_seed::{FOREIGN_READER_ACCOUNT, World};

pub const ALLOW_ALL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

pub struct Actor {
    pub name: &'static str,
    /// As the evaluator takes principals.
    pub principal: String,
    /// None where only the evaluator can be asked.
    pub session: Option<Credentials>,
    pub mfa: Option<bool>,
    pub identity: Vec<NamedPolicy>,
    pub expected: [bool; 9],
}

impl Sealed {
    /// The live inline policies of a role of the account.
    async fn identity(&self, role: &str) -> Vec<NamedPolicy> {
        let aws = &self.case.sandbox.aws;
        let iam = aws.world.iam(&aws.root());
        let mut policies = Vec::new();
        for name in iam.list_role_policies().role_name(role).send().await.expect("policies").policy_names {
            let policy = iam.get_role_policy().role_name(role).policy_name(&name).send().await.expect("policy");
            let text = decoded(&policy.policy_document);
            policies.push(NamedPolicy::read(&name, &text));
        }
        assert!(!policies.is_empty(), "{role}");
        policies
    }

    pub async fn own(&self, name: &'static str, mfa: bool, expected: [bool; 9]) -> Actor {
        let aws = &self.case.sandbox.aws;
        Actor {
            name,
            principal: aws.role_arn(name),
            session: Some(aws.session(name, mfa).await.expect("session")),
            mfa: Some(mfa),
            identity: self.identity(name).await,
            expected,
        }
    }

    pub async fn delivery(&self) -> Actor {
        let aws = &self.case.sandbox.aws;
        Actor {
            name: "delivery role",
            principal: self.delivery.clone(),
            session: Some(aws.databricks_session(&self.delivery).await.expect("Databricks assumes it")),
            mfa: None,
            identity: self.identity(self.delivery.rsplit('/').next().expect("name")).await,
            expected: [true, true, true, false, false, false, false, false, false],
        }
    }

    pub async fn foreign(&self) -> Actor {
        let aws = &self.case.sandbox.aws;
        let root = World::root(FOREIGN_READER_ACCOUNT);
        let own = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": { "AWS": format!("arn:aws:iam::{FOREIGN_READER_ACCOUNT}:root") } }] });
        aws.world.make_role(&root, "Stranger", &own, &[("*", "*")]).await.expect("role");
        let principal = format!("arn:aws:iam::{FOREIGN_READER_ACCOUNT}:role/Stranger");
        Actor {
            name: "a foreign account's role",
            session: Some(aws.world.assume(&root, &principal, None, true).await.expect("session")),
            principal,
            mfa: Some(true),
            identity: vec![NamedPolicy::read("all", ALLOW_ALL)],
            expected: [false; 9],
        }
    }

    pub async fn actors(&self) -> Vec<Actor> {
        let aws = &self.case.sandbox.aws;
        let admin = [false, true, false, false, false, true, true, true, false];
        let sees = [false, false, false, false, false, false, false, true, false];
        let reader = [true, true, false, false, false, false, false, false, false];
        let mut actors = vec![
            self.own("PlatformAdmin", false, admin).await,
            self.own("SecondAdmin", false, admin).await,
            self.own("AccountAdmin", false, sees).await,
            self.own("AccountAdmin", true, sees).await,
            self.own("SecurityAnalyst", true, reader).await,
            self.delivery().await,
            self.foreign().await,
        ];
        if self.case.sandbox.insecure.is_some() {
            actors.push(self.own("ContractorX", true, [false; 9]).await);
        }
        // The analyst's own trust policy asks for MFA as well; without that, the bucket's still does.
        let own = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": { "AWS": format!("arn:aws:iam::{}:root", aws.account) } }] });
        let update = aws.world.iam(&aws.root()).update_assume_role_policy().role_name("SecurityAnalyst");
        update.policy_document(own.to_string()).send().await.expect("UpdateAssumeRolePolicy");
        actors.push(self.own("SecurityAnalyst", false, [false; 9]).await);
        // The emulator lets root and services past every deny (emulators.md, policies.md §7: root bypasses denies), and
        // has no requests of services: the evaluator alone answers for them.
        let only_evaluated = |name, principal: String, expected| Actor {
            name,
            identity: if principal.ends_with(":root") {
                vec![NamedPolicy::read("root", ALLOW_ALL)]
            } else {
                Vec::new()
            },
            principal,
            session: None,
            mfa: None,
            expected,
        };
        let recovers = [false, false, false, false, false, true, true, true, false];
        actors.push(only_evaluated("root user", format!("arn:aws:iam::{}:root", aws.account), recovers));
        actors.push(only_evaluated("CloudFront", "cloudfront.amazonaws.com".to_owned(), [false; 9]));
        actors.push(only_evaluated("logging.s3", "logging.s3.amazonaws.com".to_owned(), [false; 9]));
        actors.push(only_evaluated("anonymous", "anonymous".to_owned(), [false; 9]));
        actors
    }
}
