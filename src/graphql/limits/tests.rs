//! Tests of the documents that the limits refuse and accept, and of the cost of accepted ones.

mod fuzz;

use std::{borrow::Cow, fmt::Display};

use crate::{
    config::Limits,
    error::Code,
    graphql::{
        documents::{Document, Documents},
        refusal::Refusal,
    },
};

fn admit(text: &str) -> Result<Document, Refusal> {
    Documents::new(Limits::default(), None).admit(text)
}

/// The error detail of a text; `None` if it passes or does not parse.
fn excess(text: &str) -> Option<String> {
    admit(text).err().and_then(|refusal| refusal.error.detail).map(Cow::into_owned)
}

#[track_caller]
fn assert_excess(text: &str, words: &str) {
    let found = excess(text).unwrap_or_default();
    assert!(found.contains(words), "{words:?} was expected, not {found:?}");
}

/// A sequence of pieces.
fn joined<T: Display>(count: usize, piece: impl Fn(usize) -> T) -> String {
    (0..count).map(|n| piece(n).to_string()).collect::<Vec<_>>().join(" ")
}

/// `fragment F0 { …F1 …F1 } …`: doubles with each fragment.
fn doubling(fragments: usize, field: &str) -> String {
    let chain = joined(fragments, |n| format!("fragment F{n} on Query {{ ...F{m} ...F{m} }}", m = n + 1));
    format!("{{ ...F0 }} {chain} fragment F{fragments} on Query {{ {field} }}")
}

#[test]
fn usual_documents_pass() {
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
fn long_text_is_refused() {
    assert_excess(&format!("{{ me }} #{}", "x".repeat(16 * 1024)), "bytes");
}

#[test]
fn many_tokens_are_refused_in_every_spelling() {
    assert_excess(&format!("{{ {} }}", "a ".repeat(2001)), "tokens");
    assert_excess(&format!("{{ a(v: [{}]) }}", "0".repeat(2001)), "tokens");
    assert_excess(&format!("{{ a(v: [{}]) }}", "true".repeat(2001)), "tokens");
    assert_excess(&format!("{{ a(v: [true{}]) }}", "0".repeat(2001)), "tokens");
    assert_excess(&format!("{{ a(v: [{}]) }}", "1true00null0 ".repeat(400)), "tokens");
    assert!(admit(&format!("{{ a(v: [{}]) }}", "12345 ".repeat(1980))).is_ok());
    assert_excess(&format!("{{ a(v: [{}]) }}", "[],".repeat(2001)), "tokens");
}

#[test]
fn long_names_are_refused_everywhere() {
    let (longest, long) = ("x".repeat(128), "x".repeat(129));
    let documents: [fn(&str) -> String; 5] = [
        |name| format!("{{ {name}: __typename }}"),
        |name| format!("query {name} {{ __typename }}"),
        |name| format!("query(${name}: Int) {{ me {{ id @skip(if: ${name}) }} }}"),
        |name| format!("{{ ...{name} }} fragment {name} on Query {{ __typename }}"),
        |name| format!("{{ a(v: {name}) }}"),
    ];
    for document in documents {
        assert!(admit(&document(&longest)).is_ok());
        assert_excess(&document(&long), "name");
    }
    assert_excess(&format!("{{ a(v: [1{long}]) }}"), "name");
    // strings and comments may be as long as a document
    assert!(admit(&format!("{{ a(v: \"{}\") }} # {}", "x".repeat(5000), "x".repeat(5000))).is_ok());
}

#[test]
fn deep_brackets_are_refused_before_parsing() {
    for (open, close) in [("[", "]"), ("{a:", "}"), ("{a", "}"), ("(a:", ")")] {
        assert_excess(&format!("{{ f(v: {}{}) }}", open.repeat(600), close.repeat(600)), "brackets");
    }
    assert_excess(&format!("query($v: {}Int{}) {{ a }}", "[".repeat(60), "]".repeat(60)), "brackets");
}

#[test]
fn brackets_in_an_unterminated_string_are_refused() {
    let deep = "[".repeat(400);
    assert_excess(&format!("{{ f(v: \"\"\"{deep}"), "not terminated");
    assert_excess(&format!("{{ f(v: \"{deep}"), "not terminated");
    assert_excess(&format!("{{ f(v: \"\n{deep}\")"), "not terminated");
    assert_excess(&format!("{{ f(v: \"\"{deep}"), "brackets");
    assert_excess(&format!("# a comment ends with its line\r{deep}"), "brackets");
}

#[test]
fn fragments_count_at_each_spread() {
    assert_excess(&doubling(24, "__typename"), "fields");
    // any of several limits may be reported
    assert_excess(&doubling(24, "a: __typename"), "At most");
    assert!(excess(&doubling(3, "__typename")).is_none());
    // unused fragments count, too
    let unused = doubling(24, "__typename").replace("{ ...F0 }", "{ __typename }");
    assert_excess(&unused, "fields");
}

#[test]
fn empty_and_undefined_fragments_count() {
    let missing = doubling(31, "__typename").replace("fragment F31 ", "fragment G ");
    let mixed = missing.replace("...F2 ...F2", "... { ...F2 } me { ... @skip(if: true) { ...F2 } }");
    for text in [&missing, &mixed] {
        let refusal = admit(text).unwrap_err();
        assert_eq!((refusal.error.code, refusal.places.len()), (Code::GraphqlValidationFailed, 1), "{text}");
        assert!(refusal.error.detail.unwrap().contains("`F31`"), "{text}");
    }
    // fragments that contain only fragments count
    assert_excess(&doubling(31, "...G ").replace("...G ", "...{ ...{ __typename }}"), "fields");
    assert_excess(&format!("{{ {} }}", "...{ a a } ".repeat(340)), "fields");
    assert_excess(&format!("{{ {} }} fragment F on Query {{ a }}", "...F ".repeat(501)), "fields");
    // unused fragments count, too
    assert_eq!(admit("{ a } fragment F on Query { ...G }").unwrap_err().error.code, Code::GraphqlValidationFailed);
}

#[test]
fn all_operations_and_all_fragments_count() {
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
fn values_and_variable_usages_count_at_each_spread() {
    let fragment = format!("fragment F on Query {{ a(v: [{}]) @b(v: {{ c: $v }}) }}", "$v ".repeat(300));
    let uses = |text: &str| admit(text).unwrap().variable_usages;
    assert_eq!(uses("query($v: ID) { a(v: $v, w: [$v, { x: $v }]) @b(v: $v) { c(v: 1) } }"), 4);
    assert_eq!(uses(&format!("{{ ...F }} {fragment}")), 301 * 2);
    // once for each of a hundred users
    assert_eq!(uses("query($v: ID) { users(ids: $v) { a(v: $v) } }"), 1 + 100);
    assert_excess(&format!("{{ {} }} {fragment}", "...F ".repeat(7)), "values");
}

#[test]
fn content_of_a_list_counts_for_each_item() {
    assert!(admit("query($v: [ID!]!) { users(ids: $v) { id nickname sessions { totalCount } } }").is_ok());
    let dear = joined(7, |_| "sessions { nodes { id } }");
    assert_excess(&format!("query($v: [ID!]!) {{ users(ids: $v) {{ {dear} }} }}"), "execution cost");
}

#[test]
fn introspection_nests_two_lists_at_most() {
    let twice = "{ __schema { types { fields { type { interfaces { name } } } } } }";
    let thrice = "{ __schema { types { fields { type { interfaces { possibleTypes { name } } } } } } }";
    assert!(admit(twice).is_ok());
    assert_excess(thrice, "lists in an introspection");
    let hidden = "{ __type(name: \"A\") { ...F } } fragment F on __Type { inputFields { type { ...G } } } \
                  fragment G on __Type { fields { type { interfaces { name } } } }";
    assert_excess(hidden, "lists in an introspection");
    assert_excess(&twice.replace("name", &"name ".repeat(150)), "execution cost");
}

#[test]
fn fragment_cycle_is_refused() {
    assert_excess("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", "fields");
    assert_excess("{ me { id } } fragment A on Query { a { ...A } }", "fields");
}

#[test]
fn depth_aliases_directives_and_root_fields_count_through_fragments() {
    // no longer than that: a document beyond two limits is refused for either, by the order of a hash map
    let chain = joined(22, |n| format!(" fragment F{n} on User {{ a {{ ...F{} }} }}", n + 1));
    assert_excess(&format!("{{ ...F0 }} {chain} fragment F22 on User {{ id }}"), "levels of fields");
    let aliases = joined(31, |n| format!("a{n}: __typename "));
    assert_excess(&format!("{{ me {{ ...A }} }} fragment A on User {{ {aliases} }}"), "aliases");
    assert_excess(&format!("{{ me {} {{ id }} }}", "@skip(if: false) ".repeat(51)), "directives");
    assert_excess(&format!("{{ {} }}", "me ".repeat(21)), "root");
    assert_excess(&format!("{{ a({}) }}", joined(31, |n| format!("b{n}: 1"))), "arguments");
    assert_excess("mutation { ...A ...A } fragment A on Mutation { logout logout logout }", "root");
}

#[test]
fn mutation_contains_one_login_at_most() {
    let login = "login(code: \"c\") { token }";
    assert!(admit(&format!("mutation {{ {login} }}")).is_ok());
    assert_excess(&format!("mutation {{ a: {login} b: {login} }}"), "`login`");
    let hidden = format!("mutation {{ {login} ... on Mutation {{ ...A }} }} fragment A on Mutation {{ b: {login} }}");
    assert_excess(&hidden, "`login`");
}
