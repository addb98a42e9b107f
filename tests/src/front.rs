//! A real proxy in front of the site, which asks the gateway: nginx, Caddy, `HAProxy`, Traefik, Envoy.
//!
//! It runs with the configuration that its page in `docs/` shows, word for word; only the addresses and the files
//! of the test stand in the place of the page's.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{Authority, Pipe, Speech, Visitor, free_port, until};

/// The host that the pages show.
pub const HOST: &str = "app.example.com";

/// Which proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxy {
    /// nginx with `auth_request`.
    Nginx,
    /// Caddy with `forward_auth`.
    Caddy,
    /// `HAProxy` with the page's Lua.
    Haproxy,
    /// Traefik with `forwardAuth`, from `DOORWARD_TRAEFIK`.
    Traefik,
    /// Envoy with `ext_authz`, from `DOORWARD_ENVOY`.
    Envoy,
}

impl Proxy {
    /// Whether it can be started: two of them are not installed by `./run tests`, but named by a variable.
    #[must_use]
    pub fn is_here(self) -> bool {
        self.variable()
            .is_none_or(|name| std::env::var_os(name).is_some())
    }

    fn variable(self) -> Option<&'static str> {
        match self {
            Self::Nginx | Self::Caddy | Self::Haproxy => None,
            Self::Traefik => Some("DOORWARD_TRAEFIK"),
            Self::Envoy => Some("DOORWARD_ENVOY"),
        }
    }

    fn program(self) -> String {
        let installed = match self {
            Self::Nginx => "nginx",
            Self::Caddy => "caddy",
            Self::Haproxy => "haproxy",
            Self::Traefik => "traefik",
            Self::Envoy => "envoy",
        };
        let named = self.variable().and_then(|name| std::env::var(name).ok());
        named.unwrap_or_else(|| installed.to_owned())
    }

    fn page(self) -> &'static str {
        match self {
            Self::Nginx => "behind-nginx.md",
            Self::Caddy => "behind-caddy.md",
            Self::Haproxy => "behind-haproxy.md",
            Self::Traefik => "behind-traefik.md",
            Self::Envoy => "behind-envoy.md",
        }
    }
}

/// A running proxy. It ends when this is dropped.
pub struct Front {
    proxy: Proxy,
    address: SocketAddr,
    authority: Authority,
    folder: TempDir,
    child: Child,
}

impl Front {
    /// Starts it before `site`; it asks `gate`. Waits until it does that.
    pub async fn start(proxy: Proxy, gate: SocketAddr, site: SocketAddr) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let authority = Authority::new("Front");
        let [chain, key] = ["chain.pem", "key.pem"].map(|name| folder.path().join(name));
        let _ = authority.issue(&chain, &key, &[HOST]);
        let both = [&chain, &key].map(|path| fs::read_to_string(path).expect("a file"));
        fs::write(folder.path().join("both.pem"), both.concat()).expect("written");
        let here = Here {
            address,
            gate,
            site,
            folder: folder.path().to_owned(),
        };
        let (program, arguments) = (proxy.program(), here.prepare(proxy));
        let log = fs::File::create(folder.path().join("log")).expect("a log");
        let child = Command::new(&program)
            .args(&arguments)
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{program} runs (./run tests installs it): {error}"));
        let mut front = Self {
            proxy,
            address,
            authority,
            folder,
            child,
        };
        front.listening().await;
        front
    }

    async fn listening(&mut self) {
        until("the proxy listens", Duration::from_secs(20), async || {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("the proxy ended at once, {status}:\n{}", self.log());
            }
            // Traefik takes connections before it has read what to do with them.
            let stream = Pipe::plain(self.address).await.ok()?;
            let trust = self.authority.trusted_by(&["http/1.1"]);
            stream.encrypt(HOST, trust).await.is_ok().then_some(())
        })
        .await;
    }

    /// Whether it is this one.
    #[must_use]
    pub fn is(&self, proxy: Proxy) -> bool {
        self.proxy == proxy
    }

    /// What it has printed.
    #[must_use]
    pub fn log(&self) -> String {
        let files = ["log", "error.log"].map(|name| self.folder.path().join(name));
        let texts = files.map(|path| fs::read_to_string(path).unwrap_or_default());
        texts.concat()
    }

    /// A stranger who comes over TLS.
    #[must_use]
    pub fn anon(&self) -> Visitor {
        Visitor::secure(self.address, HOST, &self.authority, Speech::Http1)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("---- the proxy\n{}\n----", self.log());
        }
    }
}

/// What stands in the place of the page's addresses and files.
struct Here {
    address: SocketAddr,
    gate: SocketAddr,
    site: SocketAddr,
    folder: PathBuf,
}

impl Here {
    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.folder.join(name), text).expect("written");
        self.path(name)
    }

    /// A block of a page, with what is replaced in every one of them.
    fn block(&self, proxy: Proxy, language: &str) -> String {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
        let page = project
            .expect("the project")
            .join("docs")
            .join(proxy.page());
        let text = fs::read_to_string(&page).expect("a page");
        let begin = format!("\n```{language}\n");
        let block = text.split(&begin).nth(1).expect("a block of the language");
        let block = block.split("\n```").next().expect("an end");
        block
            .replace("127.0.0.1:8080", &self.gate.to_string())
            .replace("127.0.0.1:3000", &self.site.to_string())
    }

    /// Writes its configuration; what it is started with.
    fn prepare(&self, proxy: Proxy) -> Vec<String> {
        match proxy {
            Proxy::Nginx => self.nginx(),
            Proxy::Caddy => self.caddy(),
            Proxy::Haproxy => self.haproxy(),
            Proxy::Traefik => self.traefik(),
            Proxy::Envoy => self.envoy(),
        }
    }

    fn nginx(&self) -> Vec<String> {
        let servers = self
            .block(Proxy::Nginx, "nginx")
            .replace("listen 443 ssl", &format!("listen {} ssl", self.address))
            .replace(
                "$server_name",
                &format!("$server_name:{}", self.address.port()),
            )
            .replace("/etc/ssl/app.example.com.pem", &self.path("chain.pem"))
            .replace("/etc/ssl/app.example.com.key", &self.path("key.pem"));
        let folder = self.folder.display();
        let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let temporary = kinds.map(|kind| format!("{kind}_temp_path {folder}/{kind};\n"));
        let text = format!(
            "daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n\
             http {{\naccess_log off;\n{}{servers}\n}}\n",
            temporary.concat()
        );
        let file = self.write("nginx.conf", &text);
        let early = self.path("error.log");
        ["-c", &file, "-e", &early].map(str::to_owned).to_vec()
    }

    fn caddy(&self) -> Vec<String> {
        let own = format!(
            "https://{HOST}:{} {{\n\tbind 127.0.0.1\n\ttls {} {}\n",
            self.address.port(),
            self.path("chain.pem"),
            self.path("key.pem")
        );
        let block = self.block(Proxy::Caddy, "caddy");
        let sites = block.replacen(&format!("{HOST} {{\n"), &own, 1);
        assert_ne!(block, sites, "the page shows the host");
        let text = format!("{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{sites}\n");
        let file = self.write("Caddyfile", &text);
        ["run", "--adapter", "caddyfile", "--config", &file]
            .map(str::to_owned)
            .to_vec()
    }

    fn haproxy(&self) -> Vec<String> {
        let script = self.write("doorward.lua", &self.block(Proxy::Haproxy, "lua"));
        let text = self
            .block(Proxy::Haproxy, "haproxy")
            .replace("/etc/haproxy/doorward.lua", &script)
            .replace("bind :443 ", &format!("bind {} ", self.address))
            .replace(
                "Host app.example.com\n",
                &format!("Host app.example.com:{}\n", self.address.port()),
            )
            .replace("/etc/haproxy/app.example.com.pem", &self.path("both.pem"));
        let file = self.write("haproxy.cfg", &format!("{text}\n"));
        ["-db", "-f", &file].map(str::to_owned).to_vec()
    }

    fn traefik(&self) -> Vec<String> {
        let certificates = format!(
            "tls:\n  certificates:\n    - certFile: {}\n      keyFile: {}\n",
            self.path("chain.pem"),
            self.path("key.pem")
        );
        let routes = self.block(Proxy::Traefik, "yaml");
        let file = self.write("routes.yml", &format!("{routes}\n{certificates}"));
        vec![
            format!("--entryPoints.websecure.address={}", self.address),
            format!("--providers.file.filename={file}"),
            "--global.checkNewVersion=false".to_owned(),
            "--global.sendAnonymousUsage=false".to_owned(),
        ]
    }

    fn envoy(&self) -> Vec<String> {
        let port = |address: SocketAddr| format!("port_value: {} ", address.port());
        let text = self
            .block(Proxy::Envoy, "yaml")
            .replace(
                "address: 0.0.0.0, port_value: 443 ",
                &format!("address: 127.0.0.1, {}", port(self.address)),
            )
            .replace("port_value: 8080 ", &port(self.gate))
            .replace("port_value: 3000 ", &port(self.site))
            .replace("/etc/envoy/app.example.com.pem", &self.path("chain.pem"))
            .replace("/etc/envoy/app.example.com.key", &self.path("key.pem"));
        let file = self.write("envoy.yaml", &text);
        [
            "-c",
            &file,
            "--use-dynamic-base-id",
            "--concurrency",
            "1",
            "--log-level",
            "warning",
        ]
        .map(str::to_owned)
        .to_vec()
    }
}
