//! The little XML that S3 Control speaks: flat elements, read by name.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::escape::escape;
use quick_xml::events::Event;

/// Text of every element that holds text, by local name; the first of a name counts.
pub(super) fn texts(body: &str) -> Result<BTreeMap<String, String>, quick_xml::Error> {
    let mut texts = BTreeMap::new();
    for (element, content) in all(body)? {
        texts.entry(element).or_insert(content);
    }
    Ok(texts)
}

/// Local name and text of every element that holds text, in their order.
pub(super) fn all(body: &str) -> Result<Vec<(String, String)>, quick_xml::Error> {
    let mut texts = Vec::new();
    walk(body, |step| {
        if let Step::Text(element, content) = step {
            texts.push((element, content));
        }
    })?;
    Ok(texts)
}

/// Local name and text of every element that holds text, in their order: a list for each element of a name.
pub(super) fn split(body: &str, element: &str) -> Result<Vec<Vec<(String, String)>>, quick_xml::Error> {
    let mut lists: Vec<Vec<(String, String)>> = Vec::new();
    let mut inside = 0_usize;
    walk(body, |step| match step {
        Step::Open(name) if name == element => {
            if inside == 0 {
                lists.push(Vec::new());
            }
            inside += 1;
        }
        Step::Close(name) if name == element => inside = inside.saturating_sub(1),
        Step::Text(name, content) if inside > 0 => {
            if let Some(list) = lists.last_mut() {
                list.push((name, content));
            }
        }
        Step::Open(_) | Step::Close(_) | Step::Text(..) => {}
    })?;
    Ok(lists)
}

/// Path of every element below the root, by local names, in their order.
pub(super) fn paths(body: &str) -> Result<Vec<String>, quick_xml::Error> {
    let mut inside: Vec<String> = Vec::new();
    let mut paths = Vec::new();
    walk(body, |step| match step {
        Step::Open(name) => {
            inside.push(name);
            if let Some(below) = inside.get(1..).filter(|below| !below.is_empty()) {
                paths.push(below.join("/"));
            }
        }
        Step::Close(_) => {
            inside.pop();
        }
        Step::Text(..) => {}
    })?;
    Ok(paths)
}

/// What is met on the way through a document.
enum Step {
    Open(String),
    /// An element that holds text alone, before it closes.
    Text(String, String),
    Close(String),
}

fn walk(body: &str, mut on: impl FnMut(Step)) -> Result<(), quick_xml::Error> {
    let mut reader = Reader::from_str(body);
    let mut open: Option<(String, String)> = None;
    loop {
        match reader.read_event()? {
            Event::Start(start) => {
                let name = start.local_name().as_ref().to_owned();
                on(Step::Open(name.clone()));
                open = Some((name, String::new()));
            }
            Event::Empty(element) => {
                let name = element.local_name().as_ref().to_owned();
                open = None;
                on(Step::Open(name.clone()));
                on(Step::Close(name));
            }
            Event::Text(text) => {
                if let Some((_, content)) = &mut open {
                    content.push_str(&text.xml10_content());
                }
            }
            Event::CData(text) => {
                if let Some((_, content)) = &mut open {
                    content.push_str(&text.xml10_content());
                }
            }
            Event::GeneralRef(entity) => {
                if let Some((_, content)) = &mut open {
                    let character = entity.resolve_char_ref()?;
                    let named = || quick_xml::escape::resolve_predefined_entity(&entity.xml10_content());
                    match character {
                        Some(character) => content.push(character),
                        None => content.push_str(named().unwrap_or_default()),
                    }
                }
            }
            Event::End(end) => {
                let name = end.local_name().as_ref().to_owned();
                if let Some((element, content)) = open.take().filter(|(element, _)| *element == name) {
                    on(Step::Text(element, content.trim().to_owned()));
                }
                on(Step::Close(name));
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// One element with flat children, in the namespace given.
pub(super) fn document(root: &str, namespace: &str, children: &[(&str, &str)]) -> String {
    let mut text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"{}\">", escape(namespace));
    for (name, value) in children {
        text.push_str(&format!("<{name}>{}</{name}>", escape(*value)));
    }
    text.push_str(&format!("</{root}>"));
    text
}
