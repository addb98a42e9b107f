//! The stories: one file each, told against the real binary.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at its first surprise"
)]

/// Tells each story twice: with sessions in the database file, and with sessions in Redis.
macro_rules! on_both_stores {
    ($($(#[$about:meta])* async fn $name:ident($plan:ident) $body:block)*) => {$(
        $(#[$about])*
        mod $name {
            use super::*;

            async fn story($plan: doorward_tests::Plan) $body

            #[tokio::test]
            async fn embedded() {
                story(doorward_tests::Stack::new()).await;
            }

            #[tokio::test]
            async fn redis() {
                story(doorward_tests::Stack::new().store(doorward_tests::Store::Redis)).await;
            }
        }
    )*};
}

mod account_page;
mod accounts;
mod answers;
mod api;
mod api_keys;
mod asked;
mod assertion;
mod balance;
mod behind;
mod check;
mod checks;
mod crash;
mod docs;
mod ending;
mod explain;
mod failover;
mod faults;
mod files;
mod first_run;
mod forms;
mod forwarding;
mod grpc;
mod harness;
mod hosts;
mod http2;
mod http2_abuse;
mod http2_bodies;
mod identity_headers;
mod journey;
mod link;
mod mailed_codes;
mod once;
mod operating;
mod paths;
mod proxy_protocol;
mod quiet;
mod rediss;
mod refusals;
mod reload;
mod reload_under_load;
mod restart;
mod slow;
mod smtp;
mod sql_away;
mod store_away;
mod streams;
mod timing;
mod tls;
mod two_factor;
mod two_ways;
mod upgrade;
mod upstream_away;
mod upstreams;
mod websockets;
