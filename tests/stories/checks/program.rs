//! The hostile requests of A01–A29 against programs that each read requests in their own way: nginx, gunicorn, Node.
//! What counts is what the program believes.

use std::time::Duration;

use doorward_tests::frames::{END_HEADERS, END_STREAM, Frames, fields, frame, kind};
use doorward_tests::{
    Ask, PASSWORD, Plan, Program, Site, Speaks, Speech, Stack, Visitor, Wire, until,
};
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use serde_json::Value;

use super::{framing, is_block, plan};
use crate::paths;

/// How many are under way at once.
const AT_ONCE: usize = 24;

/// What somebody puts in front of an open page, or of one that is open to people.
const FORGED: &[(&str, &str)] = &[
    ("Remote-User", "root"),
    ("Remote_User", "root"),
    ("remote-user", "root"),
    ("REMOTE_USER", "root"),
    ("Remote.User", "root"),
    ("Remote-Groups", "admin"),
    ("remote_groups", "admin"),
    ("X-Forwarded-User", "root"),
    ("X_Forwarded_User", "root"),
    ("X-WEBAUTH-USER", "root"),
    ("X_Auth_Request_User", "root"),
    ("X-authentik-username", "root"),
    ("Connection", "close, Remote-User"),
    ("Connection", "Remote-User, Remote-Groups"),
    ("Upgrade", "anything"),
    ("X-Forwarded-For", "10.0.0.1"),
    ("X_Forwarded_For", "10.0.0.1"),
    ("X-Real-IP", "10.0.0.1"),
    ("Forwarded", "for=10.0.0.1"),
    ("X-Original-URL", "/secret"),
    ("X-Rewrite-URL", "/secret"),
    ("X-Forwarded-Uri", "/secret"),
    ("X-Forwarded-Prefix", "/public"),
    ("SCRIPT_NAME", "/public"),
    ("Script-Name", "/public"),
    ("Script_Name", "/public"),
    ("PATH_INFO", "/secret"),
    ("X-Script-Name", "/public"),
    ("X_Script_Name", "/public"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("Expect", "100-continue"),
    ("User-Agent", "kube-probe/1.27"),
];

/// What no request over HTTP/2 may have, behind an open page's head.
const H2: [(&str, (&str, &str)); 6] = [
    ("/public/x", ("host", "admin.test")),
    ("/public/x", ("transfer-encoding", "chunked")),
    ("/public/x", ("connection", "x-row")),
    ("/public/x", ("upgrade", "websocket")),
    ("/public/x", ("x-a", "b\r\nRemote-User: root")),
    ("/public/x", (":path", "/secret")),
];

/// The paths of all rows of [`paths`].
fn doors() -> impl Iterator<Item = &'static str> {
    [
        paths::DOTS,
        paths::ENCODED,
        paths::PARAMETERS,
        paths::BACKSLASHES,
        paths::QUERIES,
        paths::LETTERS,
    ]
    .concat()
    .into_iter()
}

fn sites(plan: Plan, programs: &[Program]) -> Plan {
    let site = |program: &Program| {
        Site::usual()
            .host(program.speaks().host())
            .upstream(&program.upstream())
    };
    programs
        .iter()
        .fold(plan, |plan, program| plan.site(site(program)))
}

/// What is asked of a program: by whom, and the bytes.
struct Row {
    bytes: Vec<u8>,
    /// Whether an answer of 200 means that a door was open.
    is_shut: bool,
    what: String,
}

fn rows(stranger: &Visitor, anna: &Visitor) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |visitor: &Visitor, ask: &Ask, is_shut: bool| {
        let ask = ask.clone().header("Accept", "text/html");
        let what = format!("{ask:?}");
        let bytes = visitor.bytes(&ask.header("X-Row", if is_shut { "shut" } else { "open" }));
        rows.push(Row {
            bytes,
            is_shut,
            what,
        });
    };
    for door in doors() {
        add(stranger, &Ask::get(door), true);
        add(
            anna,
            &Ask::get(
                &door
                    .replace("secret", "admin/x")
                    .replace("%73ecret", "%61dmin/x"),
            ),
            false,
        );
    }
    for (name, value) in FORGED {
        add(stranger, &Ask::get("/secret").header(name, value), true);
        add(
            stranger,
            &Ask::get("/public/secret").header(name, value),
            false,
        );
        add(
            anna,
            &Ask::get("/public/admin/x").header(name, value),
            false,
        );
        add(
            anna,
            &Ask::get("/page").header(name, value).header(name, value),
            false,
        );
        add(anna, &Ask::get("/admin/x").header(name, value), true);
    }
    for method in ["OPTIONS", "HEAD", "TRACE", "PROPFIND", "get", "CONNECT"] {
        add(stranger, &Ask::new(method, "/secret"), true);
        add(anna, &Ask::new(method, "/admin/x"), true);
    }
    let host = stranger.host().to_uppercase();
    for host in [host.clone(), format!("{host}."), format!("{host}:8443")] {
        add(anna, &Ask::get("/admin/x").header("Host", &host), true);
        add(stranger, &Ask::get("/secret").header("Host", &host), true);
    }
    let trailers = "1\r\na\r\n0\r\nRemote-User: root\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n";
    let ask = Ask::new("POST", "/page").header("Transfer-Encoding", "chunked");
    let ask = ask.header("Trailer", "Remote-User").body(trailers);
    add(anna, &ask, false);
    let elsewhere = format!("http://{}.evil/public/x", stranger.host());
    add(stranger, &Ask::get(&elsewhere), true);
    add(stranger, &Ask::get("http://admin.test/secret"), true);
    rows
}

/// Sends what hides something, one after the other on connections of their own, and each of the rows.
async fn attack(stack: &Stack, stranger: &Visitor, anna: &Visitor) {
    let host = stranger.host();
    let hidden = [
        framing::CL_TE,
        framing::TE_CL,
        framing::OLD,
        framing::UPGRADES,
        framing::BODIES,
    ]
    .concat();
    let hiding = hidden.into_iter().map(async |(what, row)| {
        let statuses = super::raw(stack, &framing::written(row, host)).await;
        let more = statuses.iter().skip(1);
        assert!(
            more.clone().all(|status| *status != 200),
            "{what} at {host}: {statuses:?}"
        );
    });
    let rows = stream::iter(rows(stranger, anna)).for_each_concurrent(AT_ONCE, async |row| {
        let mut wire = Wire::to(stack.gateway().gate()).await;
        wire.send(&row.bytes).await;
        let status = wire.head().await.map_or(0, |answer| answer.status);
        let what = &row.what;
        assert!(
            !row.is_shut || status == 0 || is_block(status),
            "{what} at {host}: {status}"
        );
    });
    // What is malformed is refused, and never reaches anybody.
    let malformed = [framing::LENGTHS, framing::HEADS, framing::NO_REQUESTS].concat();
    let malformed = malformed.into_iter().map(async |(what, row)| {
        let statuses = super::raw(stack, &framing::written(row, host)).await;
        let fine = statuses
            .iter()
            .all(|status| matches!(status, 400 | 405 | 421 | 505));
        assert!(fine, "{what} at {host}: {statuses:?}");
    });
    tokio::join!(
        join_all(hiding),
        join_all(malformed),
        rows,
        over_http2(stack, host)
    );
}

/// The same doors over HTTP/2, and what no request there may have.
async fn over_http2(stack: &Stack, host: &str) {
    let doors = doors().map(|door| (door, ("remote_user", "root")));
    let all = stream::iter(doors.chain(H2));
    all.for_each_concurrent(AT_ONCE, async |(door, more)| {
        let visitor = stack.secure(Speech::Http2, super::HOST);
        let mut frames = Frames::of(&visitor).await;
        let head = [
            (":method", "GET"),
            (":scheme", "https"),
            (":authority", host),
            (":path", door),
            ("script_name", "/public"),
            ("x-row", "shut"),
            more,
        ];
        let head = frame(kind::HEADERS, END_HEADERS | END_STREAM, 1, &fields(&head));
        frames.send(&head).await;
        let status = frames.outcome(1).await.and_then(|frame| frame.status());
        assert!(
            status.is_none_or(is_block),
            "{door}, {more:?} at {host}: {status:?}"
        );
    })
    .await;
}

/// Nothing that it believes is more than the honest would be told.
fn believes_nothing_strange(program: &Program) {
    let who = program.speaks();
    for seen in program.believed() {
        let text = |name: &str| seen[name].as_str().unwrap_or_default().to_owned();
        let path = text("path").to_lowercase();
        for shut in ["/secret", "/admin", "/deny"] {
            let is_there = path.starts_with(shut) || path.contains("..");
            // Anna may go to /secret by any name but the ones that are refused.
            let hers = shut == "/secret" && text("user") == "anna" && !path.contains("..");
            assert!(!is_there || hers, "{who:?}: {seen}");
        }
        assert!(
            matches!(text("user").as_str(), "" | "anna"),
            "{who:?}: {seen}"
        );
        assert!(
            matches!(text("groups").as_str(), "" | "user"),
            "{who:?}: {seen}"
        );
        assert_eq!(text("peer"), "127.0.0.1", "{who:?}: {seen}");
        assert_eq!(text("host"), who.host(), "{who:?}: {seen}");
        assert!(!text("cookie").contains("doorward"), "{who:?}: {seen}");
        assert!(
            !matches!(text("row").as_str(), "hidden" | "shut"),
            "{who:?}: {seen}"
        );
        let all = seen["all"].to_string();
        assert!(
            !all.contains("root") && !all.contains("10.0.0.1"),
            "{who:?}: {seen}"
        );
        assert!(
            !all.contains("/secret") || who == Speaks::Nginx,
            "{who:?}: {seen}"
        );
    }
}

/// Whoever is honest is served and named, and the bodies that they send arrive.
async fn honest(program: &Program, stranger: &mut Visitor, anna: &mut Visitor) {
    anna.keep("k", "v");
    assert_eq!(stranger.get("/public/x").await.status, 200);
    let body = "GET /secret HTTP/1.1\r\n\r\n";
    let answer = anna
        .send(&Ask::new("POST", "/last%20word").body(body))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    if program.speaks() != Speaks::Nginx {
        let said: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(said["body"], body);
    }
    let seen = until("it is noted down", Duration::from_secs(5), async || {
        let all = program.believed();
        all.into_iter().find(|seen| seen["path"] == "/last word")
    })
    .await;
    for (name, value) in [
        ("user", "anna"),
        ("groups", "user"),
        ("method", "POST"),
        ("cookie", "k=v"),
    ] {
        assert_eq!(seen[name], value, "{seen}");
    }
}

#[tokio::test]
async fn a01_to_a29_what_programs_believe() {
    let programs = join_all(Speaks::ALL.map(Program::start)).await;
    let stack = sites(plan(), &programs).start().await;
    stack.add_person("anna", &[]).await;
    let people = programs.iter().map(async |program| {
        let stranger = stack.anon().on_host(program.speaks().host());
        let mut anna = stranger.clone();
        anna.sign_in("anna", PASSWORD).await;
        (stranger, anna)
    });
    let people = join_all(people).await;
    for (program, (stranger, anna)) in programs.iter().zip(people) {
        attack(&stack, &stranger, &anna).await;
        honest(program, &mut stranger.clone(), &mut anna.clone()).await;
        believes_nothing_strange(program);
        assert!(program.believed().len() > 30, "the open ones came through");
    }
}
