//! Benchmarks of the checks before execution: accepted documents, refused ones, and the most expensive accepted ones.
//! Refusals must be cheap, because an attacker can cause any number of them.

#![expect(clippy::expect_used, reason = "a benchmark that cannot run stops")]

mod environment;

use std::{fmt::Display, hint::black_box, net::Ipv4Addr, sync::Arc};

use async_graphql::{ServerError, Variables};
use criterion::{Criterion, criterion_group, criterion_main};
use environment::Environment;
use miniaccount::{
    account::{Client, Hosted},
    error::Language,
    graphql::{Caller, Engine, Parameters, Prepared, Query},
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const ME: &str = "{ me { id nickname avatarUrl createdAt } }";

/// A document and its variables.
type Request = (String, Value);

/// The engine, with a logged-in user.
struct Bench {
    engine: Engine,
    token: String,
    _environment: Environment,
}

impl Bench {
    async fn start() -> Self {
        let environment = Environment::start().await;
        let engine = Engine::new(&environment.accounts, &environment.config);
        let accounts = Arc::clone(&environment.accounts);
        // sessions are cached only while the feed is tailed
        tokio::spawn(async move { accounts.tail_feed().await });
        let login = Parameters {
            query: Query::Text("mutation($code: String!) { login(code: $code) { token } }".to_owned()),
            variables: Variables::from_json(json!({ "code": environment.code() })),
            operation_name: None,
        };
        let (login, _) = engine.execute(engine.prepare(login).expect("a login"), caller(None)).await;
        let login: Value = login.data.into_json().expect("JSON");
        let token = login["login"]["token"].as_str().expect("a token").to_owned();
        Self { engine, token, _environment: environment }
    }

    fn prepare(&self, (text, variables): &Request) -> Result<Prepared, ServerError> {
        // selects the first of many operations
        let operation_name = text.starts_with("query Q0 ").then(|| "Q0".to_owned());
        self.engine.prepare(Parameters {
            query: Query::Text(text.clone()),
            operation_name,
            variables: Variables::from_json(variables.clone()),
        })
    }

    async fn execute(&self, request: &Request) -> async_graphql::Response {
        let prepared = self.prepare(request).expect("a document within the limits");
        self.engine.execute(prepared, caller(Some(&self.token))).await.0
    }
}

fn caller(token: Option<&str>) -> Caller {
    let client = Client { address: Ipv4Addr::LOCALHOST.into(), user_agent: None, hosted: Hosted::Unknown };
    Caller::new(client, Language::En, token.map(Into::into))
}

fn prepare(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let bench = runtime.block_on(Bench::start());
    let me = request(ME.to_owned());
    // only executed documents are cached, so this one is new each time
    criterion.bench_function("prepare a new `me`", |bencher| bencher.iter(|| black_box(bench.prepare(&me).is_ok())));
    let response = runtime.block_on(bench.execute(&me));
    assert!(response.errors.is_empty(), "{:?}", response.errors);
    criterion.bench_function("prepare a cached `me`", |bencher| bencher.iter(|| black_box(bench.prepare(&me).is_ok())));
    criterion.bench_function("execute a cached `me`", |bencher| {
        bencher.to_async(&runtime).iter(async || black_box(bench.execute(&me).await));
    });
    for (name, request) in refused() {
        assert!(bench.prepare(&request).is_err(), "{name}");
        criterion.bench_function(&format!("refuse {name}"), |bencher| {
            bencher.iter(|| black_box(bench.prepare(&request).is_err()));
        });
    }
    for (name, request) in heaviest() {
        criterion.bench_function(&format!("execute {name}"), |bencher| {
            bencher.to_async(&runtime).iter(async || black_box(bench.execute(&request).await));
        });
    }
}

/// Requests that would crash the process or run for a very long time.
fn refused() -> Vec<(&'static str, Request)> {
    let many = json!({ "v": vec![1; 30_000] });
    let chain = |length: usize| joined(length, |n| format!("fragment F{n} on Query{{...F{m} ...F{m}}}", m = n + 1));
    let operations = joined(60, |n| format!("query Q{n}{{me{{...F}}}}"));
    let fragments = joined(130, |n| format!("fragment F{n} on User{{...F}}"));
    let content = format!("fragment F on User{{{}}}", "id ".repeat(900));
    let leaves = "name ".repeat(400);
    let mutation = "logout{endedSessions} login(code:\"c\",device:{id:5,name:$n}){token}";
    vec![
        ("3 KB of brackets", request(format!("{{ f(v: {}", "[".repeat(3 * 1024)))),
        ("fragments that double", request(format!("{{...F0}} {} fragment F31 on Query{{__typename}}", chain(31)))),
        ("fragments that double, with an undefined fragment", request(format!("{{...F0}} {}", chain(31)))),
        ("60 operations of 900 fields", request(format!("{operations} {content}"))),
        ("130 fragments of 900 fields", request(format!("{{me{{id}}}} {content} {fragments}"))),
        ("a recursive introspection", request(introspection("possibleTypes{interfaces{possibleTypes", &leaves, 3))),
        ("a wide introspection", request(introspection("fields{type{fields", &leaves, 3))),
        (
            "30000 values used 20 times",
            (format!("query($v:[ID!]!){{{}}}", "users(ids:$v){id}".repeat(20)), many.clone()),
        ),
        ("30000 values defined 200 times", (format!("query({}){{me{{id}}}}", "$v:[ID]".repeat(200)), many.clone())),
        (
            "30000 values of the wrong type",
            (
                "query($v:[[Int]!]){me{id}}".to_owned(),
                json!({ "v": vec![json!(1); 29_999].into_iter().chain([json!("x")]).collect::<Vec<_>>() }),
            ),
        ),
        ("an unknown type", request("query($v:[Foo]=[1]){serverInfo{version}}".to_owned())),
        ("literals next to a variable", request(format!("mutation($n:String){{{mutation}}}"))),
        ("16 KB of words", request("a ".repeat(8 * 1024))),
        ("16 KB of true and zeros", request(format!("{{f(v:[true{}])}}", "0".repeat(16_000)))),
        ("16 KB of one string", request(format!("{{ f(v: \"{}", "x".repeat(16 * 1024 - 10)))),
        ("a megabyte", request("a ".repeat(512 * 1024))),
    ]
}

/// The most expensive accepted requests, each in a different way.
fn heaviest() -> Vec<(&'static str, Request)> {
    let operations = joined(150, |n| format!("query Q{n} {{ me {{ id }} }}"));
    let fragments = joined(200, |n| format!("fragment F{n} on User {{ id }}"));
    let (spread, arguments) = ("...F ".repeat(330), joined(30, |n| format!("a{n}: 1")));
    let equal_fields = format!("me({arguments}) {{ id }} ").repeat(18);
    let used = format!("query($v: ID!) {{ users(ids: [{}]) {{ id }} }}", "$v ".repeat(100));
    vec![
        ("lists 46 deep", request(format!("{{ user(id: {}1{}) {{ id }} }}", "[".repeat(46), "]".repeat(46)))),
        ("objects 46 deep", request(format!("{{ user(id: {}1{}) {{ id }} }}", "{a:".repeat(46), "}".repeat(46)))),
        ("one field 990 times", request(format!("{{ me {{ {} }} }}", "id ".repeat(990)))),
        (
            "one field 900 times, 40 deep",
            request(format!("{{ me {{ {}{}{} }} }}", "...{".repeat(40), "id ".repeat(900), "}".repeat(40))),
        ),
        ("equal arguments, 40 deep", request(format!("{{ {}{equal_fields}{} }}", "...{".repeat(40), "}".repeat(40)))),
        ("1900 ids", request(format!("{{ users(ids: [{}]) {{ id }} }}", "\"x\" ".repeat(1900)))),
        ("19 lists of sessions", request(format!("{{ {} }}", "me { sessions { nodes { id } } } ".repeat(19)))),
        ("150 operations", request(operations)),
        ("200 fragments", request(format!("{{ me {{ id }} }} {fragments}"))),
        ("330 spreads", request(format!("{{ me {{ {spread} }} }} fragment F on User {{ id nickname }}"))),
        ("20 unknown fields", request(format!("{{ {} }}", joined(20, |n| format!("x{n}(y{n}: $z{n})"))))),
        ("30000 values", ("query($v: [ID!]!) { users(ids: $v) { id } }".to_owned(), json!({ "v": vec![1; 30_000] }))),
        ("40 KB used 100 times", (used, json!({ "v": "x".repeat(40_000) }))),
        (
            "an introspection 115 wide",
            request(format!("{{ __schema {{ types {{ fields {{ {} }} }} }} }}", "name ".repeat(115))),
        ),
        ("a recursive introspection 17 wide", request(introspection("fields{type{fields", &"name ".repeat(17), 3))),
        ("GraphiQL's introspection", request(include_str!("../src/graphql/limits/introspection.graphql").to_owned())),
    ]
}

fn request(text: String) -> Request {
    (text, json!({}))
}

fn introspection(path: &str, leaves: &str, braces: usize) -> String {
    format!("{{__schema{{types{{{path}{{{leaves}}}{}}}}}", "}".repeat(braces))
}

/// Joins generated parts with spaces.
fn joined<T: Display>(count: usize, piece: impl Fn(usize) -> T) -> String {
    (0..count).map(|n| piece(n).to_string()).collect::<Vec<_>>().join(" ")
}

criterion_group!(benches, prepare);
criterion_main!(benches);
