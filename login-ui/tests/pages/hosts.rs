//! One sign-in for several hosts: from a site to the portal, back with a ticket, and out of all of them at once.

use std::collections::BTreeMap;

use doorward_config::{HostPattern, Site, Upstream, Url};
use jiff::SignedDuration;

use crate::browser::{Browser, Page};
use crate::house::{House, PASSWORD};

const PORTAL: &str = "auth.example.com";
const APP: &str = "app.example.com";
const WIKI: &str = "wiki.other.test";

async fn several_hosts() -> House {
    let house = House::configured(|live| {
        live.portal.url = Url::parse("https://auth.example.com").ok();
        live.sites = vec![
            Site::new(HostPattern::Exact(APP.to_owned()), Upstream::None),
            Site::new(HostPattern::Under("other.test".to_owned()), Upstream::None),
            Site::new(HostPattern::Any, Upstream::None),
        ];
    })
    .await;
    house.add("anna").await;
    house
}

/// A browser that keeps the cookies of each host apart.
struct Surfer(BTreeMap<&'static str, Browser>);

impl Surfer {
    fn at(house: &House) -> Self {
        let on = |host| {
            let mut browser = house.browser();
            browser.host = host;
            (host, browser)
        };
        Self([PORTAL, APP, WIKI, "nobody.test"].map(on).into())
    }

    fn on(&mut self, host: &str) -> &mut Browser {
        self.0.get_mut(host).unwrap()
    }

    async fn open(&mut self, url: &str) -> Page {
        let (host, path) = split(url);
        self.on(host).get(path).await
    }

    /// Follows every redirect, and every page that leads on by itself; gives where it ended, and how.
    async fn follow(&mut self, mut url: String) -> (String, Page) {
        for _ in 0..12 {
            let (host, path) = split(&url);
            if !path.starts_with("/_auth") {
                let nothing = self.on(host).get("/_auth/api/me").await;
                return (url, nothing);
            }
            let page = self.open(&url).await;
            let next = match (page.status, refresh(&page)) {
                (303, _) => page.location().to_owned(),
                (_, Some(next)) => next,
                _ => return (url, page),
            };
            url = match next.strip_prefix('/') {
                Some(path) => format!("https://{host}/{path}"),
                None => next,
            };
        }
        panic!("a circle at {url}");
    }

    /// Opens a page of a site as a stranger does, and signs in on the portal.
    async fn sign_in(&mut self, url: &str) -> (String, Page) {
        let (host, path) = split(url);
        let start = format!("https://{host}/_auth/login?to={path}");
        let (at, page) = self.follow(start).await;
        assert!(
            at.starts_with("https://auth.example.com/_auth/login?to="),
            "{at}"
        );
        let form = page.form("/_auth/login");
        let form = form.fill("login", "anna").fill("password", PASSWORD);
        let answer = self.on(PORTAL).submit(&form).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        assert!(
            answer.location().starts_with("/_auth/leave?to="),
            "{}",
            answer.location()
        );
        self.follow(format!("https://{PORTAL}{}", answer.location()))
            .await
    }

    async fn is_in(&mut self, host: &str) -> bool {
        self.on(host).get("/_auth/api/me").await.status == 200
    }
}

fn split(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("https://").unwrap();
    let slash = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(slash);
    (host, if path.is_empty() { "/" } else { path })
}

fn refresh(page: &Page) -> Option<String> {
    let (_, rest) = page.text.split_once("content=\"0; url=")?;
    Some(rest.split_once('"')?.0.replace("&#38;", "&"))
}

#[tokio::test]
async fn one_sign_in_is_enough_and_one_sign_out_too() {
    let house = several_hosts().await;
    let mut anna = Surfer::at(&house);
    let (at, me) = anna.sign_in("https://app.example.com/reports").await;
    assert_eq!(
        (at.as_str(), me.status),
        ("https://app.example.com/reports", 200)
    );
    let (at, me) = anna
        .follow(format!(
            "https://{WIKI}/_auth/login?to=%2Fstart%3Fa%3Db%26c"
        ))
        .await;
    assert_eq!(
        (at.as_str(), me.status),
        ("https://wiki.other.test/start?a=b&c", 200)
    );
    let tokens: Vec<_> = [PORTAL, APP, WIKI]
        .map(|host| anna.on(host).jar.clone())
        .into();
    for jar in &tokens {
        assert_eq!(
            jar.keys().collect::<Vec<_>>(),
            ["__Host-doorward"],
            "and no flow is left"
        );
    }
    assert!(tokens[0] != tokens[1] && tokens[1] != tokens[2] && tokens[0] != tokens[2]);

    let form = anna
        .on(WIKI)
        .get("/_auth/logout")
        .await
        .form("/_auth/logout");
    let out = anna.on(WIKI).submit(&form).await;
    assert_eq!((out.status, out.location()), (303, "/"));
    for host in [PORTAL, APP, WIKI] {
        assert!(!anna.is_in(host).await, "{host}");
    }
    let (at, _) = anna
        .follow(format!("https://{APP}/_auth/login?to=/x"))
        .await;
    assert!(
        at.starts_with("https://auth.example.com/_auth/login?"),
        "{at}"
    );
}

#[tokio::test]
async fn nothing_but_the_way_to_the_portal_is_on_the_others() {
    let house = several_hosts().await;
    let mut surfer = Surfer::at(&house);
    for page in [
        "register",
        "recover",
        "verify",
        "account",
        "login/code",
        "setup",
        "recover/code",
        "leave",
    ] {
        let answer = surfer.on(APP).get(&format!("/_auth/{page}")).await;
        let expected = format!("https://auth.example.com/_auth/{page}");
        assert_eq!(
            (answer.status, answer.location()),
            (303, expected.as_str()),
            "{page}"
        );
    }
    let answer = surfer
        .on(APP)
        .get("/_auth/register?invite=a%26b&to=%2Fx")
        .await;
    assert_eq!(
        answer.location(),
        "https://auth.example.com/_auth/register?invite=a%26b&to=https%3A%2F%2Fapp%2Eexample%2Ecom%2Fx"
    );
    for (page, fields) in [
        ("login", &[("login", "anna"), ("password", PASSWORD)][..]),
        (
            "register",
            &[("email", "x@example.com"), ("password", PASSWORD)],
        ),
        ("recover", &[("email", "anna@example.com")]),
        ("account/delete", &[("current", PASSWORD)]),
    ] {
        let answer = surfer.on(APP).post(&format!("/_auth/{page}"), fields).await;
        assert_eq!(answer.status, 403, "{page}");
        assert!(answer.text.contains("You sign in elsewhere"), "{page}");
        assert!(surfer.on(APP).jar.is_empty());
    }
    for (path, status) in [
        ("api/me", 401),
        ("jwks.json", 200),
        ("logout", 200),
        ("nothing", 404),
    ] {
        let answer = surfer.on(APP).get(&format!("/_auth/{path}")).await;
        assert_eq!(answer.status, status, "{path}");
    }
}

/// There are no tickets for it, either.
#[tokio::test]
async fn a_host_that_nobody_names_signs_in_by_itself() {
    let house = several_hosts().await;
    let mut surfer = Surfer::at(&house);
    let own = surfer.on("nobody.test").get("/_auth/login?to=/x").await;
    assert_eq!(own.status, 200);
    let own = surfer.on("nobody.test").sign_in("anna", PASSWORD).await;
    assert_eq!((own.status, own.location()), (303, "/"));
    for host in ["nobody.test", PORTAL] {
        assert_eq!(
            surfer.on(host).get("/_auth/handover?to=/x").await.status,
            404,
            "{host}"
        );
    }
}

#[tokio::test]
async fn a_ticket_is_worth_nothing_in_another_browser_or_on_another_host() {
    let house = several_hosts().await;
    let mut anna = Surfer::at(&house);
    let _ = anna.sign_in("https://app.example.com/").await;
    // She is on her way to the wiki; somebody reads the address.
    let ask = anna.on(WIKI).get("/_auth/login?to=/x").await;
    let flow = anna
        .on(WIKI)
        .jar
        .get("__Host-doorward-flow")
        .unwrap()
        .clone();
    assert!(!ask.location().contains(&flow));
    let answer = anna.open(ask.location()).await;
    let ticket = answer.location().to_owned();
    assert!(
        ticket.starts_with("https://wiki.other.test/_auth/handover?t="),
        "{ticket}"
    );
    for name in ["referrer-policy", "cache-control"] {
        let expected = if name == "cache-control" {
            "no-store"
        } else {
            "no-referrer"
        };
        assert_eq!(answer.header(name), Some(expected));
    }

    let mut thief = Surfer::at(&house);
    let (at, stolen) = thief.follow(ticket.clone()).await;
    assert!(
        at.starts_with("https://auth.example.com/_auth/login?"),
        "{at}"
    );
    assert_eq!(stolen.status, 200, "he may sign in himself");
    assert!(!thief.is_in(WIKI).await);
    // One with a flow of his own.
    let _ = thief.on(WIKI).get("/_auth/login?to=/x").await;
    let stolen = thief.open(&ticket).await;
    assert_eq!(stolen.location(), "/_auth/handover?to=%2Fx&again=1");
    let stolen = thief.open(&format!("{ticket}&again=1")).await;
    assert_eq!(stolen.status, 403, "{}", stolen.text);
    assert!(!thief.is_in(WIKI).await && thief.on(WIKI).token().is_none());
    // On another host, with the same cookie there.
    anna.on(APP).jar.clear();
    anna.on(APP)
        .jar
        .insert("__Host-doorward-flow".to_owned(), flow);
    let elsewhere = anna.open(&ticket.replace(WIKI, APP)).await;
    assert_eq!(elsewhere.location(), "/_auth/handover?to=%2Fx&again=1");
    assert!(!anna.is_in(APP).await);

    let (at, me) = anna.follow(ticket.clone()).await;
    assert_eq!((at.as_str(), me.status), ("https://wiki.other.test/x", 200));
    // Back, in the same browser: there already, or there again.
    for wait in [0, 5, 6] {
        house.clock.advance(SignedDuration::from_mins(wait));
        let (at, me) = anna.follow(ticket.clone()).await;
        assert_eq!((at.as_str(), me.status), ("https://wiki.other.test/x", 200));
    }
    // What somebody took from one host is nothing on another.
    let token = anna.on(WIKI).token().unwrap().clone();
    for host in [PORTAL, APP, "nobody.test"] {
        anna.on(host)
            .jar
            .insert("__Host-doorward".to_owned(), token.clone());
        assert!(!anna.is_in(host).await, "{host}");
    }
}

#[tokio::test]
async fn without_cookies_it_ends_on_a_page_that_says_so() {
    let house = several_hosts().await;
    let mut anna = Surfer::at(&house);
    let _ = anna.sign_in("https://app.example.com/").await;
    let ask = anna.on(WIKI).get("/_auth/login?to=/x").await;
    let ticket = anna.open(ask.location()).await.location().to_owned();
    // A browser that keeps nothing on that host: asked for once more, and no more.
    let mut url = ticket;
    let page = loop {
        anna.on(WIKI).jar.clear();
        let page = anna.open(&url).await;
        if page.status != 303 {
            break page;
        }
        url = match page.location().strip_prefix('/') {
            Some(path) => format!("https://{WIKI}/{path}"),
            None => page.location().to_owned(),
        };
    };
    assert!(url.ends_with("&again=1"), "{url}");
    assert_eq!(page.status, 403);
    assert!(page.text.contains("keeps no cookies") && page.text.contains("r-42"));
    assert!(
        page.text.contains("href=\"/_auth/login?to=%2Fx\""),
        "{}",
        page.text
    );
    // A session's cookie that does not come back.
    let page = anna.on(WIKI).get("/_auth/handover?to=%2Fx&done=1").await;
    assert_eq!(page.status, 403);
    let head = anna
        .on(WIKI)
        .ask("HEAD", "/_auth/handover?t=x", None, String::new())
        .await;
    assert_eq!(head.status, 405, "looking uses nothing up");
}

#[tokio::test]
async fn two_tabs_at_once_both_arrive() {
    let house = several_hosts().await;
    let mut anna = Surfer::at(&house);
    let _ = anna.sign_in("https://app.example.com/").await;
    for setting_out in ["one after the other", "at the same moment"] {
        two_tabs(&mut anna, setting_out == "at the same moment").await;
        anna.on(WIKI).jar.clear();
    }
}

async fn two_tabs(anna: &mut Surfer, at_once: bool) {
    let mut tickets = Vec::new();
    for to in ["/one", "/two"] {
        if at_once {
            // Neither has seen the other's cookie.
            anna.on(WIKI).jar.clear();
        }
        let ask = anna.on(WIKI).get(&format!("/_auth/login?to={to}")).await;
        tickets.push(anna.open(ask.location()).await.location().to_owned());
    }
    for (ticket, to) in tickets.into_iter().zip(["/one", "/two"]) {
        let (at, me) = anna.follow(ticket).await;
        assert_eq!((at, me.status), (format!("https://{WIKI}{to}"), 200));
    }
}

/// The second try of one tab, while another one succeeds.
#[tokio::test]
async fn a_tab_that_is_late_twice_arrives_by_what_another_has_brought() {
    let house = several_hosts().await;
    let mut anna = Surfer::at(&house);
    let _ = anna.sign_in("https://app.example.com/").await;
    let (_, me) = anna
        .follow(format!("https://{WIKI}/_auth/login?to=/one"))
        .await;
    assert_eq!(me.status, 200);
    let late = format!(
        "https://{WIKI}/_auth/handover?t={}&to=/two&again=1",
        "A".repeat(43)
    );
    let page = anna.open(&late).await;
    assert_eq!((page.status, page.location()), (303, "/two"));
    house.clock.advance(SignedDuration::from_secs(11));
    assert_eq!(anna.open(&late).await.status, 403, "no circle");
}

#[tokio::test]
async fn a_remembered_sign_in_is_remembered_everywhere() {
    let house = several_hosts().await;
    let mut anna = Surfer::at(&house);
    let (_, page) = anna
        .follow(format!("https://{APP}/_auth/login?to=/x"))
        .await;
    let form = page.form("/_auth/login").fill("login", "anna");
    let form = form.fill("password", PASSWORD).fill("remember", "on");
    let answer = anna.on(PORTAL).submit(&form).await;
    let month = 30 * 24 * 3600;
    assert!(
        answer
            .header("set-cookie")
            .unwrap()
            .ends_with(&format!("Max-Age={month}"))
    );
    house.clock.advance(SignedDuration::from_hours(24));
    let ask = anna.on(APP).get("/_auth/login?to=/x").await;
    let ticket = anna.open(ask.location()).await.location().to_owned();
    let answer = anna.open(&ticket).await;
    let kept = answer.header("set-cookie").unwrap();
    assert!(
        kept.ends_with(&format!("Max-Age={}", month - 24 * 3600)),
        "{kept}"
    );
}

/// What the operator forgot must not become a circle.
#[tokio::test]
async fn a_host_that_cannot_be_come_back_to_says_so() {
    let house = several_hosts().await;
    let mut surfer = Surfer::at(&house);
    surfer.on(APP).scheme = "http";
    for page in ["login?to=/x", "handover?to=/x", "login/code?to=/x"] {
        let answer = surfer.on(APP).get(&format!("/_auth/{page}")).await;
        assert_eq!(answer.status, 403, "{page}");
        assert!(answer.text.contains("You can’t sign in at this address"));
    }
    // The portal itself, over the wrong scheme, is still where people sign in.
    surfer.on(PORTAL).scheme = "http";
    assert_eq!(surfer.on(PORTAL).get("/_auth/login").await.status, 200);
}

#[tokio::test]
async fn where_one_is_sent_from_the_portal_is_judged_each_time() {
    let house = several_hosts().await;
    let mut anna = Surfer::at(&house);
    anna.on(PORTAL).sign_in("anna", PASSWORD).await;
    for (to, location) in [
        (
            "https://app.example.com/a",
            "https://app.example.com/_auth/handover?to=%2Fa",
        ),
        (
            "https://wiki.other.test",
            "https://wiki.other.test/_auth/handover?to=%2F",
        ),
        ("https://nobody.test/a", "/"),
        ("https://evil.test/", "/"),
        ("https://app.example.com/_auth/logout", "/"),
        ("/x", "/x"),
    ] {
        let page = anna.on(PORTAL).get(&format!("/_auth/login?to={to}")).await;
        assert_eq!((page.status, page.location()), (303, location), "{to}");
        let left = anna.on(PORTAL).get(&format!("/_auth/leave?to={to}")).await;
        if location.starts_with("https") {
            assert_eq!(refresh(&left).as_deref(), Some(location));
        } else {
            assert_eq!((left.status, left.location()), (303, location), "{to}");
        }
        let form = [("login", "anna"), ("password", PASSWORD), ("to", to)];
        let page = anna.on(PORTAL).post("/_auth/login", &form).await;
        assert!(
            page.location().starts_with('/') && !page.location().starts_with("//"),
            "{to}"
        );
    }
    let challenge = "A".repeat(43);
    for to in [
        "https://evil.test/",
        "https://nobody.test/",
        "https://app.example.com:444/",
    ] {
        let target = format!("/_auth/login?to={to}&challenge={challenge}");
        assert_eq!(anna.on(PORTAL).get(&target).await.location(), "/", "{to}");
    }
    let mut stranger = Surfer::at(&house);
    let left = stranger
        .on(PORTAL)
        .get("/_auth/leave?to=https://evil.test/")
        .await;
    assert_eq!((left.status, left.location()), (303, "/"));
}
