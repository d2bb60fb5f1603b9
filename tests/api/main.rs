//! The tests of the whole: one binary, the real server, real databases, real HTTP to a WeChat whose answers each test
//! writes. Every test that touches the database runs on SQLite, and on PostgreSQL and MySQL where `TEST_POSTGRES_URL`
//! and `TEST_MYSQL_URL` name a server; each makes a database of its own and drops it. Those about nodes that count
//! together want a Redis, `TEST_REDIS_URL`; there each has clients of its own.

#![cfg(test)]

#[macro_use]
mod harness;

mod access_token;
mod avatar;
mod cloud_hosting;
mod content;
mod deletion;
mod direct_query;
mod endpoint;
mod exchange;
mod export;
mod feed;
mod house;
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
