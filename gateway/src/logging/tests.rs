use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;
use std::time::Duration;

use doorward_identity::ManualClock;
use proptest::prelude::*;

use super::bridge::{is_noise, without_queries};
use super::*;
use crate::metrics::Decision;
use crate::record::AccessRecord;

/// What was written, for looking at.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn filter_of(text: &str) -> EnvFilter {
    EnvFilter::try_new(text).unwrap()
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::default())
}

fn plain() -> Text {
    Text::new(clock(), Colour::Never)
}

fn log(form: Form, lines: &Lines) -> AccessLog {
    AccessLog {
        form,
        lines: lines.clone(),
    }
}

fn record<'a>() -> AccessRecord<'a> {
    AccessRecord {
        began: ManualClock::default().now(),
        ended: ManualClock::default().now(),
        request_id: "r-1",
        client: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
        method: "GET",
        host: "app.example",
        site: "app",
        path: "/reports/q3.pdf",
        status: 200,
        duration: Duration::from_micros(1500),
        bytes: 42,
        user: None,
        session: None,
        decision: Some(Decision::Allow),
        user_agent: b"curl/8",
    }
}

#[test]
fn json_lines_are_flat_and_hold_the_access_record() {
    let page = Page::default();
    let lines = Lines::new(page.clone()).unwrap();
    log(Form::Json(clock()), &lines).write(&record());
    lines.flush();
    let line: serde_json::Value = serde_json::from_str(&page.text()).unwrap();
    assert_eq!(line["timestamp"], "2026-01-01T00:00:00.000000Z");
    assert_eq!(line["target"], "access");
    assert_eq!(line["client"], "192.0.2.7");
    assert_eq!(line["path"], "/reports/q3.pdf");
    assert_eq!(line["status"], 200);
    assert_eq!(line["duration_ms"], 1.5);
    assert_eq!(line["decision"], "allow");
    assert_eq!(line["user_agent"], "curl/8");
    assert!(line.get("user").is_none());
}

#[test]
fn text_lines_begin_with_what_matters_most() {
    let page = Page::default();
    let lines = Lines::new(page.clone()).unwrap();
    log(Form::Text(plain()), &lines).write(&record());
    let dispatch = text(filter_of(FILTER), plain(), lines.clone());
    tracing::dispatcher::with_default(&dispatch, || {
        tracing::warn!(store = "redis", "the store does not answer");
        tracing::info!(target: "audit", event = "sign_in.success", detail = None::<&str>);
    });
    lines.flush();
    let said = page.text();
    let said: Vec<_> = said.lines().collect();
    let now = "2026-01-01 00:00:00.000Z";
    let access = " 200 GET app.example /reports/q3.pdf 1.5 ms 192.0.2.7 allow request_id=r-1 site=app bytes=42 user_agent=curl/8";
    assert_eq!(said[0], format!("{now}{access}"));
    assert_eq!(
        said[1],
        format!("{now} WARN the store does not answer store=redis")
    );
    assert_eq!(said[2], format!("{now} audit event=sign_in.success"));
    assert_eq!(said.len(), 3);
}

#[test]
fn what_a_client_sends_cannot_end_a_line_or_colour_it() {
    let evil = "/a\r\n2026-01-01 ERROR forged \u{1b}[31m";
    for form in [Form::Json(clock()), Form::Text(plain())] {
        let page = Page::default();
        let lines = Lines::new(page.clone()).unwrap();
        log(form, &lines).write(&AccessRecord {
            path: evil,
            host: evil,
            user_agent: evil.as_bytes(),
            ..record()
        });
        lines.flush();
        let text = page.text();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(!text.contains('\u{1b}') && !text.contains('\r'), "{text}");
        assert!(text.contains("forged"), "{text}");
    }
}

proptest! {
    #[test]
    fn json_reads_back_as_it_was_said(text: String, number: i32) {
        let page = Page::default();
        let lines = Lines::new(page.clone()).unwrap();
        let dispatch = json(filter_of(FILTER), clock(), lines.clone());
        tracing::dispatcher::with_default(&dispatch, || {
            tracing::warn!(plain = &*text, shown = %text, debug = ?text, number = f64::from(number) / 8.0, nan = f64::NAN, yes = true, "{text}");
        });
        lines.flush();
        let line: serde_json::Value = serde_json::from_str(&page.text()).unwrap();
        for field in ["plain", "shown", "message"] {
            prop_assert_eq!(line[field].as_str().unwrap(), &text);
        }
        prop_assert_eq!(line["debug"].as_str().unwrap(), &format!("{text:?}"));
        prop_assert_eq!(line["number"].as_f64(), Some(f64::from(number) / 8.0));
        prop_assert!(line["nan"].is_null());
        prop_assert_eq!(&line["yes"], true);
        prop_assert_eq!(&line["level"], "WARN");
    }
}

#[test]
fn what_any_client_can_cause_is_no_error() {
    let pingora = "pingora_core::apps";
    for (library, said, noise) in [
        (
            pingora,
            "H2 handshake error  HandshakeError context: …",
            true,
        ),
        (
            "rustls::msgs::handshake",
            "Illegal SNI hostname received",
            true,
        ),
        (pingora, "Accept() failed: Too many open files", false),
    ] {
        assert_eq!(is_noise(library, said), noise, "{said}");
    }
}

#[test]
fn queries_never_reach_the_log() {
    let page = Page::default();
    let lines = Lines::new(page.clone()).unwrap();
    log(Form::Text(plain()), &lines).write(&AccessRecord {
        path: "/_auth/setup?t=secret",
        ..record()
    });
    lines.flush();
    assert!(page.text().contains("/_auth/setup"));
    assert!(!page.text().contains("secret"));
    for (said, kept) in [
        (
            "Fail to proxy: GET /a?t=secret, Host: b",
            "Fail to proxy: GET /a?…, Host: b",
        ),
        ("/a?t=1 and /b?u=2", "/a?… and /b?…"),
        ("why? because", "why? because"),
        ("plain", "plain"),
        ("?", "?"),
    ] {
        assert_eq!(without_queries(said), kept);
    }
}

#[test]
fn many_threads_lose_no_line_and_mix_none() {
    let page = Page::default();
    let lines = Lines::new(page.clone()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let lines = lines.clone();
            scope.spawn(move || {
                for line in 0..5_000 {
                    lines.push(format!("{thread} {line}\n").as_bytes());
                }
            });
        }
    });
    lines.flush();
    let text = page.text();
    for thread in 0..4 {
        let own: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix(&format!("{thread} ")))
            .map(|line| line.parse::<u32>().unwrap())
            .collect();
        assert_eq!(own, (0..5_000).collect::<Vec<_>>());
    }
}

#[test]
fn a_closed_pipe_stops_the_lines_and_not_the_program() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::new(Closed).unwrap();
    for _ in 0..3 {
        lines.push(&vec![b'x'; ROOM_FOR_TEST]);
    }
    lines.flush();
}

#[test]
fn a_full_disk_takes_lines_again_when_there_is_room() {
    struct Full(Page, bool);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.1 {
                return self.0.write(bytes);
            }
            self.1 = true;
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let page = Page::default();
    let lines = Lines::new(Full(page.clone(), false)).unwrap();
    lines.push(b"lost\n");
    lines.flush();
    lines.push(b"kept\n");
    lines.flush();
    assert_eq!(page.text(), "\nkept\n");
}

/// More than may wait, so that a writer that never comes back would be noticed.
const ROOM_FOR_TEST: usize = 16 * 1024 * 1024;

#[test]
fn libraries_are_quiet_and_access_lines_are_not() {
    let page = Page::default();
    let lines = Lines::new(page.clone()).unwrap();
    let dispatch = text(filter_of(FILTER), plain(), lines.clone());
    tracing::dispatcher::with_default(&dispatch, || {
        tracing::info!(target: "sqlx::query", "select");
        tracing::warn!(target: "sqlx::query", "slow");
        tracing::info!(target: "audit", "signed in");
        tracing::debug!("chatter");
    });
    lines.flush();
    let text = page.text();
    assert!(
        !text.contains("select") && !text.contains("chatter"),
        "{text}"
    );
    assert!(
        text.contains("slow") && text.contains("signed in"),
        "{text}"
    );
}
