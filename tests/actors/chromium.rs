//! The real browser: Debian's Chromium, driven over WebDriver, with axe-core for what accessibility rules can see.

use std::{
    any::Any,
    fs,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::PathBuf,
    process::Command,
    task::Poll,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use thirtyfour::{error::WebDriverErrorInner, prelude::*};

use super::{
    library::Patron,
    parts::{Folder, part, skip},
    process::Process,
};

/// How a visitor has set the device.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub language: &'static str,
    pub dark: bool,
    pub width: u32,
    pub height: u32,
    pub scripts: bool,
}

impl Look {
    /// A school's Chromebook.
    pub const CHROMEBOOK: Look = Look { language: "en-US", dark: false, width: 1366, height: 768, scripts: true };
    pub const PHONE: Look = Look { language: "en-US", dark: false, width: 390, height: 844, scripts: true };
    pub const DARK: Look = Look { dark: true, ..Look::PHONE };
    pub const SPANISH: Look = Look { language: "es-US", ..Look::PHONE };
    pub const WITHOUT_SCRIPTS: Look = Look { scripts: false, ..Look::CHROMEBOOK };
    /// The narrowest that WCAG's reflow asks for.
    pub const NARROW: Look = Look { width: 320, height: 640, ..Look::PHONE };
}

#[derive(Debug, Clone)]
pub struct Chromium {
    pub driver: WebDriver,
    folder: PathBuf,
}

impl Chromium {
    /// Runs `visit` in a fresh browser and closes it, also when the visit panics.
    pub async fn visit<F: Future<Output = ()>>(look: Look, visit: impl FnOnce(Chromium) -> F) {
        let Some(driver_path) = part("ONEACCESS_TEST_CHROMEDRIVER", "Chromium") else { return };
        let folder = Folder::new();
        let (_service, port) = chromedriver(&driver_path, &folder);
        let mut wishes = DesiredCapabilities::chrome();
        if let Some(binary) = part("ONEACCESS_TEST_CHROMIUM", "Chromium") {
            wishes.set_binary(&binary).unwrap();
        }
        let profile = format!("--user-data-dir={}", folder.path().join("profile").display());
        let size = format!("--window-size={},{}", look.width, look.height);
        let language = format!("--accept-lang={}", look.language);
        let flags = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            &profile,
            &size,
            &language,
        ];
        for flag in flags {
            wishes.add_arg(flag).unwrap();
        }
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), wishes).await.unwrap();
        let chromium = Chromium { driver: driver.clone(), folder: folder.path().to_owned() };
        let visited = caught(async {
            chromium.set(look).await;
            visit(chromium.clone()).await;
        });
        let ended = visited.await;
        let _ = driver.quit().await;
        if let Err(panic) = ended {
            resume_unwind(panic);
        }
    }

    /// Sets colours, width and scripts as the visitor has them.
    pub async fn set(&self, look: Look) {
        let scheme = if look.dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.cdp("Emulation.setEmulatedMedia", media).await;
        let metrics = json!({ "width": look.width, "height": look.height, "deviceScaleFactor": 2, "mobile": false });
        self.cdp("Emulation.setDeviceMetricsOverride", metrics).await;
        self.cdp("Emulation.setScriptExecutionDisabled", json!({ "value": !look.scripts })).await;
    }

    async fn cdp(&self, method: &str, what: Value) {
        self.driver.cdp().send_raw(method, what).await.unwrap_or_else(|e| panic!("{method}: {e}"));
    }

    pub async fn go(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
    }

    /// Presses the browser's button for the page before.
    pub async fn back(&self) {
        // Where there is none, or it cannot be shown again, the browser stays where it is.
        let _ = self.driver.back().await;
    }

    pub async fn url(&self) -> String {
        self.driver.current_url().await.unwrap().to_string()
    }

    pub async fn source(&self) -> String {
        self.driver.source().await.unwrap()
    }

    /// The element with this CSS selector, once it is there.
    pub async fn see(&self, selector: &str) -> WebElement {
        let give_up = Instant::now() + Duration::from_secs(20);
        loop {
            if let Ok(element) = self.driver.find(By::Css(selector)).await {
                return element;
            }
            assert!(Instant::now() < give_up, "no {selector} on {}:\n{}", self.url().await, self.source().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn text(&self, selector: &str) -> String {
        self.see(selector).await.text().await.unwrap()
    }

    /// Clicks the element once it is there; again where its page went in between.
    pub async fn click(&self, selector: &str) {
        for _ in 0..5 {
            match self.see(selector).await.click().await {
                Err(error) if matches!(error.as_inner(), WebDriverErrorInner::StaleElementReference(_)) => {}
                clicked => return clicked.unwrap(),
            }
        }
        panic!("{selector} does not stay on {}:\n{}", self.url().await, self.source().await);
    }

    /// Types until the field holds the text: a page's `autofocus` may take the keys for itself while it opens.
    pub async fn fill(&self, selector: &str, text: &str) {
        for _ in 0..3 {
            let field = self.see(selector).await;
            field.clear().await.unwrap();
            field.send_keys(text).await.unwrap();
            if field.prop("value").await.unwrap().as_deref() == Some(text) {
                return;
            }
        }
        panic!("{selector} does not take {text:?} on {}:\n{}", self.url().await, self.source().await);
    }

    /// Waits until the address begins so.
    pub async fn arrive(&self, beginning: &str) {
        let give_up = Instant::now() + Duration::from_secs(20);
        while !self.url().await.starts_with(beginning) {
            assert!(Instant::now() < give_up, "still on {}:\n{}", self.url().await, self.source().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn sign_in(&self, patron: &Patron) {
        self.fill("#sign-in [name=card]", &patron.card).await;
        self.fill("#sign-in [name=pin]", &patron.pin).await;
        self.click("#sign-in-submit").await;
    }

    /// Every rule of axe-core must hold on this page.
    pub async fn is_accessible(&self, page: &str) {
        let Some(folder) = part("ONEACCESS_TEST_NODE_CLIENTS", "axe-core") else { return };
        let axe = fs::read_to_string(PathBuf::from(folder).join("node_modules/axe-core/axe.min.js")).unwrap();
        let run = format!(
            "{axe};\nconst done = arguments[arguments.length - 1];\n\
             axe.run(document, {{ resultTypes: ['violations'] }}).then(r => done(r.violations.map(v => ({{ id: v.id, help: v.help, \
             nodes: v.nodes.map(n => n.html + ' ' + (n.failureSummary || '')) }}))), e => done([{{ id: String(e) }}]));"
        );
        let found = self.driver.execute_async(run, vec![]).await.unwrap();
        let violations = found.json().as_array().cloned().unwrap_or_default();
        assert!(violations.is_empty(), "axe on {page} ({}): {violations:#?}", self.url().await);
    }

    /// The page must not be wider than the window.
    pub async fn fits(&self, page: &str) {
        let widths = self
            .driver
            .execute("return [document.documentElement.scrollWidth, document.documentElement.clientWidth]", vec![])
            .await
            .unwrap();
        let (content, window) = (widths.json()[0].as_u64(), widths.json()[1].as_u64());
        assert!(content <= window, "{page} is {content:?} px wide in a window of {window:?}");
    }

    /// A picture of the page; returns its file.
    pub async fn picture(&self, name: &str) -> PathBuf {
        let path = self.folder.join(format!("{name}.png"));
        fs::write(&path, self.driver.screenshot_as_png().await.unwrap()).unwrap();
        if let Ok(keep) = std::env::var("ONEACCESS_TEST_PICTURES") {
            fs::create_dir_all(&keep).unwrap();
            fs::copy(&path, PathBuf::from(keep).join(format!("{name}.png"))).unwrap();
        }
        path
    }

    /// What a scanner reads from a picture of the page: `SYMBOLOGY:DATA`, one a line. `None` without zbarimg.
    pub async fn scanned(&self, name: &str) -> Option<String> {
        let Some(zbarimg) = part("ONEACCESS_TEST_ZBARIMG", "reading barcodes") else {
            skip("reading barcodes");
            return None;
        };
        let picture = self.picture(name).await;
        let output = Command::new(zbarimg).args(["--quiet", "-Senable=1"]).arg(picture).output().unwrap();
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Two that start at once may choose the same free port: then one of them ends, and tries again.
fn chromedriver(path: &str, folder: &Folder) -> (Process, u16) {
    let mut why = String::new();
    for _ in 0..5 {
        let mut service = Process::start("chromedriver", &[path, "--port=0"], &[], folder.path());
        match service.wait_for("its port", Duration::from_secs(30), port) {
            Ok(port) => return (service, port),
            Err(ended) => why = ended,
        }
    }
    panic!("{why}");
}

fn port(process: &Process) -> Option<u16> {
    let said = process.stdout();
    let (_, rest) = said.split_once("started successfully on port ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Runs a future and hands back its panic, so that the browser can be closed first.
async fn caught<F: Future<Output = ()>>(work: F) -> Result<(), Box<dyn Any + Send>> {
    let mut work = Box::pin(work);
    poll_fn(move |cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(())) => Poll::Ready(Ok(())),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}
