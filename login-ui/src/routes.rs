//! Which page lives where, and what stands around all of them.
//!
//! Owns the addresses below `portal.path` and the order of the layers. Must not know what the pages do.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::Uri;
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::{CsrfLayer, ProtectionError};

use crate::failure::{self, Failure};
use crate::pages::account::two_factor;
use crate::pages::{
    account, handover, leave, login, login_code, logout, recover, register, setup, verify,
};
use crate::{Ui, api, assets, guard, hosts};

/// Where a request goes that is not below the portal's path. No page lives there.
const NOWHERE: &str = "/-";

/// All pages, to be served at full paths: `portal.path` is looked up for each request, because a reload may change it.
///
/// Believes `X-Real-IP`, `X-Forwarded-Proto`, `X-Request-Id`: to be reached through the gateway only.
pub fn router(ui: Ui) -> Router {
    let live = ui.live.clone();
    let pages = below_portal(ui);
    let find = move |request: Request| {
        let portal = live();
        pages
            .clone()
            .oneshot(without_prefix(request, &portal.portal.path))
    };
    Router::new().fallback_service(tower::service_fn(find))
}

fn below_portal(ui: Ui) -> Router {
    Router::new()
        .merge(at_home(ui.clone()))
        .route("/logout", get(logout::get).post(logout::post))
        .route("/handover", get(handover::get))
        .merge(api::routes())
        .merge(
            Router::new()
                .route("/static/{name}", get(assets::get))
                .layer(CompressionLayer::new()),
        )
        .fallback(|| async { Failure::NotFound })
        .layer(from_fn(guard::same_origin))
        .layer(
            CsrfLayer::new()
                .with_rejection_response(|_: ProtectionError| Failure::Foreign.into_response()),
        )
        .layer(from_fn(guard::whole))
        .layer(from_fn(in_one_go))
        .layer(CatchPanicLayer::custom(|_| Failure::Broken.into_response()))
        .layer(from_fn_with_state(ui.clone(), failure::dress))
        .layer(from_fn(guard::protect))
        .with_state(ui)
}

/// What is only served where people sign in, if that is one place for several hosts.
fn at_home(ui: Ui) -> Router<Ui> {
    Router::new()
        .route("/", get(account::find))
        .route("/login", get(login::get).post(login::post))
        .route("/login/code", get(login_code::get).post(login_code::post))
        .route("/register", get(register::get).post(register::post))
        .route("/verify", get(verify::get).post(verify::post))
        .route("/recover", get(recover::get).post(recover::post))
        .route(
            "/recover/code",
            get(recover::get_code).post(recover::post_code),
        )
        .route(
            "/recover/password",
            get(recover::get_password).post(recover::post_password),
        )
        .route("/leave", get(leave::get))
        .route("/setup", get(setup::get).post(setup::post))
        .merge(own_page(ui.clone()))
        .layer(from_fn_with_state(ui, hosts::at_home))
}

/// What a page has begun to change it waits for to the end.
async fn in_one_go(request: Request, next: Next) -> Response {
    doorward_identity::in_one_go(next.run(request)).await
}

/// What is only for the person whose account it is.
fn own_page(ui: Ui) -> Router<Ui> {
    Router::new()
        .route("/account", get(account::get))
        .route("/account/profile", post(account::profile))
        .route("/account/password", post(account::password))
        .route(
            "/account/email",
            get(account::email::get).post(account::email::post),
        )
        .route("/account/sessions/revoke", post(account::revoke))
        .route(
            "/account/delete",
            get(account::delete::get).post(account::delete::post),
        )
        .route(
            "/account/keys",
            get(account::keys::get).post(account::keys::post),
        )
        .route("/account/keys/revoke", post(account::keys::revoke))
        .route("/account/two-factor", get(two_factor::get))
        .route(
            "/account/two-factor/set-up",
            get(two_factor::get).post(two_factor::set_up),
        )
        .route(
            "/account/two-factor/confirm",
            get(two_factor::get).post(two_factor::confirm),
        )
        .route(
            "/account/two-factor/recovery-codes",
            get(two_factor::ask_new_codes).post(two_factor::new_codes),
        )
        .route(
            "/account/two-factor/turn-off",
            get(two_factor::ask_turn_off).post(two_factor::turn_off),
        )
        .layer(from_fn_with_state(ui, guard::both_factors))
        .layer(from_fn(guard::navigations_only))
}

fn without_prefix(mut request: Request, portal: &str) -> Request {
    let uri = request.uri();
    let rest = match uri.path().strip_prefix(portal) {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => NOWHERE,
    };
    let target = match uri.query() {
        Some(query) => format!("{rest}?{query}"),
        None => rest.to_owned(),
    };
    // What was cut from a valid target is one; if ever not, no page lives there either.
    *request.uri_mut() = target.parse().unwrap_or(Uri::from_static(NOWHERE));
    request
}
