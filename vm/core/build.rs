//! Chooses how handlers are chained: tail calls where the calling convention allows them.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(tail_calls)");
    let arch = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let match_loop = std::env::var("CARGO_FEATURE_MATCH_LOOP").is_ok();
    if arch == "x86_64" && !match_loop {
        println!("cargo::rustc-cfg=tail_calls");
    }
}
