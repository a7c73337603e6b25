//! The live state that an estate under test shows.

use super::*;
use crate::model::access_point::AccessPoint;
use crate::model::bucket::{Acl, AclGrant, Ownership};
use crate::model::databricks::Metastore;
use crate::model::fact::{BucketRegion, Names, PolicyText};
use crate::model::key::Key;
use crate::model::live::Query;
use crate::model::unity_catalog::DatabricksCaller;
use crate::model::{Gap, Live, Observed};

impl Lab {
    pub fn live(&self) -> Live {
        let mut live = Live::default();
        let place = self.place();
        let bucket = || BUCKET.to_owned();
        let mut set = |read: Read, answer: Observed<Fact>| live.set(Query { place: place.clone(), read }, answer);
        let present = |fact: Fact| Observed::Present(fact);
        set(Read::BucketLocation { bucket: bucket() }, present(BucketRegion("us-east-1".to_owned()).into()));
        set(
            Read::BucketPolicy { bucket: bucket() },
            match self.bucket.as_slice() {
                [] => Observed::Absent,
                all => present(PolicyText(document(all)).into()),
            },
        );
        set(Read::AccountPublicAccessBlock, Observed::Absent);
        set(Read::BucketPublicAccessBlock { bucket: bucket() }, present(self.block.clone().into()));
        set(
            Read::BucketOwnership { bucket: bucket() },
            present(Ownership { object_ownership: self.ownership.to_owned() }.into()),
        );
        let grants = self
            .acl
            .iter()
            .map(|(grantee, permission)| AclGrant { grantee: grantee.clone(), permission: permission.clone() });
        set(
            Read::BucketAcl { bucket: bucket() },
            present(Acl { owner: "owner-id".to_owned(), grants: grants.collect() }.into()),
        );
        set(
            Read::BucketEncryption { bucket: bucket() },
            self.encryption.clone().map_or(Observed::Absent, |one| present(one.into())),
        );
        set(Read::BucketReplication { bucket: bucket() }, Observed::Absent);
        set(
            Read::AccessPoints { bucket: bucket() },
            present(Names(self.points.iter().map(|(name, _)| name.clone()).collect()).into()),
        );
        for (name, policy) in &self.points {
            let point = AccessPoint {
                name: name.clone(),
                arn: format!("arn:aws:s3:us-east-1:{OWN}:accesspoint/{name}"),
                bucket: bucket(),
                account: OWN.to_owned(),
                vpc: None,
                block: switches(false),
            };
            set(Read::AccessPoint { name: name.clone() }, present(point.into()));
            let policy = policy.clone().map_or(Observed::Absent, |text| present(PolicyText(text).into()));
            set(Read::AccessPointPolicy { name: name.clone() }, policy);
        }
        for (arn, statements) in &self.keys {
            let key = Key {
                id: arn.rsplit('/').next().expect("id").to_owned(),
                arn: arn.clone(),
                state: "Enabled".to_owned(),
                manager: "CUSTOMER".to_owned(),
                spec: "SYMMETRIC_DEFAULT".to_owned(),
                usage: "ENCRYPT_DECRYPT".to_owned(),
                origin: "AWS_KMS".to_owned(),
                multi_region: false,
            };
            set(Read::Key { key: arn.clone() }, present(key.into()));
            set(Read::KeyPolicy { key: arn.clone() }, present(PolicyText(document(statements)).into()));
            let grants = if arn == KEY { self.grants.clone() } else { Vec::new() };
            set(Read::KeyGrants { key: arn.clone() }, present(Fact::KeyGrants(grants)));
        }
        set(Read::AccountAuthorization, present(self.people.clone().into()));
        set(Read::Organization, present(self.organization.clone().unwrap_or_default().into()));
        set(Read::OrganizationPolicies, present(Fact::OrganizationLevels(self.levels.clone())));
        let account = self.desired.databricks_place();
        let metastore = Metastore {
            metastore_id: METASTORE.to_owned(),
            name: "main".to_owned(),
            region: "us-east-1".to_owned(),
            owner: "metastore-admins".to_owned(),
            storage_root: None,
        };
        live.set(Query { place: account.clone(), read: Read::Metastores }, present(vec![metastore].into()));
        live.set(Query { place: account, read: Read::DatabricksIdentities }, present(self.identities.clone().into()));
        let caller = DatabricksCaller { name: "robot".to_owned(), groups: vec!["metastore-admins".to_owned()] };
        let mut seen = vec![
            (Read::DatabricksCaller, Fact::from(caller)),
            (Read::StorageCredentials { metastore: METASTORE.to_owned() }, Fact::StorageCredentials(Vec::new())),
        ];
        seen.extend(
            self.extra
                .iter()
                .filter(|(place, ..)| *place == self.workspace())
                .map(|(_, read, fact)| (read.clone(), fact.clone())),
        );
        for (read, fact) in seen {
            live.set(Query { place: self.workspace(), read }, present(fact));
        }
        for (place, read, fact) in self.extra.iter().filter(|(place, ..)| *place != self.workspace()) {
            live.set(Query { place: place.clone(), read: read.clone() }, present(fact.clone()));
        }
        for read in &self.unread {
            let gap = Gap { what: format!("{read:?}"), permission: None, message: "AccessDenied".to_owned() };
            live.set(Query { place: self.place(), read: read.clone() }, Observed::Unknown(gap));
        }
        live
    }
}
