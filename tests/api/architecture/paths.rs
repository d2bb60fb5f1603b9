//! Reads the paths in a source text, with those of its use trees.

/// All paths in the text of `module`, in their order, resolved from the crate's root.
pub(super) fn paths_of(text: &str, module: &[String]) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut rest = text;
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    while let Some(start) = rest.find(is_name) {
        rest = &rest[start..];
        let line = text[..text.len() - rest.len()].rsplit('\n').next().unwrap_or_default().trim();
        let end = rest.find(|character: char| !is_name(character) && character != ':').unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        if word == "use" && (line.is_empty() || line.starts_with("pub")) {
            let (tree, after) = after.split_once(';').unwrap_or((after, ""));
            expand("", &tree.split_whitespace().collect::<Vec<_>>().join(" "), &mut paths);
            rest = after;
        } else if word.contains("::") {
            paths.push(word.to_owned());
        }
    }
    paths.iter().map(|path| rooted(path, module)).collect()
}

/// Expands a use tree into its paths: `a::{b, c as d}` is `a::b` and `a::c`.
fn expand(before: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim().trim_start_matches("::");
    let Some((stem, group)) = tree.split_once('{') else {
        paths.push(format!("{before}{}", tree.split(" as ").next().unwrap_or_default()));
        return;
    };
    let group = group.strip_suffix('}').unwrap_or(group);
    let (mut depth, mut start) = (0, 0);
    for (index, character) in group.char_indices().chain([(group.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let item = &group[start..index];
                if !item.trim().is_empty() {
                    expand(&format!("{before}{stem}"), item, paths);
                }
                start = index + 1;
            }
            _ => {}
        }
    }
}

fn rooted(path: &str, module: &[String]) -> Vec<String> {
    let mut parts: Vec<&str> = path.split("::").filter(|part| !part.is_empty()).collect();
    let mut here: Vec<&str> = module.iter().map(String::as_str).collect();
    if !matches!(parts.first(), Some(&("self" | "super"))) {
        return parts.into_iter().map(str::to_owned).collect();
    }
    while let Some(&first @ ("self" | "super")) = parts.first() {
        if first == "super" {
            here.pop();
        }
        parts.remove(0);
    }
    ["crate"].into_iter().chain(here).chain(parts).map(str::to_owned).collect()
}

#[test]
fn use_trees_are_expanded_to_paths() {
    let paths = |text: &str| {
        let paths = paths_of(text, &["account".to_owned(), "login".to_owned()]);
        paths.iter().map(|path| path.join("::")).collect::<Vec<_>>()
    };
    assert_eq!(
        paths("use crate::{a::{self, B as C}, d::*,\n    e};"),
        ["crate::a::self", "crate::a::B", "crate::d::*", "crate::e"]
    );
    assert_eq!(paths("use super::{super::store, Accounts};"), ["crate::store", "crate::account::Accounts"]);
    assert_eq!(paths("use self::error::Failure;"), ["crate::account::login::error::Failure"]);
    assert_eq!(
        paths("let x: sea_orm::DbErr = crate::http::f(&axum::y);"),
        ["sea_orm::DbErr", "crate::http::f", "axum::y"]
    );
    assert_eq!(paths("pub(super) use ::std::env;"), ["std::env"]);
}
