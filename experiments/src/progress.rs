//! Progress on standard error: a bar on a terminal, a line now and then elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How far a run has come.
pub struct Progress {
    bar: Option<ProgressBar>,
    n_done: u64,
    n_all: u64,
    last_line: Instant,
}

impl Progress {
    /// Of `n_all` steps none is done.
    pub fn new(n_all: usize) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(n_all as u64), ProgressDrawTarget::stderr());
            if let Ok(style) =
                ProgressStyle::with_template("{bar:32} {pos}/{len} {elapsed}, {eta} left  {msg}")
            {
                bar.set_style(style);
            }
            bar
        });
        Progress { bar, n_done: 0, n_all: n_all as u64, last_line: Instant::now() }
    }

    /// Says what is being run now.
    pub fn now(&mut self, what: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(what.to_string()),
            None if self.n_done == 0 || self.last_line.elapsed() > Duration::from_secs(10) => {
                eprintln!("lab: {}/{} {what}", self.n_done, self.n_all);
                self.last_line = Instant::now();
            }
            None => {}
        }
    }

    /// One more step is done.
    pub fn step(&mut self) {
        self.n_done += 1;
        if let Some(bar) = &self.bar {
            bar.set_position(self.n_done);
        }
    }

    /// Prints a line above the bar.
    pub fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
