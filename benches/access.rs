//! Who can read, write, tamper with and list, for every principal of an account: from the texts of the policies to the
//! assessment with its witnesses and proofs; and inclusion of two policies.

mod estate;
#[allow(
    dead_code,
    clippy::expect_used,
    reason = "the estate of the tests of the room, of which a benchmark needs little"
)]
#[path = "../src/access/tests/lab/mod.rs"]
mod lab;

use std::cell::LazyCell;
use std::hint::black_box;

// The estate of the tests names the rooms as they do.
use auditseal::{access, iam, manifest, model};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

use access::{Compiled, Question, assess, assess_with};
use estate::Kind;

/// The allocator of the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn accounts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("who_can");
    group.sample_size(10);
    for (kind, roles) in
        [(Kind::Ordinary, 1_000), (Kind::Ordinary, 10_000), (Kind::AllMeet, 100), (Kind::AllMeet, 1_000)]
    {
        // Made when a filter lets its benchmark run, so that the peak memory of a process is that of one of them.
        let live = LazyCell::new(|| {
            let lab = estate::account(lab::sealed(), roles, kind);
            let (desired, live) = (lab.desired.clone(), lab.live());
            drop(lab);
            let found = assess(std::slice::from_ref(&desired), &live);
            assert!(Question::ALL.iter().all(|question| !found.who(*question).is_empty()), "nobody can do anything");
            (desired, live)
        });
        let name = format!("{kind:?}");
        group.bench_function(BenchmarkId::new(&name, roles), |bencher| {
            let (desired, live) = &*live;
            bencher.iter(|| assess(std::slice::from_ref(desired), black_box(live)));
        });
        // What a plan does after each of its steps.
        let compiled = Compiled::default();
        group.bench_function(BenchmarkId::new(format!("{name}, a further state"), roles), |bencher| {
            let (desired, live) = &*live;
            bencher.iter(|| assess_with(&compiled, std::slice::from_ref(desired), black_box(live)));
        });
    }
    group.finish();
}

/// Texts in, verdict out: the generated bucket policy against itself with a reader more, and the policies of a role that
/// meets the bucket against each other.
fn includes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("policy_includes");
    let lab = estate::account(lab::sealed(), 1, Kind::AllMeet);
    let sealed = lab::document(&lab.bucket);
    let mut wider = lab.bucket.clone();
    wider.push(format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"{}2"}},"Action":"s3:GetObject","Resource":"arn:aws:s3:::{}/*"}}"#,
        lab::READER,
        lab::BUCKET
    ));
    let wider = lab::document(&wider);
    let Some([first, second, ..]) = lab.people.roles.last().map(|role| role.inline.as_slice()) else {
        unreachable!("the last role is one of the estate, with five policies")
    };
    for (name, reference, candidate) in [
        ("the same", &sealed, &sealed),
        ("a reader more", &sealed, &wider),
        ("two policies of a role", &first.text, &second.text),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| match (iam::parse(black_box(reference)), iam::parse(black_box(candidate))) {
                (Ok(reference), Ok(candidate)) => iam::includes(&reference, &candidate),
                refused => unreachable!("{refused:?}"),
            });
        });
    }
    group.finish();
}

criterion_group!(benches, accounts, includes);
criterion_main!(benches);
