//! Built-in agents: the assistant, files, sharing, YouTube.
//!
//! Each stands behind the same contract as an agent outside ([`nexus_work::agent::Agent`]): it is
//! handed one attempt of one task, acts, and says truthfully what became of it. None of them decides
//! what may run; what reaches `perform` has been rated and, where RED, approved. Two of their types
//! act on the world, `file.delete` and `share.webhook`, and both check everything that was approved
//! again, then have the supervisor write down their intent, and only then act.
//!
//! | agent | types |
//! |---|---|
//! | [`assistant`] | `chat.message`, `autopilot.pause`, `.resume`, `.cancel` |
//! | [`files`] | `file.list`, `file.read`, `file.write`, `file.delete` |
//! | [`share`] | `share.webhook` |
//! | [`youtube`] | `youtube.search`, `youtube.queue.*` |

pub mod assistant;
pub mod files;
pub mod share;
#[cfg(test)]
mod testing;
pub mod youtube;

use std::sync::Arc;

use nexus_kit::app::App;
use nexus_kit::egress::Guard;
use nexus_work::agent::Agent;

/// Every built-in agent. The data directory must exist and holds the tenants' files below `files/`;
/// `guard` judges every call to the outside.
pub fn built_in(app: &App, guard: Arc<Guard>) -> Vec<Arc<dyn Agent>> {
    vec![
        Arc::new(assistant::Assistant::new(app.clone())),
        Arc::new(files::Files::new(&app.settings.store.data_dir)),
        Arc::new(share::Share::new(guard.clone())),
        Arc::new(youtube::Youtube::new(app.clone(), guard)),
    ]
}
