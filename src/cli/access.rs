use anyhow::Context;
use auditseal::access::Assessment;
use auditseal::report::{self, AccessFilter};
use auditseal::run::access::{OrganizationFile, access};

use super::args::{Access, Format, Global};
use super::exit::Exit;
use super::output::Output;
use super::session;

pub async fn run(global: &Global, verb: &Access, output: &Output) -> anyhow::Result<Exit> {
    let loaded = match session::load(global, output) {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let organization = match &verb.organization {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("the organization file `{}` could not be read", path.display()))?;
            let file = OrganizationFile::parse(&text)
                .with_context(|| format!("`{}` is no organization file", path.display()))?;
            Some(file)
        }
        None => None,
    };
    let desired = session::desired(loaded);
    let router = session::connections(global, &desired).await?;
    let assessment = access(&router, &desired, organization.as_ref(), verb.planned).await;
    let filter = AccessFilter { question: verb.question.map(Into::into), principal: verb.principal.clone() };
    print(global, &assessment, &filter, output)?;
    Ok(if filter.is_clean(&assessment) { Exit::Done } else { Exit::Refused })
}

fn print(global: &Global, assessment: &Assessment, filter: &AccessFilter, output: &Output) -> anyhow::Result<()> {
    let text = match global.format {
        Format::Json => report::access_json(assessment, filter)?,
        Format::Markdown => report::access_markdown(assessment, filter),
        Format::Text => {
            let mut text = String::new();
            let options =
                report::AccessOptions { color: output.color, concise: global.concise, verbose: global.verbose };
            report::access_text(assessment, filter, options, &mut text)?;
            text
        }
    };
    output.data(&text)?;
    Ok(())
}
