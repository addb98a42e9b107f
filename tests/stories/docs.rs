//! Every configuration that the README and `docs/` show: the gateway starts with it and does what a gateway does.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use doorward_tests::{
    Authority, Echo, Gateway, PASSWORD, RedisCluster, RedisSentinel, RedisServer, Speech, Sql,
    Visitor, free_port, run_in, run_with,
};
use tempfile::TempDir;

/// A configuration, and where it is shown.
struct Shown {
    place: String,
    toml: String,
}

fn pages() -> Vec<PathBuf> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the project");
    let docs = std::fs::read_dir(project.join("docs")).expect("docs");
    let docs = docs.map(|entry| entry.expect("an entry").path());
    let mut pages: Vec<_> = docs
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .collect();
    pages.push(project.join("README.md"));
    pages.sort();
    pages
}

fn shown() -> Vec<Shown> {
    let mut all = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(&page).expect("a page");
        let name = page
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        for (number, block) in text.split("\n```toml\n").skip(1).enumerate() {
            all.push(Shown {
                place: format!("{name}, configuration {}", number + 1),
                toml: block.split("\n```").next().expect("an end").to_owned(),
            });
        }
    }
    all
}

/// The host of every `portal.url` that is shown.
const PORTAL: &str = "auth.example.com";

/// What is elsewhere in the world is here in the test: servers, files, addresses.
struct Home {
    folder: TempDir,
    echoes: [Echo; 3],
    authority: Authority,
    tls: SocketAddr,
    redis: Option<RedisServer>,
    sentinel: Option<RedisSentinel>,
    cluster: Option<RedisCluster>,
}

impl Home {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("index.html"), "hello").expect("a file");
        Self {
            folder,
            echoes: [
                Echo::start().await,
                Echo::start().await,
                Echo::start().await,
            ],
            authority: Authority::new("docs"),
            tls: SocketAddr::from(([127, 0, 0, 1], free_port())),
            redis: None,
            sentinel: None,
            cluster: None,
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    async fn configuration(&mut self, toml: &str, host: &str) -> String {
        let mut text = String::new();
        for line in toml.lines() {
            text.push_str(&self.line(line, host).await);
            text.push('\n');
        }
        text
    }

    async fn line(&mut self, line: &str, host: &str) -> String {
        let (key, value) = line.split_once(" = ").unwrap_or((line, ""));
        let urls = self
            .echoes
            .each_ref()
            .map(|echo| format!("\"http://{}\"", echo.address()));
        match key {
            "upstream" if value.starts_with('[') => format!("upstream = [{}]", urls.join(", ")),
            "upstream" if value.contains("://") => format!("upstream = {}", urls[0]),
            "upstream" if value.contains("files:") => {
                format!("upstream = \"files:{}\"", self.path(""))
            }
            "listen" => String::new(),
            "listen_tls" => format!("listen_tls = [\"{}\"]", self.tls),
            "data_dir" => format!("data_dir = \"{}\"", self.path("data")),
            "secret_file" => format!("secret_file = \"{}\"", self.path("secret.key")),
            "key" => format!("key = \"{}\"", self.path("key.pem")),
            "chain" => {
                let [chain, pair] =
                    ["chain.pem", "key.pem"].map(|name| self.folder.path().join(name));
                let _ = self.authority.issue(&chain, &pair, &[host, PORTAL]);
                format!("chain = \"{}\"", chain.display())
            }
            // The port is another one here.
            "url" if value.contains("://auth.") => {
                let url = value.trim_matches('"');
                format!("url = \"{url}:{}\"", self.tls.port())
            }
            "url" if value.starts_with("\"postgres") => {
                format!("url = \"{}\"", Sql::Postgres.shared().database())
            }
            "url" if value.starts_with("\"redis:") => {
                let server = RedisServer::start().await;
                let line = format!("url = \"redis://{}/0\"", server.address());
                self.redis = Some(server);
                line
            }
            "sentinel" => {
                let servers = RedisSentinel::start().await;
                let line = second_line(&servers.section());
                self.sentinel = Some(servers);
                line
            }
            "cluster" => {
                let servers = RedisCluster::start().await;
                let line = second_line(&servers.section());
                self.cluster = Some(servers);
                line
            }
            _ => line.to_owned(),
        }
    }
}

fn second_line(section: &str) -> String {
    section.lines().nth(1).expect("a key").to_owned()
}

/// The host of the first site, as a visitor would name it.
fn host(toml: &str) -> String {
    let named = toml.lines().find_map(|line| line.strip_prefix("host = \""));
    let named = named.and_then(|rest| rest.split('"').next()).unwrap_or("*");
    named.replace('*', "some")
}

#[tokio::test]
async fn every_configuration_works() {
    let all = shown();
    assert!(all.len() >= 12, "{} configurations are shown", all.len());
    for Shown { place, toml } in all {
        // What is shown without a site goes on top of one.
        let toml = if toml.contains("[[site]]") {
            toml
        } else {
            format!(
                "{toml}\n[[site]]\nhost = \"app.example.com\"\nupstream = \"http://127.0.0.1:3000\""
            )
        };
        let host = host(&toml);
        let mut home = Home::new().await;
        let text = home.configuration(&toml, &host).await;
        let folder = home.folder.path();
        std::fs::write(folder.join("doorward.toml"), &text).expect("a configuration");
        println!("---- {place}\n{text}");
        let _ = run_in(folder, &["check", "--offline"]).await.exits(0);
        works(&home, &host, &toml).await;
    }
}

/// A stranger does not get in, and somebody with an account does.
async fn works(home: &Home, host: &str, toml: &str) {
    let only_tls = toml.contains("redirect_to_tls");
    // Other proxies only ask about it: here there is nothing to see.
    let only_asked = toml.contains("upstream = \"none\"");
    let at_portal = toml.contains(PORTAL);
    let folder = home.folder.path();
    let gateway = Gateway::unconfigured(folder).await;
    let add = [
        "user",
        "add",
        "anna@example.com",
        "--username",
        "anna",
        "--password-stdin",
    ];
    let _ = run_with(folder, &add, &format!("{PASSWORD}\n"))
        .await
        .exits(0);
    let plain = Visitor::at(gateway.gate()).on_host(host);
    let visitor = if only_tls {
        let answer = plain.clone().page("/some/page").await;
        assert_eq!(answer.status, 308, "{}", answer.text());
        Visitor::secure(home.tls, host, &home.authority, Speech::Http2)
    } else {
        plain.clone()
    };
    let answer = visitor.clone().page("/some/page").await;
    assert_eq!(answer.status, 302, "a stranger: {}", answer.text());
    assert_eq!(answer.location(), "/_auth/login?to=%2Fsome%2Fpage");
    let mut anna = visitor;
    if at_portal {
        let portal = Visitor::secure(home.tls, PORTAL, &home.authority, Speech::Http2);
        by_the_portal(&mut anna, portal).await;
    } else {
        anna.sign_in("anna", PASSWORD).await;
    }
    let page = anna.page("/").await;
    let expected = if only_asked { 404 } else { 200 };
    assert_eq!(page.status, expected, "signed in: {}", page.text());
    let elsewhere = plain.on_host("elsewhere.example.net").page("/").await;
    assert_eq!(elsewhere.status, 421);
}

/// Signs in on the portal's host, and comes back with a ticket.
async fn by_the_portal(anna: &mut Visitor, mut portal: Visitor) {
    let path = |location: &str| {
        let (_, rest) = location.split_once("://").expect("another host");
        let slash = rest.find('/').expect("a path");
        rest.split_at(slash).1.to_owned()
    };
    let asked = anna.page("/_auth/login?to=%2F").await.location().to_owned();
    assert!(asked.starts_with(&portal.origin()), "{asked}");
    portal.sign_in("anna", PASSWORD).await;
    let ticket = portal.page(&path(&asked)).await.location().to_owned();
    assert!(ticket.starts_with(&anna.origin()), "{ticket}");
    let back = anna.page(&path(&ticket)).await;
    assert_eq!(anna.page(back.location()).await.location(), "/");
}
