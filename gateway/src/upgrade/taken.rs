//! The new process's side.

use std::io::{ErrorKind, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context, bail};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::offer::MOST;
use super::{PATIENCE, PidFile, SERVING, YOURS, socket};
use crate::run_dir::RunDir;

/// What a running process gave away, and the process itself, which waits.
#[derive(Debug)]
pub struct Taken {
    sockets: Vec<TcpListener>,
    before: UnixStream,
}

/// Asks the process that runs in `data_dir` for its sockets. `None` if none does.
///
/// # Errors
/// It runs and does not give them.
pub fn take(data_dir: &Path) -> anyhow::Result<Option<Taken>> {
    let Some(process) = PidFile::read(data_dir) else {
        return Ok(None);
    };
    let socket = socket(&RunDir::of(data_dir, process)?);
    let before = match UnixStream::connect(&socket) {
        Ok(before) => before,
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => {
            return Err(error).with_context(|| format!("process {process} cannot be asked"));
        }
    };
    before.set_read_timeout(Some(PATIENCE))?;
    let sockets = receive(&before)
        .with_context(|| format!("process {process} goes on: it gave none of its sockets away"))?;
    Ok(Some(Taken { sockets, before }))
}

impl Taken {
    /// The socket that listens on this address, if there is one.
    pub fn socket(&mut self, address: SocketAddr) -> Option<TcpListener> {
        let here = |socket: &TcpListener| socket.local_addr().ok() == Some(address);
        let at = self.sockets.iter().position(here)?;
        Some(self.sockets.swap_remove(at))
    }

    /// Says that this process serves, and waits until the other one has stopped listening.
    ///
    /// # Errors
    /// It goes on.
    pub fn relieve(mut self) -> anyhow::Result<()> {
        const GOES_ON: &str = "the process before goes on serving";
        self.before.write_all(&[SERVING]).context(GOES_ON)?;
        let mut word = [0];
        match self.before.read(&mut word) {
            // It has ended meanwhile, so there is nobody to wait for.
            Ok(0) => Ok(()),
            Ok(_) if word == [YOURS] => Ok(()),
            Ok(_) => bail!(GOES_ON),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(()),
            Err(error) => Err(error).context(GOES_ON),
        }
    }
}

fn receive(before: &UnixStream) -> anyhow::Result<Vec<TcpListener>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut bytes = [IoSliceMut::new(&mut byte)];
    recvmsg(before, &mut bytes, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let sockets: Vec<_> = control
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(files) => Some(files.map(TcpListener::from)),
            _ => None,
        })
        .flatten()
        .collect();
    if sockets.is_empty() {
        bail!("it is leaving, or another process is just taking over");
    }
    Ok(sockets)
}
