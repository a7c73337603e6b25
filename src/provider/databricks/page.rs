//! Splits the answer to a list into items and the address of the next page. How an operation hands out its list differs
//! (databricks-sdk-py `service/*.py`). SCIM's `startIndex` and the chunks of SQL results are two more ways, of operations
//! that no `Read` asks.

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
}

/// One page: its items and the address of the next page.
#[derive(Debug)]
pub(super) struct Page {
    pub items: Vec<Value>,
    pub next: Option<Url>,
}

impl Paging {
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
    }
}
