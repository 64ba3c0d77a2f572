//! `lab list`: what there is to run.

use crate::definition::{
    self, LOOP_NAMES, MEMORY_KINDS, OP_TYPES, OWN_COLLECTION_ROWS, SCALING_BODIES, SCALING_WRITES,
    SHARED_COLLECTION_ROWS, SHARING_ROWS, Scale,
};
use crate::failure::Result;
use crate::papers;
use crate::table::Table;

fn parameters(scale: &Scale) -> String {
    scale.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

/// Prints workloads, loops, types and papers.
pub fn run() -> Result<()> {
    crate::interrupt::end_when_output_closes();
    println!("Threaded workloads (cargo lab run threads --only NAME,..)\n");
    for workload in definition::threaded()? {
        let head = &workload.head;
        println!("{}", workload.name);
        println!("    {}", head.about);
        println!("    stresses:  {}", head.stresses);
        println!("    processes: {}", head.processes);
        println!("    quick: {}   full: {}", parameters(&head.quick), parameters(&head.full));
    }
    println!("\nLoops (cargo lab run loops --only NAME,..)\n\n{}", LOOP_NAMES.join(" "));
    println!("\nRows of sharing (cargo lab run sharing --only NAME,..)\n\n{}", SHARING_ROWS.join(" "));
    let (bodies, writes) = (SCALING_BODIES.join(" "), SCALING_WRITES.join(" "));
    println!("\nRows of scaling (cargo lab run scaling --only NAME,..)\n\n{bodies}\n{writes}");
    let collections = [OWN_COLLECTION_ROWS, SHARED_COLLECTION_ROWS].concat().join(" ");
    println!("\nRows of collections (cargo lab paper run daloze-oopsla18)\n\n{collections}");
    println!("\nOperations of types (cargo lab run ops --only TYPE,..)\n\n{}", OP_TYPES.join(" "));
    println!("\nKinds of objects (cargo lab run memory --only KIND,..)\n\n{}", MEMORY_KINDS.join(" "));
    println!("\nPapers (cargo lab paper run NAME)\n");
    let mut table = Table::new(["name", "claims", "title"]);
    for paper in papers::all()? {
        table.row(vec![paper.slug.clone(), paper.claims.len().to_string(), paper.about.title.clone()]);
    }
    print!("{}", table.render());
    Ok(())
}
