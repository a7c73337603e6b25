//! One AWS client: which question and which request goes to which operation.

use aws_config::SdkConfig;
use aws_smithy_types::retry::RetryConfig;

use super::config::{self, AwsOptions, ConnectError, Http};
use super::credentials::Cached;
use super::error::{Answer, Done, Failure, observed};
use super::s3::{S3, Whole};
use super::signed::Signer;
use super::trace::Watch;
use super::{
    access_grants, access_point, authorization, cloudtrail, iam, kms, multi_region, organizations, s3control,
    simulation, sts,
};
use crate::call::{Read, Write, WriteOutcome, read_permission, write_permissions};
use crate::model::{Fact, Observed, Reference};
use crate::provider::WriteError;

/// One account in one region. Cheap to clone; clones share connections and credentials.
#[derive(Clone, Debug)]
pub struct AwsClient {
    account: Option<String>,
    reads: Services,
    writes: Services,
    signer: Signer,
    trail_rate: cloudtrail::Rate,
}

/// The generated clients under one retry policy.
#[derive(Clone, Debug)]
struct Services {
    s3: S3,
    kms: aws_sdk_kms::Client,
    iam: aws_sdk_iam::Client,
    sts: aws_sdk_sts::Client,
}

impl Services {
    fn new(config: &SdkConfig, options: &AwsOptions, http: &Http) -> Self {
        // Requests of services are seen by `Watch`, those for credentials by their client.
        let config = &config.clone().into_builder().http_client(http.sdk.clone()).build();
        // An emulator on one host cannot have a name per bucket.
        let s3 = aws_sdk_s3::config::Builder::from(config)
            .force_path_style(config.endpoint_url().is_some())
            .interceptor(Watch(http.sent.clone()))
            .interceptor(Whole)
            .build();
        let kms = aws_sdk_kms::config::Builder::from(config).interceptor(Watch(http.sent.clone())).build();
        let iam = aws_sdk_iam::config::Builder::from(config).interceptor(Watch(http.sent.clone())).build();
        let sts = aws_sdk_sts::config::Builder::from(config).interceptor(Watch(http.sent.clone())).build();
        Self {
            s3: S3::new(aws_sdk_s3::Client::from_conf(s3), options.account.clone(), options.region.clone()),
            kms: aws_sdk_kms::Client::from_conf(kms),
            iam: aws_sdk_iam::Client::from_conf(iam),
            sts: aws_sdk_sts::Client::from_conf(sts),
        }
    }
}

impl AwsClient {
    /// A client on shared HTTP connections. Nothing is sent: credentials are resolved by the first request.
    ///
    /// # Errors
    /// When an endpoint is wrong or in plain text, or the shared configuration files cannot be used.
    pub async fn connect(options: AwsOptions, http: &Http) -> Result<Self, ConnectError> {
        if let Some(endpoint) = &options.endpoint {
            config::check_endpoint(endpoint)?;
        }
        let config = config::load(&options, http).await?;
        Ok(Self::new(&options, &config, http))
    }

    /// Reads are repeated by the SDK. Writes are sent once: only the applier, which reads before it sends again, knows
    /// whether a repetition is safe.
    pub(super) fn new(options: &AwsOptions, config: &SdkConfig, http: &Http) -> Self {
        let once = config.clone().into_builder().retry_config(RetryConfig::disabled()).build();
        Self {
            account: options.account.clone(),
            reads: Services::new(config, options, http),
            writes: Services::new(&once, options, http),
            signer: Signer {
                http: http.plain.clone(),
                sent: http.sent.clone(),
                credentials: Cached::new(config.credentials_provider()),
                region: options.region.clone(),
                endpoint: config.endpoint_url().map(|endpoint| endpoint.trim_end_matches('/').to_owned()),
            },
            trail_rate: cloudtrail::rate(),
        }
    }

    /// The S3 clients for reads and for writes.
    pub(super) fn s3(&self) -> (&S3, &S3) {
        (&self.reads.s3, &self.writes.s3)
    }

    pub(super) fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Answers one question, with all its pages. What hangs on a value that is known only after apply is absent.
    pub async fn read(&self, read: &Read) -> Observed<Fact> {
        let subject = subject(read);
        if subject.as_deref().is_some_and(Reference::occurs_in) {
            return Observed::Absent;
        }
        let permission = read_permission(read).name();
        let what = || {
            let operation = permission.unwrap_or("sts:GetCallerIdentity");
            match subject {
                Some(subject) => format!("{operation} on {subject}"),
                None => operation.to_owned(),
            }
        };
        observed(self.answer(read).await, what, permission)
    }

    async fn answer(&self, read: &Read) -> Answer {
        let Services { s3, kms, iam, sts } = &self.reads;
        let owned = |answer: Answer| answer.map_err(|failure| failure.expecting_owner(self.account.as_deref()));
        match read {
            Read::CallerIdentity => sts::caller(sts).await,
            Read::AccountPublicAccessBlock => s3control::account_block(&self.signer, self.account.as_deref()).await,
            Read::BucketLocation { bucket } => owned(s3.location(bucket).await),
            Read::BucketTags { bucket } => owned(s3.tags(bucket).await),
            Read::BucketPublicAccessBlock { bucket } => owned(s3.public_access_block(bucket).await),
            Read::BucketOwnership { bucket } => owned(s3.ownership(bucket).await),
            Read::BucketAcl { bucket } => owned(s3.acl(bucket).await),
            Read::BucketEncryption { bucket } => owned(s3.encryption(bucket).await),
            Read::BucketVersioning { bucket } => owned(s3.versioning(bucket).await),
            Read::BucketObjectLock { bucket } => owned(s3.object_lock(bucket).await),
            Read::BucketLifecycle { bucket } => owned(s3.lifecycle(bucket).await),
            Read::BucketPolicy { bucket } => owned(s3.policy(bucket).await),
            Read::BucketLogging { bucket } => owned(s3.logging(bucket).await),
            Read::BucketNotification { bucket } => owned(s3.notification(bucket).await),
            Read::BucketReplication { bucket } => owned(s3.replication(bucket).await),
            Read::Keys => kms::keys(kms).await,
            Read::Key { key } => kms::key(kms, key).await,
            Read::KeyPolicy { key } => kms::policy(kms, key).await,
            Read::KeyRotation { key } => kms::rotation(kms, key).await,
            Read::KeyGrants { key } => kms::grants(kms, key).await,
            Read::KeyAliases { key } => kms::aliases(kms, key).await,
            Read::KeyTags { key } => kms::tags(kms, key).await,
            Read::Role { role } => iam::role(iam, role).await,
            Read::RoleInlinePolicies { role } => iam::inline_policies(iam, role).await,
            Read::RolePolicy { role, policy } => iam::role_policy(iam, role, policy).await,
            Read::RoleAttachedPolicies { role } => iam::attached_policies(iam, role).await,
            Read::AccountAuthorization => authorization::account_authorization(iam).await,
            Read::Simulation { principal, resource, actions } => {
                simulation::simulate(iam, principal, resource, actions).await
            }
            Read::AccessPoints { bucket } => access_point::list(&self.signer, self.account.as_deref(), bucket).await,
            Read::AccessPoint { name } => access_point::get(&self.signer, self.account.as_deref(), name).await,
            Read::AccessPointPolicy { name } => access_point::policy(&self.signer, self.account.as_deref(), name).await,
            Read::MultiRegionAccessPoints { bucket } => {
                multi_region::list(&self.signer, self.account.as_deref(), bucket).await
            }
            Read::AccessGrants => access_grants::list(&self.signer, self.account.as_deref()).await,
            Read::Organization => organizations::organization(&self.signer).await,
            Read::OrganizationPolicies => organizations::policies(&self.signer, self.account.as_deref()).await,
            Read::NewestObject { bucket, prefix, fresh_since } => {
                owned(s3.newest_object(bucket, prefix, *fresh_since).await)
            }
            Read::TrailEvents { event, global, since } => {
                cloudtrail::events(&self.signer, &self.trail_rate, event, *global, *since).await
            }
            Read::Credentials
            | Read::StorageConfigurations
            | Read::LogDeliveries
            | Read::Workspaces
            | Read::Metastores
            | Read::MetastoreWorkspaces { .. }
            | Read::SystemSchemas { .. }
            | Read::Privileges { .. }
            | Read::Tables { .. }
            | Read::WorkspaceConf { .. }
            | Read::DatabricksCaller
            | Read::StorageCredentials { .. }
            | Read::ServiceCredentials { .. }
            | Read::ExternalLocations { .. }
            | Read::Catalogs { .. }
            | Read::Schemas { .. }
            | Read::Volumes { .. }
            | Read::StoredTables { .. }
            | Read::DatabricksIdentities => Err(foreign()),
        }
    }

    /// Sends one request, once.
    ///
    /// # Errors
    /// See `WriteError`. A request that still holds a reference to another step's output, or that is sent without knowing
    /// the account, is refused here.
    pub async fn write(&self, write: &Write) -> Result<WriteOutcome, WriteError> {
        let permission = write_permissions(write).first().and_then(|permission| permission.name());
        let done = match self.refuse(write) {
            Some(refusal) => Err(refusal),
            None => self.send(write).await,
        };
        done.map_err(|failure| failure.into_write_error(permission))
    }

    fn refuse(&self, write: &Write) -> Option<Failure> {
        if self.account.is_none() {
            return Some(Failure::not_sent("the account is not known: declare its twelve-digit id before writing"));
        }
        match serde_json::to_string(write) {
            Ok(text) if !Reference::occurs_in(&text) => None,
            Ok(_) => Some(Failure::not_sent(format!(
                "{} holds a value that is known only after another step",
                write.operation()
            ))),
            Err(error) => Some(Failure::not_sent(format!("the request cannot be written down: {error}"))),
        }
    }

    async fn send(&self, write: &Write) -> Done {
        let Services { s3, kms, iam, sts: _ } = &self.writes;
        let owned = |done: Done| done.map_err(|failure| failure.expecting_owner(self.account.as_deref()));
        match write {
            Write::PutAccountPublicAccessBlock { block } => {
                s3control::put_account_block(&self.signer, self.account.as_deref(), block).await
            }
            Write::CreateBucket { bucket, object_lock } => s3.create(bucket, *object_lock).await,
            Write::PutBucketTags { bucket, tags } => owned(s3.put_tags(bucket, tags).await),
            Write::DeleteBucketTags { bucket } => owned(s3.delete_tags(bucket).await),
            Write::PutBucketPublicAccessBlock { bucket, block } => {
                owned(s3.put_public_access_block(bucket, block).await)
            }
            Write::PutBucketOwnership { bucket, object_ownership } => {
                owned(s3.put_ownership(bucket, object_ownership).await)
            }
            Write::PutBucketAclPrivate { bucket } => owned(s3.put_acl_private(bucket).await),
            Write::PutBucketAcl { bucket, acl } => owned(s3.put_acl(bucket, acl).await),
            Write::PutBucketEncryption { bucket, encryption } => owned(s3.put_encryption(bucket, encryption).await),
            Write::EnableBucketVersioning { bucket } => owned(s3.put_versioning(bucket, true).await),
            Write::SuspendBucketVersioning { bucket } => owned(s3.put_versioning(bucket, false).await),
            Write::PutBucketObjectLock { bucket, retention } => {
                owned(s3.put_object_lock(bucket, retention.as_ref()).await)
            }
            Write::PutBucketLifecycle { bucket, lifecycle } => owned(s3.put_lifecycle(bucket, lifecycle).await),
            Write::DeleteBucketLifecycle { bucket } => owned(s3.delete_lifecycle(bucket).await),
            Write::PutBucketPolicy { bucket, policy } => owned(s3.put_policy(bucket, policy).await),
            Write::PutBucketLogging { bucket, logging } => owned(s3.put_logging(bucket, Some(logging)).await),
            Write::DeleteBucketLogging { bucket } => owned(s3.put_logging(bucket, None).await),
            Write::PutBucketNotification { bucket, notification } => {
                owned(s3.put_notification(bucket, notification).await)
            }
            Write::PutBucketReplication { bucket, replication } => owned(s3.put_replication(bucket, replication).await),
            Write::DeleteBucketPolicy { bucket } => owned(s3.delete_policy(bucket).await),
            Write::DeleteBucketReplication { bucket } => owned(s3.delete_replication(bucket).await),
            Write::CreateKey { description, policy, tags } => kms::create_key(kms, description, policy, tags).await,
            Write::PutKeyPolicy { key, policy } => kms::put_policy(kms, key, policy).await,
            Write::CancelKeyDeletion { key } => kms::cancel_deletion(kms, key).await,
            Write::EnableKey { key } => kms::enable(kms, key).await,
            Write::EnableKeyRotation { key, period_days } => kms::enable_rotation(kms, key, *period_days).await,
            Write::DisableKeyRotation { key } => kms::disable_rotation(kms, key).await,
            Write::CreateAlias { alias, key } => kms::create_alias(kms, alias, key).await,
            Write::UpdateAlias { alias, key } => kms::update_alias(kms, alias, key).await,
            Write::TagKey { key, tags } => kms::tag_key(kms, key, tags).await,
            Write::UntagKey { key, names } => kms::untag_key(kms, key, names).await,
            Write::CreateGrant { key, grant } => kms::create_grant(kms, key, grant).await,
            Write::RevokeGrant { key, grant } => kms::revoke_grant(kms, key, grant).await,
            Write::CreateRole { path, role, trust, tags } => iam::create_role(iam, path, role, trust, tags).await,
            Write::UpdateTrust { role, policy } => iam::update_trust(iam, role, policy).await,
            Write::TagRole { role, tags } => iam::tag_role(iam, role, tags).await,
            Write::UntagRole { role, names } => iam::untag_role(iam, role, names).await,
            Write::PutRolePolicy { role, policy_name, policy } => {
                iam::put_role_policy(iam, role, policy_name, policy).await
            }
            Write::DeleteRolePolicy { role, policy_name } => iam::delete_role_policy(iam, role, policy_name).await,
            Write::AttachRolePolicy { role, policy_arn } => iam::attach_role_policy(iam, role, policy_arn).await,
            Write::DetachRolePolicy { role, policy_arn } => iam::detach_role_policy(iam, role, policy_arn).await,
            Write::CreateCredential { .. }
            | Write::CreateStorageConfiguration { .. }
            | Write::CreateLogDelivery { .. }
            | Write::SetLogDeliveryStatus { .. }
            | Write::EnableSystemSchema { .. }
            | Write::UpdatePrivileges { .. }
            | Write::SetWorkspaceConf { .. } => Err(foreign()),
        }
    }
}

fn foreign() -> Failure {
    Failure::not_sent("not an AWS call")
}

/// What a question is about, for messages.
fn subject(read: &Read) -> Option<String> {
    match read {
        Read::BucketLocation { bucket }
        | Read::BucketTags { bucket }
        | Read::BucketPublicAccessBlock { bucket }
        | Read::BucketOwnership { bucket }
        | Read::BucketAcl { bucket }
        | Read::BucketEncryption { bucket }
        | Read::BucketVersioning { bucket }
        | Read::BucketObjectLock { bucket }
        | Read::BucketLifecycle { bucket }
        | Read::BucketPolicy { bucket }
        | Read::BucketLogging { bucket }
        | Read::BucketNotification { bucket }
        | Read::BucketReplication { bucket }
        | Read::AccessPoints { bucket }
        | Read::MultiRegionAccessPoints { bucket }
        | Read::NewestObject { bucket, .. } => Some(bucket.clone()),
        Read::TrailEvents { event, .. } => Some(event.clone()),
        Read::AccessPoint { name } | Read::AccessPointPolicy { name } => Some(name.clone()),
        Read::Key { key }
        | Read::KeyPolicy { key }
        | Read::KeyRotation { key }
        | Read::KeyGrants { key }
        | Read::KeyAliases { key }
        | Read::KeyTags { key } => Some(key.clone()),
        Read::Role { role } | Read::RoleInlinePolicies { role } | Read::RoleAttachedPolicies { role } => {
            Some(role.clone())
        }
        Read::Simulation { principal, .. } => Some(principal.clone()),
        Read::RolePolicy { role, policy } => Some(format!("{role}/{policy}")),
        Read::CallerIdentity
        | Read::AccessGrants
        | Read::AccountPublicAccessBlock
        | Read::AccountAuthorization
        | Read::Organization
        | Read::OrganizationPolicies
        | Read::Keys
        | Read::Credentials
        | Read::StorageConfigurations
        | Read::LogDeliveries
        | Read::Workspaces
        | Read::Metastores
        | Read::MetastoreWorkspaces { .. }
        | Read::SystemSchemas { .. }
        | Read::Privileges { .. }
        | Read::Tables { .. }
        | Read::WorkspaceConf { .. }
        | Read::DatabricksCaller
        | Read::StorageCredentials { .. }
        | Read::ServiceCredentials { .. }
        | Read::ExternalLocations { .. }
        | Read::Catalogs { .. }
        | Read::Schemas { .. }
        | Read::Volumes { .. }
        | Read::StoredTables { .. }
        | Read::DatabricksIdentities => None,
    }
}
