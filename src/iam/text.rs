//! Pieces of a document's text, kept without copying them: an account has hundreds of thousands of them.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A piece of a text that is shared with the other pieces of it. To its users it is the `str` that it shows.
#[derive(Clone, Default)]
pub struct Text {
    whole: Arc<str>,
    /// In bytes; [`super::document::MAX_BYTES`] fits.
    start: u32,
    end: u32,
}

impl Text {
    /// A piece of a whole, without a copy where it lies there; what had escapes does not.
    pub(super) fn of(whole: &Arc<str>, piece: &str) -> Self {
        Self::within(whole, piece).unwrap_or_else(|| piece.into())
    }

    fn within(whole: &Arc<str>, piece: &str) -> Option<Self> {
        let start = (piece.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
        let end = start.checked_add(piece.len())?;
        // Another text that lies behind in memory is no piece of this one.
        whole.get(start..end)?;
        Some(Self { whole: Arc::clone(whole), start: u32::try_from(start).ok()?, end: u32::try_from(end).ok()? })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        self.whole.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self
    }
}

/// Longer than what a place can be told of is cut to nothing: no such text is ever read.
impl From<Arc<str>> for Text {
    fn from(whole: Arc<str>) -> Self {
        let end = u32::try_from(whole.len()).unwrap_or_default();
        Self { whole, start: 0, end }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Arc::<str>::from(text).into()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Arc::<str>::from(text).into()
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.as_str().to_owned()
    }
}

impl From<&Text> for String {
    fn from(text: &Text) -> Self {
        text.as_str().to_owned()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl PartialEq<String> for Text {
    fn eq(&self, other: &String) -> bool {
        **self == **other
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Into::into)
    }
}

/// A list of texts. Most have one, which takes no memory of its own.
#[derive(Clone)]
pub struct Texts(List);

#[derive(Clone)]
enum List {
    One(Text),
    Many(Box<[Text]>),
}

impl Deref for Texts {
    type Target = [Text];

    fn deref(&self) -> &[Text] {
        match &self.0 {
            List::One(text) => std::slice::from_ref(text),
            List::Many(texts) => texts,
        }
    }
}

impl Default for Texts {
    fn default() -> Self {
        Self(List::Many(Box::default()))
    }
}

impl From<Text> for Texts {
    fn from(text: Text) -> Self {
        Self(List::One(text))
    }
}

impl From<Vec<Text>> for Texts {
    fn from(mut texts: Vec<Text>) -> Self {
        match (texts.pop(), texts.is_empty()) {
            (Some(one), true) => one.into(),
            (last, _) => {
                texts.extend(last);
                Self(List::Many(texts.into()))
            }
        }
    }
}

impl FromIterator<Text> for Texts {
    fn from_iter<I: IntoIterator<Item = Text>>(texts: I) -> Self {
        texts.into_iter().collect::<Vec<Text>>().into()
    }
}

impl<'a> IntoIterator for &'a Texts {
    type Item = &'a Text;
    type IntoIter = std::slice::Iter<'a, Text>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl PartialEq for Texts {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Texts {}

impl PartialOrd for Texts {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Texts {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl Hash for Texts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl Serialize for Texts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Text>::deserialize(deserializer).map(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_of_the_whole_is_kept_in_it() {
        let whole: Arc<str> = r#"{"a":"é","b":"c"}"#.into();
        let text = Text::of(&whole, whole.get(6..8).unwrap());
        assert!(Arc::ptr_eq(&text.whole, &whole));
        assert_eq!(text, "é");
    }

    #[test]
    fn a_piece_of_another_text_is_copied() {
        let whole: Arc<str> = "abc".into();
        let other = "xabcx".to_owned();
        for piece in [other.as_str(), "", "abc", other.get(1..4).unwrap()] {
            let text = Text::of(&whole, piece);
            assert_eq!(text, piece);
            assert!(!Arc::ptr_eq(&text.whole, &whole));
        }
    }

    #[test]
    fn a_list_of_one_is_a_list() {
        let lists = [vec![], vec!["a"], vec!["a", "b"], vec!["a", "b", "c"]];
        for list in lists {
            let texts: Texts = list.iter().map(|text| Text::from(*text)).collect();
            assert_eq!(texts.iter().map(Text::as_str).collect::<Vec<_>>(), list);
            let json = serde_json::to_string(&texts).unwrap();
            assert_eq!(json, serde_json::to_string(&list).unwrap());
            assert_eq!(serde_json::from_str::<Texts>(&json).unwrap(), texts);
        }
    }
}
