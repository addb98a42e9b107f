//! The end-to-end harness: what a story needs to run the real `doorward` binary and to look at it from outside.
//!
//! A [`Stack`] is one or two gateways on a store, in front of an [`Echo`] that remembers the exact bytes of every
//! request. [`Visitor`]s are its actors: browsers that keep their cookies and send exactly what they are told.
//! [`RedisServer`], [`SqlServer`] and [`FaultProxy`] break the store on purpose.
//!
//! It knows the outside contract only: commands, addresses, headers, statuses. It must not name a type of the product.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test stops at its first surprise"
)]

mod app;
mod ask;
mod authority;
mod command;
mod echo;
mod fault;
pub mod frames;
mod front;
mod gateway;
mod h2_echo;
mod mail_server;
mod numbers;
mod pipe;
mod ports;
mod program;
mod redis_server;
mod redis_servers;
mod site;
mod socket;
mod sql_server;
mod stack;
mod together;
mod until;
mod visitor;
mod wire;

pub use app::App;
pub use ask::Ask;
pub use authority::{Authority, Validity};
pub use command::Ran;
pub use echo::{Echo, Seen};
pub use fault::{FaultProxy, Rule};
pub use front::{Front, Proxy};
pub use gateway::Gateway;
pub use h2_echo::{H2Echo, H2Seen};
pub use mail_server::{Letter, MailServer, Mood};
pub use numbers::{Numbers, long, say};
pub use pipe::Pipe;
pub use ports::free_port;
pub use program::{Program, Speaks};
pub use redis_server::{Monitor, RedisServer};
pub use redis_servers::{RedisCluster, RedisSentinel};
pub use site::Site;
pub use socket::Socket;
pub use sql_server::{SQL_PASSWORD, Sql, SqlServer};
pub use stack::{PASSWORD, Plan, Stack, Store, run_in, run_with};
pub use together::{Begun, Together, Upload};
pub use until::{until, within};
pub use visitor::{Speech, Visitor};
pub use wire::{Answer, Wire};
