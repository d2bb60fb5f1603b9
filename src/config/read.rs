//! Builds the settings, and refuses what is unsafe or makes no sense: every problem at once, in sentences that hold
//! no secret.

use std::{collections::HashMap, net::SocketAddr, path::Path};

use secrecy::{SecretSlice, SecretString};

use super::{
    Config, Limits, Problems, Rate, Sessions, address, apps, credential,
    file::USUAL,
    manifest,
    reader::Reader,
    source::Environment,
    table::{
        ACCESS_TOKEN_TTL, APP_LOGIN_RATE_LIMIT, CLIENT_TIMEOUT, CORS_ORIGINS, DATABASE_CONNECTIONS, DATABASE_URL,
        GRAPHIQL, LISTEN, LOG, LOG_FORMAT, LOGIN_RATE_LIMIT, MUTATION_ROOTS, QUERY_ALIASES, QUERY_BYTES, QUERY_DEPTH,
        QUERY_DIRECTIVES, QUERY_FIELDS, QUERY_NESTING, QUERY_ROOTS, QUERY_TOKENS, REDIS_URL, REFRESH_RATE_LIMIT,
        REFRESH_TOKEN_TTL, REQUESTS_IN_FLIGHT, SECRET_KEY, SESSION_MAX_AGE, SESSIONS_CACHED, SESSIONS_KEPT,
        SESSIONS_PER_USER, SUBSCRIPTIONS, SUBSCRIPTIONS_PER_USER, Setting, TRUSTED_DOCUMENTS, TRUSTED_PROXIES,
        USER_RATE_LIMIT,
    },
    value,
};

/// Reads the settings from the environment, from the file (`miniaccount.toml` in the working directory, which may be
/// missing, unless one is named) and from the defaults. Warnings come with them.
///
/// # Errors
/// When anything at all is wrong: every problem and every warning.
pub fn read(environment: Environment<'_>, file: Option<&Path>) -> Result<(Config, Vec<String>), Problems> {
    finish(Reader::open(environment, file.unwrap_or(Path::new(USUAL)), file.is_some()))
}

fn finish(mut reader: Reader) -> Result<(Config, Vec<String>), Problems> {
    match config(&mut reader) {
        Some(config) if reader.problems.errors.is_empty() => Ok((config, reader.problems.warnings)),
        _ => Err(reader.problems),
    }
}

/// Reads all values before it gives up on the first that is missing.
fn config(reader: &mut Reader) -> Option<Config> {
    let emulator = apps::is_emulated(reader);
    let listen = listen(reader, emulator);
    let database_url = reader.value(&DATABASE_URL, address::database);
    let database_connections = reader.value(&DATABASE_CONNECTIONS, value::count);
    let wechat = apps::wechat(reader, emulator);
    let secret_keys = secret_keys(reader, emulator);
    let sessions = sessions(reader);
    let graphiql = graphiql(reader, emulator);
    let cors_origins = reader.list(&CORS_ORIGINS, address::origin);
    let proxy_network = if emulator { address::network } else { address::proxy_network };
    let trusted_proxies = reader.list(&TRUSTED_PROXIES, proxy_network);
    let [login_rate, app_login_rate, user_rate, refresh_rate] = rates(reader);
    let redis_url = redis_url(reader);
    let trusted_documents = trusted_documents(reader);
    let limits = limits(reader);
    let requests_in_flight = reader.value(&REQUESTS_IN_FLIGHT, value::count);
    let [subscriptions, subscriptions_per_user] =
        [&SUBSCRIPTIONS, &SUBSCRIPTIONS_PER_USER].map(|setting| reader.value(setting, value::count));
    let client_timeout = reader.value(&CLIENT_TIMEOUT, value::duration);
    let log = reader.value(&LOG, value::log_filter);
    let log_format = reader.value(&LOG_FORMAT, value::log_format);
    Some(Config {
        listen: listen?,
        database_url: database_url?,
        database_connections: database_connections?,
        wechat: wechat?,
        emulator,
        secret_keys,
        sessions: sessions?,
        graphiql: graphiql?,
        cors_origins,
        trusted_proxies,
        login_rate,
        app_login_rate,
        refresh_rate,
        user_rate,
        redis_url,
        trusted_documents,
        limits: limits?,
        requests_in_flight: requests_in_flight?,
        subscriptions: subscriptions?,
        subscriptions_per_user: subscriptions_per_user?,
        client_timeout: client_timeout?,
        log: log?,
        log_format: log_format?,
    })
}

/// The emulator logs in whoever asks, so nobody else may reach it.
fn listen(reader: &mut Reader, emulator: bool) -> Option<SocketAddr> {
    let listen = reader.value(&LISTEN, address::socket)?;
    if emulator && !listen.ip().to_canonical().is_loopback() {
        let why = "without WECHAT_APP_ID or WECHAT_APPS the WeChat emulator logs in whoever asks";
        let label = reader.label(&LISTEN);
        reader
            .problems
            .error(format!("{label}: must be an address of this machine alone, such as 127.0.0.1:8000: {why}"));
    }
    Some(listen)
}

fn secret_keys(reader: &mut Reader, emulator: bool) -> Vec<SecretSlice<u8>> {
    if !emulator && !reader.is_set(&SECRET_KEY) {
        let how = "`openssl rand -base64 32` prints a good one";
        reader.problems.error(format!("SECRET_KEY: is not set, and a real mini program needs it: {how}"));
    }
    reader.list(&SECRET_KEY, credential::key)
}

fn sessions(reader: &mut Reader) -> Option<Sessions> {
    let ttls = [&ACCESS_TOKEN_TTL, &REFRESH_TOKEN_TTL, &SESSION_MAX_AGE];
    let [access_ttl, refresh_ttl, max_age] = ttls.map(|setting| reader.value(setting, value::duration));
    refuse_longer(reader, (&ACCESS_TOKEN_TTL, access_ttl), (&REFRESH_TOKEN_TTL, refresh_ttl));
    refuse_longer(reader, (&REFRESH_TOKEN_TTL, refresh_ttl), (&SESSION_MAX_AGE, max_age));
    let [per_user, cached] = [&SESSIONS_PER_USER, &SESSIONS_CACHED].map(|setting| reader.value(setting, value::count));
    let kept = reader.value(&SESSIONS_KEPT, value::duration);
    Some(Sessions {
        access_ttl: access_ttl?,
        refresh_ttl: refresh_ttl?,
        max_age: max_age?,
        per_user: per_user?,
        cached: cached?,
        kept: kept?,
    })
}

fn refuse_longer<T: PartialOrd>(reader: &mut Reader, inner: (&Setting, Option<T>), outer: (&Setting, Option<T>)) {
    if inner.1.zip(outer.1).is_some_and(|(inner, outer)| inner > outer) {
        let label = reader.label(inner.0);
        reader.problems.error(format!("{label}: must not be longer than {}", outer.0.name));
    }
}

fn limits(reader: &mut Reader) -> Option<Limits> {
    let nesting = reader.value(&QUERY_NESTING, value::nesting);
    let mut count = |setting| reader.value(setting, value::count);
    let [bytes, tokens] = [&QUERY_BYTES, &QUERY_TOKENS].map(&mut count);
    let [fields, depth, aliases] = [&QUERY_FIELDS, &QUERY_DEPTH, &QUERY_ALIASES].map(&mut count);
    let [directives, query_roots, mutation_roots] = [&QUERY_DIRECTIVES, &QUERY_ROOTS, &MUTATION_ROOTS].map(count);
    Some(Limits {
        bytes: bytes?,
        tokens: tokens?,
        nesting: nesting?,
        fields: fields?,
        depth: depth?,
        aliases: aliases?,
        directives: directives?,
        query_roots: query_roots?,
        mutation_roots: mutation_roots?,
    })
}

fn graphiql(reader: &mut Reader, emulator: bool) -> Option<bool> {
    if !reader.is_set(&GRAPHIQL) {
        return Some(emulator);
    }
    let graphiql = reader.value(&GRAPHIQL, value::boolean)?;
    if graphiql && !emulator {
        let label = reader.label(&GRAPHIQL);
        reader
            .problems
            .warn(format!("{label}: the explorer and introspection are open to whoever reaches this server"));
    }
    Some(graphiql)
}

/// Limits of logins by address, logins by mini program, what one user does, and refreshes. A load test turns all but the
/// last off together.
fn rates(reader: &mut Reader) -> [Option<Rate>; 4] {
    let settings = [&LOGIN_RATE_LIMIT, &APP_LOGIN_RATE_LIMIT, &USER_RATE_LIMIT, &REFRESH_RATE_LIMIT];
    let [login, app_login, user, refresh] = settings.map(|setting| reader.value(setting, value::rate).flatten());
    [login, login.and(app_login), login.and(user), refresh]
}

fn redis_url(reader: &mut Reader) -> Option<SecretString> {
    if !reader.is_set(&REDIS_URL) {
        return None;
    }
    reader.value(&REDIS_URL, address::redis)
}

fn trusted_documents(reader: &mut Reader) -> Option<HashMap<String, String>> {
    if !reader.is_set(&TRUSTED_DOCUMENTS) {
        return None;
    }
    reader.value(&TRUSTED_DOCUMENTS, manifest::read)
}

#[cfg(test)]
mod tests;
