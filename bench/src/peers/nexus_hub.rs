//! A whole NEXUS in this process, the same that `nexus serve` starts, that also takes orders on its
//! standard input. `publish` hands reports to the live hub exactly as the store's writer does after
//! a commit, but **without the store**: so the stream is measured, and not the disk. `commit` does
//! the same through real transactions. It ends when its input does.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use nexus_bench::order::Order;
use nexus_bench::report::{self, correlation};
use nexus_bench::{Error, http, say};
use nexus_core::cursor::Epoch;
use nexus_core::tenant::Tenant;
use nexus_kit::app::App;
use nexus_kit::clock::Clock;
use nexus_kit::db::{DbError, Scope};
use nexus_kit::entropy::Entropy;
use nexus_kit::hub::Channel;
use nexus_kit::log::{Committed, Meta, Report, ReportChange};
use nexus_kit::settings::load::{Inputs, load};
use nexus_kit::telemetry::logs;
use serde_json::json;
use tokio::runtime::Runtime;

/// The same allocator as in `nexus`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Error> {
    let inputs = Inputs { env: std::env::vars_os().collect(), dir: PathBuf::new(), config: None };
    let settings = load(&inputs).map_err(|problems| format!("{problems:?}"))?.settings;
    let clock = Clock::system();
    let told = clock.clone();
    logs::init(&settings.log, Arc::new(move || told.now())).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let running = runtime.block_on(nexus::start(settings, clock, Entropy::system(), Vec::new()))?;
    say::line(&format!("listening {}", running.address));
    // This thread, like the store's writer, is none of the runtime's.
    let mut publisher = Publisher {
        app: running.app.clone(),
        runtime: &runtime,
        logs: HashMap::new(),
        acks: Vec::new(),
    };
    for line in std::io::stdin().lines() {
        let line = line?;
        let order = Order::parse(&line).ok_or_else(|| format!("no order: {line}"))?;
        publisher.obey(order)?;
    }
    runtime.block_on(running.stop());
    runtime.shutdown_background();
    Ok(())
}

/// A tenant's live log, and where the publisher stands in it.
struct Log {
    tenant: Tenant,
    /// Held, so that the hub keeps it live while nobody listens.
    _channel: Arc<Channel>,
    epoch: Epoch,
    /// The newest number in the log.
    last: u64,
    /// Reports published so far.
    count: u64,
}

struct Publisher<'a> {
    app: App,
    runtime: &'a Runtime,
    logs: HashMap<usize, Log>,
    /// Reports and when their transaction was acknowledged.
    acks: Vec<(u64, u64)>,
}

impl Publisher<'_> {
    fn obey(&mut self, order: Order) -> Result<(), Error> {
        match order {
            Order::Publish(tenant, count) => self.publish(tenant, count),
            Order::Commit(tenant, count, each) => self.commit(tenant, count, each),
            Order::Acks => {
                let acks = std::mem::take(&mut self.acks);
                let acks: Vec<String> =
                    acks.iter().map(|(number, at)| format!("{number}:{at}")).collect();
                say::line(&format!("acks {}", acks.join(" ")));
                Ok(())
            }
        }
    }

    fn log(&mut self, number: usize) -> Result<&mut Log, Error> {
        if !self.logs.contains_key(&number) {
            let tenant = Tenant::parse(&http::tenant(number))?;
            let channel = self.runtime.block_on(self.app.hub.channel(&self.app.db, &tenant))?;
            let (epoch, last) = channel.head().ok_or("the log is not live")?;
            self.logs.insert(number, Log { tenant, _channel: channel, epoch, last, count: 0 });
        }
        self.logs.get_mut(&number).ok_or_else(|| "the log is gone".into())
    }

    fn publish(&mut self, tenant: usize, count: u64) -> Result<(), Error> {
        let log = self.log(tenant)?;
        let stamp = report::now();
        let reports = (1..=count).map(|nth| Committed {
            tenant: log.tenant.clone(),
            epoch: log.epoch.clone(),
            number: log.last + nth,
            body: report::body(log.count + nth, stamp).into(),
        });
        let reports: Vec<Committed> = reports.collect();
        log.last += count;
        log.count += count;
        self.app.hub.committed(reports);
        Ok(())
    }

    fn commit(&mut self, tenant: usize, count: u64, each: u64) -> Result<(), Error> {
        let mut left = count;
        while left > 0 {
            let now = left.min(each.max(1));
            left -= now;
            let log = self.log(tenant)?;
            let (scope, from) = (Scope::Tenant(log.tenant.clone()), log.count);
            log.count += now;
            let stamp = report::now();
            let write = self.app.db.write(scope, move |tx| {
                for number in from + 1..=from + now {
                    let place = tx.next_place()?;
                    let id = correlation(number, stamp);
                    let value = json!({"seq": place.number, "done": true, "text": "."});
                    let change = ReportChange::upsert("worklog", format!("w{number:012}"), &value);
                    let report = Report {
                        kind: "worklog.line",
                        correlation_id: &id,
                        meta: Meta::default(),
                        changes: vec![change],
                    };
                    tx.report(&place, &report)?;
                }
                Ok::<_, DbError>(())
            });
            self.runtime.block_on(write)?;
            self.acks.push((from + now, report::now()));
        }
        Ok(())
    }
}
