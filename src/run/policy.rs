//! The evaluator offline: requests and policies from files, nothing from a cloud.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::iam::input::Given;
use crate::iam::{Compared, Inputs, Pair, Simulated, Simulation};

/// An input that cannot be used, and where in it that shows. Lines and columns count from one; a column is in bytes.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    #[error("`{file}` could not be read: {cause}")]
    Unreadable { file: String, cause: io::Error },
    #[error("{file}:{line}:{column}: {message}")]
    Invalid { file: String, line: usize, column: usize, message: String },
}

/// A text and where it came from.
struct Source {
    /// As the user named it.
    file: String,
    text: String,
}

/// Reads a file, or standard input for `-`.
fn read(path: &Path) -> Result<Source, InputError> {
    let file = path.display().to_string();
    let mut bytes = Vec::new();
    let read = if file == "-" {
        io::stdin().lock().read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|mut open| open.read_to_end(&mut bytes))
    };
    if let Err(cause) = read {
        return Err(InputError::Unreadable { file, cause });
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source { file, text }),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let before = error.as_bytes().get(..valid).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let column = before.rsplit(|byte| *byte == b'\n').next().map_or(0, <[u8]>::len) + 1;
            Err(InputError::Invalid { file, line, column, message: "not UTF-8 text".to_owned() })
        }
    }
}

impl Source {
    fn wrong(&self, error: &serde_json::Error) -> InputError {
        let text = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        InputError::Invalid {
            file: self.file.clone(),
            line: error.line(),
            column: error.column(),
            message: text.strip_suffix(&place).unwrap_or(&text).to_owned(),
        }
    }
}

/// What the items of the input come to, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Results<T> {
    pub results: Vec<T>,
    /// The input was a list, or several files.
    pub list: bool,
}

/// Decides every request of every file.
///
/// # Errors
/// What is wrong with the files, one error for each that cannot be used.
pub fn simulate(files: &[PathBuf]) -> Result<Results<Simulated>, Vec<InputError>> {
    each(files, Simulation::run)
}

/// Compares the pairs of a file: does the reference allow everything that the candidate allows?
///
/// # Errors
/// What is wrong with the file.
pub fn compare_pairs(file: &Path) -> Result<Results<Compared>, Vec<InputError>> {
    each(&[file.to_path_buf()], Pair::run)
}

/// Compares two policies that have a file each.
///
/// # Errors
/// What is wrong with the files, one error for each that cannot be used.
pub fn compare(reference: &Path, candidate: &Path) -> Result<Results<Compared>, Vec<InputError>> {
    let given = |path| {
        let source = read(path)?;
        match Inputs::<Given>::read(&source.text) {
            Ok(Inputs::One(one)) => Ok(*one),
            Ok(Inputs::Many(_)) => {
                let message = "a list; expected one policy (lists of pairs are for --pairs)".to_owned();
                Err(InputError::Invalid { file: source.file, line: 1, column: 1, message })
            }
            Err(error) => Err(source.wrong(&error)),
        }
    };
    match (given(reference), given(candidate)) {
        (Ok(reference), Ok(candidate)) => {
            Ok(Results { results: vec![Pair::new(reference, candidate).run()], list: false })
        }
        (reference, candidate) => Err([reference, candidate].into_iter().filter_map(Result::err).collect()),
    }
}

fn each<T: DeserializeOwned, R>(files: &[PathBuf], run: impl Fn(&T) -> R) -> Result<Results<R>, Vec<InputError>> {
    let (mut results, mut errors, mut list) = (Vec::new(), Vec::new(), files.len() != 1);
    for path in files {
        let read = read(path).and_then(|source| Inputs::read(&source.text).map_err(|error| source.wrong(&error)));
        match read {
            Ok(Inputs::One(one)) => results.push(run(&one)),
            Ok(Inputs::Many(many)) => {
                list = true;
                results.extend(many.iter().map(&run));
            }
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(Results { results, list }) } else { Err(errors) }
}
