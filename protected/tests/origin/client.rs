//! An origin on a socket in a temporary folder, and the smallest client that sees every byte.

use doorward_protected::{Root, serve};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Nothing here takes long; what does is a hang.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct Origin {
    pub(crate) folder: TempDir,
    pub(crate) serving: JoinHandle<()>,
    pub(crate) stop: oneshot::Sender<()>,
}

impl Origin {
    /// With an empty folder of its own.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = folder.path().join("site");
        fs::create_dir(&site).unwrap();
        Self::listen(folder, &site)
    }

    /// With a folder that is there already.
    pub(crate) fn serving(site: &Path) -> Self {
        Self::listen(tempfile::tempdir().unwrap(), site)
    }

    fn listen(folder: TempDir, site: &Path) -> Self {
        let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
        let root = Root::open(site).unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(serve(listener, root, async move {
            let _dropped_is_stopped_too = stopped.await;
        }));
        Self {
            folder,
            serving,
            stop,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("site").join(name)
    }

    pub(crate) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// A file of this many zeros that takes no room.
    pub(crate) fn put_sparse(&self, name: &str, size: u64) -> File {
        let file = File::create(self.path(name)).unwrap();
        file.set_len(size).unwrap();
        file
    }

    pub(crate) async fn connect(&self) -> Connection {
        let stream = UnixStream::connect(self.folder.path().join("socket"))
            .await
            .unwrap();
        Connection(BufReader::new(stream))
    }

    /// One request on a connection of its own.
    pub(crate) async fn ask(&self, line: &str, headers: &[(&str, &str)]) -> Answer {
        let mut connection = self.connect().await;
        connection.send(line, headers).await;
        let answer = connection.answer(line.starts_with("HEAD")).await;
        answer.unwrap_or_else(|| panic!("no answer to {line}"))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), &[]).await
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// By lower-case name; `date` left out.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

pub(crate) struct Connection(pub(crate) BufReader<UnixStream>);

impl Connection {
    /// `line` is method and target.
    pub(crate) async fn send(&mut self, line: &str, headers: &[(&str, &str)]) {
        let mut text = format!("{line} HTTP/1.1\r\nHost: files.test\r\n");
        for (name, value) in headers {
            text.extend([name, ": ", value, "\r\n"]);
        }
        text.push_str("\r\n");
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// The next answer; `None` when the connection ended before it was complete.
    pub(crate) async fn answer(&mut self, bodiless: bool) -> Option<Answer> {
        timeout(DEADLINE, self.read(bodiless))
            .await
            .expect("no answer in time")
    }

    async fn read(&mut self, bodiless: bool) -> Option<Answer> {
        let mut answer = self.head().await?;
        let length = match answer.headers.get("content-length") {
            Some(_) if bodiless || answer.status == 304 => 0,
            Some(length) => length.parse().unwrap(),
            None => 0,
        };
        answer.body = vec![0; length];
        self.0.read_exact(&mut answer.body).await.ok()?;
        Some(answer)
    }

    /// Reads status and headers and leaves the body where it is.
    pub(crate) async fn head(&mut self) -> Option<Answer> {
        let status = self.line().await?;
        let status = status.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = BTreeMap::new();
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(": ") else {
                break;
            };
            if name != "date" {
                headers.insert(name.to_lowercase(), value.to_owned());
            }
        }
        Some(Answer {
            status,
            headers,
            body: Vec::new(),
        })
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).await.ok()?;
        (read > 0).then(|| line.trim_end().to_owned())
    }
}
