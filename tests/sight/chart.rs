//! The chart's dashboard and alert rules name what the server exposes: each expression is read by Prometheus's own parser.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::Value;

use super::metrics::declared;
use crate::actors::*;

/// What Prometheus adds to samples by the chart's ServiceMonitor.
const ADDED: [&str; 3] = ["namespace", "service", "pod"];

#[test]
fn the_dashboard_and_the_alert_rules_name_what_the_server_exposes() {
    let Some(helm) = Helm::installed() else { return };
    let manifests = helm.manifests("watched");
    let of = |kind: &str, name: &str| {
        let is = |one: &&Value| one["kind"] == kind && one["metadata"]["name"].as_str().unwrap().ends_with(name);
        manifests.iter().find(is).unwrap_or_else(|| panic!("no {kind} {name}")).clone()
    };
    let rules = of("PrometheusRule", "");
    let rules: Vec<&Value> = list(&rules["spec"]["groups"]).iter().flat_map(|group| list(&group["rules"])).collect();
    assert!(rules.len() >= 15, "{}", rules.len());
    let mut alerts = BTreeSet::new();
    let mut expressions = Vec::new();
    for rule in &rules {
        let name = rule["alert"].as_str().unwrap();
        assert!(alerts.insert(name) && name.starts_with("Oneaccess"), "{name}");
        assert!(["warning", "critical"].contains(&rule["labels"]["severity"].as_str().unwrap()), "{name}");
        for text in ["summary", "description"] {
            assert!(rule["annotations"][text].as_str().is_some_and(|text| !text.is_empty()), "{name}");
        }
        expressions.push(rule["expr"].as_str().unwrap().to_owned());
    }
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operate/metrics.md")).unwrap();
    let untold: Vec<_> = alerts.iter().filter(|alert| !page.contains(&format!("`{alert}`"))).collect();
    assert!(untold.is_empty(), "docs/operate/metrics.md does not say what to do about {untold:?}");

    let dashboard = of("ConfigMap", "-dashboard");
    let (_, text) = dashboard["data"].as_object().unwrap().iter().next().unwrap();
    let dashboard: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    let mut panels = BTreeSet::new();
    for panel in list(&dashboard["panels"]) {
        assert!(panels.insert(panel["id"].as_u64().unwrap()), "{panel}");
        let targets = list(&panel["targets"]).iter().map(|target| target["expr"].as_str().unwrap());
        expressions.extend(targets.map(|target| target.replace("$__rate_interval", "5m")));
    }
    assert!(panels.len() > 30, "{panels:?}");

    let declared = declared();
    let mut named = BTreeSet::new();
    for (expression, read) in expressions.iter().zip(queries(&expressions).unwrap()) {
        let mut known: BTreeSet<&str> = ADDED.into();
        for metric in list(&read["metrics"]) {
            let name = metric["name"].as_str().unwrap();
            let (family, labels) = family(&declared, name).unwrap_or_else(|| panic!("no {name}: {expression}"));
            named.insert(family);
            known.extend(labels.iter().map(String::as_str));
            if name.ends_with("_bucket") {
                known.insert("le");
            }
            for label in list(&metric["labels"]).iter().filter_map(Value::as_str) {
                assert!(ADDED.contains(&label) || labels.contains(label), "{name} has no {label}: {expression}");
            }
        }
        for label in list(&read["groups"]).iter().filter_map(Value::as_str) {
            assert!(known.contains(label), "nothing has {label}: {expression}");
        }
    }
    let unseen: Vec<_> = declared.keys().filter(|name| !named.contains(name.as_str())).collect();
    assert!(unseen.is_empty(), "nobody looks at {unseen:?}");
}

/// The metric that a sample's name belongs to, and its labels.
fn family<'d>(declared: &'d BTreeMap<String, BTreeSet<String>>, name: &str) -> Option<(&'d str, &'d BTreeSet<String>)> {
    let ends = ["", "_bucket", "_count", "_sum"].into_iter().filter_map(|end| name.strip_suffix(end));
    ends.filter_map(|family| declared.get_key_value(family)).map(|(name, labels)| (name.as_str(), labels)).next()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
