//! S3 Control: the public access block of a whole account (S3 API reference, "Amazon S3 on Outposts and S3 Control").

use aws_smithy_types::base64;
use reqwest::Method;
use sha2::{Digest, Sha256};

use super::error::{Answer, Done, Failure};
use super::failure::shortened;
use super::signed::{Call, Response, Signer};
use super::xml;
use crate::call::WriteOutcome;
use crate::model::Fact;
use crate::model::bucket::PublicAccessBlock;

const PATH: &str = "configuration/publicAccessBlock";
const ROOT: &str = "PublicAccessBlockConfiguration";
const NAMESPACE: &str = "http://awss3control.amazonaws.com/doc/2018-08-20/";

const BLOCK_ACLS: &str = "BlockPublicAcls";
const IGNORE_ACLS: &str = "IgnorePublicAcls";
const BLOCK_POLICY: &str = "BlockPublicPolicy";
const RESTRICT: &str = "RestrictPublicBuckets";

pub(super) async fn account_block(signer: &Signer, account: Option<&str>) -> Answer {
    let call = call(signer, account, "GetPublicAccessBlock", Method::GET, PATH, String::new())?;
    let block = signer.read(&call, |response| success(response).and_then(|()| block_of(&response.body))).await?;
    Ok(Some(Fact::from(block)))
}

pub(super) async fn put_account_block(signer: &Signer, account: Option<&str>, block: &PublicAccessBlock) -> Done {
    let call = call(signer, account, "PutPublicAccessBlock", Method::PUT, PATH, body_of(block))?;
    signer.once(&call, success).await?;
    Ok(WriteOutcome::default())
}

/// The account is part of the host name; an endpoint override has one host for all, and is told by the header alone.
/// `target` is the path below the API version, with its query.
pub(super) fn call(
    signer: &Signer,
    account: Option<&str>,
    operation: &'static str,
    method: Method,
    target: &str,
    body: String,
) -> Result<Call, Failure> {
    let account =
        account.ok_or_else(|| Failure::not_sent("the account is not known: declare its twelve-digit id"))?.to_owned();
    let host = match &signer.endpoint {
        Some(endpoint) => endpoint.clone(),
        None => format!("https://{account}.s3-control.{}.amazonaws.com", signer.region),
    };
    let mut headers = vec![("x-amz-account-id", account)];
    if method == Method::PUT {
        headers.push(("content-type", "application/xml".to_owned()));
        headers.push(("x-amz-checksum-sha256", base64::encode(Sha256::digest(body.as_bytes()))));
    }
    Ok(Call { service: "s3", operation, method, url: format!("{host}/v20180820/{target}"), headers, body })
}

pub(super) fn success(response: &Response) -> Result<(), Failure> {
    if response.is_success() {
        return Ok(());
    }
    let mut texts = xml::texts(&response.body).unwrap_or_default();
    let code = texts.remove("Code").filter(|code| !code.is_empty());
    let message = match (&code, texts.remove("Message")) {
        (Some(_), message) => message.unwrap_or_default(),
        (None, _) => format!("the answer could not be read: {}", shortened(&response.body)),
    };
    let request_id = response.request_id.clone().or_else(|| texts.remove("RequestId"));
    Err(Failure::answered(response.status, code, message, request_id, response.retry_after))
}

fn body_of(block: &PublicAccessBlock) -> String {
    let PublicAccessBlock { block_public_acls, ignore_public_acls, block_public_policy, restrict_public_buckets } =
        *block;
    let text = |on: bool| if on { "true" } else { "false" };
    xml::document(
        ROOT,
        NAMESPACE,
        &[
            (BLOCK_ACLS, text(block_public_acls)),
            (IGNORE_ACLS, text(ignore_public_acls)),
            (BLOCK_POLICY, text(block_public_policy)),
            (RESTRICT, text(restrict_public_buckets)),
        ],
    )
}

/// A switch that is not answered is off; an answer with none of them is no such answer.
pub(super) fn block_of(body: &str) -> Result<PublicAccessBlock, Failure> {
    let wrong = || Failure::incomplete(format!("the public access block could not be read: {}", shortened(body)));
    let texts = xml::texts(body).map_err(|_| wrong())?;
    let names = [BLOCK_ACLS, IGNORE_ACLS, BLOCK_POLICY, RESTRICT];
    if !names.iter().any(|name| texts.contains_key(*name)) {
        return Err(wrong());
    }
    let on = |name: &str| match texts.get(name).map(String::as_str) {
        Some("true" | "TRUE" | "1") => Ok(true),
        None | Some("false" | "FALSE" | "0") => Ok(false),
        Some(_) => Err(wrong()),
    };
    Ok(PublicAccessBlock {
        block_public_acls: on(BLOCK_ACLS)?,
        ignore_public_acls: on(IGNORE_ACLS)?,
        block_public_policy: on(BLOCK_POLICY)?,
        restrict_public_buckets: on(RESTRICT)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_survive() {
        for bits in 0..16_u8 {
            let block = PublicAccessBlock {
                block_public_acls: bits & 1 != 0,
                ignore_public_acls: bits & 2 != 0,
                block_public_policy: bits & 4 != 0,
                restrict_public_buckets: bits & 8 != 0,
            };
            assert_eq!(block_of(&body_of(&block)).unwrap(), block);
        }
    }

    #[test]
    fn other_documents_are_not_an_open_account() {
        for body in ["", "<html/>", "<ListBucketResult><Name>b</Name></ListBucketResult>", "<a>", "{}"] {
            assert!(block_of(body).is_err(), "{body}");
        }
        let odd =
            "<PublicAccessBlockConfiguration><BlockPublicAcls>yes</BlockPublicAcls></PublicAccessBlockConfiguration>";
        assert!(block_of(odd).is_err());
    }

    #[test]
    fn error_bodies() {
        let response =
            |status, body: &str| Response { status, request_id: None, retry_after: None, body: body.to_owned() };
        let absent = "<?xml version=\"1.0\"?>\n<ErrorResponse xmlns=\"x\"><Error><Code>NoSuchPublicAccessBlockConfiguration</Code><Message>none &amp; nothing</Message></Error><RequestId>R</RequestId></ErrorResponse>";
        assert!(success(&response(404, absent)).unwrap_err().is_absent());
        assert!(!success(&response(404, "<html>404</html>")).unwrap_err().is_absent());
        assert!(success(&response(503, "")).unwrap_err().is_passing());
        assert!(success(&response(201, "")).is_ok());
    }
}
