//! The access-log bucket and the public access block of the account.

use aws_sdk_s3::types as s3;

use super::{Estate, bucket};
use crate::harness::Case;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_of_the_access_log_bucket() {
    let mut case = Case::empty().await;
    let text = format!("{}\n[account]\npublic_access_block = true\n", case.sandbox.manifest());
    case.declare(&text);
    let estate = Estate::of(case).await;
    let log = estate.log_bucket().to_owned();
    bucket::public_access(&estate, &log, "acme/bucket-public-access-block[access]").await;
    bucket::ownership(&estate, &log, "access").await;
    bucket::versioning(&estate, &log, "access").await;
    bucket::tags(&estate, &log, "access").await;
    bucket::lifecycle(&estate, &log, "access", "s3/").await;
    let address = "acme/bucket-encryption[access]";
    let act = bucket::encrypt(&estate, &log, s3::ServerSideEncryption::AwsKms, None, false);
    estate.drift("the access log under a key", act, &[(address, &["algorithm"])]).await;
    account_block(&estate).await;
    estate.done();
}

/// The switches of the account. The call is not in the SDK that the sandbox uses, so that the tool's own client makes it.
async fn account_block(estate: &Estate) {
    use auditseal::call::Write;
    use auditseal::model::bucket::PublicAccessBlock;
    use auditseal::provider::Writer;

    let address = format!("_/account-public-access-block[{}]", estate.case.sandbox.aws.account);
    for (index, switch) in bucket::SWITCHES.iter().enumerate() {
        let block = PublicAccessBlock {
            block_public_acls: index != 0,
            ignore_public_acls: index != 1,
            block_public_policy: index != 2,
            restrict_public_buckets: index != 3,
        };
        let act = async {
            let write = Write::PutAccountPublicAccessBlock { block };
            estate.router.write(&estate.case.aws_place(), &write).await.expect("PutPublicAccessBlock");
        };
        estate.drift(&format!("account {switch}"), act, &[(&address, &[switch])]).await;
    }
}
