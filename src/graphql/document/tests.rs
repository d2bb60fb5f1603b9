//! The gates: what they refuse, what they let through, and that what they let through does no harm.

use std::{borrow::Cow, fmt::Display, thread, time::Duration};

use proptest::prelude::*;

use super::{Documents, Refusal};
use crate::config::Limits;

/// What a worker thread has (tokio's default).
const STACK: usize = 2 * 1024 * 1024;

/// Far beyond what an admitted document takes, far below what an exponential one would.
const ENDLESS: Duration = Duration::from_secs(10);

fn admit(text: &str) -> Result<(), Refusal> {
    Documents::new(Limits::default(), None).admit(text).map(drop)
}

/// Why a text was refused; `None` where it was let through, or is no document.
fn excess(text: &str) -> Option<String> {
    match admit(text) {
        Err(Refusal::Excess(error)) => error.detail.map(Cow::into_owned),
        Ok(()) | Err(Refusal::Syntax(_)) => None,
    }
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
    documents.keep(&document);
    assert!(documents.admit("{ me { id } }").unwrap().accepted);
}

#[test]
fn where_documents_are_registered_nothing_else_runs() {
    let manifest = [("a".to_owned(), "{ me { id } }".to_owned())];
    let documents = Documents::new(Limits::default(), Some(manifest.into()));
    assert!(documents.admit(documents.text("a").unwrap()).is_ok());
    assert!(documents.admit("{ me { id } } ").is_err());
    assert!(documents.text("b").is_err());
    assert!(Documents::new(Limits::default(), None).text("a").is_err());
}

/// Pieces of documents, as an attacker would put them together.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[\\[\\]{}()]{1,30}",
        "\"{1,4}",
        "\\\\\"{0,3}",
        "#[^\\n]{0,10}\n?",
        Just("query Q($v: [[ID!]!] = [[\"a\"]]) ".to_owned()),
        Just("fragment F on User { ...F }".to_owned()),
        Just("... on User { id }".to_owned()),
        Just("user(id: \"x\") { id }".to_owned()),
        Just("@include(if: true)".to_owned()),
        "[a-z]{1,3}: ?",
        "\\PC{0,6}",
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.join(" "))
}

/// Documents that are well-formed: fields within fields, fragments that use one another in any way.
fn well_formed() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("__typename".to_owned()),
        Just("id".to_owned()),
        Just("a: nickname".to_owned()),
        Just("createdAt @skip(if: false)".to_owned()),
        (0..8).prop_map(|n| format!("...F{n}")),
    ];
    let selection = leaf.prop_recursive(12, 80, 6, |inner| {
        let many = prop::collection::vec(inner, 1..6).prop_map(|items| items.join(" "));
        prop_oneof![
            many.clone().prop_map(|items| format!("me {{ {items} }}")),
            many.clone().prop_map(|items| format!("sessions(first: 3) {{ nodes {{ {items} }} }}")),
            many.clone().prop_map(|items| format!("... on Query {{ {items} }}")),
            many.prop_map(|items| format!("b: user(id: [[[{{a: [1, true]}}]]]) {{ {items} }}")),
        ]
    });
    (prop::collection::vec(selection.clone(), 1..6), prop::collection::vec(selection, 8)).prop_map(|(roots, bodies)| {
        let fragments = bodies.iter().enumerate();
        let fragments: Vec<_> = fragments.map(|(n, body)| format!("fragment F{n} on User {{ {body} }}")).collect();
        format!("{{ {} }} {}", roots.join(" "), fragments.join(" "))
    })
}

/// Admits a text and executes what was admitted, on the stack and in the time a server has. Whether it has errors is
/// nothing to us.
fn run(text: String) {
    let (done, waiting) = std::sync::mpsc::channel();
    let work = move || {
        let documents = Documents::new(Limits::default(), None);
        if documents.admit(&text).is_ok() {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(crate::graphql::bare().finish().execute(text));
        }
        done.send(()).unwrap();
    };
    thread::Builder::new().stack_size(STACK).spawn(work).unwrap();
    waiting.recv_timeout(ENDLESS).expect("what the gates admit is executed in bounded time");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_text_is_judged_without_harm(text in "\\PC{0,200}") {
        run(text);
    }

    #[test]
    fn any_heap_of_pieces_is_judged_without_harm(text in pieces()) {
        run(text);
    }

    #[test]
    fn whatever_is_admitted_is_executed_in_bounded_time_and_stack(text in well_formed()) {
        run(text);
    }
}

#[test]
fn the_heaviest_documents_that_are_admitted_are_executed_in_bounded_time_and_stack() {
    let deep = format!("{{ f(v: {}1{}) }}", "[".repeat(46), "]".repeat(46));
    let deep_object = format!("{{ f(v: {}1{}) }}", "{a:".repeat(46), "}".repeat(46));
    let same = format!("{{ me {{ {} }} }}", "id ".repeat(990));
    let wide = format!("{{ users(ids: [{}]) {{ id }} }}", "\"x\" ".repeat(1900));
    let nested_same = format!("{{ {} }}", "me { sessions { nodes { id } } } ".repeat(19));
    let operations = joined(150, |n| format!("query Q{n} {{ me {{ id }} }} "));
    let fragments = joined(200, |n| format!("fragment F{n} on User {{ id }} "));
    let spread = format!("{{ me {{ {} }} }} fragment F on User {{ id nickname }}", "...F ".repeat(450));
    let unknown = format!("{{ {} }}", joined(20, |n| format!("x{n}(y{n}: $z{n}) ")));
    for text in [
        deep,
        deep_object,
        same,
        wide,
        nested_same,
        operations,
        format!("{{ me {{ id }} }} {fragments}"),
        spread,
        unknown,
    ] {
        assert!(excess(&text).is_none(), "{text}");
        run(text);
    }
}
