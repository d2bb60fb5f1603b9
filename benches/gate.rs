//! What it costs to judge a document before anything is executed, and to refuse one that would cost too much; and what
//! the heaviest documents cost that are let through. A refusal is what an attacker can have of us as often as he likes.

#![expect(clippy::expect_used, reason = "a benchmark that cannot run stops")]

mod stage;

use std::{fmt::Display, hint::black_box, net::Ipv4Addr};

use async_graphql::{ServerError, Variables};
use criterion::{Criterion, criterion_group, criterion_main};
use miniaccount::{
    account::Client,
    error::Language,
    graphql::{Caller, Engine, Parameters, Prepared, Query},
};
use serde_json::{Value, json};
use stage::Stage;
use tokio::runtime::Runtime;

const ME: &str = "{ me { id nickname avatarUrl createdAt } }";

/// The engine, with somebody logged in.
struct Gate {
    engine: Engine,
    token: String,
    _stage: Stage,
}

impl Gate {
    async fn start() -> Self {
        let stage = Stage::set().await;
        let engine = Engine::new(&stage.accounts, &stage.config);
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

    fn judge(&self, text: &str) -> Result<Prepared, ServerError> {
        // of many operations, the first
        let operation_name = text.starts_with("query Q0 ").then(|| "Q0".to_owned());
        self.engine.prepare(Parameters {
            query: Query::Text(text.to_owned()),
            operation_name,
            variables: Variables::default(),
        })
    }

    async fn execute(&self, text: &str) -> async_graphql::Response {
        let prepared = self.judge(text).expect("a document within the limits");
        self.engine.execute(prepared, caller(Some(&self.token))).await.0
    }
}

fn caller(token: Option<&str>) -> Caller {
    let client = Client { address: Ipv4Addr::LOCALHOST.into(), user_agent: None };
    Caller::new(client, Language::En, token.map(Into::into))
}

fn gate(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let gate = runtime.block_on(Gate::start());
    // only what was executed is kept: until then it is new every time
    criterion.bench_function("judge a new `me`", |bencher| bencher.iter(|| black_box(gate.judge(ME).is_ok())));
    let answer = runtime.block_on(gate.execute(ME));
    assert!(answer.errors.is_empty(), "{:?}", answer.errors);
    criterion.bench_function("judge a kept `me`", |bencher| bencher.iter(|| black_box(gate.judge(ME).is_ok())));
    criterion.bench_function("answer a kept `me`", |bencher| {
        bencher.to_async(&runtime).iter(async || black_box(gate.execute(ME).await));
    });
    for (name, text) in refused() {
        assert!(gate.judge(&text).is_err(), "{name}");
        criterion.bench_function(&format!("refuse {name}"), |bencher| {
            bencher.iter(|| black_box(gate.judge(&text).is_err()));
        });
    }
    for (name, text) in heaviest() {
        criterion.bench_function(&format!("answer {name}"), |bencher| {
            bencher.to_async(&runtime).iter(async || black_box(gate.execute(&text).await));
        });
    }
}

/// Documents that would end the process or keep it busy for ever.
fn refused() -> Vec<(&'static str, String)> {
    let chain = joined(18, |n| format!("fragment F{n} on Query{{...F{m} ...F{m}}}", m = n + 1));
    vec![
        ("3 KB of brackets", format!("{{ f(v: {}", "[".repeat(3 * 1024))),
        ("fragments that double", format!("{{...F0}} {chain} fragment F18 on Query{{__typename}}")),
        ("16 KB of words", "a ".repeat(8 * 1024)),
        ("16 KB of one string", format!("{{ f(v: \"{}", "x".repeat(16 * 1024 - 10))),
        ("a megabyte", "a ".repeat(512 * 1024)),
    ]
}

/// The most that is let through, each in its way.
fn heaviest() -> Vec<(&'static str, String)> {
    let operations = joined(150, |n| format!("query Q{n} {{ me {{ id }} }}"));
    let fragments = joined(200, |n| format!("fragment F{n} on User {{ id }}"));
    let spread = "...F ".repeat(450);
    vec![
        ("lists 46 deep", format!("{{ f(v: {}1{}) }}", "[".repeat(46), "]".repeat(46))),
        ("objects 46 deep", format!("{{ f(v: {}1{}) }}", "{a:".repeat(46), "}".repeat(46))),
        ("one field 990 times", format!("{{ me {{ {} }} }}", "id ".repeat(990))),
        ("1900 ids", format!("{{ users(ids: [{}]) {{ id }} }}", "\"x\" ".repeat(1900))),
        ("19 lists of sessions", format!("{{ {} }}", "me { sessions { nodes { id } } } ".repeat(19))),
        ("150 operations", operations),
        ("200 fragments", format!("{{ me {{ id }} }} {fragments}")),
        ("450 spreads", format!("{{ me {{ {spread} }} }} fragment F on User {{ id nickname }}")),
        ("20 unknown fields", format!("{{ {} }}", joined(20, |n| format!("x{n}(y{n}: $z{n})")))),
    ]
}

/// Many pieces in a row.
fn joined<T: Display>(count: usize, piece: impl Fn(usize) -> T) -> String {
    (0..count).map(|n| piece(n).to_string()).collect::<Vec<_>>().join(" ")
}

criterion_group!(benches, gate);
criterion_main!(benches);
