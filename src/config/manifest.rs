//! Reads the manifest of the only documents that may run, as the build of a client writes it: Apollo's list of
//! operations, or Relay's map from id to text.

use std::{collections::HashMap, fs};

use serde::Deserialize;

use super::problems::InvalidValue;

/// Both forms. Apollo's has the member `operations`; any other object of strings is Relay's.
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
pub(super) fn read(path: &str) -> Result<HashMap<String, String>, InvalidValue> {
    let text = fs::read_to_string(path).map_err(|_| "must be the path of a file that can be read")?;
    parse(&text)
}

fn parse(text: &str) -> Result<HashMap<String, String>, InvalidValue> {
    const INVALID: InvalidValue =
        "must be a manifest of Apollo (`operations` with `id` and `body`) or Relay (`id`: `text`)";
    // editors on Windows put a byte order mark first
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let documents = match serde_json::from_str(text).map_err(|_| INVALID)? {
        Manifest::Apollo { operations } => operations.into_iter().map(|it| (it.id, it.body)).collect(),
        Manifest::Relay(documents) => documents,
    };
    if documents.is_empty() { Err("contains no document, so that none could run") } else { Ok(documents) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_accepted() {
        let apollo = r#"{"format":"apollo-persisted-query-manifest","version":1,
            "operations":[{"id":"a","name":"Me","type":"query","body":"{ me { id } }"}]}"#;
        let relay = r#"{"a":"{ me { id } }"}"#;
        assert_eq!(parse(apollo).unwrap()["a"], "{ me { id } }");
        assert_eq!(parse(apollo), parse(relay));
        assert_eq!(parse(&format!("\u{feff}{relay}")), parse(relay));
    }

    #[test]
    fn other_files_are_refused() {
        for text in ["", "[]", "{}", r#"{"operations":[]}"#, r#"{"a":1}"#, r#"{"operations":[{"id":"a"}]}"#] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(read("/there/is/no/such/file").is_err());
    }
}
