//! What the applied configuration lets whom do: asked of the emulator with real requests, and of the evaluator with the
//! policies that are live. Both have to say what the declaration says.

use auditseal::iam::{Decision, NamedPolicy, Policies, Request, evaluate};
use aws_credential_types::Credentials;
use aws_sdk_s3::primitives::{Blob, ByteStream};
use serde_json::json;

use crate::harness::Case;
use crate::sandbox::aws_seed::{
    CallError, DATABRICKS_AWS_ACCOUNT, DATABRICKS_DELIVERY_ROLE, FOREIGN_READER_ACCOUNT, World,
};

const ALLOW_ALL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// What is tried. The columns of the matrix, and what lies beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Try {
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

const COLUMNS: [Try; 9] = [
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

struct Actor {
    name: &'static str,
    /// As the evaluator takes principals.
    principal: String,
    /// None where only the evaluator can be asked.
    session: Option<Credentials>,
    mfa: Option<bool>,
    identity: Vec<NamedPolicy>,
    expected: [bool; 9],
}

/// An applied estate, with its live policies.
struct Sealed {
    case: Case,
    bucket: String,
    object: String,
    key: String,
    bucket_policy: String,
    key_policy: String,
    trust: String,
    delivery: String,
}

/// IAM answers policies as parts of URLs are written.
fn decoded(text: &str) -> String {
    let url = reqwest::Url::parse(&format!("http://iam/?{text}")).expect("a query");
    url.query_pairs().next().expect("one name").0.into_owned()
}

fn code(result: Result<(), CallError>) -> Result<(), String> {
    result.map_err(|error| if error.is_denied() { "denied".to_owned() } else { error.to_string() })
}

/// Whether a request was allowed; a failure that is not a refusal is a mistake of the test.
fn allowed(what: &str, result: Result<(), String>) -> bool {
    match result {
        Ok(()) => true,
        Err(error) if error == "denied" => false,
        Err(error) => panic!("{what}: {error}"),
    }
}

fn refused<E: aws_sdk_s3::error::ProvideErrorMetadata + std::fmt::Debug>(error: &E) -> String {
    match error.code() {
        Some("AccessDenied" | "AccessDeniedException") => "denied".to_owned(),
        _ => format!("{error:?}"),
    }
}

impl Sealed {
    async fn of(case: Case) -> Self {
        case.converge(&case.router().await).await;
        case.sandbox.databricks.deliver_now().await;
        let aws = &case.sandbox.aws;
        let (root, bucket) = (aws.root(), aws.bucket.clone());
        let object = aws.world.list_objects(&root, &bucket, "audit/").await.expect("list");
        let object = object.first().expect("something was delivered").clone();
        let (s3, kms, iam) = (aws.world.s3(&root), aws.world.kms(&root), aws.world.iam(&root));
        let policy = s3.get_bucket_policy().bucket(&bucket).send().await.expect("policy").policy.expect("a policy");
        let head = s3.head_object().bucket(&bucket).key(&object).send().await.expect("head");
        let key = head.ssekms_key_id.expect("the object is encrypted with a key");
        let key_policy = kms.get_key_policy().key_id(&key).policy_name("default").send().await.expect("key policy");
        let delivery = case.desired[0].role.arn.to_string();
        let role = iam.get_role().role_name(delivery.rsplit('/').next().expect("name")).send().await.expect("role");
        let trust = role.role.and_then(|role| role.assume_role_policy_document).expect("trust");
        let trust = decoded(&trust);
        Self {
            bucket,
            object,
            key,
            bucket_policy: policy,
            key_policy: key_policy.policy.expect("a policy"),
            trust,
            delivery,
            case,
        }
    }

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

    async fn own(&self, name: &'static str, mfa: bool, expected: [bool; 9]) -> Actor {
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

    async fn delivery(&self) -> Actor {
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

    async fn foreign(&self) -> Actor {
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

    /// What the evaluator says of the live policies.
    fn predicted(&self, actor: &Actor, what: Try) -> bool {
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

    fn ask(&self, actor: &Actor, action: &str, resource: &str, policy: &str, context: &[(&str, &str)]) -> bool {
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
    async fn enforced(&self, actor: &Actor, what: Try) -> bool {
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

    async fn actors(&self) -> Vec<Actor> {
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

    /// Every row and column, enforced where it can be and predicted everywhere.
    async fn matrix(&self) {
        let mut wrong = Vec::new();
        let (mut enforced, mut only_predicted) = (0, Vec::new());
        for actor in self.actors().await {
            for (what, expected) in COLUMNS.into_iter().zip(actor.expected) {
                let predicted = self.predicted(&actor, what);
                if predicted != expected {
                    wrong.push(format!("{} (mfa {:?}): {what:?}: predicted {predicted}", actor.name, actor.mfa));
                }
                if actor.session.is_none() {
                    only_predicted.push((actor.name, what));
                    continue;
                }
                let found = self.enforced(&actor, what).await;
                enforced += 1;
                if found != expected {
                    wrong.push(format!("{} (mfa {:?}): {what:?}: enforced {found}", actor.name, actor.mfa));
                }
            }
        }
        assert_eq!(wrong, [""; 0]);
        assert!(enforced >= 72, "{enforced}");
        let names: std::collections::BTreeSet<&str> = only_predicted.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["CloudFront", "anonymous", "logging.s3", "root user"]);
    }

    /// Plain requests without a signature: the emulator answers these itself.
    async fn anonymous(&self) {
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
    async fn deletes(&self) {
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
    async fn transport(&self) {
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
    async fn foreign_keys(&self) {
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
    async fn assumption(&self) {
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

    async fn everything(&self) {
        // First of all: the matrix opens the analyst's trust policy.
        self.transport().await;
        self.deletes().await;
        self.foreign_keys().await;
        self.assumption().await;
        self.anonymous().await;
        self.matrix().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_estate_lets_everybody_do_what_is_declared_and_no_more() {
    Sealed::of(Case::empty().await).await.everything().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_vendors_example_lets_everybody_do_what_is_declared_and_no_more() {
    Sealed::of(Case::insecure().await).await.everything().await;
}

/// The contractor and the grant work before, so that the matrix tests something.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_vendors_example_was_open() {
    let case = Case::insecure().await;
    let aws = &case.sandbox.aws;
    let object = aws.world.list_objects(&aws.root(), &aws.bucket, "").await.expect("list").remove(0);
    for role in ["ContractorX", "AccountAdmin"] {
        let session = aws.session(role, false).await.expect("session");
        assert!(aws.world.get_object(&session, &aws.bucket, &object).await.is_ok(), "{role}");
    }
}
