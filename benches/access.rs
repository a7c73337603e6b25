//! Documents parsed and every principal of an account asked about reading, writing and tampering, from texts to verdicts.

mod estate;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

fn accounts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("who_can");
    group.sample_size(10);
    for principals in [100, 1_000] {
        let texts = estate::texts(principals);
        assert!(estate::answer(&texts).iter().all(|count| *count > 0), "nobody can do anything");
        group.bench_with_input(BenchmarkId::from_parameter(principals), &texts, |bencher, texts| {
            bencher.iter(|| estate::answer(black_box(texts)));
        });
    }
    group.finish();
}

criterion_group!(benches, accounts);
criterion_main!(benches);
