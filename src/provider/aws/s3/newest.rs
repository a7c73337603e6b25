//! The newest delivered object, by names alone: whoever may list and not read (`model::desired::Observer`) can ask.

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::operation::list_objects_v2::builders::ListObjectsV2FluentBuilder;
use futures::StreamExt;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::S3;
use crate::model::Fact;
use crate::model::objects::NewestObject;
use crate::provider::aws::error::{Answer, Failure};

/// Lists at one time, when the first workspace has nothing fresh.
const LISTS: usize = 8;

impl S3 {
    /// Objects are `[prefix/]workspaceId=<id>/date=<yyyy-mm-dd>/auditlogs_<id>.json` (Databricks, "Configure audit log
    /// delivery"); only the partitions of the day of `fresh_since`, the day before and later ones are listed. The first
    /// object that is fresh ends the search: an estate that delivers costs two requests, whatever its number of workspaces.
    pub(in super::super) async fn newest_object(&self, bucket: &str, prefix: &str, fresh_since: Timestamp) -> Answer {
        let workspaces = self.workspaces(bucket, prefix).await?;
        let first_day = first_day(fresh_since)?;
        let mut newest = NewestObject { workspaces: workspaces.len(), ..NewestObject::default() };
        let mut rest = workspaces.into_iter();
        let search = |workspace: String| self.newest_of(bucket, workspace, &first_day, fresh_since);
        if let Some(first) = rest.next() {
            newest.take(search(first).await?);
        }
        let mut found = futures::stream::iter(rest).map(search).buffer_unordered(LISTS);
        while newest.modified.is_none_or(|time| time < fresh_since)
            && let Some(one) = found.next().await
        {
            newest.take(one?);
        }
        Ok(Some(Fact::from(newest)))
    }

    fn list(&self, bucket: &str, prefix: &str) -> ListObjectsV2FluentBuilder {
        self.client.list_objects_v2().bucket(bucket).prefix(prefix).set_expected_bucket_owner(self.owner())
    }

    /// Prefixes of the workspaces; account-level events (workspace 0), which never stop for long, come first.
    async fn workspaces(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, Failure> {
        let below = if prefix.is_empty() { "workspaceId=".to_owned() } else { format!("{prefix}/workspaceId=") };
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let page = self.list(bucket, &below).delimiter("/").set_continuation_token(token.clone()).send().await?;
            found.extend(page.common_prefixes().iter().filter_map(|one| one.prefix().map(str::to_owned)));
            match next(&page, token.as_deref())? {
                Some(more) => token = Some(more),
                None => break,
            }
        }
        found.sort_by_key(|one| !one.ends_with("workspaceId=0/"));
        Ok(found)
    }

    async fn newest_of(
        &self,
        bucket: &str,
        workspace: String,
        first_day: &str,
        fresh_since: Timestamp,
    ) -> Result<Option<(Timestamp, String)>, Failure> {
        let dates = format!("{workspace}date=");
        let after = format!("{dates}{first_day}");
        let mut newest: Option<(Timestamp, String)> = None;
        let mut token = None;
        loop {
            let page =
                self.list(bucket, &dates).start_after(&after).set_continuation_token(token.clone()).send().await?;
            for object in page.contents() {
                let (Some(modified), Some(key)) = (object.last_modified(), object.key()) else { continue };
                let modified = Timestamp::new(modified.secs(), 0)
                    .map_err(|error| Failure::incomplete(format!("ListObjectsV2 answers no time: {error}")))?;
                if newest.as_ref().is_none_or(|(known, _)| *known < modified) {
                    let partition = key.rsplit_once('/').map_or(key, |(partition, _)| partition);
                    newest = Some((modified, partition.to_owned()));
                }
            }
            let fresh = newest.as_ref().is_some_and(|(time, _)| *time >= fresh_since);
            match next(&page, token.as_deref())? {
                Some(more) if !fresh => token = Some(more),
                _ => return Ok(newest),
            }
        }
    }
}

impl NewestObject {
    fn take(&mut self, found: Option<(Timestamp, String)>) {
        if let Some((time, partition)) = found
            && self.modified.is_none_or(|known| known < time)
        {
            (self.modified, self.partition) = (Some(time), Some(partition));
        }
    }
}

/// The day before: a file of yesterday may grow for a while after midnight.
fn first_day(fresh_since: Timestamp) -> Result<String, Failure> {
    let day = fresh_since.to_zoned(TimeZone::UTC).date();
    let before = day.checked_sub(1.day()).map_err(|error| Failure::not_sent(error.to_string()))?;
    Ok(before.to_string())
}

pub(super) fn next(page: &ListObjectsV2Output, token: Option<&str>) -> Result<Option<String>, Failure> {
    match (page.is_truncated(), page.next_continuation_token()) {
        (Some(true), Some(next)) if Some(next) != token => Ok(Some(next.to_owned())),
        (Some(true), _) => Err(Failure::incomplete("ListObjectsV2 is cut off and names no next page")),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_begins_the_day_before() {
        for (since, day) in [("2026-03-01T00:10:00Z", "2026-02-28"), ("2026-11-23T23:59:59Z", "2026-11-22")] {
            assert_eq!(first_day(since.parse().unwrap()).unwrap(), day);
        }
    }

    #[test]
    fn the_newest_of_all_workspaces_counts() {
        let mut newest = NewestObject::default();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        newest.take(Some((at("2026-11-23T10:00:00Z"), "a".to_owned())));
        newest.take(None);
        newest.take(Some((at("2026-11-23T09:00:00Z"), "b".to_owned())));
        assert_eq!((newest.modified, newest.partition.as_deref()), (Some(at("2026-11-23T10:00:00Z")), Some("a")));
    }
}
