//! Signatures of webhooks (Standard Webhooks specification 1.0.0, "Signature scheme": symmetric, `v1`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

/// How secrets are written.
const PREFIX: &str = "whsec_";
/// Bytes of a secret ("Signature scheme": between 24 and 64).
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// A signing key. Neither printable nor serialisable.
pub struct Key(SecretSlice<u8>);

/// Why a text is no signing key. Holds nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("it does not begin with `whsec_`")]
    Prefix,
    #[error("what follows `whsec_` is not Base64")]
    Base64,
    #[error("it has {0} bytes, and Standard Webhooks asks for 24 to 64: make one with `openssl rand -base64 32`")]
    Length(usize),
}

impl Key {
    /// From `whsec_` and Base64.
    ///
    /// # Errors
    /// When it is anything else, or of another length than the specification has.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(KeyError::Prefix)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| KeyError::Base64)?;
        if !LENGTHS.contains(&bytes.len()) {
            return Err(KeyError::Length(bytes.len()));
        }
        Ok(Self(bytes.into()))
    }

    /// The three headers of one attempt. The time is that of the attempt: receivers refuse old ones.
    #[must_use]
    pub fn headers(&self, id: &str, at: Timestamp, body: &str) -> Vec<(&'static str, String)> {
        let seconds = at.as_second().to_string();
        let signature = self.sign(&format!("{id}.{seconds}.{body}"));
        vec![("webhook-id", id.to_owned()), ("webhook-timestamp", seconds), ("webhook-signature", signature)]
    }

    fn sign(&self, content: &str) -> String {
        // HMAC takes keys of any length (RFC 2104), so that there is always one.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()) else { return String::new() };
        mac.update(content.as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the libraries of the specification share in their tests.
    #[test]
    fn the_worked_example() {
        let key = Key::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        let headers = key.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", at, r#"{"test": 2432232314}"#);
        let expected = [
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(headers, expected);
    }

    #[test]
    fn keys() {
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7_u8; bytes]));
        for (text, why) in [
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(), KeyError::Prefix),
            (String::new(), KeyError::Prefix),
            ("whsec_not base64".to_owned(), KeyError::Base64),
            ("whsec_".to_owned(), KeyError::Length(0)),
            (of(23), KeyError::Length(23)),
            (of(65), KeyError::Length(65)),
        ] {
            assert_eq!(Key::parse(&text).err(), Some(why), "{text}");
        }
        assert!(Key::parse(&of(24)).is_ok() && Key::parse(&of(64)).is_ok());
    }
}
