//! Fuzz tests: every document within the limits is executed as a server does it, the second time from the cache, within
//! the stack and the time a server has, and without an internal error.

use std::{
    env::VarError,
    sync::{Arc, LazyLock},
    time::Duration,
};

use async_graphql::Variables;
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime};

use super::joined;
use crate::{
    account::Client,
    clock::SystemClock,
    config,
    emulator::Emulator,
    error::{Code, Language},
    graphql::{Caller, Engine, Parameters, Query, present},
    server, store,
};

/// A quarter of what a worker thread has.
const STACK: usize = 2 * 1024 * 1024;

/// Far beyond what an admitted document takes, far below what an exponential one would.
const ENDLESS: Duration = Duration::from_secs(10);

/// An engine, and the token of a user who has logged in.
struct Stage {
    engine: Engine,
    token: String,
    _emulator: Emulator,
    _folder: TempDir,
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).thread_stack_size(STACK).enable_all().build().unwrap()
});

static STAGE: LazyLock<Stage> = LazyLock::new(|| RUNTIME.block_on(Stage::set()));

impl Stage {
    async fn set() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite://{}/test.db?mode=rwc", folder.path().display());
        let emulator = Emulator::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), Arc::new(SystemClock)).await;
        let emulator = emulator.unwrap();
        let base = emulator.base();
        let environment = |name: &str| match name {
            "DATABASE_URL" => Ok(url.clone()),
            "WECHAT_APP_ID" => Ok("wx1".to_owned()),
            "WECHAT_APP_SECRET" => Ok("secret".to_owned()),
            "WECHAT_API_BASE" => Ok(base.clone()),
            "LOGIN_RATE_LIMIT" => Ok("off".to_owned()),
            "GRAPHIQL" => Ok("on".to_owned()),
            "SECRET_KEY" => Ok("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned()),
            _ => Err(VarError::NotPresent),
        };
        let (config, _) = config::read(&environment, None).unwrap();
        let store = store::connect(&config.database_url, 4).await.unwrap();
        store.migrate().await.unwrap();
        let accounts = Arc::new(server::accounts(&config, store, Arc::new(SystemClock)).unwrap());
        let engine = Engine::new(&accounts, &config);
        let login = format!("mutation {{ login(code: \"{}\") {{ token }} }}", emulator.mint("wx1", "alice"));
        let prepared = engine.prepare(parameters(&login, None, &json!({}))).unwrap();
        let login: Value = engine.execute(prepared, caller(None)).await.0.data.into_json().unwrap();
        let token = login["login"]["token"].as_str().unwrap().to_owned();
        Self { engine, token, _emulator: emulator, _folder: folder }
    }

    /// Executes or refuses a request: the codes of its errors, and whether it was executed.
    async fn answer(&self, parameters: Parameters) -> (Vec<Code>, bool) {
        let (mut errors, began) = match self.engine.prepare(parameters) {
            Ok(prepared) => {
                let (response, began) = self.engine.execute(prepared, caller(Some(&self.token))).await;
                (response.errors, began)
            }
            Err(error) => (vec![error], false),
        };
        let presented = present(&mut errors, began, Language::En, "the-request");
        (presented.into_iter().map(|error| error.code).collect(), began)
    }
}

fn parameters(text: &str, operation: Option<&str>, variables: &Value) -> Parameters {
    Parameters {
        query: Query::Text(text.to_owned()),
        operation_name: operation.map(str::to_owned),
        variables: Variables::from_json(variables.clone()),
    }
}

fn caller(token: Option<&str>) -> Caller {
    let client = Client {
        address: std::net::Ipv4Addr::LOCALHOST.into(),
        user_agent: None,
        hosted: crate::account::Hosted::Unknown,
    };
    Caller::new(client, Language::En, token.map(Into::into))
}

/// Answers a request three times: the second time the document may be cached, the third time without its variables.
fn run(text: &str, operation: Option<&str>, variables: &Value) -> bool {
    let requests = [variables, variables, &json!({})].map(|variables| parameters(text, operation, variables));
    let (done, waiting) = std::sync::mpsc::channel();
    let _ = &*STAGE;
    // a panic closes the channel
    RUNTIME.spawn(async move {
        for request in requests {
            done.send(STAGE.answer(request).await).unwrap();
        }
    });
    let mut executed = false;
    for _ in 0..3 {
        let (codes, began) = waiting.recv_timeout(ENDLESS).expect("an admitted document is executed in bounded time");
        assert!(!codes.contains(&Code::InternalServerError), "{text} {variables}");
        executed |= began;
    }
    executed
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

/// Values as a document has them, of any type.
fn literal() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "\\$[a-d]",
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("CURRENT".to_owned()),
        Just("\"text\"".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let many = prop::collection::vec(inner, 0..4);
        prop_oneof![
            many.clone().prop_map(|items| format!("[{}]", items.join(" "))),
            many.prop_map(|items| {
                let names = ["id", "name", "if", "other"];
                let fields = names.iter().zip(items).map(|(name, value)| format!("{name}: {value}"));
                format!("{{{}}}", fields.collect::<Vec<_>>().join(" "))
            }),
        ]
    })
}

/// Selections, whether the type has them or not.
fn selection() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("__typename".to_owned()),
        Just("id".to_owned()),
        Just("a: nickname".to_owned()),
        Just("serverInfo { version }".to_owned()),
        literal().prop_map(|value| format!("createdAt @skip(if: {value})")),
        literal().prop_map(|value| format!("logout(scope: {value}) {{ endedSessions }}")),
        literal().prop_map(|value| format!("login(code: \"\", device: {value}) {{ token }}")),
        // one of them is undefined
        (0..7).prop_map(|n| format!("...F{n}")),
    ];
    leaf.prop_recursive(8, 40, 4, |inner| {
        let many = prop::collection::vec(inner, 1..4).prop_map(|items| items.join(" "));
        let with = |head: &'static str| many.clone().prop_map(move |items| format!("{head} {{ {items} }}"));
        prop_oneof![
            with("me"),
            with("sessions(first: 3) { nodes").prop_map(|open| format!("{open} }}")),
            with("identities"),
            with("... on Query"),
            with("... on User @include(if: $c)"),
            with("..."),
            with("__schema { types { fields").prop_map(|open| format!("{open} }} }}")),
            with("__type(name: \"Node\") { possibleTypes").prop_map(|open| format!("{open} }}")),
            (literal(), many.clone()).prop_map(|(value, items)| format!("users(ids: {value}) {{ {items} }}")),
            (literal(), many).prop_map(|(value, items)| format!("b: node(id: {value}) {{ {items} }}")),
        ]
    })
}

/// Variable definitions, mostly of known types.
fn variable_definitions() -> impl Strategy<Value = String> {
    let ty = prop_oneof![
        4 => "(ID|String|Int|Boolean|LogoutScope|DeviceInput)!?",
        2 => "\\[(ID|String|Int)!?\\]!?",
        1 => "\\[{0,1}(Float|User|Foo|DateTime)",
    ];
    let ty = ty.prop_map(|ty| if ty.starts_with('[') && !ty.contains(']') { format!("{ty}]") } else { ty });
    let default = prop_oneof![3 => Just(String::new()), 1 => literal().prop_map(|value| format!(" = {value}"))];
    prop::collection::vec(("[a-d]", ty, default), 0..4).prop_map(|all| {
        let all: Vec<_> = all.into_iter().map(|(name, ty, default)| format!("${name}: {ty}{default}")).collect();
        if all.is_empty() { String::new() } else { format!("({})", all.join(" ")) }
    })
}

/// Documents that parse: several operations, nested fields, fragments that spread each other in any way.
fn well_formed() -> impl Strategy<Value = String> {
    let operation =
        ("query|mutation|subscription|query|query", variable_definitions(), prop::collection::vec(selection(), 1..4));
    let fragment = ("User|Query|Mutation|Node|__Type|Session", selection());
    (prop::collection::vec(operation, 1..4), prop::collection::vec(fragment, 0..7)).prop_map(
        |(operations, fragments)| {
            let operations = operations.iter().enumerate();
            let operations =
                operations.map(|(n, (ty, variables, roots))| format!("{ty} Q{n}{variables} {{ {} }}", roots.join(" ")));
            let fragments = fragments.iter().enumerate();
            let fragments = fragments.map(|(n, (ty, body))| format!("fragment F{n} on {ty} {{ {body} }}"));
            operations.chain(fragments).collect::<Vec<_>>().join(" ")
        },
    )
}

/// Valid documents, which are executed and cached.
fn valid() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("id".to_owned()),
        Just("nickname @skip(if: $c)".to_owned()),
        Just("... on User @include(if: $c) { createdAt }".to_owned()),
        Just("sessions(first: $d) { nodes { id } totalCount }".to_owned()),
        Just("identities { appId }".to_owned()),
        Just("...F".to_owned()),
        Just("... on Node { id }".to_owned()),
    ];
    prop::collection::vec(leaf, 1..6).prop_map(|items| {
        let items = items.join(" ");
        let definitions = "($a: ID!, $b: [ID!] = [\"x\"], $c: Boolean = false, $d: Int)";
        format!(
            "query Q0{definitions} {{ me {{ {items} }} users(ids: [$a, \"b\", $a]) {{ {items} ...F }} \
             other: users(ids: $b) {{ ...F }} node(id: $a) {{ id }} }} fragment F on User {{ id nickname @include(if: $c) \
             sessions(first: $d) {{ totalCount }} }}"
        )
    })
}

/// Values of variables, mostly of the right type.
fn variables() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        Just(Value::from("x".repeat(5000))),
    ];
    let value = leaf.prop_recursive(3, 30, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map("id|name|other", inner, 0..3).prop_map(|map| json!(map)),
        ]
    });
    let right = ("[a-z]{1,5}", prop::collection::vec("[a-z]{1,5}", 0..4), any::<bool>(), 0..100)
        .prop_map(|(a, b, c, d)| json!({ "a": a, "b": b, "c": c, "d": d }));
    prop_oneof![1 => right, 1 => prop::collection::hash_map("[a-e]", value, 0..5).prop_map(|map| json!(map))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_text_is_handled_without_an_internal_error(text in "\\PC{0,200}") {
        run(&text, None, &json!({}));
    }

    #[test]
    fn any_pieces_are_handled_without_an_internal_error(text in pieces()) {
        run(&text, None, &json!({}));
    }

    #[test]
    fn admitted_document_is_executed_in_bounded_time_and_stack(
        text in well_formed(), operation in "Q[0-3]", variables in variables(),
    ) {
        run(&text, Some(&operation), &variables);
    }

    #[test]
    fn valid_document_is_executed_from_the_cache(text in valid(), variables in variables()) {
        run(&text, Some("Q0"), &variables);
    }
}

#[test]
fn most_expensive_documents_are_executed_in_bounded_time_and_stack() {
    let deep = format!("{{ user(id: {}1{}) {{ id }} }}", "[".repeat(46), "]".repeat(46));
    let deep_object = format!("{{ user(id: {}1{}) {{ id }} }}", "{a:".repeat(46), "}".repeat(46));
    let braces = format!("{{ {} serverInfo {{ version }} {} }}", "... on Query {".repeat(46), "}".repeat(46));
    let same = format!("{{ me {{ {} }} }}", "id ".repeat(990));
    let wide = format!("{{ users(ids: [{}]) {{ id }} }}", "\"x\" ".repeat(1900));
    let nested_same = format!("{{ {} }}", "me { sessions { nodes { id } } } ".repeat(19));
    let operations = joined(150, |n| format!("query Q{n} {{ me {{ id }} }} "));
    let fragments = joined(200, |n| format!("fragment F{n} on User {{ id }} "));
    let spread = format!("{{ me {{ {} }} }} fragment F on User {{ id nickname }}", "...F ".repeat(330));
    let unknown = format!("{{ {} }}", joined(20, |n| format!("x{n}(y{n}: $z{n}) ")));
    let arguments = joined(30, |n| format!("a{n}: 1"));
    let nested = |fields: &str| format!("{}{fields}{}", "...{".repeat(40), "}".repeat(40));
    let like_named = format!("{{ {} }}", nested(&format!("me({arguments}) {{ id }} ").repeat(18)));
    let introspected = format!("{{ __schema {{ types {{ fields {{ {} }} }} }} }}", "name ".repeat(90));
    let twice = format!("{{ __schema {{ types {{ fields {{ type {{ fields {{ {} }} }} }} }} }} }}", "name ".repeat(13));
    let definitions = format!("query({}) {{ me {{ id }} }}", joined(300, |n| format!("$v{n}: [ID]")));
    for text in [
        deep,
        deep_object,
        braces,
        same,
        wide,
        nested_same,
        operations,
        format!("{{ me {{ id }} }} {fragments}"),
        spread,
        unknown,
        like_named,
        introspected,
        twice,
        definitions,
        include_str!("../introspection.graphql").to_owned(),
    ] {
        assert!(super::excess(&text).is_none(), "{:?} {text}", super::excess(&text));
        let operation = text.starts_with("query Q0").then_some("Q0");
        let many: Vec<u32> = (0..20_000).collect();
        run(&text, operation, &json!({ "v0": many, "v": many }));
    }
    assert!(run(include_str!("../introspection.graphql"), None, &json!({})));
}
