use std::sync::atomic::{AtomicBool, Ordering};

use doorward_identity::{Fault, StoreName};

use super::*;

/// An admin page over two stores, the second of which can be taken away.
async fn admin() -> (Admin, Arc<AtomicBool>) {
    let there = Arc::new(AtomicBool::new(true));
    let metrics = Arc::new(Metrics::new(&["forbidden"]).unwrap());
    let asked = Arc::clone(&there);
    let readiness = Readiness::new()
        .check(
            &metrics,
            "accounts",
            Box::new(|| Box::pin(async { Ok(()) })),
        )
        .unwrap()
        .check(
            &metrics,
            "sessions",
            Box::new(move || {
                let answers = asked.load(Ordering::SeqCst);
                Box::pin(async move {
                    if answers {
                        Ok(())
                    } else {
                        Err(Fault::away(StoreName::Redis, "connection refused"))
                    }
                })
            }),
        )
        .unwrap();
    readiness.ask().await;
    let admin = Admin {
        metrics,
        readiness: Arc::new(readiness),
    };
    (admin, there)
}

fn get(admin: &Admin, target: &str) -> (StatusCode, String) {
    let response = admin.answer(&Method::GET, target);
    let status = response.status();
    (status, String::from_utf8(response.into_body()).unwrap())
}

#[tokio::test]
async fn the_three_addresses_answer_and_nothing_else_does() {
    let (admin, _) = admin().await;
    assert_eq!(get(&admin, "/livez"), (StatusCode::OK, "ok\n".to_owned()));
    assert_eq!(get(&admin, "/readyz"), (StatusCode::OK, "ok\n".to_owned()));
    let (status, text) = get(&admin, "/metrics");
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("doorward_build_info{version="));
    for elsewhere in [
        "/",
        "/metrics/",
        "//metrics",
        "/healthz",
        "/readyz/x",
        "/METRICS",
    ] {
        assert_eq!(
            get(&admin, elsewhere).0,
            StatusCode::NOT_FOUND,
            "{elsewhere}"
        );
    }
}

#[tokio::test]
async fn a_store_that_is_away_makes_it_unready_but_not_dead() {
    let (admin, there) = admin().await;
    there.store(false, Ordering::SeqCst);
    admin.readiness.ask().await;
    assert_eq!(get(&admin, "/readyz").0, StatusCode::SERVICE_UNAVAILABLE);
    let (status, text) = get(&admin, "/readyz?verbose");
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(text, "[+]accounts ok\n[-]sessions away\nnot ready\n");
    assert_eq!(get(&admin, "/livez").0, StatusCode::OK);
    assert!(
        get(&admin, "/metrics")
            .1
            .contains("doorward_store_up{store=\"sessions\"} 0")
    );

    there.store(true, Ordering::SeqCst);
    admin.readiness.ask().await;
    assert_eq!(
        get(&admin, "/readyz?verbose").1,
        "[+]accounts ok\n[+]sessions ok\nok\n"
    );
    assert!(
        get(&admin, "/metrics")
            .1
            .contains("doorward_store_up{store=\"sessions\"} 1")
    );
}

#[tokio::test]
async fn a_draining_process_is_unready() {
    let (admin, _) = admin().await;
    admin.readiness.drain();
    let (status, text) = get(&admin, "/readyz?verbose=1");
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(text.contains("[-]draining\n"), "{text}");
}

#[tokio::test]
async fn nothing_was_asked_yet_is_unready() {
    let metrics = Arc::new(Metrics::new(&[]).unwrap());
    let readiness = Readiness::new()
        .check(
            &metrics,
            "accounts",
            Box::new(|| Box::pin(async { Ok(()) })),
        )
        .unwrap();
    let admin = Admin {
        metrics,
        readiness: Arc::new(readiness),
    };
    assert_eq!(get(&admin, "/readyz").0, StatusCode::SERVICE_UNAVAILABLE);
    admin.readiness.ask().await;
    assert_eq!(get(&admin, "/readyz").0, StatusCode::OK);
}

#[tokio::test]
async fn head_is_get_without_the_body_and_nothing_can_be_changed() {
    let (admin, _) = admin().await;
    let head = admin.answer(&Method::HEAD, "/livez");
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(head.headers()[CONTENT_LENGTH], "3");
    assert!(head.body().is_empty());
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let refused = admin.answer(&method, "/metrics");
        assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(refused.headers()[ALLOW], "GET, HEAD");
    }
    let metrics = admin.answer(&Method::GET, "/metrics");
    assert_eq!(metrics.headers()[CONTENT_TYPE], "text/plain; version=0.0.4");
}
