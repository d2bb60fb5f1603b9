//! A user's sessions as a Relay connection. A cursor is a session's key, so every page costs the same.

use async_graphql::{Context, Object, SimpleObject};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::{SessionId, UserId, session};
use uuid::Uuid;

use super::{super::super::caller::ContextExt, Session};
use crate::{
    account::{PageRequest, SESSIONS_PER_PAGE, SessionPage},
    error::{ApiError, Code},
};

/// Sessions on a page if the client does not set a number.
const PAGE_SIZE: u64 = 20;

/// First byte of a cursor, which distinguishes later formats.
const VERSION: u8 = 1;

/// The arguments of a connection, as the client sent them.
pub(super) struct PageArguments {
    pub(super) first: Option<i32>,
    pub(super) after: Option<String>,
    pub(super) last: Option<i32>,
    pub(super) before: Option<String>,
}

/// A page of a user's sessions, seen by a caller.
pub(in crate::graphql) struct SessionConnection {
    owner: UserId,
    page: SessionPage,
    window: PageRequest,
    current: SessionId,
}

/// A session and its cursor.
#[derive(SimpleObject)]
struct SessionEdge {
    /// Position in the list.
    cursor: String,
    /// The session.
    node: Session,
}

/// The position of a page in its list.
#[derive(SimpleObject)]
struct PageInfo {
    /// Whether more items follow. Always `false` with `last`.
    has_next_page: bool,
    /// Whether more items precede. Always `false` without `last`.
    has_previous_page: bool,
    /// Cursor of the first item of the page.
    start_cursor: Option<String>,
    /// Cursor of the last item of the page.
    end_cursor: Option<String>,
}

impl PageArguments {
    /// The part of the list that the client asked for.
    pub(super) fn window(self) -> Result<PageRequest, ApiError> {
        if self.first.is_some() && self.last.is_some() {
            return Err(bad_input("`first` and `last` exclude each other."));
        }
        let limit = match self.first.or(self.last) {
            Some(limit) => u64::try_from(limit).ok().filter(|limit| *limit <= SESSIONS_PER_PAGE),
            None => Some(PAGE_SIZE),
        };
        Ok(PageRequest {
            after: self.after.as_deref().map(read_cursor).transpose()?,
            before: self.before.as_deref().map(read_cursor).transpose()?,
            limit: limit.ok_or_else(|| bad_input("`first` and `last` must be between 0 and 100."))?,
            from_end: self.last.is_some(),
        })
    }
}

impl SessionConnection {
    pub(super) fn new(owner: UserId, page: SessionPage, window: PageRequest, current: SessionId) -> Self {
        Self { owner, page, window, current }
    }

    fn session(&self, row: &session::Model) -> Session {
        Session::new(row.clone(), self.current)
    }
}

/// A page of a user's sessions, newest first.
#[Object]
impl SessionConnection {
    /// The sessions of the page with their cursors.
    async fn edges(&self) -> Vec<SessionEdge> {
        let edge = |row: &session::Model| SessionEdge { cursor: cursor(row.id), node: self.session(row) };
        self.page.rows.iter().map(edge).collect()
    }

    /// The sessions of the page.
    async fn nodes(&self) -> Vec<Session> {
        self.page.rows.iter().map(|row| self.session(row)).collect()
    }

    /// The position of the page in the list.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_next_page: !self.window.from_end && self.page.more,
            has_previous_page: self.window.from_end && self.page.more,
            start_cursor: self.page.rows.first().map(|row| cursor(row.id)),
            end_cursor: self.page.rows.last().map(|row| cursor(row.id)),
        }
    }

    /// Number of sessions in the whole list.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<u64, ApiError> {
        ctx.accounts()?.session_count(self.owner).await
    }
}

fn bad_input(detail: &'static str) -> ApiError {
    ApiError::new(Code::BadUserInput).detail(detail)
}

fn cursor(SessionId(key): SessionId) -> String {
    let mut bytes = [VERSION; 17];
    bytes[1..].copy_from_slice(key.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read_cursor(text: &str) -> Result<SessionId, ApiError> {
    let mut bytes = [0; 17];
    let read = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes);
    match (read, bytes) {
        (Ok(17), [VERSION, key @ ..]) => Ok(SessionId(Uuid::from_bytes(key))),
        _ => Err(bad_input("The cursor is invalid.")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cursor_is_read_back(key: u128) {
            let id = SessionId(Uuid::from_u128(key));
            prop_assert_eq!(read_cursor(&cursor(id)).unwrap(), id);
        }

        #[test]
        fn every_cursor_has_one_spelling(text in ".{0,40}") {
            if let Ok(id) = read_cursor(&text) {
                prop_assert_eq!(cursor(id), text);
            }
        }
    }

    #[test]
    fn invalid_page_arguments_are_refused() {
        let page = |first, last| PageArguments { first, after: None, last, before: None }.window();
        assert!(page(Some(1), Some(1)).is_err());
        assert!(page(Some(-1), None).is_err());
        assert!(page(None, Some(101)).is_err());
        assert_eq!(page(None, None).unwrap().limit, PAGE_SIZE);
        assert_eq!(page(Some(0), None).unwrap().limit, 0);
    }
}
