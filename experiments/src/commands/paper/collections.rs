//! The step with collections: what sharing them costs, and what being able to share them costs one thread.

use super::super::rows::{self, Program};
use super::super::{Results, chosen};
use super::{Lab, metric, sides};
use crate::arms::Arm;
use crate::compare::Samples;
use crate::definition::{COLLECTIONS, OWN_COLLECTION_ROWS, SHARED_COLLECTION_ROWS};
use crate::failure::Result;
use crate::host::Host;
use crate::papers::StepArm;
use crate::process::Finished;
use crate::runner::{self, Cell, Key, Role, Settings, Subject};
use crate::stats::Effect;
use crate::table::{self, Table};

/// How large the step is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub n_workers: usize,
    /// Of each worker.
    pub operations: u32,
}

impl Scale {
    /// One row in all arms; with several workers, the first arm also with one, and as processes that share nothing.
    fn subject(self, row: &str, arms: &[Arm], program: &Program) -> Subject {
        let n = self.n_workers;
        let cell = |arm: &Arm, role: Role, workers: usize| program.cell(row, arm, role, workers);
        let mut cells: Vec<Cell> = arms.iter().map(|arm| cell(arm, Role::Measure, n)).collect();
        if let Some(first) = arms.first().filter(|_| n > 1) {
            cells.extend([cell(first, Role::Measure, 1), cell(first, Role::Ceiling, n)]);
        }
        program.subject(row, cells)
    }
}

impl Lab<'_> {
    pub(super) fn collections(
        &mut self,
        name: &str,
        settings: Settings,
        scale: Scale,
        arms: &[StepArm],
        ratios: &[String],
        row_ratios: &[String],
        rows: &[String],
    ) -> Result<()> {
        let n = scale.n_workers;
        let n_cores = Host::here().n_physical;
        if n > n_cores {
            eprintln!("lab: step {name} needs {n} cores, here are {n_cores}: not run");
            return Ok(());
        }
        let all = if n == 1 { OWN_COLLECTION_ROWS } else { SHARED_COLLECTION_ROWS };
        let rows = chosen(all, rows, "row")?;
        let arms = self.arms(arms)?;
        let quick = self.common.quick;
        let program = Program {
            path: self.workdir.write_program(COLLECTIONS)?,
            ops: scale.operations,
            repeats: if quick { 3 } else { 5 },
            quick,
        };
        let subjects: Vec<Subject> = rows.iter().map(|row| scale.subject(row, &arms, &program)).collect();
        let results = Results::default();
        let reader =
            |subject: &Subject, _: &Cell, finished: &Finished| rows::read(subject, finished, &results);
        let runs = runner::run(&subjects, settings, &reader, &mut self.recorder)?;
        let samples = Samples::new(&runs, settings.seed);
        let scaled = arms.first().filter(|_| n > 1).map(|arm| arm.name.clone());

        let mut head = vec!["row".to_string()];
        head.extend(arms.iter().map(|arm| format!("{} {n}", arm.name)));
        head.extend(
            scaled.iter().flat_map(|arm| [format!("{arm} 1"), "speed-up".into(), "of ceiling".into()]),
        );
        head.extend(ratios.iter().cloned());
        let mut table = Table::new(head);
        let mut means: Vec<Vec<Effect>> = vec![Vec::new(); ratios.len()];
        for row in &rows {
            let median = |arm: &str, workers| {
                samples.median(row, &Key::measure(arm, workers)).map_or("–".to_string(), table::digits)
            };
            let mut cells = vec![row.to_string()];
            cells.extend(arms.iter().map(|arm| median(&arm.name, n)));
            if let Some(arm) = &scaled {
                let many = Key::measure(arm, n);
                let ceiling = Key { arm: arm.clone(), workers: n, role: Role::Ceiling };
                // Each worker makes as many operations as one alone.
                let speedup = samples.ratio(row, &Key::measure(arm, 1), &many).map(|it| it.scaled(n as f64));
                let share = samples.ratio(row, &ceiling, &many);
                cells.extend([median(arm, 1), table::effect(speedup.as_ref()), table::share(share.as_ref())]);
                self.metrics.insert(format!("{name}.share.{row}"), metric(share, "an arm failed"));
            }
            for (ratio, mean) in ratios.iter().zip(&mut means) {
                let (above, below) = sides(ratio)?;
                let effect = samples.ratio(row, &Key::measure(above, n), &Key::measure(below, n));
                cells.push(table::effect(effect.as_ref()));
                mean.extend(effect.clone());
                self.metrics.insert(format!("{name}.{ratio}.{row}"), metric(effect, "an arm failed"));
            }
            table.row(cells);
        }
        let means: Vec<Option<Effect>> = means.iter().map(|effects| Effect::geomean(effects)).collect();
        if n == 1 {
            table.rule();
            let mut cells = vec!["geometric mean".to_string()];
            cells.extend(arms.iter().map(|_| String::new()));
            cells.extend(means.iter().map(|mean| table::effect(mean.as_ref())));
            table.row(cells);
        }
        for (ratio, mean) in ratios.iter().zip(means) {
            self.metrics.insert(format!("{name}.{ratio}"), metric(mean, "no row ran in both arms"));
        }
        for ratio in row_ratios {
            let (above, below) = sides(ratio)?;
            let effect = scaled.as_ref().and_then(|arm| {
                let key = Key::measure(arm, n);
                samples.across(above, &key, below, &key)
            });
            self.metrics.insert(format!("{name}.{ratio}"), metric(effect, "an arm failed"));
        }
        let threads = if n == 1 { "1 thread".to_string() } else { format!("{n} threads") };
        self.show(
            &format!("Collections, {threads}: ns per operation of one thread; ratios of times"),
            &table,
        );
        self.runs.extend(runs);
        Ok(())
    }
}
