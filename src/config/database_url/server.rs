//! The address of a database server: `postgres://user:password@host:5432/database?sslmode=require`.

mod startup;

use std::{fmt, net::Ipv6Addr, path::PathBuf};

use secrecy::SecretString;

use super::{DatabaseUrlError, decode, parameters::Parameters};
use crate::config::problems::InvalidValue;

/// A database on a server.
#[derive(Clone, Debug)]
pub struct DatabaseServer {
    /// Its host.
    pub host: Host,
    /// Its port; `None` is the default of the database.
    pub port: Option<u16>,
    /// The user; `None` leaves it to the driver.
    pub user: Option<String>,
    /// The password.
    pub password: Option<SecretString>,
    /// The name of the database.
    pub database: String,
    /// How the connection is encrypted.
    pub tls: Tls,
    /// The name of this client in the server's list of connections. `application_name`, `PostgreSQL` only
    pub application_name: Option<String>,
    /// Settings of each connection. `options`, `PostgreSQL` only
    pub startup_options: Vec<(String, String)>,
}

/// The host of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A name or an address.
    Name(String),
    /// The folder of a Unix socket (`PostgreSQL`), or the socket itself (`MySQL`).
    Socket(PathBuf),
}

/// How a connection is encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Whether it is encrypted; `None` leaves it to the driver. `sslmode`, `ssl-mode`
    pub mode: Option<TlsMode>,
    /// File with the trusted certificates. `sslrootcert`, `ssl-ca`
    pub root_certificate: Option<String>,
    /// File with the client's certificate. `sslcert`, `ssl-cert`
    pub client_certificate: Option<String>,
    /// File with its key. `sslkey`, `ssl-key`
    pub client_key: Option<String>,
}

/// Whether a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// Never.
    Disable,
    /// Only if the server requires it. `PostgreSQL` only
    Allow,
    /// If the server supports it.
    Prefer,
    /// Always, without a check of the certificate.
    Require,
    /// Always, with a trusted certificate.
    VerifyCa,
    /// Always, with a trusted certificate of the host.
    VerifyFull,
}

/// The database that defines the parameters of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Postgres,
    MySql,
}

const AMBIGUOUS: InvalidValue = "cannot be split into its parts: within user, password and database write / ? # @ : and \
    % as %XX, such as %40 for @";
const FORM: InvalidValue = "must be of the form postgres://user:password@host:port/database (or mysql://…)";
const NO_HOST: InvalidValue = "must name a host: postgres://user:password@host/database (or mysql://…)";
const NO_DATABASE: InvalidValue = "must name a database: postgres://user:password@host/database (or mysql://…)";
const BAD_HOST: InvalidValue = "must name a host by letters, digits, dots and hyphens, or an IPv6 address in brackets, \
    and its port by a number";

impl DatabaseServer {
    /// Parses the part after the scheme.
    pub(super) fn parse(rest: &str, dialect: Dialect) -> Result<Self, DatabaseUrlError> {
        let rest = rest.strip_prefix("//").ok_or(FORM)?;
        let parts = Parts::split(rest)?;
        let (user, password) = credentials(parts.credentials)?;
        let (host, port) = host(parts.host, dialect)?;
        let database = decode(parts.database)?;
        let mut parameters = Parameters::parse(parts.parameters)?;
        let server = Self {
            host: socket(&mut parameters, dialect)?.unwrap_or(host),
            port,
            user,
            password,
            database,
            tls: Tls::take(&mut parameters, dialect)?,
            application_name: postgres_only(dialect, || parameters.take(&["application_name"])),
            startup_options: startup_options(&mut parameters, dialect)?,
        };
        parameters.finish(dialect.parameters())?;
        Ok(server)
    }
}

/// The parts of an address, not decoded yet.
struct Parts<'a> {
    credentials: Option<&'a str>,
    host: &'a str,
    database: &'a str,
    parameters: Option<&'a str>,
}

impl<'a> Parts<'a> {
    /// Splits an address, or refuses an ambiguous one: a delimiter in a password that is not written as `%XX` would
    /// end the password early, and the rest of it would be sent to another host.
    fn split(text: &'a str) -> Result<Self, InvalidValue> {
        let (address, parameters) = text.split_once('?').map_or((text, None), |(address, rest)| (address, Some(rest)));
        let (authority, database) =
            address.split_once('/').map_or((address, None), |(authority, rest)| (authority, Some(rest)));
        let (credentials, host) =
            authority.rsplit_once('@').map_or((None, authority), |(credentials, host)| (Some(credentials), host));
        let has_delimiter = |text: &str| text.contains(['@', '#']) || text.contains(char::is_whitespace);
        let rest = [database, parameters].into_iter().flatten();
        if rest.chain(credentials).chain([host]).any(has_delimiter)
            || database.is_some_and(|database| database.contains('/'))
            || parameters.is_some_and(|parameters| parameters.contains('?'))
            || credentials.is_some_and(|credentials| credentials.matches(':').count() > 1)
        {
            return Err(AMBIGUOUS);
        }
        let database = database.filter(|database| !database.is_empty()).ok_or(NO_DATABASE)?;
        Ok(Self { credentials, host, database, parameters })
    }
}

fn credentials(text: Option<&str>) -> Result<(Option<String>, Option<SecretString>), InvalidValue> {
    let Some(text) = text else { return Ok((None, None)) };
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    let (user, password) = (decode(user)?, decode(password)?);
    if user.is_empty() {
        return Err("must name a user before the @");
    }
    Ok((Some(user), Some(password).filter(|password| !password.is_empty()).map(Into::into)))
}

fn host(text: &str, dialect: Dialect) -> Result<(Host, Option<u16>), InvalidValue> {
    if text.is_empty() {
        return Err(NO_HOST);
    }
    let (name, port) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((address, "")) => (ip_v6(address)?, None),
        Some((address, port)) => (ip_v6(address)?, Some(port.strip_prefix(':').ok_or(BAD_HOST)?)),
        None => match text.split_once(':') {
            Some((name, port)) => (named(name, dialect)?, Some(port)),
            None => (named(text, dialect)?, None),
        },
    };
    Ok((name, port.map(port_number).transpose()?))
}

fn ip_v6(text: &str) -> Result<Host, InvalidValue> {
    let address: Ipv6Addr = text.parse().map_err(|_| BAD_HOST)?;
    Ok(Host::Name(address.to_string()))
}

fn named(text: &str, dialect: Dialect) -> Result<Host, InvalidValue> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return Ok(Host::Name(text.to_owned()));
    }
    let folder = decode(text)?;
    let is_folder = dialect == Dialect::Postgres && folder.starts_with('/');
    if is_folder { Ok(Host::Socket(folder.into())) } else { Err(BAD_HOST) }
}

fn port_number(text: &str) -> Result<u16, InvalidValue> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| is_number && *port > 0).ok_or(BAD_HOST)
}

/// `MySQL` names a socket by a parameter, `PostgreSQL` in the place of the host.
fn socket(parameters: &mut Parameters, dialect: Dialect) -> Result<Option<Host>, DatabaseUrlError> {
    if dialect != Dialect::MySql {
        return Ok(None);
    }
    // the one character set that stores every character; the driver uses it anyway
    if parameters.take(&["charset"]).is_some_and(|charset| charset != "utf8mb4") {
        return Err(DatabaseUrlError::BadParameter("charset", "must be utf8mb4"));
    }
    Ok(parameters.take(&["socket"]).map(|path| Host::Socket(path.into())))
}

fn postgres_only<T>(dialect: Dialect, take: impl FnOnce() -> Option<T>) -> Option<T> {
    if dialect == Dialect::Postgres { take() } else { None }
}

fn startup_options(parameters: &mut Parameters, dialect: Dialect) -> Result<Vec<(String, String)>, DatabaseUrlError> {
    if dialect != Dialect::Postgres {
        return Ok(Vec::new());
    }
    let text = parameters.take(&["options"]).unwrap_or_default();
    let mut options = startup::parse(&text)
        .ok_or(DatabaseUrlError::BadParameter("options", "must be of the form -c name=value -c name=value"))?;
    options.extend(parameters.take_all("options"));
    Ok(options)
}

impl Tls {
    fn take(parameters: &mut Parameters, dialect: Dialect) -> Result<Self, DatabaseUrlError> {
        let mode = parameters.take(&["sslmode", "ssl-mode"]).map(|mode| TlsMode::parse(&mode, dialect)).transpose()?;
        Ok(Self {
            mode,
            root_certificate: parameters.take(&["sslrootcert", "ssl-root-cert", "sslca", "ssl-ca"]),
            client_certificate: parameters.take(&["sslcert", "ssl-cert"]),
            client_key: parameters.take(&["sslkey", "ssl-key"]),
        })
    }
}

impl TlsMode {
    fn parse(text: &str, dialect: Dialect) -> Result<Self, DatabaseUrlError> {
        let text = text.to_ascii_lowercase().replace('_', "-");
        match (text.as_str(), dialect) {
            ("disable", Dialect::Postgres) | ("disabled", Dialect::MySql) => Ok(Self::Disable),
            ("allow", Dialect::Postgres) => Ok(Self::Allow),
            ("prefer", Dialect::Postgres) | ("preferred", Dialect::MySql) => Ok(Self::Prefer),
            ("require", Dialect::Postgres) | ("required", Dialect::MySql) => Ok(Self::Require),
            ("verify-ca", _) => Ok(Self::VerifyCa),
            ("verify-full", Dialect::Postgres) | ("verify-identity", Dialect::MySql) => Ok(Self::VerifyFull),
            (_, Dialect::Postgres) => {
                let known = "must be disable, allow, prefer, require, verify-ca or verify-full";
                Err(DatabaseUrlError::BadParameter("sslmode", known))
            }
            (_, Dialect::MySql) => {
                let known = "must be DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY";
                Err(DatabaseUrlError::BadParameter("ssl-mode", known))
            }
        }
    }
}

impl Dialect {
    /// The names of the parameters, for a sentence.
    fn parameters(self) -> &'static str {
        match self {
            Self::Postgres => "sslmode, sslrootcert, sslcert, sslkey, application_name, options",
            Self::MySql => "ssl-mode, ssl-ca, ssl-cert, ssl-key, socket, charset",
        }
    }
}

impl fmt::Display for DatabaseServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Name(name) if name.contains(':') => write!(f, "[{name}]")?,
            Host::Name(name) => f.write_str(name)?,
            Host::Socket(path) => path.display().fmt(f)?,
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "/{}", self.database)
    }
}
