//! A request as a list of bytes to be: nothing is normalised, added or corrected behind the story's back.

use std::fmt::Write;

/// A request to be sent as it stands.
#[derive(Clone, Debug)]
pub struct Ask {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Ask {
    /// A request with no header of its own.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.into(),
            target: target.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// `GET target`, as curl would: no `Accept`, no `Sec-Fetch-*`.
    #[must_use]
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// `GET target` as a browser that opens a page.
    #[must_use]
    pub fn page(target: &str) -> Self {
        Self::get(target)
            .header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
            .header("Sec-Fetch-Site", "none")
            .header("Sec-Fetch-Mode", "navigate")
            .header("Sec-Fetch-Dest", "document")
    }

    /// `GET target` as a script of the same page.
    #[must_use]
    pub fn fetch(target: &str) -> Self {
        Self::get(target)
            .header("Accept", "*/*")
            .header("Sec-Fetch-Site", "same-origin")
            .header("Sec-Fetch-Mode", "cors")
    }

    /// `POST target` of a form, as a browser on a page of the same origin sends it.
    #[must_use]
    pub fn form(target: &str, fields: &[(&str, &str)]) -> Self {
        Self::new("POST", target)
            .header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
            .header("Sec-Fetch-Site", "same-origin")
            .header("Sec-Fetch-Mode", "navigate")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(encode(fields).into_bytes())
    }

    /// Adds a header line.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Takes every line of this name (any case) away.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(have, _)| !have.eq_ignore_ascii_case(name));
        self
    }

    /// The same at another address.
    #[must_use]
    pub fn at(mut self, target: &str) -> Self {
        self.target = target.into();
        self
    }

    /// Gives it a body, framed by `Content-Length`.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The target.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers
            .iter()
            .map(|header| (header.0.as_str(), header.1.as_str()))
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.headers()
            .find_map(|(have, value)| have.eq_ignore_ascii_case(name).then_some(value))
    }

    pub(crate) fn content(&self) -> &[u8] {
        &self.body
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(have, _)| have.eq_ignore_ascii_case(name))
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        let framed = self.has("content-length") || self.has("transfer-encoding");
        if !framed && (!self.body.is_empty() || self.method == "POST") {
            let _ = write!(text, "Content-Length: {}\r\n", self.body.len());
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// `application/x-www-form-urlencoded`.
fn encode(fields: &[(&str, &str)]) -> String {
    fields
        .iter()
        .map(|(name, value)| format!("{}={}", percent(name), percent(value)))
        .collect::<Vec<_>>()
        .join("&")
}

fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
