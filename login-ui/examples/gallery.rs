//! Writes every page, in its states, as files to look at: `cargo run -p doorward-login-ui --example gallery FOLDER`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use doorward_config::{Boot, DatabaseUrl, Live};
use doorward_identity::setup::offer;
use doorward_identity::{Identity, ManualClock, SystemRandom};
use doorward_login_ui::dead_end::{Kind, Plate};
use doorward_login_ui::{Ui, router};
use http::Request;
use http::header::{CONTENT_TYPE, COOKIE, HOST, SET_COOKIE, USER_AGENT};
use http_body_util::BodyExt;
use tower::ServiceExt;

type Outcome<T> = Result<T, Box<dyn Error>>;

const LINUX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1";

struct Studio {
    pages: Router,
    folder: PathBuf,
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let folder = PathBuf::from(
        std::env::args()
            .nth(1)
            .ok_or("say which folder to write to")?,
    );
    std::fs::create_dir_all(folder.join("static"))?;
    let data = tempfile::tempdir()?;
    let clock = Arc::new(ManualClock::default());
    let boot = Boot {
        database: DatabaseUrl::Sqlite(data.path().join("doorward.db")),
        data_dir: data.path().to_owned(),
        secret_file: data.path().join("secret.key"),
        ..Boot::default()
    };
    let identity = Identity::open(&boot, clock.clone(), Arc::new(SystemRandom)).await?;
    let identity = Arc::new(identity);
    let setup = offer(&identity).await?.ok_or("there is an admin already")?;
    let mut live = Live::default();
    live.throttle.account_failures = 3;
    let live = Arc::new(live);
    let ui = Ui {
        identity,
        live: Arc::new(move || live.clone()),
    };
    let studio = Studio {
        pages: router(ui),
        folder,
    };
    studio.strangers(&setup.text()).await?;
    studio.own(&clock).await?;
    studio.dead_ends()
}

impl Studio {
    async fn strangers(&self, setup: &str) -> Outcome<()> {
        self.show("login", "login?to=/reports").await?;
        self.send(
            "login-wrong",
            "login",
            "login=anna%40example.com&password=no",
            "",
        )
        .await?;
        self.send("login-empty", "login", "", "").await?;
        for _ in 0..3 {
            self.send("login-slow", "login", "login=slow&password=no", "")
                .await?;
        }
        self.send(
            "login-slow",
            "login",
            "login=slow&password=no&remember=on",
            "",
        )
        .await?;
        self.show("register", "register").await?;
        let form = "username=%D0%B0nna&email=anna&password=short&first_name=Anna";
        self.send("register-invalid", "register", form, "").await?;
        self.show("logout-stranger", "logout").await?;
        self.show("setup", &format!("setup?t={setup}")).await?;
        self.show("not-found", "nothing").await?;
        self.send("too-large", "login", &"x".repeat(70_000), "")
            .await
    }

    async fn own(&self, clock: &ManualClock) -> Outcome<()> {
        let names = "first_name=Anna&last_name=Weber&username=anna";
        let form = format!("{names}&email=anna%40example.com&password=orange+tram+42");
        self.session("register", &form, PHONE).await?;
        clock.advance(jiff::SignedDuration::from_mins(40));
        let cookie = self
            .session("login", "login=anna&password=orange+tram+42", LINUX)
            .await?;
        self.own_page("account", "account?done=profile", &cookie)
            .await?;
        self.send(
            "account-wrong",
            "account/password",
            "current=no&password=no",
            &cookie,
        )
        .await?;
        self.own_page("account-key", "account/keys", &cookie)
            .await?;
        let key = "name=backup&days=30&hosts=app.example.com&methods=get";
        self.send("account-key-made", "account/keys", key, &cookie)
            .await?;
        self.send("account-key-wrong", "account/keys", "paths=x", &cookie)
            .await?;
        self.own_page("logout", "logout", &cookie).await?;
        let long = "first_name=%E5%AF%BF%E9%99%90%E7%84%A1%E5%AF%BF%E9%99%90%E7%84%A1\
            &last_name=Donaudampfschifffahrtselektrizit%C3%A4tenhauptbetriebswerk";
        self.send("saved", "account/profile", long, &cookie).await?;
        self.own_page("account-long", "account", &cookie).await
    }

    fn dead_ends(&self) -> Outcome<()> {
        for kind in Kind::ALL {
            let plate = Plate::render(kind, "Doorward", "/_auth")?;
            let name = format!("dead-end-{}.html", kind.status().as_u16());
            let page = plate
                .fill(None, "01K7Q2V9XB")
                .replace("/_auth/static/", "static/");
            std::fs::write(self.folder.join(name), page)?;
            if kind == Kind::Forbidden {
                let page = plate
                    .fill(Some("Anna Weber"), "01K7Q2V9XB")
                    .replace("/_auth/static/", "static/");
                std::fs::write(self.folder.join("dead-end-403-person.html"), page)?;
            }
        }
        Ok(())
    }

    async fn session(&self, page: &str, form: &str, device: &str) -> Outcome<String> {
        let request = request("POST", page, form, "", device)?;
        let response = self.pages.clone().oneshot(request).await?;
        let cookie = response
            .headers()
            .get(SET_COOKIE)
            .ok_or("nobody was signed in")?
            .to_str()?;
        Ok(cookie.split(';').next().unwrap_or_default().to_owned())
    }

    async fn show(&self, name: &str, page: &str) -> Outcome<()> {
        self.own_page(name, page, "").await
    }

    async fn own_page(&self, name: &str, page: &str, cookie: &str) -> Outcome<()> {
        self.shoot(name, request("GET", page, "", cookie, LINUX)?)
            .await
    }

    async fn send(&self, name: &str, page: &str, form: &str, cookie: &str) -> Outcome<()> {
        self.shoot(name, request("POST", page, form, cookie, LINUX)?)
            .await
    }

    async fn shoot(&self, name: &str, request: Request<Body>) -> Outcome<()> {
        let response = self.pages.clone().oneshot(request).await?;
        println!("{name}: {}", response.status());
        let html = response.into_body().collect().await?.to_bytes().to_vec();
        let html = String::from_utf8(html)?;
        for file in html
            .split('"')
            .filter_map(|part| part.strip_prefix("/_auth/static/"))
        {
            self.keep(file).await?;
        }
        let html = html.replace("/_auth/static/", "static/");
        std::fs::write(self.folder.join(format!("{name}.html")), html)?;
        Ok(())
    }

    async fn keep(&self, file: &str) -> Outcome<()> {
        let request = request("GET", &format!("static/{file}"), "", "", LINUX)?;
        let body = self
            .pages
            .clone()
            .oneshot(request)
            .await?
            .into_body()
            .collect()
            .await?
            .to_bytes();
        std::fs::write(self.folder.join("static").join(Path::new(file)), body)?;
        Ok(())
    }
}

fn request(
    method: &str,
    page: &str,
    form: &str,
    cookie: &str,
    device: &str,
) -> Outcome<Request<Body>> {
    Ok(Request::builder()
        .method(method)
        .uri(format!("/_auth/{page}"))
        .header(HOST, "localhost:8080")
        .header("x-forwarded-proto", "http")
        .header("x-real-ip", "192.0.2.7")
        .header("x-request-id", "01K7Q2V9XB")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(USER_AGENT, device)
        .header(COOKIE, cookie)
        .body(Body::from(form.to_owned()))?)
}
