//! Mistakes in sites and in their rules.

use super::table::Mistake;

/// Mistakes about sites; the files have no other site.
pub(super) const SITES: [Mistake; 39] = [
    Mistake("site = []", 1, &["no site to protect"]),
    Mistake("[[site]]\nhost = \"a\"", 1, &["no `upstream`"]),
    Mistake(
        "[[site]]\nupstream = \"localhost:3000\"",
        2,
        &["did you mean \"http://localhost:3000\"?"],
    ),
    Mistake(
        "[[site]]\nupstream = \"https://\"",
        2,
        &["`https://` is not an upstream"],
    ),
    Mistake(
        "[[site]]\nupstream = \"h2c://app/path\"",
        2,
        &["has a path or a query"],
    ),
    Mistake(
        "[[site]]\nupstream = \"http://app/path\"",
        2,
        &["has a path or a query"],
    ),
    Mistake(
        "[[site]]\nupstream = \"http://app:0\"",
        2,
        &["not an upstream"],
    ),
    Mistake(
        "[[site]]\nupstream = []",
        2,
        &["an empty list", "where do this site's requests go?"],
    ),
    Mistake(
        "[[site]]\nupstream = [\n  \"http://a\",\n  \"unix:/run/b\",\n]",
        4,
        &["`unix:/run/b` cannot be one of several"],
    ),
    Mistake(
        "[[site]]\nupstream = [\"http://a\", \"h2c://b\"]",
        2,
        &[
            "`h2c://b` cannot be one of several",
            "http:// and https:// only",
        ],
    ),
    Mistake(
        "[[site]]\nupstream = [\"http://a\", \"http://A:80\"]",
        2,
        &["`http://A:80` is named twice"],
    ),
    Mistake("[[site]]\nupstream = [5]", 2, &["expected text in quotes"]),
    Mistake(
        "[[site]]\nupstream = \"http://a\"\nupstream_ca = \"ca.pem\"",
        3,
        &["no https:// upstream"],
    ),
    Mistake(
        "[[site]]\nupstream = \"https://a\"\nupstream_ca = \"no/such.pem\"",
        3,
        &["`no/such.pem` names no authority: it cannot be read"],
    ),
    Mistake(
        "[[site]]\nupstream = \"https://a\"\nupstream_ca = \"/dev/null\"",
        3,
        &[
            "`/dev/null` names no authority: there is no certificate in it",
            "-----BEGIN CERTIFICATE-----",
        ],
    ),
    Mistake(
        "[[site]]\nupstream = \"http://a\"\nhealth_check = {}",
        3,
        &["`health_check` has no `path`"],
    ),
    Mistake(
        "[[site]]\nupstream = \"http://a\"\nhealth_check = { path = \"healthz\" }",
        3,
        &["`healthz` is not a path", "starts with `/`"],
    ),
    Mistake(
        "[[site]]\nupstream = \"http://a\"\nhealth_check = { path = \"/a b\" }",
        3,
        &["`/a b` is not a path", "percent-encoded"],
    ),
    Mistake(
        "[[site]]\nupstream = \"http://a\"\nhealth_check = { path = \"/\", interval = \"1ms\" }",
        3,
        &["`1ms` is too short"],
    ),
    Mistake(
        "[[site]]\nupstream = \"http://a\"\nhealth_check = { path = \"/\", every = \"1s\" }",
        3,
        &[
            "`every` in [site.health_check]",
            "known here: path, interval",
        ],
    ),
    Mistake(
        "[[site]]\nupstream = \"none\"\nhealth_check = { path = \"/\" }",
        3,
        &["nothing to check behind this site"],
    ),
    Mistake(
        "[[site]]\nupstream = \"files:no/such/folder\"",
        2,
        &["no folder `no/such/folder`"],
    ),
    Mistake(
        "[[site]]\nupstream = \"none\"\nhost = \"http://a.example\"",
        3,
        &["only the name", "\"a.example\""],
    ),
    Mistake(
        "[[site]]\nupstream = \"none\"\n[[site]]\nupstream = \"none\"\nhost = \"*\"",
        5,
        &["two sites have the host `*`"],
    ),
    Mistake(
        "[[site]]\nhost = \"a\"\nupstream = \"none\"\n[[site]]\nhost = \"A\"\nupstream = \"none\"",
        5,
        &["two sites have the host `a`", "toml:2:8"],
    ),
    Mistake(
        "[[site]]\nhost = \"a\"\nname = \"x\"\nupstream = \"none\"\n[[site]]\nhost = \"b\"\nname = \"x\"\nupstream = \"none\"",
        7,
        &["two sites have the name `x`"],
    ),
    Mistake(
        "[[site]]\nupstream = \"none\"\nidentity = \"remot\"",
        3,
        &["did you mean \"remote\"?"],
    ),
    Mistake(
        "[[site]]\nupstream = \"none\"\nidentity = { usr = \"X-U\" }",
        3,
        &["`usr` in [site.identity]", "did you mean `user`?"],
    ),
    Mistake(
        "[[site]]\nupstream = \"none\"\nidentity = { user = \"Host\" }",
        3,
        &["`Host` has a meaning of its own"],
    ),
    Mistake(
        "[[site]]\nupstream = \"none\"\nname = \"portal\"",
        3,
        &["no site can be called `portal`", "the built-in pages"],
    ),
    Mistake(
        "[[site]]\nupstream = \"none\"\nname = \"none\"",
        3,
        &["no site can be called `none`", "requests for no site"],
    ),
    Mistake(
        "[[site]]\nupstream = \"none\"\nhost = \"Portal\"",
        3,
        &["no site can be called `portal`", "a `name` of its own"],
    ),
    Mistake(
        "[[site]]\nupstream = \"none\"\nidentity = { user = \"X-U\", name = \"x_u\" }",
        3,
        &["`x_u` is used twice"],
    ),
    Mistake(
        "[[site]]\nupstream = \"none\"\nidentity = {}",
        3,
        &["names no header"],
    ),
    Mistake(
        "[[site]]\nupstream = \"none\"\nwebsocket_origins = [\"app.example\"]",
        3,
        &["not an origin"],
    ),
    Mistake(
        "[[site]]\nupstream = \"none\"\nassertion = \"yes\"",
        3,
        &["`site.assertion`: expected true or false"],
    ),
    Mistake(
        "[[site]]\nupstream = \"none\"\nhsts = true",
        3,
        &["`site.hsts`: expected a duration in quotes, or \"off\""],
    ),
    Mistake(
        "[[site]]\nupstream = \"none\"\nhsts = \"one year\"",
        3,
        &["`one year` is not a duration"],
    ),
    Mistake(
        "[[site]]\nupstream = \"none\"\nconnect_timeout = \"0s\"",
        3,
        &["`0s` is too short"],
    ),
];

/// Mistakes about rules, which begin on line 3 of their file.
pub(super) const RULES: [Mistake; 17] = [
    Mistake("path = \"/x\"", 3, &["`allow` is missing"]),
    Mistake("path = \"x\"\nallow = \"anyone\"", 4, &["starts with `/`"]),
    Mistake(
        "path = \"/a/**/b\"\nallow = \"anyone\"",
        4,
        &["`**` must be the whole last segment"],
    ),
    Mistake(
        "methods = [\"get\"]\nallow = \"anyone\"",
        4,
        &["did you mean \"GET\"?"],
    ),
    Mistake(
        "methods = [\"TRACE\"]\nallow = \"anyone\"",
        4,
        &["never let through"],
    ),
    Mistake(
        "methods = []\nallow = \"anyone\"",
        4,
        &["an empty list matches nothing"],
    ),
    Mistake(
        "from = [\"10.0.0/8\"]\nallow = \"anyone\"",
        4,
        &["not a network"],
    ),
    Mistake("allow = \"signedin\"", 4, &["did you mean \"signed_in\"?"]),
    Mistake(
        "allow = [\"role:admin\",\n\"role:team:blue\"]",
        5,
        &[
            "`team:blue` is not a role",
            "a role is 1 to 32 of a-z, 0-9, _ and -",
        ],
    ),
    Mistake("allow = \"admin\"", 4, &["[\"role:admin\"]"]),
    Mistake(
        "allow = \"role:admin\"",
        4,
        &["in brackets: [\"role:admin\"]"],
    ),
    Mistake("allow = []", 4, &["an empty list allows nobody"]),
    Mistake(
        "allow = [\"role:admin\", \"anna\"]",
        4,
        &["`anna` does not say who"],
    ),
    Mistake(
        "allow = [\"email:*@example.com\"]",
        4,
        &["`email:` counts verified addresses only"],
    ),
    Mistake(
        "allow = \"anyone\"\nrequire = \"two_factor\"",
        5,
        &["somebody who is signed in"],
    ),
    Mistake(
        "allow = \"signed_in\"\n[[site.rule]]\npath = \"/admin/**\"\nallow = [\"role:admin\"]",
        5,
        &["never decides", "toml:3:1"],
    ),
    Mistake(
        "path = \"/a/**\"\nfrom = [\"10.0.0.0/8\"]\nallow = \"anyone\"\n[[site.rule]]\npath = \"/a/b\"\nallow = \"signed_in\"",
        7,
        &["never decides"],
    ),
];
