//! Where credentials are written down: the environment and `~/.databrickscfg`. Knows names and precedence, not methods.
//!
//! Rules: databricks-sdk-go `config/config_file.go` and databricks-sdk-py `config.py`. The file is not read when the
//! environment already has a host or credentials and no profile was asked for; `[DEFAULT]` lends nothing to other
//! sections; `[__settings__] default_profile` replaces `DEFAULT` as the section that is read unasked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ini::{Ini, ParseOption};
use secrecy::{ExposeSecret, SecretString};

use super::Env;
use super::error::ConnectError;

/// (key in the file, environment variable).
const KEYS: &[(&str, &str)] = &[
    ("host", "DATABRICKS_HOST"),
    ("account_id", "DATABRICKS_ACCOUNT_ID"),
    ("auth_type", "DATABRICKS_AUTH_TYPE"),
    ("token", "DATABRICKS_TOKEN"),
    ("username", "DATABRICKS_USERNAME"),
    ("password", "DATABRICKS_PASSWORD"),
    ("client_id", "DATABRICKS_CLIENT_ID"),
    ("client_secret", "DATABRICKS_CLIENT_SECRET"),
    ("oidc_token_env", "DATABRICKS_OIDC_TOKEN_ENV"),
    ("oidc_token_filepath", "DATABRICKS_OIDC_TOKEN_FILEPATH"),
    ("token_audience", "DATABRICKS_TOKEN_AUDIENCE"),
];

/// Keys that say that the environment is meant: with any of them the file is not read unasked.
const DECISIVE: &[&str] = &["host", "token", "username", "password", "client_id", "client_secret"];

const SETTINGS_SECTION: &str = "__settings__";

type Values = BTreeMap<&'static str, SecretString>;

/// Values by key, and where they come from, in words.
pub(super) struct Settings {
    values: Values,
    pub origin: String,
}

impl Settings {
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(ExposeSecret::expose_secret)
    }

    pub fn secret(&self, key: &str) -> Option<SecretString> {
        self.values.get(key).cloned()
    }
}

/// What is to be read, before any file was opened.
pub(super) struct Sources {
    env: Values,
    /// The file, when it is to be read at all.
    pub file: Option<PathBuf>,
    /// How the file is called in messages.
    pub file_name: String,
    profile: Option<String>,
}

impl Sources {
    /// An explicit profile excludes the environment: with several accounts in one run, credentials meant for one must not
    /// leak into another.
    pub fn locate(profile: Option<&str>, env: &Env) -> Self {
        let variable = |name: &str| env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let values: Values = match profile {
            Some(_) => BTreeMap::new(),
            None => KEYS.iter().filter_map(|(key, name)| Some((*key, variable(name)?.into()))).collect(),
        };
        let profile = profile.map(str::to_owned).or_else(|| variable("DATABRICKS_CONFIG_PROFILE"));
        let home = variable("HOME").or_else(|| variable("USERPROFILE")).map(PathBuf::from);
        let file_name = variable("DATABRICKS_CONFIG_FILE").unwrap_or_else(|| "~/.databrickscfg".to_owned());
        let path = match (file_name.strip_prefix("~/"), home) {
            (Some(rest), Some(home)) => Some(home.join(rest)),
            (Some(_), None) => None,
            (None, _) => Some(PathBuf::from(&file_name)),
        };
        let decided = profile.is_none() && DECISIVE.iter().any(|key| values.contains_key(key));
        Self { env: values, file: path.filter(|_| !decided), file_name: format!("`{file_name}`"), profile }
    }

    /// Joins environment and file. `text` is `None` when there is no such file.
    pub fn settle(self, text: Option<&str>) -> Result<Settings, ConnectError> {
        let Some(section) = self.section(text)? else {
            let origin = match self.file {
                Some(_) => format!("the environment and {}", self.file_name),
                None => "the environment".to_owned(),
            };
            return Ok(Settings { values: self.env, origin });
        };
        let (profile, mut values) = section;
        let from_env = !self.env.is_empty();
        values.extend(self.env);
        let file = format!("profile `{profile}` of {}", self.file_name);
        let origin = if from_env { format!("the environment and {file}") } else { file };
        Ok(Settings { values, origin })
    }

    /// Name and values of the section that is meant.
    fn section(&self, text: Option<&str>) -> Result<Option<(String, Values)>, ConnectError> {
        let missing = |profile: &str, known: String| {
            Err(ConnectError::Profile { profile: profile.to_owned(), path: self.file_name.clone(), known })
        };
        let Some(text) = text else {
            return match &self.profile {
                Some(profile) => missing(profile, "no profiles: it does not exist".to_owned()),
                None => Ok(None),
            };
        };
        // Secrets are taken literally: no escapes, no quotes, no comments behind values.
        let literal = ParseOption { enabled_quote: false, enabled_escape: false, ..ParseOption::default() };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let file = Ini::load_from_str_opt(text, literal).map_err(|error| ConnectError::File {
            path: self.file_name.clone(),
            // The parser's message quotes nothing of the line, which may hold a secret.
            message: format!("line {}: {}", error.line.saturating_add(1), error.msg),
        })?;
        let chosen = self.profile.clone().or_else(|| {
            file.get_from(Some(SETTINGS_SECTION), "default_profile").map(str::to_owned).filter(|name| !name.is_empty())
        });
        let asked = chosen.is_some();
        let name = chosen.unwrap_or_else(|| "DEFAULT".to_owned());
        match file.section(Some(name.as_str())).filter(|_| name != SETTINGS_SECTION) {
            Some(section) => {
                let value = |key: &str| section.get(key).map(str::trim).filter(|value| !value.is_empty());
                let values = KEYS.iter().filter_map(|(key, _)| Some((*key, value(key)?.to_owned().into()))).collect();
                Ok(Some((name, values)))
            }
            None if asked => {
                let known: Vec<String> = file
                    .sections()
                    .flatten()
                    .filter(|section| *section != SETTINGS_SECTION)
                    .map(|section| format!("`{section}`"))
                    .collect();
                missing(&name, if known.is_empty() { "no profiles".to_owned() } else { known.join(", ") })
            }
            None => Ok(None),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;

    pub fn env(pairs: &[(&str, &str)]) -> Env {
        let pairs: BTreeMap<String, String> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Arc::new(move |name| pairs.get(name).cloned())
    }

    const FILE: &str = "\
[DEFAULT]
host = https://default.cloud.databricks.com
token = dapi-default

[acme]
account_id = acme-account
client_id = acme-id
client_secret = a\\b\"c;d#e
";

    fn settle(profile: Option<&str>, pairs: &[(&str, &str)], file: Option<&str>) -> Result<Settings, ConnectError> {
        let sources = Sources::locate(profile, &env(pairs));
        let text = sources.file.as_ref().and(file);
        sources.settle(text)
    }

    #[test]
    fn sections_lend_nothing_to_each_other_and_secrets_are_literal() {
        let found = settle(Some("acme"), &[("HOME", "/h")], Some(FILE)).unwrap();
        assert_eq!(found.get("token"), None);
        assert_eq!(found.get("host"), None);
        assert_eq!(found.get("client_secret"), Some("a\\b\"c;d#e"));
        assert_eq!(found.origin, "profile `acme` of `~/.databrickscfg`");
    }

    #[test]
    fn an_explicit_profile_excludes_the_environment() {
        let pairs = [("HOME", "/h"), ("DATABRICKS_TOKEN", "dapi-env"), ("DATABRICKS_CLIENT_ID", "env-id")];
        let found = settle(Some("acme"), &pairs, Some(FILE)).unwrap();
        assert_eq!(found.get("token"), None);
        assert_eq!(found.get("client_id"), Some("acme-id"));
    }

    #[test]
    fn the_environment_beats_the_file_key_by_key_when_it_names_the_profile() {
        let pairs = [("HOME", "/h"), ("DATABRICKS_CONFIG_PROFILE", "acme"), ("DATABRICKS_CLIENT_ID", "env-id")];
        let found = settle(None, &pairs, Some(FILE)).unwrap();
        assert_eq!(found.get("client_id"), Some("env-id"));
        assert_eq!(found.get("account_id"), Some("acme-account"));
        assert_eq!(found.origin, "the environment and profile `acme` of `~/.databrickscfg`");
    }

    #[test]
    fn the_file_is_not_read_when_the_environment_decides() {
        for (name, value) in [("DATABRICKS_HOST", "h"), ("DATABRICKS_TOKEN", "t"), ("DATABRICKS_CLIENT_SECRET", "s")] {
            let sources = Sources::locate(None, &env(&[("HOME", "/h"), (name, value)]));
            assert_eq!(sources.file, None, "{name}");
        }
        let sources = Sources::locate(None, &env(&[("HOME", "/h"), ("DATABRICKS_ACCOUNT_ID", "a")]));
        assert_eq!(sources.file, Some(PathBuf::from("/h/.databrickscfg")));
    }

    #[test]
    fn the_unasked_section_is_the_default_profile_then_default() {
        let found = settle(None, &[("HOME", "/h")], Some(FILE)).unwrap();
        assert_eq!(found.get("token"), Some("dapi-default"));
        let file = format!("{FILE}[__settings__]\ndefault_profile = acme\n");
        assert_eq!(settle(None, &[("HOME", "/h")], Some(&file)).unwrap().get("client_id"), Some("acme-id"));
        assert!(settle(None, &[("HOME", "/h")], Some("[other]\ntoken = t\n")).unwrap().get("token").is_none());
        assert!(settle(None, &[("HOME", "/h")], None).is_ok());
    }

    #[test]
    fn missing_profiles_are_named_with_those_that_exist() {
        let wrong = |profile, file| settle(Some(profile), &[("HOME", "/h")], file).err().unwrap().to_string();
        assert_eq!(
            wrong("amce", Some(FILE)),
            "profile `amce` is not in `~/.databrickscfg`, which has `DEFAULT`, `acme`; name one of them, or add it"
        );
        assert!(wrong("acme", None).contains("it does not exist"));
        assert!(wrong(SETTINGS_SECTION, Some("[__settings__]\ntoken=t\n")).contains("no profiles"));
    }

    #[test]
    fn the_file_can_be_elsewhere() {
        let at = |pairs: &[(&str, &str)]| Sources::locate(None, &env(pairs)).file;
        assert_eq!(at(&[("DATABRICKS_CONFIG_FILE", "/etc/dbx"), ("HOME", "/h")]), Some(PathBuf::from("/etc/dbx")));
        assert_eq!(at(&[("DATABRICKS_CONFIG_FILE", "~/x"), ("HOME", "/h")]), Some(PathBuf::from("/h/x")));
        assert_eq!(at(&[]), None);
    }

    #[test]
    fn broken_files_do_not_leak_their_lines() {
        let message = settle(Some("a"), &[("HOME", "/h")], Some("[a]\nmy-secret-line\n")).err().unwrap().to_string();
        assert!(message.contains("line") && !message.contains("secret"), "{message}");
    }
}
