//! The API described for programs (OpenAPI 3.1), from the code that serves it.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, ServerBuilder};
use utoipa::{IntoResponses, OpenApi, ToSchema};

use super::{login, logout, me, password, recover, refresh, register};
use crate::failure::Failure;
use crate::visit::Visit;

/// Why something was refused (RFC 9457).
#[derive(Serialize, ToSchema)]
pub(super) struct Problem {
    /// `about:blank`, or which kind it is.
    r#type: String,
    /// The status' own phrase.
    title: String,
    status: u16,
    detail: Option<String>,
    /// What is wrong with each member (422).
    errors: Option<Vec<Wrong>>,
}

/// What is wrong with one member.
#[derive(Serialize, ToSchema)]
pub(super) struct Wrong {
    /// Which (RFC 6901); empty for all of the document.
    pointer: String,
    detail: String,
}

/// What any of them may answer instead.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "described, and made elsewhere")]
pub(super) enum Refusals {
    /// The document cannot be read.
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(#[to_schema] Problem),
    /// Nobody is signed in by what was sent, or a code is needed too.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(#[to_schema] Problem),
    /// It came from another site, is not open to everybody, or the address is not confirmed.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(#[to_schema] Problem),
    /// The document did not arrive in time.
    #[response(status = 408, content_type = "application/problem+json")]
    TooSlow(#[to_schema] Problem),
    /// The document is too large.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(#[to_schema] Problem),
    /// This is not JSON.
    #[response(status = 415, content_type = "application/problem+json")]
    WrongType(#[to_schema] Problem),
    /// A member is wrong, or the document is no object.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(#[to_schema] Problem),
    /// Too many tries; see `Retry-After`.
    #[response(status = 429, content_type = "application/problem+json")]
    Slowed(#[to_schema] Problem),
    /// Too much to do, or a store is away; see `Retry-After`.
    #[response(status = 503, content_type = "application/problem+json")]
    Away(#[to_schema] Problem),
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Doorward", description = "Accounts and tokens for programs."),
    paths(
        login::post,
        refresh::post,
        logout::post,
        register::post,
        password::post,
        recover::post,
        recover::confirm,
        me::get
    ),
    components(schemas(Problem))
)]
struct Described;

/// The description, with the portal's own address in it.
pub(super) async fn get(visit: Visit) -> Result<Response, Failure> {
    let mut described = Described::openapi();
    let server = ServerBuilder::new().url(visit.live.portal.path.clone());
    described.servers = Some(vec![server.build()]);
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    described
        .components
        .get_or_insert_with(Components::new)
        .add_security_scheme("bearer", SecurityScheme::Http(bearer));
    Ok(Json(described).into_response())
}
