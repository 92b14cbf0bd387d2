//! stub until merge
use std::sync::Arc;
use std::time::Duration;
use prometheus_client::metrics::gauge::Gauge;
/// m
#[derive(Clone, Default)]
pub struct Metrics(Arc<Inner>);
#[derive(Default)]
struct Inner { queue: Gauge }
impl Metrics {
    /// q
    pub fn store_queue(&self) -> &Gauge { &self.0.queue }
    /// b
    pub fn store_batch(&self, _writes: usize, _statements: u64) {}
    /// c
    pub fn store_checkpoint(&self, _took: Duration) {}
}
