//! Reads a message, JSON or XML, as a JSON object. WeChat sends JSON as `text/xml` too, so the first byte tells which it is.

use serde_json::{Map, Value};

/// Nesting of elements: WeChat has three levels.
const DEEPEST: usize = 8;

/// Elements and texts of a message: WeChat has some thirty.
const MOST_NODES: u32 = 1000;

/// A message; `None` where it is neither JSON nor XML. Entities of a document type are not expanded: it may have none.
pub(super) fn parse(body: &[u8]) -> Option<Map<String, Value>> {
    let text = str::from_utf8(body).ok()?.trim_start_matches('\u{feff}').trim();
    if text.starts_with('{') {
        return serde_json::from_str(text).ok();
    }
    // WeChat sends no namespaces, and the time that the parser takes for them is the product of their number and that of
    // the elements: seconds for a body of 64 KB
    if text.contains("xmlns") {
        return None;
    }
    let options = roxmltree::ParsingOptions { nodes_limit: MOST_NODES, ..roxmltree::ParsingOptions::default() };
    let document = roxmltree::Document::parse_with_options(text, options).ok()?;
    match element(document.root_element(), 0)? {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

/// An element: its text, or its elements by their names, in a list where there are several of one name.
fn element(node: roxmltree::Node<'_, '_>, depth: usize) -> Option<Value> {
    if depth > DEEPEST {
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

/// A member as text; `None` where it is missing or empty. A number counts as its digits: WeChat writes both.
pub(super) fn text(message: &Map<String, Value>, name: &str) -> Option<String> {
    let text = match message.get(name)? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}
