//! What is tried, asked of the evaluator and of the emulator.

use auditseal::iam::{Decision, NamedPolicy, Policies, Request, evaluate};
use aws_sdk_s3::primitives::Blob;

use super::Sealed;
use super::actors::Actor;
use crate::sandbox::aws_seed::CallError;

/// What is tried. The columns of the matrix, and what lies beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Try {
    Read,
    List,
    Write,
    WriteOutside,
    DeleteVersion,
    Configure,
    PutKeyPolicy,
    DescribeKey,
    /// By a call to KMS itself.
    Decrypt,
}

pub const COLUMNS: [Try; 9] = [
    Try::Read,
    Try::List,
    Try::Write,
    Try::WriteOutside,
    Try::DeleteVersion,
    Try::Configure,
    Try::PutKeyPolicy,
    Try::DescribeKey,
    Try::Decrypt,
];

pub fn code(result: Result<(), CallError>) -> Result<(), String> {
    result.map_err(|error| if error.is_denied() { "denied".to_owned() } else { error.to_string() })
}

/// Whether a request was allowed; a failure that is not a refusal is a mistake of the test.
pub fn allowed(what: &str, result: Result<(), String>) -> bool {
    match result {
        Ok(()) => true,
        Err(error) if error == "denied" => false,
        Err(error) => panic!("{what}: {error}"),
    }
}

pub fn refused<E: aws_sdk_s3::error::ProvideErrorMetadata + std::fmt::Debug>(error: &E) -> String {
    match error.code() {
        Some("AccessDenied" | "AccessDeniedException") => "denied".to_owned(),
        _ => format!("{error:?}"),
    }
}

impl Sealed {
    /// What the evaluator says of the live policies.
    pub fn predicted(&self, actor: &Actor, what: Try) -> bool {
        let bucket = format!("arn:aws:s3:::{}", self.bucket);
        let object = format!("{bucket}/{}", self.object);
        let s3 = |action: &str, resource: &str| self.ask(actor, action, resource, &self.bucket_policy, &[]);
        let context = [
            ("kms:ViaService", "s3.us-east-1.amazonaws.com"),
            ("kms:EncryptionContext:aws:s3:arn", bucket.as_str()),
            ("aws:ViaAWSService", "true"),
        ];
        let kms =
            |action: &str, context: &[(&str, &str)]| self.ask(actor, action, &self.key, &self.key_policy, context);
        match what {
            // S3 asks KMS on the caller's behalf.
            Try::Read => s3("s3:GetObject", &object) && kms("kms:Decrypt", &context),
            Try::Write => s3("s3:PutObject", &object) && kms("kms:GenerateDataKey", &context),
            Try::WriteOutside => s3("s3:PutObject", &format!("{bucket}/outside.json")),
            Try::List => self.ask(actor, "s3:ListBucket", &bucket, &self.bucket_policy, &[("s3:prefix", "audit/")]),
            Try::DeleteVersion => s3("s3:DeleteObjectVersion", &object),
            Try::Configure => s3("s3:PutBucketPolicy", &bucket) && s3("s3:PutBucketVersioning", &bucket),
            Try::PutKeyPolicy => kms("kms:PutKeyPolicy", &[]),
            Try::DescribeKey => kms("kms:DescribeKey", &[]),
            Try::Decrypt => kms("kms:Decrypt", &[]),
        }
    }

    pub fn ask(&self, actor: &Actor, action: &str, resource: &str, policy: &str, context: &[(&str, &str)]) -> bool {
        let mut request = Request::new(actor.principal.parse().expect("principal"), action, resource);
        request.resource_account = Some(self.case.sandbox.aws.account.clone());
        let mut set = |key: &str, value: &str| request.context.insert(key.to_owned(), vec![value.to_owned()]);
        set("aws:SecureTransport", "true");
        set("s3:TlsVersion", "1.3");
        if let Some(mfa) = actor.mfa {
            set("aws:MultiFactorAuthPresent", if mfa { "true" } else { "false" });
        }
        for (key, value) in context {
            set(key, value);
        }
        let policies = Policies {
            identity: actor.identity.clone(),
            resource: Some(NamedPolicy::read("live", policy)),
            ..Policies::default()
        };
        let evaluation = evaluate(&request, &policies);
        assert_ne!(evaluation.decision, Decision::Unknown, "{}: {action}: {evaluation:?}", actor.name);
        evaluation.decision == Decision::Allowed
    }

    /// What the emulator does. The requests of those who may are such that nothing changes.
    pub async fn enforced(&self, actor: &Actor, what: Try) -> bool {
        let world = &self.case.sandbox.aws.world;
        let who = actor.session.as_ref().expect("a session");
        let (s3, kms, bucket) = (world.s3(who), world.kms(who), self.bucket.as_str());
        let result = match what {
            Try::Read => code(world.get_object(who, bucket, &self.object).await.map(drop)),
            Try::List => code(world.list_objects(who, bucket, "audit/").await.map(drop)),
            Try::Write => code(world.put_object(who, bucket, "audit/probe.json", "{}").await),
            Try::WriteOutside => code(world.put_object(who, bucket, "outside.json", "{}").await),
            Try::DeleteVersion => {
                let root = self.case.sandbox.aws.root();
                let head = world.s3(&root).head_object().bucket(bucket).key(&self.object).send().await.expect("head");
                let version = head.version_id.expect("versioned");
                code(world.delete_object(who, bucket, &self.object, Some(&version)).await)
            }
            Try::Configure => {
                let put = s3.put_bucket_policy().bucket(bucket).policy(&self.bucket_policy).send().await;
                put.map(drop).map_err(|error| refused(&error))
            }
            Try::PutKeyPolicy => {
                let put = kms.put_key_policy().key_id(&self.key).policy_name("default").policy(&self.key_policy);
                put.send().await.map(drop).map_err(|error| refused(&error))
            }
            Try::DescribeKey => {
                kms.describe_key().key_id(&self.key).send().await.map(drop).map_err(|error| refused(&error))
            }
            // Nobody may encrypt, so that there is nothing to decrypt; permission is checked before the text.
            Try::Decrypt => {
                let call = kms.decrypt().key_id(&self.key).ciphertext_blob(Blob::new(b"nothing".as_slice()));
                call.send().await.map(drop).map_err(|error| refused(&error))
            }
        };
        allowed(&format!("{}: {what:?}", actor.name), result)
    }
}
