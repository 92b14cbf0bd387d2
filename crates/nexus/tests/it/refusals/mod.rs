//! What NEXUS refuses, how the refusal reads, and that nothing was changed by it.

mod bodies;
mod callers;
mod destinations;
mod routing;

use nexus_testkit::{View, World};
use serde_json::Value;

/// What must not change when something is refused: where the stream stands, the view, the tasks.
#[derive(PartialEq, Debug)]
struct Untouched {
    cursor: String,
    view: View,
    tasks: Value,
    asks: Value,
}

async fn untouched(world: &World) -> Untouched {
    let (cursor, view) = world.snapshot().await;
    let tasks = world.admin().get("/tasks").await.expect(200).clone();
    let asks = world.admin().get("/approvals").await.expect(200).clone();
    Untouched { cursor, view, tasks, asks }
}
