//! Which key, and how it shall be.

use std::collections::BTreeMap;

use crate::iam::{Effect, parse};
use crate::model::fact::{Names, PolicyText, Tags};
use crate::model::key::{Grant, Key, Rotation};
use crate::model::live::{Query, Read};
use crate::model::reference::Output;
use crate::model::{Address, Arn, Control, Desired, Fact, Gap, Kind, Live, OWNER_TAG, Observed, Place, Reference};

use super::draft::{Draft, Item};
use super::kept::{self, Existing};
use super::key_policy;
use super::names::s3_of;
use super::parties::Parties;
use super::statement::{document, reasons, sorted};

/// Nobody else names keys so.
const OUR_ALIASES: &str = "alias/auditseal/";

/// The key that the audit bucket shall use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyChoice {
    /// By its ARN.
    Existing(String),
    Create,
}

/// What identifies a key: given by ARN, else found by alias and owner tag, else by the tag, else by the alias, else made.
pub(super) struct KeySpec<'a> {
    pub manifest: &'a str,
    /// `audit`, or a replica's name.
    pub name: String,
    pub place: Place,
    pub arn: Option<&'a Arn>,
    pub alias: String,
    pub owner: String,
    pub rotation_days: u32,
}

impl KeySpec<'_> {
    pub(super) fn of(desired: &Desired) -> KeySpec<'_> {
        KeySpec {
            manifest: &desired.name,
            name: "audit".to_owned(),
            place: desired.aws_place(),
            arn: desired.key.arn.as_ref(),
            alias: desired.key.alias.clone(),
            owner: desired.owner(),
            rotation_days: desired.key.rotation_days,
        }
    }

    fn address(&self, kind: Kind) -> Address {
        Address::new(self.manifest, kind, self.name.clone())
    }

    /// The ARN of the chosen key, or the token that stands for it.
    pub(super) fn symbol(&self, choice: &KeyChoice) -> String {
        match choice {
            KeyChoice::Existing(arn) => arn.clone(),
            KeyChoice::Create => Reference::new(self.address(Kind::KmsKey), Output::KeyArn).to_string(),
        }
    }

    /// The key that live state shows for this description. An unread alias or key list leaves it open.
    pub(super) fn find(&self, live: &Live) -> Result<KeyChoice, Gap> {
        if let Some(arn) = self.arn {
            return Ok(KeyChoice::Existing(arn.to_string()));
        }
        let named = match live.view(&self.place, Read::Key { key: self.alias.clone() }, Fact::key) {
            Observed::Present(key) if self.owns(live, &key.arn) => return Ok(KeyChoice::Existing(key.arn)),
            Observed::Present(key) => KeyChoice::Existing(key.arn),
            Observed::Unknown(gap) => return Err(gap),
            Observed::Absent => KeyChoice::Create,
        };
        let keys = Query { place: self.place.clone(), read: Read::Keys };
        if !live.contains(&keys) {
            return Ok(named);
        }
        match live.view(&self.place, Read::Keys, Fact::names) {
            // A key that was made and tagged, and has no alias yet, because the run that made it was stopped; or has it no
            // more, because somebody gave it to another key, which does not make that one ours.
            Observed::Present(Names(keys)) => Ok(self.tagged(live, &keys).map_or(named, KeyChoice::Existing)),
            Observed::Absent => Ok(named),
            Observed::Unknown(gap) => Err(gap),
        }
    }

    /// The first of the keys with our tag, one that is alive before one that is not.
    fn tagged(&self, live: &Live, keys: &[String]) -> Option<String> {
        let ours = keys.iter().filter(|key| self.owns(live, key));
        ours.min_by_key(|key| (!is_enabled(live, &self.place, key), (*key).clone())).cloned()
    }

    fn owns(&self, live: &Live, key: &str) -> bool {
        let tags = live.view(&self.place, Read::KeyTags { key: key.to_owned() }, Fact::tags).present();
        tags.is_some_and(|Tags(tags)| tags.get(OWNER_TAG) == Some(&self.owner))
    }
}

fn is_enabled(live: &Live, place: &Place, key: &str) -> bool {
    let found = live.view(place, Read::Key { key: key.to_owned() }, Fact::key).present();
    found.is_none_or(|key| key.state == "Enabled")
}

/// The key of the audit bucket as far as it was read; `Create` also when it could not be told, which `harden` then reports
/// as a gap.
#[must_use]
pub fn key_of(desired: &Desired, live: &Live) -> KeyChoice {
    KeySpec::of(desired).find(live).unwrap_or(KeyChoice::Create)
}

/// The ARN behind any of the spellings that S3 gives back: an ARN, an id, an alias. `None` when it cannot be told.
pub(super) fn resolve_key(desired: &Desired, live: &Live, text: &str) -> Option<String> {
    let place = desired.aws_place();
    if let Some(key) = live.view(&place, Read::Key { key: text.to_owned() }, Fact::key).present() {
        return Some(key.arn);
    }
    let alias = match text.parse::<Arn>() {
        Ok(arn) if arn.resource.starts_with("key/") => return Some(text.to_owned()),
        Ok(arn) => arn.resource,
        Err(_) => text.to_owned(),
    };
    if !alias.starts_with("alias/") {
        let (partition, region, account) =
            (desired.aws.partition.arn_name(), &desired.aws.region, &desired.aws.account_id);
        return Some(format!("arn:{partition}:kms:{region}:{account}:key/{alias}"));
    }
    if let Some(key) = live.view(&place, Read::Key { key: alias.clone() }, Fact::key).present() {
        return Some(key.arn);
    }
    live.iter().find_map(|(query, answer)| match (&query.read, answer) {
        (Read::KeyAliases { key }, Observed::Present(Fact::Names(Names(names))))
            if query.place == place && names.contains(&alias) =>
        {
            Some(key.clone())
        }
        _ => None,
    })
}

/// Everything wanted of a key. `p` are the parties of its bucket, `moving` the same with the live writers.
pub(super) fn want(
    draft: &mut Draft<'_>,
    spec: &KeySpec<'_>,
    choice: &KeyChoice,
    p: &Parties,
    moving: Option<&Parties>,
) {
    let symbol = spec.symbol(choice);
    let existing = match choice {
        KeyChoice::Existing(arn) => match existing(draft, spec, arn) {
            Some(key) => Some(key),
            None => return,
        },
        KeyChoice::Create => None,
    };
    let tags = match &existing {
        Some(key) => match draft.need(&spec.place, Read::KeyTags { key: key.arn.clone() }, Fact::tags) {
            Ok(tags) => tags.map(|Tags(tags)| tags),
            Err(_) => return,
        },
        None => None,
    };
    let owned = tags.as_ref().is_some_and(|tags| tags.get(OWNER_TAG) == Some(&spec.owner));
    if !owned
        && let Some(key) = &existing
        && spec.arn.is_some()
        && !is_left_alone(draft, spec)
    {
        refuse_if_used_elsewhere(draft, spec, key);
    }
    let Some(tags) = draft.owned_tags(&spec.address(Kind::KmsTags), tags, &spec.owner) else { return };
    want_key(draft, spec, &symbol, existing.as_ref());
    want_beside(draft, spec, &symbol, tags);
    want_policy(draft, spec, &symbol, owned, p, moving);
    want_alias(draft, spec, &symbol);
}

/// A key that has to be there, and to be usable.
fn existing(draft: &mut Draft<'_>, spec: &KeySpec<'_>, arn: &str) -> Option<Key> {
    let by_arn = draft.live.view(&spec.place, Read::Key { key: arn.to_owned() }, Fact::key);
    let by_alias = draft.live.view(&spec.place, Read::Key { key: spec.alias.clone() }, Fact::key);
    let key = match (by_arn, by_alias) {
        (Observed::Present(key), _) => key,
        (_, Observed::Present(key)) if key.arn == arn => key,
        (Observed::Absent, _) => {
            draft
                .refuse("unknown-key", format!("the key `{arn}` does not exist: correct `[key] arn`, or leave it out"));
            return None;
        }
        (Observed::Unknown(gap), _) => {
            draft.gap(gap);
            return None;
        }
    };
    let wrong = if key.manager != "CUSTOMER" {
        Some("it is managed by AWS, so that its policy cannot be changed")
    } else if key.spec != "SYMMETRIC_DEFAULT" || key.usage != "ENCRYPT_DECRYPT" {
        Some("S3 encrypts with symmetric encryption keys only")
    } else if key.origin != "AWS_KMS" {
        Some("its material does not come from KMS, so that it cannot be rotated")
    } else {
        None
    };
    if let Some(wrong) = wrong {
        draft.refuse("unsuitable-key", format!("the key `{arn}` cannot be used: {wrong}; name another one, or none"));
        return None;
    }
    Some(key)
}

fn want_key(draft: &mut Draft<'_>, spec: &KeySpec<'_>, symbol: &str, existing: Option<&Key>) {
    let wanted = match existing {
        Some(key) => Key { state: "Enabled".to_owned(), ..key.clone() },
        None => Key {
            id: String::new(),
            arn: symbol.to_owned(),
            state: "Enabled".to_owned(),
            manager: "CUSTOMER".to_owned(),
            spec: "SYMMETRIC_DEFAULT".to_owned(),
            usage: "ENCRYPT_DECRYPT".to_owned(),
            origin: "AWS_KMS".to_owned(),
            multi_region: false,
        },
    };
    let asked = existing.map_or_else(|| spec.alias.clone(), |key| key.arn.clone());
    let address = spec.address(Kind::KmsKey);
    let item = Item::new(&address, &spec.place, Read::Key { key: asked }, wanted)
        .because("", "B10: the logs are encrypted with a key of their own")
        .because("state", "K3: the key has to be alive");
    // A new key is created with its policy, and KMS refuses a policy that names a role which does not exist.
    draft.want(after_roles(item, spec));
}

fn after_roles(item: Item, spec: &KeySpec<'_>) -> Item {
    match spec.name.as_str() {
        "audit" => item.after(Kind::Role, "delivery").after(Kind::Role, "replication"),
        _ => item.after(Kind::Role, "replication"),
    }
}

fn want_beside(draft: &mut Draft<'_>, spec: &KeySpec<'_>, symbol: &str, tags: BTreeMap<String, String>) {
    let key = || symbol.to_owned();
    let after = |item: Item| item.after(Kind::KmsKey, &spec.name);
    let tags = Item::new(&spec.address(Kind::KmsTags), &spec.place, Read::KeyTags { key: key() }, Tags(tags));
    draft.want(after(tags.because("", "the tag marks the key as reconciled here; other tags stay")));
    let rotation = Rotation { enabled: true, period_days: i32::try_from(spec.rotation_days).ok() };
    let rotation = Item::new(&spec.address(Kind::KmsRotation), &spec.place, Read::KeyRotation { key: key() }, rotation);
    draft.want(after(rotation.because("", "K2: the key rotates")));
    let grants =
        Item::new(&spec.address(Kind::KmsGrants), &spec.place, Read::KeyGrants { key: key() }, Vec::<Grant>::new());
    let grants = grants.because("", "K1: a grant is a way to the key that no policy shows");
    // The denies of the policy bind grants too: policy first, then they are revoked.
    draft.want(after(grants).after(Kind::KmsKeyPolicy, &spec.name));
}

fn want_policy(
    draft: &mut Draft<'_>,
    spec: &KeySpec<'_>,
    symbol: &str,
    owned: bool,
    p: &Parties,
    moving: Option<&Parties>,
) {
    let address = spec.address(Kind::KmsKeyPolicy);
    let read = Read::KeyPolicy { key: symbol.to_owned() };
    let ours = key_policy::statements(p);
    let transition = moving.map(key_policy::statements);
    let live = if Reference::occurs_in(symbol) {
        None
    } else {
        match draft.need(&spec.place, read.clone(), Fact::policy) {
            Ok(live) => live,
            Err(_) => return,
        }
    };
    let all: Vec<_> = ours.iter().chain(transition.iter().flatten()).cloned().collect();
    let kept = live.map(|PolicyText(text)| {
        kept::sort(draft, &address, &Existing { text: &text, owned, sids: &key_policy::SIDS }, &all)
    });
    let kept = kept.unwrap_or_default();
    let (last, first) = (document(&ours, &kept.denies), transition.map(|ours| document(&ours, &kept.denies)));
    let item = Item::new(&address, &spec.place, read, last)
        .reasons(reasons("", &ours, "K1, K5: only declared statements, and denies that were there"))
        .reasons(kept.reasons)
        .transition(first.map(Fact::from))
        .after(Kind::KmsKey, &spec.name);
    draft.want(after_roles(item, spec));
}

fn want_alias(draft: &mut Draft<'_>, spec: &KeySpec<'_>, symbol: &str) {
    let read = Read::KeyAliases { key: symbol.to_owned() };
    let live = if Reference::occurs_in(symbol) {
        None
    } else {
        match draft.need(&spec.place, read.clone(), Fact::names) {
            Ok(live) => live,
            Err(_) => return,
        }
    };
    // An alias that could not be read may be taken: a gap, not a free name.
    let Ok(pointed) = draft.need(&spec.place, Read::Key { key: spec.alias.clone() }, Fact::key) else { return };
    // A name of ours that was moved away from a key of ours is moved back.
    let ours = spec.alias.starts_with(OUR_ALIASES) && spec.owns(draft.live, symbol);
    if let Some(other) = pointed.filter(|key| key.arn != symbol && !ours && !spec.owns(draft.live, &key.arn)) {
        draft.refuse(
            "alias-taken",
            format!("`{}` is the alias of the key `{}`: declare another `[key] alias`", spec.alias, other.arn),
        );
        return;
    }
    let Names(mut names) = live.unwrap_or_default();
    names.push(spec.alias.clone());
    names.sort();
    names.dedup();
    let item = Item::new(&spec.address(Kind::KmsAlias), &spec.place, read, Names(names))
        .because("", "the alias finds the key again; other aliases stay");
    draft.want(item.after(Kind::KmsKey, &spec.name));
}

/// Whether waivers keep the plan from taking the key from anybody.
fn is_left_alone(draft: &Draft<'_>, spec: &KeySpec<'_>) -> bool {
    let policy = [
        Control::UndeclaredStatements,
        Control::UndeclaredKeyUseDenied,
        Control::DirectKeyUseDenied,
        Control::GrantCreationDenied,
    ];
    policy.iter().all(|control| draft.waives(&spec.address(Kind::KmsKeyPolicy), *control))
        && draft.waives(&spec.address(Kind::KmsGrants), Control::KeyGrants)
}

/// A key that serves others must not be tightened: they would lose their data.
fn refuse_if_used_elsewhere(draft: &mut Draft<'_>, spec: &KeySpec<'_>, key: &Key) {
    let mut signs: Vec<String> = Vec::new();
    if let Some(grants) = draft.peek(&spec.place, Read::KeyGrants { key: key.arn.clone() }, Fact::grants) {
        // AWS services that use a key on their own hold grants, and hand them on.
        let service = grants.iter().filter(|grant| {
            grant.grantee.ends_with(".amazonaws.com") || grant.operations.iter().any(|one| one == "CreateGrant")
        });
        signs.extend(service.map(|grant| format!("a grant to `{}`", grant.grantee)));
    }
    // A further alias is no sign: it is a name, and an existing key has one before it is declared here.
    if let Some(PolicyText(text)) = draft.peek(&spec.place, Read::KeyPolicy { key: key.arn.clone() }, Fact::policy) {
        let services = via_services(&text).into_iter().filter(|service| match &spec.place {
            Place::Aws { region, .. } => *service != s3_of(region),
            Place::Databricks { .. } | Place::Workspace { .. } => true,
        });
        signs.extend(services.map(|service| format!("a policy statement for `{service}`")));
    }
    if !signs.is_empty() {
        draft.refuse(
            "key-used-elsewhere",
            format!(
                "the key `{}` seems to serve others too: {}; leave `[key] arn` out to have a dedicated key made",
                key.arn,
                signs.join(", ")
            ),
        );
    }
}

/// Every value of `kms:ViaService` in the allows of a policy.
fn via_services(text: &str) -> Vec<String> {
    let statements = parse(text).map(|policy| policy.statements).unwrap_or_default();
    let allows = statements.into_iter().filter(|one| one.effect == Effect::Allow);
    let conditions = allows.flat_map(|one| one.conditions);
    let values = conditions.filter(|one| one.key.eq_ignore_ascii_case("kms:ViaService")).map(|one| one.values);
    sorted(values.flat_map(|all| all.iter().map(String::from).collect::<Vec<_>>()))
}
