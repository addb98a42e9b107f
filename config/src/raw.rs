//! The file as it is written: keys and shapes, nothing checked.
//!
//! Every key is optional here, because any layer may leave it out. What the
//! values mean, and what they are when absent, is `check`'s to know. The doc
//! comments are the descriptions in the JSON Schema.

mod shape;
mod site;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mail::VerifyEmailWord;
use crate::{LogFormat, RegistrationMode, UsernameRule};

pub(crate) use shape::{At, DurationText, HstsText, SizeText};
pub(crate) use site::{AllowText, HealthCheck, Identity, IdentityMap, Rule, Site, UpstreamText};

/// The configuration of a Doorward gateway.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct File {
    pub(crate) server: Server,
    pub(crate) limits: Limits,
    pub(crate) portal: Portal,
    pub(crate) database: Database,
    pub(crate) redis: Redis,
    pub(crate) session: Session,
    pub(crate) registration: Registration,
    pub(crate) password: Password,
    pub(crate) recovery: Recovery,
    pub(crate) throttle: Throttle,
    pub(crate) mail: Mail,
    pub(crate) api: Api,
    pub(crate) log: Log,
    /// The certificates of `server.listen_tls`: chosen by the name that is asked for, the first for all others.
    pub(crate) certificate: Vec<At<Certificate>>,
    /// The protected sites; absent, the sample site.
    pub(crate) site: Option<At<Vec<At<Site>>>>,
}

/// Where it listens, and what it keeps where.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Server {
    /// Addresses for plain HTTP, as `"ADDRESS:PORT"`.
    pub(crate) listen: Option<At<Vec<At<String>>>>,
    /// Addresses for HTTPS (HTTP/2 and 1.1), as `"ADDRESS:PORT"`.
    pub(crate) listen_tls: Option<At<Vec<At<String>>>>,
    /// Whether plain HTTP answers with a redirect to HTTPS.
    pub(crate) redirect_to_tls: Option<At<bool>>,
    /// Address for metrics and health.
    pub(crate) admin_listen: Option<At<String>>,
    /// Networks of proxies whose `X-Forwarded-*` count; nobody by default.
    pub(crate) trusted_proxies: Option<At<Vec<At<String>>>>,
    /// Networks of load balancers that begin each connection with a PROXY header; nobody by default.
    pub(crate) proxy_protocol: Option<At<Vec<At<String>>>>,
    /// Folder for everything the program writes itself.
    pub(crate) data_dir: Option<At<String>>,
    /// Proxy threads; 0 is one a core.
    pub(crate) threads: Option<At<i64>>,
    /// File of the key for what is encrypted at rest; made at first start.
    pub(crate) secret_file: Option<At<String>>,
    /// Longest wait for open requests at stop.
    pub(crate) drain: Option<At<DurationText>>,
}

/// A certificate and its key, both as PEM.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Certificate {
    /// File of the certificate and of those that lead to its authority.
    pub(crate) chain: Option<At<String>>,
    /// File of the private key.
    pub(crate) key: Option<At<String>>,
}

/// How big and how slow a request may be, and how many there may be.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// Size of the whole header block.
    pub(crate) header_bytes: Option<At<SizeText>>,
    /// Header lines.
    pub(crate) header_count: Option<At<i64>>,
    /// From the first byte of a request to the end of its headers.
    pub(crate) header_timeout: Option<At<DurationText>>,
    /// Size of a request body, or `"unlimited"`; a site may differ.
    pub(crate) body: Option<At<SizeText>>,
    /// Connections of one address at once, of IPv6 of one /64; trusted proxies have no limit.
    pub(crate) connections_per_address: Option<At<i64>>,
    /// Requests on one connection.
    pub(crate) requests_per_connection: Option<At<i64>>,
}

/// Where the built-in pages live.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Portal {
    /// Path of the built-in pages on every protected host.
    pub(crate) path: Option<At<String>>,
    /// Name shown on the pages.
    pub(crate) title: Option<At<String>>,
    /// Origin of one sign-in for all hosts that sites name (`*` names none), as `"https://auth.example.com"`; also of
    /// links in mail, and what tokens are issued by.
    pub(crate) url: Option<At<String>>,
}

/// Where accounts are kept.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Database {
    /// `"sqlite:FILE"`, `"postgres://…"`, `"mysql://…"` or `"mariadb://…"`; absent, `doorward.db` in the data folder.
    pub(crate) url: Option<At<String>>,
    /// File that holds the `url`.
    pub(crate) url_file: Option<At<String>>,
}

/// Where sessions are kept; without it, in the database. One of `url`, `cluster` and `sentinel`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Redis {
    /// `"redis://…"`, `"rediss://…"` (TLS) or `"redis+unix://…"`.
    pub(crate) url: Option<At<String>>,
    /// File that holds the `url`.
    pub(crate) url_file: Option<At<String>>,
    /// Some nodes of a Redis Cluster, as `["redis://a:6379", "redis://b:6379"]`, or `rediss://` (TLS).
    pub(crate) cluster: Option<At<Vec<At<String>>>>,
    /// Sentinels that know which server is the master.
    pub(crate) sentinel: Option<At<Sentinel>>,
    /// User on the servers of `cluster` or behind `sentinel`; for one server it stands in `url`.
    pub(crate) username: Option<At<String>>,
    /// Password on the servers of `cluster` or behind `sentinel`.
    pub(crate) password: Option<At<String>>,
    /// File that holds the `password`.
    pub(crate) password_file: Option<At<String>>,
    /// Certificates (PEM) that those of `rediss://` are checked against; absent, the system's.
    pub(crate) ca_file: Option<At<String>>,
}

/// The sentinels of a Redis.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Sentinel {
    /// The name that the sentinels know the master by.
    pub(crate) master: Option<At<String>>,
    /// All sentinels, as `["redis://10.0.0.1:26379"]`; user and password in here are for the sentinels.
    pub(crate) nodes: Option<At<Vec<At<String>>>>,
    /// File that holds the `nodes`, one a line.
    pub(crate) nodes_file: Option<At<String>>,
}

/// How long sessions last.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Session {
    /// Ends without a request for this long; does not apply to remembered ones.
    pub(crate) idle: Option<At<DurationText>>,
    /// Longest life.
    pub(crate) absolute: Option<At<DurationText>>,
    /// Longest life when "stay signed in" is ticked.
    pub(crate) remember: Option<At<DurationText>>,
    /// How long known sessions are honoured while the store cannot be asked.
    pub(crate) outage_grace: Option<At<DurationText>>,
}

/// Who may make an account.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Registration {
    /// Who may register.
    pub(crate) mode: Option<At<RegistrationMode>>,
    /// Whether people have to prove their address; `auto` is on when there is a mail server.
    pub(crate) verify_email: Option<At<VerifyEmailWord>>,
    /// Whether a username must be given.
    pub(crate) username: Option<At<UsernameRule>>,
    /// Domains whose addresses may register; empty is any. Needs verification.
    pub(crate) allowed_domains: Option<At<Vec<At<String>>>>,
    /// Usernames that nobody may register; commands and setup may.
    pub(crate) reserved_names: Option<At<Vec<At<String>>>>,
    /// Roles of a new account.
    pub(crate) default_roles: Option<At<Vec<At<String>>>>,
}

/// What a password must be, and what hashing one costs.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Password {
    /// Fewest characters.
    pub(crate) min_length: Option<At<i64>>,
    /// Memory of one argon2id hash.
    pub(crate) memory: Option<At<SizeText>>,
    /// Passes over the memory.
    pub(crate) iterations: Option<At<i64>>,
    /// Lanes of one hash.
    pub(crate) lanes: Option<At<i64>>,
    /// Threads that hash; 0 is all cores but one.
    pub(crate) concurrency: Option<At<i64>>,
}

/// How forgotten passwords are replaced.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Recovery {
    /// How long a mailed code works.
    pub(crate) code_life: Option<At<DurationText>>,
}

/// What programs get.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Api {
    /// How long an access token works before it has to be refreshed.
    pub(crate) access_token_life: Option<At<DurationText>>,
}

/// How mail leaves.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Mail {
    /// Who it comes from, as in `"Example <no-reply@example.com>"`.
    pub(crate) from: Option<At<String>>,
    /// `"smtps://user@host:465"`, `"smtp://host:port"` (plain) or `"smtp://…?tls=required"` (STARTTLS); absent,
    /// messages are written to `outbox` in the data folder.
    pub(crate) smtp: Option<At<String>>,
    /// Password of the user that `smtp` names.
    pub(crate) smtp_password: Option<At<String>>,
    /// File that holds the `smtp_password`.
    pub(crate) smtp_password_file: Option<At<String>>,
}

/// Wrong tries before delays start.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Throttle {
    /// For one account.
    pub(crate) account_failures: Option<At<i64>>,
    /// From one address.
    pub(crate) address_failures: Option<At<i64>>,
}

/// How log lines look.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// Text on a terminal and JSON otherwise, or always one of them.
    pub(crate) format: Option<At<LogFormat>>,
}
