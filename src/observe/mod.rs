//! Which questions → [`Live`]. A question is asked as soon as the answers it depends on are there; a failed read becomes a
//! gap in its place. This room decides what to ask, never what an answer means for the declaration.

mod access;
mod catalog;
mod needed;
mod questions;

use std::collections::BTreeSet;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use crate::call::Query;
use crate::model::{Desired, Live};
use crate::provider::Reader;

pub use access::{needed_for_access, needed_for_plan};
pub use needed::needed;

/// Reads everything that planning the manifests needs, and what shows who gains and loses access.
///
/// Questions are shared between manifests and asked once. There are no waves: each answer may release further questions
/// at once, so that the time is that of the longest chain of dependent answers, whatever the number of manifests.
/// The provider bounds the number of requests in flight.
pub async fn observe<R: Reader>(reader: &R, desired: &[Desired]) -> Live {
    ask(reader, |live| needed_for_plan(desired, live)).await
}

/// Reads everything that proving access needs, which is more than planning needs.
pub async fn observe_for_access<R: Reader>(reader: &R, desired: &[Desired]) -> Live {
    ask(reader, |live| needed_for_access(desired, live)).await
}

/// Asks until the answers raise no new question.
async fn ask<R: Reader>(reader: &R, needed: impl Fn(&Live) -> BTreeSet<Query>) -> Live {
    let mut live = Live::default();
    let mut asked: BTreeSet<Query> = BTreeSet::new();
    let mut in_flight = FuturesUnordered::new();
    loop {
        for query in needed(&live) {
            if asked.insert(query.clone()) {
                in_flight.push(async move {
                    let answer = reader.read(&query).await;
                    (query, answer)
                });
            }
        }
        let Some((query, answer)) = in_flight.next().await else { break };
        live.set(query, answer);
        // Answers that are there already are taken together: recomputing what is needed costs more than a set.
        while let Some(Some((query, answer))) = futures::FutureExt::now_or_never(in_flight.next()) {
            live.set(query, answer);
        }
    }
    live
}

/// Asks the given questions again, all at once.
pub async fn reread<R: Reader>(reader: &R, queries: impl IntoIterator<Item = Query>) -> Live {
    let mut live = Live::default();
    let mut in_flight: FuturesUnordered<_> = queries
        .into_iter()
        .map(|query| async move {
            let answer = reader.read(&query).await;
            (query, answer)
        })
        .collect();
    while let Some((query, answer)) = in_flight.next().await {
        live.set(query, answer);
    }
    live
}
