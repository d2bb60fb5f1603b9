//! Every mutation with known secrets, at the most verbose log level.

use std::collections::BTreeSet;

use serde_json::json;

use super::{SECRETS, SETTINGS, assert_contains_none, collect_tokens, failures, log_in};
use crate::harness::{ApiResponse, DatabaseKind, Log, TestApp};

/// A text like a telephone number: a nickname, and any other text of a client.
const PHONE: &str = "13800138000";

/// The indentation of a field in the schema's text.
const INDENT: &str = "  ";

/// Each mutation by its name, with one text of the client.
const MUTATIONS: [(&str, &str); 14] = [
    ("login", "mutation Run($text: String!) { login(code: $text) { token refreshToken } }"),
    ("refreshSession", "mutation Run($text: String!) { refreshSession(refreshToken: $text) { token refreshToken } }"),
    (
        "updateProfile",
        "mutation Run($text: String!) { updateProfile(input: { nickname: $text }) { userErrors { message } } }",
    ),
    (
        "linkIdentity",
        "mutation Run($text: String!) { linkIdentity(code: $text) { mergeTicket userErrors { message } } }",
    ),
    ("unlinkIdentity", "mutation Run($text: ID!) { unlinkIdentity(identityId: $text) { userErrors { message } } }"),
    ("mergeAccounts", "mutation Run($text: String!) { mergeAccounts(ticket: $text) { userErrors { message } } }"),
    ("deleteAccount", "mutation Run($text: String!) { deleteAccount(code: $text) { userErrors { message } } }"),
    ("cancelAccountDeletion", "mutation Run { cancelAccountDeletion { userErrors { message } } }"),
    ("revokeSession", "mutation Run($text: ID!) { revokeSession(sessionId: $text) { userErrors { message } } }"),
    ("bindPhoneNumber", "mutation Run($text: String!) { bindPhoneNumber(code: $text) { userErrors { message } } }"),
    ("unbindPhoneNumber", "mutation Run { unbindPhoneNumber { userErrors { message } } }"),
    (
        "decryptWechatData",
        "mutation Run($text: String!) { decryptWechatData(input: { encryptedData: $text, iv: $text }) { data } }",
    ),
    (
        // signed with the session key of the fake WeChat
        "decryptWechatData",
        "mutation Run { decryptWechatData(input: {
            rawData: \"{}\", signature: \"38cbcf576c4863cd3ec454ebb67b909e9c9b098e\" }) { data } }",
    ),
    ("logout", "mutation Run { logout { endedSessions } }"),
];

// One thread, so that this test captures the whole log of a request.
#[tokio::test]
async fn mutations_reveal_no_secret_in_logs_headers_or_errors() {
    crate::harness::run(DatabaseKind::Sqlite, SETTINGS, |app| async move {
        let log = Log::default();
        let capturing = log.capture_with("trace");
        let answers = mutate(&app).await;
        drop(capturing);
        let mut tokens = Vec::new();
        for answer in &answers {
            collect_tokens(&answer.body, &mut tokens);
        }
        assert!(tokens.len() >= 4, "a login and a refresh succeeded");
        let log = log.text();
        assert!(log.contains("TRACE") || log.contains("DEBUG"), "{log}");
        assert_contains_no_secret(&log, &tokens);
        for answer in &answers {
            assert_contains_no_secret(&format!("{:?} {}", answer.headers, answer.body["errors"]), &tokens);
        }
    })
    .await;
}

#[test]
fn every_mutation_of_the_schema_is_tested() {
    let sdl = miniaccount::graphql::sdl();
    let fields = sdl.split("type Mutation {").nth(1).unwrap().split("\n}").next().unwrap();
    let is_name = |text: &str| !text.is_empty() && text.chars().all(char::is_alphanumeric);
    let has_no_arguments = |line: &str| {
        line.split_once(": ").is_some_and(|(name, kind)| is_name(name) && is_name(kind.trim_end_matches('!')))
    };
    let is_field =
        |line: &&str| (line.ends_with('(') || has_no_arguments(line)) && !line.starts_with(char::is_whitespace);
    let lines: Vec<_> = fields.lines().map(|line| line.strip_prefix(INDENT).unwrap_or(line)).collect();
    let names: BTreeSet<_> =
        lines.into_iter().filter(is_field).map(|line| line.split(['(', ':']).next().unwrap()).collect();
    assert_eq!(names, MUTATIONS.map(|(name, _)| name).into());
}

/// Runs each mutation with each text, with and without a token.
async fn mutate(app: &TestApp) -> Vec<ApiResponse> {
    for (n, reply) in failures().into_iter().enumerate() {
        app.wechat.reply(&format!("TheCode.bad{n}"), reply);
    }
    let first = log_in(app).await;
    let login = first.data()["login"].clone();
    let (token, refresh) = (login["token"].as_str().unwrap(), login["refreshToken"].as_str().unwrap());
    let refreshed = app.anonymous().refresh(refresh).await;
    let mut texts = vec![refresh.to_owned(), token.to_owned(), PHONE.to_owned(), PHONE.repeat(10)];
    texts.extend((0..failures().len()).map(|n| format!("TheCode.bad{n}")));
    let mut answers = vec![first, refreshed];
    // a code proves an identity or logs in, once; and after the failures below WeChat is not called any more
    for (name, document) in MUTATIONS.into_iter().filter(|(name, _)| ["linkIdentity", "deleteAccount"].contains(name)) {
        answers.push(app.with_token(token).graphql(document, json!({ "text": format!("{PHONE}.{name}") })).await);
    }
    for (_, document) in MUTATIONS {
        for text in &texts {
            for client in [app.anonymous(), app.with_token(token), app.with_token(PHONE)] {
                answers.push(client.graphql(document, json!({ "text": text })).await);
            }
        }
    }
    for (name, _) in MUTATIONS {
        assert!(answers.iter().any(|answer| answer.body["data"][name].is_object()), "{name} never succeeds");
    }
    answers
}

fn assert_contains_no_secret(text: &str, tokens: &[String]) {
    assert_contains_none(text, &SECRETS);
    assert_contains_none(text, &[PHONE]);
    assert_contains_none(text, tokens);
}
