use doorward_config::OnUnauthenticated::{Auto, Redirect, Unauthorized};

use super::*;

const NAVIGATE: (&str, &str) = ("Sec-Fetch-Mode", "navigate");
const HTML: (&str, &str) = ("Accept", "text/html,*/*;q=0.8");
const REFERRED: (&str, &str) = ("Referer", "http://app.test:8080/form?id=3#top");

struct Ask {
    request: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    site: OnUnauthenticated,
    bearer: Bearer,
}

fn ask(request: &'static str, headers: &[(&'static str, &'static str)]) -> Ask {
    Ask {
        request,
        headers: headers.to_vec(),
        site: Auto,
        bearer: Bearer::None,
    }
}

fn answered(ask: &Ask) -> Answer {
    let (method, target) = ask.request.split_once(' ').unwrap();
    let mut request = RequestHeader::build(method, target.as_bytes(), None).unwrap();
    for (name, value) in &ask.headers {
        request.append_header(*name, *value).unwrap();
    }
    answer(&Asking {
        request: &request,
        scheme: Scheme::Http,
        host: &Host::parse(b"app.test:8080").unwrap(),
        portal: "/_auth",
        on_unauthenticated: ask.site,
        bearer: ask.bearer,
    })
}

fn redirect(status: u16, to: &str) -> Answer {
    Answer::Redirect {
        status: StatusCode::from_u16(status).unwrap(),
        location: format!("/_auth/login?to={to}"),
    }
}

fn unauthorized(to: &str) -> Answer {
    Answer::Unauthorized {
        login_url: format!("/_auth/login?to={to}"),
        bearer: Bearer::None,
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_row_of_the_table() {
    let get = "GET /secret.html";
    let secret = "%2Fsecret.html";
    for (case, expected) in [
        // The site decides first.
        (
            Ask {
                site: Redirect,
                ..ask(get, &[("Sec-Fetch-Mode", "cors")])
            },
            redirect(302, secret),
        ),
        (
            Ask {
                site: Redirect,
                bearer: Bearer::Bad,
                ..ask(get, &[])
            },
            redirect(302, secret),
        ),
        (
            Ask {
                site: Redirect,
                ..ask(get, &[("Upgrade", "websocket")])
            },
            redirect(302, secret),
        ),
        (
            Ask {
                site: Unauthorized,
                ..ask(get, &[NAVIGATE, HTML])
            },
            unauthorized(secret),
        ),
        // A WebSocket.
        (
            ask(get, &[("Upgrade", "websocket"), NAVIGATE]),
            unauthorized(secret),
        ),
        (ask(get, &[("Upgrade", "h2c"), HTML]), redirect(302, secret)),
        // What the browser says.
        (ask(get, &[NAVIGATE]), redirect(302, secret)),
        (
            ask(get, &[NAVIGATE, ("X-Requested-With", "x")]),
            redirect(302, secret),
        ),
        (
            ask(get, &[NAVIGATE, ("Accept", "application/json")]),
            redirect(302, secret),
        ),
        (ask("HEAD /secret.html", &[NAVIGATE]), redirect(302, secret)),
        (ask("POST /send", &[NAVIGATE]), redirect(303, "%2F")),
        (
            ask(get, &[("Sec-Fetch-Mode", "cors"), HTML]),
            unauthorized(secret),
        ),
        (
            ask(get, &[("Sec-Fetch-Mode", "no-cors"), HTML]),
            unauthorized(secret),
        ),
        (
            ask(get, &[("Sec-Fetch-Mode", "same-origin"), HTML]),
            unauthorized(secret),
        ),
        (
            ask(get, &[("Sec-Fetch-Mode", "websocket"), HTML]),
            unauthorized(secret),
        ),
        // What a script says.
        (
            ask(get, &[("X-Requested-With", "XMLHttpRequest"), HTML]),
            unauthorized(secret),
        ),
        (
            ask(get, &[("Accept", "application/json")]),
            unauthorized(secret),
        ),
        (ask(get, &[("Accept", "*/*")]), unauthorized(secret)),
        // Everybody else.
        (ask(get, &[HTML]), redirect(302, secret)),
        (ask(get, &[]), redirect(302, secret)),
        (ask("DELETE /x", &[HTML]), redirect(303, "%2F")),
        (ask("OPTIONS /x", &[HTML]), redirect(303, "%2F")),
    ] {
        assert_eq!(
            answered(&case),
            expected,
            "{} {:?}",
            case.request,
            case.headers
        );
    }
}

#[test]
fn a_bad_token_is_challenged_not_redirected() {
    let bad = Ask {
        bearer: Bearer::Bad,
        ..ask("GET /x", &[NAVIGATE, HTML])
    };
    let Answer::Unauthorized { bearer, .. } = answered(&bad) else {
        panic!("redirected");
    };
    assert_eq!(
        bearer.challenge(),
        r#"Bearer realm="doorward", error="invalid_token""#
    );
    assert_eq!(Bearer::None.challenge(), r#"Bearer realm="doorward""#);
}

#[test]
fn where_the_login_page_leads_back_to() {
    for (request, headers, to) in [
        (
            "GET /a?b=c&d=%2F",
            &[NAVIGATE][..],
            "%2Fa%3Fb%3Dc%26d%3D%252F",
        ),
        ("GET /~user/a-b_c.d", &[NAVIGATE], "%2F~user%2Fa-b_c.d"),
        ("GET /a", &[NAVIGATE, REFERRED], "%2Fa"),
        // Only of this host, whoever reads it.
        ("GET //evil.test/", &[NAVIGATE], "%2F"),
        // A page of the portal would be a circle.
        ("GET /_auth/login", &[NAVIGATE], "%2F"),
        ("GET /_auth", &[NAVIGATE], "%2F"),
        ("GET /_authors", &[NAVIGATE], "%2F_authors"),
        // A form comes back to its page.
        ("POST /send", &[NAVIGATE, REFERRED], "%2Fform%3Fid%3D3"),
        (
            "POST /send",
            &[NAVIGATE, ("Referer", "http://app.test:8080")],
            "%2F",
        ),
        (
            "POST /send",
            &[NAVIGATE, ("Referer", "http://app.test:8080/_auth/account")],
            "%2F",
        ),
        (
            "POST /send",
            &[NAVIGATE, ("Referer", "http://evil.test/form")],
            "%2F",
        ),
        (
            "POST /send",
            &[NAVIGATE, ("Referer", "http://app.test/form")],
            "%2F",
        ),
        ("POST /send", &[NAVIGATE, ("Referer", "/form")], "%2F"),
        (
            "POST /send",
            &[NAVIGATE, ("Referer", "http://app.test:8080//evil.test")],
            "%2F",
        ),
        (
            "POST /send",
            &[NAVIGATE, ("Referer", "http://app.test:8080/\\evil.test")],
            "%2F",
        ),
        ("POST /send", &[NAVIGATE, REFERRED, REFERRED], "%2F"),
    ] {
        let status = if request.starts_with("GET") { 302 } else { 303 };
        assert_eq!(
            answered(&ask(request, headers)),
            redirect(status, to),
            "{request} {headers:?}"
        );
    }
}

#[test]
fn a_script_leads_back_to_its_page() {
    let script = ask("GET /api/rows", &[("Sec-Fetch-Mode", "cors"), REFERRED]);
    assert_eq!(answered(&script), unauthorized("%2Fform%3Fid%3D3"));
    let other = ("Referer", "https://evil.test/");
    let script = ask("GET /api/rows", &[("Sec-Fetch-Mode", "cors"), other]);
    assert_eq!(answered(&script), unauthorized("%2Fapi%2Frows"));
    let post = ask("POST /api/rows", &[("Sec-Fetch-Mode", "cors")]);
    assert_eq!(answered(&post), unauthorized("%2F"));
}

#[test]
fn an_endless_address_is_not_carried_along() {
    let long: &'static str = format!("GET /{}", "a".repeat(LONGEST)).leak();
    assert_eq!(answered(&ask(long, &[NAVIGATE])), redirect(302, "%2F"));
}

/// The same choice, another page and another status for programs.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn whoever_lacks_a_second_factor_is_sent_for_a_code() {
    let stepped = |request: &'static str, headers: &[(&'static str, &'static str)], site| {
        let (method, target) = request.split_once(' ').unwrap();
        let mut head = RequestHeader::build(method, target.as_bytes(), None).unwrap();
        for (name, value) in headers {
            head.append_header(*name, *value).unwrap();
        }
        second_factor(&Asking {
            request: &head,
            scheme: Scheme::Http,
            host: &Host::parse(b"app.test:8080").unwrap(),
            portal: "/_auth",
            on_unauthenticated: site,
            bearer: Bearer::None,
        })
    };
    let to_page = |status: StatusCode, to: &str| Step::Redirect {
        status,
        location: format!("/_auth/login/code?to={to}"),
    };
    let told = |to: &str| Step::Forbidden {
        code_url: format!("/_auth/login/code?to={to}"),
    };
    let cors = ("Sec-Fetch-Mode", "cors");
    let socket = ("Upgrade", "websocket");
    for (request, headers, site, expected) in [
        (
            "GET /a?b=c",
            &[NAVIGATE][..],
            Auto,
            to_page(StatusCode::FOUND, "%2Fa%3Fb%3Dc"),
        ),
        ("HEAD /a", &[HTML], Auto, to_page(StatusCode::FOUND, "%2Fa")),
        (
            "POST /send",
            &[NAVIGATE, REFERRED],
            Auto,
            to_page(StatusCode::SEE_OTHER, "%2Fform%3Fid%3D3"),
        ),
        ("GET /a", &[cors], Auto, told("%2Fa")),
        ("GET /a", &[cors, REFERRED], Auto, told("%2Fform%3Fid%3D3")),
        ("GET /a", &[socket, NAVIGATE], Auto, told("%2Fa")),
        ("GET /a", &[NAVIGATE], Unauthorized, told("%2Fa")),
        (
            "GET /a",
            &[cors],
            Redirect,
            to_page(StatusCode::FOUND, "%2Fa"),
        ),
        (
            "GET /_auth/login/code",
            &[NAVIGATE],
            Auto,
            to_page(StatusCode::FOUND, "%2F"),
        ),
    ] {
        assert_eq!(
            stepped(request, headers, site),
            expected,
            "{request} {headers:?}"
        );
    }
}
