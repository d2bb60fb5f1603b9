//! The rows of the database: one file for each table, with its typed key and the queries that several modules share.
//! Rows are the domain records; nothing here depends on GraphQL or HTTP.
//!
//! The `migration` crate creates the tables. A test compares entities and tables on every database.

pub mod access_token;
pub mod code_exchange;
pub mod content_flag;
pub mod feed;
pub mod feed_head;
pub mod id;
pub mod identity;
pub mod media_check;
pub mod media_file;
pub mod merge_ticket;
pub mod merged_user;
pub mod push_event;
pub mod secret;
pub mod session;
pub mod timestamp;
pub mod union_conflict;
pub mod union_link;
pub mod user;
pub mod user_metadata;

pub use id::{IdentityId, SessionId, UserId};
pub use secret::{CodeHash, EventHash, Metadata, OpenId, PhoneIndex, Sealed, TicketHash, UnionId};
pub use timestamp::Timestamp;
