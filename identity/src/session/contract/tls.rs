//! Whose certificates count.

use super::servers::{TlsServer, certificates};
use super::*;
use crate::session::redis::RedisSessions;

async fn load(config: &doorward_config::Redis) -> Result<(), String> {
    let store = RedisSessions::new(config).unwrap();
    match store.load(&key(), now()).await {
        Ok(none) => {
            assert_eq!(none, None);
            Ok(())
        }
        Err(crate::Fault::StoreAway { source, .. }) => Err(source.to_string()),
        Err(fault) => panic!("{fault}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_server_with_the_right_name_and_authority_is_asked() {
    let server = TlsServer::start();
    let right = server.config("localhost");
    assert_eq!(load(&right).await, Ok(()));

    let refused = load(&server.config("127.0.0.1")).await.unwrap_err();
    assert!(refused.contains("certificate"), "another name: {refused}");

    let mut stranger = right.clone();
    stranger.authorities = Some(certificates().0);
    let refused = load(&stranger).await.unwrap_err();
    assert!(
        refused.contains("certificate"),
        "another authority: {refused}"
    );

    let mut system = right.clone();
    system.authorities = None;
    let refused = load(&system).await.unwrap_err();
    assert!(refused.contains("certificate"), "the system's: {refused}");

    let plain = super::servers::one(&server.url("redis", "localhost"));
    assert!(load(&plain).await.is_err(), "without TLS");
    assert_eq!(
        load(&right).await,
        Ok(()),
        "the right one is still answered"
    );
}

#[test]
fn what_is_no_certificate_is_a_fault() {
    let mut config = super::servers::one("rediss://localhost");
    config.authorities =
        Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned());
    assert!(matches!(
        RedisSessions::new(&config),
        Err(crate::Fault::Broken { .. })
    ));
}
