//! miniaccount: the account backend for mini programs. This is an overview of its components.
//!
//! A request passes the components from top to bottom; no component uses one above it.
//!
//! ```text
//! main → command → server                  reads the settings, opens the parts, serves, drains
//!                    http      axum           routes, the GraphQL endpoint, WebSockets, REST login, the explorer
//!                    graphql   async-graphql  the schema, the limits of documents, missing checks of the library
//!                    account   governor,redis login, session, profile, identity, lifecycle, events, rate limits
//!                    store     sea-orm        the database, by the same nouns: each method is one unit of work
//!                    wechat    reqwest        the client of WeChat's API
//!                    media     object_store   pictures: scaled, and stored; image
//!                    token     jsonwebtoken   access and refresh tokens, encrypted columns, the keys
//! emulator                                    emulates WeChat on this machine; independent of the rest
//! error, clock, random, panics, log_context,
//! global_id, config, quota, public_url        used by several components
//! ```
//!
//! To follow a login, read `http::login` or `graphql::schema::mutation`, then `account::login`,
//! `account::login::code_exchange`, `wechat::code_session` and `store::login`. `ARCHITECTURE.md` describes each step.

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
