//! The JSON of a policy while it is read: one flat list of values that borrow from the text, in the order of the text. A
//! member that is named twice is refused (as [`super::json`] does for what is kept).

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};

#[derive(Clone, Debug, PartialEq)]
enum Node<'a> {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    String(Cow<'a, str>),
    /// Its items follow; where they end.
    List(usize),
    /// Its members follow, each a name and a value; where they end.
    Object(usize),
}

/// A JSON text that was read.
#[derive(Debug)]
pub(super) struct Tape<'a> {
    nodes: Vec<Node<'a>>,
}

/// Bytes of text that a value takes at least, in the documents that there are: what a list is made for that need not grow.
const BYTES_OF_A_VALUE: usize = 8;

impl<'a> Tape<'a> {
    /// # Errors
    /// When the text is no JSON, nested deeper than 128 levels, or names a member twice.
    pub fn read(text: &'a str) -> serde_json::Result<Self> {
        let mut nodes = Vec::with_capacity(text.len() / BYTES_OF_A_VALUE + 1);
        let mut json = serde_json::Deserializer::from_str(text);
        Reader(&mut nodes).deserialize(&mut json)?;
        json.end()?;
        Ok(Self { nodes })
    }

    pub fn value(&self) -> Value<'_, 'a> {
        Value { nodes: &self.nodes, at: 0 }
    }
}

/// A value of a tape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'t, 'a> {
    nodes: &'t [Node<'a>],
    at: usize,
}

/// What a value is.
pub(super) enum Shape<'t, 'a> {
    Null,
    Bool(bool),
    Number(&'t serde_json::Number),
    String(&'t Cow<'a, str>),
    List(Items<'t, 'a>),
    Object(Members<'t, 'a>),
}

impl Shape<'_, '_> {
    /// In words, for error messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Shape::Null => "null",
            Shape::Bool(_) => "a boolean",
            Shape::Number(_) => "a number",
            Shape::String(_) => "a string",
            Shape::List(_) => "a list",
            Shape::Object(_) => "an object",
        }
    }
}

impl<'t, 'a> Value<'t, 'a> {
    pub fn shape(self) -> Shape<'t, 'a> {
        let inside = |end: &usize| Items { nodes: self.nodes, at: self.at + 1, end: *end };
        match self.nodes.get(self.at) {
            Some(Node::Bool(value)) => Shape::Bool(*value),
            Some(Node::Number(value)) => Shape::Number(value),
            Some(Node::String(text)) => Shape::String(text),
            Some(Node::List(end)) => Shape::List(inside(end)),
            Some(Node::Object(end)) => Shape::Object(Members(inside(end))),
            Some(Node::Null) | None => Shape::Null,
        }
    }
}

/// The items of a list.
#[derive(Clone, Debug)]
pub(super) struct Items<'t, 'a> {
    nodes: &'t [Node<'a>],
    at: usize,
    end: usize,
}

impl<'t, 'a> Iterator for Items<'t, 'a> {
    type Item = Value<'t, 'a>;

    fn next(&mut self) -> Option<Value<'t, 'a>> {
        let at = Some(self.at).filter(|at| *at < self.end)?;
        self.at = match self.nodes.get(at) {
            Some(Node::List(end) | Node::Object(end)) => *end,
            _ => at + 1,
        };
        Some(Value { nodes: self.nodes, at })
    }
}

/// The members of an object: names and values.
#[derive(Clone, Debug)]
pub(super) struct Members<'t, 'a>(Items<'t, 'a>);

impl<'t, 'a> Iterator for Members<'t, 'a> {
    type Item = (&'t Cow<'a, str>, Value<'t, 'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let Shape::String(name) = self.0.next()?.shape() else { return None };
        Some((name, self.0.next()?))
    }
}

/// Adds the next value of a text to a tape.
struct Reader<'t, 'a>(&'t mut Vec<Node<'a>>);

impl<'de> DeserializeSeed<'de> for Reader<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.push(Node::Null);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.0.push(Node::Bool(value));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.0.push(Node::Number(value.into()));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.0.push(Node::Number(value.into()));
        Ok(())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        let number = serde_json::Number::from_f64(value).ok_or_else(|| E::custom("number out of range"))?;
        self.0.push(Node::Number(number));
        Ok(())
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<(), E> {
        self.0.push(Node::String(Cow::Borrowed(value)));
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.0.push(Node::String(Cow::Owned(value.to_owned())));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let start = self.0.len();
        self.0.push(Node::List(start));
        while items.next_element_seed(Reader(self.0))?.is_some() {}
        close(self.0, start, Node::List);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let start = self.0.len();
        self.0.push(Node::Object(start));
        let (mut count, mut seen) = (0, HashSet::new());
        loop {
            let at = self.0.len();
            if members.next_key_seed(Reader(self.0))?.is_none() {
                break;
            }
            if let Some(name) = twice(self.0, start + 1, at, count, &mut seen) {
                return Err(A::Error::custom(format!("`{name}` occurs twice in one object")));
            }
            count += 1;
            members.next_value_seed(Reader(self.0))?;
        }
        close(self.0, start, Node::Object);
        Ok(())
    }
}

fn close<'a>(nodes: &mut [Node<'a>], start: usize, kind: fn(usize) -> Node<'a>) {
    let end = nodes.len();
    if let Some(open) = nodes.get_mut(start) {
        *open = kind(end);
    }
}

const FEW: usize = 16;

/// The name of the member at a place, if one before it has the same. Few members are looked through; many would take a time
/// of their square.
fn twice<'a>(
    nodes: &[Node<'a>],
    start: usize,
    at: usize,
    count: usize,
    seen: &mut HashSet<Cow<'a, str>>,
) -> Option<String> {
    let Some(Node::String(name)) = nodes.get(at) else { return None };
    let mut before = Members(Items { nodes, at: start, end: at }).map(|(name, _)| name);
    let known = match count {
        FEW => {
            seen.extend(before.cloned());
            !seen.insert(name.clone())
        }
        count if count > FEW => !seen.insert(name.clone()),
        _ => before.any(|known| known == name),
    };
    known.then(|| name.to_string())
}
