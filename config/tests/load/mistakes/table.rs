//! The mistakes, one by one.

/// One mistake: the file, the line it is on, and what must be said about it.
pub(super) struct Mistake(
    pub(super) &'static str,
    pub(super) usize,
    pub(super) &'static [&'static str],
);

/// Mistakes about keys and types.
pub(super) const SHAPES: [Mistake; 13] = [
    Mistake(
        "[server]\ntrusted_proxy = []",
        2,
        &[
            "`trusted_proxy` in [server]",
            "did you mean `trusted_proxies`?",
        ],
    ),
    Mistake(
        "[sever]\nlisten = []",
        1,
        &["unknown section or key `sever`", "did you mean `server`?"],
    ),
    Mistake(
        "[server]\nwhatever = 1",
        2,
        &["`whatever` in [server]", "known here: listen"],
    ),
    Mistake("[api]\naccess_token_life = \"25h\"", 2, &["25h"]),
    Mistake(
        "[server]\nthreads = \"four\"",
        2,
        &["`server.threads`: expected a whole number, found string"],
    ),
    Mistake(
        "[server]\nlisten = \"[::]:80\"",
        2,
        &["`server.listen`: expected a list", "[\"[::]:80\"]"],
    ),
    Mistake(
        "[session]\nidle = 30",
        2,
        &["`session.idle`: expected a duration in quotes"],
    ),
    Mistake(
        "[limits]\nbody = 64",
        2,
        &["`limits.body`: expected a size in quotes"],
    ),
    Mistake(
        "server = 5",
        1,
        &["`server`: expected a table, found integer"],
    ),
    Mistake(
        "[registration]\nmode = \"closd\"",
        2,
        &["there is no `closd`", "did you mean \"closed\"?"],
    ),
    Mistake("[log]\nformat = 5", 2, &["`log.format`"]),
    Mistake("[server]\ndrain = 30s", 2, &["not TOML"]),
    Mistake(
        "[server]\ndrain = \"1s\"\ndrain = \"2s\"",
        3,
        &["not TOML: duplicate key"],
    ),
];

/// Mistakes about TLS.
pub(super) const TLS: [Mistake; 10] = [
    Mistake(
        "[server]\n\nlisten_tls = [\"[::]:8443\"]",
        3,
        &["needs a certificate", "[[certificate]]"],
    ),
    Mistake(
        "[server]\ndrain = \"1s\"\n[[certificat]]",
        3,
        &["did you mean `certificate`?"],
    ),
    Mistake(
        "[server]\nredirect_to_tls = true",
        2,
        &["leads nowhere", "listen_tls"],
    ),
    Mistake(
        "[server]\nredirect_to_tls = \"yes\"",
        2,
        &["`server.redirect_to_tls`: expected"],
    ),
    Mistake(
        "[server]\nproxy_protocol = [\"10.0.0.0\", \"lb.example\"]",
        2,
        &["`lb.example` is not a network"],
    ),
    Mistake("[[certificate]]\nchain = \"no/such.pem\"", 1, &["no `key`"]),
    Mistake("[[certificate]]\nkey = \"key.pem\"", 1, &["no `chain`"]),
    Mistake(
        "[[certificate]]\ncert = \"cert.pem\"",
        2,
        &["unknown key `cert` in [[certificate]]", "known here: chain"],
    ),
    Mistake(
        "[[certificate]]\nchain = \"Cargo.toml\"\nkey = \"no/such.pem\"",
        3,
        &["`no/such.pem` cannot be read"],
    ),
    Mistake(
        "[[certificate]]\nchain = \"Cargo.toml\"\nkey = \"Cargo.toml\"",
        2,
        &["`Cargo.toml` has no certificate in it"],
    ),
];

/// Mistakes about what a value means.
pub(super) const MEANINGS: [Mistake; 39] = [
    Mistake(
        "[server]\nlisten = [\n  \":8080\",\n]",
        3,
        &["`:8080` is not an address", "\"[::]:8080\""],
    ),
    Mistake("[server]\nlisten = []", 2, &["no address to listen on"]),
    Mistake(
        "[server]\nlisten = [\"1.1.1.1:80\", \"1.1.1.1:80\"]",
        2,
        &["already listened on"],
    ),
    Mistake(
        "[server]\nlisten = [\"127.0.0.1:9180\"]\nadmin_listen = \"127.0.0.1:9180\"",
        3,
        &["already listened on"],
    ),
    Mistake(
        "[server]\ntrusted_proxies = [\"10.0.0.0/33\"]",
        2,
        &["`10.0.0.0/33` is not a network"],
    ),
    Mistake(
        "[server]\nthreads = -1",
        2,
        &["-1 is too small", "at least 0"],
    ),
    Mistake("[server]\ndata_dir = \"\"", 2, &["no path"]),
    Mistake(
        "[limits]\nheader_bytes = \"2MiB\"",
        2,
        &["`2MiB` is too large", "at most 1MiB"],
    ),
    Mistake(
        "[limits]\nheader_bytes = \"unlimited\"",
        2,
        &["cannot be unlimited"],
    ),
    Mistake(
        "[limits]\nheader_count = 257",
        2,
        &["257 is too large", "at most 256"],
    ),
    Mistake(
        "[limits]\nconnections_per_address = 0",
        2,
        &["0 is too small", "at least 1"],
    ),
    Mistake(
        "[limits]\nrequests_per_connection = 0",
        2,
        &["0 is too small", "at least 1"],
    ),
    Mistake(
        "[limits]\nbody = \"64\"",
        2,
        &["`64` is not a size", "\"64KiB\""],
    ),
    Mistake("[portal]\npath = \"/\"", 2, &["no address to the site"]),
    Mistake(
        "[portal]\npath = \"_auth\"",
        2,
        &["does not start with `/`"],
    ),
    Mistake(
        "[portal]\npath = \"/_auth/\"",
        2,
        &["did you mean \"/_auth\"?"],
    ),
    Mistake("[portal]\npath = \"/a/../b\"", 2, &["not a plain path"]),
    Mistake(
        "[portal]\nurl = \"https://auth.example.com/login\"",
        2,
        &["not an origin"],
    ),
    Mistake("[portal]\ntitle = \" \"", 2, &["empty"]),
    Mistake(
        "[database]\nurl = \"oracle://db/app\"",
        2,
        &[
            "not a database that is known",
            "\"sqlite:data/doorward.db\"",
        ],
    ),
    Mistake(
        "[database]\nurl = \"postgres://db/app\"",
        2,
        &["names no user", "db.example.com:5432/NAME"],
    ),
    Mistake(
        "[database]\nurl = \"mariadb://anna:pw@db\"",
        2,
        &["the name of a database", "db.example.com:3306/NAME"],
    ),
    Mistake(
        "[database]\nurl = \"postgres://anna:p/w@db/app\"",
        2,
        &["not the address of a database", "`%2F`"],
    ),
    Mistake(
        "[database]\nurl = \"postgres://anna@db/app?sslmode=VERIFY_IDENTITY\"",
        2,
        &["`sslmode` is none of those", "verify-full"],
    ),
    Mistake(
        "[database]\nurl = \"mysql://anna@db/app?ssl-mode=verify-full\"",
        2,
        &["`ssl-mode` is none of those", "VERIFY_IDENTITY"],
    ),
    Mistake(
        "[database]\nurl = \"mysql://anna@db/app?charset=latin1\"",
        2,
        &["a parameter that is not known", "`ssl-ca`"],
    ),
    Mistake(
        "[database]\nurl = \"postgres://anna@db/app?sslrootcert=/nowhere/ca.pem\"",
        2,
        &["the file that `sslrootcert` names cannot be read"],
    ),
    Mistake(
        "[database]\nurl = \"postgres://anna@db/app\"\nurl_file = \"x\"",
        3,
        &["`url` and `url_file` are both set"],
    ),
    Mistake(
        "[database]\nurl = \"sqlite::memory:\"",
        2,
        &["gone after a restart"],
    ),
    Mistake(
        "[session]\nidle = \"0s\"",
        2,
        &["`0s` is too short", "at least 1s"],
    ),
    Mistake(
        "[session]\nidle = \"30\"",
        2,
        &["`30` is not a duration", "\"30s\""],
    ),
    Mistake(
        "[session]\nremember = \"500d\"",
        2,
        &["`500d` is too long", "at most 400d"],
    ),
    Mistake(
        "[registration]\ndefault_roles = [\"a,b\"]",
        2,
        &["`a,b` is not a role"],
    ),
    Mistake(
        "[password]\nmin_length = 4",
        2,
        &["4 is too small", "at least 8"],
    ),
    Mistake(
        "[password]\nlanes = 4\nmemory = \"16KiB\"",
        3,
        &["`16KiB` is too small", "at least 32KiB"],
    ),
    Mistake("[password]\niterations = 0", 2, &["0 is too small"]),
    Mistake("[password]\nconcurrency = 1000", 2, &["1000 is too large"]),
    Mistake("[throttle]\naccount_failures = 0", 2, &["0 is too small"]),
    Mistake(
        "[server]\nsecret_file = 5",
        2,
        &["`server.secret_file`: expected text in quotes"],
    ),
];

/// Mistakes about sites; the files have no other site.
pub(super) const SITES: [Mistake; 36] = [
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
        "[[site]]\nupstream = \"none\"\nassertion = true",
        3,
        &["`assertion`", "not in this version"],
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
pub(super) const RULES: [Mistake; 16] = [
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
