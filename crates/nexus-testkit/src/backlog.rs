//! What is written into the store past the server: a backlog that is there at once, because sending it
//! would be most of a test's time, and what nobody can send.

use nexus_core::tenant::Tenant;
use nexus_kit::args;
use nexus_kit::db::{Db, DbError, Tx};
use nexus_kit::entropy::Entropy;

use crate::world::World;

impl World {
    /// Stops, changes something of `default:default` behind the server's back, and starts again; says how
    /// many rows that changed.
    pub async fn restart_changed(
        &mut self,
        change: impl FnOnce(&mut Tx<'_>) -> Result<u64, DbError> + Send + 'static,
    ) -> u64 {
        self.stop().await;
        let db = Db::visit(&self.settings().store, self.clock(), Entropy::system()).unwrap();
        let tenant = Tenant::parse("default:default").unwrap();
        let changed = db.write(&tenant, change).await.unwrap();
        drop(db);
        self.start_again().await;
        changed
    }

    /// Queues so many copies of a queued task of `default:default`, as if they had been accepted with
    /// it. Nobody has heard of them before they are claimed.
    pub async fn queue_copies(&self, task_id: &str, count: u32) {
        let tenant = Tenant::parse("default:default").unwrap();
        let first = u128::from_str_radix(task_id.strip_prefix("tsk_").unwrap(), 16).unwrap();
        let (whose, of) = (tenant.clone(), task_id.to_owned());
        let copied = self.running().app.db.write(&tenant, move |tx| {
            for number in 1..=u128::from(count) {
                let id = format!("tsk_{:032x}", first + number);
                tx.put(
                    "INSERT INTO task (tenant, task_id, seq, command_type, params, status, risk,
                         rule, waits, priority, correlation_id, requested_by, created_at,
                         updated_at, attempt, retry_count, cancel_requested)
                     SELECT tenant, $3, seq, command_type, params, status, risk, rule, waits,
                         priority, correlation_id, requested_by, created_at, updated_at, attempt,
                         retry_count, cancel_requested
                     FROM task WHERE tenant = $1 AND task_id = $2",
                    args![&whose, &of, &id],
                )?;
                tx.put(
                    "INSERT INTO work_due (kind, command_type, tenant, rank, due_at, id, timed)
                     SELECT kind, command_type, tenant, rank, due_at, $3, timed
                     FROM work_due WHERE tenant = $1 AND id = $2",
                    args![&whose, &of, &id],
                )?;
            }
            Ok::<_, DbError>(())
        });
        copied.await.unwrap();
    }
}
