//! Who may read which field: the table has a row for every field of every object of the schema. A test fails for a
//! field without a row, a row without a field, and a row that is wrong.

use std::collections::BTreeSet;

use entity::user::Role;
use serde_json::{Value, json};

use crate::harness::{ApiResponse, Client, Field, TestApp, TestUser, Type};

/// Who may read a field, or call a root field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// Every caller, with or without a token.
    Anyone,
    /// Every caller with a valid session.
    SignedIn,
    /// The user whose data it is, and administrators.
    Owner,
    /// Every caller who received the object: the field or mutation that returns it is the guard.
    Given,
}

use Reader::{Anyone, Given, Owner, SignedIn};

/// The table.
const TABLE: &[(&str, &str, Reader)] = &[
    ("BindPhoneNumberPayload", "user", Given),
    ("BindPhoneNumberPayload", "userErrors", Given),
    ("CancelAccountDeletionPayload", "user", Given),
    ("CancelAccountDeletionPayload", "userErrors", Given),
    ("DecryptWechatDataPayload", "data", Given),
    ("DecryptWechatDataPayload", "userErrors", Given),
    ("DeleteAccountPayload", "deletesAt", Given),
    ("DeleteAccountPayload", "userErrors", Given),
    ("Identity", "appId", Owner),
    ("Identity", "createdAt", Owner),
    ("Identity", "id", Owner),
    ("LinkIdentityPayload", "identity", Given),
    ("LinkIdentityPayload", "mergeTicket", Given),
    ("LinkIdentityPayload", "user", Given),
    ("LinkIdentityPayload", "userErrors", Given),
    ("LoginPayload", "expiresAt", Given),
    ("LoginPayload", "isNewUser", Given),
    ("LoginPayload", "refreshExpiresAt", Given),
    ("LoginPayload", "refreshToken", Given),
    ("LoginPayload", "session", Given),
    ("LoginPayload", "token", Given),
    ("LoginPayload", "user", Given),
    ("LoginPayload", "userErrors", Given),
    ("LogoutPayload", "endedSessions", Given),
    ("MergeAccountsPayload", "user", Given),
    ("MergeAccountsPayload", "userErrors", Given),
    ("Mutation", "bindPhoneNumber", SignedIn),
    ("Mutation", "cancelAccountDeletion", SignedIn),
    ("Mutation", "decryptWechatData", SignedIn),
    ("Mutation", "deleteAccount", SignedIn),
    ("Mutation", "linkIdentity", SignedIn),
    ("Mutation", "login", Anyone),
    ("Mutation", "logout", SignedIn),
    ("Mutation", "mergeAccounts", SignedIn),
    ("Mutation", "refreshSession", Anyone),
    ("Mutation", "revokeSession", SignedIn),
    ("Mutation", "unbindPhoneNumber", SignedIn),
    ("Mutation", "unlinkIdentity", SignedIn),
    ("Mutation", "updateProfile", SignedIn),
    ("PageInfo", "endCursor", Given),
    ("PageInfo", "hasNextPage", Given),
    ("PageInfo", "hasPreviousPage", Given),
    ("PageInfo", "startCursor", Given),
    ("ProfileChangedEvent", "user", Given),
    ("Query", "accountExport", SignedIn),
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
    ("UnbindPhoneNumberPayload", "user", Given),
    ("UnbindPhoneNumberPayload", "userErrors", Given),
    ("UnlinkIdentityPayload", "user", Given),
    ("UnlinkIdentityPayload", "userErrors", Given),
    ("UpdateProfilePayload", "user", Given),
    ("UpdateProfilePayload", "userErrors", Given),
    ("User", "avatarUrl", SignedIn),
    ("User", "createdAt", Owner),
    ("User", "deletesAt", Owner),
    ("User", "id", SignedIn),
    ("User", "identities", Owner),
    ("User", "lastLoginAt", Owner),
    ("User", "locale", Owner),
    ("User", "metadata", Owner),
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

/// Alice, whose data is read, and the callers who read it.
struct Callers {
    anonymous: Client,
    alice: TestUser,
    bob: TestUser,
    admin: TestUser,
}

impl Callers {
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

/// A field with a minimal selection.
fn selected(field: &Field) -> String {
    if field.composite { format!("{} {{ __typename }}", field.name) } else { field.name.clone() }
}

/// A call of a root field with placeholder arguments.
fn called(field: &Field) -> String {
    let required: Vec<_> = field.arguments.iter().filter(|it| it.kind.ends_with('!') && it.default.is_none()).collect();
    let arguments: Vec<String> = required.iter().map(|it| format!("{}: {}", it.name, placeholder(&it.kind))).collect();
    let arguments = if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
    selected(field).replacen(&field.name, &format!("{}{arguments}", field.name), 1)
}

fn placeholder(kind: &str) -> &str {
    match kind.trim_matches(['!', '[', ']']) {
        "ID" | "String" => "\"nothing\"",
        "UpdateProfileInput" | "DecryptWechatDataInput" => "{}",
        other => panic!("write a placeholder of {other} here"),
    }
}

/// Queries a field of a user.
async fn query_user(client: &Client, user: &TestUser, field: &Field) -> ApiResponse {
    let query = format!("query($id: ID!) {{ user(id: $id) {{ {} }} }}", selected(field));
    client.graphql(&query, json!({ "id": user.user_id })).await
}

/// Queries a field of a node.
async fn query_node(client: &Client, kind: &str, id: &str, field: &Field) -> ApiResponse {
    let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on {kind} {{ {} }} }} }}", selected(field));
    client.graphql(&query, json!({ "id": id })).await
}

/// Queries a field of a user's sessions or identities through the user.
async fn query_through_user(client: &Client, user: &TestUser, list: &str, field: &Field) -> ApiResponse {
    let field = selected(field);
    let path = if list == "sessions" {
        format!("sessions {{ nodes {{ {field} }} }}")
    } else {
        format!("identities {{ {field} }}")
    };
    let query = format!("query($id: ID!) {{ user(id: $id) {{ {path} }} }}");
    client.graphql(&query, json!({ "id": user.user_id })).await
}

/// Asserts that only the owner may read an object, by its id and through the user.
async fn assert_only_the_owner_reads(app: &TestApp, kind: &str, list: &str, id: &str, callers: &Callers) {
    for (field, reader) in rows(&app.introspect().await, kind) {
        assert_eq!(reader, Owner, "{kind}.{}", field.name);
        assert_eq!(query_node(&callers.anonymous, kind, id, field).await.refusal(), "MISSING");
        for stranger in [&callers.bob, &callers.admin] {
            assert_eq!(query_node(&stranger.client, kind, id, field).await.data()["node"], Value::Null);
        }
        let own = query_node(&callers.alice.client, kind, id, field).await;
        assert!(own.data()["node"].as_object().unwrap().contains_key(&field.name));

        assert_eq!(query_through_user(&callers.anonymous, &callers.alice, list, field).await.refusal(), "MISSING");
        assert_eq!(query_through_user(&callers.bob.client, &callers.alice, list, field).await.code(), "FORBIDDEN");
        for allowed in [&callers.alice, &callers.admin] {
            let answer = query_through_user(&allowed.client, &callers.alice, list, field).await;
            assert!(answer.data().to_string().contains(&format!("\"{}\":", field.name)), "{}", answer.text);
        }
    }
}

on_each_database! {
    async fn every_field_has_a_row_and_every_row_has_a_field(app: TestApp) {
        let schema = app.introspect().await;
        let objects = schema.iter().filter(|kind| kind.kind == "OBJECT" && !kind.is_built_in());
        let fields: BTreeSet<(&str, &str)> =
            objects.flat_map(|kind| kind.fields.iter().map(|field| (&*kind.name, &*field.name))).collect();
        let rows: BTreeSet<(&str, &str)> = TABLE.iter().map(|row| (row.0, row.1)).collect();
        let (without_row, without_field): (Vec<_>, Vec<_>) =
            (fields.difference(&rows).collect(), rows.difference(&fields).collect());
        assert!(without_row.is_empty(), "add rows to the table: {without_row:?}");
        assert!(without_field.is_empty(), "remove rows from the table: {without_field:?}");
        assert_eq!(rows.len(), TABLE.len(), "a field has two rows");
    }

    async fn root_fields_are_guarded_as_the_table_says(app: TestApp) {
        let schema = app.introspect().await;
        for (root, operation) in [("Query", "query"), ("Mutation", "mutation")] {
            for (field, reader) in rows(&schema, root) {
                let answer = app.anonymous().graphql(&format!("{operation} {{ {} }}", called(field)), json!({})).await;
                let refused = answer.body.pointer("/errors/0/extensions/reason") == Some(&json!("MISSING"));
                assert_eq!(refused, reader == SignedIn, "{root}.{}: {}", field.name, answer.text);
            }
        }
    }

    async fn user_is_visible_as_the_table_says(app: TestApp) {
        let callers = Callers::of(&app).await;
        for (field, reader) in rows(&app.introspect().await, "User") {
            assert_eq!(query_user(&callers.anonymous, &callers.alice, field).await.refusal(), "MISSING");
            for allowed in [&callers.alice, &callers.admin] {
                let answer = query_user(&allowed.client, &callers.alice, field).await;
                assert!(answer.data()["user"].as_object().unwrap().contains_key(&field.name));
            }
            let answer = query_user(&callers.bob.client, &callers.alice, field).await;
            match reader {
                SignedIn => assert!(answer.data()["user"].as_object().unwrap().contains_key(&field.name)),
                Owner => {
                    assert_eq!(answer.code(), "FORBIDDEN", "{}", field.name);
                    let value = answer.body["data"]["user"].get(&field.name);
                    assert!(value.is_none_or(Value::is_null), "{}", answer.text);
                }
                Anyone | Given => panic!("User.{}: only signed-in callers may read a user", field.name),
            }
        }
    }

    async fn administrator_without_the_role_is_an_ordinary_user(app: TestApp) {
        let callers = Callers::of(&app).await;
        let private = "query($id: ID!) { user(id: $id) { lastLoginAt } }";
        let arguments = json!({ "id": callers.alice.user_id });
        callers.admin.client.graphql(private, arguments.clone()).await.data();
        app.db_set_role(&callers.admin, Role::User).await;
        assert_eq!(callers.admin.client.graphql(private, arguments).await.code(), "FORBIDDEN");
    }

    async fn session_is_visible_as_the_table_says(app: TestApp) {
        let callers = Callers::of(&app).await;
        assert_only_the_owner_reads(&app, "Session", "sessions", &callers.alice.session_id, &callers).await;
    }

    async fn identity_is_visible_as_the_table_says(app: TestApp) {
        let callers = Callers::of(&app).await;
        let answer = callers.alice.client.graphql("{ me { identities { id } } }", json!({})).await;
        let id = answer.data()["me"]["identities"][0]["id"].as_str().unwrap();
        assert_only_the_owner_reads(&app, "Identity", "identities", id, &callers).await;
    }
}
