//! Requests to services that have no generated client here: S3 Control and Organizations.

use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use serde_json::{Value, json};

use super::World;

impl World {
    /// One operation of Organizations.
    pub async fn organizations(&self, who: &Credentials, operation: &str, input: Value) -> Result<Value> {
        let headers = [
            ("content-type", "application/x-amz-json-1.1".to_owned()),
            ("x-amz-target", format!("AWSOrganizationsV20161128.{operation}")),
        ];
        let answer = self.signed(who, "organizations", "POST", "/", &headers, input.to_string()).await;
        let answer = answer.with_context(|| operation.to_owned())?;
        Ok(serde_json::from_str(&answer)?)
    }

    /// An access point of the caller's account in front of a bucket, open to the internet or to one VPC.
    pub async fn create_access_point(
        &self,
        who: &Credentials,
        account: &str,
        name: &str,
        bucket: &str,
        vpc: Option<&str>,
    ) -> Result<()> {
        let vpc = vpc.map(|id| format!("<VpcConfiguration><VpcId>{id}</VpcId></VpcConfiguration>"));
        let body = format!(
            "<CreateAccessPointRequest xmlns=\"http://awss3control.amazonaws.com/doc/2018-08-20/\">\
             <Bucket>{bucket}</Bucket>{}</CreateAccessPointRequest>",
            vpc.unwrap_or_default()
        );
        self.control(who, account, "PUT", &format!("accesspoint/{name}"), body).await.map(drop)
    }

    pub async fn put_access_point_policy(
        &self,
        who: &Credentials,
        account: &str,
        name: &str,
        policy: &Value,
    ) -> Result<()> {
        let policy = policy.to_string().replace('&', "&amp;").replace('<', "&lt;");
        let body = format!(
            "<PutAccessPointPolicyRequest xmlns=\"http://awss3control.amazonaws.com/doc/2018-08-20/\">\
             <Policy>{policy}</Policy></PutAccessPointPolicyRequest>"
        );
        self.control(who, account, "PUT", &format!("accesspoint/{name}/policy"), body).await.map(drop)
    }

    /// A Multi-Region access point in front of one bucket, with a policy.
    pub async fn create_multi_region_access_point(
        &self,
        who: &Credentials,
        account: &str,
        name: &str,
        bucket: &str,
        policy: Option<&Value>,
    ) -> Result<()> {
        // They are managed there, wherever their buckets are.
        let world = World::new(self.endpoint(), "us-west-2");
        let body = format!(
            "<CreateMultiRegionAccessPointRequest xmlns=\"http://awss3control.amazonaws.com/doc/2018-08-20/\"><Details>\
             <Name>{name}</Name><Regions><Region><Bucket>{bucket}</Bucket></Region></Regions></Details>\
             </CreateMultiRegionAccessPointRequest>"
        );
        world.control(who, account, "POST", "async-requests/mrap/create", body).await?;
        let Some(policy) = policy else { return Ok(()) };
        let policy = policy.to_string().replace('&', "&amp;").replace('<', "&lt;");
        let body = format!(
            "<PutMultiRegionAccessPointPolicyRequest xmlns=\"http://awss3control.amazonaws.com/doc/2018-08-20/\"><Details>\
             <Name>{name}</Name><Policy>{policy}</Policy></Details></PutMultiRegionAccessPointPolicyRequest>"
        );
        world.control(who, account, "POST", "async-requests/mrap/put-policy", body).await.map(drop)
    }

    /// Lends a role to somebody, for reading below a prefix of a bucket; makes the instance and the location as needed.
    pub async fn create_access_grant(
        &self,
        who: &Credentials,
        account: &str,
        role: &str,
        below: &str,
        (kind, grantee): (&str, &str),
    ) -> Result<()> {
        let request = |name: &str, content: String| {
            format!(
                "<{name}Request xmlns=\"http://awss3control.amazonaws.com/doc/2018-08-20/\">{content}</{name}Request>"
            )
        };
        let instance = request("CreateAccessGrantsInstance", String::new());
        self.control(who, account, "POST", "accessgrantsinstance", instance).await?;
        let location = format!("<LocationScope>s3://{below}*</LocationScope><IAMRoleArn>{role}</IAMRoleArn>");
        let location = request("CreateAccessGrantsLocation", location);
        let made = self.control(who, account, "POST", "accessgrantsinstance/location", location).await?;
        let id = made.split("<AccessGrantsLocationId>").nth(1).and_then(|rest| rest.split('<').next());
        let id = id.with_context(|| format!("no location in {made}"))?;
        let grant = format!(
            "<AccessGrantsLocationId>{id}</AccessGrantsLocationId><AccessGrantsLocationConfiguration><S3SubPrefix>*\
             </S3SubPrefix></AccessGrantsLocationConfiguration><Grantee><GranteeType>{kind}</GranteeType>\
             <GranteeIdentifier>{grantee}</GranteeIdentifier></Grantee><Permission>READ</Permission>"
        );
        let grant = request("CreateAccessGrant", grant);
        self.control(who, account, "POST", "accessgrantsinstance/grant", grant).await.map(drop)
    }

    async fn control(
        &self,
        who: &Credentials,
        account: &str,
        method: &str,
        path: &str,
        body: String,
    ) -> Result<String> {
        let headers = [("x-amz-account-id", account.to_owned())];
        let path = format!("/v20180820/{path}");
        self.signed(who, "s3", method, &path, &headers, body).await.with_context(|| path.clone())
    }

    /// Makes an organization with this account as its management account, resource control policies in use, and a unit
    /// below the root; answers the ids of root and unit.
    pub async fn make_organization(&self, who: &Credentials) -> Result<(String, String)> {
        self.organizations(who, "CreateOrganization", json!({})).await?;
        let roots = self.organizations(who, "ListRoots", json!({})).await?;
        let root = text(&roots, "/Roots/0/Id")?;
        let kind = json!({ "RootId": root, "PolicyType": "RESOURCE_CONTROL_POLICY" });
        self.organizations(who, "EnablePolicyType", kind).await?;
        let unit = json!({ "ParentId": root, "Name": "workloads" });
        let unit = self.organizations(who, "CreateOrganizationalUnit", unit).await?;
        Ok((root, text(&unit, "/OrganizationalUnit/Id")?))
    }

    /// Takes an account into a unit of the organization.
    pub async fn join_organization(&self, who: &Credentials, account: &str, root: &str, unit: &str) -> Result<()> {
        let invite = json!({ "Target": { "Id": account, "Type": "ACCOUNT" } });
        self.organizations(who, "InviteAccountToOrganization", invite).await?;
        let moved = json!({ "AccountId": account, "SourceParentId": root, "DestinationParentId": unit });
        self.organizations(who, "MoveAccount", moved).await.map(drop)
    }

    /// Makes a policy (`SERVICE_CONTROL_POLICY` or `RESOURCE_CONTROL_POLICY`) and attaches it; answers its ARN.
    pub async fn attach_organization_policy(
        &self,
        who: &Credentials,
        kind: &str,
        name: &str,
        target: &str,
        policy: &Value,
    ) -> Result<String> {
        let input = json!({ "Type": kind, "Name": name, "Description": "", "Content": policy.to_string() });
        let made = self.organizations(who, "CreatePolicy", input).await?;
        let id = text(&made, "/Policy/PolicySummary/Id")?;
        self.organizations(who, "AttachPolicy", json!({ "PolicyId": id, "TargetId": target })).await?;
        text(&made, "/Policy/PolicySummary/Arn")
    }

    async fn signed(
        &self,
        who: &Credentials,
        service: &str,
        method: &str,
        path: &str,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<String> {
        let url = format!("{}{path}", self.endpoint().trim_end_matches('/'));
        let identity = who.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region())
            .name(service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let shown = headers.iter().map(|(name, value)| (*name, value.as_str()));
        let request = SignableRequest::new(method, url.as_str(), shown, SignableBody::Bytes(body.as_bytes()))?;
        let (instructions, _) = sign(request, &parameters)?.into_parts();
        // The tool's own client does so too; whoever comes first. Nothing here speaks TLS.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder().no_proxy().build()?.request(method.parse()?, &url);
        for (name, value) in headers {
            builder = builder.header(*name, value);
        }
        for (name, value) in instructions.headers() {
            builder = builder.header(name, value);
        }
        let answer = builder.body(body).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("{status}: {text}");
        }
        Ok(text)
    }
}

fn text(value: &Value, pointer: &str) -> Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    found.with_context(|| format!("no {pointer} in {value}"))
}
