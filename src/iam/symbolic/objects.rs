//! The objects below a prefix, as the finitely many kinds that policies tell apart.

use std::collections::{BTreeMap, BTreeSet};

use super::super::context::Context;
use super::super::document::{Element, Policy, Version};
use super::super::glob::{Resolved, Token, resolve, variables};
use super::super::operator::Comparison;
use super::super::principal::Principal;
use super::super::region::{Language, TooLarge, combinations};
use super::question::Limits;

/// Collects the patterns that policies have for objects below one prefix.
#[derive(Debug)]
pub struct Objects {
    below: Vec<Token>,
    /// Of each pattern once: whether it is an ARN pattern, and its tokens.
    patterns: BTreeSet<(bool, Vec<Token>)>,
    seen: BTreeSet<(Version, String)>,
}

impl Objects {
    /// `bucket` is its ARN; `prefix` is plain text without a leading slash, and may be empty.
    #[must_use]
    pub fn below(bucket: &str, prefix: &str) -> Self {
        let text = format!("{bucket}/{prefix}");
        Self { below: text.chars().map(Token::Char).collect(), patterns: BTreeSet::new(), seen: BTreeSet::new() }
    }

    /// Adds the resources of a policy, and the object ARNs in its conditions. A policy with variables has to be added for every
    /// principal, with the keys that are fixed for it; without variables once is enough.
    pub fn add(&mut self, policy: &Policy, principal: Option<&Principal>, fixed: &BTreeMap<String, Vec<String>>) {
        let mut context: Option<Context> = None;
        for statement in &policy.statements {
            let resources = statement.resource.iter().flat_map(Element::get).map(|text| (true, true, text));
            let conditions = statement.conditions.iter().flat_map(|condition| {
                let arn = condition.operator.comparison() == Some(Comparison::ArnEquals);
                let literal = !arn && condition.operator.comparison() != Some(Comparison::StringLike);
                let object = |text: &&String| text.starts_with("arn:") || text.contains(['*', '?']);
                let about = condition.key.to_ascii_lowercase().ends_with("arn");
                condition.values.iter().filter(object).filter(move |_| about).map(move |text| (arn, !literal, text))
            });
            for (arn, wildcards, text) in resources.chain(conditions) {
                let open = variables(text, policy.version).next().is_some();
                // What a pattern without variables says does not depend on who asks.
                if !open && !self.seen.insert((policy.version, format!("{arn}{wildcards}{text}"))) {
                    continue;
                }
                let context = context.get_or_insert_with(|| {
                    let mut context = Context::new(fixed, &BTreeSet::from(["*".to_owned()]));
                    if let Some(principal) = principal {
                        principal.derive(&mut context);
                    }
                    context
                });
                match resolve(text, policy.version, context, wildcards) {
                    Resolved::Known(tokens) | Resolved::Unknown(tokens) => self.pattern(arn, tokens),
                    Resolved::Missing => {}
                }
            }
        }
    }

    fn pattern(&mut self, arn: bool, tokens: Vec<Token>) {
        if self.meets(&tokens) {
            let colons = tokens.iter().filter(|token| **token == Token::Char(':')).count();
            if arn && colons < 5 {
                // Could be meant as one text across the parts (M3).
                self.patterns.insert((false, tokens.clone()));
            }
            self.patterns.insert((arn, tokens));
        }
    }

    /// Whether the plain beginning of a pattern and the prefix go together.
    fn meets(&self, tokens: &[Token]) -> bool {
        let same = |(token, below): (&Token, &Token)| match (token, below) {
            (Token::Char(a) | Token::Text(a), Token::Char(b)) => Some(a == b),
            _ => None,
        };
        // The first difference decides; a wildcard ends the comparison.
        tokens.iter().zip(&self.below).map(same).take_while(Option::is_some).all(|equal| equal == Some(true))
    }

    /// One object ARN of every kind.
    ///
    /// # Errors
    /// When the patterns are too many to be told apart; then no set of objects stands for all.
    pub fn witnesses(&self, limits: Limits) -> Result<Vec<String>, String> {
        let language = |(arn, tokens): &(bool, Vec<Token>)| match arn {
            true => Language::arn(tokens),
            false => Language::flat(tokens),
        };
        let languages: Vec<Language> = self.patterns.iter().map(language).collect();
        let objects: Vec<Token> = self.below.iter().copied().chain([Token::One, Token::Any]).collect();
        combinations(&languages, &[Language::flat(&objects)], limits.automaton)
            .map_err(|TooLarge| format!("more than {} states are needed to tell objects apart", limits.automaton))
    }
}
