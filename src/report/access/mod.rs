//! An assessment of access → text, JSON, Markdown.

mod json;
mod markdown;
mod text;

pub use json::{access_json, access_schema};
pub use markdown::{ACCESS_MARKER, access_markdown};
pub use text::{AccessOptions, access_text};
pub(in crate::report) use text::{grounds, show};

use crate::access::{Assessment, PrincipalAccess, Question, Verdict};

/// What of an assessment was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessFilter {
    /// `None` is every question.
    pub question: Option<Question>,
    /// ARN, or name of a Databricks principal.
    pub principal: Option<String>,
}

impl AccessFilter {
    fn covers(&self, one: &PrincipalAccess) -> bool {
        self.question.is_none_or(|question| question == one.question)
            && self.principal.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(&one.arn))
    }

    fn questions(&self) -> Vec<Question> {
        Question::ALL.into_iter().filter(|question| self.question.is_none_or(|asked| asked == *question)).collect()
    }

    /// Whether a proof belongs to what was asked.
    fn proof(&self, code: &str) -> bool {
        let codes: &[&str] = match self.question {
            None => return true,
            Some(Question::Read) => &["readers-declared"],
            Some(Question::Write) => &["writers-declared", "delivery-works"],
            Some(Question::Tamper) => &["tamperers-declared", "control-kept"],
            Some(Question::List) => &["listers-declared"],
        };
        // Of replicas, too.
        codes.iter().any(|one| code.starts_with(one))
    }

    /// Whether the answer is a clean one: everything was read, every proof that was asked for holds, and whom was asked
    /// about cannot unless it is declared.
    #[must_use]
    pub fn is_clean(&self, assessment: &Assessment) -> bool {
        let undeclared = assessment
            .principals
            .iter()
            .any(|one| self.covers(one) && one.verdict != Verdict::Cannot && !one.declared && self.principal.is_some());
        let proofs = assessment.proofs.iter().filter(|proof| self.proof(&proof.code) && self.principal.is_none());
        assessment.complete
            && !undeclared
            && proofs.into_iter().all(|proof| proof.verdict == crate::access::ProofVerdict::Holds)
    }
}
