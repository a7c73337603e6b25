//! Objects below one prefix of a bucket that holds no logs: where runs and checks keep what has to outlive their machine.
//! Nothing here can name an object of another bucket or prefix.
//!
//! Writes are conditional (S3 User Guide, "Add preconditions to S3 operations with conditional requests"): a new object is
//! made only where there is none, and an object is replaced only while it is the one that was read.

use std::future::Future;
use std::sync::{Arc, OnceLock};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Region;
use aws_sdk_s3::primitives::ByteStream;
use jiff::Timestamp;

use super::S3;
use super::newest::next;
use crate::model::{Gap, Observed};
use crate::provider::WriteError;
use crate::provider::aws::client::AwsClient;
use crate::provider::aws::error::Failure;

/// What is kept has a few hundred kilobytes; larger objects are somebody else's, and are not read.
const LONGEST: i64 = 64 * 1024 * 1024;

/// The objects below a prefix, named without it.
#[derive(Clone, Debug)]
pub struct Objects {
    reads: S3,
    writes: S3,
    bucket: String,
    /// Empty, or with its final slash.
    prefix: String,
    /// Where the bucket is, once S3 has said that it is not in the client's region.
    region: Arc<OnceLock<String>>,
}

/// An object as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub bytes: Vec<u8>,
    /// Names this content, and nothing more: it is no digest where KMS encrypts.
    pub etag: String,
}

/// An object as a list tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    pub etag: String,
    /// In bytes.
    pub size: u64,
    pub modified: Timestamp,
}

/// What has to hold for a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// There is none of that name (`If-None-Match: *`).
    New,
    /// It is still the one with this ETag (`If-Match`).
    Replaces(String),
}

/// How a conditional write ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// With the ETag that it has now.
    Written(String),
    /// The condition does not hold: somebody else wrote, or removed it.
    Differs,
}

impl AwsClient {
    /// The objects of `bucket` below `prefix`, which is given without slashes at its ends. The bucket has to belong to the
    /// client's account; its region is found out.
    #[must_use]
    pub fn objects(&self, bucket: &str, prefix: &str) -> Objects {
        let (reads, writes) = self.s3();
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let (reads, writes) = (reads.clone(), writes.clone());
        Objects { reads, writes, bucket: bucket.to_owned(), prefix, region: Arc::default() }
    }
}

impl Objects {
    /// Every object whose name begins with `start`, sorted by name.
    ///
    /// # Errors
    /// When the list cannot be read, to its end.
    pub async fn list(&self, start: &str) -> Result<Vec<Listed>, Gap> {
        let what = || format!("s3:ListBucket on {}", self.bucket);
        self.in_its_region(&self.reads, |client| self.pages(client, start))
            .await
            .map_err(|failure| failure.into_gap(what(), Some("s3:ListBucket")))
    }

    async fn pages(&self, client: Client, start: &str) -> Result<Vec<Listed>, Failure> {
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let page = client
                .list_objects_v2()
                .bucket(&self.bucket)
                .prefix(self.key(start))
                .set_expected_bucket_owner(self.reads.owner())
                .set_continuation_token(token.clone())
                .send()
                .await?;
            for object in page.contents() {
                let (Some(key), Some(etag), Some(modified)) = (object.key(), object.e_tag(), object.last_modified())
                else {
                    return Err(Failure::incomplete("ListObjectsV2 answers an object without name, ETag or time"));
                };
                let modified = Timestamp::new(modified.secs(), 0)
                    .map_err(|error| Failure::incomplete(format!("ListObjectsV2 answers no time: {error}")))?;
                let Some(name) = key.strip_prefix(&self.prefix) else { continue };
                let size = object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
                found.push(Listed { name: name.to_owned(), etag: etag.to_owned(), size, modified });
            }
            match next(&page, token.as_deref())? {
                Some(more) => token = Some(more),
                None => return Ok(found),
            }
        }
    }

    /// One object. It is absent only when S3 says that there is no such key, which it says only to those who may list.
    pub async fn get(&self, name: &str) -> Observed<Object> {
        let what = || format!("s3:GetObject on {}/{}", self.bucket, self.key(name));
        match self.in_its_region(&self.reads, |client| self.body(client, name)).await {
            Ok(object) => Observed::Present(object),
            Err(failure) if failure.is("NoSuchKey") => Observed::Absent,
            Err(failure) => Observed::Unknown(failure.into_gap(what(), Some("s3:GetObject"))),
        }
    }

    async fn body(&self, client: Client, name: &str) -> Result<Object, Failure> {
        let owner = self.reads.owner();
        let request = client.get_object().bucket(&self.bucket).key(self.key(name)).set_expected_bucket_owner(owner);
        let answer = request.send().await?;
        if answer.content_length().is_some_and(|length| length > LONGEST) {
            return Err(Failure::incomplete("the object is larger than anything that auditseal writes"));
        }
        let etag = answer.e_tag().ok_or_else(|| Failure::incomplete("GetObject answers no ETag"))?.to_owned();
        let bytes = answer.body.collect().await.map_err(|error| Failure::lost(error.to_string()))?.to_vec();
        Ok(Object { bytes, etag })
    }

    /// Writes an object when its condition holds. Sent once; the bucket's default encryption applies.
    ///
    /// # Errors
    /// As any write. After a transient one it may have been written all the same.
    pub async fn put(&self, name: &str, bytes: &[u8], condition: &Condition) -> Result<Kept, WriteError> {
        let sent = self.in_its_region(&self.writes, |client| self.sent(client, name, bytes, condition)).await;
        match sent {
            Ok(etag) => Ok(Kept::Written(etag)),
            Err(failure) if failure.is("PreconditionFailed") => Ok(Kept::Differs),
            // What was to be replaced is gone.
            Err(failure) if *condition != Condition::New && failure.is("NoSuchKey") => Ok(Kept::Differs),
            Err(failure) => Err(failure.into_write_error(Some("s3:PutObject"))),
        }
    }

    async fn sent(&self, client: Client, name: &str, bytes: &[u8], condition: &Condition) -> Result<String, Failure> {
        let (new, replaces) = match condition {
            Condition::New => (Some("*".to_owned()), None),
            Condition::Replaces(etag) => (None, Some(etag.clone())),
        };
        let answer = client
            .put_object()
            .bucket(&self.bucket)
            .key(self.key(name))
            .set_expected_bucket_owner(self.writes.owner())
            .set_if_none_match(new)
            .set_if_match(replaces)
            .body(ByteStream::from(bytes.to_vec()))
            .send()
            .await?;
        answer.e_tag().map(str::to_owned).ok_or_else(|| Failure::incomplete("PutObject answers no ETag"))
    }

    /// Removes an object; nothing when it is gone.
    ///
    /// # Errors
    /// As any write.
    pub async fn delete(&self, name: &str) -> Result<(), WriteError> {
        let owner = self.writes.owner();
        let sent = self.in_its_region(&self.writes, |client| {
            let request = client.delete_object().bucket(&self.bucket).key(self.key(name));
            let request = request.set_expected_bucket_owner(owner.clone());
            async move { Ok(request.send().await.map(drop)?) }
        });
        sent.await.map_err(|failure| failure.into_write_error(Some("s3:DeleteObject")))
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Asks in the client's region, and again in the bucket's when S3 says that it is another one.
    async fn in_its_region<T, F>(&self, s3: &S3, ask: impl Fn(Client) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let first = self.region.get().map_or_else(|| s3.client.clone(), |region| s3.in_region(region));
        let mut answer = ask(first).await;
        if let Err(failure) = &answer
            && let Some(region) = failure.redirect().map(str::to_owned)
            && self.region.get().is_none_or(|known| *known != region)
        {
            let there = s3.in_region(&region);
            // Another request may have found it out at the same time.
            let _ = self.region.set(region);
            answer = ask(there).await;
        }
        answer.map_err(|failure| failure.expecting_owner(s3.owner.as_deref()))
    }
}

impl S3 {
    fn in_region(&self, region: &str) -> Client {
        let there = self.client.config().to_builder().region(Region::new(region.to_owned()));
        Client::from_conf(there.build())
    }
}
