//! Ways to keep sessions in Redis that are none.

use super::table::Mistake;

/// Lines of `[redis]`.
pub(super) const REDIS: [Mistake; 21] = [
    Mistake(
        "url = \"cache:6379\"",
        2,
        &["not the address of a Redis", "redis+unix"],
    ),
    Mistake("url = \"redis://cache/x\"", 2, &["number of a database"]),
    Mistake("url = \"rediss://cache/#insecure\"", 2, &["no `#`"]),
    Mistake("url = \"redis://cache?protocol=2\"", 2, &["no `?`"]),
    Mistake("url = \"unix://\"", 2, &["not the address of a Redis"]),
    Mistake(
        "url = \"redis://a\"\ncluster = [\"redis://b\"]",
        3,
        &["one place", "keep one"],
    ),
    Mistake(
        "cluster = [\"redis://b\"]\nsentinel = { master = \"m\", nodes = [\"redis://c\"] }",
        3,
        &["one place"],
    ),
    Mistake("cluster = []", 2, &["no address"]),
    Mistake(
        "cluster = \"redis://a\"",
        2,
        &["expected a list", "brackets"],
    ),
    Mistake(
        "cluster = [\"redis://a\",\n\"b:1\"]",
        3,
        &["not the address of a Redis"],
    ),
    Mistake(
        "cluster = [\"redis://a\",\n\"rediss://b\"]",
        3,
        &["all servers are asked with TLS"],
    ),
    Mistake("cluster = [\"unix:///run/a\"]", 2, &["over the network"]),
    Mistake("cluster = [\"redis://a/1\"]", 2, &["no database but 0"]),
    Mistake(
        "cluster = [\"redis://:hunter2@a\",\n\"redis://:hunter3@b\"]",
        3,
        &["another user or password"],
    ),
    Mistake(
        "cluster = [\"redis://:hunter2@a\"]\npassword = \"hunter2\"",
        2,
        &["keys of their own"],
    ),
    Mistake(
        "sentinel = { nodes = [\"redis://a\"] }",
        2,
        &["`master` is missing"],
    ),
    Mistake("sentinel = { master = \"m\" }", 2, &["`nodes` is missing"]),
    Mistake(
        "sentinel = { master = \"m\", nodes = [\"redis://a/1\",\n\"redis://b/2\"] }",
        3,
        &["another database"],
    ),
    Mistake(
        "url = \"redis://a\"\npassword = \"hunter2\"",
        3,
        &["write it into `url`"],
    ),
    Mistake(
        "cluster = [\"redis://a\"]\nusername = \"u\"",
        3,
        &["a user, but no password"],
    ),
    Mistake(
        "url = \"redis://a\"\nca_file = \"ca.pem\"",
        3,
        &["no rediss:// address"],
    ),
];
