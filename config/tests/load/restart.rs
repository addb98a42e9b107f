//! What only a restart can change is told from what a reload may.

use crate::right;

#[test]
fn keys_that_need_a_restart_are_named_and_no_others() {
    let before = right("");
    for (text, keys) in [
        ("", &[][..]),
        ("[server]\nlisten = [\"127.0.0.1:1\"]", &["server.listen"]),
        (
            "[server]\nadmin_listen = \"127.0.0.1:1\"",
            &["server.admin_listen"],
        ),
        ("[server]\nthreads = 3", &["server.threads"]),
        ("[server]\nsecret_file = \"x\"", &["server.secret_file"]),
        ("[server]\ndrain = \"1s\"", &["server.drain"]),
        ("[database]\nurl = \"sqlite:x\"", &["database.url"]),
        ("[redis]\nurl = \"redis://x\"", &["redis"]),
        ("[log]\nformat = \"json\"", &["log.format"]),
        ("[password]\nmemory = \"1MiB\"", &["password.memory"]),
        ("[password]\niterations = 3", &["password.iterations"]),
        ("[password]\nlanes = 2", &["password.lanes"]),
        ("[password]\nconcurrency = 77", &["password.concurrency"]),
        // Its secret and its database follow, which nobody wrote.
        ("[server]\ndata_dir = \"x\"", &["server.data_dir"]),
        (
            "[server]\ndata_dir = \"x\"\nsecret_file = \"y\"",
            &["server.data_dir", "server.secret_file"],
        ),
        (
            "[server]\nlisten = [\"[::]:8080\"]\ndrain = \"30000ms\"",
            &[],
        ),
        (
            "[server]\ntrusted_proxies = [\"10.0.0.0/8\"]\n[portal]\ntitle = \"X\"\npath = \"/x\"\n\
             [limits]\nbody = \"1B\"\n[session]\nidle = \"1s\"\n[registration]\nmode = \"closed\"\n\
             [password]\nmin_length = 20\n[recovery]\ncode_life = \"5m\"\n[throttle]\naccount_failures = 1\n\
             [mail]\nfrom = \"x@example.com\"",
            &[],
        ),
    ] {
        assert_eq!(before.boot.changes(&right(text).boot), keys, "{text}");
    }
}
