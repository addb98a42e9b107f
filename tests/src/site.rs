//! A `[[site]]` of the configuration.

use std::fmt::Write;

/// One protected site as the configuration file will have it.
#[derive(Clone, Debug)]
pub struct Site {
    host: String,
    upstream: Option<String>,
    lines: String,
    rules: String,
}

impl Site {
    /// A site for any host, in front of the stack's own [`Echo`](crate::Echo), without rules.
    #[must_use]
    pub fn new() -> Self {
        Self {
            host: "*".into(),
            upstream: None,
            lines: String::new(),
            rules: String::new(),
        }
    }

    /// The usual one: `/public/**` anyone, `/deny/**` nobody, `/admin/**` administrators, the rest signed in.
    #[must_use]
    pub fn usual() -> Self {
        Self::new().usual_rules()
    }

    /// Adds the rules of the usual one.
    #[must_use]
    pub fn usual_rules(self) -> Self {
        self.rule("path = \"/public/**\"\nallow = \"anyone\"")
            .rule("path = \"/deny/**\"\nallow = \"nobody\"")
            .rule("path = \"/admin/**\"\nallow = [\"role:admin\"]")
            .rule("allow = \"signed_in\"")
    }

    /// Serves this host only.
    #[must_use]
    pub fn host(mut self, host: &str) -> Self {
        self.host = host.into();
        self
    }

    /// Has another upstream.
    #[must_use]
    pub fn upstream(self, upstream: &str) -> Self {
        self.upstreams(&format!("\"{upstream}\""))
    }

    /// Has a list of upstreams, as in the file.
    #[must_use]
    pub fn upstreams(mut self, list: &str) -> Self {
        self.upstream = Some(list.into());
        self
    }

    /// Adds a line of its own to the site.
    #[must_use]
    pub fn line(mut self, line: &str) -> Self {
        self.lines.push_str(line);
        self.lines.push('\n');
        self
    }

    /// Adds a rule, its lines as in the file.
    #[must_use]
    pub fn rule(mut self, lines: &str) -> Self {
        let _ = write!(self.rules, "[[site.rule]]\n{lines}\n");
        self
    }

    pub(crate) fn toml(&self, echo: &str) -> String {
        let echo = format!("\"{echo}\"");
        let upstream = self.upstream.as_deref().unwrap_or(&echo);
        let Self {
            host, lines, rules, ..
        } = self;
        format!("[[site]]\nhost = \"{host}\"\nupstream = {upstream}\n{lines}{rules}")
    }
}

impl Default for Site {
    fn default() -> Self {
        Self::new()
    }
}
