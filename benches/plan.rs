//! The pure middle, without a cloud: harden, diff, order and guards, from live state in memory to a finished plan.
//!
//! Live state is that of an account where nothing of the delivery exists yet: the plan with the most steps.

#![allow(clippy::expect_used, reason = "a benchmark that cannot be set up has to stop")]

use std::hint::black_box;

use auditseal::manifest;
use auditseal::model::live::Query;
use auditseal::model::{Desired, Fact, Live, Observed};
use auditseal::observe::observe;
use auditseal::plan::guard::Purpose;
use auditseal::provider::Reader;
use auditseal::run::plan::{PlanOptions, plan_from};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

/// Answers every question with "there is none".
struct Nothing;

impl Reader for Nothing {
    async fn read(&self, _query: &Query) -> Observed<Fact> {
        Observed::Absent
    }
}

/// So many declarations, each with a bucket of its own.
fn declared(count: usize) -> Vec<Desired> {
    let text = include_str!("../examples/manifests/minimal.toml");
    (0..count)
        .map(|index| {
            let name = format!("acme{index}");
            let text = text.replace("acme-databricks-audit", &format!("acme-databricks-audit-{index}"));
            manifest::parse(&name, &format!("{name}.toml"), &text).expect("the example is valid")
        })
        .collect()
}

fn live(desired: &[Desired]) -> Live {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    runtime.block_on(observe(&Nothing, desired))
}

fn plans(criterion: &mut Criterion) {
    let options = PlanOptions::default();
    let mut group = criterion.benchmark_group("plan_from");
    for count in [1, 10, 50] {
        let desired = declared(count);
        let live = live(&desired);
        let plan = plan_from(&live, &desired, &options, Purpose::Plan);
        assert!(plan.steps.len() > 10 * count, "the plan is empty: {:?}", plan.gaps);
        group.bench_with_input(BenchmarkId::from_parameter(count), &count, |bencher, _| {
            bencher.iter(|| plan_from(black_box(&live), black_box(&desired), &options, Purpose::Plan));
        });
    }
    group.finish();
}

criterion_group!(benches, plans);
criterion_main!(benches);
