//! Who may read what: a row for every field of every object of the schema. A new field without a row fails; so does a
//! row without a field, and a row that says what is not so.

use std::collections::BTreeSet;

use entity::user::Role;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, Field, LoggedIn, TestApp, Type};

/// Who may read a field, or call one of the roots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// Whoever asks, without a token.
    Anyone,
    /// Whoever has a live session.
    SignedIn,
    /// The user it is about, and administrators.
    Owner,
    /// Whoever was given the object: the field or mutation that gives it is the guard.
    Given,
}

use Reader::{Anyone, Given, Owner, SignedIn};

/// The table.
const TABLE: &[(&str, &str, Reader)] = &[
    ("Identity", "appId", Owner),
    ("Identity", "createdAt", Owner),
    ("Identity", "id", Owner),
    ("LoginPayload", "expiresAt", Given),
    ("LoginPayload", "isNewUser", Given),
    ("LoginPayload", "refreshExpiresAt", Given),
    ("LoginPayload", "refreshToken", Given),
    ("LoginPayload", "session", Given),
    ("LoginPayload", "token", Given),
    ("LoginPayload", "user", Given),
    ("LogoutPayload", "endedSessions", Given),
    ("Mutation", "login", Anyone),
    ("Mutation", "logout", SignedIn),
    ("Mutation", "refreshSession", Anyone),
    ("Mutation", "revokeSession", SignedIn),
    ("Mutation", "updateProfile", SignedIn),
    ("PageInfo", "endCursor", Given),
    ("PageInfo", "hasNextPage", Given),
    ("PageInfo", "hasPreviousPage", Given),
    ("PageInfo", "startCursor", Given),
    ("ProfileChangedEvent", "user", Given),
    ("Query", "me", SignedIn),
    ("Query", "node", SignedIn),
    ("Query", "serverInfo", Anyone),
    ("Query", "user", SignedIn),
    ("Query", "users", SignedIn),
    ("RefreshSessionPayload", "expiresAt", Given),
    ("RefreshSessionPayload", "refreshExpiresAt", Given),
    ("RefreshSessionPayload", "refreshToken", Given),
    ("RefreshSessionPayload", "session", Given),
    ("RefreshSessionPayload", "token", Given),
    ("RefreshSessionPayload", "user", Given),
    ("RevokeSessionPayload", "session", Given),
    ("RevokeSessionPayload", "userErrors", Given),
    ("ServerInfo", "emulator", Anyone),
    ("ServerInfo", "time", Anyone),
    ("ServerInfo", "version", Anyone),
    ("Session", "createdAt", Owner),
    ("Session", "deviceName", Owner),
    ("Session", "expiresAt", Owner),
    ("Session", "id", Owner),
    ("Session", "ipPrefix", Owner),
    ("Session", "isCurrent", Owner),
    ("Session", "lastUsedAt", Owner),
    ("Session", "userAgent", Owner),
    ("SessionConnection", "edges", Given),
    ("SessionConnection", "nodes", Given),
    ("SessionConnection", "pageInfo", Given),
    ("SessionConnection", "totalCount", Given),
    ("SessionEdge", "cursor", Given),
    ("SessionEdge", "node", Given),
    ("SessionEndedEvent", "isCurrent", Given),
    ("SessionEndedEvent", "reason", Given),
    ("SessionEndedEvent", "sessionId", Given),
    ("Subscription", "accountEvents", SignedIn),
    ("UpdateProfilePayload", "user", Given),
    ("UpdateProfilePayload", "userErrors", Given),
    ("User", "avatarUrl", SignedIn),
    ("User", "createdAt", Owner),
    ("User", "id", SignedIn),
    ("User", "identities", Owner),
    ("User", "lastLoginAt", Owner),
    ("User", "locale", Owner),
    ("User", "nickname", SignedIn),
    ("User", "phoneNumber", Owner),
    ("User", "role", Owner),
    ("User", "sessions", Owner),
    ("User", "status", Owner),
    ("User", "updatedAt", Owner),
    ("UserError", "code", Given),
    ("UserError", "field", Given),
    ("UserError", "message", Given),
];

/// Alice, whom everybody looks at, and those who look.
struct Cast {
    anonymous: Client,
    alice: LoggedIn,
    bob: LoggedIn,
    admin: LoggedIn,
}

impl Cast {
    async fn of(app: &TestApp) -> Self {
        let (alice, bob, admin) = (app.log_in("alice").await, app.log_in("bob").await, app.log_in("admin").await);
        app.db_set_role(&admin, Role::Admin).await;
        Self { anonymous: app.anonymous(), alice, bob, admin }
    }
}

/// The rows of a type, each with its field.
fn rows<'a>(schema: &'a [Type], name: &str) -> Vec<(&'a Field, Reader)> {
    let fields = &schema.iter().find(|kind| kind.name == name).unwrap().fields;
    let row = |field: &&Field| TABLE.iter().find(|row| (row.0, row.1) == (name, &*field.name)).map(|row| row.2);
    let rows: Vec<_> = fields.iter().filter_map(|field| Some((field, row(&field)?))).collect();
    assert!(!rows.is_empty());
    rows
}

/// A field with the least selection that is one.
fn selected(field: &Field) -> String {
    if field.composite { format!("{} {{ __typename }}", field.name) } else { field.name.clone() }
}

/// A call of a root field with arguments that mean nothing.
fn called(field: &Field) -> String {
    let required: Vec<_> = field.arguments.iter().filter(|it| it.kind.ends_with('!') && it.default.is_none()).collect();
    let arguments: Vec<String> = required.iter().map(|it| format!("{}: {}", it.name, meaningless(&it.kind))).collect();
    let arguments = if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
    selected(field).replacen(&field.name, &format!("{}{arguments}", field.name), 1)
}

fn meaningless(kind: &str) -> &str {
    match kind.trim_matches(['!', '[', ']']) {
        "ID" | "String" => "\"nothing\"",
        "UpdateProfileInput" => "{}",
        other => panic!("write a meaningless value of {other} here"),
    }
}

/// Asks for a field of a user.
async fn ask_user(client: &Client, user: &LoggedIn, field: &Field) -> Answer {
    let query = format!("query($id: ID!) {{ user(id: $id) {{ {} }} }}", selected(field));
    client.graphql(&query, json!({ "id": user.user_id })).await
}

/// Asks for a field of a node.
async fn ask_node(client: &Client, kind: &str, id: &str, field: &Field) -> Answer {
    let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on {kind} {{ {} }} }} }}", selected(field));
    client.graphql(&query, json!({ "id": id })).await
}

/// Asks for a field of a user's sessions or identities by way of the user.
async fn ask_through_user(client: &Client, user: &LoggedIn, list: &str, field: &Field) -> Answer {
    let field = selected(field);
    let path = if list == "sessions" {
        format!("sessions {{ nodes {{ {field} }} }}")
    } else {
        format!("identities {{ {field} }}")
    };
    let query = format!("query($id: ID!) {{ user(id: $id) {{ {path} }} }}");
    client.graphql(&query, json!({ "id": user.user_id })).await
}

/// A type of which only the owner may read anything, asked for by its id and by way of the user.
async fn only_the_owner_reads(app: &TestApp, kind: &str, list: &str, id: &str, cast: &Cast) {
    for (field, reader) in rows(&app.introspect().await, kind) {
        assert_eq!(reader, Owner, "{kind}.{}", field.name);
        assert_eq!(ask_node(&cast.anonymous, kind, id, field).await.refusal(), "MISSING");
        for stranger in [&cast.bob, &cast.admin] {
            assert_eq!(ask_node(&stranger.client, kind, id, field).await.data()["node"], Value::Null);
        }
        let own = ask_node(&cast.alice.client, kind, id, field).await;
        assert!(own.data()["node"].as_object().unwrap().contains_key(&field.name));

        assert_eq!(ask_through_user(&cast.anonymous, &cast.alice, list, field).await.refusal(), "MISSING");
        assert_eq!(ask_through_user(&cast.bob.client, &cast.alice, list, field).await.code(), "FORBIDDEN");
        for allowed in [&cast.alice, &cast.admin] {
            let answer = ask_through_user(&allowed.client, &cast.alice, list, field).await;
            assert!(answer.data().to_string().contains(&format!("\"{}\":", field.name)), "{}", answer.text);
        }
    }
}

on_each_database! {
    async fn every_field_has_a_row_and_every_row_a_field(app: TestApp) {
        let schema = app.introspect().await;
        let objects = schema.iter().filter(|kind| kind.kind == "OBJECT" && !kind.is_built_in());
        let fields: BTreeSet<(&str, &str)> =
            objects.flat_map(|kind| kind.fields.iter().map(|field| (&*kind.name, &*field.name))).collect();
        let rows: BTreeSet<(&str, &str)> = TABLE.iter().map(|row| (row.0, row.1)).collect();
        let (without_row, without_field): (Vec<_>, Vec<_>) = (fields.difference(&rows).collect(), rows.difference(&fields).collect());
        assert!(without_row.is_empty(), "say in the table who may read {without_row:?}");
        assert!(without_field.is_empty(), "the table has rows of fields that are gone: {without_field:?}");
        assert_eq!(rows.len(), TABLE.len(), "a field has two rows");
    }

    async fn the_roots_are_guarded_as_the_table_says(app: TestApp) {
        let schema = app.introspect().await;
        for (root, operation) in [("Query", "query"), ("Mutation", "mutation")] {
            for (field, reader) in rows(&schema, root) {
                let answer = app.anonymous().graphql(&format!("{operation} {{ {} }}", called(field)), json!({})).await;
                let refused = answer.body.pointer("/errors/0/extensions/reason") == Some(&json!("MISSING"));
                assert_eq!(refused, reader == SignedIn, "{root}.{}: {}", field.name, answer.text);
            }
        }
    }

    async fn a_user_is_shown_as_the_table_says(app: TestApp) {
        let cast = Cast::of(&app).await;
        for (field, reader) in rows(&app.introspect().await, "User") {
            assert_eq!(ask_user(&cast.anonymous, &cast.alice, field).await.refusal(), "MISSING");
            for allowed in [&cast.alice, &cast.admin] {
                let answer = ask_user(&allowed.client, &cast.alice, field).await;
                assert!(answer.data()["user"].as_object().unwrap().contains_key(&field.name));
            }
            let answer = ask_user(&cast.bob.client, &cast.alice, field).await;
            match reader {
                SignedIn => assert!(answer.data()["user"].as_object().unwrap().contains_key(&field.name)),
                Owner => {
                    assert_eq!(answer.code(), "FORBIDDEN", "{}", field.name);
                    let shown = answer.body["data"]["user"].get(&field.name);
                    assert!(shown.is_none_or(Value::is_null), "{}", answer.text);
                }
                Anyone | Given => panic!("User.{}: no user is shown to just anybody", field.name),
            }
        }
    }

    async fn an_administrator_is_no_more_than_a_user_once_the_role_is_gone(app: TestApp) {
        let cast = Cast::of(&app).await;
        let private = "query($id: ID!) { user(id: $id) { lastLoginAt } }";
        let arguments = json!({ "id": cast.alice.user_id });
        cast.admin.client.graphql(private, arguments.clone()).await.data();
        app.db_set_role(&cast.admin, Role::User).await;
        assert_eq!(cast.admin.client.graphql(private, arguments).await.code(), "FORBIDDEN");
    }

    async fn a_session_is_shown_as_the_table_says(app: TestApp) {
        let cast = Cast::of(&app).await;
        only_the_owner_reads(&app, "Session", "sessions", &cast.alice.session_id, &cast).await;
    }

    async fn an_identity_is_shown_as_the_table_says(app: TestApp) {
        let cast = Cast::of(&app).await;
        let answer = cast.alice.client.graphql("{ me { identities { id } } }", json!({})).await;
        let id = answer.data()["me"]["identities"][0]["id"].as_str().unwrap();
        only_the_owner_reads(&app, "Identity", "identities", id, &cast).await;
    }
}
