use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;

use super::*;
use crate::draining::Draining;
use crate::run_dir::RunDir;

/// A process that listens, and offers that.
struct Before {
    data: tempfile::TempDir,
    run_dir: RunDir,
    listener: std::net::TcpListener,
    draining: Arc<Draining>,
    _pid_file: PidFile,
}

impl Before {
    fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let run_dir = RunDir::make(data.path()).unwrap();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let draining = Arc::new(Draining::default());
        let sockets = vec![listener.try_clone().unwrap()];
        let offer = Offer::new(sockets, run_dir.path(), Arc::clone(&draining)).unwrap();
        offer.hold().unwrap();
        let pid_file = PidFile::of(data.path());
        pid_file.write().unwrap();
        Self {
            data,
            run_dir,
            listener,
            draining,
            _pid_file: pid_file,
        }
    }
}

#[test]
fn the_socket_goes_over_and_the_old_process_hears_of_it() {
    let before = Before::new();
    let address = before.listener.local_addr().unwrap();
    // In the queue when nobody accepts: it must not be lost.
    let waiting = TcpStream::connect(address).unwrap();
    let mut taken = take(before.data.path()).unwrap().expect("it runs");
    let socket = taken.socket(address).expect("the socket");
    assert!(taken.socket(address).is_none(), "it is there once");
    assert!(!before.draining.is_relieved(), "not before it is served");
    taken.relieve().unwrap();
    assert!(before.draining.is_relieved());
    drop(before);
    let (_, peer) = socket.accept().unwrap();
    assert_eq!(peer, waiting.local_addr().unwrap());
}

#[test]
fn whoever_takes_and_goes_changes_nothing() {
    let before = Before::new();
    for _ in 0..3 {
        drop(take(before.data.path()).unwrap().expect("it runs"));
        let mut rude = UnixStream::connect(socket(before.run_dir.path())).unwrap();
        std::io::Write::write_all(&mut rude, b"?").unwrap();
        drop(rude);
    }
    assert!(!before.draining.is_relieved());
    take(before.data.path())
        .unwrap()
        .expect("it runs")
        .relieve()
        .unwrap();
    assert!(before.draining.is_relieved());
}

#[test]
fn a_process_that_is_leaving_gives_nothing_away() {
    let before = Before::new();
    before.draining.begin();
    assert!(take(before.data.path()).is_err());
    assert!(!before.draining.is_relieved());
}

#[test]
fn where_nobody_runs_nothing_is_taken() {
    let data = tempfile::tempdir().unwrap();
    assert!(take(data.path()).unwrap().is_none());
    for text in ["4194305\n", "none", ""] {
        std::fs::write(data.path().join("doorward.pid"), text).unwrap();
        assert!(take(data.path()).unwrap().is_none(), "{text:?}");
    }
}

#[test]
fn the_pid_file_of_the_next_process_stays() {
    let data = tempfile::tempdir().unwrap();
    let pid_file = PidFile::of(data.path());
    pid_file.write().unwrap();
    assert_eq!(PidFile::read(data.path()), Some(std::process::id()));
    std::fs::write(data.path().join("doorward.pid"), "1\n").unwrap();
    drop(pid_file);
    assert_eq!(PidFile::read(data.path()), Some(1));
    let own = PidFile::of(data.path());
    own.write().unwrap();
    drop(own);
    assert_eq!(PidFile::read(data.path()), None);
}
