//! miniaccount: the account backend for mini programs. This is the map of the house.
//!
//! A request comes in at the top and goes down; nothing below knows what is above it.
//!
//! ```text
//! main → command → server                  reads the settings, opens what is needed, serves, drains
//!                    http      axum           routes, the GraphQL endpoint, WebSockets, REST login, the explorer
//!                    graphql   async-graphql  the schema: queries, mutations, subscriptions, objects, guards
//!                    account   governor,redis the story: login, authenticate, refresh, profiles, events, limits
//!                    store     sea-orm        the database: one method, one statement or transaction
//!                    wechat    reqwest        the client of WeChat's API
//!                    token     jsonwebtoken   access and refresh tokens, sealed columns, the keys
//! emulator                                    plays WeChat on this machine; knows nothing of the rest
//! error, clock, random, panics,
//! global_id, config                           the ground floor: everybody may stand on it
//! ```
//!
//! To follow a login, read `http::login` or `graphql::mutation`, then `account::login`, `account::exchange`,
//! `wechat` and `store::login`.

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
pub mod panics;
pub mod random;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod token;
pub mod wechat;
