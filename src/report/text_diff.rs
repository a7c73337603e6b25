//! Two texts of one file as a unified diff.

use similar::TextDiff;

use crate::manifest::mask;

/// The diff with three lines around each change, in the form that `patch` takes; everything that looks like a secret is
/// masked. Empty when nothing differs.
#[must_use]
pub fn text_diff(file: &str, before: &str, after: &str) -> String {
    let (before, after) = (mask(before), mask(after));
    let diff = TextDiff::from_lines(&before, &after);
    diff.unified_diff().context_radius(3).header(&format!("a/{file}"), &format!("b/{file}")).to_string()
}

#[cfg(test)]
mod tests {
    use super::text_diff;

    #[test]
    fn a_diff_shows_lines_and_no_secret() {
        let secret = "dapi0123456789abcdef0123456789abcdef";
        let diff = text_diff("a.toml", &format!("x=1 # {secret}\ny = 2\n"), &format!("x = 1 # {secret}\ny = 2\n"));
        assert!(!diff.contains("0123456789"), "{diff}");
        assert!(diff.starts_with("--- a/a.toml\n+++ b/a.toml\n@@ -1,2 +1,2 @@\n-x=1 # "), "{diff}");
        assert_eq!(text_diff("a.toml", "x", "x"), "");
    }
}
