//! The JSON API, for programs: the same outcomes as the pages, in other words.
//!
//! Owns the addresses below `api/` and the shape of answers. Refusals are problem+json (RFC 9457); what programs carry
//! afterwards are bearer tokens (RFC 6750). No cookie is ever made from one.

mod body;
mod caller;
mod login;
mod logout;
mod me;
mod openapi;
mod password;
mod recover;
mod refresh;
mod register;
mod tokens;

use axum::Router;
use axum::routing::{get, post};

use crate::Ui;

/// Everything below `api/`, and the keys that tokens are checked with.
pub(crate) fn routes() -> Router<Ui> {
    Router::new()
        .route("/api/me", get(me::get))
        .route("/api/login", post(login::post))
        .route("/api/refresh", post(refresh::post))
        .route("/api/logout", post(logout::post))
        .route("/api/register", post(register::post))
        .route("/api/password", post(password::post))
        .route("/api/recover", post(recover::post))
        .route("/api/recover/confirm", post(recover::confirm))
        .route("/api/openapi.json", get(openapi::get))
        .route("/jwks.json", get(tokens::jwks))
}
