//! Whether those who listen still may: looked up once for each credential, however many streams it
//! has, at once when this process changed something, and every [`RECHECK`] for what others did. The
//! same round gives away the places of readers that are stuck.

use std::sync::Arc;
use std::time::Duration;

use nexus_kit::app::App;
use nexus_kit::http::principal::Authenticator;
use nexus_kit::http::problem::Problem;

use crate::places::{Holder, Places};

/// How often rights are looked up again: a stream ends within five seconds of losing its right.
const RECHECK: Duration = Duration::from_secs(3);

/// Passes come no closer to each other than this, however much changes.
const PAUSE: Duration = Duration::from_millis(50);

/// Watches for as long as the server runs.
pub(crate) async fn watch(app: &App, places: &Places) {
    let mut changed = app.auth.changed();
    loop {
        changed.borrow_and_update();
        let now = app.clock.expiry();
        let again = now.plus(RECHECK);
        // A ping goes to every reader who takes what there is.
        let settings = &app.settings.stream;
        places.give_away_stuck(now.minus(settings.ping + settings.stuck));
        let mut holders = places.revocable();
        // Streams of one credential stand together, and one look serves them all.
        holders.sort_by(|a, b| a.right().holder().cmp(&b.right().holder()));
        for same in holders.chunk_by(|a, b| a.right().holder() == b.right().holder()) {
            if let Err(problem) = judge(&*app.auth, same).await {
                tracing::warn!(
                    code = problem.code,
                    "whether those who listen still may could not be looked up; they go on as before, and it is looked up again"
                );
            }
        }
        // Real time: it spares the machine, and nothing depends on it.
        tokio::time::sleep(PAUSE).await;
        tokio::select! {
            _ = changed.changed() => {}
            () = app.clock.sleep_until(again) => {}
        }
    }
}

async fn judge(auth: &dyn Authenticator, same: &[Arc<Holder>]) -> Result<(), Problem> {
    let Some(first) = same.first() else { return Ok(()) };
    let reader = first.right().stands(auth).await?;
    for holder in same {
        holder.judge(reader.as_ref());
    }
    Ok(())
}
