use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::{Answer, Operator};

/// Asks an admin listener that answers `response` to whatever it is asked; what it was asked, and what came of it.
fn ask(response: &'static str) -> (String, Answer) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let admin = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = Vec::new();
        let mut byte = [0];
        while !asked.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
            asked.push(byte[0]);
        }
        let _ = stream.write_all(response.as_bytes());
        String::from_utf8(asked).unwrap()
    });
    let operator = Operator::with_file(&format!("[server]\nadmin_listen = \"{address}\"\n"));
    let answer = operator.says("healthcheck");
    // If nobody came, the listener still waits.
    drop(TcpStream::connect(address));
    (admin.join().unwrap(), answer)
}

#[test]
fn a_gateway_that_is_ready_is_healthy() {
    let (asked, answer) = ask("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n");
    assert!(asked.starts_with("GET /readyz"), "{asked}");
    assert_eq!(answer.done(), "ok\n");
}

#[test]
fn a_gateway_without_its_store_is_69_and_a_leaving_one_is_1() {
    let (_, away) = ask("HTTP/1.1 503 Service Unavailable\r\n\r\n[-]sessions away\nnot ready\n");
    assert!(away.ends_with(69).contains("[-]sessions away"));
    let (_, leaving) = ask("HTTP/1.1 503 Service Unavailable\r\n\r\n[-]draining\nnot ready\n");
    assert!(leaving.ends_with(1).contains("[-]draining"));
}

#[test]
fn somebody_elses_port_is_not_healthy() {
    let (_, answer) = ask("SSH-2.0-OpenSSH_9.2\r\n");
    answer.ends_with(1);
}

#[test]
fn nobody_there_is_not_healthy() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let operator = Operator::with_file(&format!("[server]\nadmin_listen = \"{address}\"\n"));
    let said = operator.says("healthcheck").ends_with(1);
    assert!(said.contains(&address.to_string()), "{said}");
}

#[test]
fn an_address_that_is_taken_is_told_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for (public, admin) in [
        (address.to_string(), "127.0.0.1:0".to_owned()),
        ("127.0.0.1:0".to_owned(), address.to_string()),
    ] {
        let operator = Operator::with_file(&format!(
            "[server]\nlisten = [\"{public}\"]\nadmin_listen = \"{admin}\"\n[[site]]\nupstream = \"none\"\n"
        ));
        let said = operator.says("run").ends_with(1);
        assert!(said.contains(&address.to_string()), "{said}");
        assert!(
            said.contains("help: another program listens there"),
            "{said}"
        );
    }
}
