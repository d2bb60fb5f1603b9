//! Tests of the whole server through its API, on real databases, with a fake WeChat on a real port. Tests that depend
//! on the database run on SQLite, and on PostgreSQL and MySQL if `TEST_POSTGRES_URL` and `TEST_MYSQL_URL` name a
//! server. Each creates its own database and drops it. Tests of shared rate limits need the Redis of `TEST_REDIS_URL`,
//! and use their own client addresses.

#![cfg(test)]

#[macro_use]
mod harness;

mod access_token;
mod architecture;
mod avatar;
mod cloud_hosting;
mod content;
mod deletion;
mod direct_query;
mod endpoint;
mod exchange;
mod export;
mod feed;
mod identities;
mod limits;
mod log;
mod login;
mod login_rules;
mod logout;
mod me;
mod merge;
mod metadata;
mod migration;
mod nodes;
mod phone;
mod phone_login;
mod profile;
mod push;
mod readme;
mod refresh;
mod reseal;
mod resources;
mod revoke;
mod rotation;
mod schema;
mod secrets;
mod server;
mod session_key;
mod sessions;
mod subscriptions;
mod suspend;
mod transport;
mod trusted;
mod unionid;
mod upstream;
mod users;
mod visibility;
mod wechat_data;
