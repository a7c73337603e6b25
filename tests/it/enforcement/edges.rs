//! What no matrix shows: requests without a signature, without TLS, with keys of one's own, and who becomes the writer.

use auditseal::iam::NamedPolicy;
use aws_sdk_s3::primitives::ByteStream;
use serde_json::json;

use super::Sealed;
use super::actors::{ALLOW_ALL, Actor};
use super::requests::{allowed, code, refused};
use crate::sandbox::aws_seed::{DATABRICKS_AWS_ACCOUNT, DATABRICKS_DELIVERY_ROLE, FOREIGN_READER_ACCOUNT, World};

impl Sealed {
    /// Plain requests without a signature: the emulator answers these itself.
    pub async fn anonymous(&self) {
        let quiet = self.case.sandbox.proxy.quiet_url();
        let http = reqwest::Client::builder().no_proxy().build().expect("http");
        for (method, path) in [
            ("GET", format!("{}/{}", self.bucket, self.object)),
            ("HEAD", format!("{}/{}", self.bucket, self.object)),
            ("GET", format!("{}?list-type=2&prefix=audit/", self.bucket)),
            ("GET", format!("{}?policy", self.bucket)),
            ("PUT", format!("{}/audit/anonymous.json", self.bucket)),
            ("DELETE", format!("{}/{}", self.bucket, self.object)),
            ("DELETE", format!("{}?policy", self.bucket)),
        ] {
            let request = http.request(method.parse().expect("method"), format!("{quiet}/{path}"));
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status().as_u16(), 403, "{method} {path}");
        }
    }

    /// A marker may be set, which versioning undoes; versions stay.
    pub async fn deletes(&self) {
        let world = &self.case.sandbox.aws.world;
        let delivery = self.delivery().await.session.expect("session");
        world.put_object(&delivery, &self.bucket, "audit/marked.json", "{}").await.expect("write");
        world.delete_object(&delivery, &self.bucket, "audit/marked.json", None).await.expect("a marker");
        let outside = world.delete_object(&delivery, &self.bucket, "outside.json", None).await;
        assert!(outside.is_err_and(|error| error.is_denied()));
        let root = self.case.sandbox.aws.root();
        let list = world.s3(&root).list_object_versions().bucket(&self.bucket).prefix("audit/marked.json");
        let found = list.send().await.expect("versions");
        assert_eq!(found.versions.unwrap_or_default().len(), 1, "the version is still there");
        assert_eq!(found.delete_markers.unwrap_or_default().len(), 1);
    }

    /// Without TLS nobody gets anything: the emulator's own address, past the proxy that says `https`.
    pub async fn transport(&self) {
        let plain = World::new(self.case.sandbox.emulator.url(), "us-east-1");
        let aws = &self.case.sandbox.aws;
        let analyst = aws.session("SecurityAnalyst", true).await.expect("session");
        assert!(aws.world.get_object(&analyst, &self.bucket, &self.object).await.is_ok());
        let read = plain.get_object(&analyst, &self.bucket, &self.object).await;
        assert!(read.is_err_and(|error| error.is_denied()));
        let delivery = aws.databricks_session(&self.delivery).await.expect("session");
        let write = plain.put_object(&delivery, &self.bucket, "audit/plain.json", "{}").await;
        assert!(write.is_err_and(|error| error.is_denied()));
        let admin = aws.session("PlatformAdmin", true).await.expect("session");
        let put = plain.s3(&admin).put_bucket_policy().bucket(&self.bucket).policy(&self.bucket_policy).send().await;
        assert_eq!(put.map(drop).map_err(|error| refused(&error)), Err("denied".to_owned()));
    }

    /// A stolen writer session cannot make the logs unreadable with a key of its own.
    pub async fn foreign_keys(&self) {
        let aws = &self.case.sandbox.aws;
        let s3 = aws.world.s3(&self.delivery().await.session.expect("session"));
        let put = || s3.put_object().bucket(&self.bucket).key("audit/key.json").body(ByteStream::from_static(b"{}"));
        let kms = || put().server_side_encryption(aws_sdk_s3::types::ServerSideEncryption::AwsKms);
        kms().ssekms_key_id(&self.key).send().await.expect("the declared key may be named");
        put().send().await.expect("no header");
        let foreign = aws.world.kms(&World::root(FOREIGN_READER_ACCOUNT)).create_key().send().await.expect("key");
        let foreign = foreign.key_metadata.and_then(|key| key.arn).expect("ARN");
        let found = kms().ssekms_key_id(foreign).send().await.map(drop).map_err(|error| refused(&error));
        assert_eq!(found, Err("denied".to_owned()));
        // 32 bytes of zero, and their MD5.
        let found = put()
            .sse_customer_algorithm("AES256")
            .sse_customer_key("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
            .sse_customer_key_md5("cLyKS3/xQZRS6MP5ffP2VA==")
            .send()
            .await;
        assert_eq!(found.map(drop).map_err(|error| refused(&error)), Err("denied".to_owned()));
    }

    /// Who gets a session of the delivery role.
    pub async fn assumption(&self) {
        let aws = &self.case.sandbox.aws;
        let databricks = World::root(DATABRICKS_AWS_ACCOUNT);
        let theirs = |name: &str| format!("arn:aws:iam::{DATABRICKS_AWS_ACCOUNT}:role/{name}");
        let own = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": { "AWS": format!("arn:aws:iam::{DATABRICKS_AWS_ACCOUNT}:root") } }] });
        aws.world.make_role(&databricks, "Other", &own, &[("sts:AssumeRole", "*")]).await.expect("role");
        let right = Some(aws.databricks_account.as_str());
        let wrong = Some("0d26daa6-5e44-4c97-a497-000000000000");
        let rows = [
            (theirs(DATABRICKS_DELIVERY_ROLE), right, true),
            (theirs(DATABRICKS_DELIVERY_ROLE), wrong, false),
            (theirs(DATABRICKS_DELIVERY_ROLE), None, false),
            (theirs("Other"), right, false),
            (aws.role_arn("AccountAdmin"), right, false),
            (aws.role_arn("PlatformAdmin"), right, false),
        ];
        for (caller, external, expected) in rows {
            let root = World::root(caller.split(':').nth(4).expect("account"));
            let session = aws.world.assume(&root, &caller, None, false).await.expect("session");
            let found = aws.world.assume(&session, &self.delivery, external, false).await;
            let enforced = allowed(&caller, code(found.map(drop)));
            let actor = Actor {
                name: "caller",
                principal: caller.clone(),
                session: None,
                mfa: Some(false),
                identity: vec![NamedPolicy::read("all", ALLOW_ALL)],
                expected: [false; 9],
            };
            let context: Vec<(&str, &str)> = external.map(|id| ("sts:ExternalId", id)).into_iter().collect();
            let predicted = self.ask(&actor, "sts:AssumeRole", &self.delivery, &self.trust, &context);
            assert_eq!((enforced, predicted), (expected, expected), "{caller} with {external:?}");
        }
    }
}
