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
    let mut reader = Reader::from_str(body);
    let mut texts = Vec::new();
    let mut open: Option<(String, String)> = None;
    loop {
        match reader.read_event()? {
            Event::Start(start) => open = Some((start.local_name().as_ref().to_owned(), String::new())),
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
                if let Some((element, content)) =
                    open.take().filter(|(element, _)| element == end.local_name().as_ref())
                {
                    texts.push((element, content.trim().to_owned()));
                }
            }
            Event::Eof => return Ok(texts),
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
