//! One request from its head to its answer.
//!
//! A table of contents: what is decided where. Must not know connections.

use crate::answer;
use crate::body::Body;
use crate::conditional::{Verdict, judge, range_stands};
use crate::find::{Found, Opened, find};
use crate::path;
use crate::range::{self, Asked};
use crate::refuse::{Refusal, refuse};
use crate::root::Root;
use http::header::RANGE;
use http::request::Parts;
use http::{HeaderMap, Method, Response};
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Answers a request. Its body, if it has one, is nobody's concern.
pub(crate) async fn respond(root: Arc<Root>, request: &Parts) -> Response<Body> {
    if request.method != Method::GET && request.method != Method::HEAD {
        return refuse(Refusal::Method);
    }
    let mut response = match seek(root, request).await {
        Ok(Found::File(opened)) => send(opened, request),
        Ok(Found::Folder) => answer::with_slash(&request.uri),
        Ok(Found::Nothing) => refuse(Refusal::NotFound),
        Ok(Found::Unreadable) => {
            tracing::warn!(path = request.uri.path(), "no permission to read this file");
            refuse(Refusal::Unreadable)
        }
        Ok(Found::Away(error)) => {
            tracing::error!(%error, "the folder to serve cannot be opened");
            refuse(Refusal::Away)
        }
        Err(error) => {
            tracing::error!(%error, path = request.uri.path(), "cannot open a file");
            refuse(Refusal::Broken)
        }
    };
    if request.method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    response
}

async fn seek(root: Arc<Root>, request: &Parts) -> std::io::Result<Found> {
    let Some(wanted) = path::parse(request.uri.path()) else {
        return Ok(Found::Nothing);
    };
    spawn_blocking(move || find(&root, &wanted)).await?
}

fn send(opened: Opened, request: &Parts) -> Response<Body> {
    match judge(&request.headers, &opened.facts) {
        Verdict::Failed => refuse(Refusal::Precondition),
        Verdict::Unchanged => answer::unchanged(&opened.facts),
        Verdict::Send => match asked(request, &opened) {
            Asked::Whole => answer::whole(opened),
            Asked::Parts(spans) => answer::parts(opened, &spans),
            Asked::Outside => refuse(Refusal::Range {
                size: opened.facts.size,
            }),
        },
    }
}

/// `Range` means something for GET only (RFC 9110 §14.2), and only once.
fn asked(request: &Parts, opened: &Opened) -> Asked {
    if request.method != Method::GET || !range_stands(&request.headers, &opened.facts) {
        return Asked::Whole;
    }
    match only_range(&request.headers) {
        Some(value) => range::parse(value, opened.facts.size),
        None => Asked::Whole,
    }
}

fn only_range(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(RANGE).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}
