//! Where accounts are kept. Messages here never quote a value: it may carry a password.

use std::path::{Path, PathBuf};

use url::Url;

use super::stores::secret;
use crate::DatabaseUrl;
use crate::database::ServerUrl;
use crate::problem::{Fault, Findings};
use crate::raw;

const A_FILE: &str = "for example \"sqlite:data/doorward.db\"";

/// What is particular to the address of one kind of server.
struct Dialect {
    example: &'static str,
    /// The parameter that says how the connection is protected, and what it may be.
    tls: (&'static str, &'static [&'static str]),
    /// Parameters that name a file.
    files: &'static [&'static str],
    /// The parameter that names a Unix socket or its folder.
    socket: &'static str,
    /// Other parameters.
    others: &'static [&'static str],
}

const POSTGRES: Dialect = Dialect {
    example: "postgres://, then USER:PASSWORD@db.example.com:5432/NAME",
    tls: (
        "sslmode",
        &[
            "disable",
            "allow",
            "prefer",
            "require",
            "verify-ca",
            "verify-full",
        ],
    ),
    files: &["sslrootcert", "sslcert", "sslkey"],
    socket: "host",
    others: &["application_name"],
};

const MYSQL: Dialect = Dialect {
    example: "mysql://, then USER:PASSWORD@db.example.com:3306/NAME",
    tls: (
        "ssl-mode",
        &[
            "DISABLED",
            "PREFERRED",
            "REQUIRED",
            "VERIFY_CA",
            "VERIFY_IDENTITY",
        ],
    ),
    files: &["ssl-ca", "ssl-cert", "ssl-key"],
    socket: "socket",
    others: &[],
};

pub(super) fn check(
    database: &raw::Database,
    default: DatabaseUrl,
    findings: &mut Findings<'_>,
) -> DatabaseUrl {
    let given = secret(
        ("url", database.url.as_ref()),
        ("url_file", database.url_file.as_ref()),
        findings,
    );
    let Some((url, span)) = given else {
        return default;
    };
    parse(url.expose()).unwrap_or_else(|fault| {
        findings.add(&span, fault);
        default
    })
}

fn parse(url: &str) -> Result<DatabaseUrl, Fault> {
    match url.split(':').next().unwrap_or_default() {
        "sqlite" => file(url).map(DatabaseUrl::Sqlite),
        "postgres" | "postgresql" => server(url, &POSTGRES).map(DatabaseUrl::Postgres),
        "mysql" | "mariadb" => server(url, &MYSQL).map(DatabaseUrl::MySql),
        _ => Err(Fault::new("this is not a database that is known").help(A_FILE)),
    }
}

fn file(url: &str) -> Result<PathBuf, Fault> {
    let path = url.strip_prefix("sqlite:").unwrap_or_default();
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.contains(['?', '\0']) {
        return Err(Fault::new("this names no database file").help(A_FILE));
    }
    if path.contains(":memory:") {
        return Err(Fault::new(
            "a database in memory would be gone after a restart, accounts and all",
        )
        .help(A_FILE));
    }
    Ok(PathBuf::from(path))
}

fn server(text: &str, dialect: &Dialect) -> Result<ServerUrl, Fault> {
    let wrong = |what: &str| Fault::new(what).help(dialect.example);
    let url = Url::parse(text).map_err(|_| {
        Fault::new("this is not the address of a database; in a user name or password, `@`, `:`, `/`, `?`, `#` and `%` are written `%40`, `%3A`, `%2F`, `%3F`, `%23` and `%25`")
            .help(dialect.example)
    })?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("this names no server"));
    }
    if url.port() == Some(0) {
        return Err(wrong("a server has no port 0"));
    }
    if url.username().is_empty() {
        return Err(wrong("this names no user"));
    }
    let name = url.path().strip_prefix('/').unwrap_or_default();
    if name.is_empty() || name.contains('/') {
        return Err(wrong("behind the server belongs the name of a database"));
    }
    if url.fragment().is_some() {
        return Err(wrong("a `#` in a password is written `%23`"));
    }
    for (name, value) in url.query_pairs() {
        parameter(&name, &value, dialect)?;
    }
    Ok(ServerUrl::from(&url))
}

fn parameter(name: &str, value: &str, dialect: &Dialect) -> Result<(), Fault> {
    let (tls, modes) = dialect.tls;
    if name == tls {
        if modes.contains(&value) {
            return Ok(());
        }
        return Err(
            Fault::new(format!("`{tls}` is none of those that are known"))
                .help(format!("one of {}", modes.join(", "))),
        );
    }
    if let Some(name) = dialect.files.iter().find(|known| **known == name) {
        return match std::fs::File::open(value) {
            Ok(_) => Ok(()),
            Err(error) => Err(Fault::new(format!(
                "the file that `{name}` names cannot be read: {error}"
            ))),
        };
    }
    if name == dialect.socket {
        return if Path::new(value).is_absolute() {
            Ok(())
        } else {
            Err(Fault::new(format!(
                "`{}` is no absolute path",
                dialect.socket
            )))
        };
    }
    if dialect.others.contains(&name) {
        return Ok(());
    }
    let known: Vec<_> = [tls, dialect.socket]
        .iter()
        .chain(dialect.files)
        .chain(dialect.others)
        .map(|name| format!("`{name}`"))
        .collect();
    Err(
        Fault::new("behind the `?` is a parameter that is not known here")
            .help(format!("there are {}", known.join(", "))),
    )
}
