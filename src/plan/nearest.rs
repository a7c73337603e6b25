//! The addresses that somebody may have meant.

use crate::model::Address;

/// So many are suggested.
const SUGGESTED: usize = 3;

/// An address that a plan does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{asked}` {what}{}", self.hint())]
pub struct UnknownAddress {
    pub asked: String,
    /// What it is not, as the rest of a sentence.
    pub what: String,
    /// Nearest first.
    pub nearest: Vec<String>,
}

impl UnknownAddress {
    fn hint(&self) -> String {
        let quoted: Vec<String> = self.nearest.iter().map(|one| format!("`{one}`")).collect();
        match quoted.as_slice() {
            [] => String::new(),
            [one] => format!("; did you mean {one}?"),
            many => format!("; nearest are {}", many.join(", ")),
        }
    }
}

/// The known addresses that look most like a text, nearest first. Ties go by address.
#[must_use]
pub fn nearest<'a>(asked: &str, known: impl IntoIterator<Item = &'a Address>) -> Vec<String> {
    let asked = asked.to_lowercase();
    // Whoever leaves out manifest or name is compared with what they wrote.
    let alike = |address: &Address| {
        let forms = [address.to_string(), format!("{}[{}]", address.kind, address.name), address.kind.to_string()];
        forms.iter().map(|form| strsim::jaro_winkler(&form.to_lowercase(), &asked)).fold(0.0, f64::max)
    };
    let mut scored: Vec<(f64, String)> = known.into_iter().map(|one| (alike(one), one.to_string())).collect();
    scored.sort_by(|left, right| right.0.total_cmp(&left.0).then_with(|| left.1.cmp(&right.1)));
    scored.dedup_by(|left, right| left.1 == right.1);
    scored.into_iter().map(|(_, address)| address).take(SUGGESTED).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;
    use crate::model::{Address, Kind};

    #[test]
    fn what_was_meant_comes_first() {
        let known = [
            Address::new("acme", Kind::BucketPolicy, "audit"),
            Address::new("acme", Kind::BucketPolicy, "access-log"),
            Address::new("acme", Kind::KmsKeyPolicy, "audit"),
            Address::new("beta", Kind::BucketPolicy, "audit"),
        ];
        for (asked, first) in [
            ("acme/bucket-policy[audti]", "acme/bucket-policy[audit]"),
            ("ACME/bucket-policy[audit]", "acme/bucket-policy[audit]"),
            ("kms-key-policy[audit]", "acme/kms-key-policy[audit]"),
            ("bet/bucket-policy[audit]", "beta/bucket-policy[audit]"),
        ] {
            assert_eq!(nearest(asked, &known).first().map(String::as_str), Some(first), "{asked}");
        }
        assert_eq!(nearest("x", &known).len(), 3);
        assert_eq!(nearest("x", &[]), [""; 0]);
    }
}
