//! One request, in order: the gateway in front of the sites.

pub mod admin;
pub mod banner;
pub mod client;
pub mod cookie;
pub mod glob;
pub mod headers;
pub mod host;
pub mod logging;
pub mod method;
pub mod metrics;
pub mod names;
pub mod origin;
pub mod policy;
pub mod readiness;
pub mod reading;
pub mod record;
pub mod refusal;
pub mod route;
pub mod scheme;
pub mod stranger;
pub mod target;
pub mod websocket;
pub mod wish;
