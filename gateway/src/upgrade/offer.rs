//! The old process's side.

use std::io::{IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use super::{PATIENCE, SERVING, YOURS, socket};
use crate::draining::Draining;

/// The most sockets that one message carries (`SCM_MAX_FD`, unix(7)).
pub(super) const MOST: usize = 253;

/// The sockets of this process, for whoever comes after it.
pub struct Offer {
    sockets: Vec<TcpListener>,
    path: PathBuf,
    draining: Arc<Draining>,
}

impl Offer {
    /// `sockets` are the very ones that are listened on; `draining` is told when they are another's.
    ///
    /// # Errors
    /// There are more than one message can carry.
    pub fn new(
        sockets: Vec<TcpListener>,
        run_dir: &Path,
        draining: Arc<Draining>,
    ) -> anyhow::Result<Self> {
        if sockets.len() > MOST {
            bail!("more than {MOST} addresses cannot be handed over");
        }
        Ok(Self {
            sockets,
            path: socket(run_dir),
            draining,
        })
    }

    /// From here on the next process may come.
    ///
    /// # Errors
    /// There can be no socket, or no thread.
    pub fn hold(self) -> anyhow::Result<()> {
        let door = UnixListener::bind(&self.path)
            .with_context(|| format!("no socket can be made at {}", self.path.display()))?;
        // It waits for what may never come, and ends with the process.
        std::thread::Builder::new()
            .name("upgrade".to_owned())
            .spawn(move || self.wait(&door))
            .context("no thread can be had")?;
        Ok(())
    }

    fn wait(self, door: &UnixListener) {
        for next in door.incoming() {
            if self.draining.is_on() {
                return;
            }
            match next
                .map_err(anyhow::Error::from)
                .and_then(|next| self.give_to(next))
            {
                Ok(()) => return,
                Err(error) => tracing::warn!(
                    error = format!("{error:#}"),
                    "another process came to take over and did not; this one goes on"
                ),
            }
        }
    }

    fn give_to(&self, mut next: UnixStream) -> anyhow::Result<()> {
        send(&next, &self.sockets).context("the sockets could not be sent")?;
        // It has its stores open already; what is left is to begin.
        next.set_read_timeout(Some(PATIENCE))?;
        let mut word = [0];
        next.read_exact(&mut word)
            .context("it did not come to serve")?;
        if word != [SERVING] {
            bail!("it said something else than expected");
        }
        self.draining.relieve();
        // If it cannot hear that any more it has gone on.
        if let Err(error) = next.write_all(&[YOURS]) {
            tracing::debug!(%error, "the next process was not told");
        }
        Ok(())
    }
}

fn send(next: &UnixStream, sockets: &[TcpListener]) -> anyhow::Result<()> {
    let files: Vec<_> = sockets.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&files)) {
        bail!("they do not fit into one message");
    }
    // A message needs a byte to go with.
    sendmsg(
        next,
        &[IoSlice::new(&[0])],
        &mut control,
        SendFlags::NOSIGNAL,
    )?;
    Ok(())
}
