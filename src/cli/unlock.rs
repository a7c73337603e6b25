use auditseal::run::apply::locations;
use auditseal::run::lock::{LockError, unlock};

use super::args::{Global, Unlock};
use super::exit::Exit;
use super::output::Output;
use super::session;

pub async fn run(global: &Global, verb: &Unlock, output: &Output) -> anyhow::Result<Exit> {
    let loaded = match session::load(global, output) {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let desired = session::desired(loaded);
    let router = session::connections(global, &desired).await?;
    let mut exit = Exit::Done;
    let mut broken = 0;
    for (place, name) in locations(&desired) {
        match unlock(&router, &place, &name, &verb.run).await {
            Ok(true) => {
                output.note(&format!("{name}: unlocked."));
                broken += 1;
            }
            Ok(false) => output.note(&format!("{name}: not locked.")),
            Err(error @ LockError::Held { .. }) => {
                output.note(&format!("error: {error}"));
                exit = Exit::Refused;
            }
            Err(error) => return Err(error.into()),
        }
    }
    if broken == 0 && exit == Exit::Done {
        output.note("Nothing was locked.");
    }
    Ok(exit)
}
