//! Who can read, write, tamper with and list, for every principal of an account: from the texts of the policies to the
//! assessment with its witnesses and proofs.

mod estate;
#[allow(
    dead_code,
    clippy::expect_used,
    reason = "the estate of the tests of the room, of which a benchmark needs little"
)]
#[path = "../src/access/tests/lab/mod.rs"]
mod lab;

use std::hint::black_box;

// The estate of the tests names the rooms as they do.
use auditseal::{access, manifest, model};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

use access::{Compiled, Question, assess, assess_with};
use estate::Kind;

fn accounts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("who_can");
    group.sample_size(10);
    for (kind, roles) in
        [(Kind::Ordinary, 1_000), (Kind::Ordinary, 10_000), (Kind::AllMeet, 100), (Kind::AllMeet, 1_000)]
    {
        let lab = estate::account(lab::sealed(), roles, kind);
        let (desired, live) = (std::slice::from_ref(&lab.desired), lab.live());
        let found = assess(desired, &live);
        assert!(Question::ALL.iter().all(|question| !found.who(*question).is_empty()), "nobody can do anything");
        let name = format!("{kind:?}");
        group.bench_with_input(BenchmarkId::new(&name, roles), &live, |bencher, live| {
            bencher.iter(|| assess(desired, black_box(live)));
        });
        // What a plan does after each of its steps.
        let compiled = Compiled::default();
        group.bench_with_input(BenchmarkId::new(format!("{name}, a further state"), roles), &live, |bencher, live| {
            bencher.iter(|| assess_with(&compiled, desired, black_box(live)));
        });
    }
    group.finish();
}

criterion_group!(benches, accounts);
criterion_main!(benches);
