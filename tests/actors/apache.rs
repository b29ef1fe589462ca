//! A vendor that is no program but a web server: Debian's Apache with mod_auth_openidc, set up as
//! `docs/integrate/mod_auth_openidc.md` says, in front of a page that shows what it was told.

use std::{net::TcpStream, os::unix::fs::MetadataExt, time::Duration};

use super::{
    browser::{Browser, Page},
    library::{Declared, Library, RelyingParty, SECRET},
    parts::{Folder, free_port, part},
    process::Process,
};

#[derive(Debug)]
pub struct Apache {
    pub url: String,
    pub party: RelyingParty,
    process: Process,
    _folder: Folder,
}

/// What a server needs before it is somebody's: Debian's modules, one place to listen, files of its own.
const SERVER: &str = r#"
ServerRoot "FOLDER"
ServerName 127.0.0.1
Listen 127.0.0.1:PORT
PidFile "FOLDER/server.pid"
DefaultRuntimeDir "FOLDER"
ErrorLog "FOLDER/error.log"
LogLevel warn auth_openidc:info
LoadModule mpm_event_module MODULES/mod_mpm_event.so
LoadModule authn_core_module MODULES/mod_authn_core.so
LoadModule authz_core_module MODULES/mod_authz_core.so
LoadModule authz_user_module MODULES/mod_authz_user.so
LoadModule dir_module MODULES/mod_dir.so
LoadModule mime_module MODULES/mod_mime.so
LoadModule include_module MODULES/mod_include.so
LoadModule auth_openidc_module MODULES/mod_auth_openidc.so
StartServers 1
DocumentRoot "FOLDER/pages"
DirectoryIndex index.shtml
TypesConfig /dev/null
AddType text/plain .shtml
AddOutputFilter INCLUDES .shtml
<Directory "FOLDER/pages">
    Options +Includes
    Require all granted
</Directory>
Include "SETTINGS"
"#;

impl Apache {
    /// `None` where Apache or the module is absent.
    pub async fn start(library: &Library) -> Option<Apache> {
        let apache = part("ONEACCESS_TEST_APACHE", "Apache's mod_auth_openidc")?;
        let modules = part("ONEACCESS_TEST_APACHE_MODULES", "Apache's mod_auth_openidc")?;
        // A port that was free may be taken by the time Apache binds it: try again then.
        for attempt in 1.. {
            let port = free_port();
            let url = format!("http://127.0.0.1:{port}");
            let party = declare(library, &url, port).await;
            let folder = Folder::new();
            for page in ["index.shtml", "grown-ups/index.shtml", "api/index.shtml"] {
                folder.write(&format!("pages/{page}"), "<!--#printenv -->");
            }
            let path = folder.path().to_string_lossy().into_owned();
            let mut text = SERVER
                .replace("FOLDER", &path)
                .replace("PORT", &port.to_string())
                .replace("MODULES", &modules)
                .replace("SETTINGS", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/apache/library.conf"));
            if folder.path().metadata().unwrap().uid() == 0 {
                text.push_str("User www-data\nGroup www-data\n");
            }
            let config = folder.write("apache.conf", text).to_string_lossy().into_owned();
            let resource = library.url(&format!("/vendors/{}", party.vendor));
            let env = [
                ("LIBRARY_ISSUER", library.issuer.as_str()),
                ("LIBRARY_CLIENT_ID", &party.client_id),
                ("LIBRARY_CLIENT_SECRET", SECRET),
                ("LIBRARY_REDIRECT_URI", &party.redirect_uri),
                ("LIBRARY_RESOURCE", &resource),
                ("LIBRARY_COOKIE_KEY", "fictional-and-only-for-this-test"),
            ];
            let mut process = Process::start("apache", &[&apache, "-f", &config, "-DFOREGROUND"], &env, folder.path());
            let log = folder.path().join("error.log");
            let answers = |_: &Process| TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(());
            match process.wait_for("it answered", Duration::from_secs(30), answers) {
                Ok(()) => return Some(Apache { url, party, process, _folder: folder }),
                Err(why) if attempt < 3 && why.contains("in use") => {}
                Err(why) => panic!("{why}\n{}", std::fs::read_to_string(log).unwrap_or_default()),
            }
        }
        None
    }

    /// What its page says that it was told, as `NAME=value` lines, and without those that are no claim.
    pub fn claims(page: &Page) -> Vec<(String, String)> {
        let claim = |line: &str| {
            let (name, value) = line.strip_prefix("OIDC_CLAIM_")?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        };
        page.body.lines().filter_map(claim).collect()
    }

    pub async fn api(&self, token: &str) -> Page {
        let bearer = format!("Bearer {token}");
        Browser::new().get_with(format!("{}/api/", self.url), &[("authorization", &bearer)]).await
    }

    /// What went wrong, in its own words.
    pub fn log(&self) -> String {
        let log = std::fs::read_to_string(self._folder.path().join("error.log")).unwrap_or_default();
        format!("{log}\n{}", self.process.stderr())
    }
}

async fn declare(library: &Library, url: &str, port: u16) -> RelyingParty {
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let redirect_uris: &'static [&'static str] = Box::leak(Box::new([leak(format!("{url}/signed-in"))]));
    library.declare(Declared { id: leak(format!("apache-{port}")), redirect_uris, ..Declared::default() }).await
}
