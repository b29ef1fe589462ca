//! The chart `helm/oneaccess` and the image that it runs: what Helm makes of values, what Kubernetes and the server say to
//! that, and what the chart refuses.
//!
//! `helm/oneaccess/ci/*.yaml` are whole sets of values; what Helm makes of each stands in `tests/helm/NAME.yaml`. To write
//! those anew after a change of the chart: `ONEACCESS_WRITE_MANIFESTS=1 scripts/test the_chart_renders`.

use std::{
    collections::BTreeSet,
    env, fs,
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
    process::Command,
};

use serde_json::Value;

use crate::actors::*;

#[test]
fn the_chart_renders_what_was_looked_at() {
    let Some(helm) = Helm::installed() else { return };
    let looked_at = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/helm");
    assert!(Helm::sets().len() >= 5, "{:?}", Helm::sets());
    for set in Helm::sets() {
        helm.lints(&set);
        let rendered = helm.renders(&set, &[]);
        let file = looked_at.join(format!("{set}.yaml"));
        if env::var("ONEACCESS_WRITE_MANIFESTS").is_ok() {
            fs::create_dir_all(&looked_at).unwrap();
            fs::write(&file, rendered).unwrap();
            continue;
        }
        let known = fs::read_to_string(&file).unwrap_or_default();
        let differs = known.lines().zip(rendered.lines()).position(|(was, is)| was != is);
        assert!(known == rendered, "{} differs from line {differs:?}: see the top of {}", file.display(), file!());
    }
}

#[test]
fn kubernetes_takes_what_the_chart_renders() {
    let Some(helm) = Helm::installed() else { return };
    for set in Helm::sets() {
        let manifests = helm.manifests(&set);
        assert!(manifests.len() >= 5, "{set}: {}", manifests.len());
        kubernetes_takes(&manifests, &["1.30", "1.37"]);
    }
}

/// The files are laid out as the kubelet would, and the variables are the pod's; what a Secret holds is made up.
#[test]
fn the_server_understands_the_configuration_that_the_chart_renders() {
    let Some(helm) = Helm::installed() else { return };
    for set in Helm::sets() {
        let manifests = helm.manifests(&set);
        let deployment = manifests.iter().find(|manifest| manifest["kind"] == "Deployment").unwrap();
        let pod = pod_of(deployment).unwrap();
        let etc = Folder::new();
        let volumes = list(&pod["volumes"]);
        let mounted = volumes.iter().find(|volume| volume["name"] == "etc").unwrap();
        for source in list(&mounted["projected"]["sources"]) {
            let kind = if source["secret"].is_object() { "secret" } else { "configMap" };
            let name = source[kind]["name"].as_str().unwrap();
            for item in list(&source[kind]["items"]) {
                let key = item["key"].as_str().unwrap();
                let rendered =
                    manifests.iter().find(|one| one["kind"] == "ConfigMap" && one["metadata"]["name"] == name);
                let text =
                    rendered.and_then(|map| map["data"][key].as_str()).unwrap_or("made-up-and-long-enough-for-any");
                etc.write(item["path"].as_str().unwrap(), text);
            }
        }
        let container = &pod["containers"][0];
        let arguments: Vec<&str> = list(&container["args"]).iter().filter_map(Value::as_str).collect();
        assert_eq!(arguments, ["serve", "--config", "/etc/oneaccess/oneaccess.toml"]);
        let known = |name: &str| ["ONEACCESS_LISTEN", "ONEACCESS_KEY_ENCRYPTION_KEY_FILE"].contains(&name);
        let told: Vec<(&str, String)> = list(&container["env"])
            .iter()
            .filter_map(|variable| Some((variable["name"].as_str()?, variable["value"].as_str()?)))
            .filter(|(name, _)| known(name))
            .map(|(name, value)| (name, value.replace("/etc/oneaccess", etc.path().to_str().unwrap())))
            .collect();
        assert_eq!(told.len(), 2, "{set}: {told:?}");
        let nowhere = format!("sqlite:{}", etc.path().join("nowhere.db").display());
        let mut told: Vec<(&str, &str)> = told.iter().map(|(name, value)| (*name, value.as_str())).collect();
        told.push(("ONEACCESS_DATABASE", &nowhere));
        let file = etc.path().join("oneaccess.toml");
        let checked = operate(&["check", "--config", file.to_str().unwrap()], &told, "").fine();
        assert!(
            checked.stdout.contains("It would serve https://access.library.example on 0.0.0.0:8080"),
            "{set}: {}",
            checked.words()
        );
    }
}

#[test]
fn the_values_know_every_field_of_the_configurations_top_level() {
    let schema = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("helm/oneaccess/values.schema.json"));
    let schema: Value = serde_json::from_str(&schema.unwrap()).unwrap();
    let config = &schema["properties"]["config"];
    assert_eq!(config["additionalProperties"], false);
    let known: BTreeSet<&str> = config["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    let page = operate(&["docs", "configuration"], &[], "").fine().stdout;
    // Fields of the top level are the first table of the page; tables are its headings.
    let mut fields = BTreeSet::new();
    let mut at_top = false;
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            at_top = heading == "Top level";
            let table = heading.split('`').nth(1).unwrap_or_default().trim_matches(['[', ']']);
            if heading.starts_with("`[") && !table.contains('.') {
                fields.insert(table);
            }
        } else if let Some(field) = line.strip_prefix("| `").filter(|_| at_top) {
            fields.insert(field.split('`').next().unwrap());
        }
    }
    assert!(fields.len() > 25, "{fields:?}");
    let missing: Vec<_> = fields.difference(&known).collect();
    let too_many: Vec<_> = known.difference(&fields).collect();
    assert!(missing.is_empty() && too_many.is_empty(), "missing {missing:?}, too many {too_many:?}");
}

#[test]
fn the_chart_refuses_two_replicas_over_one_file() {
    let Some(helm) = Helm::installed() else { return };
    let more = ["--set", "replicaCount=2"];
    let said = helm.refuses("sqlite", &more);
    assert!(said.contains("a SQLite file serves one server. Take postgres and a shelf, or one replica"), "{said}");
    let more = ["--set", "autoscaling.enabled=true"];
    let said = helm.refuses("sqlite", &more);
    assert!(
        said.contains("a SQLite file serves one server. Take postgres and a shelf, or switch autoscaling off"),
        "{said}"
    );
    let rendered = helm.renders("sqlite", &[]);
    assert!(rendered.contains("type: Recreate") && rendered.contains("replicas: 1"), "{rendered}");
}

#[test]
fn the_chart_refuses_what_would_not_work_and_says_why() {
    let Some(helm) = Helm::installed() else { return };
    for (set, more, sentence) in [
        ("district", "shelf.secret.name=", "more than one server without shelf.secret.name"),
        ("gateway", "shelf.secret.name=", "more than one server without shelf.secret.name"),
        ("district", "database.secret.name=", "name the Secret that holds postgres://"),
        ("sqlite", "database.secret.name=x", "Did you mean database.kind postgres?"),
        ("sqlite", "image.repository=", "build the image from the repository's Containerfile"),
        ("sqlite", "keyEncryptionKey.secret.name=", "make a Secret with the key-encryption key first"),
        ("sqlite", "configText=x", "say the configuration once"),
        ("sqlite", "config=null", "the server needs a configuration"),
        ("sqlite", "config.listen=0.0.0.0:1", "config.listen is said by service.port"),
        ("sqlite", "config.database=postgres://u:p@h/d", "config.database is said by database.secret"),
        ("sqlite", "config.sip2.listen=0.0.0.0:1", "config.sip2.listen is said by sip2.plain and sip2.tls"),
        ("sqlite", "sip2.tls.enabled=true", "sip2.tls.enabled without a certificate"),
        ("sip2", "sip2.plain.port=6443", "sip2.tls.port and sip2.plain.port are the same"),
        ("gateway", "sip2.plain.enabled=true", "configText has no [sip2] table"),
        ("gateway", "tls.secret=x", "configText has no [tls] table"),
        ("gateway", "httpRoute.parentRefs=null", "name the gateway"),
        ("gateway", "configText=[library]", "the ingress or the route has no host"),
        ("district", "autoscaling.minReplicas=20", "autoscaling.maxReplicas is below"),
        ("rosters", "rosterJobs[0].claim=", "comes either from a volume (claim) or from an SFTP server (sftp)"),
        ("rosters", "database.kind=sqlite", "give the source a timetable (at)"),
        ("sqlite", "serviceMonitor.enabled=true", "need metrics.enabled"),
        ("sqlite", "prometheusRule.enabled=true", "need metrics.enabled"),
        ("sqlite", "config.metrics.listen=0.0.0.0:1", "config.metrics.listen is said by metrics.enabled"),
        ("gateway", "metrics.enabled=true", "configText has no [metrics] table"),
        ("watched", "metrics.port=8080", "metrics.port is that of the pages"),
        ("district", "files[0].configMap=x", "each of files names either a secret or a configMap"),
        // Of the schema.
        ("sqlite", "replicas=2", "additional properties 'replicas' not allowed"),
        ("sqlite", "config.nonsense=1", "additional properties 'nonsense' not allowed"),
        ("sqlite", "config.issuer=http://access.library.example", "/config/issuer"),
        ("sqlite", "runAs.user=0", "/runAs/user"),
        ("district", "files[0].items[0].path=../x", "/files/0/items/0/path"),
        ("district", "files[0].items[0].path=oneaccess.toml", "/files/0/items/0/path"),
    ] {
        let said = helm.refuses(set, &["--set", more]);
        assert!(said.contains(sentence), "{set} with {more}: {said}");
    }
}

#[test]
fn no_secret_passes_through_the_chart() {
    let Some(helm) = Helm::installed() else { return };
    for set in Helm::sets() {
        let manifests = helm.manifests(&set);
        assert!(manifests.iter().all(|manifest| manifest["kind"] != "Secret"), "{set}");
    }
    let folder = Folder::new();
    let head = "issuer = \"https://access.library.example\"\n[library]\nname = \"X\"\n";
    for (secret, sentence) in [
        ("[[vendor.oidc]]\nclient_secret = \"hush\"\n", "write client_secret_file"),
        ("[[vendor.sip2]]\nlogin = \"x\"\npassword = 'hush'\n", "write password_file"),
        ("[[vendor]]\npatronapi = [{ id = \"x\", secret = \"hush\" }]\n", "write secret_file"),
        ("[[test_patron]]\npin = \"4711\"\n", "write pin_file"),
        (
            "[x]\ny = \"postgres://oneaccess:hush@db.library.example/oneaccess\"\n",
            "the configuration holds the database's password",
        ),
    ] {
        let file = folder.write("oneaccess.toml", format!("{head}{secret}"));
        let said = helm.refuses("gateway", &["--set-file", &format!("configText={}", file.display())]);
        assert!(said.contains(sentence) && !said.contains("hush") && !said.contains("4711"), "{secret}: {said}");
    }
    let said = helm.refuses("sip2", &["--set", "config.vendor[0].sip2[0].password=hush"]);
    assert!(said.contains("write password_file") && !said.contains("hush"), "{said}");
}

#[test]
fn every_pod_runs_as_nobody_on_a_root_that_cannot_be_written() {
    let Some(helm) = Helm::installed() else { return };
    let mut seen = 0;
    for set in Helm::sets() {
        for manifest in helm.manifests(&set) {
            let Some(pod) = pod_of(&manifest) else { continue };
            let security = &pod["securityContext"];
            assert_eq!(security["runAsNonRoot"], true, "{set}: {pod}");
            assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault", "{set}: {pod}");
            assert_eq!(pod["automountServiceAccountToken"], false, "{set}: {pod}");
            // A Service called oneaccess would be told as ONEACCESS_PORT, and be taken for a field.
            assert_eq!(pod["enableServiceLinks"], false, "{set}: {pod}");
            let containers = list(&pod["initContainers"]).iter().chain(list(&pod["containers"]));
            for container in containers {
                let security = &container["securityContext"];
                assert_eq!(security["readOnlyRootFilesystem"], true, "{set}: {container}");
                assert_eq!(security["allowPrivilegeEscalation"], false, "{set}: {container}");
                assert_eq!(security["capabilities"]["drop"], serde_json::json!(["ALL"]), "{set}: {container}");
                assert!(container["resources"]["limits"]["memory"].is_string(), "{set}: {container}");
            }
            let ours = ["projected", "emptyDir", "persistentVolumeClaim", "configMap", "secret"];
            for volume in list(&pod["volumes"]) {
                assert!(ours.iter().any(|kind| volume[*kind].is_object()), "{set}: {volume}");
            }
            seen += 1;
        }
    }
    assert!(seen >= 9, "{seen}");
}

/// The image has no shell and no libraries but these, so whatever is missing is missed here; and the key-encryption key is
/// root's file, which the kubelet lets the pod's group read.
#[test]
fn the_image_holds_all_that_the_server_needs() {
    let folder = Folder::new();
    let (root, binary) = (folder.path().join("image"), env!("CARGO_BIN_EXE_oneaccess"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/image-root");
    let laid = Command::new(script).arg(binary).arg(&root).output().unwrap();
    assert!(laid.status.success(), "{}", String::from_utf8_lossy(&laid.stderr));
    assert!(!root.join("bin").exists() && !root.join("usr/bin").exists());

    let etc = root.join("etc/oneaccess");
    let settings = [
        "issuer = \"https://access.library.example\"",
        "database = \"sqlite:/var/lib/oneaccess/oneaccess.db\"",
        "key_encryption_key_file = \"kek\"",
        "[library]",
        "name = \"Example Library\"",
        "time_zone = \"America/New_York\"",
        "scope_domain = \"library.example\"",
    ];
    fs::write(etc.join("oneaccess.toml"), settings.join("\n")).unwrap();
    fs::write(etc.join("kek"), "A".repeat(43)).unwrap();
    fs::set_permissions(etc.join("kek"), fs::Permissions::from_mode(0o440)).unwrap();
    if chown(etc.join("kek"), Some(0), Some(65532)).is_err() {
        return skip("the image's root (giving files away and chroot are root's)");
    }
    // Every container has it; the server asks it who it is.
    fs::create_dir_all(root.join("proc/self")).unwrap();
    chown(root.join("proc/self"), Some(65532), Some(65532)).unwrap();
    let migrate = ["/usr/local/bin/oneaccess", "migrate", "--config", "/etc/oneaccess/oneaccess.toml"];
    let mut inside = Command::new("chroot");
    inside.args(["--userspec=65532:65532".as_ref(), root.as_os_str()]).args(migrate);
    inside.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default());
    let said = inside.output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    assert!(root.join("var/lib/oneaccess/oneaccess.db").exists());
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
