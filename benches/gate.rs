//! Benchmarks of the checks before execution: accepted documents, refused ones, and the most expensive accepted ones.
//! Refusals must be cheap, because an attacker can cause any number of them.

#![expect(clippy::expect_used, reason = "a benchmark that cannot run stops")]

mod stage;

use std::{fmt::Display, hint::black_box, net::Ipv4Addr, sync::Arc};

use async_graphql::{ServerError, Variables};
use criterion::{Criterion, criterion_group, criterion_main};
use miniaccount::{
    account::{Client, Hosted},
    error::Language,
    graphql::{Caller, Engine, Parameters, Prepared, Query},
};
use serde_json::{Value, json};
use stage::Stage;
use tokio::runtime::Runtime;

const ME: &str = "{ me { id nickname avatarUrl createdAt } }";

/// A document with the values of its variables.
type Asked = (String, Value);

/// The engine, with a logged-in user.
struct Gate {
    engine: Engine,
    token: String,
    _stage: Stage,
}

impl Gate {
    async fn start() -> Self {
        let stage = Stage::set().await;
        let engine = Engine::new(&stage.accounts, &stage.config);
        let accounts = Arc::clone(&stage.accounts);
        // sessions are cached only while the feed is tailed
        tokio::spawn(async move { accounts.tail_feed().await });
        let login = Parameters {
            query: Query::Text("mutation($code: String!) { login(code: $code) { token } }".to_owned()),
            variables: Variables::from_json(json!({ "code": stage.code() })),
            operation_name: None,
        };
        let (login, _) = engine.execute(engine.prepare(login).expect("a login"), caller(None)).await;
        let login: Value = login.data.into_json().expect("JSON");
        let token = login["login"]["token"].as_str().expect("a token").to_owned();
        Self { engine, token, _stage: stage }
    }

    fn judge(&self, (text, variables): &Asked) -> Result<Prepared, ServerError> {
        // selects the first of many operations
        let operation_name = text.starts_with("query Q0 ").then(|| "Q0".to_owned());
        self.engine.prepare(Parameters {
            query: Query::Text(text.clone()),
            operation_name,
            variables: Variables::from_json(variables.clone()),
        })
    }

    async fn execute(&self, asked: &Asked) -> async_graphql::Response {
        let prepared = self.judge(asked).expect("a document within the limits");
        self.engine.execute(prepared, caller(Some(&self.token))).await.0
    }
}

fn caller(token: Option<&str>) -> Caller {
    let client = Client { address: Ipv4Addr::LOCALHOST.into(), user_agent: None, hosted: Hosted::Unknown };
    Caller::new(client, Language::En, token.map(Into::into))
}

fn gate(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let gate = runtime.block_on(Gate::start());
    let me = asked(ME.to_owned());
    // only executed documents are cached, so that this one is new each time
    criterion.bench_function("judge a new `me`", |bencher| bencher.iter(|| black_box(gate.judge(&me).is_ok())));
    let answer = runtime.block_on(gate.execute(&me));
    assert!(answer.errors.is_empty(), "{:?}", answer.errors);
    criterion.bench_function("judge a kept `me`", |bencher| bencher.iter(|| black_box(gate.judge(&me).is_ok())));
    criterion.bench_function("answer a kept `me`", |bencher| {
        bencher.to_async(&runtime).iter(async || black_box(gate.execute(&me).await));
    });
    for (name, asked) in refused() {
        assert!(gate.judge(&asked).is_err(), "{name}");
        criterion.bench_function(&format!("refuse {name}"), |bencher| {
            bencher.iter(|| black_box(gate.judge(&asked).is_err()));
        });
    }
    for (name, asked) in heaviest() {
        criterion.bench_function(&format!("answer {name}"), |bencher| {
            bencher.to_async(&runtime).iter(async || black_box(gate.execute(&asked).await));
        });
    }
}

/// Requests that would crash the process or occupy it for ever.
fn refused() -> Vec<(&'static str, Asked)> {
    let many = json!({ "v": vec![1; 30_000] });
    let chain = |length: usize| joined(length, |n| format!("fragment F{n} on Query{{...F{m} ...F{m}}}", m = n + 1));
    let operations = joined(60, |n| format!("query Q{n}{{me{{...F}}}}"));
    let fragments = joined(130, |n| format!("fragment F{n} on User{{...F}}"));
    let content = format!("fragment F on User{{{}}}", "id ".repeat(900));
    let leaves = "name ".repeat(400);
    let beside = "logout{endedSessions} login(code:\"c\",device:{id:5,name:$n}){token}";
    vec![
        ("3 KB of brackets", asked(format!("{{ f(v: {}", "[".repeat(3 * 1024)))),
        ("fragments that double", asked(format!("{{...F0}} {} fragment F31 on Query{{__typename}}", chain(31)))),
        ("fragments that double and end nowhere", asked(format!("{{...F0}} {}", chain(31)))),
        ("60 operations of 900 fields", asked(format!("{operations} {content}"))),
        ("130 fragments of 900 fields", asked(format!("{{me{{id}}}} {content} {fragments}"))),
        ("an introspection that comes back", asked(introspected("possibleTypes{interfaces{possibleTypes", &leaves, 3))),
        ("an introspection that is wide", asked(introspected("fields{type{fields", &leaves, 3))),
        (
            "30000 values put in 20 times",
            (format!("query($v:[ID!]!){{{}}}", "users(ids:$v){id}".repeat(20)), many.clone()),
        ),
        ("30000 values defined 200 times", (format!("query({}){{me{{id}}}}", "$v:[ID]".repeat(200)), many.clone())),
        (
            "30000 values that do not fit",
            (
                "query($v:[[Int]!]){me{id}}".to_owned(),
                json!({ "v": vec![json!(1); 29_999].into_iter().chain([json!("x")]).collect::<Vec<_>>() }),
            ),
        ),
        ("a type there is not", asked("query($v:[Foo]=[1]){serverInfo{version}}".to_owned())),
        ("literals beside a variable", asked(format!("mutation($n:String){{{beside}}}"))),
        ("16 KB of words", asked("a ".repeat(8 * 1024))),
        ("16 KB of true and zeros", asked(format!("{{f(v:[true{}])}}", "0".repeat(16_000)))),
        ("16 KB of one string", asked(format!("{{ f(v: \"{}", "x".repeat(16 * 1024 - 10)))),
        ("a megabyte", asked("a ".repeat(512 * 1024))),
    ]
}

/// The most expensive accepted requests, each in a different way.
fn heaviest() -> Vec<(&'static str, Asked)> {
    let operations = joined(150, |n| format!("query Q{n} {{ me {{ id }} }}"));
    let fragments = joined(200, |n| format!("fragment F{n} on User {{ id }}"));
    let (spread, arguments) = ("...F ".repeat(330), joined(30, |n| format!("a{n}: 1")));
    let like_named = format!("me({arguments}) {{ id }} ").repeat(18);
    let used = format!("query($v: ID!) {{ users(ids: [{}]) {{ id }} }}", "$v ".repeat(100));
    vec![
        ("lists 46 deep", asked(format!("{{ user(id: {}1{}) {{ id }} }}", "[".repeat(46), "]".repeat(46)))),
        ("objects 46 deep", asked(format!("{{ user(id: {}1{}) {{ id }} }}", "{a:".repeat(46), "}".repeat(46)))),
        ("one field 990 times", asked(format!("{{ me {{ {} }} }}", "id ".repeat(990)))),
        (
            "one field 900 times, 40 deep",
            asked(format!("{{ me {{ {}{}{} }} }}", "...{".repeat(40), "id ".repeat(900), "}".repeat(40))),
        ),
        ("like arguments, 40 deep", asked(format!("{{ {}{like_named}{} }}", "...{".repeat(40), "}".repeat(40)))),
        ("1900 ids", asked(format!("{{ users(ids: [{}]) {{ id }} }}", "\"x\" ".repeat(1900)))),
        ("19 lists of sessions", asked(format!("{{ {} }}", "me { sessions { nodes { id } } } ".repeat(19)))),
        ("150 operations", asked(operations)),
        ("200 fragments", asked(format!("{{ me {{ id }} }} {fragments}"))),
        ("330 spreads", asked(format!("{{ me {{ {spread} }} }} fragment F on User {{ id nickname }}"))),
        ("20 unknown fields", asked(format!("{{ {} }}", joined(20, |n| format!("x{n}(y{n}: $z{n})"))))),
        ("30000 values", ("query($v: [ID!]!) { users(ids: $v) { id } }".to_owned(), json!({ "v": vec![1; 30_000] }))),
        ("40 KB put in 100 times", (used, json!({ "v": "x".repeat(40_000) }))),
        (
            "an introspection 115 wide",
            asked(format!("{{ __schema {{ types {{ fields {{ {} }} }} }} }}", "name ".repeat(115))),
        ),
        ("an introspection 17 wide that comes back", asked(introspected("fields{type{fields", &"name ".repeat(17), 3))),
        ("GraphiQL's introspection", asked(include_str!("../src/graphql/limits/introspection.graphql").to_owned())),
    ]
}

fn asked(text: String) -> Asked {
    (text, json!({}))
}

fn introspected(way: &str, leaves: &str, braces: usize) -> String {
    format!("{{__schema{{types{{{way}{{{leaves}}}{}}}}}", "}".repeat(braces))
}

/// Joins generated parts with spaces.
fn joined<T: Display>(count: usize, piece: impl Fn(usize) -> T) -> String {
    (0..count).map(|n| piece(n).to_string()).collect::<Vec<_>>().join(" ")
}

criterion_group!(benches, gate);
criterion_main!(benches);
