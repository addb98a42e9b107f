use http::Method;

use super::*;

/// What dashboards and alarms ask for by name.
const NAMES: [&str; 26] = [
    "http_requests_total",
    "http_request_duration_seconds",
    "upstream_duration_seconds",
    "http_requests_in_flight",
    "authz_decisions_total",
    "authz_duration_seconds",
    "session_cache_hits_total",
    "session_cache_misses_total",
    "session_cache_invalidations_total",
    "session_link_up",
    "sessions_created_total",
    "sessions_ended_total",
    "session_store_op_seconds",
    "store_up",
    "login_attempts_total",
    "registrations_total",
    "recoveries_total",
    "mail_sent_total",
    "mail_queue",
    "throttled_total",
    "password_hash_seconds",
    "password_hash_queue",
    "headers_stripped_total",
    "requests_refused_total",
    "config_reloads_total",
    "build_info",
];

fn started() -> Metrics {
    let metrics = Metrics::new(&["bad_request", "forbidden"]).unwrap();
    metrics.store_up.of("sessions").unwrap();
    metrics
}

fn text(metrics: &Metrics) -> String {
    String::from_utf8(metrics.exposition().unwrap()).unwrap()
}

/// The value of the line that starts with exactly this name and these labels.
fn value(metrics: &Metrics, series: &str) -> Option<String> {
    text(metrics).lines().find_map(|line| {
        line.strip_prefix(series)?
            .strip_prefix(' ')
            .map(str::to_owned)
    })
}

#[test]
fn every_name_of_the_product_page_is_there_with_help_and_type() {
    let metrics = started();
    metrics
        .no_site()
        .request(&Method::GET, 421, Duration::from_millis(1));
    let text = text(&metrics);
    for name in NAMES {
        assert!(text.contains(&format!("# HELP doorward_{name} ")), "{name}");
        assert!(text.contains(&format!("# TYPE doorward_{name} ")), "{name}");
    }
    assert!(text.contains("# TYPE process_resident_memory_bytes gauge"));
}

#[test]
fn closed_label_sets_start_at_zero() {
    let metrics = started();
    metrics.site("app").unwrap();
    for series in [
        r#"doorward_authz_decisions_total{decision="allow",site="app",via="session"}"#,
        r#"doorward_authz_decisions_total{decision="error",site="app",via="none"}"#,
        r#"doorward_http_request_duration_seconds_count{site="app"}"#,
        r#"doorward_upstream_duration_seconds_count{site="app"}"#,
        r#"doorward_authz_duration_seconds_count{source="cache"}"#,
        r#"doorward_authz_duration_seconds_count{source="store"}"#,
        r#"doorward_sessions_ended_total{reason="logout"}"#,
        r#"doorward_session_store_op_seconds_count{op="find"}"#,
        r#"doorward_store_up{store="sessions"}"#,
        r#"doorward_login_attempts_total{method="password",outcome="success"}"#,
        r#"doorward_login_attempts_total{method="password",outcome="bad_credentials"}"#,
        r#"doorward_registrations_total{outcome="success"}"#,
        r#"doorward_throttled_total{kind="account"}"#,
        r#"doorward_throttled_total{kind="address"}"#,
        r#"doorward_requests_refused_total{reason="forbidden"}"#,
        r#"doorward_config_reloads_total{outcome="ok"}"#,
        r#"doorward_config_reloads_total{outcome="error"}"#,
        "doorward_session_cache_hits_total",
        "doorward_password_hash_queue",
    ] {
        assert_eq!(value(&metrics, series).as_deref(), Some("0"), "{series}");
    }
    assert!(
        !text(&metrics).contains("code="),
        "no status before one was seen"
    );
}

#[test]
fn every_combination_of_decision_and_way_counts_in_its_own_series() {
    let metrics = started();
    let site = metrics.site("app").unwrap();
    for decision in Decision::ALL {
        for via in Via::ALL {
            site.decision(*decision, *via);
            let series = format!(
                r#"doorward_authz_decisions_total{{decision="{}",site="app",via="{}"}}"#,
                decision.as_str(),
                via.as_str()
            );
            assert_eq!(value(&metrics, &series).as_deref(), Some("1"), "{series}");
        }
    }
}

#[test]
fn requests_are_counted_by_method_and_status() {
    let metrics = started();
    let site = metrics.site("app").unwrap();
    let took = Duration::from_millis(3);
    site.request(&Method::GET, 200, took);
    site.request(&Method::GET, 200, took);
    site.request(&Method::POST, 303, took);
    for invented in ["BREW", "PROPFIND"] {
        site.request(&Method::from_bytes(invented.as_bytes()).unwrap(), 405, took);
    }
    site.request(&Method::GET, 799, took);
    for (labels, count) in [
        (r#"code="200",method="GET""#, "2"),
        (r#"code="303",method="POST""#, "1"),
        (r#"code="405",method="other""#, "2"),
        (r#"code="other",method="GET""#, "1"),
    ] {
        let series = format!(r#"doorward_http_requests_total{{{labels},site="app"}}"#);
        assert_eq!(value(&metrics, &series).as_deref(), Some(count), "{series}");
    }
    assert!(!text(&metrics).contains("BREW"));
}

#[test]
fn a_reload_goes_on_counting_where_it_was() {
    let metrics = started();
    let series = r#"doorward_http_requests_total{code="200",method="GET",site="app"}"#;
    for _ in 0..2 {
        let site = metrics.site("app").unwrap();
        site.request(&Method::GET, 200, Duration::from_millis(1));
    }
    assert_eq!(value(&metrics, series).as_deref(), Some("2"));
}

#[test]
fn a_request_is_in_flight_until_its_guard_goes() {
    let metrics = started();
    let request = metrics.begin();
    assert_eq!(metrics.in_flight(), 1);
    drop(request);
    assert_eq!(metrics.in_flight(), 0);
}

/// One of each note, or two.
fn told() -> Metrics {
    use doorward_identity::mail::MailKind;
    use doorward_identity::tally::{MailOutcome, Note, RecoveryOutcome, Tally};
    let took = Duration::from_millis(2);
    let metrics = started();
    metrics.note(Note::SessionOpened);
    metrics.note(Note::SessionsEnded {
        reason: Ended::Disabled,
        count: 3,
    });
    metrics.note(Note::StoreOp {
        op: StoreOp::Find,
        took,
    });
    metrics.note(Note::PasswordHashed { took });
    for outcome in [SignInOutcome::Success, SignInOutcome::BadCredentials] {
        metrics.note(Note::SignIn { outcome });
    }
    metrics.note(Note::Registration {
        outcome: RegistrationOutcome::Closed,
    });
    metrics.note(Note::Recovery {
        outcome: RecoveryOutcome::CodeWrong,
    });
    metrics.note(Note::MailSent {
        kind: MailKind::Recover,
        outcome: MailOutcome::Sent,
    });
    metrics.note(Note::MailQueue { length: 7 });
    metrics.note(Note::Throttled {
        kind: ThrottleKind::Address,
    });
    metrics
}

#[test]
fn notes_of_the_rooms_below_are_counted() {
    let metrics = told();
    for (series, expected) in [
        ("doorward_sessions_created_total", "1"),
        (r#"doorward_sessions_ended_total{reason="disabled"}"#, "3"),
        (r#"doorward_session_store_op_seconds_count{op="find"}"#, "1"),
        ("doorward_password_hash_seconds_count", "1"),
        (
            r#"doorward_login_attempts_total{method="password",outcome="success"}"#,
            "1",
        ),
        (
            r#"doorward_login_attempts_total{method="password",outcome="bad_credentials"}"#,
            "1",
        ),
        (r#"doorward_registrations_total{outcome="closed"}"#, "1"),
        (r#"doorward_recoveries_total{outcome="code_wrong"}"#, "1"),
        (
            r#"doorward_mail_sent_total{kind="recover",outcome="sent"}"#,
            "1",
        ),
        (
            r#"doorward_mail_sent_total{kind="invite",outcome="expired"}"#,
            "0",
        ),
        ("doorward_mail_queue", "7"),
        (r#"doorward_throttled_total{kind="address"}"#, "1"),
        (r#"doorward_throttled_total{kind="account"}"#, "0"),
    ] {
        assert_eq!(
            value(&metrics, series).as_deref(),
            Some(expected),
            "{series}"
        );
    }
}

#[test]
fn a_name_with_quotes_cannot_break_the_exposition() {
    let metrics = started();
    metrics.site("a\"b\\c\nd").unwrap();
    let text = text(&metrics);
    assert!(text.contains(r#"site="a\"b\\c\nd""#));
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (_, number) = line.rsplit_once(' ').unwrap();
        assert!(number.parse::<f64>().is_ok(), "{line}");
    }
}

/// `promtool check metrics` reads the text and complains about names, units and missing help.
#[test]
fn promtool_has_nothing_to_say() {
    use std::io::Write;
    use std::process::{Command, Stdio};

    let metrics = started();
    metrics
        .site("app")
        .unwrap()
        .request(&Method::GET, 200, Duration::from_millis(1));
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is there (Debian: apt-get install prometheus; ./run tests installs it)");
    let stdin = promtool.stdin.take().unwrap();
    { stdin }.write_all(&metrics.exposition().unwrap()).unwrap();
    let answer = promtool.wait_with_output().unwrap();
    let said = [answer.stdout, answer.stderr].concat();
    assert!(
        answer.status.success() && said.is_empty(),
        "{}",
        String::from_utf8_lossy(&said)
    );
}

#[test]
fn the_queue_of_passwords_is_looked_at_when_somebody_asks() {
    let metrics = started();
    let waiting = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let asked = Arc::clone(&waiting);
    metrics.ask_hash_queue(move || asked.load(std::sync::atomic::Ordering::SeqCst));
    for count in [7, 0] {
        waiting.store(count, std::sync::atomic::Ordering::SeqCst);
        let now = value(&metrics, "doorward_password_hash_queue");
        assert_eq!(now, Some(count.to_string()));
    }
}
