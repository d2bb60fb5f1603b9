//! All rows of all tables that a login writes.

use std::{collections::BTreeMap, fmt::Debug};

use entity::{code_exchange, feed, feed_head, identity, session, union_conflict, union_link, user};
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, sea_query::Expr};

/// The rows, each table ordered by its key.
pub(super) struct Tables {
    users: Vec<user::Model>,
    identities: Vec<identity::Model>,
    union_links: Vec<union_link::Model>,
    union_conflicts: Vec<union_conflict::Model>,
    sessions: Vec<session::Model>,
    code_exchanges: Vec<code_exchange::Model>,
    feed_heads: Vec<feed_head::Model>,
    feed: Vec<feed::Model>,
}

impl Tables {
    pub(super) async fn read(db: &DatabaseConnection) -> Self {
        let mut tables = Self {
            users: user::Entity::find().order_by_asc(user::Column::Id).all(db).await.unwrap(),
            identities: identity::Entity::find().order_by_asc(identity::Column::Id).all(db).await.unwrap(),
            union_links: union_link::Entity::find().order_by_asc(union_link::Column::Unionid).all(db).await.unwrap(),
            union_conflicts: {
                let conflicts = union_conflict::Entity::find();
                conflicts.order_by_asc(union_conflict::Column::IdentityId).all(db).await.unwrap()
            },
            sessions: session::Entity::find().order_by_asc(session::Column::Id).all(db).await.unwrap(),
            code_exchanges: {
                code_exchange::Entity::find().order_by_asc(code_exchange::Column::CodeHash).all(db).await.unwrap()
            },
            feed_heads: feed_head::Entity::find().order_by_asc(feed_head::Column::Lane).all(db).await.unwrap(),
            feed: feed::Entity::find().order_by_asc(feed::Column::Position).all(db).await.unwrap(),
        };
        tables.normalise_feed();
        tables
    }

    /// Positions have no gaps, and the events of one user are in order. The order of the users of one batch is
    /// undefined, so the rows are sorted by user.
    fn normalise_feed(&mut self) {
        let mut lanes: BTreeMap<i32, i64> = BTreeMap::new();
        for row in &mut self.feed {
            let position = lanes.entry(row.lane).or_default();
            *position += 1;
            assert_eq!(row.position, *position, "a gap in lane {}", row.lane);
            row.position = 0;
        }
        for head in &self.feed_heads {
            assert_eq!(head.position, lanes.get(&head.lane).copied().unwrap_or_default(), "head of lane {}", head.lane);
        }
        self.feed.sort_by_key(|row| (row.lane, row.user_id));
    }

    #[track_caller]
    pub(super) fn assert_same(&self, expected: &Self, what: &str) {
        same("users", &self.users, &expected.users, what);
        same("identities", &self.identities, &expected.identities, what);
        same("union_links", &self.union_links, &expected.union_links, what);
        same("union_conflicts", &self.union_conflicts, &expected.union_conflicts, what);
        same("sessions", &self.sessions, &expected.sessions, what);
        same("code_exchanges", &self.code_exchanges, &expected.code_exchanges, what);
        same("feed_heads", &self.feed_heads, &expected.feed_heads, what);
        same("feed", &self.feed, &expected.feed, what);
    }

    /// Deletes the rows, as after the migration.
    pub(super) async fn clear(db: &DatabaseConnection) {
        session::Entity::delete_many().exec(db).await.unwrap();
        union_conflict::Entity::delete_many().exec(db).await.unwrap();
        union_link::Entity::delete_many().exec(db).await.unwrap();
        identity::Entity::delete_many().exec(db).await.unwrap();
        user::Entity::delete_many().exec(db).await.unwrap();
        code_exchange::Entity::delete_many().exec(db).await.unwrap();
        feed::Entity::delete_many().exec(db).await.unwrap();
        let back = feed_head::Entity::update_many().col_expr(feed_head::Column::Position, Expr::value(0_i64));
        back.filter(feed_head::Column::Position.ne(0)).exec(db).await.unwrap();
    }
}

#[track_caller]
fn same<T: PartialEq + Debug>(table: &str, rows: &[T], expected: &[T], what: &str) {
    let only = |these: &[T], those: &[T]| {
        let missing = these.iter().filter(|row| !those.contains(row));
        missing.map(|row| format!("{row:#?}")).collect::<Vec<_>>().join("\n")
    };
    let (here, there) = (only(rows, expected), only(expected, rows));
    assert!(
        rows == expected,
        "{table}\nonly by the first method: {here}\nonly by the second method: {there}\nin {what}"
    );
}
