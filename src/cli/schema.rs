use super::args::{Schema, SchemaOf};
use super::exit::Exit;
use super::output::Output;

pub fn run(verb: &Schema, output: &Output) -> anyhow::Result<Exit> {
    let schema = match verb.of {
        SchemaOf::Manifest => auditseal::manifest::schema(),
        SchemaOf::Defaults => auditseal::manifest::defaults_schema(),
        SchemaOf::Access => auditseal::report::access_schema(),
        SchemaOf::Plan => auditseal::report::plan_schema(),
        SchemaOf::PlanExplain => auditseal::report::explanation_schema(),
        SchemaOf::Drift => auditseal::report::drift_schema(),
        SchemaOf::Init => auditseal::report::init_schema(),
        SchemaOf::Permissions => auditseal::report::permissions_schema(),
        SchemaOf::Review => auditseal::report::review_schema(),
        SchemaOf::PolicySimulate => auditseal::report::simulated_schema(),
        SchemaOf::Alert => auditseal::report::notice_schema(),
        SchemaOf::AlertSinks => auditseal::report::sinks_schema(),
        SchemaOf::Runs => auditseal::report::runs_schema(),
        SchemaOf::PolicyIncludes => auditseal::report::compared_schema(),
    };
    output.data(&format!("{schema:#}\n"))?;
    Ok(Exit::Done)
}
