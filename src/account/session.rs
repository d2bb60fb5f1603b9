//! Sessions: issued by a login, authenticated by an access token, refreshed, listed, ended.

mod authenticate;
mod cache;
mod feed;
mod invalidate;
mod last_used;
mod list;
mod logout;
mod refresh;
mod tokens;

pub use authenticate::{SignedIn, Viewer, viewer};
pub use list::{SESSIONS_PER_PAGE, SessionPage};
pub use logout::LogoutScope;
pub use tokens::{IssuedSession, Tokens};

pub(super) use authenticate::refuse_ended;
pub(super) use cache::SessionCache;
pub(super) use last_used::LastUsedBuffer;
