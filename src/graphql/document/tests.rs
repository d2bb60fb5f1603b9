//! The gates: what they refuse, what they let through, and that what they let through does no harm.

mod fuzz;

use std::{borrow::Cow, fmt::Display};

use super::{Document, Documents, Refusal};
use crate::{config::Limits, error::Code};

fn admit(text: &str) -> Result<Document, Refusal> {
    Documents::new(Limits::default(), None).admit(text)
}

/// Why a text was refused; `None` where it was let through, or is no document.
fn excess(text: &str) -> Option<String> {
    admit(text).err().and_then(|refusal| refusal.error.detail).map(Cow::into_owned)
}

#[track_caller]
fn assert_excess(text: &str, words: &str) {
    let found = excess(text).unwrap_or_default();
    assert!(found.contains(words), "{words:?} was expected, not {found:?}");
}

/// Many pieces in a row.
fn joined<T: Display>(count: usize, piece: impl Fn(usize) -> T) -> String {
    (0..count).map(|n| piece(n).to_string()).collect::<Vec<_>>().join(" ")
}

/// `fragment F0 { …F1 …F1 } …`: doubles with each fragment.
fn doubling(fragments: usize, field: &str) -> String {
    let chain = joined(fragments, |n| format!("fragment F{n} on Query {{ ...F{m} ...F{m} }}", m = n + 1));
    format!("{{ ...F0 }} {chain} fragment F{fragments} on Query {{ {field} }}")
}

#[test]
fn what_clients_send_passes() {
    for text in [
        "{ me { id nickname avatarUrl createdAt } }",
        "query Q($id: ID!) { user(id: $id) { ...F } } fragment F on User { id } # a comment with { \" and [",
        "mutation { login(code: \"a{[(\\\"\") { token } }",
        "{ a(text: \"\"\"a block with \" and \\\"\"\" and {{{\"\"\") }",
        include_str!("introspection.graphql"),
    ] {
        assert!(admit(text).is_ok(), "{text}");
    }
}

#[test]
fn a_long_text_is_refused() {
    assert_excess(&format!("{{ me }} #{}", "x".repeat(16 * 1024)), "bytes");
}

#[test]
fn many_words_are_refused_however_they_are_written() {
    assert_excess(&format!("{{ {} }}", "a ".repeat(2001)), "words");
    assert_excess(&format!("{{ a(v: [{}]) }}", "0".repeat(2001)), "words");
    assert_excess(&format!("{{ a(v: [{}]) }}", "true".repeat(2001)), "words");
    assert_excess(&format!("{{ a(v: [true{}]) }}", "0".repeat(2001)), "words");
    assert_excess(&format!("{{ a(v: [{}]) }}", "1true00null0 ".repeat(400)), "words");
    assert!(admit(&format!("{{ a(v: [{}]) }}", "12345 ".repeat(1980))).is_ok());
    assert_excess(&format!("{{ a(v: [{}]) }}", "[],".repeat(2001)), "words");
}

#[test]
fn deep_brackets_are_refused_before_the_parser_sees_them() {
    for (open, close) in [("[", "]"), ("{a:", "}"), ("{a", "}"), ("(a:", ")")] {
        assert_excess(&format!("{{ f(v: {}{}) }}", open.repeat(600), close.repeat(600)), "brackets");
    }
    assert_excess(&format!("query($v: {}Int{}) {{ a }}", "[".repeat(60), "]".repeat(60)), "brackets");
}

#[test]
fn brackets_cannot_hide_behind_a_string_that_does_not_end() {
    let deep = "[".repeat(400);
    assert_excess(&format!("{{ f(v: \"\"\"{deep}"), "string");
    assert_excess(&format!("{{ f(v: \"{deep}"), "string");
    assert_excess(&format!("{{ f(v: \"\n{deep}\")"), "string");
    assert_excess(&format!("{{ f(v: \"\"{deep}"), "brackets");
    assert_excess(&format!("# a comment ends with its line\r{deep}"), "brackets");
}

#[test]
fn fragments_count_wherever_they_are_used() {
    assert_excess(&doubling(24, "__typename"), "fields");
    // which of the limits is told first is chance
    assert_excess(&doubling(24, "a: __typename"), "At most");
    assert!(excess(&doubling(3, "__typename")).is_none());
    // not even where nobody uses them
    let unused = doubling(24, "__typename").replace("{ ...F0 }", "{ __typename }");
    assert_excess(&unused, "fields");
}

#[test]
fn fragments_count_though_they_hold_nothing_and_end_nowhere() {
    let missing = doubling(31, "__typename").replace("fragment F31 ", "fragment G ");
    let mixed = missing.replace("...F2 ...F2", "... { ...F2 } me { ... @skip(if: true) { ...F2 } }");
    for text in [&missing, &mixed] {
        let refusal = admit(text).unwrap_err();
        assert_eq!((refusal.error.code, refusal.places.len()), (Code::GraphqlValidationFailed, 1), "{text}");
        assert!(refusal.error.detail.unwrap().contains("`F31`"), "{text}");
    }
    // a way through nothing but fragments is as long
    assert_excess(&doubling(31, "...G ").replace("...G ", "...{ ...{ __typename }}"), "fields");
    assert_excess(&format!("{{ {} }}", "...{ a a } ".repeat(340)), "fields");
    assert_excess(&format!("{{ {} }} fragment F on Query {{ a }}", "...F ".repeat(501)), "fields");
    // not even where nobody uses them
    assert_eq!(admit("{ a } fragment F on Query { ...G }").unwrap_err().error.code, Code::GraphqlValidationFailed);
}

#[test]
fn all_operations_count_and_so_do_all_fragments() {
    let content = "id ".repeat(200);
    let operations = |count| joined(count, |n| format!("query Q{n} {{ me {{ ...F }} }}"));
    let with = |operations: &str| format!("{operations} fragment F on User {{ {content} }}");
    assert!(admit(&with(&operations(4))).is_ok());
    assert_excess(&with(&operations(5)), "fields");
    let fragments = |count| joined(count, |n| format!("fragment F{n} on User {{ ...F }}"));
    let with = |fragments: &str| format!("{{ me {{ id }} }} fragment F on User {{ {content} }} {fragments}");
    assert!(admit(&with(&fragments(3))).is_ok());
    assert_excess(&with(&fragments(4)), "fields");
    assert_excess(&joined(31, |n| format!("query Q{n} {{ a: me {{ id }} }}")), "aliases");
}

#[test]
fn values_and_uses_of_variables_count_wherever_their_fragment_is_used() {
    let fragment = format!("fragment F on Query {{ a(v: [{}]) @b(v: {{ c: $v }}) }}", "$v ".repeat(300));
    let uses = |text: &str| admit(text).unwrap().uses;
    assert_eq!(uses("query($v: ID) { a(v: $v, w: [$v, { x: $v }]) @b(v: $v) { c(v: 1) } }"), 4);
    assert_eq!(uses(&format!("{{ ...F }} {fragment}")), 301 * 2);
    // once for each of a hundred users
    assert_eq!(uses("query($v: ID) { users(ids: $v) { a(v: $v) } }"), 1 + 100);
    assert_excess(&format!("{{ {} }} {fragment}", "...F ".repeat(7)), "values");
}

#[test]
fn what_lists_hold_counts_as_often_as_it_is_answered() {
    assert!(admit("query($v: [ID!]!) { users(ids: $v) { id nickname sessions { totalCount } } }").is_ok());
    let dear = joined(7, |_| "sessions { nodes { id } }");
    assert_excess(&format!("query($v: [ID!]!) {{ users(ids: $v) {{ {dear} }} }}"), "steps");
}

#[test]
fn an_introspection_leads_back_to_where_it_came_from_once() {
    let twice = "{ __schema { types { fields { type { interfaces { name } } } } } }";
    let thrice = "{ __schema { types { fields { type { interfaces { possibleTypes { name } } } } } } }";
    assert!(admit(twice).is_ok());
    assert_excess(thrice, "lists of an introspection");
    let hidden = "{ __type(name: \"A\") { ...F } } fragment F on __Type { inputFields { type { ...G } } } \
                  fragment G on __Type { fields { type { interfaces { name } } } }";
    assert_excess(hidden, "lists of an introspection");
    assert_excess(&twice.replace("name", &"name ".repeat(150)), "steps");
}

#[test]
fn a_fragment_within_itself_is_endless() {
    assert_excess("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", "fields");
    assert_excess("{ me { id } } fragment A on Query { a { ...A } }", "fields");
}

#[test]
fn depth_aliases_directives_and_roots_are_counted_through_fragments() {
    let chain = joined(25, |n| format!(" fragment F{n} on User {{ a {{ ...F{} }} }}", n + 1));
    assert_excess(&format!("{{ ...F0 }} {chain} fragment F25 on User {{ id }}"), "within each other");
    let aliases = joined(31, |n| format!("a{n}: __typename "));
    assert_excess(&format!("{{ me {{ ...A }} }} fragment A on User {{ {aliases} }}"), "aliases");
    assert_excess(&format!("{{ me {} {{ id }} }}", "@skip(if: false) ".repeat(51)), "directives");
    assert_excess(&format!("{{ {} }}", "me ".repeat(21)), "root");
    assert_excess(&format!("{{ a({}) }}", joined(31, |n| format!("b{n}: 1"))), "arguments");
    assert_excess("mutation { ...A ...A } fragment A on Mutation { logout logout logout }", "root");
}

#[test]
fn one_mutation_logs_in_once() {
    let login = "login(code: \"c\") { token }";
    assert!(admit(&format!("mutation {{ {login} }}")).is_ok());
    assert_excess(&format!("mutation {{ a: {login} b: {login} }}"), "`login`");
    let hidden = format!("mutation {{ {login} ... on Mutation {{ ...A }} }} fragment A on Mutation {{ b: {login} }}");
    assert_excess(&hidden, "`login`");
}

#[test]
fn a_document_is_kept_only_once_it_was_accepted() {
    let documents = Documents::new(Limits::default(), None);
    let document = documents.admit("{ me { id } }").unwrap();
    assert!(!document.accepted);
    assert!(!documents.admit("{ me { id } }").unwrap().accepted);
    documents.keep(document);
    assert!(documents.admit("{ me { id } }").unwrap().accepted);
}

#[test]
fn where_documents_are_registered_nothing_else_runs() {
    let manifest = [("a".to_owned(), "{ me { id } }".to_owned())];
    let documents = Documents::new(Limits::default(), Some(manifest.into()));
    assert!(documents.admit(documents.text("a").unwrap()).is_ok());
    assert!(documents.admit("{ me { id } } ").is_err());
    assert!(documents.text("b").is_err());
    assert!(documents.check_registered().is_ok());
    assert!(Documents::new(Limits::default(), None).text("a").is_err());
}

#[test]
fn a_registered_document_that_cannot_run_is_found() {
    for (text, code) in [
        ("{ me { id }", Code::GraphqlParseFailed),
        ("{ ...F }", Code::GraphqlValidationFailed),
        (&*format!("{{ {} }}", "me ".repeat(21)), Code::QueryTooExpensive),
    ] {
        let manifest = [("a".to_owned(), "{ me { id } }".to_owned()), ("b".to_owned(), text.to_owned())];
        let documents = Documents::new(Limits::default(), Some(manifest.into()));
        let (id, refusal) = documents.check_registered().unwrap_err();
        assert_eq!((id, refusal.error.code), ("b", code), "{text}");
    }
}
