//! Questions on a terminal: each is asked until its answer is one that a manifest takes.

use std::io::BufRead;

use auditseal::manifest::{Answer, check};

/// What is asked, and by which flag it could have been given.
pub struct Asked {
    pub flag: &'static str,
    pub question: &'static str,
    pub answer: Answer,
    /// Taken for an empty answer.
    pub default: Option<&'static str>,
}

/// An answer; `None` at the end of input. An empty one stands for the default, and is one by itself where `optional`.
pub fn ask(
    input: &mut impl BufRead,
    say: &mut dyn FnMut(&str),
    asked: &Asked,
    optional: bool,
) -> std::io::Result<Option<String>> {
    let Asked { flag: _, question, answer, default } = asked;
    let hint = match (default, optional) {
        (Some(default), _) => format!(" [{default}]"),
        (None, true) => " [none]".to_owned(),
        (None, false) => String::new(),
    };
    loop {
        say(&format!("{question}{hint}:"));
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let text = line.trim();
        let text = if text.is_empty() { default.unwrap_or_default() } else { text };
        if text.is_empty() && optional {
            return Ok(Some(String::new()));
        }
        match check(*answer, text) {
            Ok(()) if !text.is_empty() => return Ok(Some(text.to_owned())),
            Ok(()) => say("  an answer is needed"),
            Err(why) => say(&format!("  {why}")),
        }
    }
}

/// One of a list, by its number; the first for an empty answer and at the end of input.
pub fn pick(input: &mut impl BufRead, say: &mut dyn FnMut(&str), question: &str, choices: &[String]) -> usize {
    say(question);
    for (index, choice) in choices.iter().enumerate() {
        say(&format!("  {}. {choice}", index + 1));
    }
    loop {
        say("Number [1]:");
        let mut line = String::new();
        match input.read_line(&mut line) {
            Ok(0) | Err(_) => return 0,
            Ok(_) if line.trim().is_empty() => return 0,
            Ok(_) => {}
        }
        match line.trim().parse::<usize>() {
            Ok(number) if (1..=choices.len()).contains(&number) => return number - 1,
            _ => say(&format!("  write a number from 1 to {}", choices.len())),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that meets what it did not expect has to fail")]
mod tests {
    use super::*;

    fn said(input: &str, asked: &Asked, optional: bool) -> (Option<String>, String) {
        let mut said = String::new();
        let mut say = |line: &str| said.push_str(&format!("{line}\n"));
        let answer = ask(&mut input.as_bytes(), &mut say, asked, optional).unwrap();
        (answer, said)
    }

    const ACCOUNT: Asked =
        Asked { flag: "--aws-account-id", question: "AWS account id", answer: Answer::AwsAccount, default: None };
    const PREFIX: Asked =
        Asked { flag: "--prefix", question: "Prefix", answer: Answer::Prefix, default: Some("audit") };

    #[test]
    fn a_question_is_asked_until_its_answer_fits() {
        let (answer, said) = said("\n1111\n 111122223333 \nnever read", &ACCOUNT, false);
        assert_eq!(answer.as_deref(), Some("111122223333"));
        assert_eq!(said.lines().filter(|line| *line == "AWS account id:").count(), 3);
        assert!(said.contains("`1111` is not an AWS account id: write its twelve digits, without hyphens"), "{said}");
    }

    #[test]
    fn an_empty_answer_is_the_default_or_none_and_the_end_is_no_answer() {
        assert_eq!(said("\n", &PREFIX, false).0.as_deref(), Some("audit"));
        assert!(said("\n", &PREFIX, false).1.contains("Prefix [audit]:"));
        assert_eq!(said("\n", &ACCOUNT, true).0.as_deref(), Some(""));
        assert_eq!(said("", &ACCOUNT, false).0, None);
        assert_eq!(said("x\n", &ACCOUNT, true).0, None);
    }

    #[test]
    fn a_choice_is_a_number_of_the_list() {
        let choices = ["a".to_owned(), "b".to_owned()];
        let chosen = |input: &str| pick(&mut input.as_bytes(), &mut |_| {}, "Which?", &choices);
        assert_eq!((chosen("2\n"), chosen("\n"), chosen(""), chosen("0\n3\nb\n2\n")), (1, 0, 0, 1));
    }
}
