//! What is read, stage by stage: each hangs on what the one before found.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use crate::access::assess;
use crate::adopt::{
    Candidate, Found, Sketch, candidates, choose, describe_bucket, describe_key, key_of_bucket, people, text,
};
use crate::manifest::{self, Answer, Defaults};
use crate::model::databricks::Workspace;
use crate::model::desired::{self, Desired};
use crate::model::fact::BucketRegion;
use crate::model::live::{Query, Read};
use crate::model::place::Partition;
use crate::model::{Arn, Fact, Gap, Live, Observed, Place};
use crate::observe::{observe_for_plan, reread};
use crate::provider::Reader;

use super::super::plan::callers;
use super::memory::{Memory, Remembering};
use super::{AdoptError, AdoptOptions, NO_ACCOUNT};

pub(super) struct Survey<'a, C, R> {
    pub options: &'a AdoptOptions,
    pub connect: &'a C,
    pub memory: &'a Memory,
    /// The clients of the last stage: another one with the same accounts needs no new credentials.
    pub clients: Mutex<Option<(Reached, Arc<R>)>>,
}

/// What a connection depends on: account, region and role of the estate, and its replicas.
type Reached = (String, String, String, Vec<(String, String)>);

impl<R, E, C, F> Survey<'_, C, R>
where
    R: Reader,
    C: Fn(Desired) -> F,
    F: Future<Output = Result<R, E>>,
{
    /// Where to ask for the account and for the region of a bucket: S3 answers it anywhere.
    pub(super) fn first_region(&self) -> &'static str {
        match self.options.partition {
            Some(Partition::AwsUsGov | Partition::AwsUsGovDod) => "us-gov-west-1",
            Some(Partition::Aws) | None => "us-east-1",
        }
    }

    pub(super) fn name(&self, sketch: &Sketch) -> String {
        self.options.name.clone().unwrap_or_else(|| sketch.bucket.clone())
    }

    /// The sketch as a declaration. Who administers is filled in late: until then, nobody does.
    fn declared(&self, sketch: &Sketch) -> Result<Desired, AdoptError<E>> {
        let placeholder = sketch.admins.iter().all(|one| one.proposed);
        let written = text(sketch);
        let complete = if placeholder {
            let partition = sketch.partition.unwrap_or_else(|| partition(&sketch.region)).arn_name();
            let account = &sketch.aws_account;
            format!("{written}\n[admins.nobody]\nrole = \"arn:{partition}:iam::{account}:role/nobody\"\n")
        } else {
            written
        };
        let mut desired = self.parse(sketch, &complete)?;
        if placeholder {
            desired.admins.clear();
        }
        Ok(desired)
    }

    pub(super) fn parse(&self, sketch: &Sketch, text: &str) -> Result<Desired, AdoptError<E>> {
        let name = self.name(sketch);
        let file = format!("{name}.toml");
        let defaults = self.options.beside.defaults.as_ref().map(|(file, text)| Defaults { file, text });
        let parsed = manifest::parse_with(&name, &file, text, defaults);
        parsed.map(|(desired, _)| desired).map_err(|findings| AdoptError::Invalid { text: text.to_owned(), findings })
    }

    async fn reader(&self, desired: &Desired) -> Result<Arc<R>, AdoptError<E>> {
        let replicas = desired.bucket.replicas.iter().map(|one| (one.account_id.clone(), one.region.clone())).collect();
        let (aws, role) = (&desired.aws, &desired.role.arn.account);
        let reached: Reached = (aws.account_id.clone(), aws.region.clone(), role.clone(), replicas);
        let last = self.clients.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, clients)) = last.filter(|(known, _)| *known == reached) {
            return Ok(clients);
        }
        let clients = Arc::new((self.connect)(desired.clone()).await.map_err(AdoptError::Connect)?);
        *self.clients.lock().unwrap_or_else(PoisonError::into_inner) = Some((reached, Arc::clone(&clients)));
        Ok(clients)
    }

    async fn ask(&self, sketch: &Sketch, place: &Place, reads: &[Read]) -> Result<Live, AdoptError<E>> {
        let reader = self.reader(&self.declared(sketch)?).await?;
        let remembering = Remembering { reader: &*reader, memory: self.memory };
        let queries = reads.iter().map(|read| Query { place: place.clone(), read: read.clone() });
        Ok(reread(&remembering, queries).await)
    }

    pub(super) async fn observe(&self, desired: &Desired) -> Result<Live, AdoptError<E>> {
        let reader = self.reader(desired).await?;
        let remembering = Remembering { reader: &*reader, memory: self.memory };
        Ok(observe_for_plan(&remembering, std::slice::from_ref(desired)).await)
    }

    /// The delivery to adopt, and the others that could have been.
    pub(super) async fn delivery(
        &self,
        sketch: &Sketch,
        pick: impl FnOnce(&[Candidate]) -> usize,
    ) -> Result<(Option<Candidate>, Vec<Candidate>), AdoptError<E>> {
        let place = Place::Databricks { account: sketch.databricks_account.clone() };
        let reads = [Read::Credentials, Read::StorageConfigurations, Read::LogDeliveries];
        let live = self.ask(sketch, &place, &reads).await?;
        unread(&live)?;
        let all = candidates(&live, &place);
        let choice = &self.options.choice;
        let fitting: Vec<Candidate> = choose(&all, choice, &self.options.beside.buckets).into_iter().cloned().collect();
        if let (Some(asked), true) = (&choice.delivery, fitting.is_empty()) {
            let known = all.iter().map(Candidate::describe).collect();
            return Err(AdoptError::UnknownDelivery { asked: asked.clone(), known });
        }
        let picked = if fitting.len() > 1 && !choice.is_made() { pick(&fitting) } else { 0 };
        let chosen = fitting.get(picked).or_else(|| fitting.first()).cloned();
        let is_other = |one: &Candidate| Some(&one.config_id) != chosen.as_ref().map(|chosen| &chosen.config_id);
        Ok((chosen.clone(), all.into_iter().filter(is_other).collect()))
    }

    pub(super) async fn account(&self, sketch: &mut Sketch) -> Result<(), AdoptError<E>> {
        if self.options.aws_account.is_some() {
            return Ok(());
        }
        let place = Place::Aws { account: NO_ACCOUNT.to_owned(), region: sketch.region.clone() };
        let live = self.ask(sketch, &place, &[Read::CallerIdentity]).await?;
        unread(&live)?;
        if let Some(caller) = live.view(&place, Read::CallerIdentity, Fact::caller).present() {
            sketch.aws_account = caller.account;
        }
        Ok(())
    }

    pub(super) async fn region(&self, sketch: &mut Sketch) -> Result<(), AdoptError<E>> {
        if self.options.region.is_some() {
            return Ok(());
        }
        let place = Place::Aws { account: sketch.aws_account.clone(), region: sketch.region.clone() };
        let location = Read::BucketLocation { bucket: sketch.bucket.clone() };
        let live = self.ask(sketch, &place, std::slice::from_ref(&location)).await?;
        unread(&live)?;
        match live.view(&place, location, Fact::bucket_region).present() {
            Some(BucketRegion(region)) => {
                sketch.region = region;
                Ok(())
            }
            None => Err(AdoptError::NoRegion { bucket: sketch.bucket.clone() }),
        }
    }

    pub(super) fn describe_delivery(
        &self,
        sketch: &mut Sketch,
        delivery: Option<&Candidate>,
        others: &[Candidate],
    ) -> Result<(), AdoptError<E>> {
        let options = self.options;
        sketch.role = options.role.as_ref().map(ToString::to_string);
        sketch.prefix.clone_from(&options.choice.prefix);
        sketch.remarks.head.push(format!("Written by `auditseal init` on {}.", options.today));
        let Some(delivery) = delivery else {
            sketch
                .remarks
                .delivery
                .push("No delivery of audit logs was found: `auditseal apply` makes one.".to_owned());
            return Ok(());
        };
        if let Some(role) = &delivery.role {
            let elsewhere = role.parse::<Arn>().is_ok_and(|arn| arn.account != sketch.aws_account);
            if elsewhere && options.role_profile.is_none() {
                return Err(AdoptError::RoleElsewhere { role: role.clone() });
            }
        }
        sketch.role.clone_from(&delivery.role);
        sketch.prefix = Some(delivery.prefix.clone());
        sketch.delivery_name = Some(delivery.name.clone()).filter(|name| manifest::check(Answer::Name, name).is_ok());
        sketch.disabled = !delivery.enabled;
        sketch.workspace_ids.clone_from(&delivery.workspaces);
        sketch.remarks.delivery.push(format!("Adopted: {}.", delivery.summary()));
        if delivery.prefix.is_empty() {
            sketch.remarks.delivery.push(
                "It writes to the root of the bucket: policies cannot tell the logs from anything else that lies there."
                    .to_owned(),
            );
        }
        for other in others {
            self.describe_other(sketch, other);
        }
        Ok(())
    }

    fn describe_other(&self, sketch: &mut Sketch, other: &Candidate) {
        let here = other.bucket.as_deref() == Some(sketch.bucket.as_str());
        let prefix = &other.prefix;
        let new = sketch.prefix.as_ref() != Some(prefix) && !sketch.previous_prefixes.contains(prefix);
        if here && new && manifest::check(Answer::Prefix, prefix).is_ok() {
            sketch.previous_prefixes.push(prefix.clone());
            sketch.previous_prefixes.sort();
        }
        if !other.enabled || other.bucket.as_ref().is_some_and(|bucket| self.options.beside.buckets.contains(bucket)) {
            return;
        }
        let what = if here {
            "it is switched off when its waiver of `other-deliveries` ends"
        } else {
            "a copy elsewhere: declare it in a manifest of its own, or set `undeclared = \"disable\"` to have it switched off"
        };
        sketch.remarks.delivery.push(format!("Also enabled: {}; {what}.", other.summary()));
    }

    /// Bucket, key and workspaces, as they are. Two looks: what is asked about a key hangs on which one it is.
    pub(super) async fn estate(&self, sketch: &mut Sketch) -> Result<(Live, Option<String>), AdoptError<E>> {
        let place = Place::Databricks { account: sketch.databricks_account.clone() };
        let live = self.ask(sketch, &place, &[Read::Workspaces]).await?;
        let workspaces = live.view(&place, Read::Workspaces, Fact::workspaces).present().unwrap_or_default();
        let mut first = self.declared(sketch)?;
        for workspace in workspaces.iter().filter(|one| one.status == "RUNNING") {
            let off = desired::Workspace { verbose_audit_logs: false };
            first.workspaces.insert(workspace.workspace_id.to_string(), off);
        }
        let live = self.observe(&first).await?;
        describe_workspaces(sketch, &workspaces, &live);
        key_of_bucket(sketch, &first, &live);
        describe_bucket(sketch, &first, &live);
        let replicated = self.replicas(sketch, &first, &live).await?;
        let mut second = self.declared(sketch)?;
        let live = self.observe(&second).await?;
        if replicated || sketch.access_log.bucket.is_some() {
            // Once more, now that the buckets beside it are known.
            self.forget_bucket(sketch);
            describe_bucket(sketch, &second, &self.memory.live());
            second = self.declared(sketch)?;
        }
        describe_key(sketch, &second, &live);
        let caller = callers(&live, std::slice::from_ref(&second)).remove(&sketch.aws_account);
        Ok((live, caller))
    }

    fn forget_bucket(&self, sketch: &mut Sketch) {
        sketch.access_log = Default::default();
        sketch.replicas.clear();
        sketch.remarks.bucket.clear();
        sketch.remarks.access_log.clear();
    }

    /// Asks where the buckets are that the audit bucket is copied to.
    async fn replicas(&self, sketch: &Sketch, desired: &Desired, live: &Live) -> Result<bool, AdoptError<E>> {
        let read = Read::BucketReplication { bucket: sketch.bucket.clone() };
        let replication = live.view(&desired.aws_place(), read, Fact::replication).present();
        let rules = replication.map(|one| one.rules).unwrap_or_default();
        let own = rules.iter().filter(|rule| rule.account.as_ref().is_none_or(|one| *one == sketch.aws_account));
        let reads: Vec<Read> = own
            .filter_map(|rule| rule.bucket.rsplit(':').next())
            .map(|bucket| Read::BucketLocation { bucket: bucket.to_owned() })
            .collect();
        self.ask(sketch, &desired.aws_place(), &reads).await?;
        Ok(!reads.is_empty())
    }

    pub(super) fn people(&self, sketch: &mut Sketch, live: &Live, caller: Option<&str>) -> Result<(), AdoptError<E>> {
        let desired = self.declared(sketch)?;
        let assessment = assess(std::slice::from_ref(&desired), live);
        if assessment.principals.is_empty() && !assessment.complete {
            sketch.remarks.readers.push("Who reads today could not be told: what decides it was not read.".to_owned());
        }
        people(
            sketch,
            &Found {
                desired: &desired,
                live,
                assessment: &assessment,
                caller,
                admins: &self.options.admins,
                readers: &self.options.readers,
            },
        );
        if sketch.admins.is_empty() && desired.admins.is_empty() && !self.has_default_admins(sketch) {
            return Err(AdoptError::NoAdmin);
        }
        Ok(())
    }

    /// Whether the shared defaults of the directory name admins.
    fn has_default_admins(&self, sketch: &Sketch) -> bool {
        self.options.beside.defaults.is_some() && self.parse(sketch, &text(sketch)).is_ok()
    }
}

fn partition(region: &str) -> Partition {
    if region.starts_with("us-gov-") { Partition::AwsUsGov } else { Partition::Aws }
}

fn unread<E>(live: &Live) -> Result<(), AdoptError<E>> {
    let gaps: Vec<Gap> = live
        .iter()
        .filter_map(|(_, answer)| match answer {
            Observed::Unknown(gap) => Some(gap.clone()),
            Observed::Present(_) | Observed::Absent => None,
        })
        .collect();
    if gaps.is_empty() { Ok(()) } else { Err(AdoptError::Unread(gaps)) }
}

/// Declares the switch of every running workspace that could be asked, by name where that is one of a kind.
fn describe_workspaces(sketch: &mut Sketch, workspaces: &[Workspace], live: &Live) {
    let mut unread = Vec::new();
    for workspace in workspaces.iter().filter(|one| one.status == "RUNNING") {
        let place = Place::Workspace {
            account: sketch.databricks_account.clone(),
            workspace: workspace.workspace_id,
            deployment: workspace.deployment_name.clone(),
        };
        let twins = workspaces.iter().filter(|one| one.workspace_name == workspace.workspace_name).count();
        let plain = twins == 1 && manifest::check(Answer::Name, &workspace.workspace_name).is_ok();
        let name = if plain { workspace.workspace_name.clone() } else { workspace.workspace_id.to_string() };
        let key = "enableVerboseAuditLogs";
        match live.view(&place, Read::WorkspaceConf { key: key.to_owned() }, Fact::workspace_conf) {
            Observed::Present(conf) => {
                let value = conf.0.get(key).and_then(Option::as_deref).unwrap_or_default();
                sketch.workspaces.push((name, value.eq_ignore_ascii_case("true")));
            }
            Observed::Absent => sketch.workspaces.push((name, false)),
            Observed::Unknown(_) => unread.push(name),
        }
    }
    sketch.workspaces.sort();
    if !unread.is_empty() {
        let some: Vec<String> = unread.iter().take(10).map(|name| format!("`{name}`")).collect();
        sketch.remarks.workspaces.push(format!(
            "Left out, because their settings could not be read, {} workspaces: {}.",
            unread.len(),
            some.join(", ")
        ));
    }
}
