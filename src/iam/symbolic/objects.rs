//! The objects below a prefix, or other resources of a kind, as the finitely many kinds that policies tell apart.

use std::collections::{BTreeMap, BTreeSet};

use super::super::condition::{Lowered, lowered};
use super::super::context::Context;
use super::super::document::{Condition, Element, Policy, Statement, Version};
use super::super::glob::{Resolved, Token, resolve, variables};
use super::super::operator::Comparison;
use super::super::principal::Principal;
use super::super::region::{Language, TooLarge, combinations};
use super::question::Limits;

/// How a pattern reads the ARN of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// Part by part (M3).
    Arn,
    /// As one text.
    Text,
    /// As one text in whatever case; its own characters are lower case.
    Folded,
}

/// Collects the patterns that policies have for objects below one prefix, or for other resources of a kind.
#[derive(Debug)]
pub struct Objects {
    /// ARN of the bucket with a slash.
    bucket: Vec<Token>,
    /// Pattern of the resources that are meant.
    within: Vec<Token>,
    /// How ARNs begin under which access points show the same objects.
    points: Vec<String>,
    /// How ARNs of what is meant begin.
    begins: String,
    /// Each pattern once.
    patterns: BTreeSet<(Form, Vec<Token>)>,
    seen: BTreeSet<(Version, String)>,
    /// Some pattern came about by a variable.
    by_variable: bool,
    /// Why what a policy says of objects cannot be worked out.
    unclear: Option<String>,
}

impl Objects {
    /// `bucket` is its ARN; `prefix` is plain text without a leading slash, and may be empty.
    #[must_use]
    pub fn below(bucket: &str, prefix: &str) -> Self {
        let plain = |text: String| text.chars().map(Token::Char).collect::<Vec<Token>>();
        let within = plain(format!("{bucket}/{prefix}")).into_iter().chain([Token::One, Token::Any]).collect();
        Self { bucket: plain(format!("{bucket}/")), ..Self::within(within) }
    }

    /// All resources of an ARN pattern, such as `arn:aws:lambda:*:111122223333:function:*`.
    #[must_use]
    pub fn matching(pattern: &str) -> Self {
        Self::within(Token::pattern(pattern))
    }

    /// How whatever is meant begins, in every way to name it: a policy with neither variables nor conditions about objects
    /// whose resources all begin otherwise has nothing to add.
    #[must_use]
    pub fn beginnings(&self) -> Vec<String> {
        std::iter::once(&self.begins).chain(&self.points).cloned().collect()
    }

    fn within(within: Vec<Token>) -> Self {
        let plain = within.iter().map_while(|token| match token {
            Token::Char(c) | Token::Text(c) => Some(*c),
            Token::Any | Token::One => None,
        });
        Self {
            bucket: Vec::new(),
            begins: plain.collect(),
            within,
            points: Vec::new(),
            patterns: BTreeSet::new(),
            seen: BTreeSet::new(),
            by_variable: false,
            unclear: None,
        }
    }

    /// From now on policies may also name the objects as an access point shows them ("Configuring IAM policies for using
    /// access points", Amazon S3 User Guide): by its ARN, `/object/` and the key.
    pub fn point(&mut self, arn: &str) {
        self.points.push(format!("{arn}/object/"));
    }

    /// The ARN of one object that something other than a policy names, such as the constraint of a KMS grant.
    pub fn literal(&mut self, arn: &str) {
        self.insert(Form::Text, arn.chars().map(Token::Char).collect());
    }

    /// Adds the resources of a policy, and the object ARNs in its conditions. A policy with variables has to be added for every
    /// principal, with the keys that are fixed for it; without variables once is enough.
    pub fn add(&mut self, policy: &Policy, principal: Option<&Principal>, fixed: &BTreeMap<String, Vec<String>>) {
        let mut context: Option<Context> = None;
        for statement in &policy.statements {
            for (condition, text) in texts(statement) {
                if self.is_elsewhere(condition, text) {
                    continue;
                }
                let open = self.is_open(text, policy.version);
                let comparison = match condition {
                    None => None,
                    Some(one) if is_object(&one.key) => Some(one.operator.comparison()),
                    Some(_) => continue,
                };
                // What a pattern without variables says does not depend on who asks.
                if !open && !self.seen.insert((policy.version, format!("{comparison:?}{text}"))) {
                    continue;
                }
                let context = context.get_or_insert_with(|| {
                    let mut context = Context::new(fixed, &BTreeSet::from(["*".to_owned()]));
                    if let Some(principal) = principal {
                        principal.derive(&mut context);
                    }
                    context
                });
                let like = [None, Some(Some(Comparison::StringLike)), Some(Some(Comparison::ArnEquals))];
                let tokens = match resolve(text, policy.version, context, like.contains(&comparison)) {
                    Resolved::Known(tokens) | Resolved::Unknown(tokens) => tokens,
                    Resolved::Missing => continue,
                };
                self.by_variable |= self.pattern(comparison, tokens) && open;
            }
        }
    }

    /// Whether a document may tell what is meant apart: whether it says anything that is not plainly about something else.
    #[must_use]
    pub fn is_told_apart_by(&self, policy: &Policy) -> bool {
        policy.statements.iter().any(|statement| {
            texts(statement).any(|(condition, text)| {
                // What is about everything tells nothing apart.
                let everything = condition.is_none() && text == "*";
                !everything && !self.is_elsewhere(condition, text) && !self.is_other_object(condition, text)
            })
        })
    }

    /// Whether a value of a condition is plainly the ARN of something else, in whatever case.
    fn is_other_object(&self, condition: Option<&Condition>, text: &str) -> bool {
        let head = text.bytes().take_while(|byte| !matches!(byte, b'*' | b'?' | b'$'));
        let mut pairs = head.zip(self.begins.bytes());
        condition.is_some() && self.points.is_empty() && pairs.any(|(a, b)| !a.eq_ignore_ascii_case(&b))
    }

    /// Whether a text is plainly about something else: most are. One with variables is looked at closely.
    fn is_elsewhere(&self, condition: Option<&Condition>, text: &str) -> bool {
        if text.contains('$') {
            return false;
        }
        let Some(condition) = condition else {
            // The first difference before a wildcard decides.
            let head = text.bytes().take_while(|byte| !matches!(byte, b'*' | b'?'));
            let differs = |begins: &str| head.clone().zip(begins.bytes()).any(|(a, b)| a != b);
            return differs(&self.begins) && self.points.iter().all(|point| differs(point));
        };
        !is_object(&condition.key)
    }

    /// Whether a text has variables. One that stands for the object itself turns a comparison around: then the other side
    /// tells objects apart, which is not worked out.
    fn is_open(&mut self, text: &str, version: Version) -> bool {
        let mut open = false;
        for name in variables(text, version) {
            open = true;
            if is_object(name) {
                self.unclear = Some(format!("something is compared with the object itself, `${{{name}}}`"));
            }
        }
        open
    }

    /// `comparison`: of a condition; `None` for a resource. Returns whether the pattern meets the prefix.
    fn pattern(&mut self, comparison: Option<Option<Comparison>>, tokens: Vec<Token>) -> bool {
        match comparison {
            None => {
                let behind = self.behind_points(&tokens);
                let colons = tokens.iter().filter(|token| **token == Token::Char(':')).count();
                // Could be meant as one text across the parts (M3).
                let flat = colons < 5 && self.insert(Form::Text, tokens.clone());
                self.insert(Form::Arn, tokens) || flat || behind
            }
            // With fewer parts it is not known what it matches, for one object as for another.
            Some(Some(Comparison::ArnEquals)) => self.insert(Form::Arn, tokens),
            Some(Some(Comparison::StringEqualsIgnoreCase)) => match lowered(&tokens) {
                Lowered::Ascii(tokens) => self.insert(Form::Folded, tokens),
                Lowered::Other => {
                    self.unclear = Some("objects are compared without case beyond ASCII".to_owned());
                    true
                }
            },
            Some(_) => self.insert(Form::Text, tokens),
        }
    }

    fn insert(&mut self, form: Form, tokens: Vec<Token>) -> bool {
        let meets = self.meets(form, &tokens);
        if meets {
            self.patterns.insert((form, tokens));
        }
        meets
    }

    /// What a pattern for objects behind an access point says of the same objects in the bucket.
    fn behind_points(&mut self, tokens: &[Token]) -> bool {
        let mut any = false;
        for point in self.points.clone() {
            for rest in left_of(tokens, &point) {
                let own: Vec<Token> = self.bucket.iter().chain(rest).copied().collect();
                any |= self.insert(Form::Text, own);
            }
        }
        any
    }

    /// Whether the plain beginning of a pattern goes together with that of what is meant.
    fn meets(&self, form: Form, tokens: &[Token]) -> bool {
        let same = |(token, below): (&Token, &Token)| match (token, below) {
            (Token::Char(a) | Token::Text(a), Token::Char(b)) if form == Form::Folded => {
                Some(b.to_lowercase().eq([*a]))
            }
            (Token::Char(a) | Token::Text(a), Token::Char(b)) => Some(a == b),
            _ => None,
        };
        // The first difference decides; a wildcard ends the comparison.
        tokens.iter().zip(&self.within).map(same).take_while(Option::is_some).all(|equal| equal == Some(true))
    }

    /// Whether a policy names objects of the prefix by a variable, so that others are meant for each principal.
    #[must_use]
    pub fn by_variable(&self) -> bool {
        self.by_variable
    }

    /// One ARN of every kind.
    ///
    /// # Errors
    /// When the patterns are too many to be told apart, or what they say cannot be worked out; then no set of ARNs stands for
    /// all.
    pub fn witnesses(&self, limits: Limits) -> Result<Vec<String>, String> {
        if let Some(why) = &self.unclear {
            return Err(why.clone());
        }
        combinations(&self.languages(), &[Language::arn(&self.within)], limits.automaton)
            .map_err(|TooLarge| format!("more than {} states are needed to tell objects apart", limits.automaton))
    }

    /// The objects that are named without wildcards, for where kinds cannot be told apart.
    #[must_use]
    pub fn named(&self) -> Vec<String> {
        let all = Language::arn(&self.within);
        let named: BTreeSet<String> = self.languages().iter().filter_map(Language::literal).collect();
        named.into_iter().filter(|arn| all.contains(arn)).collect()
    }

    fn languages(&self) -> Vec<Language> {
        let language = |(form, tokens): &(Form, Vec<Token>)| match form {
            Form::Arn => Language::arn(tokens),
            Form::Text => Language::flat(tokens),
            Form::Folded => Language::without_case(tokens),
        };
        self.patterns.iter().map(language).collect()
    }
}

/// What may name objects in a statement: its resources, and the values of its conditions with these.
fn texts(statement: &Statement) -> impl Iterator<Item = (Option<&Condition>, &str)> {
    fn of(condition: &Condition) -> impl Iterator<Item = (Option<&Condition>, &str)> {
        condition.values.iter().map(move |text| (Some(condition), &**text))
    }
    let resources = statement.resource.iter().flat_map(Element::get).map(|text| (None, &**text));
    resources.chain(statement.conditions.iter().flat_map(of))
}

/// Whether a condition key holds the ARN of the object: the encryption context that S3 sends to KMS (K4).
#[must_use]
pub fn is_object(key: &str) -> bool {
    key.eq_ignore_ascii_case("kms:EncryptionContext:aws:s3:arn")
}

/// What a pattern still asks for once it has taken a text, in each way of taking it. Of ways that differ in what a `*` took,
/// the last `*` allows whatever the others do.
fn left_of<'a>(pattern: &'a [Token], text: &str) -> Vec<&'a [Token]> {
    let is_star = |at: usize| pattern.get(at) == Some(&Token::Any);
    let mut active = BTreeSet::from([0_usize]);
    for c in text.chars() {
        let mut next = BTreeSet::new();
        for from in active {
            let mut at = from;
            loop {
                match pattern.get(at) {
                    Some(Token::Any) => next.insert(at),
                    Some(Token::One) => next.insert(at + 1),
                    Some(Token::Char(wanted) | Token::Text(wanted)) if *wanted == c => next.insert(at + 1),
                    _ => false,
                };
                if !is_star(at) {
                    break;
                }
                at += 1;
            }
        }
        if let Some(star) = next.iter().rev().copied().find(|at| is_star(*at)) {
            next = next.split_off(&star);
        }
        active = next;
    }
    active.into_iter().filter_map(|at| pattern.get(at..)).collect()
}
