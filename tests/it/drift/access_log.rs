//! The access-log bucket.

use aws_sdk_s3::types as s3;

use super::{Estate, bucket};
use crate::harness::Case;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_of_the_access_log_bucket() {
    let estate = Estate::of(Case::empty().await).await;
    let log = estate.log_bucket().to_owned();
    bucket::public_access(&estate, &log, "acme/bucket-public-access-block[access]").await;
    bucket::ownership(&estate, &log, "access").await;
    bucket::versioning(&estate, &log, "access").await;
    bucket::tags(&estate, &log, "access").await;
    bucket::lifecycle(&estate, &log, "access", "s3/").await;
    let address = "acme/bucket-encryption[access]";
    let act = bucket::encrypt(&estate, &log, s3::ServerSideEncryption::AwsKms, None, false);
    estate.drift("the access log under a key", act, &[(address, &["algorithm"])]).await;
    estate.done();
}
