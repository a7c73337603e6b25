//! Which questions → [`Live`]. A question is asked as soon as the answers it depends on are there; a failed read becomes a
//! gap in its place. This room decides what to ask, never what an answer means for the declaration.

mod access;
mod catalog;
mod needed;
mod questions;

use std::collections::BTreeSet;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};

use crate::call::Query;
use crate::model::{Desired, Live};
use crate::provider::Reader;

pub use access::{needed_for_access, needed_for_plan};
pub use needed::needed;

/// With more questions under way than this, an eighth of them is answered before it is worked out what else is needed: that
/// takes longer the more manifests there are, and meanwhile there is enough to wait for.
const MANY: usize = 256;

/// Reads everything that planning the manifests needs.
///
/// Questions are shared between manifests and asked once. There are no waves: each answer may release further questions
/// at once, so that the time is that of the longest chain of dependent answers, whatever the number of manifests.
/// The provider bounds the number of requests in flight.
pub async fn observe<R: Reader>(reader: &R, desired: &[Desired]) -> Live {
    ask(reader, |live| needed(desired, live)).await
}

/// The same, and what shows who gains and loses access by a plan.
pub async fn observe_for_plan<R: Reader>(reader: &R, desired: &[Desired]) -> Live {
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
        // Answers that are there already are taken together: recomputing what is needed costs more than a set.
        let mut answered = 0_usize;
        loop {
            let under_way = in_flight.len();
            let waits = answered == 0 || (under_way > MANY && answered.saturating_mul(8) < under_way);
            let next = if waits { in_flight.next().await } else { in_flight.next().now_or_never().flatten() };
            let Some((query, answer)) = next else { break };
            live.set(query, answer);
            answered = answered.saturating_add(1);
        }
        if answered == 0 {
            break;
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::model::live::Read;
    use crate::model::{Fact, Observed, Place};

    /// Answers one question after the other.
    struct InTurn(tokio::sync::Semaphore);

    impl Reader for InTurn {
        async fn read(&self, _: &Query) -> Observed<Fact> {
            let _turn = self.0.acquire().await;
            tokio::task::yield_now().await;
            Observed::Absent
        }
    }

    #[tokio::test]
    async fn what_is_needed_is_not_worked_out_after_each_of_many_answers() {
        let place = Place::Aws { account: "111122223333".to_owned(), region: "us-east-1".to_owned() };
        let query = |read| Query { place: place.clone(), read };
        let policy = |number: usize| query(Read::BucketPolicy { bucket: number.to_string() });
        let acl = |number: usize| query(Read::BucketAcl { bucket: number.to_string() });
        let times = Cell::new(0);
        let reader = InTurn(tokio::sync::Semaphore::new(1));
        let live = ask(&reader, |live| {
            times.set(times.get() + 1);
            let released = (0..800).filter(|number| live.get(&policy(*number)).is_absent()).map(acl);
            (0..800).map(policy).chain(released).collect()
        });
        let live = live.await;
        assert!((0..800).all(|number| live.get(&acl(number)).is_absent()), "a question was not asked");
        // Of 1,600 answers.
        assert!(times.get() < 400, "{} times", times.get());
    }
}
