//! Where accounts are kept.

use std::fmt;
use std::path::PathBuf;

use url::Url;

use crate::Secret;

/// Where accounts are kept.
///
/// Shown as something an operator recognises, without user, password or parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// An SQLite file; a relative path starts at the working directory.
    Sqlite(PathBuf),
    /// A `PostgreSQL` server.
    Postgres(ServerUrl),
    /// A `MySQL` or `MariaDB` server.
    MySql(ServerUrl),
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(server) | Self::MySql(server) => server.fmt(f),
        }
    }
}

/// The address of a database on a server, with whatever lets one in.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl {
    whole: Secret,
    shown: String,
}

impl ServerUrl {
    /// All of it, the password included, with the scheme `postgres` or `mysql`.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.whole.expose()
    }
}

impl From<&Url> for ServerUrl {
    fn from(url: &Url) -> Self {
        let (given, rest) = (url.scheme(), url.as_str());
        let rest = rest.strip_prefix(given).unwrap_or(rest);
        let scheme = match given {
            "mariadb" => "mysql",
            "postgresql" => "postgres",
            other => other,
        };
        let host = url.host_str().filter(|host| !host.starts_with('%'));
        let host = host.unwrap_or("(socket)");
        let port = url.port().map_or(String::new(), |port| format!(":{port}"));
        Self {
            whole: Secret::from(format!("{scheme}{rest}")),
            shown: format!("{given}://{host}{port}{}", url.path()),
        }
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}
