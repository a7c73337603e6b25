//! S3 access points of one account (S3 API reference, S3 Control: ListAccessPoints, GetAccessPoint,
//! GetAccessPointPolicy).

use std::collections::BTreeMap;

use reqwest::{Method, Url};

use super::error::{Answer, Failure};
use super::failure::shortened;
use super::iam::sorted;
use super::s3control::{block_of, call, success};
use super::signed::{Response, Signer};
use super::xml;
use crate::model::Fact;
use crate::model::access_point::AccessPoint;
use crate::model::fact::PolicyText;

/// The most that one page holds.
pub(super) const PAGE: &str = "1000";

/// Names of the account's access points that lead to a bucket, also to one of another account.
pub(super) async fn list(signer: &Signer, account: Option<&str>, bucket: &str) -> Answer {
    let mut names = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let mut query = vec![("bucket", bucket), ("maxResults", PAGE)];
        query.extend(token.as_deref().map(|token| ("nextToken", token)));
        let target = target("accesspoint", &query)?;
        let call = call(signer, account, "ListAccessPoints", Method::GET, &target, String::new())?;
        let (page, next) = signer.read(&call, |response| success(response).and_then(|()| page(response))).await?;
        names.extend(page);
        if next.is_some() && next == token {
            return Err(Failure::incomplete("ListAccessPoints names the same page as the next"));
        }
        token = next;
        if token.is_none() {
            return Ok(Some(sorted(names)));
        }
    }
}

pub(super) async fn get(signer: &Signer, account: Option<&str>, name: &str) -> Answer {
    let target = target(&format!("accesspoint/{name}"), &[])?;
    let call = call(signer, account, "GetAccessPoint", Method::GET, &target, String::new())?;
    let point = signer.read(&call, |response| success(response).and_then(|()| access_point(&response.body))).await?;
    Ok(Some(Fact::from(point)))
}

pub(super) async fn policy(signer: &Signer, account: Option<&str>, name: &str) -> Answer {
    let target = target(&format!("accesspoint/{name}/policy"), &[])?;
    let call = call(signer, account, "GetAccessPointPolicy", Method::GET, &target, String::new())?;
    let text = signer.read(&call, |response| success(response).and_then(|()| policy_text(&response.body))).await?;
    Ok(text.map(|text| Fact::from(PolicyText(text))))
}

/// A path and query below the API version, encoded.
pub(super) fn target(path: &str, query: &[(&str, &str)]) -> Result<String, Failure> {
    let url = match query {
        [] => Url::parse(&format!("http://x/{path}")),
        query => Url::parse_with_params(&format!("http://x/{path}"), query),
    };
    let url = url.map_err(|error| Failure::not_sent(format!("`{path}` is no path: {error}")))?;
    let path = url.path().trim_start_matches('/');
    Ok(match url.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    })
}

fn page(response: &Response) -> Result<(Vec<String>, Option<String>), Failure> {
    let body = &response.body;
    let elements = xml::all(body).map_err(|_| wrong(body))?;
    if !body.contains("ListAccessPointsResult") {
        return Err(wrong(body));
    }
    let named = |wanted: &'static str| {
        elements.iter().filter(move |(element, _)| element == wanted).map(|(_, text)| text.clone())
    };
    Ok((named("Name").collect(), named("NextToken").find(|token| !token.is_empty())))
}

fn access_point(body: &str) -> Result<AccessPoint, Failure> {
    let mut texts = xml::texts(body).map_err(|_| wrong(body))?;
    let block = block_of(body)?;
    let mut text = |name: &str| take(&mut texts, name).ok_or_else(|| wrong(body));
    let (name, bucket, arn, origin) = (text("Name")?, text("Bucket")?, text("AccessPointArn")?, text("NetworkOrigin")?);
    let account = arn.split(':').nth(4).filter(|account| !account.is_empty()).ok_or_else(|| wrong(body))?.to_owned();
    let vpc = match origin.as_str() {
        "Internet" => None,
        "VPC" => Some(text("VpcId")?),
        _ => return Err(wrong(body)),
    };
    Ok(AccessPoint { name, arn, bucket, account, vpc, block })
}

/// No text is an access point without a policy, which is otherwise an error of its own.
fn policy_text(body: &str) -> Result<Option<String>, Failure> {
    let mut texts = xml::texts(body).map_err(|_| wrong(body))?;
    if !body.contains("GetAccessPointPolicyResult") {
        return Err(wrong(body));
    }
    Ok(take(&mut texts, "Policy"))
}

fn take(texts: &mut BTreeMap<String, String>, name: &str) -> Option<String> {
    texts.remove(name).filter(|text| !text.is_empty())
}

fn wrong(body: &str) -> Failure {
    Failure::incomplete(format!("the access points could not be read: {}", shortened(body)))
}
