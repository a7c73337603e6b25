//! What every set of questions shares: asking, looking at the answers so far, and the groups of questions that go
//! together.

use std::collections::BTreeSet;

use crate::call::{Query, Read};
use crate::model::databricks::{Metastore, Workspace};
use crate::model::{Arn, Fact, Live, Observed, Place};

/// Questions that follow from the answers so far.
pub(super) struct Questions<'a> {
    live: &'a Live,
    pub(super) queries: BTreeSet<Query>,
}

impl<'a> Questions<'a> {
    pub(super) fn new(live: &'a Live) -> Self {
        Self { live, queries: BTreeSet::new() }
    }

    pub(super) fn ask(&mut self, place: &Place, read: Read) {
        self.queries.insert(Query { place: place.clone(), read });
    }

    pub(super) fn answer<T: Clone>(&self, place: &Place, read: Read, narrow: fn(&Fact) -> Option<&T>) -> Observed<T> {
        self.live.view(place, read, narrow)
    }

    /// Whether a question was answered, in whatever way.
    pub(super) fn is_answered(&self, place: &Place, read: &Read) -> bool {
        self.live.contains(&Query { place: place.clone(), read: read.clone() })
    }

    /// Who is calling, and the caller's role: sessions carry no path, the role's ARN does.
    pub(super) fn caller(&mut self, place: &Place) {
        self.ask(place, Read::CallerIdentity);
        if let Observed::Present(caller) = self.answer(place, Read::CallerIdentity, Fact::caller)
            && let Some(role) = session_role(&caller.arn)
        {
            self.ask(place, Read::Role { role });
        }
    }

    pub(super) fn bucket(&mut self, place: &Place, bucket: &str) {
        let bucket = || bucket.to_owned();
        for read in [
            Read::BucketLocation { bucket: bucket() },
            Read::BucketTags { bucket: bucket() },
            Read::BucketPublicAccessBlock { bucket: bucket() },
            Read::BucketOwnership { bucket: bucket() },
            Read::BucketAcl { bucket: bucket() },
            Read::BucketEncryption { bucket: bucket() },
            Read::BucketVersioning { bucket: bucket() },
            Read::BucketObjectLock { bucket: bucket() },
            Read::BucketLifecycle { bucket: bucket() },
            Read::BucketPolicy { bucket: bucket() },
            Read::BucketLogging { bucket: bucket() },
            Read::BucketNotification { bucket: bucket() },
            Read::BucketReplication { bucket: bucket() },
        ] {
            self.ask(place, read);
        }
        // The key that is the default today: a live writer may depend on it.
        if let Observed::Present(encryption) =
            self.answer(place, Read::BucketEncryption { bucket: bucket() }, Fact::encryption)
            && let Some(key) = encryption.key
        {
            self.ask(place, Read::Key { key });
        }
    }

    /// The workspace that a metastore is asked about through: a running one that is attached to it.
    pub(super) fn workspace_of(
        &mut self,
        account: &Place,
        metastore: &Metastore,
        workspaces: &[Workspace],
    ) -> Option<Place> {
        let Place::Databricks { account: id } = account else { return None };
        let attached_read = Read::MetastoreWorkspaces { metastore: metastore.metastore_id.clone() };
        self.ask(account, attached_read.clone());
        let running = |workspace: &&Workspace| workspace.status == "RUNNING";
        let chosen = match self.answer(account, attached_read.clone(), Fact::workspace_ids) {
            Observed::Present(attached) => {
                workspaces.iter().filter(running).find(|workspace| attached.contains(&workspace.workspace_id))
            }
            Observed::Absent | Observed::Unknown(_) if self.is_answered(account, &attached_read) => None,
            // A guess while the answer is under way saves a round trip: a workspace can only be attached to the
            // metastore of its own region.
            Observed::Absent | Observed::Unknown(_) => {
                workspaces.iter().filter(running).find(|workspace| workspace.region == metastore.region)
            }
        };
        chosen.map(|workspace| workspace_place(id, workspace))
    }

    /// Who may read the native audit tables.
    pub(super) fn system_access(&mut self, place: &Place, metastore: &str) {
        self.ask(place, Read::SystemSchemas { metastore: metastore.to_owned() });
        self.ask(place, Read::Privileges { securable: "schema".to_owned(), name: "system.access".to_owned() });
        let tables = Read::Tables { catalog: "system".to_owned(), schema: "access".to_owned() };
        self.ask(place, tables.clone());
        if let Observed::Present(tables) = self.answer(place, tables, Fact::names) {
            for name in tables.0 {
                self.ask(place, Read::Privileges { securable: "table".to_owned(), name });
            }
        }
    }
}

pub(super) fn workspace_place(account: &str, workspace: &Workspace) -> Place {
    Place::Workspace {
        account: account.to_owned(),
        workspace: workspace.workspace_id,
        deployment: workspace.deployment_name.clone(),
    }
}

/// `arn:aws:sts::1:assumed-role/Name/session` → `Name`.
fn session_role(arn: &str) -> Option<String> {
    let arn: Arn = arn.parse().ok()?;
    let rest = arn.resource.strip_prefix("assumed-role/")?;
    rest.split('/').next().map(str::to_owned)
}
