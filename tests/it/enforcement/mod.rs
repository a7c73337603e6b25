//! What the applied configuration lets whom do: asked of the emulator with real requests, and of the evaluator with the
//! policies that are live. Both have to say what the declaration says.

mod access_log;
mod actors;
mod edges;
mod requests;

use crate::harness::Case;
use requests::COLUMNS;

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

    async fn everything(&self) {
        // First of all: the matrix opens the analyst's trust policy.
        self.transport().await;
        self.deletes().await;
        self.foreign_keys().await;
        self.assumption().await;
        self.anonymous().await;
        self.matrix().await;
        self.access_log().await;
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
