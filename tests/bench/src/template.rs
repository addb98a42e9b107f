//! Configuration files with `@names@` in them. A name that ends in `port` and is not known yet gets a free port.

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// What stands for each name.
#[derive(Clone, Debug, Default)]
pub struct Names(BTreeMap<String, String>);

impl Names {
    /// Says what a name stands for.
    pub fn set(&mut self, name: &str, value: impl ToString) {
        self.0.insert(name.to_owned(), value.to_string());
    }

    /// The address on this machine with the port of a name.
    pub fn address(&self, name: &str) -> Result<SocketAddr> {
        let port = self.0.get(name);
        let port = port.with_context(|| format!("no configuration names @{name}@"))?;
        Ok(SocketAddr::from(([127, 0, 0, 1], port.parse()?)))
    }

    /// Every address that was given out.
    pub fn addresses(&self) -> Result<Vec<SocketAddr>> {
        let ports = self.0.keys().filter(|name| name.ends_with("port"));
        ports.map(|name| self.address(name)).collect()
    }

    /// The text with every name replaced.
    pub fn fill(&mut self, text: &str) -> Result<String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('@') {
            filled.push_str(before);
            let end = after.find(|c: char| !c.is_ascii_lowercase() && c != '_');
            match end.filter(|&end| end > 0 && after[end..].starts_with('@')) {
                Some(end) => {
                    filled.push_str(&self.value(&after[..end])?);
                    rest = &after[end + 1..];
                }
                None => {
                    filled.push('@');
                    rest = after;
                }
            }
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn value(&mut self, name: &str) -> Result<String> {
        if let Some(value) = self.0.get(name) {
            return Ok(value.clone());
        }
        if !name.ends_with("port") {
            bail!("nothing is known as @{name}@");
        }
        let port = free_port()?;
        self.set(name, port);
        Ok(port.to_string())
    }

    /// Copies every file of a folder into another one, filled; what is said about the folder itself stays.
    pub fn fill_folder(&mut self, from: &Path, to: &Path) -> Result<()> {
        let mut files: Vec<_> = fs::read_dir(from)
            .with_context(|| format!("{} is missing", from.display()))?
            .collect::<Result<_, _>>()?;
        files.sort_by_key(fs::DirEntry::file_name);
        for file in files {
            if file.file_name() == "contestant.toml" {
                continue;
            }
            let text = fs::read_to_string(file.path())?;
            let filled = self
                .fill(&text)
                .with_context(|| file.path().display().to_string())?;
            fs::write(to.join(file.file_name()), filled)?;
        }
        Ok(())
    }
}

/// A port that nobody has at this moment.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
