//! Splits the answer to a list into items and the address of the next page. How an operation hands out its list differs
//! (databricks-sdk-py `service/*.py`). The chunks of SQL results are one more way, of an operation that no `Read` asks.

use reqwest::Url;
use serde_json::{Map, Value};

use super::error::Failure;

/// How an operation hands out its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paging {
    /// The whole list as a bare array; `{}` when it is empty.
    Array,
    /// The whole list in a field.
    Field(&'static str),
    /// `page_token` → `next_page_token`. A page may be empty and still name a next one.
    Token(&'static str),
    /// SCIM: `startIndex`, counted from 1, until a page has no `Resources`.
    Scim,
}

/// Items asked for per SCIM page; a server may answer fewer.
const SCIM_COUNT: &str = "1000";

/// One page: its items and the address of the next page.
#[derive(Debug)]
pub(super) struct Page {
    pub items: Vec<Value>,
    pub next: Option<Url>,
}

impl Paging {
    /// The address of the first page.
    pub fn first(self, mut url: Url) -> Url {
        if self == Paging::Scim {
            url.query_pairs_mut().append_pair("startIndex", "1").append_pair("count", SCIM_COUNT);
        }
        url
    }

    /// Splits an answer that came from `url`.
    pub fn page(self, url: &Url, answer: Value) -> Result<Page, Failure> {
        let mut fields = match (self, answer) {
            (Paging::Array, Value::Array(items)) => return Ok(Page { items, next: None }),
            (Paging::Array, Value::Object(fields)) if !fields.is_empty() => {
                return Err(Failure::Answer("an object instead of a list".to_owned()));
            }
            (_, Value::Object(fields)) => fields,
            (_, Value::Null) => Map::new(),
            (_, _) => return Err(Failure::Answer("neither an object nor a list".to_owned())),
        };
        match self {
            Paging::Array => Ok(Page { items: Vec::new(), next: None }),
            Paging::Field(name) => Ok(Page { items: list(&mut fields, name)?, next: None }),
            Paging::Token(name) => {
                let token = text(&fields, "next_page_token");
                let next = token.map(|token| with_parameter(url, "page_token", &token));
                Ok(Page { items: list(&mut fields, name)?, next })
            }
            Paging::Scim => {
                let total = fields.get("totalResults").and_then(Value::as_u64);
                let items = list(&mut fields, "Resources")?;
                let start = parameter(url, "startIndex").and_then(|start| start.parse().ok()).unwrap_or(1_u64);
                let following = start.saturating_add(u64::try_from(items.len()).unwrap_or(u64::MAX));
                let is_end = total.is_some_and(|total| following > total);
                if items.is_empty() && total.is_some() && !is_end {
                    return Err(Failure::Answer("the list ends before its `totalResults`".to_owned()));
                }
                let ended = is_end || items.is_empty();
                let next = (!ended).then(|| with_parameter(url, "startIndex", &following.to_string()));
                Ok(Page { items, next })
            }
        }
    }
}

fn list(fields: &mut Map<String, Value>, name: &str) -> Result<Vec<Value>, Failure> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(Failure::Answer(format!("`{name}` is not a list"))),
    }
}

fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn with_parameter(url: &Url, name: &str, value: &str) -> Url {
    let kept: Vec<(String, String)> =
        url.query_pairs().filter(|(key, _)| key != name).map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
    let mut url = url.clone();
    url.query_pairs_mut().clear().extend_pairs(kept).append_pair(name, value);
    url
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page(paging: Paging, query: &str, answer: Value) -> Result<(usize, Option<String>), Failure> {
        let url = Url::parse(&format!("https://h/api/x{query}")).unwrap();
        let page = paging.page(&url, answer)?;
        Ok((page.items.len(), page.next.map(|next| next.as_str().trim_start_matches("https://h").to_owned())))
    }

    #[test]
    fn every_way_to_hand_out_a_list() {
        let token = Paging::Token("x");
        let at = |tail: &str| Some(format!("/api/x{tail}"));
        let rows = [
            (Paging::Array, "", json!([1, 2]), 2, None),
            (Paging::Array, "", json!({}), 0, None),
            (Paging::Field("x"), "", json!({"x": [1], "next_page_token": "no"}), 1, None),
            (Paging::Field("x"), "", json!({}), 0, None),
            (token, "", json!({"x": [1], "next_page_token": ""}), 1, None),
            (token, "?a=1", json!({"x": [], "next_page_token": "t&1"}), 0, at("?a=1&page_token=t%261")),
            (Paging::Scim, "?startIndex=1&count=3", json!({"Resources": [1, 2]}), 2, at("?count=3&startIndex=3")),
            (Paging::Scim, "?startIndex=3", json!({"Resources": [3], "totalResults": 4}), 1, at("?startIndex=4")),
            (Paging::Scim, "?startIndex=4", json!({"Resources": [4], "totalResults": 4}), 1, None),
            (Paging::Scim, "?startIndex=5", json!({"totalResults": 4}), 0, None),
            (Paging::Scim, "?startIndex=1", json!({"Resources": []}), 0, None),
            (token, "?page_token=old&a=1", json!({"next_page_token": "new"}), 0, at("?a=1&page_token=new")),
        ];
        for (paging, query, answer, items, next) in rows {
            assert_eq!(page(paging, query, answer.clone()).unwrap(), (items, next), "{paging:?} {answer}");
        }
    }

    #[test]
    fn what_is_no_list_is_no_empty_list() {
        assert!(page(Paging::Array, "", json!({"message": "hm"})).is_err());
        assert!(page(Paging::Array, "", json!("x")).is_err());
        assert!(page(Paging::Token("x"), "", json!({"x": {}})).is_err());
        assert!(page(Paging::Token("x"), "", json!([1])).is_err());
        // Whoever is not listed would be in no group.
        assert!(page(Paging::Scim, "?startIndex=3", json!({"Resources": [], "totalResults": 4})).is_err());
    }
}
