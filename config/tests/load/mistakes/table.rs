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
pub(super) const MEANINGS: [Mistake; 41] = [
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
        &["`2MiB` is too large", "at most 512KiB"],
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
    Mistake(
        "[portal]\nurl = \"https://auth.example.com.\"",
        2,
        &["a dot behind", "did you mean \"https://auth.example.com\"?"],
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
        "[registration]\ndefault_roles = [\"user\",\n\"Ops\"]",
        3,
        &[
            "`Ops` is not a role",
            "a role is 1 to 32 of a-z, 0-9, _ and -",
        ],
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
