//! Live state as the questions need it: everything that has a say in requests to one audit bucket, and what of it was not
//! read.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::model::access_grant::AccessGrant;
use crate::model::access_point::{AccessPoint, MultiRegionAccessPoint};
use crate::model::bucket::{Acl, Encryption, PublicAccessBlock};
use crate::model::key::Grant;
use crate::model::live::{Query, Read};
use crate::model::{Arn, Desired, Fact, Gap, Observed, Place};

use super::allowed::Sheet;
use super::ask::{Guard, Worlds};
use super::assessment::Assumption;
use super::documents::Library;
use super::facts::Facts;
use super::organization::Limits;
use super::subject::{Credential, Subject, Traits};

/// What stands for the policy of a key that AWS manages for S3: only through S3, only for its own account (K6).
const AWS_MANAGED_KEY: &str = "aws/s3";

/// A key and everything that allows its use.
#[derive(Clone, Debug)]
pub(super) struct KeyState {
    /// ARN, or the token of a key that a plan makes.
    pub arn: String,
    pub account: Option<String>,
    pub policy: Option<Arc<Sheet>>,
    pub grants: Vec<Grant>,
}

/// An access point with its policy.
#[derive(Clone, Debug)]
pub(super) struct Door {
    pub point: AccessPoint,
    pub policy: Option<Arc<Sheet>>,
}

/// One audit bucket and what surrounds it.
pub(super) struct Estate<'a> {
    pub desired: &'a Desired,
    pub live: &'a Facts<'a>,
    pub library: &'a Library,
    pub place: Place,
    pub exists: bool,
    pub policy: Option<Arc<Sheet>>,
    /// Account and bucket switches joined; a switch that was not read counts as off.
    pub block: PublicAccessBlock,
    pub encryption: Observed<Encryption>,
    /// `None` when access control lists have no effect.
    pub acl: Option<Observed<Acl>>,
    pub keys: BTreeMap<String, KeyState>,
    pub doors: Vec<Door>,
    /// Whether the access points of the bucket's own account are all known.
    pub doors_listed: bool,
    /// Access grants of the bucket's account; `None` when nobody asked, as for a plan.
    pub lent: Option<Vec<AccessGrant>>,
    pub limits: Limits,
    pub gaps: Vec<Gap>,
    pub assumptions: Vec<Assumption>,
    /// How principals can send requests, by what tells them apart in that.
    worlds: RefCell<BTreeMap<Sender, Rc<Worlds>>>,
}

/// What the worlds of a principal depend on.
type Sender = (Credential, Traits, bool, Option<&'static [&'static str]>);

impl<'a> Estate<'a> {
    pub fn of(desired: &'a Desired, live: &'a Facts<'a>, library: &'a Library) -> Self {
        let place = desired.aws_place();
        let mut estate = Self {
            desired,
            live,
            library,
            place,
            exists: true,
            policy: None,
            block: off(),
            encryption: Observed::Absent,
            acl: None,
            keys: BTreeMap::new(),
            doors: Vec::new(),
            doors_listed: true,
            lent: None,
            limits: Limits::default(),
            gaps: Vec::new(),
            assumptions: Vec::new(),
            worlds: RefCell::default(),
        };
        let location = estate.read(Read::BucketLocation { bucket: estate.bucket() }, Fact::bucket_region);
        if location.is_absent() {
            estate.exists = false;
            return estate;
        }
        estate.policy = match estate.read(Read::BucketPolicy { bucket: estate.bucket() }, Fact::policy) {
            Observed::Present(text) => Some(library.read("bucket policy", &text.0)),
            Observed::Absent => None,
            Observed::Unknown(gap) => Some(library.unknown("bucket policy", &gap.message)),
        };
        estate.block = estate.switches();
        estate.acl = estate.lists();
        estate.encryption = estate.read(Read::BucketEncryption { bucket: estate.bucket() }, Fact::encryption);
        estate.doors();
        estate.lent = estate.lent();
        estate.limits = Limits::of(&mut estate);
        estate
    }

    pub fn bucket(&self) -> String {
        self.desired.delivery.bucket.clone()
    }

    pub fn account(&self) -> &'a str {
        &self.desired.aws.account_id
    }

    pub fn partition(&self) -> &'static str {
        self.desired.aws.partition.arn_name()
    }

    pub fn bucket_arn(&self) -> String {
        format!("arn:{}:s3:::{}", self.partition(), self.desired.delivery.bucket)
    }

    /// Documents that bear on everybody: of bucket, access points, keys and organization.
    pub fn shared(&self) -> impl Iterator<Item = &Arc<Sheet>> {
        let doors = self.doors.iter().filter_map(|door| door.policy.as_ref());
        let keys = self.keys.values().filter_map(|key| key.policy.as_ref());
        let levels = self.limits.service_control.iter().flatten().chain(&self.limits.resource_control);
        self.policy.iter().chain(doors).chain(keys).chain(levels)
    }

    /// A read in the bucket's account and region; one that failed is noted.
    pub fn read<T: Clone>(&mut self, read: Read, narrow: fn(&Fact) -> Option<&T>) -> Observed<T> {
        let place = self.place.clone();
        self.read_at(&place, read, narrow)
    }

    pub fn read_at<T: Clone>(&mut self, place: &Place, read: Read, narrow: fn(&Fact) -> Option<&T>) -> Observed<T> {
        let answer = self.live.view(place, read, narrow);
        if let Observed::Unknown(gap) = &answer {
            self.gaps.push(gap.clone());
        }
        answer
    }

    /// The worlds of a principal: the same for most.
    pub fn worlds(&self, subject: &Subject) -> Rc<Worlds> {
        let open = subject.class.as_ref().map(|class| class.open);
        let sender = (subject.credential, subject.traits.clone(), subject.in_account, open);
        let mut known = self.worlds.borrow_mut();
        Rc::clone(known.entry(sender).or_insert_with(|| Rc::new(Worlds::of(subject, self))))
    }

    /// The bucket's own policy with its public access block.
    pub fn guard(&self) -> Guard<'_> {
        Guard { policy: self.policy.as_ref().map(|sheet| &***sheet), block: Some(&self.block) }
    }

    pub fn assume(&mut self, code: &str, message: impl Into<String>) {
        self.assumptions.push(Assumption { code: code.to_owned(), message: message.into(), unread: false });
    }

    /// B4: a switch is on when the account or the bucket has it on.
    fn switches(&mut self) -> PublicAccessBlock {
        let account = self.read(Read::AccountPublicAccessBlock, Fact::public_access_block);
        let bucket = self.read(Read::BucketPublicAccessBlock { bucket: self.bucket() }, Fact::public_access_block);
        let (account, bucket) = (account.present().unwrap_or_else(off), bucket.present().unwrap_or_else(off));
        PublicAccessBlock {
            block_public_acls: account.block_public_acls || bucket.block_public_acls,
            ignore_public_acls: account.ignore_public_acls || bucket.ignore_public_acls,
            block_public_policy: account.block_public_policy || bucket.block_public_policy,
            restrict_public_buckets: account.restrict_public_buckets || bucket.restrict_public_buckets,
        }
    }

    /// B3: lists count unless the bucket's owner owns every object. A bucket without ownership controls is `ObjectWriter`.
    fn lists(&mut self) -> Option<Observed<Acl>> {
        let ownership = self.read(Read::BucketOwnership { bucket: self.bucket() }, Fact::ownership).present();
        if ownership.is_some_and(|ownership| ownership.object_ownership == "BucketOwnerEnforced") {
            return None;
        }
        Some(self.read(Read::BucketAcl { bucket: self.bucket() }, Fact::acl))
    }

    fn doors(&mut self) {
        self.doors_of_regions();
        match self.read(Read::AccessPoints { bucket: self.bucket() }, Fact::names) {
            Observed::Present(names) => {
                for name in names.0 {
                    self.door(name);
                }
            }
            Observed::Absent => {}
            Observed::Unknown(_) => self.doors_listed = false,
        }
    }

    /// Doors of the account in several regions; a plan does not ask for them.
    fn doors_of_regions(&mut self) {
        let read = Read::MultiRegionAccessPoints { bucket: self.bucket() };
        if !self.asked(&read) {
            return;
        }
        match self.read(read, Fact::multi_region_access_points) {
            Observed::Present(points) => {
                for MultiRegionAccessPoint { point, policy } in points {
                    let title = format!("policy of Multi-Region access point {}", point.name);
                    let policy = policy.map(|text| self.library.read(&title, &text));
                    self.doors.push(Door { point, policy });
                }
            }
            Observed::Absent => {}
            Observed::Unknown(_) => self.doors_listed = false,
        }
    }

    fn lent(&mut self) -> Option<Vec<AccessGrant>> {
        if !self.asked(&Read::AccessGrants) {
            return None;
        }
        Some(self.read(Read::AccessGrants, Fact::access_grants).present().unwrap_or_default())
    }

    fn asked(&self, read: &Read) -> bool {
        self.live.contains(&Query { place: self.place.clone(), read: read.clone() })
    }

    fn door(&mut self, name: String) {
        let Observed::Present(point) = self.read(Read::AccessPoint { name: name.clone() }, Fact::access_point) else {
            self.doors_listed = false;
            return;
        };
        let title = format!("policy of access point {name}");
        let policy = match self.read(Read::AccessPointPolicy { name }, Fact::policy) {
            Observed::Present(text) => Some(self.library.read(&title, &text.0)),
            Observed::Absent => None,
            Observed::Unknown(gap) => Some(self.library.unknown(&title, &gap.message)),
        };
        self.doors.push(Door { point, policy });
    }

    /// The ARN behind any spelling of a key that S3 gives back: ARN, id or alias. What cannot be resolved stands for
    /// itself, with a policy that is not known.
    pub fn key_arn(&mut self, text: &str) -> String {
        if let Some(Fact::Key(key)) = self.anywhere(&Read::Key { key: text.to_owned() }).present() {
            return key.arn;
        }
        let alias = text.parse::<Arn>().ok().map(|arn| arn.resource).filter(|name| name.starts_with("alias/"));
        let by_alias = alias.and_then(|alias| self.anywhere(&Read::Key { key: alias }).present());
        match by_alias {
            Some(Fact::Key(key)) => key.arn,
            _ => text.to_owned(),
        }
    }

    /// Adds a key to those that are asked about.
    pub fn add_key(&mut self, arn: &str) {
        if self.keys.contains_key(arn) {
            return;
        }
        let title = "key policy";
        let policy = match self.anywhere(&Read::KeyPolicy { key: arn.to_owned() }) {
            Observed::Present(Fact::Policy(text)) => Some(self.library.read(title, &text.0)),
            Observed::Absent => None,
            Observed::Present(_) => Some(self.library.unknown(title, "it has another shape than asked")),
            Observed::Unknown(gap) => {
                let unknown = self.library.unknown(title, &gap.message);
                self.gaps.push(gap);
                Some(unknown)
            }
        };
        let grants = match self.anywhere(&Read::KeyGrants { key: arn.to_owned() }) {
            Observed::Present(Fact::KeyGrants(grants)) => grants,
            Observed::Absent => Vec::new(),
            Observed::Present(_) => vec![any_grant()],
            Observed::Unknown(gap) => {
                // A key that a plan has yet to make has no grants that anybody could list.
                if crate::model::Reference::occurs_in(arn) {
                    Vec::new()
                } else {
                    self.gaps.push(gap);
                    vec![any_grant()]
                }
            }
        };
        let account = arn.parse::<Arn>().ok().map(|arn| arn.account);
        let account =
            account.or_else(|| Some(self.account().to_owned()).filter(|_| crate::model::Reference::occurs_in(arn)));
        self.keys.insert(arn.to_owned(), KeyState { arn: arn.to_owned(), account, policy, grants });
    }

    /// The key that AWS manages for S3 in the bucket's account. Nobody can change its policy, so it is known unread.
    pub fn add_aws_managed_key(&mut self) -> String {
        let (account, region, partition) = (self.account(), &self.desired.aws.region, self.partition());
        let arn = format!("arn:{partition}:kms:{region}:{account}:key/{AWS_MANAGED_KEY}");
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"ThroughS3","Effect":"Allow","Principal":{{"AWS":"*"}},"Action":["kms:Encrypt","kms:Decrypt","kms:ReEncrypt*","kms:GenerateDataKey*","kms:DescribeKey"],"Resource":"*","Condition":{{"StringEquals":{{"kms:ViaService":"s3.{region}.amazonaws.com","kms:CallerAccount":"{account}"}}}}}}]}}"#
        );
        let policy = Some(self.library.read("policy of the AWS managed key", &text));
        let account = Some(account.to_owned());
        self.keys.insert(arn.clone(), KeyState { arn: arn.clone(), account, policy, grants: Vec::new() });
        arn
    }

    /// A key may be asked for in its own account and region: the first place with an answer.
    fn anywhere(&self, read: &Read) -> Observed<Fact> {
        let mut found: Option<Observed<Fact>> = None;
        for answer in self.live.everywhere(read) {
            match answer {
                Observed::Present(_) => return answer.clone(),
                _ => found = Some(answer.clone()),
            }
        }
        found.unwrap_or_else(|| self.live.get(&Query { place: self.place.clone(), read: read.clone() }))
    }
}

fn off() -> PublicAccessBlock {
    PublicAccessBlock {
        block_public_acls: false,
        ignore_public_acls: false,
        block_public_policy: false,
        restrict_public_buckets: false,
    }
}

/// What stands for grants that were not read: anybody may hold one. Its constraints are unreadable on purpose, which the
/// evaluator takes for "may or may not hold".
fn any_grant() -> Grant {
    Grant {
        id: "grants that were not read".to_owned(),
        name: String::new(),
        grantee: "*".to_owned(),
        retiring: None,
        issuing_account: None,
        operations: ["CreateGrant", "Decrypt", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo"]
            .map(str::to_owned)
            .to_vec(),
        constraints: Some("not read".to_owned()),
    }
}
