//! Follows a tenant and says after each report what its view holds.
//!
//! `NEXUS_API_KEY=… cargo run -p nexus-client --example follow -- http://127.0.0.1:8000`
#![allow(clippy::print_stdout, reason = "a program that prints")]

use nexus_client::{Api, Credential, Happening, Live};
use nexus_core::tenant::Tenant;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:8000".to_owned());
    let key = Credential::Key(std::env::var("NEXUS_API_KEY")?);
    let mut live = Live::new(Api::new(&url, &Tenant::parse("default:default")?, &key)?);
    while let Some(happening) = live.next().await? {
        let tasks = live.view().map_or(0, |view| view.len_of("tasks"));
        match happening {
            Happening::Snapshot(snapshot) => println!("snapshot {} {tasks} tasks", snapshot.cursor),
            Happening::Resumed => println!("resumed after {}", live.cursor().unwrap_or_default()),
            Happening::Report(report) => {
                println!("{} {} {tasks} tasks", report.cursor, report.data["kind"]);
            }
            Happening::Bye { reason, wait, .. } => println!("bye {reason}, back in {wait:?}"),
            Happening::Lost { why, wait, .. } => println!("lost: {why}, back in {wait:?}"),
        }
    }
    Ok(())
}
