//! Which operation of which service a request is, on what, and whether it writes.

use hyper::http::request::Parts;
use serde_json::Value;

/// A request as the record and the fault schedule name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// `s3`, `s3control`, `kms`, `iam`, `sts`, `ssm` or the name in the credential scope.
    pub service: String,
    pub operation: String,
    pub is_write: bool,
    /// Bucket, bucket/key, key id, alias, role or user name, parameter name, account.
    pub resource: String,
}

/// Names a request from its credential scope, target header, path, query and body.
pub fn name(parts: &Parts, body: &[u8]) -> Named {
    let path = parts.uri.path();
    let query = parts.uri.query().unwrap_or_default();
    if let Some(rest) = path.strip_prefix("/v20180820/") {
        return s3control(parts.method.as_str(), rest, &header(parts, "x-amz-account-id"), query);
    }
    let target = header(parts, "x-amz-target");
    if let Some((family, operation)) = target.rsplit_once('.') {
        return json(family, operation, body);
    }
    let form = form(body);
    let scope = scope(&header(parts, "authorization"));
    if let Some(operation) = form_value(&form, "Action").filter(|_| scope != "s3") {
        return query_protocol(&scope, operation, &form);
    }
    s3(parts.method.as_str(), path, query, header(parts, "x-amz-copy-source").is_empty())
}

fn header(parts: &Parts, name: &str) -> String {
    parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// The service in `Credential=KEY/DATE/REGION/SERVICE/aws4_request`.
fn scope(authorization: &str) -> String {
    let credential = authorization.split("Credential=").nth(1).unwrap_or_default();
    credential.split(',').next().and_then(|c| c.split('/').nth(3)).unwrap_or("s3").to_owned()
}

fn form(body: &[u8]) -> Vec<(String, String)> {
    let Ok(text) = std::str::from_utf8(body) else {
        return Vec::new();
    };
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), percent_decoded(value)))
        .collect()
}

fn form_value<'a>(form: &'a [(String, String)], key: &str) -> Option<&'a str> {
    form.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
}

/// Decodes %XX and `+`.
pub fn percent_decoded(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut rest = bytes.clone();
        let pair = (rest.next(), rest.next());
        let hex = |digit: Option<u8>| digit.and_then(|d| char::from(d).to_digit(16));
        match (byte, hex(pair.0), hex(pair.1)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                bytes = rest;
            }
            (b'+', ..) => decoded.push(b' '),
            _ => decoded.push(byte),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn json(family: &str, operation: &str, body: &[u8]) -> Named {
    let service = match family {
        "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101" => "cloudtrail",
        "TrentService" => "kms",
        "AmazonSSM" => "ssm",
        "AWSEvents" => "events",
        "AWSOrganizationsV20161128" => "organizations",
        other => other,
    };
    let data: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let text = |field: &str| data.get(field).and_then(Value::as_str).map(str::to_owned);
    let named = text("KeyId").or_else(|| text("TargetKeyId")).or_else(|| text("AliasName"));
    let resource = named.or_else(|| text("Name")).unwrap_or_default();
    let reads = ["Describe", "Get", "List", "Lookup", "Encrypt", "Decrypt", "Generate", "ReEncrypt", "Verify", "Sign"];
    Named {
        service: service.to_owned(),
        operation: operation.to_owned(),
        is_write: !reads.iter().any(|read| operation.starts_with(read)),
        // An ARN and an id name the same key.
        resource: resource.rsplit_once(":key/").map_or(resource.clone(), |(_, id)| id.to_owned()),
    }
}

fn query_protocol(service: &str, operation: &str, form: &[(String, String)]) -> Named {
    let fields = ["RoleName", "UserName", "GroupName", "PolicyArn", "RoleArn", "AliasName"];
    let resource = fields.iter().find_map(|field| form_value(form, field)).unwrap_or_default();
    let reads = ["Get", "List", "Simulate", "Assume", "Decode", "Generate"];
    Named {
        service: service.to_owned(),
        operation: operation.to_owned(),
        is_write: service != "sts" && !reads.iter().any(|read| operation.starts_with(read)),
        resource: resource.to_owned(),
    }
}

fn s3control(method: &str, path: &str, account: &str, query: &str) -> Named {
    let (noun, resource) = match path.split('/').next().unwrap_or_default() {
        "configuration" => ("PublicAccessBlock", account.to_owned()),
        "accesspoint" if path == "accesspoint" => ("AccessPoints", bucket_parameter(query)),
        "accesspoint" if path.ends_with("/policy") => ("AccessPointPolicy", path.to_owned()),
        "accesspoint" => ("AccessPoint", path.to_owned()),
        "mrap" if path.ends_with("/policy") => ("MultiRegionAccessPointPolicy", path.to_owned()),
        "mrap" => ("MultiRegionAccessPoints", account.to_owned()),
        "accessgrantsinstances" => ("AccessGrantsInstances", account.to_owned()),
        "accessgrantsinstance" if path.ends_with("/grants") => ("AccessGrants", account.to_owned()),
        "accessgrantsinstance" if path.ends_with("/locations") => ("AccessGrantsLocations", account.to_owned()),
        other => (other, path.to_owned()),
    };
    let verb = match method {
        "PUT" if noun == "AccessPoint" => "Create",
        "PUT" => "Put",
        "POST" => "Create",
        "DELETE" => "Delete",
        _ if noun.ends_with('s') => "List",
        _ => "Get",
    };
    Named { service: "s3control".to_owned(), operation: format!("{verb}{noun}"), is_write: method != "GET", resource }
}

fn bucket_parameter(query: &str) -> String {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("bucket="));
    value.map(percent_decoded).unwrap_or_default()
}

/// Bucket sub-resources: query parameter and the noun of the API names.
const BUCKET_PARTS: [(&str, &str); 24] = [
    ("policyStatus", "BucketPolicyStatus"),
    ("policy", "BucketPolicy"),
    ("publicAccessBlock", "PublicAccessBlock"),
    ("ownershipControls", "BucketOwnershipControls"),
    ("acl", "BucketAcl"),
    ("encryption", "BucketEncryption"),
    ("versioning", "BucketVersioning"),
    ("object-lock", "ObjectLockConfiguration"),
    ("lifecycle", "BucketLifecycleConfiguration"),
    ("logging", "BucketLogging"),
    ("notification", "BucketNotificationConfiguration"),
    ("replication", "BucketReplication"),
    ("tagging", "BucketTagging"),
    ("location", "BucketLocation"),
    ("cors", "BucketCors"),
    ("website", "BucketWebsite"),
    ("accelerate", "BucketAccelerateConfiguration"),
    ("requestPayment", "BucketRequestPayment"),
    ("inventory", "BucketInventoryConfiguration"),
    ("analytics", "BucketAnalyticsConfiguration"),
    ("metrics", "BucketMetricsConfiguration"),
    ("intelligent-tiering", "BucketIntelligentTieringConfiguration"),
    ("versions", "ObjectVersions"),
    ("uploads", "MultipartUploads"),
];

const OBJECT_PARTS: [(&str, &str); 5] = [
    ("acl", "ObjectAcl"),
    ("tagging", "ObjectTagging"),
    ("retention", "ObjectRetention"),
    ("legal-hold", "ObjectLegalHold"),
    ("attributes", "ObjectAttributes"),
];

fn s3(method: &str, path: &str, query: &str, no_source: bool) -> Named {
    let path = percent_decoded(&path.replace('+', "%2B"));
    let trimmed = path.trim_start_matches('/');
    let (bucket, key) = trimmed.split_once('/').unwrap_or((trimmed, ""));
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    let operation = match (bucket.is_empty(), key.is_empty()) {
        (true, _) => "ListBuckets".to_owned(),
        (_, true) => bucket_operation(method, &has),
        _ => object_operation(method, &has, no_source),
    };
    let resource = if key.is_empty() { bucket.to_owned() } else { format!("{bucket}/{key}") };
    let is_write = !matches!(method, "GET" | "HEAD" | "OPTIONS");
    Named { service: "s3".to_owned(), operation, is_write, resource }
}

fn verb(method: &str) -> &'static str {
    match method {
        "PUT" => "Put",
        "DELETE" => "Delete",
        "HEAD" => "Head",
        "POST" => "Post",
        _ => "Get",
    }
}

fn bucket_operation(method: &str, has: &impl Fn(&str) -> bool) -> String {
    if let Some((part, noun)) = BUCKET_PARTS.iter().find(|(part, _)| has(part)) {
        return match (method, *part) {
            (_, "versions" | "uploads") => format!("List{noun}"),
            ("DELETE", "lifecycle") => "DeleteBucketLifecycle".to_owned(),
            _ => format!("{}{noun}", verb(method)),
        };
    }
    match method {
        "PUT" => "CreateBucket",
        "DELETE" => "DeleteBucket",
        "HEAD" => "HeadBucket",
        "POST" if has("delete") => "DeleteObjects",
        "POST" => "PostObject",
        _ if has("list-type") => "ListObjectsV2",
        _ => "ListObjects",
    }
    .to_owned()
}

fn object_operation(method: &str, has: &impl Fn(&str) -> bool, no_source: bool) -> String {
    if let Some((_, noun)) = OBJECT_PARTS.iter().find(|(part, _)| has(part)) {
        return format!("{}{noun}", verb(method));
    }
    match method {
        "PUT" if has("uploadId") => "UploadPart",
        "PUT" if !no_source => "CopyObject",
        "POST" if has("uploads") => "CreateMultipartUpload",
        "POST" if has("uploadId") => "CompleteMultipartUpload",
        "POST" => "RestoreObject",
        "DELETE" if has("uploadId") => "AbortMultipartUpload",
        "GET" if has("uploadId") => "ListParts",
        "PUT" => "PutObject",
        "DELETE" => "DeleteObject",
        "HEAD" => "HeadObject",
        _ => "GetObject",
    }
    .to_owned()
}
