//! A tiny browser: a cookie jar, pages, and forms that are filled in and sent.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use http::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE, USER_AGENT};
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tower::ServiceExt;

pub const FORM: &str = "application/x-www-form-urlencoded";

/// One browser on one device.
#[derive(Clone)]
pub struct Browser {
    pages: Router,
    pub jar: BTreeMap<String, String>,
    pub scheme: &'static str,
    pub host: &'static str,
    pub agent: &'static str,
    pub address: &'static str,
    /// Headers that it sends besides.
    pub says: Vec<(&'static str, &'static str)>,
}

/// What came back.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

/// A form of a page, being filled in.
#[derive(Clone, Debug)]
pub struct Form {
    pub action: String,
    pub fields: Vec<(String, String)>,
}

impl Browser {
    pub fn new(pages: Router) -> Self {
        Self {
            pages,
            jar: BTreeMap::new(),
            scheme: "https",
            host: "app.test",
            agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            address: "192.0.2.7",
            says: vec![
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-mode", "navigate"),
            ],
        }
    }

    /// Says `value` instead, or nothing at all.
    pub fn saying(mut self, name: &'static str, value: Option<&'static str>) -> Self {
        self.says.retain(|(known, _)| *known != name);
        self.says.extend(value.map(|value| (name, value)));
        self
    }

    pub async fn get(&mut self, path: &str) -> Page {
        self.ask("GET", path, None, String::new()).await
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        self.ask("POST", path, Some(FORM), pairs.join("&")).await
    }

    pub async fn submit(&mut self, form: &Form) -> Page {
        let fields: Vec<(&str, &str)> = form
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        self.post(&form.action, &fields).await
    }

    /// Opens the sign-in page and fills it in.
    pub async fn sign_in(&mut self, login: &str, password: &str) -> Page {
        let form = self.get("/_auth/login").await.form("/_auth/login");
        self.submit(&form.fill("login", login).fill("password", password))
            .await
    }

    pub async fn ask(
        &mut self,
        method: &str,
        path: &str,
        kind: Option<&str>,
        body: String,
    ) -> Page {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.host)
            .header(USER_AGENT, self.agent)
            .header("x-forwarded-proto", self.scheme)
            .header("x-forwarded-host", self.host)
            .header("x-real-ip", self.address)
            .header("x-request-id", "r-42");
        for (name, value) in &self.says {
            request = request.header(*name, *value);
        }
        if let Some(kind) = kind {
            request = request.header(CONTENT_TYPE, kind);
        }
        let cookies: Vec<String> = self
            .jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        let request = request.body(Body::from(body)).unwrap();
        let (head, body) = self
            .pages
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .into_parts();
        for cookie in head.headers.get_all(SET_COOKIE) {
            self.take(cookie.to_str().unwrap());
        }
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Page {
            status: head.status.as_u16(),
            headers: head.headers,
            text,
        }
    }

    /// The session's token, if there is one.
    pub fn token(&self) -> Option<&String> {
        self.jar
            .get("__Host-doorward")
            .or_else(|| self.jar.get("doorward"))
    }

    fn take(&mut self, cookie: &str) {
        let (name, rest) = cookie.split_once('=').unwrap();
        let (value, attributes) = rest.split_once("; ").unwrap();
        if attributes.contains("Max-Age=0") {
            self.jar.remove(name);
        } else {
            self.jar.insert(name.to_owned(), value.to_owned());
        }
    }
}

impl Page {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn location(&self) -> &str {
        self.headers
            .get(LOCATION)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub fn title(&self) -> String {
        decode(
            self.text
                .split_once("<title>")
                .unwrap()
                .1
                .split_once("</title>")
                .unwrap()
                .0,
        )
    }

    /// The first form that is sent to `action`.
    pub fn form(&self, action: &str) -> Form {
        let mut forms = self
            .text
            .split("<form ")
            .skip(1)
            .filter_map(|rest| rest.split_once("</form>"));
        let found = forms.find(|(form, _)| attribute(form, "action").as_deref() == Some(action));
        let (form, _) = found.unwrap_or_else(|| panic!("no form for {action} in {}", self.text));
        let inputs = form
            .split("<input ")
            .skip(1)
            .filter_map(|rest| rest.split('>').next());
        let sent =
            inputs.filter(|tag| !tag.contains("type=\"checkbox\"") || tag.contains(" checked"));
        let fields = sent
            .map(|tag| {
                (
                    attribute(tag, "name").unwrap(),
                    attribute(tag, "value").unwrap_or_default(),
                )
            })
            .collect();
        Form {
            action: action.to_owned(),
            fields,
        }
    }

    /// The tag of the field with this name.
    pub fn field(&self, name: &str) -> String {
        let mut inputs = self
            .text
            .split("<input ")
            .skip(1)
            .filter_map(|rest| rest.split('>').next());
        let found = inputs.find(|tag| attribute(tag, "name").as_deref() == Some(name));
        found
            .unwrap_or_else(|| panic!("no field {name} in {}", self.text))
            .to_owned()
    }

    /// The text of what explains the field, by the ids it names.
    pub fn explains(&self, name: &str) -> String {
        let ids = attribute(&self.field(name), "aria-describedby").unwrap_or_default();
        let by_id = |id: &str| {
            let (_, rest) = self
                .text
                .split_once(&format!("id=\"{id}\""))
                .unwrap_or_else(|| panic!("no {id}"));
            let end = rest
                .find("</div>")
                .unwrap_or(rest.len())
                .min(rest.find("</p>").unwrap_or(rest.len()));
            rest[..end].to_owned()
        };
        ids.split_whitespace().map(by_id).collect()
    }
}

impl Form {
    pub fn fill(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// An attribute of a tag, decoded.
pub fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = format!(" {tag}");
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(decode(rest.split_once('"')?.0))
}

fn decode(text: &str) -> String {
    let plain = text.replace("&#60;", "<").replace("&#62;", ">");
    let plain = plain.replace("&#34;", "\"").replace("&#39;", "'");
    plain.replace("&#38;", "&")
}
