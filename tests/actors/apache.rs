//! A web server in which no line of the library's is: Debian's Apache, with one module that asks who reads, in front of
//! pages that show what they were told. Which vendor that makes is said by `openidc` and `mellon`.

use std::{fs, net::TcpStream, os::unix::fs::MetadataExt, path::PathBuf, time::Duration};

use super::{
    parts::{Folder, free_port, part},
    process::Process,
};

/// What makes a vendor of it.
#[derive(Debug)]
pub struct Module {
    /// As Apache knows it: `auth_mellon`.
    pub name: &'static str,
    pub log_level: &'static str,
    /// In `tests/clients/apache/`.
    pub settings: &'static str,
    /// Folders that have a page each, beside the first page.
    pub folders: [&'static str; 2],
}

#[derive(Debug)]
pub struct Apache {
    pub url: String,
    pub port: u16,
    command: [String; 4],
    process: Option<Process>,
    folder: Folder,
}

/// What a server needs before it is somebody's: Debian's modules, one place to listen, files of its own.
const SERVER: &str = r#"
ServerRoot "FOLDER"
ServerName 127.0.0.1
Listen 127.0.0.1:PORT
PidFile "FOLDER/server.pid"
DefaultRuntimeDir "FOLDER"
ErrorLog "FOLDER/error.log"
LogLevel warn NAME:LEVEL
LoadModule mpm_event_module MODULES/mod_mpm_event.so
LoadModule authn_core_module MODULES/mod_authn_core.so
LoadModule authz_core_module MODULES/mod_authz_core.so
LoadModule authz_user_module MODULES/mod_authz_user.so
LoadModule dir_module MODULES/mod_dir.so
LoadModule mime_module MODULES/mod_mime.so
LoadModule include_module MODULES/mod_include.so
LoadModule NAME_module MODULES/mod_NAME.so
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
    /// Its files, and nothing running yet. `None` where Apache or its modules are absent.
    pub fn installed(module: &Module) -> Option<Apache> {
        let what_for = format!("Apache's mod_{}", module.name);
        let program = part("ONEACCESS_TEST_APACHE", &what_for)?;
        let modules = part("ONEACCESS_TEST_APACHE_MODULES", &what_for)?;
        let (port, folder) = (free_port(), Folder::new());
        for place in ["."].into_iter().chain(module.folders) {
            folder.write(&format!("pages/{place}/index.shtml"), "<!--#printenv -->");
        }
        let settings = format!("{}/tests/clients/apache/{}", env!("CARGO_MANIFEST_DIR"), module.settings);
        let mut text = SERVER
            .replace("FOLDER", &folder.path().to_string_lossy())
            .replace("PORT", &port.to_string())
            .replace("MODULES", &modules)
            .replace("NAME", module.name)
            .replace("LEVEL", module.log_level)
            .replace("SETTINGS", &settings);
        if folder.path().metadata().unwrap().uid() == 0 {
            text.push_str("User www-data\nGroup www-data\n");
        }
        let config = folder.write("apache.conf", text).to_string_lossy().into_owned();
        let command = [program, "-f".into(), config, "-DFOREGROUND".into()];
        Some(Apache { url: format!("http://127.0.0.1:{port}"), port, command, process: None, folder })
    }

    /// Starts it with these variables, and ends it before where it runs.
    ///
    /// # Errors
    /// What it said, where it does not answer.
    pub fn start(&mut self, variables: &[(&'static str, String)]) -> Result<(), String> {
        if let Some(mut process) = self.process.take() {
            process.stop();
        }
        let command: Vec<&str> = self.command.iter().map(String::as_str).collect();
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut process = Process::start("apache", &command, &variables, self.folder.path());
        let answers = |_: &Process| TcpStream::connect(("127.0.0.1", self.port)).is_ok().then_some(());
        process.wait_for("it answered", Duration::from_secs(30), answers)?;
        self.process = Some(process);
        Ok(())
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        self.folder.write(name, text);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What went wrong, in its own words.
    pub fn log(&self) -> String {
        let log = fs::read_to_string(self.path("error.log")).unwrap_or_default();
        format!("{log}\n{}", self.process.as_ref().map(Process::stderr).unwrap_or_default())
    }
}
