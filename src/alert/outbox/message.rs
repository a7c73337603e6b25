//! A message in its file: the notice and the name of its sink, never its URL or secret.

use std::io;

use serde::{Deserialize, Serialize};

use crate::finding::Notice;

/// Version of the file.
const FORMAT_VERSION: &str = "1.0";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    format_version: String,
    sink: String,
    notice: Notice,
}

pub(super) fn write(sink: &str, notice: &Notice) -> io::Result<String> {
    let message = Message { format_version: FORMAT_VERSION.to_owned(), sink: sink.to_owned(), notice: notice.clone() };
    let mut text = serde_json::to_string(&message).map_err(io::Error::other)?;
    text.push('\n');
    Ok(text)
}

/// `None` for anything but what [`write`] makes of a notice for this sink.
pub(super) fn read(sink: &str, bytes: &[u8]) -> Option<Notice> {
    let message: Message = serde_json::from_slice(bytes).ok()?;
    (message.format_version == FORMAT_VERSION && message.sink == sink).then_some(message.notice)
}
