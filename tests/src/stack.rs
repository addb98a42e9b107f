//! A whole installation on this machine: one or two gateways, a store, an upstream.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::gateway::At;
use crate::{
    Authority, Echo, FaultProxy, Gateway, Ran, RedisServer, Site, Speech, Sql, SqlServer, Visitor,
    command, free_port,
};

/// The password of everybody.
pub const PASSWORD: &str = "violet-harbour-42-lantern";

/// Where sessions are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// In the database, beside the accounts.
    Embedded,
    /// In a Redis of the stack's own.
    Redis,
}

/// Where accounts are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Database {
    File,
    Shared(Sql),
    Own(Sql),
}

/// What to start.
pub struct Plan {
    store: Store,
    database: Database,
    faults: bool,
    gateways: usize,
    server: String,
    sections: String,
    sites: Vec<Site>,
    environment: Vec<(String, String)>,
    tls: Vec<String>,
}

impl Plan {
    /// Keeps sessions there.
    #[must_use]
    pub fn store(self, store: Store) -> Self {
        Self { store, ..self }
    }

    /// Keeps sessions in Redis, asked through a [`FaultProxy`].
    #[must_use]
    pub fn faulty_redis(self) -> Self {
        Self {
            store: Store::Redis,
            faults: true,
            ..self
        }
    }

    /// Keeps accounts in a database on a server that all stories share.
    #[must_use]
    pub fn database(self, sql: Sql) -> Self {
        Self {
            database: Database::Shared(sql),
            ..self
        }
    }

    /// Keeps accounts on a server of the stack's own.
    #[must_use]
    pub fn own_database(self, sql: Sql) -> Self {
        Self {
            database: Database::Own(sql),
            ..self
        }
    }

    /// Starts this many gateways on the same store and accounts.
    #[must_use]
    pub fn gateways(self, gateways: usize) -> Self {
        Self { gateways, ..self }
    }

    /// Adds a line to `[server]`.
    #[must_use]
    pub fn server(mut self, line: &str) -> Self {
        let _ = writeln!(self.server, "{line}");
        self
    }

    /// Adds a section of its own (not `[server]`, `[database]`, `[redis]`).
    #[must_use]
    pub fn section(mut self, lines: &str) -> Self {
        let _ = writeln!(self.sections, "{lines}");
        self
    }

    /// Sets a variable in the gateways' environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Serves over TLS too, with a certificate for these names.
    #[must_use]
    pub fn tls(mut self, names: &[&str]) -> Self {
        self.tls = names.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// Protects this site (instead of the usual one, or besides those named before).
    #[must_use]
    pub fn site(mut self, site: Site) -> Self {
        self.sites.push(site);
        self
    }

    /// Starts everything and waits until it is ready.
    pub async fn start(self) -> Stack {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let echo = Echo::start().await;
        let redis = match self.store {
            Store::Embedded => None,
            Store::Redis => Some(RedisServer::start().await),
        };
        let faults = match &redis {
            Some(redis) if self.faults => Some(FaultProxy::to(redis.address()).await),
            _ => None,
        };
        let sql = match self.database {
            Database::Own(sql) => Some(SqlServer::start(sql)),
            Database::File | Database::Shared(_) => None,
        };
        let database = match (self.database, &sql) {
            (Database::Shared(sql), _) => sql.shared().database(),
            (_, Some(server)) => server.database(),
            _ => format!("sqlite:{}/accounts.db", folder.path().display()),
        };
        let told = faults.as_ref().map(FaultProxy::address);
        let store = told.or(redis.as_ref().map(RedisServer::address));
        let mut stack = Stack {
            gateways: Vec::new(),
            echo,
            redis,
            faults,
            authority: Authority::new("Stories"),
            sql,
            database,
            folder,
        };
        if !self.tls.is_empty() {
            let names: Vec<_> = self.tls.iter().map(String::as_str).collect();
            stack.replace_certificate(&names);
        }
        for index in 0..self.gateways {
            // One after the other: the first one makes the database, and the secret that they share.
            let mut gateway = stack.add(&self, index, store);
            gateway.ready().await;
            stack.gateways.push(gateway);
        }
        stack
    }

    fn toml(&self, stack: &Stack, at: &At, data: &Path, redis: Option<SocketAddr>) -> String {
        let At {
            gate, admin, tls, ..
        } = at;
        let (echo, database) = (stack.echo.address(), &stack.database);
        let folder = data.parent().expect("a folder").display();
        let data = data.display();
        let secure = tls.map_or_else(String::new, |tls| format!("listen_tls = [\"{tls}\"]\n"));
        let mut text = format!(
            "[server]\nlisten = [\"{gate}\"]\nadmin_listen = \"{admin}\"\ndata_dir = \"{data}\"\nsecret_file = \"{folder}/secret.key\"\n{}{secure}\n\
             [database]\nurl = \"{database}\"\n",
            self.server
        );
        if tls.is_some() {
            let _ = writeln!(
                text,
                "[[certificate]]\nchain = \"{folder}/cert.pem\"\nkey = \"{folder}/key.pem\""
            );
        }
        if let Some(redis) = redis {
            let _ = write!(text, "[redis]\nurl = \"redis://{redis}/0\"\n");
        }
        let _ = writeln!(text, "{}", self.sections);
        let usual = [Site::usual()];
        let sites: &[Site] = if self.sites.is_empty() {
            &usual
        } else {
            &self.sites
        };
        for site in sites {
            text.push_str(&site.toml(&format!("http://{echo}")));
        }
        text
    }
}

/// A running installation. Everything ends when it is dropped.
pub struct Stack {
    /// The gateways.
    pub gateways: Vec<Gateway>,
    /// The upstream.
    pub echo: Echo,
    redis: Option<RedisServer>,
    faults: Option<FaultProxy>,
    authority: Authority,
    sql: Option<SqlServer>,
    database: String,
    folder: TempDir,
}

impl Stack {
    /// What a story needs unless it says otherwise: one gateway, embedded store, the usual site.
    #[must_use]
    #[expect(
        clippy::new_ret_no_self,
        reason = "`Stack::new().site(..).start()` reads as what happens"
    )]
    pub fn new() -> Plan {
        crate::numbers::say_panics();
        Plan {
            store: Store::Embedded,
            database: Sql::asked_for().map_or(Database::File, Database::Shared),
            faults: false,
            gateways: 1,
            server: String::new(),
            sections: String::new(),
            sites: Vec::new(),
            environment: Vec::new(),
            tls: Vec::new(),
        }
    }

    fn add(&self, plan: &Plan, index: usize, redis: Option<SocketAddr>) -> Gateway {
        let here = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let at = At {
            gate: here(free_port()),
            tls: (!plan.tls.is_empty()).then(|| here(free_port())),
            admin: here(free_port()),
            environment: plan.environment.clone(),
        };
        let data = self.folder.path().join(format!("data-{index}"));
        let config = self.config_path(index);
        let text = plan.toml(self, &at, &data, redis);
        std::fs::write(&config, text).expect("a configuration");
        let arguments = ["run", "--config", config.to_str().expect("utf-8")];
        Gateway::start(
            self.folder.path(),
            &format!("gateway-{index}"),
            &arguments,
            at,
        )
    }

    fn config_path(&self, index: usize) -> PathBuf {
        self.folder.path().join(format!("doorward-{index}.toml"))
    }

    /// Changes the first gateway's configuration file, which does not hear of it by that.
    pub fn edit(&self, change: impl FnOnce(String) -> String) {
        let path = self.config_path(0);
        let text = std::fs::read_to_string(&path).expect("a configuration");
        std::fs::write(&path, change(text)).expect("written");
    }

    /// The folder that everything lives in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The only (or first) gateway.
    #[must_use]
    pub fn gateway(&self) -> &Gateway {
        &self.gateways[0]
    }

    /// The only (or first) gateway, to be stopped and started.
    pub fn gateway_mut(&mut self) -> &mut Gateway {
        &mut self.gateways[0]
    }

    /// Whether sessions are kept in Redis.
    #[must_use]
    pub fn has_redis(&self) -> bool {
        self.redis.is_some()
    }

    /// The stack's Redis. Panics on the embedded store.
    #[must_use]
    pub fn redis(&self) -> &RedisServer {
        self.redis.as_ref().expect("a stack on Redis")
    }

    /// The stack's Redis, if sessions are there.
    #[must_use]
    pub fn find_redis(&self) -> Option<&RedisServer> {
        self.redis.as_ref()
    }

    /// The stack's Redis, to be stopped and started. Panics on the embedded store.
    pub fn redis_mut(&mut self) -> &mut RedisServer {
        self.redis.as_mut().expect("a stack on Redis")
    }

    /// The proxy that breaks the way to Redis. Panics unless it was asked for.
    #[must_use]
    pub fn faults(&self) -> &FaultProxy {
        self.faults.as_ref().expect("a stack with a fault proxy")
    }

    /// The stack's own database server. Panics unless it was asked for.
    #[must_use]
    pub fn sql(&self) -> &SqlServer {
        self.sql.as_ref().expect("a stack with a database server")
    }

    /// The stack's own database server, to be stopped and started. Panics unless it was asked for.
    pub fn sql_mut(&mut self) -> &mut SqlServer {
        self.sql.as_mut().expect("a stack with a database server")
    }

    /// The address of the database that accounts are kept in.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// A stranger at the first gateway.
    #[must_use]
    pub fn anon(&self) -> Visitor {
        Visitor::at(self.gateway().gate())
    }

    /// A stranger at the first gateway, over TLS, who knows it as `host`.
    #[must_use]
    pub fn secure(&self, speech: Speech, host: &str) -> Visitor {
        Visitor::secure(self.gateway().tls(), host, &self.authority, speech)
    }

    /// Who signs the certificates.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Puts another certificate in the place of that which is served; its own bytes.
    pub fn replace_certificate(&self, names: &[&str]) -> Vec<u8> {
        let [chain, key] = ["cert.pem", "key.pem"].map(|name| self.folder().join(name));
        self.authority.issue(&chain, &key, names).to_vec()
    }

    /// A new person of this name (`NAME@example.com`, [`PASSWORD`]), signed in through the form.
    pub async fn sign_in(&self, name: &str) -> Visitor {
        self.add_person(name, &[]).await;
        self.again(name).await
    }

    /// A new administrator of this name, signed in through the form.
    pub async fn sign_in_admin(&self, name: &str) -> Visitor {
        self.add_person(name, &["--role", "admin"]).await;
        self.again(name).await
    }

    /// A known person, signed in once more in a browser of its own.
    pub async fn again(&self, name: &str) -> Visitor {
        let mut visitor = self.anon();
        visitor.sign_in(name, PASSWORD).await;
        visitor
    }

    /// Adds a person on the command line.
    pub async fn add_person(&self, name: &str, more: &[&str]) {
        let email = format!("{name}@example.com");
        let mut arguments = vec![
            "user",
            "add",
            &email,
            "--username",
            name,
            "--password-stdin",
        ];
        arguments.extend_from_slice(more);
        let _ = self
            .command_with(&arguments, &format!("{PASSWORD}\n"))
            .await
            .exits(0);
    }

    /// Runs a command against this installation.
    pub async fn command(&self, arguments: &[&str]) -> Ran {
        self.command_with(arguments, "").await
    }

    /// Runs a command against this installation, with something on its standard input.
    pub async fn command_with(&self, arguments: &[&str], input: &str) -> Ran {
        let config = self.config_path(0);
        let mut all = arguments.to_vec();
        all.extend(["--config", config.to_str().expect("utf-8")]);
        command::run(self.folder.path(), &all, input).await
    }
}

/// As [`run_in`], with something on its standard input.
pub async fn run_with(folder: &Path, arguments: &[&str], input: &str) -> Ran {
    command::run(folder, arguments, input).await
}

/// Runs `doorward` in a folder, with no configuration but what is there.
pub async fn run_in(folder: &Path, arguments: &[&str]) -> Ran {
    command::run(folder, arguments, "").await
}
