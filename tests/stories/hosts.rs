//! One sign-in for several hosts: `portal.url`, tickets, and the end of all of it at once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use doorward_tests::{Answer, PASSWORD, Plan, Site, Stack, Visitor, run_in, say, until};

use crate::two_factor::turn_on;

const PORTAL: &str = "auth.test";
const APP: &str = "app.test";
const WIKI: &str = "wiki.other.example";

/// What is over must be over within this, on every gateway.
const PROMISE: Duration = Duration::from_secs(1);

/// Two gateways; two domains and the portal's own host.
fn several_hosts(plan: Plan) -> Plan {
    plan.gateways(2)
        .section(&format!("[portal]\nurl = \"http://{PORTAL}\""))
        .site(
            Site::new()
                .host(APP)
                .rule("path = \"/vault/**\"\nallow = \"signed_in\"\nrequire = \"two_factor\"")
                .rule("allow = \"signed_in\""),
        )
        .site(Site::new().host("*.other.example"))
}

/// A browser: the cookies of each host apart. It comes to another gateway every time.
struct Surfer {
    hosts: BTreeMap<&'static str, Visitor>,
    turn: usize,
    /// Every address that it was sent to.
    seen: Vec<String>,
}

impl Surfer {
    fn at(stack: &Stack) -> Self {
        let on = |host| (host, stack.anon().on_host(host));
        Self {
            hosts: [PORTAL, APP, WIKI].map(on).into(),
            turn: 0,
            seen: Vec::new(),
        }
    }

    /// The one who visits `host`, at the gateway whose turn it is.
    fn on(&mut self, stack: &Stack, host: &str) -> &mut Visitor {
        self.turn += 1;
        let gateway = &stack.gateways[self.turn % stack.gateways.len()];
        let visitor = self.hosts.get_mut(host).expect("a known host");
        *visitor = visitor.also_at(gateway.gate());
        visitor
    }

    /// Opens a page and goes wherever it leads by itself; gives where that ended, and what was there.
    async fn open(&mut self, stack: &Stack, url: &str) -> (String, Answer) {
        let mut url = url.to_owned();
        loop {
            assert!(self.seen.len() < 100, "a circle: {:?}", self.seen);
            let (host, path) = split(&url);
            let (host, path) = (host.to_owned(), path.to_owned());
            let answer = self.on(stack, &host).page(&path).await;
            let next = match answer.status {
                302 | 303 => answer.location().to_owned(),
                200 if answer.text().contains("http-equiv=\"refresh\"") => refresh(&answer),
                _ => return (url, answer),
            };
            url = match next.strip_prefix('/') {
                Some(path) => format!("http://{host}/{path}"),
                None => next,
            };
            self.seen.push(url.clone());
        }
    }

    /// Opens a page as a stranger and signs in on the portal.
    async fn sign_in(&mut self, stack: &Stack, name: &str, url: &str) -> (String, Answer) {
        let (at, _) = self.open(stack, url).await;
        assert!(at.starts_with("http://auth.test/_auth/login?to="), "{at}");
        assert!(at.contains("&challenge="), "{at}");
        let fields = [("login", name), ("password", PASSWORD), ("to", url)];
        let answer = self.on(stack, PORTAL).form("/_auth/login", &fields).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        let next = format!("http://{PORTAL}{}", answer.location());
        self.open(stack, &next).await
    }

    async fn is_in(&mut self, stack: &Stack, host: &str) -> bool {
        self.on(stack, host).get("/_auth/api/me").await.status == 200
    }
}

fn split(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("http://").expect("an address");
    rest.split_at(rest.find('/').unwrap_or(rest.len()))
}

fn refresh(answer: &Answer) -> String {
    let text = answer.text();
    let (_, rest) = text.split_once("content=\"0; url=").expect("a way on");
    rest.split('"')
        .next()
        .expect("an end")
        .replace("&#38;", "&")
}

on_both_stores! {
    /// One sign-in, three cookies, on two gateways; one sign-out ends all of it within a second.
    async fn in_once_and_out_once(plan) {
        let stack = several_hosts(plan).start().await;
        stack.add_person("anna", &[]).await;
        let mut anna = Surfer::at(&stack);
        let (at, page) = anna.sign_in(&stack, "anna", "http://app.test/reports?q=1&r").await;
        assert_eq!((at.as_str(), page.status), ("http://app.test/reports?q=1&r", 200), "{}", page.text());
        let told = stack.echo.last();
        assert_eq!(told.one("Remote-User").as_deref(), Some("anna"));
        assert_eq!(told.one("Cookie"), None, "no cookie of ours");
        let (at, page) = anna.open(&stack, "http://wiki.other.example/start").await;
        assert_eq!((at.as_str(), page.status), ("http://wiki.other.example/start", 200));
        let tokens: Vec<_> = anna.hosts.values().map(|one| one.token().to_owned()).collect();
        assert!(tokens[0] != tokens[1] && tokens[1] != tokens[2] && tokens[0] != tokens[2]);
        let flows = anna.hosts.values().filter_map(Visitor::cookies);
        assert!(flows.into_iter().all(|cookies| !cookies.contains("doorward-flow")));

        // A cookie is worth nothing elsewhere, whoever carries it there.
        for host in [PORTAL, APP] {
            let mut thief = anna.hosts[WIKI].on_host(host);
            assert_eq!(thief.get("/_auth/api/me").await.status, 401, "{host}");
            assert_ne!(thief.page("/x").await.status, 200, "{host}");
        }

        let mut socket = anna.on(&stack, WIKI).websocket("/ws").await.expect("not refused");
        socket.is_alive().await;
        let before = Instant::now();
        let _ = anna.on(&stack, APP).sign_out().await;
        for host in [PORTAL, APP, WIKI] {
            until("nobody is signed in any more", PROMISE, async || {
                (!anna.is_in(&stack, host).await && !anna.is_in(&stack, host).await).then_some(())
            }).await;
        }
        say(&format!("three hosts at two gateways were left {:?} after one sign-out", before.elapsed()));
        let _ = socket.closed(Duration::from_secs(5)).await;
        let asked = stack.echo.count();
        let (at, _) = anna.open(&stack, "http://wiki.other.example/start").await;
        assert!(at.starts_with("http://auth.test/_auth/login?"), "{at}");
        assert_eq!(stack.echo.count(), asked);

        let secrets = anna.seen.iter().filter_map(|url| url.split_once("handover?t="));
        let secrets: Vec<_> = secrets.filter_map(|(_, rest)| rest.get(..43)).collect();
        assert_eq!(secrets.len(), 2);
        for gateway in &stack.gateways {
            let log = gateway.log();
            assert!(log.contains("/_auth/handover"), "a positive twin");
            assert!(secrets.iter().all(|secret| !log.contains(secret)), "a ticket is in the log");
        }
    }

    /// A rule that asks for a second factor leads through the portal, and back with a session that has it.
    async fn a_second_factor_on_the_way(plan) {
        let stack = several_hosts(plan).start().await;
        stack.add_person("bob", &[]).await;
        let mut bob = Surfer::at(&stack);
        let (_, page) = bob.sign_in(&stack, "bob", "http://app.test/page").await;
        assert_eq!(page.status, 200);
        let (at, page) = bob.open(&stack, "http://app.test/vault/gold").await;
        assert!(at.starts_with("http://auth.test/_auth/login/code?to="), "{at}");
        assert_eq!(page.status, 403, "he has none yet");
        let (mut app, _) = turn_on(bob.on(&stack, PORTAL)).await;
        let (at, page) = bob.open(&stack, "http://app.test/vault/gold").await;
        assert_eq!((at.as_str(), page.status), ("http://app.test/vault/gold", 200), "{}", page.text());

        // From the beginning: password, code, and there.
        let mut again = Surfer::at(&stack);
        let (at, _) = again.sign_in(&stack, "bob", "http://app.test/vault/gold").await;
        assert!(at.starts_with("http://auth.test/_auth/login/code?to="), "{at}");
        assert!(!again.is_in(&stack, APP).await);
        let code = app.code();
        let fields = [("code", &*code), ("to", "http://app.test/vault/gold")];
        let answer = again.on(&stack, PORTAL).form("/_auth/login/code", &fields).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        let next = format!("http://{PORTAL}{}", answer.location());
        let (at, page) = again.open(&stack, &next).await;
        assert_eq!((at.as_str(), page.status), ("http://app.test/vault/gold", 200));
    }

    /// Tickets that are on their way while somebody signs out at another gateway lead nowhere.
    async fn a_sign_out_beats_every_ticket(plan) {
        let stack = several_hosts(plan).start().await;
        stack.add_person("anna", &[]).await;
        for round in 0..8 {
            let mut anna = Surfer::at(&stack);
            anna.on(&stack, PORTAL).sign_in("anna", PASSWORD).await;
            let asked = anna.on(&stack, WIKI).page("/_auth/login?to=%2Fx").await;
            let given = anna.on(&stack, PORTAL).page(split(asked.location()).1).await;
            let ticket = split(given.location()).1.to_owned();
            assert!(ticket.starts_with("/_auth/handover?t="), "{ticket}");
            let (mut portal, mut wiki) = (anna.on(&stack, PORTAL).clone(), anna.on(&stack, WIKI).clone());
            if round % 2 == 0 {
                let _ = tokio::join!(portal.sign_out(), wiki.page(&ticket));
            } else {
                let _ = tokio::join!(wiki.page(&ticket), portal.sign_out());
            }
            let listed = stack.command(&["session", "list", "anna", "--json"]).await.exits(0);
            assert_eq!(listed.out.trim(), "[]", "round {round}");
            until("nobody is signed in", PROMISE, async || (wiki.get("/_auth/api/me").await.status == 401).then_some(())).await;
        }
    }

    /// In the lists a sign-in is one, and whoever ends one ends it everywhere.
    async fn one_line_in_every_list(plan) {
        let stack = several_hosts(plan).start().await;
        stack.add_person("anna", &[]).await;
        let mut here = Surfer::at(&stack);
        let mut there = Surfer::at(&stack);
        for one in [&mut here, &mut there] {
            let _ = one.sign_in(&stack, "anna", "http://app.test/").await;
            let _ = one.open(&stack, "http://wiki.other.example/").await;
            assert!(one.is_in(&stack, WIKI).await);
        }
        let listed = stack.command(&["session", "list", "anna", "--json"]).await.exits(0);
        let listed: serde_json::Value = serde_json::from_str(&listed.out).expect("json");
        assert_eq!(listed.as_array().map(Vec::len), Some(2), "{listed}");
        assert_eq!(listed[0]["hosts"], serde_json::json!([APP, WIKI]));
        let page = here.on(&stack, PORTAL).page("/_auth/account").await.text();
        assert_eq!(page.matches("app.test, wiki.other.example").count(), 2, "{page}");
        let (_, rest) = page.split_once("name=\"id\" value=\"").expect("another device");
        let id = rest.split('"').next().expect("an id").to_owned();
        let answer = here.on(&stack, PORTAL).form("/_auth/account/sessions/revoke", &[("id", &*id)]).await;
        assert_eq!(answer.status, 303);
        for host in [PORTAL, APP, WIKI] {
            until("the other browser is out", PROMISE, async || (!there.is_in(&stack, host).await).then_some(())).await;
            assert!(here.is_in(&stack, host).await, "{host}");
        }
        let listed = stack.command(&["session", "list", "anna", "--json"]).await.exits(0);
        let listed: serde_json::Value = serde_json::from_str(&listed.out).expect("json");
        let id = listed[0]["id"].as_str().expect("an id").to_owned();
        let one = stack.command(&["session", "list", "--id", &id, "--json"]).await.exits(0);
        let one: serde_json::Value = serde_json::from_str(&one.out).expect("JSON");
        assert_eq!((one.as_array().map(Vec::len), one[0]["user"].as_str()), (Some(1), Some("anna")));
        let _ = stack.command(&["session", "revoke", "--id", &id]).await.exits(0);
        for host in [PORTAL, APP, WIKI] {
            until("everybody is out", PROMISE, async || (!here.is_in(&stack, host).await).then_some(())).await;
        }
    }
}

/// Who works on one host is not idle on the portal, and comes to another one without a password.
#[tokio::test]
async fn who_is_busy_on_one_host_is_signed_in() {
    let idle = Duration::from_secs(2);
    let plan = several_hosts(Stack::new()).section("[session]\nidle = \"2s\"");
    let stack = plan.start().await;
    stack.add_person("anna", &[]).await;
    let mut anna = Surfer::at(&stack);
    let _ = anna.sign_in(&stack, "anna", "http://app.test/page").await;
    let before = Instant::now();
    until("longer than idle", idle * 3, async || {
        let page = anna.on(&stack, APP).page("/page").await;
        assert_eq!(page.status, 200);
        (before.elapsed() > idle + idle / 2).then_some(())
    })
    .await;
    let (at, page) = anna.open(&stack, "http://wiki.other.example/start").await;
    assert_eq!(
        (at.as_str(), page.status),
        ("http://wiki.other.example/start", 200)
    );
    let _ = anna.on(&stack, WIKI).sign_out().await;
    until("all are over", PROMISE, async || {
        (!anna.is_in(&stack, APP).await).then_some(())
    })
    .await;
}

/// The portal's own host has the portal and nothing else; what nobody names is no host.
#[tokio::test]
async fn the_portal_has_a_host_of_its_own() {
    let stack = several_hosts(Stack::new()).gateways(1).start().await;
    stack.add_person("anna", &[]).await;
    let mut anna = stack.anon().on_host(PORTAL);
    let answer = anna.page("/").await;
    assert_eq!((answer.status, answer.location()), (302, "/_auth/account"));
    assert_eq!(anna.page("/_auth/account").await.location(), "/_auth/login");
    for path in ["/x", "/vault/gold", "/index.html"] {
        assert_eq!(anna.page(path).await.status, 404, "{path}");
    }
    anna.sign_in("anna", PASSWORD).await;
    assert_eq!(anna.page("/_auth/account").await.status, 200);
    assert_eq!(anna.page("/x").await.status, 404);
    assert_eq!(stack.echo.count(), 0);
    for host in ["other.example", "auth.test.evil.test", "xapp.test"] {
        let answer = anna.on_host(host).page("/_auth/login").await;
        assert_eq!(answer.status, 421, "{host}");
    }
    // Where one may be sent is judged at the gate of the portal, whatever was asked for.
    for to in [
        "https://evil.test/",
        "http://evil.test/",
        "http://app.test:8080/",
        "http://app.test@evil.test/",
        "http://other.example/",
        "//app.test/",
    ] {
        let fields = [("login", "anna"), ("password", PASSWORD), ("to", to)];
        assert_eq!(
            anna.form("/_auth/login", &fields).await.location(),
            "/",
            "{to}"
        );
    }
}

/// `check` says it where a site shares an origin with the sign-in of others.
#[tokio::test]
async fn a_site_on_the_portals_host_is_warned_of() {
    for (hosts, warns) in [
        (&["auth.test", "app.test"][..], true),
        (&["app.test", "wiki.test"], false),
        (&["auth.test"], false),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let sites = hosts
            .iter()
            .map(|host| format!("[[site]]\nhost = \"{host}\"\nupstream = \"none\"\n"));
        let text = format!(
            "[portal]\nurl = \"https://auth.test\"\n{}",
            sites.collect::<String>()
        );
        std::fs::write(folder.path().join("doorward.toml"), text).expect("written");
        let ran = run_in(folder.path(), &["check", "--offline"])
            .await
            .exits(0);
        let said = "the site auth.test is on auth.test, the host of portal.url";
        assert_eq!(ran.err.contains(said), warns, "{hosts:?}: {}", ran.err);
    }
}
