//! What the kernel says about this process, read from `/proc/self` at each scrape. On a system
//! without it the lines are left out.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Linux counts in hundredths of a second towards programs, whatever it does inside.
const TICKS_PER_SECOND: f64 = 100.0;

/// Collects memory, CPU time, threads and open files.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut gauge = |name: &str, help: &str, value: Option<u64>| {
            let Some(value) = value.and_then(|value| i64::try_from(value).ok()) else {
                return Ok(());
            };
            let metric = ConstGauge::new(value);
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
        };
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let memory = status_value(&status, "VmRSS:").map(|kilobytes| kilobytes * 1024);
        gauge("process_resident_memory_bytes", "Memory in use", memory)?;
        gauge("process_threads", "Threads", status_value(&status, "Threads:"))?;
        let files = std::fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as u64);
        gauge("process_open_fds", "Open files", files)?;
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        if let Some(seconds) = cpu_seconds(&stat) {
            let metric = ConstCounter::new(seconds);
            let kind = metric.metric_type();
            metric.encode(encoder.encode_descriptor(
                "process_cpu_seconds",
                "CPU time used",
                None,
                kind,
            )?)?;
        }
        Ok(())
    }
}

fn status_value(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// User and system time: the fields 14 and 15. The name in field 2 may hold spaces and brackets.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) as f64 / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 4 0 1 1 1";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(cpu_seconds(""), None);
        assert_eq!(status_value("Name:\tx\nVmRSS:\t  2048 kB\n", "VmRSS:"), Some(2048));
    }
}
