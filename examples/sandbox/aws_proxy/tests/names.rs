//! The names under which requests are recorded.

use hyper::http::Request;

use super::super::names::name;

/// `service:Operation resource`, with a `!` for a write.
fn named(method: &str, target: &str, service: &str, header: (&str, &str), body: &str) -> String {
    let scope = format!("AWS4-HMAC-SHA256 Credential=K/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host");
    let request = Request::builder().method(method).uri(target).header("authorization", scope);
    let (parts, ()) = request.header(header.0, header.1).body(()).expect("request").into_parts();
    let named = name(&parts, body.as_bytes());
    let write = if named.is_write { "!" } else { "" };
    format!("{}:{}{write} {}", named.service, named.operation, named.resource)
}

#[test]
fn requests_have_the_names_of_the_api() {
    let none = ("x-none", "");
    for (method, target, wanted) in [
        ("GET", "/", "s3:ListBuckets "),
        ("PUT", "/b", "s3:CreateBucket! b"),
        ("HEAD", "/b", "s3:HeadBucket b"),
        ("GET", "/b?policyStatus", "s3:GetBucketPolicyStatus b"),
        ("PUT", "/b?policy", "s3:PutBucketPolicy! b"),
        ("DELETE", "/b?lifecycle", "s3:DeleteBucketLifecycle! b"),
        ("GET", "/b?object-lock=", "s3:GetObjectLockConfiguration b"),
        ("GET", "/b?list-type=2&prefix=policy", "s3:ListObjectsV2 b"),
        ("GET", "/b?versions", "s3:ListObjectVersions b"),
        ("PUT", "/b/a%20b/c+d?x-id=PutObject", "s3:PutObject! b/a b/c+d"),
        ("POST", "/b/k?uploads", "s3:CreateMultipartUpload! b/k"),
        ("DELETE", "/b/k?versionId=1", "s3:DeleteObject! b/k"),
    ] {
        assert_eq!(named(method, target, "s3", none, ""), wanted, "{method} {target}");
    }
    let account = ("x-amz-account-id", "111122223333");
    let block = "/v20180820/configuration/publicAccessBlock";
    assert_eq!(named("PUT", block, "s3", account, ""), "s3control:PutPublicAccessBlock! 111122223333");
    let points = "/v20180820/accesspoint?bucket=b";
    assert_eq!(named("GET", points, "s3", account, ""), "s3control:ListAccessPoints b");
    let target = ("x-amz-target", "TrentService.PutKeyPolicy");
    let key = r#"{"KeyId":"arn:aws:kms:us-east-1:111122223333:key/k1"}"#;
    assert_eq!(named("POST", "/", "kms", target, key), "kms:PutKeyPolicy! k1");
    let target = ("x-amz-target", "AmazonSSM.GetParameter");
    assert_eq!(named("POST", "/", "ssm", target, r#"{"Name":"/lock"}"#), "ssm:GetParameter /lock");
    let form = "Action=PutRolePolicy&Version=2010-05-08&RoleName=R&PolicyName=p";
    assert_eq!(named("POST", "/", "iam", none, form), "iam:PutRolePolicy! R");
    let form = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2FR";
    assert_eq!(named("POST", "/", "sts", none, form), "sts:AssumeRole arn:aws:iam::1:role/R");
}
