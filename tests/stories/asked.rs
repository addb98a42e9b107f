//! Other proxies that only ask: the decision is the one that the request itself would have got here.
//!
//! What real proxies make of it is in `behind`; here every question is written byte for byte.

mod contract;
mod portal_host;
mod same;

use doorward_tests::{Ask, PASSWORD, Plan, Site, Stack, Visitor};

/// How a proxy asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    AuthRequest,
    ForwardAuth,
    ExtAuthz,
}

const DIALECTS: [Dialect; 3] = [
    Dialect::AuthRequest,
    Dialect::ForwardAuth,
    Dialect::ExtAuthz,
];

/// A request as a browser or a program would send it to the site.
#[derive(Clone, Debug)]
struct Row {
    method: &'static str,
    host: &'static str,
    target: &'static str,
    headers: Vec<(&'static str, String)>,
}

impl Row {
    fn new(method: &'static str, host: &'static str, target: &'static str) -> Self {
        Self {
            method,
            host,
            target,
            headers: Vec::new(),
        }
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn page(self) -> Self {
        self.header("Accept", "text/html")
            .header("Sec-Fetch-Mode", "navigate")
    }

    fn dressed(&self, ask: Ask) -> Ask {
        let headers = self.headers.iter();
        headers.fold(ask, |ask, (name, value)| ask.header(name, value))
    }

    /// The request itself, through a proxy that passes everything on.
    fn itself(&self) -> Ask {
        let ask = Ask::new(self.method, self.target)
            .header("Host", self.host)
            .header("X-Forwarded-Proto", "http");
        self.dressed(ask)
    }

    /// The question whether it may go on.
    fn question(&self, dialect: Dialect) -> Ask {
        let (host, target) = (self.host, self.target);
        let ask = match dialect {
            Dialect::AuthRequest => Ask::get("/_auth/authz/auth-request")
                .header("Host", "doorward.internal")
                .header("X-Original-URL", &format!("http://{host}{target}"))
                .header("X-Original-Method", self.method),
            Dialect::ForwardAuth => Ask::get("/_auth/authz/forward-auth")
                .header("Host", "doorward.internal:8080")
                .header("X-Forwarded-Method", self.method)
                .header("X-Forwarded-Proto", "http")
                .header("X-Forwarded-Host", host)
                .header("X-Forwarded-Uri", target),
            Dialect::ExtAuthz => Ask::new(self.method, &format!("/_auth/authz/ext-authz{target}"))
                .header("Host", host)
                .header("X-Forwarded-Proto", "http"),
        };
        self.dressed(ask)
    }
}

fn plan() -> Plan {
    let app = Site::new()
        .host("app.test")
        .rule("path = \"/office/**\"\nfrom = [\"10.0.0.0/8\"]\nallow = \"anyone\"")
        .rule("path = \"/read/**\"\nmethods = [\"GET\", \"HEAD\"]\nallow = \"anyone\"")
        .rule("path = \"/read/**\"\nallow = [\"role:admin\"]")
        .rule("path = \"/two/**\"\nrequire = \"two_factor\"\nallow = \"signed_in\"")
        .usual_rules();
    let loose = Site::new()
        .host("*.loose.test")
        .line("paths = \"relaxed\"")
        .line("identity = \"x-auth-request\"")
        .rule("path = \"/public/**\"\nallow = \"anyone\"")
        .rule("path = \"/admin/**\"\nallow = [\"role:admin\"]")
        .rule("allow = \"signed_in\"");
    let programs = Site::new()
        .host("programs.test")
        .line("on_unauthenticated = \"401\"");
    let pages = Site::new()
        .host("pages.test")
        .line("on_unauthenticated = \"redirect\"");
    Stack::new()
        .server("trusted_proxies = [\"127.0.0.1/32\"]")
        .site(app)
        .site(loose)
        .site(programs)
        .site(pages)
}

/// A new person, signed in on the site's host.
async fn signed_in(stack: &Stack, name: &str, more: &[&str]) -> Visitor {
    stack.add_person(name, more).await;
    let mut visitor = stack.anon().on_host("app.test");
    visitor.sign_in(name, PASSWORD).await;
    visitor
}
