//! An assessment as text: who can and should not, who can and may, who cannot and why, what is proved, what that rests on.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use crate::access::{Assessment, PrincipalAccess, ProofVerdict, Question, Verdict};

use super::super::style::{Role, Style};
use super::super::value::{plain, without_tokens};
use super::AccessFilter;

/// Principals that are named for one obstacle.
const MOST_NAMED: usize = 5;
/// Means of the second tier that are named for one principal.
const MOST_MEANS: usize = 4;

#[derive(Clone, Copy, Debug, Default)]
pub struct AccessOptions {
    pub color: bool,
    /// One line per principal.
    pub concise: bool,
    /// Also every principal that cannot, and every means of the second tier.
    pub verbose: bool,
}

/// Writes the assessment for people.
///
/// # Errors
/// When the writer fails.
pub fn access_text(
    assessment: &Assessment,
    filter: &AccessFilter,
    options: AccessOptions,
    out: &mut dyn Write,
) -> fmt::Result {
    let page = Page { assessment, filter, options, style: Style { color: options.color } };
    for question in filter.questions() {
        page.question(question, out)?;
    }
    page.second_tier(out)?;
    page.rests_on(out)?;
    page.proofs(out)
}

/// What the question asks, as a verb.
pub(super) fn verb(question: Question) -> &'static str {
    match question {
        Question::Read => "read the logs",
        Question::Write => "write log objects",
        Question::Tamper => "change or destroy logs, or their protection",
        Question::List => "list the logs",
    }
}

struct Page<'a> {
    assessment: &'a Assessment,
    filter: &'a AccessFilter,
    options: AccessOptions,
    style: Style,
}

/// A text from the cloud on one line, references to what is to be made left out.
pub(in crate::report) fn show(text: &str) -> String {
    plain(&without_tokens(text))
}

/// The statements that let somebody in, and what they ask for.
pub(in crate::report) fn grounds(one: &PrincipalAccess, indent: &str, out: &mut dyn Write) -> fmt::Result {
    let witness = &one.witness;
    for (name, lines) in [("s3", &witness.s3), ("key", &witness.kms), ("unity catalog", &witness.unity_catalog)] {
        if !lines.is_empty() {
            let lines = lines.iter().map(|text| show(text)).collect::<Vec<_>>().join(" + ");
            writeln!(out, "{indent}{name}: {lines}")?;
        }
    }
    for condition in &one.conditions {
        writeln!(out, "{indent}only if: {}", show(condition))?;
    }
    Ok(())
}

impl Page<'_> {
    fn of(&self, question: Question) -> Vec<&PrincipalAccess> {
        let all = self.assessment.principals.iter();
        all.filter(|one| one.question == question && self.filter.covers(one)).collect()
    }

    fn question(&self, question: Question, out: &mut dyn Write) -> fmt::Result {
        let all = self.of(question);
        let groups = [
            ("NOT DECLARED, and can", Role::Refusal, Verdict::Can, false),
            ("NOT DECLARED, and can under conditions", Role::Refusal, Verdict::Conditional, false),
            ("Declared, and can", Role::Heading, Verdict::Can, true),
            ("Declared, and can under conditions", Role::Heading, Verdict::Conditional, true),
        ];
        for (title, role, verdict, declared) in groups {
            let members = all.iter().filter(|one| one.verdict == verdict && one.declared == declared);
            // One entry for what is the same in several classes of objects.
            let mut same: Vec<(&PrincipalAccess, Vec<&str>)> = Vec::new();
            for one in members {
                match same.iter_mut().find(|(other, _)| is_same(other, one)) {
                    Some((_, classes)) => classes.push(&one.object_class),
                    None => same.push((one, vec![&one.object_class])),
                }
            }
            if same.is_empty() {
                continue;
            }
            writeln!(out, "{}\n", self.style.paint(role, format!("{title} {}:", verb(question))))?;
            for (one, classes) in same {
                self.entry(one, &classes, out)?;
            }
            writeln!(out)?;
        }
        self.cannot(question, &all, out)
    }

    fn entry(&self, one: &PrincipalAccess, classes: &[&str], out: &mut dyn Write) -> fmt::Result {
        write!(out, "  {}", self.style.paint(Role::Heading, show(&one.arn)))?;
        if one.declared {
            write!(out, "  ({})", show(&one.declared_as))?;
        }
        writeln!(out)?;
        if self.options.concise {
            return Ok(());
        }
        writeln!(out, "    objects: {}   actions: {}", classes.join(", "), one.actions.join(", "))?;
        for hop in &one.via {
            let statements = hop.statements.iter().map(|text| show(text)).collect::<Vec<_>>().join(" + ");
            writeln!(out, "    through: {} ({}: {statements})", show(&hop.role), hop.by)?;
        }
        grounds(one, "    ", out)
    }

    /// Everybody else, by what stands in the way.
    fn cannot(&self, question: Question, all: &[&PrincipalAccess], out: &mut dyn Write) -> fmt::Result {
        let mut by_reason: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for one in all.iter().filter(|one| one.verdict == Verdict::Cannot) {
            by_reason.entry(one.blocked_by.join("; ")).or_default().push(&one.arn);
        }
        if by_reason.is_empty() {
            return Ok(());
        }
        let count: usize = by_reason.values().map(Vec::len).sum();
        let title = format!("Cannot {} ({count}), because:", verb(question));
        writeln!(out, "{}\n", self.style.paint(Role::Heading, title))?;
        for (reason, mut names) in by_reason {
            names.sort_unstable();
            names.dedup();
            let limit = if self.options.verbose { names.len() } else { MOST_NAMED };
            let shown: Vec<String> = names.iter().take(limit).map(|name| show(name)).collect();
            let more = names.len().saturating_sub(limit);
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            writeln!(out, "  {}", show(&reason))?;
            writeln!(out, "    {}{rest}", shown.join(", "))?;
        }
        writeln!(out)
    }

    fn second_tier(&self, out: &mut dyn Write) -> fmt::Result {
        let named = |arn: &str| self.filter.principal.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(arn));
        let all: Vec<_> = self.assessment.second_tier.iter().filter(|one| named(&one.arn)).collect();
        let asked = self.filter.question.is_none_or(|question| matches!(question, Question::Read | Question::Tamper));
        if all.is_empty() || !asked {
            return Ok(());
        }
        let title = "Could make itself a reader, by changing something first (second tier; no bucket policy stops IAM, \
                     account settings, access points or lifecycle):";
        writeln!(out, "{}\n", self.style.paint(Role::Heading, title))?;
        for one in all {
            let limit = if self.options.verbose { one.means.len() } else { MOST_MEANS };
            let more = one.means.len().saturating_sub(limit);
            let rest = if more > 0 { format!(" and {more} more ways") } else { String::new() };
            let means: Vec<String> = one.means.iter().take(limit).map(|text| show(text)).collect();
            let declared = if one.declared { "  (declared admin)" } else { "" };
            writeln!(out, "  {}{declared}\n    {}{rest}", show(&one.arn), means.join(", "))?;
        }
        writeln!(out)
    }

    fn rests_on(&self, out: &mut dyn Write) -> fmt::Result {
        if !self.assessment.gaps.is_empty() {
            writeln!(out, "{}\n", self.style.paint(Role::Warning, "Not read, so nothing is proved:"))?;
            for gap in &self.assessment.gaps {
                writeln!(out, "  {}", show(&gap.to_string()))?;
            }
            writeln!(out)?;
        }
        if !self.assessment.assumptions.is_empty() {
            writeln!(out, "{}\n", self.style.paint(Role::Heading, "Assumed:"))?;
            for one in &self.assessment.assumptions {
                writeln!(out, "  {}: {}", one.code, show(&one.message))?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    fn proofs(&self, out: &mut dyn Write) -> fmt::Result {
        for proof in self.assessment.proofs.iter().filter(|proof| self.filter.proof(&proof.code)) {
            let role = match proof.verdict {
                ProofVerdict::Holds => Role::Create,
                ProofVerdict::NotProven => Role::Warning,
                ProofVerdict::DoesNotHold => Role::Refusal,
            };
            let verdict = self.style.paint(role, proof.verdict.name());
            writeln!(out, "{}: {verdict}: {} [{}]", proof.manifest, proof.claim, proof.code)?;
            for reason in &proof.because {
                writeln!(out, "    {}", show(reason))?;
            }
        }
        Ok(())
    }
}

/// Whether two entries differ in the class of objects only.
fn is_same(a: &PrincipalAccess, b: &PrincipalAccess) -> bool {
    (&a.manifest, &a.arn, &a.declared_as, &a.actions, &a.via)
        == (&b.manifest, &b.arn, &b.declared_as, &b.actions, &b.via)
        && a.witness.s3 == b.witness.s3
        && a.witness.kms == b.witness.kms
        && a.witness.unity_catalog == b.witness.unity_catalog
        && a.conditions == b.conditions
}
