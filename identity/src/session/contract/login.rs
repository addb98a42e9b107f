//! Signing in to Redis as a user that may do no more than it has to.

use doorward_config::{Redis, RedisNodes, RedisServers, Secret};

use super::servers::{Nodes, Watched, connect_to};
use super::*;
use crate::Fault;
use crate::session::redis::RedisSessions;

/// What the documentation says that the user needs.
const RIGHTS: &str = "~doorward:* +@read +@write +@scripting +@connection +client|tracking +time +role +wait +cluster|info +cluster|nodes";

fn make_user(port: u16, name: &str, rights: &str) {
    let mut user = redis::cmd("ACL");
    user.arg("SETUSER").arg(name).arg("on").arg(">geheim");
    user.arg(rights.split(' ').collect::<Vec<_>>());
    user.exec(&mut connect_to(port).unwrap()).unwrap();
}

fn as_user(nodes: &mut RedisNodes, password: &str) {
    nodes.username = Some("door".to_owned());
    nodes.password = Some(Secret::from(password));
}

fn open(config: &Redis) -> Arc<dyn SessionStore> {
    Arc::new(RedisSessions::new(config).unwrap())
}

async fn everything_works(config: &Redis) {
    let store = open(config);
    let mut events = settled(&store).await;
    let (one, two) = (key(), key());
    let anna = record(account());
    store.insert(&one, &anna).await.unwrap();
    store.insert(&two, &anna).await.unwrap();
    store.touch(&one, later(60), anna.ends_at).await.unwrap();
    assert_eq!(
        store.rewrite(&one, &rights(2)).await.unwrap(),
        Rewritten::Yes
    );
    assert_eq!(store.list(anna.account, now()).await.unwrap().len(), 2);
    assert!(store.load(&one, now()).await.unwrap().is_some());
    assert!(store.remove(&one).await.unwrap().is_some());
    assert_eq!(
        store.remove_account(anna.account, None).await.unwrap(),
        [two]
    );
    hear(&mut events, Duration::from_secs(1), |e| {
        *e == Event::Changed(two)
    })
    .await;
}

async fn is_refused(config: &Redis) {
    match open(config).load(&key(), now()).await {
        Err(Fault::StoreAway { source, .. }) => {
            let said = source.to_string();
            assert!(
                !said.contains("falsch") && !said.contains("geheim"),
                "{said}"
            );
        }
        answer => panic!("{answer:?}"),
    }
}

#[test]
fn the_documentation_says_the_same() {
    let text = include_str!("../../../../docs/sessions.md");
    assert!(text.contains(RIGHTS));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_user_of_a_cluster_needs_no_more() {
    let nodes = Nodes::start(3, 0);
    for (_, port) in &nodes.0 {
        make_user(*port, "door", RIGHTS);
    }
    for (password, right) in [("geheim", true), ("falsch", false)] {
        let mut config = nodes.config();
        if let RedisServers::Cluster(nodes) = &mut config.servers {
            as_user(nodes, password);
        }
        if right {
            everything_works(&config).await;
        } else {
            is_refused(&config).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_and_servers_have_users_of_their_own() {
    let servers = Watched::start(1, 1);
    for (_, port) in &servers.servers {
        make_user(*port, "door", RIGHTS);
    }
    let sentinel = servers.sentinels[0].1;
    make_user(
        sentinel,
        "who",
        "+@connection +sentinel|get-master-addr-by-name",
    );
    for (password, known, right) in [
        ("geheim", "geheim", true),
        ("falsch", "geheim", false),
        ("geheim", "falsch", false),
    ] {
        let mut config = servers.config();
        if let RedisServers::Sentinel { sentinels, .. } = &mut config.servers {
            as_user(sentinels, password);
            let address = format!("redis://who:{known}@127.0.0.1:{sentinel}");
            sentinels.addresses = vec![Secret::from(address)];
        }
        if right {
            everything_works(&config).await;
        } else {
            is_refused(&config).await;
        }
    }
}
