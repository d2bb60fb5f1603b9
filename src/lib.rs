//! miniaccount: the account backend for mini programs. This is the map of the house.
//!
//! A request comes in at the top and goes down; nothing below knows what is above it.
//!
//! ```text
//! main → command → server                  reads the settings, opens what is needed, serves, drains
//!                    http      axum           routes, the GraphQL endpoint, WebSockets, REST login, the explorer
//!                    graphql   async-graphql  the schema, what a document may cost, what the library misses
//!                    account   governor,redis login, session, profile, identity, lifecycle, events, rate limits
//!                    store     sea-orm        the database, by the same nouns: one method, one unit of work
//!                    wechat    reqwest        the client of WeChat's API
//!                    media     object_store   pictures: made small, and stored; image
//!                    token     jsonwebtoken   access and refresh tokens, sealed columns, the keys
//! emulator                                    plays WeChat on this machine; knows nothing of the rest
//! error, clock, random, panics, log_context,
//! global_id, config, quota, public_url        what every room may use
//! ```
//!
//! To follow a login, read `http::login` or `graphql::schema::mutation`, then `account::login`,
//! `account::login::code_exchange`, `wechat::code_session` and `store::login`. `ARCHITECTURE.md` tells the stories.

pub mod account;
pub mod cli;
pub mod clock;
pub mod command;
pub mod config;
pub mod emulator;
pub mod error;
pub mod global_id;
pub mod graphql;
pub mod http;
pub mod log_context;
pub mod media;
pub mod panics;
pub mod public_url;
pub mod quota;
pub mod random;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod token;
pub mod wechat;
