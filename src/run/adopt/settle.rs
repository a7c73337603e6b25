//! From the sketch to the final text: planned in memory, and waived until nothing is left that can be waived.

use std::collections::BTreeSet;
use std::future::Future;

use crate::adopt::{Sketch, Target, Terms, exceptions, text, unneeded, wider_first, write};
use crate::manifest;
use crate::model::desired::Desired;
use crate::model::live::Read;
use crate::model::{Control, Fact, Kind, Live};
use crate::plan::guard::Purpose;
use crate::plan::{Plan, Verdict};
use crate::provider::Reader;
use crate::report;

use super::super::plan::{PlanOptions, plan_from};
use super::AdoptError;
use super::survey::Survey;

/// More rounds of waiving than these change nothing any more.
const MOST_ROUNDS: usize = 8;
/// More gaps than these are counted, not named.
const MOST_GAPS: usize = 8;

impl<R, E, C, F> Survey<'_, C, R>
where
    R: Reader,
    C: Fn(Desired) -> F,
    F: Future<Output = Result<R, E>>,
{
    /// Waives what a plan would change until nothing is left that can be waived, and gives the final text with its plan.
    pub(super) async fn settle(
        &self,
        sketch: &mut Sketch,
        terms: &Terms,
    ) -> Result<(String, String, Plan), AdoptError<E>> {
        let desired = self.parse(sketch, &text(sketch))?;
        let live = self.observe(&desired).await?;
        let read = Read::BucketLocation { bucket: sketch.bucket.clone() };
        let exists = !live.view(&desired.aws_place(), read, Fact::bucket_region).is_absent();
        let mut targets = BTreeSet::new();
        if exists {
            targets = self.targets(sketch, terms, &live)?;
        }
        sketch.exceptions = write(&targets, &self.planned(sketch, &targets, terms, &live)?.waived, terms, &title);
        if exists {
            sketch.remarks.head.push(introduction(sketch));
        }
        let (canonical, plan) = self.finished(sketch, &live)?;
        if plan.gaps.is_empty() {
            return Ok((self.name(sketch), canonical, plan));
        }
        let gaps: Vec<String> = plan.gaps.iter().take(MOST_GAPS).map(ToString::to_string).collect();
        let more = plan.gaps.len().saturating_sub(MOST_GAPS);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        sketch.remarks.head.push(format!(
            "Not everything could be read, and what hangs on it is not in here: {}{more}.",
            gaps.join("; ")
        ));
        let (canonical, plan) = self.finished(sketch, &live)?;
        Ok((self.name(sketch), canonical, plan))
    }

    /// The canonical text of the sketch, with its plan and what that does to access.
    fn finished(&self, sketch: &Sketch, live: &Live) -> Result<(String, Plan), AdoptError<E>> {
        let written = text(sketch);
        let canonical = manifest::format(&format!("{}.toml", self.name(sketch)), &written)
            .map_err(|findings| AdoptError::Invalid { text: written, findings })?;
        let desired = self.parse(sketch, &canonical)?;
        let plan = plan_from(live, &[desired], &self.plan_options(true), Purpose::Plan);
        Ok((canonical, plan))
    }

    fn targets(&self, sketch: &Sketch, terms: &Terms, live: &Live) -> Result<BTreeSet<Target>, AdoptError<E>> {
        let mut targets = BTreeSet::new();
        for _ in 0..MOST_ROUNDS {
            let plan = self.planned(sketch, &targets, terms, live)?;
            let wider = wider_first(&plan.changes);
            let mut found = if wider.is_subset(&targets) { exceptions(&plan.changes) } else { wider };
            let shared_key = plan.guards.iter().any(|one| one.code == "key-used-elsewhere" && refuses(one.verdict));
            if shared_key {
                found.extend(whole_key());
            }
            if found.is_subset(&targets) {
                break;
            }
            targets.extend(found);
        }
        // What turned out to waive nothing goes, unless something else hangs on it.
        let plan = self.planned(sketch, &targets, terms, live)?;
        let fewer: BTreeSet<Target> = targets.difference(&unneeded(&targets, &plan.waived)).cloned().collect();
        let again = self.planned(sketch, &fewer, terms, live)?;
        let refused = |plan: &Plan| plan.guards.iter().filter(|one| refuses(one.verdict)).count();
        let same = again.changes.len() == plan.changes.len() && refused(&again) == refused(&plan);
        Ok(if same { fewer } else { targets })
    }

    /// A plan in memory of the sketch with these waivers.
    fn planned(
        &self,
        sketch: &Sketch,
        targets: &BTreeSet<Target>,
        terms: &Terms,
        live: &Live,
    ) -> Result<Plan, AdoptError<E>> {
        let exceptions = write(targets, &[], terms, &|control| control.to_string());
        let waived = Sketch { exceptions, ..sketch.clone() };
        let desired = self.parse(&waived, &text(&waived))?;
        Ok(plan_from(live, &[desired], &self.plan_options(false), Purpose::Plan))
    }

    fn plan_options(&self, access: bool) -> PlanOptions {
        PlanOptions {
            allow: self.options.allow.clone(),
            partial: self.options.beside.others,
            access,
            today: self.options.today,
            ..PlanOptions::default()
        }
    }
}

/// What the file is, for whoever opens it.
fn introduction(sketch: &Sketch) -> String {
    let list = "The estate as it was found. It reads as a list of things to do, the hardest risk first: decide on the \
                readers, then remove one waiver after the other. `auditseal plan` shows what that changes, `auditseal \
                explain CONTROL` says why.";
    let sealed = "The estate as it was found: every control holds, and there is nothing to waive.";
    if sketch.exceptions.is_empty() { sealed.to_owned() } else { list.to_owned() }
}

fn refuses(verdict: Verdict) -> bool {
    verdict == Verdict::Refuse
}

/// Everything that would take a key from others who use it.
fn whole_key() -> BTreeSet<Target> {
    let policy = [
        Control::UndeclaredStatements,
        Control::UndeclaredKeyUseDenied,
        Control::DirectKeyUseDenied,
        Control::GrantCreationDenied,
    ];
    let policy = policy.into_iter().map(|control| Target::new(control, Kind::KmsKeyPolicy, "audit"));
    policy.chain([Target::new(Control::KeyGrants, Kind::KmsGrants, "audit")]).collect()
}

/// What a control asks for, in words.
fn title(control: Control) -> String {
    report::explain(control.name()).map_or_else(|| control.to_string(), |code| code.title.to_owned())
}
