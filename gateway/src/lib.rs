//! One request, in order: the gateway in front of the sites.

pub mod admin;
pub mod banner;
pub mod client;
pub mod host;
pub mod logging;
pub mod metrics;
pub mod readiness;
pub mod record;
pub mod route;
pub mod scheme;
pub mod target;
