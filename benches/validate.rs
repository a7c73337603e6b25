//! What a save hook waits for: a directory of manifests read, checked against each other, formatted, without a cloud.

#![allow(clippy::expect_used, reason = "a benchmark that cannot be set up has to stop")]

use std::hint::black_box;

use auditseal::manifest;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

const MINIMAL: &str = include_str!("../examples/manifests/minimal.toml");

/// So many manifests with buckets of their own, over shared defaults.
fn directory(count: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    for index in 0..count {
        let text = MINIMAL.replace("acme-databricks-audit", &format!("acme-databricks-audit-{index}"));
        std::fs::write(folder.path().join(format!("acme{index}.toml")), text).expect("manifest");
    }
    std::fs::write(folder.path().join("defaults.toml"), "[bucket]\nretention_days = 400\n").expect("defaults");
    folder
}

fn validates(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("validate");
    for count in [1, 100] {
        let folder = directory(count);
        assert_eq!(manifest::load(folder.path()).map_or(0, |loaded| loaded.len()), count);
        group.bench_with_input(BenchmarkId::from_parameter(count), &count, |bencher, _| {
            bencher.iter(|| manifest::load(black_box(folder.path())).map(|loaded| loaded.len()));
        });
    }
    group.finish();
}

fn formats(criterion: &mut Criterion) {
    let full = include_str!("../examples/manifests/full.toml");
    criterion.bench_function("fmt", |bencher| bencher.iter(|| manifest::format("full.toml", black_box(full))));
}

criterion_group!(benches, validates, formats);
criterion_main!(benches);
