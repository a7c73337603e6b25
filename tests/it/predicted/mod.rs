//! Predicted equals enforced: on random estates every principal really tries to take every role, and to read, write and
//! delete; what the emulator answers is held against the verdict. A request that is allowed to somebody who "cannot" is
//! the one mistake that must not happen; a request that is refused to somebody who "can" is a mistake as well.
//!
//! What is not compared, and why (facts: emulators.md §1.2, policies.md §7):
//!
//! | not compared | why |
//! |---|---|
//! | the root user | the emulator lets root past every Deny |
//! | `NotPrincipal` | the emulator does not know it |
//! | principals of other accounts | the emulator refuses what a bucket policy alone allows them |
//! | service control and resource control policies | the emulator does not apply them |
//! | conditions on the address of the caller | the emulator has none but loopback |
//! | services (`ec2.amazonaws.com` in a trust), and roles that are passed to them | the emulator has no requests of services |
//! | sessions with MFA | every session of a random role is without; what asks for MFA is predicted as conditional |
//! | session policies | not used: nobody can list them, the verdict is for sessions without |

mod estate;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use auditseal::access::{Assessment, PrincipalAccess, Question, Verdict, assess};
use auditseal::iam::{Decision, NamedPolicy, Policies, Principal, Request, evaluate};
use auditseal::model::authorization::Authorization;
use auditseal::model::{Fact, Live};
use auditseal::observe::observe_for_access;
use aws_credential_types::Credentials;

use crate::harness::Case;
use crate::sandbox::aws_seed::CallError;
use estate::{Dice, Random, TESTER, make};

/// Estates of an ordinary run; `AUDITSEAL_TEST_ALL` makes more.
const ESTATES: usize = 10;
const MORE_ESTATES: usize = 60;
/// The one role of the people that asks for MFA.
const WITH_MFA: &str = "SecurityAnalyst";

/// Whether a request was allowed; a failure that is not a refusal is a mistake of the test.
fn allowed<T>(what: &str, result: Result<T, CallError>) -> bool {
    match result {
        Ok(_) => true,
        Err(error) if error.is_denied() => false,
        Err(error) => panic!("{what}: {error}"),
    }
}

/// What one set of credentials may do with objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Can {
    read: bool,
    write: bool,
    delete: bool,
}

impl Can {
    fn or(self, other: Self) -> Self {
        Self { read: self.read || other.read, write: self.write || other.write, delete: self.delete || other.delete }
    }
}

struct Trial {
    case: Case,
    random: Random,
    live: Live,
    assessment: Assessment,
    people: Arc<Authorization>,
    wrong: Vec<String>,
    compared: usize,
    /// Verdicts that are compared in both directions.
    sure: usize,
    /// Requests that were allowed: a run in which nothing is allowed shows nothing.
    granted: usize,
}

impl Trial {
    async fn of(dice: Dice) -> Self {
        let mut case = Case::empty().await;
        let random = make(&case, dice).await;
        let text = format!("{}\n[key]\narn = \"{}\"\n", case.sandbox.manifest(), random.key);
        case.declare(&text);
        let live = observe_for_access(&case.router().await, &case.desired).await;
        let gaps: Vec<_> = live.iter().filter(|(_, answer)| answer.is_unknown()).collect();
        assert!(gaps.is_empty(), "{gaps:?}");
        let assessment = assess(&case.desired, &live);
        let read = auditseal::call::Read::AccountAuthorization;
        let people = live.view(&case.aws_place(), read, Fact::authorization).present().expect("IAM was read");
        Self { case, random, live, assessment, people, wrong: Vec::new(), compared: 0, sure: 0, granted: 0 }
    }

    /// Really reads, writes and deletes, objects of both kinds of names that the policies tell apart. Writes choose SSE-S3,
    /// so that the key has no say, as in the verdict.
    async fn objects(&mut self, name: &str, who: &Credentials) -> Can {
        let mut can = Can::default();
        for end in [".json", ""] {
            can = can.or(self.object(name, end, who).await);
        }
        self.granted += [can.read, can.write, can.delete].into_iter().filter(|one| *one).count();
        can
    }

    /// Each attempt has an object of its own.
    async fn object(&self, name: &str, end: &str, who: &Credentials) -> Can {
        let aws = &self.case.sandbox.aws;
        let (world, root, bucket) = (&aws.world, aws.root(), aws.bucket.as_str());
        let object = |what: &str| format!("audit/{name}-{what}{end}");
        for what in ["read", "delete"] {
            world.put_object(&root, bucket, &object(what), "{}").await.expect("root writes");
        }
        let client = world.s3(who);
        let put = client.put_object().bucket(bucket).key(object("write"));
        let put = put.server_side_encryption(aws_sdk_s3::types::ServerSideEncryption::Aes256);
        let written = put.body(Vec::new().into()).send().await.map_err(CallError::of("PutObject"));
        Can {
            read: allowed("GetObject", world.get_object(who, bucket, &object("read")).await),
            write: allowed("PutObject", written),
            delete: allowed("DeleteObject", world.delete_object(who, bucket, &object("delete"), None).await),
        }
    }

    /// Really takes a role, with and without the external id that some ask for.
    async fn assume(&mut self, who: &Credentials, role: &str) -> [Option<Credentials>; 2] {
        let aws = &self.case.sandbox.aws;
        let arn = aws.role_arn(role);
        let mut sessions = [None, None];
        for (session, external) in sessions.iter_mut().zip([None, Some("right")]) {
            match aws.world.assume(who, &arn, external, false).await {
                Ok(taken) => *session = Some(taken),
                Err(error) => assert!(error.is_denied(), "{error}"),
            }
        }
        sessions
    }

    /// What the trust policy and the caller's own policies say, by the concrete evaluator.
    fn may_assume(&self, caller: &str, role: &str, external: Option<&str>) -> bool {
        let arn = self.case.sandbox.aws.role_arn(role);
        let target = self.people.roles.iter().find(|one| one.arn == arn).expect("read");
        let (principal, policies, tags) = self.identity(caller);
        let mut request = Request::new(principal, "sts:AssumeRole", &arn);
        request.resource_account = Some(self.case.sandbox.aws.account.clone());
        let context = &mut request.context;
        context.insert("aws:SecureTransport".to_owned(), vec!["true".to_owned()]);
        context.extend(tags.iter().map(|(key, value)| (format!("aws:PrincipalTag/{key}"), vec![value.clone()])));
        context.extend(external.map(|id| ("sts:ExternalId".to_owned(), vec![id.to_owned()])));
        if caller.contains(":role/") {
            context.insert("aws:MultiFactorAuthPresent".to_owned(), vec!["false".to_owned()]);
        }
        let policies = Policies { resource: Some(NamedPolicy::read("trust", &target.trust)), ..policies };
        let evaluation = evaluate(&request, &policies);
        assert_ne!(evaluation.decision, Decision::Unknown, "{caller} → {role}: {evaluation:?}");
        evaluation.decision == Decision::Allowed
    }

    /// A principal with its policies and tags, as they were read.
    fn identity(&self, arn: &str) -> (Principal, Policies, BTreeMap<String, String>) {
        let managed = |arn: &String| {
            let found = self.people.policies.iter().find(|policy| policy.arn == *arn).expect("read");
            NamedPolicy::read(arn, &found.text)
        };
        let named = |list: &[auditseal::model::authorization::InlinePolicy]| -> Vec<NamedPolicy> {
            list.iter().map(|policy| NamedPolicy::read(&policy.name, &policy.text)).collect()
        };
        let (inline, attached, boundary, tags) = match self.people.users.iter().find(|user| user.arn == arn) {
            Some(user) => {
                let mut inline = named(&user.inline);
                let groups = self.people.groups.iter().filter(|group| user.groups.contains(&group.name));
                inline.extend(groups.flat_map(|group| named(&group.inline)));
                (inline, &user.attached, &user.boundary, &user.tags)
            }
            None => {
                let role = self.people.roles.iter().find(|role| role.arn == arn).expect("a user or a role");
                (named(&role.inline), &role.attached, &role.boundary, &role.tags)
            }
        };
        let mut identity = inline;
        identity.extend(attached.iter().map(managed));
        let policies = Policies { identity, boundary: boundary.as_ref().map(managed), ..Policies::default() };
        (arn.parse::<Principal>().expect("a principal"), policies, tags.clone())
    }

    /// The roles that dice made, and the people's.
    fn role_names(&self) -> Vec<String> {
        self.people.roles.iter().filter_map(|role| role.arn.rsplit('/').next()).map(str::to_owned).collect()
    }

    /// A session of a role, without MFA but for the one that asks for it.
    async fn session(&mut self, role: &str) -> Credentials {
        let tester = self.random.users.get(TESTER).expect("the tester").clone();
        if self.random.roles.iter().any(|made| made == role) {
            return self.assume(&tester, role).await.into_iter().flatten().next().expect("the tester is trusted");
        }
        self.case.sandbox.aws.session(role, role == WITH_MFA).await.expect("root is trusted")
    }

    /// Every pair of caller and role: who takes whom, by whom it is really allowed.
    async fn roles(&mut self, caller: &str, who: &Credentials) -> BTreeMap<String, Credentials> {
        let mut taken = BTreeMap::new();
        for role in self.role_names() {
            let sessions = self.assume(who, &role).await;
            for (session, external) in sessions.into_iter().zip([None, Some("right")]) {
                let predicted = self.may_assume(caller, &role, external);
                self.compared += 1;
                if predicted != session.is_some() {
                    let enforced = session.is_some();
                    self.wrong.push(format!(
                        "{caller} takes {role} (external id {external:?}): predicted {predicted}, enforced {enforced}"
                    ));
                }
                if let Some(session) = session {
                    taken.entry(role.clone()).or_insert(session);
                }
            }
        }
        taken
    }

    /// The verdicts about a principal for objects under the estate's key.
    fn verdicts(&self, arn: &str, question: Question) -> Vec<&PrincipalAccess> {
        let classes: BTreeSet<&str> = self
            .assessment
            .object_classes
            .iter()
            .filter(|class| class.key.as_deref() == Some(self.random.key.as_str()))
            .map(|class| class.id.as_str())
            .collect();
        assert!(!classes.is_empty(), "no class of objects has the key: {:?}", self.assessment.object_classes);
        let all = self.assessment.principals.iter();
        all.filter(|one| one.arn == arn && one.question == question && classes.contains(one.object_class.as_str()))
            .collect()
    }

    /// Holds one enforced answer against the verdict.
    fn compare(&mut self, arn: &str, question: Question, action: &str, enforced: bool) {
        let verdicts = self.verdicts(arn, question);
        let of_action: Vec<_> = verdicts.iter().filter(|one| one.actions.iter().any(|name| name == action)).collect();
        let possible = verdicts.iter().any(|one| one.verdict.possible());
        // `can` speaks of the question: of this action only where it is the only one. Whoever gets there by passing a role
        // to a service cannot be followed.
        let sure = of_action.iter().any(|one| {
            let followed = one.via.iter().all(|hop| hop.by == "assume-role");
            one.verdict == Verdict::Can && one.certain && one.actions.len() == 1 && followed
        });
        let finding = match (enforced, possible, sure) {
            (true, false, _) => "FALSE CANNOT",
            (false, _, true) => "false can",
            _ => "",
        };
        let shown =
            if finding.is_empty() { String::new() } else { format!("{finding}: {arn} {action}: {verdicts:#?}") };
        self.compared += 1;
        self.sure += usize::from(sure);
        if !shown.is_empty() {
            self.wrong.push(shown);
        }
    }

    async fn run(mut self) -> Self {
        let account = self.case.sandbox.aws.account.clone();
        // Every role by itself, and what it can become.
        let mut direct: BTreeMap<String, Can> = BTreeMap::new();
        let mut next: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for role in self.role_names().into_iter().filter(|role| role != WITH_MFA) {
            let session = self.session(&role).await;
            let arn = self.case.sandbox.aws.role_arn(&role);
            let can = self.objects(&role, &session).await;
            direct.insert(role.clone(), can);
            let taken = self.roles(&arn, &session).await;
            next.insert(role, taken.into_keys().collect());
        }
        for role in direct.keys().cloned().collect::<Vec<_>>() {
            let arn = self.case.sandbox.aws.role_arn(&role);
            let can = reached(&direct, &next, direct[&role], &next[&role]);
            self.judge(&arn, can);
        }
        for (name, keys) in self.random.users.clone() {
            let arn = format!("arn:aws:iam::{account}:user/{name}");
            let own = self.objects(&name, &keys).await;
            let taken = self.roles(&arn, &keys).await.into_keys().collect();
            self.judge(&arn, reached(&direct, &next, own, &taken));
        }
        self
    }

    fn judge(&mut self, arn: &str, can: Can) {
        self.compare(arn, Question::Read, "s3:GetObject", can.read);
        self.compare(arn, Question::Write, "s3:PutObject", can.write);
        self.compare(arn, Question::Tamper, "s3:DeleteObject", can.delete);
    }
}

/// What somebody can do by themselves and as whatever they can become.
fn reached(
    direct: &BTreeMap<String, Can>,
    next: &BTreeMap<String, BTreeSet<String>>,
    own: Can,
    first: &BTreeSet<String>,
) -> Can {
    let mut can = own;
    let mut seen: BTreeSet<&String> = BTreeSet::new();
    let mut open: Vec<&String> = first.iter().collect();
    while let Some(role) = open.pop() {
        if seen.insert(role) {
            can = can.or(direct[role]);
            open.extend(&next[role]);
        }
    }
    can
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn predicted_equals_enforced() {
    let count = if std::env::var_os("AUDITSEAL_TEST_ALL").is_some() { MORE_ESTATES } else { ESTATES };
    let (mut compared, mut sure, mut granted, mut wrong) = (0, 0, 0, Vec::new());
    for (n, dice) in Dice::of(count).into_iter().enumerate() {
        let trial = Trial::of(dice).await.run().await;
        compared += trial.compared;
        granted += trial.granted;
        sure += trial.sure;
        if !trial.wrong.is_empty() {
            let (story, found) = (trial.random.story.join("\n"), trial.wrong.join("\n"));
            wrong.push(format!("estate {n} ({} facts)\n{story}\n{found}", trial.live.iter().count()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    // Users and the tester with five roles twice, roles with each other, and three questions each.
    assert!(compared >= count * 100, "{compared}");
    assert!(sure >= count * 2, "nothing is certain: {sure}");
    assert!(granted >= count * 4, "nearly everything was refused: {granted}");
}
