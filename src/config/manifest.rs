//! The manifest of the only documents that run: what a client's build writes, Apollo's list of operations or Relay's map
//! from id to text.

use std::{collections::HashMap, fs};

use serde::Deserialize;

use super::problems::Fault;

/// Both forms. Apollo's says what it is; whatever maps texts to texts is Relay's.
#[derive(Deserialize)]
#[serde(untagged)]
enum Manifest {
    Apollo { operations: Vec<Operation> },
    Relay(HashMap<String, String>),
}

#[derive(Deserialize)]
struct Operation {
    id: String,
    body: String,
}

/// The documents of a manifest, by id.
pub(super) fn read(path: &str) -> Result<HashMap<String, String>, Fault> {
    let text = fs::read_to_string(path).map_err(|_| "must be the path of a file that can be read")?;
    parse(&text)
}

fn parse(text: &str) -> Result<HashMap<String, String>, Fault> {
    const FAULT: Fault = "must be a manifest of Apollo (`operations` with `id` and `body`) or Relay (`id`: `text`)";
    let documents = match serde_json::from_str(text).map_err(|_| FAULT)? {
        Manifest::Apollo { operations } => operations.into_iter().map(|it| (it.id, it.body)).collect(),
        Manifest::Relay(documents) => documents,
    };
    if documents.is_empty() { Err("holds no document: nothing at all would run") } else { Ok(documents) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let apollo = r#"{"format":"apollo-persisted-query-manifest","version":1,
            "operations":[{"id":"a","name":"Me","type":"query","body":"{ me { id } }"}]}"#;
        let relay = r#"{"a":"{ me { id } }"}"#;
        assert_eq!(parse(apollo).unwrap()["a"], "{ me { id } }");
        assert_eq!(parse(apollo), parse(relay));
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        for text in ["", "[]", "{}", r#"{"operations":[]}"#, r#"{"a":1}"#, r#"{"operations":[{"id":"a"}]}"#] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(read("/there/is/no/such/file").is_err());
    }
}
