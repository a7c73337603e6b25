use crate::harness::Case;
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn probe() {
    let case = Case::insecure().await;
    let router = case.router().await;
    let live = auditseal::observe::observe(&router, &case.desired).await;
    let t = std::time::Instant::now();
    let a = auditseal::access::assess(&case.desired, &live);
    println!(
        "one assess {:?} principals {} gaps {:#?} assumptions {:#?} proofs {:#?}",
        t.elapsed(),
        a.principals.len(),
        a.gaps,
        a.assumptions,
        a.proofs
    );
    let t = std::time::Instant::now();
    let plan = case.plan(&router).await;
    println!("plan {:?}", t.elapsed());
    println!("{}", serde_json::to_string_pretty(&plan.access).unwrap());
}
