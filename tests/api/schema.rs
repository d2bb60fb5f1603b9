//! The schema that clients rely on: the file equals the code, everything has a description, and the promised lines are
//! exact.

use crate::harness::{DatabaseKind, Field, TestApp, Type, run};

/// What clients rely on. A change of a line here breaks clients.
const PROMISED: &[&str] = &[
    "Query.me: User",
    "Query.user(id: ID!): User",
    "Query.users(ids: [ID!]!): [User]!",
    "Query.node(id: ID!): Node",
    "Query.accountExport: JSON!",
    "Query.serverInfo: ServerInfo!",
    "Mutation.login(appId: String, code: String!, createUser: Boolean! = true, device: DeviceInput, \
     phoneCode: String): LoginPayload!",
    "Mutation.refreshSession(refreshToken: String!): RefreshSessionPayload!",
    "Mutation.logout(scope: LogoutScope! = CURRENT): LogoutPayload!",
    "Mutation.revokeSession(sessionId: ID!): RevokeSessionPayload!",
    "Mutation.bindPhoneNumber(code: String!): BindPhoneNumberPayload!",
    "Mutation.unbindPhoneNumber: UnbindPhoneNumberPayload!",
    "Mutation.decryptWechatData(input: DecryptWechatDataInput!): DecryptWechatDataPayload!",
    "Mutation.updateProfile(input: UpdateProfileInput!): UpdateProfilePayload!",
    "Mutation.linkIdentity(appId: String, code: String!): LinkIdentityPayload!",
    "Mutation.unlinkIdentity(identityId: ID!): UnlinkIdentityPayload!",
    "Mutation.mergeAccounts(ticket: String!): MergeAccountsPayload!",
    "Mutation.deleteAccount(code: String!): DeleteAccountPayload!",
    "Mutation.cancelAccountDeletion: CancelAccountDeletionPayload!",
    "Subscription.accountEvents: AccountEvent!",
    "SessionEndedEvent.sessionId: ID!",
    "SessionEndedEvent.reason: SessionEndReason!",
    "SessionEndedEvent.isCurrent: Boolean!",
    "ProfileChangedEvent.user: User!",
    "User.id: ID!",
    "User.nickname: String",
    "User.avatarUrl: URL",
    "User.createdAt: DateTime!",
    "User.locale: String",
    "User.phoneNumber: String",
    "User.status: UserStatus",
    "User.deletesAt: DateTime",
    "User.role: Role",
    "User.lastLoginAt: DateTime",
    "User.updatedAt: DateTime",
    "User.metadata: JSON",
    "User.identities: [Identity!]",
    "User.sessions(after: String, before: String, first: Int, last: Int): SessionConnection",
    "UpdateProfilePayload.user: User",
    "UpdateProfilePayload.userErrors: [UserError!]!",
    "LinkIdentityPayload.user: User",
    "LinkIdentityPayload.identity: Identity",
    "LinkIdentityPayload.mergeTicket: String",
    "LinkIdentityPayload.userErrors: [UserError!]!",
    "UnlinkIdentityPayload.user: User",
    "UnlinkIdentityPayload.userErrors: [UserError!]!",
    "MergeAccountsPayload.user: User",
    "MergeAccountsPayload.userErrors: [UserError!]!",
    "DeleteAccountPayload.deletesAt: DateTime",
    "DeleteAccountPayload.userErrors: [UserError!]!",
    "CancelAccountDeletionPayload.user: User",
    "CancelAccountDeletionPayload.userErrors: [UserError!]!",
    "LoginPayload.token: String!",
    "LoginPayload.expiresAt: DateTime!",
    "LoginPayload.refreshToken: String!",
    "LoginPayload.refreshExpiresAt: DateTime!",
    "LoginPayload.isNewUser: Boolean!",
    "LoginPayload.user: User!",
    "LoginPayload.session: Session!",
    "LoginPayload.userErrors: [UserError!]!",
    "Session.id: ID!",
    "Session.deviceName: String",
    "Session.userAgent: String",
    "Session.ipPrefix: String",
    "Session.isCurrent: Boolean!",
    "Session.createdAt: DateTime!",
    "Session.lastUsedAt: DateTime!",
    "Session.expiresAt: DateTime!",
];

/// The types that have only the promised fields.
const COMPLETE: [&str; 9] = [
    "Query",
    "Mutation",
    "Subscription",
    "SessionEndedEvent",
    "ProfileChangedEvent",
    "User",
    "UpdateProfilePayload",
    "LoginPayload",
    "Session",
];

/// Data of WeChat that never leave the server, in any spelling.
const SECRETS: [&str; 3] = ["openid", "unionid", "sessionkey"];

/// Runs a test that needs only the schema.
async fn with_schema(check: impl FnOnce(Vec<Type>) + Send + 'static) {
    run(DatabaseKind::Sqlite, &[], async move |app: TestApp| check(app.introspect().await)).await;
}

fn own_types(schema: &[Type]) -> impl Iterator<Item = &Type> {
    schema.iter().filter(|kind| !kind.is_built_in())
}

/// All names in a type, its own first, with their descriptions.
fn described(kind: &Type) -> Vec<(String, Option<String>)> {
    let mut all = vec![(kind.name.clone(), kind.description.clone())];
    for field in kind.fields.iter().chain(&kind.inputs) {
        let name = format!("{}.{}", kind.name, field.name);
        let argument = |it: &Field| (format!("{name}({})", it.name), it.description.clone());
        all.extend(field.arguments.iter().map(argument));
        all.push((name.clone(), field.description.clone()));
    }
    all.extend(kind.values.iter().map(|(name, words)| (format!("{}.{name}", kind.name), words.clone())));
    all
}

/// The fields of a type in the form of the table, with sorted arguments.
fn signatures(kind: &Type) -> Vec<String> {
    let signature = |field: &Field| {
        let mut field = field.clone();
        field.arguments.sort_by(|one, other| one.name.cmp(&other.name));
        format!("{}.{}", kind.name, field.signature())
    };
    kind.fields.iter().map(signature).collect()
}

#[test]
fn schema_file_equals_the_schema_of_the_code() {
    let file = include_str!("../../schema.graphql");
    let same = file == miniaccount::graphql::sdl();
    assert!(same, "schema.graphql is not the schema: renew it by `cargo run -- schema > schema.graphql`");
}

#[test]
fn secrets_of_wechat_are_not_in_the_schema() {
    let sdl = miniaccount::graphql::sdl().to_lowercase().replace(['_', '-'], "");
    for secret in SECRETS {
        assert!(!sdl.contains(secret), "{secret} is in the schema");
    }
}

#[tokio::test]
async fn everything_has_a_description() {
    with_schema(|schema| {
        let all: Vec<_> = own_types(&schema).flat_map(described).collect();
        let undescribed: Vec<_> = all.iter().filter(|(_, words)| words.is_none()).map(|(name, _)| name).collect();
        assert!(undescribed.is_empty(), "add descriptions: {undescribed:?}");
        assert!(all.len() > 100, "{all:?}");
    })
    .await;
}

#[tokio::test]
async fn promised_lines_are_exact() {
    with_schema(|schema| {
        let real: Vec<String> = own_types(&schema).flat_map(signatures).collect();
        for line in PROMISED {
            assert!(real.iter().any(|it| it == line), "missing: {line}");
        }
    })
    .await;
}

#[tokio::test]
async fn complete_types_have_no_other_fields() {
    with_schema(|schema| {
        let complete = own_types(&schema).filter(|kind| COMPLETE.contains(&&*kind.name));
        for line in complete.flat_map(signatures) {
            assert!(PROMISED.contains(&&*line), "add to PROMISED: {line}");
        }
    })
    .await;
}

#[tokio::test]
async fn every_type_with_a_global_id_is_a_node() {
    with_schema(|schema| {
        for kind in own_types(&schema).filter(|kind| kind.kind == "OBJECT") {
            let has_id = kind.fields.iter().any(|field| field.name == "id");
            assert_eq!(has_id, kind.interfaces.contains(&"Node".to_owned()), "{}", kind.name);
        }
    })
    .await;
}

#[tokio::test]
async fn enums_have_the_documented_values() {
    with_schema(|schema| {
        for (name, values) in [
            ("LogoutScope", "ALL CURRENT OTHERS"),
            ("Role", "ADMIN USER"),
            ("SessionEndReason", "DELETED EVICTED LOGGED_OUT MERGED REPLACED REUSED REVOKED SUSPENDED UNLINKED"),
            ("UserStatus", "ACTIVE DELETING SUSPENDED"),
            (
                "UserErrorCode",
                "BLANK CONTENT_REFUSED IDENTITY_TAKEN INVALID INVALID_PHONE_CODE LAST_IDENTITY NOT_ACTIVE NOT_FOUND \
                 PHONE_TAKEN PHONE_UNAVAILABLE TICKET_USED TOO_DEEP TOO_LONG TOO_MANY_KEYS WRONG_PERSON",
            ),
        ] {
            let mut real: Vec<_> =
                own_types(&schema).filter(|it| it.name == name).flat_map(|it| &it.values).map(|it| &*it.0).collect();
            real.sort_unstable();
            assert_eq!(real.join(" "), values, "{name}");
        }
    })
    .await;
}
