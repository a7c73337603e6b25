//! Multi-Region access points of one account (S3 API reference, S3 Control: ListMultiRegionAccessPoints,
//! GetMultiRegionAccessPointPolicy; S3 User Guide, "Multi-Region Access Points").

use std::collections::BTreeMap;

use reqwest::Method;

use super::access_point::target;
use super::error::{Answer, Failure};
use super::failure::shortened;
use super::s3control::{block_of, call, success};
use super::signed::{Response, Signer};
use super::xml;
use crate::model::Fact;
use crate::model::access_point::{AccessPoint, MultiRegionAccessPoint};
use crate::model::bucket::PublicAccessBlock;

/// Their control plane answers in this region alone, and for this partition alone.
const REGION: &str = "us-west-2";
const PAGE: &str = "100";

/// One of the account, with the buckets that it leads to.
struct Listed {
    name: String,
    alias: String,
    buckets: Vec<String>,
    block: PublicAccessBlock,
}

/// Those of the account that lead to a bucket, with the policy in force.
pub(super) async fn list(signer: &Signer, account: Option<&str>, bucket: &str) -> Answer {
    if signer.region.starts_with("us-gov-") || signer.region.starts_with("cn-") {
        return Ok(None);
    }
    let signer = signer.in_region(REGION);
    let mut found = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let mut query = vec![("maxResults", PAGE)];
        query.extend(token.as_deref().map(|token| ("nextToken", token)));
        let target = target("mrap/instances", &query)?;
        let call = call(&signer, account, "ListMultiRegionAccessPoints", Method::GET, &target, String::new())?;
        let (page, next) = signer.read(&call, |response| success(response).and_then(|()| page(response))).await?;
        for one in page.into_iter().filter(|one| one.buckets.iter().any(|name| name == bucket)) {
            let policy = policy(&signer, account, &one.name).await?;
            found.push(MultiRegionAccessPoint { point: point(one, account, bucket), policy });
        }
        if next.is_some() && next == token {
            return Err(Failure::incomplete("ListMultiRegionAccessPoints names the same page as the next"));
        }
        token = next;
        if token.is_none() {
            return Ok(Some(Fact::MultiRegionAccessPoints(found)));
        }
    }
}

fn point(one: Listed, account: Option<&str>, bucket: &str) -> AccessPoint {
    let account = account.unwrap_or_default().to_owned();
    AccessPoint {
        arn: format!("arn:aws:s3::{account}:accesspoint/{}", one.alias),
        name: one.name,
        bucket: bucket.to_owned(),
        account,
        vpc: None,
        block: one.block,
    }
}

async fn policy(signer: &Signer, account: Option<&str>, name: &str) -> Result<Option<String>, Failure> {
    let target = target(&format!("mrap/instances/{name}/policy"), &[])?;
    let call = call(signer, account, "GetMultiRegionAccessPointPolicy", Method::GET, &target, String::new())?;
    signer.read(&call, |response| success(response).and_then(|()| established(&response.body))).await
}

/// The policy in force; the proposed one is not.
fn established(body: &str) -> Result<Option<String>, Failure> {
    if !body.contains("GetMultiRegionAccessPointPolicyResult") {
        return Err(wrong(body));
    }
    let established = xml::split(body, "Established").map_err(|_| wrong(body))?;
    let mut texts = established.into_iter().flatten();
    Ok(texts.find(|(name, text)| name == "Policy" && !text.is_empty()).map(|(_, text)| text))
}

fn page(response: &Response) -> Result<(Vec<Listed>, Option<String>), Failure> {
    let body = &response.body;
    if !body.contains("ListMultiRegionAccessPointsResult") {
        return Err(wrong(body));
    }
    let points = xml::split(body, "AccessPoint").map_err(|_| wrong(body))?;
    let listed = points.iter().map(|texts| one(texts, body)).collect::<Result<Vec<_>, _>>()?;
    let tokens = xml::all(body).map_err(|_| wrong(body))?;
    let next = tokens.into_iter().find(|(name, text)| name == "NextToken" && !text.is_empty()).map(|(_, text)| text);
    Ok((listed, next))
}

/// One access point, from its texts in their order: `Name` and `Alias` are its own, each `Bucket` that of a region.
fn one(texts: &[(String, String)], body: &str) -> Result<Listed, Failure> {
    let first: BTreeMap<&str, &str> = texts.iter().rev().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let text = |name: &str| first.get(name).filter(|text| !text.is_empty()).ok_or_else(|| wrong(body));
    let buckets = texts.iter().filter(|(name, _)| name == "Bucket").map(|(_, text)| text.clone()).collect();
    let own: String = texts.iter().map(|(name, text)| format!("<{name}>{text}</{name}>")).collect();
    let block = block_of(&format!("<PublicAccessBlock>{own}</PublicAccessBlock>")).unwrap_or(OPEN);
    Ok(Listed { name: (*text("Name")?).to_owned(), alias: (*text("Alias")?).to_owned(), buckets, block })
}

/// Switches that were not told count as off.
const OPEN: PublicAccessBlock = PublicAccessBlock {
    block_public_acls: false,
    ignore_public_acls: false,
    block_public_policy: false,
    restrict_public_buckets: false,
};

fn wrong(body: &str) -> Failure {
    Failure::incomplete(format!("the Multi-Region access points could not be read: {}", shortened(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(body: &str) -> Response {
        Response { status: 200, request_id: None, retry_after: None, body: body.to_owned() }
    }

    #[test]
    fn pages() {
        let body = "<ListMultiRegionAccessPointsResult><NextToken>t</NextToken><AccessPoints><AccessPoint><Name>world</Name>\
             <Alias>m1.mrap</Alias><PublicAccessBlock><BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlock>\
             <Status>READY</Status><Regions><Region><Bucket>a</Bucket><Region>us-east-1</Region></Region><Region>\
             <Bucket>b</Bucket><Region>eu-west-1</Region></Region></Regions></AccessPoint><AccessPoint><Name>n</Name>\
             <Alias>m2.mrap</Alias></AccessPoint></AccessPoints></ListMultiRegionAccessPointsResult>";
        let (listed, next) = page(&response(body)).unwrap();
        assert_eq!(next.as_deref(), Some("t"));
        assert_eq!((listed.len(), listed[0].buckets.clone()), (2, vec!["a".to_owned(), "b".to_owned()]));
        assert!(listed[0].block.block_public_acls && !listed[0].block.restrict_public_buckets);
        assert_eq!((listed[1].alias.as_str(), listed[1].block.block_public_acls), ("m2.mrap", false));
        for wrong in [
            "",
            "<html/>",
            "<ListMultiRegionAccessPointsResult><AccessPoints><AccessPoint/></AccessPoints></ListMultiRegionAccessPointsResult>",
        ] {
            assert!(page(&response(wrong)).is_err(), "{wrong}");
        }
        let none = "<ListMultiRegionAccessPointsResult><AccessPoints/></ListMultiRegionAccessPointsResult>";
        assert!(page(&response(none)).unwrap().0.is_empty());
    }

    #[test]
    fn the_policy_in_force_and_not_the_proposed_one() {
        let body = |established: &str| {
            format!(
                "<GetMultiRegionAccessPointPolicyResult><Policy>{established}<Proposed><Policy>{{&quot;p&quot;:1}}</Policy>\
                 </Proposed></Policy></GetMultiRegionAccessPointPolicyResult>"
            )
        };
        let set = body("<Established><Policy>{&quot;e&quot;:1}</Policy></Established>");
        assert_eq!(established(&set).unwrap().as_deref(), Some(r#"{"e":1}"#));
        assert_eq!(established(&body("<Established/>")).unwrap(), None);
        assert_eq!(established(&body("")).unwrap(), None);
        assert!(established("<a/>").is_err());
    }
}
