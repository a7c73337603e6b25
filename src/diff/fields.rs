//! The comparable fields of a fact, by path.

use serde_json::Value;

/// Paths and values in display order. A field without a value is left out, which makes "never set" and `null` the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fields(Vec<(String, Value)>);

impl Fields {
    /// Adds a field. A path that is taken gets a number, so that nothing is lost to a repeated name.
    pub(super) fn put(&mut self, path: impl Into<String>, value: impl Into<Value>) {
        let value = value.into();
        if value.is_null() {
            return;
        }
        let path = path.into();
        let mut free = path.clone();
        let mut count = 1_u32;
        while self.get(&free).is_some() {
            count = count.saturating_add(1);
            free = format!("{path}#{count}");
        }
        self.0.push((free, value));
    }

    pub(super) fn append(&mut self, other: Fields) {
        for (path, value) in other.0 {
            self.put(path, value);
        }
    }

    pub(super) fn get(&self, path: &str) -> Option<&Value> {
        self.0.iter().find(|(taken, _)| taken == path).map(|(_, value)| value)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What differs, as (path, before, after): first in the order of `after`, then what only `self` has.
    pub(super) fn against(&self, after: &Fields) -> Vec<(String, Value, Value)> {
        let wanted = after.0.iter().map(|(path, value)| {
            let before = self.get(path).cloned().unwrap_or(Value::Null);
            (path.clone(), before, value.clone())
        });
        let gone = self.0.iter().filter(|(path, _)| after.get(path).is_none());
        wanted
            .chain(gone.map(|(path, value)| (path.clone(), value.clone(), Value::Null)))
            .filter(|(_, before, after)| before != after)
            .collect()
    }
}

/// `list[name]`.
pub(super) fn item(list: &str, name: &str) -> String {
    format!("{list}[{name}]")
}

/// `tags["key"]`: quoted, since tag keys hold colons, dots and brackets.
pub(super) fn tag(prefix: &str, key: &str) -> String {
    format!("{prefix}tags[\"{key}\"]")
}

/// A set as a sorted JSON list.
pub(super) fn set<T: Ord + Clone + Into<Value>>(values: &[T]) -> Value {
    let mut values = values.to_vec();
    values.sort();
    values.dedup();
    Value::Array(values.into_iter().map(Into::into).collect())
}
