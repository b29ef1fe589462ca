//! How far a long step is: a bar where somebody looks, a plain line for each step otherwise. On standard error.

use std::{
    io::IsTerminal,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use super::output::grouped;

#[derive(Default)]
pub struct Meter(Mutex<Option<Step>>);

struct Step {
    name: &'static str,
    bar: Option<ProgressBar>,
}

impl Meter {
    /// `done` of `total` (0: not known) of the step `name`.
    pub fn tell(&self, name: &'static str, done: u64, total: u64) {
        let mut step = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if step.as_ref().is_none_or(|step| step.name != name) {
            if let Some(before) = step.take() {
                before.end();
            }
            *step = Some(Step::begin(name, total));
        }
        if let Some(Step { bar: Some(bar), .. }) = step.as_ref() {
            if total > 0 && bar.length() != Some(total) {
                bar.set_length(total);
                bar.set_style(style(total));
            }
            bar.set_position(done);
        }
    }

    pub fn end(&self) {
        if let Some(step) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            step.end();
        }
    }
}

impl Step {
    fn begin(name: &'static str, total: u64) -> Step {
        if !std::io::stderr().is_terminal() {
            match total {
                0 => eprintln!("{name}"),
                total => eprintln!("{name}: {}", grouped(total)),
            }
            return Step { name, bar: None };
        }
        let bar = ProgressBar::new(total);
        bar.set_style(style(total));
        bar.set_message(name);
        bar.enable_steady_tick(Duration::from_millis(100));
        Step { name, bar: Some(bar) }
    }

    fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(total: u64) -> ProgressStyle {
    let template =
        if total > 0 { "{msg:24} {wide_bar} {percent:>3} %  {elapsed}" } else { "{msg:24} {spinner} {elapsed}" };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
