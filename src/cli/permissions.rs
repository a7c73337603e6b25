use std::path::Path;

use auditseal::call::Listing;
use auditseal::report;
use auditseal::run::permissions::permissions;

use super::args::{Format, Global, MANIFESTS, Permissions};
use super::exit::Exit;
use super::output::Output;
use super::session;

pub fn run(global: &Global, verb: &Permissions, output: &Output) -> anyhow::Result<Exit> {
    if global.format == Format::Markdown {
        output.note("error: permissions are printed as text or json, not as markdown");
        return Ok(Exit::Usage);
    }
    // Nobody named a place and the usual one is not there: the list is of use before the first manifest, too.
    let nowhere = global.manifest == Path::new(MANIFESTS) && !global.manifest.exists();
    let desired = if nowhere {
        output.note("There is no manifest: names stand as words to be replaced.");
        Vec::new()
    } else {
        match session::load(global, output) {
            Ok(loaded) => session::desired(loaded),
            Err(exit) => return Ok(exit),
        }
    };
    print(global, verb, &permissions(verb.of.into(), &desired), output)?;
    Ok(Exit::Done)
}

fn print(global: &Global, verb: &Permissions, listing: &Listing, output: &Output) -> anyhow::Result<()> {
    let mut text = String::new();
    match global.format {
        Format::Json => text = report::permissions_json(listing)?,
        _ => report::permissions_text(listing, verb.reasons || global.verbose, output.color, &mut text)?,
    }
    output.data(&text)?;
    Ok(())
}
