//! Real `redis-server`s of our own: on a socket, with TLS, behind Sentinel, as a cluster.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use doorward_config::{Redis, RedisNodes, RedisServers, Secret};

/// What can be asked of a Redis, in every way that it is run.
pub(super) enum Server {
    Socket(RedisServer),
    Tls(TlsServer),
    Sentinel(Watched),
    Cluster(Nodes),
}

impl Server {
    pub(super) fn socket() -> Self {
        Self::Socket(RedisServer::start())
    }

    pub(super) fn tls() -> Self {
        Self::Tls(TlsServer::start())
    }

    pub(super) fn sentinel() -> Self {
        Self::Sentinel(Watched::start(1, 1))
    }

    pub(super) fn cluster() -> Self {
        Self::Cluster(Nodes::start(3, 0))
    }

    pub(super) fn config(&self) -> Redis {
        match self {
            Self::Socket(server) => server.config(),
            Self::Tls(server) => server.config("localhost"),
            Self::Sentinel(servers) => servers.config(),
            Self::Cluster(nodes) => nodes.config(),
        }
    }
}

/// One address.
pub(super) fn one(url: &str) -> Redis {
    Redis {
        servers: RedisServers::One(Secret::from(url)),
        authorities: None,
    }
}

fn several(ports: impl IntoIterator<Item = u16>) -> RedisNodes {
    let addresses = ports.into_iter().map(here);
    RedisNodes {
        addresses: addresses.map(Secret::from).collect(),
        username: None,
        password: None,
    }
}

fn here(port: u16) -> String {
    format!("redis://127.0.0.1:{port}")
}

/// A process in a folder of its own, killed when it is dropped.
pub(super) struct Process {
    folder: tempfile::TempDir,
    arguments: Vec<String>,
    child: Child,
}

impl Process {
    fn start(arguments: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let child = Self::spawn(folder.path(), arguments);
        Self {
            folder,
            arguments: arguments.to_vec(),
            child,
        }
    }

    fn spawn(folder: &Path, arguments: &[String]) -> Child {
        Command::new("redis-server")
            .args(arguments)
            .current_dir(folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("these tests need redis-server (Debian: apt-get install redis-server)")
    }

    pub(super) fn restart(&mut self) {
        self.child = Self::spawn(self.folder.path(), &self.arguments);
    }

    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops it from answering while its connections stay open, or lets it go on.
    pub(super) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let done = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(id)
            .status();
        assert!(done.unwrap().success());
    }

    /// Waits until `url` answers, and whether it is this process that does.
    fn answers(&mut self, url: &str) -> bool {
        let own = format!("process_id:{}", self.child.id());
        wait("redis-server answers", || {
            if self.child.try_wait().unwrap().is_some() {
                return Some(false);
            }
            let mut connection = connect(url)?;
            let mut info = redis::cmd("INFO");
            let info: String = info.arg("server").query(&mut connection).ok()?;
            Some(info.lines().any(|line| line == own))
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A `redis-server` (or sentinel) on a port of 127.0.0.1, whichever is free.
fn on_port(arguments: impl Fn(u16) -> Vec<String>) -> (Process, u16) {
    loop {
        let port = free_port();
        let mut process = Process::start(&arguments(port));
        if process.answers(&here(port)) {
            return (process, port);
        }
    }
}

/// One that nobody has. Not from those that the system gives out, so that a server finds its port free when it is
/// started again; Redis Cluster uses the one 10,000 above as well.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let next = std::process::id() * 97 + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 12_000 + u16::try_from(next % 10_000).unwrap();
        let free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if free(port) && free(port + 10_000) {
            return port;
        }
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn connect(url: &str) -> Option<redis::Connection> {
    let client = redis::Client::open(url).unwrap();
    client
        .get_connection_with_timeout(Duration::from_secs(1))
        .ok()
}

/// A connection to the server on a port of 127.0.0.1, if it answers.
pub(super) fn connect_to(port: u16) -> Option<redis::Connection> {
    connect(&here(port))
}

/// Looks until there is something to see.
pub(super) fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A `redis-server` on a Unix socket in a folder of its own.
pub(super) struct RedisServer(Process);

impl RedisServer {
    pub(super) fn start() -> Self {
        let mut server = Self(Process::start(&words(
            "--port 0 --unixsocket redis.sock --save ",
        )));
        server.wait();
        server
    }

    /// Starts it again after [`RedisServer::kill`].
    pub(super) fn restart(&mut self) {
        self.0.restart();
        self.wait();
    }

    pub(super) fn kill(&mut self) {
        self.0.kill();
        std::fs::remove_file(self.socket()).ok();
    }

    pub(super) fn signal(&self, name: &str) {
        self.0.signal(name);
    }

    pub(super) fn config(&self) -> Redis {
        one(&self.url())
    }

    fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    fn socket(&self) -> PathBuf {
        self.0.folder.path().join("redis.sock")
    }

    pub(super) fn connection(&self) -> redis::Connection {
        connect(&self.url()).unwrap()
    }

    fn wait(&mut self) {
        let url = self.url();
        assert!(self.0.answers(&url));
    }
}

/// A `redis-server` that speaks TLS only, as `localhost`.
pub(super) struct TlsServer {
    _process: Process,
    port: u16,
    authorities: String,
}

impl TlsServer {
    pub(super) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (authority, certificate, key) = certificates();
        for (name, text) in [("ca", &authority), ("cert", &certificate), ("key", &key)] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        loop {
            let port = free_port();
            let [ca, cert, key] = ["ca", "cert", "key"].map(|name| folder.path().join(name));
            let mut process = Process::start(&words(&format!(
                "--port 0 --tls-port {port} --tls-ca-cert-file {} --tls-cert-file {} --tls-key-file {} --tls-auth-clients no --unixsocket redis.sock --save ",
                ca.display(),
                cert.display(),
                key.display(),
            )));
            let socket = process.folder.path().join("redis.sock");
            if process.answers(&format!("redis+unix://{}", socket.display())) {
                return Self {
                    _process: process,
                    port,
                    authorities: authority,
                };
            }
        }
    }

    /// Reached as `host`.
    pub(super) fn config(&self, host: &str) -> Redis {
        Redis {
            authorities: Some(self.authorities.clone()),
            ..one(&self.url("rediss", host))
        }
    }

    pub(super) fn url(&self, scheme: &str, host: &str) -> String {
        format!("{scheme}://{host}:{}", self.port)
    }
}

/// An authority, and a certificate for `localhost` that it has signed, with its key.
pub(super) fn certificates() -> (String, String, String) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let server = server.signed_by(&key, &issuer).unwrap();
    (certificate.pem(), server.pem(), key.serialize_pem())
}

/// Waits until so many replicas have all that their master has.
pub(super) fn caught_up(master: u16, replicas: usize) {
    wait("the replicas have caught up", || {
        let mut info = redis::cmd("INFO");
        info.arg("replication");
        let info: String = info.query(&mut connect_to(master)?).ok()?;
        let mine = info
            .lines()
            .find_map(|line| line.strip_prefix("master_repl_offset:"))?;
        let there = |line: &&str| {
            let has = line
                .split(',')
                .find_map(|part| part.strip_prefix("offset="));
            line.contains("state=online") && has == Some(mine.trim())
        };
        (info.lines().filter(there).count() == replicas).then_some(())
    });
}

/// A master, replicas, and sentinels that watch them.
pub(super) struct Watched {
    pub(super) servers: Vec<(Process, u16)>,
    pub(super) sentinels: Vec<(Process, u16)>,
    /// Sentinels that meet take others of the same name for their own.
    name: String,
    /// They rewrite their configuration for as long as they live.
    _folders: Vec<tempfile::TempDir>,
}

impl Watched {
    pub(super) fn start(replicas: usize, sentinels: usize) -> Self {
        let server = |port| {
            words(&format!(
                "--port {port} --bind 127.0.0.1 --repl-diskless-sync-delay 0 --save "
            ))
        };
        let mut servers = vec![on_port(server)];
        let master = servers[0].1;
        let name = format!("master-{master}");
        for _ in 0..replicas {
            servers.push(on_port(|port| {
                let mut arguments = server(port);
                arguments.extend(words(&format!("--replicaof 127.0.0.1 {master}")));
                arguments
            }));
        }
        caught_up(master, replicas);
        let (sentinels, folders): (Vec<_>, _) = (0..sentinels)
            .map(|_| Self::sentinel(&name, master, sentinels / 2 + 1))
            .unzip();
        for (_, port) in &sentinels {
            wait("the sentinels know all servers", || {
                let mut known = redis::cmd("SENTINEL");
                known.arg("MASTER").arg(&name);
                let known: Vec<String> = known.query(&mut connect(&here(*port))?).ok()?;
                let has = |name: &str, count: usize| {
                    known
                        .chunks(2)
                        .any(|pair| pair == [name.to_owned(), count.to_string()])
                };
                (has("num-slaves", replicas) && has("num-other-sentinels", sentinels.len() - 1))
                    .then_some(())
            });
        }
        Self {
            servers,
            sentinels,
            name,
            _folders: folders,
        }
    }

    fn sentinel(name: &str, master: u16, quorum: usize) -> ((Process, u16), tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sentinel.conf");
        let made = on_port(|port| {
            let text = format!(
                "port {port}\nbind 127.0.0.1\nsentinel monitor {name} 127.0.0.1 {master} {quorum}\n\
                 sentinel down-after-milliseconds {name} 500\nsentinel failover-timeout {name} 3000\n"
            );
            std::fs::write(&file, text).unwrap();
            vec![file.display().to_string(), "--sentinel".to_owned()]
        });
        (made, folder)
    }

    /// From now on the sentinels keep the master that they have, however slow the machine is.
    pub(super) fn be_patient(&self) {
        for (_, port) in &self.sentinels {
            let mut set = redis::cmd("SENTINEL");
            set.arg("SET").arg(&self.name);
            set.arg("down-after-milliseconds").arg(60_000);
            set.exec(&mut connect_to(*port).unwrap()).unwrap();
        }
    }

    pub(super) fn config(&self) -> Redis {
        Redis {
            servers: RedisServers::Sentinel {
                master: self.name.clone(),
                sentinels: several(self.sentinels.iter().map(|(_, port)| *port)),
            },
            authorities: None,
        }
    }
}

/// The nodes of a cluster: so many masters, and so many replicas for each.
pub(super) struct Nodes(pub(super) Vec<(Process, u16)>);

impl Nodes {
    pub(super) fn start(masters: usize, replicas: usize) -> Self {
        let node = |port| {
            words(&format!(
                "--port {port} --bind 127.0.0.1 --cluster-enabled yes --cluster-node-timeout 1000 --repl-diskless-sync-delay 0 --save "
            ))
        };
        let nodes: Vec<_> = (0..masters * (1 + replicas))
            .map(|_| on_port(node))
            .collect();
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]);
        create.args(nodes.iter().map(|(_, port)| format!("127.0.0.1:{port}")));
        create.args(["--cluster-replicas", &replicas.to_string(), "--cluster-yes"]);
        let made = create.stdout(Stdio::null()).status().expect("redis-cli");
        assert!(made.success(), "the cluster cannot be made");
        for (_, port) in &nodes {
            wait("the cluster is in order everywhere", || {
                let info: String = redis::cmd("CLUSTER")
                    .arg("INFO")
                    .query(&mut connect(&here(*port))?)
                    .ok()?;
                info.contains("cluster_state:ok").then_some(())
            });
        }
        for (_, port) in nodes.iter().take(masters) {
            caught_up(*port, replicas);
        }
        Self(nodes)
    }

    pub(super) fn config(&self) -> Redis {
        Redis {
            servers: RedisServers::Cluster(several(self.0.iter().map(|(_, port)| *port))),
            authorities: None,
        }
    }
}
