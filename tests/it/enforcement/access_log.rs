//! The access-log bucket: it says who read the logs, so that it is closed in the same way.

use auditseal::iam::{Decision, NamedPolicy, Policies, Request, evaluate};

use super::Sealed;
use super::actors::Actor;
use super::requests::{allowed, code, refused};

const KEY: &str = "2026-11-23-00-00-00-0000000000000000";

/// Read, list, write, destroy a version, configure.
type Row = [bool; 5];

/// What each actor of the main matrix gets here: no reader of the logs reads who else did, the admins do.
fn expected(actor: &str) -> Row {
    match actor {
        "PlatformAdmin" | "SecondAdmin" => [true, true, false, false, true],
        "root user" => [false, false, false, false, true],
        _ => [false; 5],
    }
}

impl Sealed {
    pub async fn access_log(&self) {
        let aws = &self.case.sandbox.aws;
        let (root, log) = (aws.root(), &self.case.desired[0].bucket.access_log);
        let bucket = log.bucket.clone();
        let key = format!("{}{KEY}", log.prefix);
        // The emulator writes no access logs by itself, and lets root past every deny (policies.md §7).
        aws.world.put_object(&root, &bucket, &key, "{}").await.expect("an object");
        let s3 = aws.world.s3(&root);
        let head = s3.head_object().bucket(&bucket).key(&key).send().await.expect("head");
        let version = head.version_id.expect("versioned");
        let policy = s3.get_bucket_policy().bucket(&bucket).send().await.expect("policy").policy.expect("a policy");
        let (mut wrong, mut enforced) = (Vec::new(), 0);
        for actor in self.actors().await {
            let wanted = expected(actor.name);
            let predicted = self.predicted_log(&actor, &bucket, &key, &policy);
            if predicted != wanted {
                wrong.push(format!("{} (mfa {:?}): predicted {predicted:?}", actor.name, actor.mfa));
            }
            let Some(who) = &actor.session else { continue };
            let put = aws.world.s3(who).put_bucket_policy().bucket(&bucket).policy(&policy).send().await;
            let results = [
                code(aws.world.get_object(who, &bucket, &key).await.map(drop)),
                code(aws.world.list_objects(who, &bucket, "").await.map(drop)),
                code(aws.world.put_object(who, &bucket, &format!("{}forged", log.prefix), "{}").await),
                code(aws.world.delete_object(who, &bucket, &key, Some(&version)).await),
                put.map(drop).map_err(|error| refused(&error)),
            ];
            let found = results.map(|result| allowed(actor.name, result));
            enforced += found.len();
            if found != wanted {
                wrong.push(format!("{} (mfa {:?}): enforced {found:?}", actor.name, actor.mfa));
            }
        }
        assert_eq!(wrong, [""; 0]);
        assert!(enforced >= 40, "{enforced}");
        self.only_s3_writes(&bucket, &key, &policy);
    }

    fn predicted_log(&self, actor: &Actor, bucket: &str, key: &str, policy: &str) -> Row {
        let bucket = format!("arn:aws:s3:::{bucket}");
        let object = format!("{bucket}/{key}");
        let ask = |action: &str, resource: &str| self.ask(actor, action, resource, policy, &[]);
        [
            ask("s3:GetObject", &object),
            ask("s3:ListBucket", &bucket),
            ask("s3:PutObject", &object),
            ask("s3:DeleteObjectVersion", &object),
            ask("s3:PutBucketPolicy", &bucket),
        ]
    }

    /// S3's log delivery writes for the audit bucket of this account, and for no other (the emulator has no requests of
    /// services: the evaluator answers).
    fn only_s3_writes(&self, log: &str, key: &str, policy: &str) {
        let aws = &self.case.sandbox.aws;
        let own = (format!("arn:aws:s3:::{}", self.bucket), aws.account.as_str());
        let rows = [
            (&own.0, own.1, Decision::Allowed),
            (&"arn:aws:s3:::another-bucket".to_owned(), own.1, Decision::ImplicitDeny),
            (&own.0, "999999999999", Decision::ImplicitDeny),
        ];
        for (source, account, decision) in rows {
            let principal = "logging.s3.amazonaws.com".parse().expect("a service");
            let mut request = Request::new(principal, "s3:PutObject", &format!("arn:aws:s3:::{log}/{key}"));
            request.resource_account = Some(aws.account.clone());
            for (key, value) in [
                ("aws:SecureTransport", "true"),
                ("s3:TlsVersion", "1.3"),
                ("aws:PrincipalServiceName", "logging.s3.amazonaws.com"),
                ("aws:SourceArn", source.as_str()),
                ("aws:SourceAccount", account),
            ] {
                request.context.insert(key.to_owned(), vec![value.to_owned()]);
            }
            let policies = Policies { resource: Some(NamedPolicy::read("live", policy)), ..Policies::default() };
            assert_eq!(evaluate(&request, &policies).decision, decision, "{source} of {account}");
        }
    }
}
