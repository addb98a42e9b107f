use std::time::Duration;

use doorward_config::{HostPattern, Protocol};
use tokio::net::UnixStream;

use super::*;

struct Desk {
    folder: tempfile::TempDir,
    upstreams: Upstreams,
    stop: watch::Sender<bool>,
}

fn desk() -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let (stop, stopping) = watch::channel(false);
    let runtime = tokio::runtime::Handle::current();
    Desk {
        upstreams: Upstreams::new(folder.path(), runtime, stopping),
        folder,
        stop,
    }
}

fn site(upstream: doorward_config::Upstream) -> Site {
    Site::new(HostPattern::Any, upstream)
}

fn web(protocol: Protocol, host: &str) -> Site {
    site(doorward_config::Upstream::Web(vec![WebServer {
        protocol,
        host: host.to_owned(),
        port: 80,
    }]))
}

fn socket(upstream: &Upstream) -> PathBuf {
    match upstream {
        Upstream::Files(origin) => origin.socket().to_owned(),
        other => panic!("{other:?} is no file origin"),
    }
}

async fn gone(socket: &Path) {
    let gone = async {
        while socket.exists() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_configured_alike_is_opened_once() {
    let desk = desk();
    let open = |site: &Site| desk.upstreams.open(site).unwrap();
    let app = web(Protocol::Http, "10.0.0.1");
    let first = open(&app);
    let patient = Site {
        connect_timeout: Duration::from_mins(1),
        ..app.clone()
    };
    assert!(Arc::ptr_eq(&first, &open(&app)));
    assert!(
        Arc::ptr_eq(&first, &open(&patient)),
        "requests bring their own timeouts"
    );
    let checked = Site {
        health_check: Some(HealthCheck {
            path: "/".to_owned(),
            interval: Duration::from_hours(1),
        }),
        ..app.clone()
    };
    for other in [
        web(Protocol::H2c, "10.0.0.1"),
        web(Protocol::Http, "10.0.0.2"),
        checked,
        site(doorward_config::Upstream::None),
    ] {
        assert!(!Arc::ptr_eq(&first, &open(&other)), "{other:?}");
    }
    let weak = Arc::downgrade(&first);
    drop(first);
    assert!(weak.upgrade().is_none(), "nothing holds it but its users");
    let _again = open(&app);
    assert_eq!(desk.upstreams.open.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_origin_ends_with_its_last_user() {
    let desk = desk();
    let folder = desk.folder.path().join("site");
    std::fs::create_dir(&folder).unwrap();
    let files = site(doorward_config::Upstream::Files(folder.clone()));
    let old = desk.upstreams.open(&files).unwrap();
    let same = desk.upstreams.open(&files).unwrap();
    assert_eq!(socket(&old), socket(&same));
    drop(same);
    assert!(UnixStream::connect(socket(&old)).await.is_ok());

    std::fs::rename(&folder, desk.folder.path().join("old")).unwrap();
    std::fs::create_dir(&folder).unwrap();
    let new = desk.upstreams.open(&files).unwrap();
    assert_ne!(socket(&old), socket(&new), "another folder of that name");
    let old_socket = socket(&old);
    drop(old);
    gone(&old_socket).await;
    assert!(UnixStream::connect(socket(&new)).await.is_ok());

    desk.stop.send_replace(true);
    gone(&socket(&new)).await;
}

#[tokio::test]
async fn authorities_are_compared_by_what_they_are() {
    let desk = desk();
    let file = desk.folder.path().join("ca.pem");
    let secure = Site {
        upstream_ca: Some(file.clone()),
        ..web(Protocol::Https, "app.test")
    };
    for (pem, problem) in [
        (None, "it cannot be read"),
        (Some(""), "there is no certificate"),
        (
            Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            "the authorities in",
        ),
    ] {
        if let Some(pem) = pem {
            std::fs::write(&file, pem).unwrap();
        }
        let error = desk.upstreams.open(&secure).unwrap_err();
        assert!(format!("{error:#}").contains(problem), "{error:#}");
    }
    std::fs::write(&file, ONE).unwrap();
    let one = desk.upstreams.open(&secure).unwrap();
    assert!(Arc::ptr_eq(&one, &desk.upstreams.open(&secure).unwrap()));
    std::fs::write(&file, format!("{ONE}{OTHER}")).unwrap();
    assert!(!Arc::ptr_eq(&one, &desk.upstreams.open(&secure).unwrap()));
}

/// Two authorities that sign nothing.
const ONE: &str = "-----BEGIN CERTIFICATE-----
MIIBczCCARmgAwIBAgIUYtUTU4zFidcduK/t+HHpwPzBfWQwCgYIKoZIzj0EAwIw
DjEMMAoGA1UEAwwDb25lMCAXDTI2MTEyMDEwMDA0NFoYDzIxMjYxMDI3MTAwMDQ0
WjAOMQwwCgYDVQQDDANvbmUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATMAM5X
sHtFrraHyM4aEDuUbAaOZnnwc/zvLSU1pMxVL692fJRMrxEBXAB03/0MSIHdquhz
7+/0ZtKT0D4fV1Uao1MwUTAdBgNVHQ4EFgQUMUQbC6ukn+9p8KmMjHLQ51z/gf4w
HwYDVR0jBBgwFoAUMUQbC6ukn+9p8KmMjHLQ51z/gf4wDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNIADBFAiBGtYRWLL71ipqiNi6AdeMg1HKxADHu40fIeEK7
Sj/OHQIhAJW6/E+zxykBc++owyc0YxWbfB1EMtgHNSK1RCn7STtH
-----END CERTIFICATE-----
";
const OTHER: &str = "-----BEGIN CERTIFICATE-----
MIIBeDCCAR2gAwIBAgIUfilXiJ4zl3oB7cT3mWpn61qF2/AwCgYIKoZIzj0EAwIw
EDEOMAwGA1UEAwwFb3RoZXIwIBcNMjYxMTIwMTAwMDQ0WhgPMjEyNjEwMjcxMDAw
NDRaMBAxDjAMBgNVBAMMBW90aGVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
QMm6CV6jFsIsP7EuE1ZLRhheFwg9QuzzVOkjDmOikpb0OtPu+BdzfyT2oHNSGrCc
dmqsqmJ26A76YZG/mPkTt6NTMFEwHQYDVR0OBBYEFNjChgWoY8yrJ0hEAPmJdZep
eD1lMB8GA1UdIwQYMBaAFNjChgWoY8yrJ0hEAPmJdZepeD1lMA8GA1UdEwEB/wQF
MAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhANhFlU+CCjkKRoDHUssFhfNcr0jNSM4O
p9o5qoSLdyprAiEA0EGzkzYRJ2Mt7uXXBPwYdB2x941qR0EjHZxkuZizYks=
-----END CERTIFICATE-----
";
