//! Parses a message, JSON or XML, as a JSON object. The first character decides, because WeChat sends JSON as
//! `text/xml` too.

use serde_json::{Map, Value};

/// The deepest nesting of elements. WeChat's messages have three levels.
const MAX_DEPTH: usize = 8;

/// The most elements and texts of a message. WeChat's messages have about thirty.
const MAX_NODES: u32 = 1000;

/// Parses a message; `None` if it is neither JSON nor XML. XML with a document type is refused.
pub(super) fn parse(body: &[u8]) -> Option<Map<String, Value>> {
    let text = str::from_utf8(body).ok()?.trim_start_matches('\u{feff}').trim();
    if text.starts_with('{') {
        return serde_json::from_str(text).ok();
    }
    // WeChat sends no namespaces, and the parser needs time proportional to the number of namespaces times the number
    // of elements: seconds for a body of 64 KB
    if text.contains("xmlns") {
        return None;
    }
    let options = roxmltree::ParsingOptions { nodes_limit: MAX_NODES, ..roxmltree::ParsingOptions::default() };
    let document = roxmltree::Document::parse_with_options(text, options).ok()?;
    match element(document.root_element(), 0)? {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

/// The value of an element: its text, or its child elements by name, with several of one name as a list.
fn element(node: roxmltree::Node<'_, '_>, depth: usize) -> Option<Value> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut members = Map::new();
    for child in node.children().filter(roxmltree::Node::is_element) {
        let value = element(child, depth + 1)?;
        let name = child.tag_name().name().to_owned();
        match members.get_mut(&name) {
            None => drop(members.insert(name, value)),
            Some(Value::Array(items)) => items.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    if !members.is_empty() {
        return Some(Value::Object(members));
    }
    let text: String = node.children().filter_map(|child| child.text()).collect();
    Some(Value::String(text.trim().to_owned()))
}

/// A member as text; `None` if it is missing or empty. WeChat writes numbers with and without quotes, so both are
/// accepted.
pub(super) fn text(message: &Map<String, Value>, name: &str) -> Option<String> {
    let text = match message.get(name)? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}
