//! Single requests, by curl: it speaks everything that is measured.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::case::Protocol;
use crate::process::{Core, on};

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status, 0 if there was none.
    pub status: u16,
    /// `1.1` or `2`.
    pub version: String,
    /// How long the body was.
    pub bytes: u64,
    /// Its beginning.
    pub body: String,
}

/// One request.
pub struct Ask<'a> {
    pub protocol: Protocol,
    pub url: &'a str,
    pub headers: &'a [(String, String)],
    /// With a body it is a POST of this type.
    pub body: Option<(&'a str, &'a str)>,
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

impl Ask<'_> {
    /// As a part of a curl configuration.
    fn config(&self) -> String {
        let mut text = format!("url = {}\ninsecure\n", quoted(self.url));
        text.push_str(match self.protocol {
            Protocol::H2 => "http2\n",
            Protocol::Http | Protocol::Https => "http1.1\n",
        });
        for (name, value) in self.headers {
            let _ = writeln!(text, "header = {}", quoted(&format!("{name}: {value}")));
        }
        if let Some((kind, body)) = self.body {
            let _ = writeln!(
                text,
                "header = {}",
                quoted(&format!("Content-Type: {kind}"))
            );
            let _ = writeln!(text, "data-binary = {}", quoted(body));
        }
        text
    }

    /// Sends it.
    pub fn send(&self, folder: &Path) -> Result<Answer> {
        let kept = folder.join("answer");
        let _ = fs::remove_file(&kept);
        let more = format!(
            "{}silent\nmax-time = 30\noutput = {}\nwrite-out = \"%{{http_code}} %{{http_version}} %{{size_download}}\"\n",
            self.config(),
            quoted(&kept.display().to_string()),
        );
        let out = run(folder, &more)?;
        let fields: Vec<&str> = out.split_whitespace().collect();
        let [status, version, bytes] = fields.as_slice() else {
            bail!("curl says {out:?}");
        };
        let body = fs::read(&kept).unwrap_or_default();
        let start = &body[..body.len().min(4096)];
        Ok(Answer {
            status: status.parse()?,
            version: (*version).to_owned(),
            bytes: bytes.parse()?,
            body: String::from_utf8_lossy(start).into_owned(),
        })
    }

    /// Reads an answer to its end and keeps nothing; how many bytes came.
    pub fn download(&self, folder: &Path) -> Result<u64> {
        let more = format!(
            "{}silent\nmax-time = 120\noutput = /dev/null\nwrite-out = \"%{{http_code}} %{{size_download}}\"\n",
            self.config(),
        );
        let out = run(folder, &more)?;
        match out.split_once(' ') {
            Some(("200", bytes)) => Ok(bytes.trim().parse()?),
            _ => bail!("the download was not a 200: {out}"),
        }
    }
}

/// Sends all of them one after the other, and gives every value that is set for a cookie.
pub fn cookies<'a>(
    asks: impl Iterator<Item = Ask<'a>>,
    cookie: &str,
    folder: &Path,
) -> Result<Vec<String>> {
    let parts: Vec<String> = asks
        .map(|ask| {
            format!(
                "{}silent\nmax-time = 30\noutput = /dev/null\ndump-header = -\n",
                ask.config()
            )
        })
        .collect();
    let out = run(folder, &parts.join("next\n"))?;
    let set = out.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let (pair, _) = value.trim().split_once(';')?;
        let (have, value) = pair.split_once('=')?;
        let wanted = name.eq_ignore_ascii_case("set-cookie") && have == cookie && !value.is_empty();
        wanted.then(|| value.to_owned())
    });
    Ok(set.collect())
}

fn run(folder: &Path, config: &str) -> Result<String> {
    let file = folder.join("curl");
    fs::write(&file, config)?;
    let mut command: Command = on(Core::Load, Path::new(""), "curl");
    let ran = command
        .arg("-q")
        .arg("-K")
        .arg(&file)
        .stderr(Stdio::inherit())
        .output()
        .context("curl cannot be started")?;
    Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
}
