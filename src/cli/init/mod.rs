//! Writes a manifest: of what is there, or of what was answered.

mod args;
mod ask;
mod live;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use auditseal::adopt::{Fresh, Who, fresh, text};
use auditseal::manifest::{self, Answer, Defaults};
use auditseal::model::Arn;
use auditseal::model::place::Partition;
use auditseal::report::{self, InitReport};
use auditseal::run::adopt::{CreateError, create};

use super::args::{Format, Global};
use super::exit::Exit;
use super::output::Output;
use super::session;

pub use args::Init;
use args::PartitionName;
use ask::{Asked, ask};

pub async fn run(global: &Global, verb: &Init, output: &Output) -> anyhow::Result<Exit> {
    if global.format == Format::Markdown {
        return Ok(usage(&["what was written is printed as text or json, not as markdown".to_owned()], output));
    }
    let given = match Given::check(verb) {
        Ok(given) => given,
        Err(wrong) => return Ok(usage(&wrong, output)),
    };
    let place = Place::of(&global.manifest);
    let name = place.name(verb.name.as_deref());
    if let Some(Err(wrong)) = name.as_deref().map(nameable) {
        return Ok(usage(&[wrong], output));
    }
    if let Some(path) = place.known(verb.name.as_deref()).filter(|path| !verb.stdout && path.exists()) {
        output.note(&format!("error: {}", CreateError::Exists(path)));
        return Ok(Exit::Failed);
    }
    if verb.from_live {
        return live::run(global, verb, given, &place, output).await;
    }
    offline(global, verb, given, &place, output)
}

/// The name of a manifest, and not that of the defaults that manifests share.
fn nameable(name: &str) -> Result<(), String> {
    if name == "defaults" {
        return Err("`defaults.toml` holds what manifests share, and is no manifest: choose another name".to_owned());
    }
    manifest::check(Answer::Manifest, name)
}

fn usage(wrong: &[String], output: &Output) -> Exit {
    for one in wrong {
        output.note(&format!("error: {one}"));
    }
    Exit::Usage
}

/// Where the manifest is going to be.
struct Place {
    directory: PathBuf,
    /// The file, when -m names one.
    file: Option<PathBuf>,
}

impl Place {
    /// A path that ends with `.toml` is a file, every other one a directory.
    fn of(path: &Path) -> Self {
        if path.is_dir() || path.extension().is_none_or(|extension| extension != "toml") {
            return Self { directory: path.to_path_buf(), file: None };
        }
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
        Self { directory: directory.unwrap_or(Path::new(".")).to_path_buf(), file: Some(path.to_path_buf()) }
    }

    fn known(&self, name: Option<&str>) -> Option<PathBuf> {
        self.file.clone().or_else(|| name.map(|name| self.directory.join(format!("{name}.toml"))))
    }

    /// The manifest's name, as far as it is settled.
    fn name(&self, asked: Option<&str>) -> Option<String> {
        let stem = self.file.as_ref().and_then(|file| file.file_stem());
        stem.map(|stem| stem.to_string_lossy().into_owned()).or_else(|| asked.map(str::to_owned))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.known(Some(name)).unwrap_or_else(|| self.directory.join(format!("{name}.toml")))
    }
}

/// The flags, judged one by one.
struct Given {
    partition: Option<Partition>,
    role: Option<Arn>,
    admins: Vec<Arn>,
    readers: Vec<Who>,
}

impl Given {
    fn check(verb: &Init) -> Result<Self, Vec<String>> {
        let mut wrong = Vec::new();
        let singles = [
            ("--databricks-account-id", &verb.databricks_account_id, Answer::DatabricksAccount),
            ("--aws-account-id", &verb.aws_account_id, Answer::AwsAccount),
            ("--region", &verb.region, Answer::Region),
            ("--bucket", &verb.bucket, Answer::Bucket),
            ("--prefix", &verb.prefix, Answer::Prefix),
            ("--role", &verb.role, Answer::Role),
            ("--role-profile", &verb.role_profile, Answer::Name),
            ("--owner", &verb.owner, Answer::Name),
        ];
        let singles = singles.into_iter().filter_map(|(flag, value, answer)| Some((flag, value.as_ref()?, answer)));
        let readers = verb.reader_role.iter().map(|value| ("--reader-role", value, Answer::Role));
        let groups = verb.reader_group.iter().map(|value| ("--reader-group", value, Answer::Name));
        let admins = verb.admin_role.iter().map(|value| ("--admin-role", value, Answer::Role));
        for (flag, value, answer) in singles.chain(readers).chain(groups).chain(admins) {
            if let Err(why) = manifest::check(answer, value) {
                wrong.push(format!("{flag}: {why}"));
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let arns = |texts: &[String]| -> Vec<Arn> { texts.iter().filter_map(|text| text.parse().ok()).collect() };
        let roles = arns(&verb.reader_role).into_iter().map(Who::Role);
        Ok(Self {
            partition: verb.partition.map(|partition| match partition {
                PartitionName::Aws => Partition::Aws,
                PartitionName::AwsUsGov => Partition::AwsUsGov,
                PartitionName::AwsUsGovDod => Partition::AwsUsGovDod,
            }),
            role: verb.role.as_ref().and_then(|text| text.parse().ok()),
            admins: arns(&verb.admin_role),
            readers: roles.chain(verb.reader_group.iter().cloned().map(Who::Group)).collect(),
        })
    }
}

const ADMIN: Asked = Asked {
    flag: "--admin-role",
    question: "Role that administers bucket and key (ARN)",
    answer: Answer::Role,
    default: None,
};
const READER: Asked =
    Asked { flag: "--reader-role", question: "Role that may read the logs (ARN)", answer: Answer::Role, default: None };
const GROUP: Asked = Asked {
    flag: "--reader-group",
    question: "Databricks group that may select from system.access",
    answer: Answer::Name,
    default: None,
};

/// The questions whose answers every manifest needs.
const NEEDED: [Asked; 4] = [
    Asked {
        flag: "--databricks-account-id",
        question: "Databricks account id (account console, a UUID)",
        answer: Answer::DatabricksAccount,
        default: None,
    },
    Asked { flag: "--aws-account-id", question: "AWS account id", answer: Answer::AwsAccount, default: None },
    Asked { flag: "--region", question: "AWS region of the audit bucket", answer: Answer::Region, default: None },
    Asked { flag: "--bucket", question: "Name of the audit bucket", answer: Answer::Bucket, default: None },
];

fn offline(global: &Global, verb: &Init, given: Given, place: &Place, output: &Output) -> anyhow::Result<Exit> {
    let mut values = [&verb.databricks_account_id, &verb.aws_account_id, &verb.region, &verb.bucket].map(Option::clone);
    let Given { partition, role, mut admins, mut readers } = given;
    let mut missing: Vec<&str> =
        NEEDED.iter().zip(&values).filter(|(_, value)| value.is_none()).map(|(asked, _)| asked.flag).collect();
    missing.extend(admins.is_empty().then_some(ADMIN.flag));
    let mut prefix = verb.prefix.clone();
    if !missing.is_empty() {
        if !std::io::stdin().is_terminal() {
            let flags = missing.join(", ");
            let wrong = format!("no terminal to ask on: pass {flags}, or --from-live to read what is there");
            return Ok(usage(&[wrong], output));
        }
        let mut input = std::io::stdin().lock();
        let mut say = |line: &str| output.note(line);
        for (asked, value) in NEEDED.iter().zip(&mut values) {
            if value.is_none() {
                *value = ask(&mut input, &mut say, asked, false)?;
            }
        }
        if prefix.is_none() {
            let asked = Asked {
                flag: "--prefix",
                question: "Prefix that logs are delivered under",
                answer: Answer::Prefix,
                default: Some("audit"),
            };
            prefix = ask(&mut input, &mut say, &asked, false)?;
        }
        if admins.is_empty() {
            admins.extend(several(&mut input, &mut say, &ADMIN, true)?.iter().filter_map(|text| text.parse().ok()));
        }
        if readers.is_empty() {
            let roles = several(&mut input, &mut say, &READER, false)?;
            readers.extend(roles.iter().filter_map(|text| text.parse().ok()).map(Who::Role));
            readers.extend(several(&mut input, &mut say, &GROUP, false)?.into_iter().map(Who::Group));
        }
    }
    let [Some(databricks_account), Some(aws_account), Some(region), Some(bucket)] = values else {
        return Ok(usage(&["the questions were not answered: nothing is written".to_owned()], output));
    };
    if admins.is_empty() {
        return Ok(usage(&["the questions were not answered: nothing is written".to_owned()], output));
    }
    let name = place.name(verb.name.as_deref()).unwrap_or_else(|| bucket.clone());
    let role_profile = verb.role_profile.clone();
    let (reading, administering) = (readers.len(), admins.len());
    let sketch = fresh(&Fresh {
        databricks_account,
        aws_account,
        region,
        partition,
        bucket,
        prefix,
        role,
        role_profile,
        readers,
        admins,
    });
    let Some(text) = finished(&place.path(&name), &name, &text(&sketch), output) else { return Ok(Exit::Failed) };
    let next = ["auditseal plan".to_owned()];
    let path = place.path(&name);
    let report = InitReport {
        manifest: Some(name),
        text: Some(text),
        readers: reading,
        admins: administering,
        ..InitReport::default()
    };
    deliver(global, verb, &path, report, &next, output)
}

/// One after another, until an empty answer.
fn several(
    input: &mut impl std::io::BufRead,
    say: &mut dyn FnMut(&str),
    asked: &Asked,
    needed: bool,
) -> std::io::Result<Vec<String>> {
    let mut all = Vec::new();
    while let Some(answer) = ask(input, say, asked, !(needed && all.is_empty()))? {
        if answer.is_empty() {
            break;
        }
        if !all.contains(&answer) {
            all.push(answer);
        }
    }
    Ok(all)
}

/// The canonical form of a manifest that is valid in its place, or everything that is wrong with it.
fn finished(path: &Path, name: &str, text: &str, output: &Output) -> Option<String> {
    let file = path.display().to_string();
    let below = path.parent().map(|directory| directory.join("defaults.toml"));
    let defaults = below.and_then(|file| Some((file.display().to_string(), std::fs::read_to_string(&file).ok()?)));
    let defaults = defaults.as_ref().map(|(file, text)| Defaults { file, text });
    let checked =
        manifest::format(&file, text).and_then(|text| manifest::parse_with(name, &file, &text, defaults).map(|_| text));
    match checked {
        Ok(text) => Some(text),
        Err(findings) => {
            let source = |wanted: &str| {
                if wanted == file { Some(text.to_owned()) } else { std::fs::read_to_string(wanted).ok() }
            };
            output.note(&auditseal::report::diagnostic::render(&findings, source, output.color_err));
            None
        }
    }
}

/// The document, where it was asked for.
fn document(global: &Global, report: &InitReport, output: &Output) -> anyhow::Result<()> {
    if global.format == Format::Json {
        output.data(&report::init_json(report)?)?;
    }
    Ok(())
}

/// Prints or writes the manifest, checked against its neighbours, and says how to go on.
fn deliver(
    global: &Global,
    verb: &Init,
    path: &Path,
    mut report: InitReport,
    next: &[String],
    output: &Output,
) -> anyhow::Result<Exit> {
    let text = report.text.as_deref().unwrap_or_default();
    if verb.stdout {
        match global.format {
            Format::Json => document(global, &report, output)?,
            _ => output.data(text)?,
        }
        return Ok(Exit::Done);
    }
    match create(path, text) {
        Ok(()) => {}
        Err(error @ (CreateError::Exists(_) | CreateError::Unwritable { .. })) => {
            output.note(&format!("error: {error}"));
            return Ok(Exit::Failed);
        }
    }
    output.note(&format!("Wrote {}.", path.display()));
    report.path = Some(path.display().to_string());
    document(global, &report, output)?;
    // The file is good by itself; with the others of its directory it may contradict.
    if let Err(findings) = manifest::load(path.parent().unwrap_or(Path::new("."))) {
        output.note(&session::render_problems(&findings, output));
        output.note("warning: together with the other manifests of the directory it is not valid yet, as said above.");
    }
    let steps: Vec<String> = next.iter().map(|one| format!("  {one}")).collect();
    output.note(&format!("Next:\n{}", steps.join("\n")));
    Ok(Exit::Done)
}
