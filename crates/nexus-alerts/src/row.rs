//! Alerts and deliveries as the store has them, and how they show.

use nexus_core::alert::{Channel, Event, Severity};
use nexus_core::tenant::Tenant;
use nexus_core::time::Time;
use nexus_kit::db::Scope;
use nexus_kit::log::ReportChange;
use serde::Serialize;
use utoipa::ToSchema;

use crate::notice::Notice;

/// Whose alerts: a tenant's, or the platform's.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Owner {
    Tenant(Tenant),
    Platform,
}

impl Owner {
    /// Of a stored name.
    pub fn of(key: &str) -> Self {
        Tenant::parse(key).map_or(Self::Platform, Self::Tenant)
    }

    /// As it is stored.
    pub fn key(&self) -> &str {
        match self {
            Self::Tenant(tenant) => tenant.key(),
            Self::Platform => nexus_core::alert::PLATFORM,
        }
    }

    /// Where its rows are.
    pub fn scope(&self) -> Scope {
        match self {
            Self::Tenant(tenant) => Scope::from(tenant),
            Self::Platform => Scope::System,
        }
    }

    /// The tenant, if it is one.
    pub fn tenant(&self) -> Option<&Tenant> {
        match self {
            Self::Tenant(tenant) => Some(tenant),
            Self::Platform => None,
        }
    }
}

/// An alert.
#[derive(Clone, Debug)]
pub(crate) struct Alert {
    pub alert_id: String,
    /// The report that brought it first.
    pub seq: u64,
    pub event: Event,
    pub severity: Severity,
    pub key: String,
    pub count: u64,
    /// No message of it is under way any more.
    pub settled: bool,
    pub notice: Notice,
    pub created_at: Time,
    pub last_at: Time,
    /// Until then the same is counted here.
    pub until: Time,
}

/// Where a delivery stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// To be sent, now or again.
    Pending,
    /// Taken by the other side.
    Sent,
    /// Given up.
    Failed,
    /// Its route is gone.
    Dropped,
}

impl State {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Sent, Self::Failed, Self::Dropped]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// One message to one destination.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub delivery_id: String,
    pub alert_id: String,
    pub route: String,
    pub channel: Channel,
    pub state: State,
    pub attempts: u32,
    pub status: Option<u16>,
    pub code: Option<String>,
    pub error: Option<String>,
    pub created_at: Time,
    pub next_at: Option<Time>,
    pub finished_at: Option<Time>,
}

/// Something that is due.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Due {
    pub owner: String,
    pub kind: String,
    pub id: String,
    pub lane: String,
    pub at: Time,
}

/// A fact beside an alert's text.
#[derive(Serialize, ToSchema)]
pub struct FactOut {
    /// What it is.
    name: String,
    /// The same in Korean.
    name_ko: String,
    /// What it says.
    value: String,
}

/// Where a message of an alert stands.
#[derive(Serialize, ToSchema)]
pub struct SentOut {
    /// The route's name.
    route: String,
    /// `webhook`, `slack`, `discord`, `teams`, `pagerduty` or `email`.
    channel: &'static str,
    /// `pending`, `sent`, `failed` or `dropped`.
    state: &'static str,
}

/// An alert as people read it; everything in it is masked.
#[derive(Serialize, ToSchema)]
pub struct AlertOut {
    /// `alr_…`.
    pub(crate) alert_id: String,
    /// `ask.created`, `task.held`, …
    event: &'static str,
    /// `info`, `warning` or `critical`.
    severity: &'static str,
    /// The headline.
    title: String,
    /// The same in Korean.
    title_ko: String,
    /// One sentence.
    text: String,
    /// The same in Korean.
    text_ko: String,
    /// What else is known.
    facts: Vec<FactOut>,
    /// What to do.
    advice: String,
    /// The same in Korean.
    advice_ko: String,
    /// How often it happened so far.
    count: u64,
    /// The task that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<String>,
    /// The ask that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    ask_id: Option<String>,
    /// The failure that it is about; `GET /runbooks/{code}` says what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_code: Option<String>,
    /// Ties it to what caused it.
    correlation_id: String,
    /// Who asked for what it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_by: Option<String>,
    /// When it happened first.
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    /// When it happened last.
    #[schema(value_type = String, format = DateTime)]
    last_at: Time,
    /// The messages that it brought.
    deliveries: Vec<SentOut>,
}

#[derive(Serialize)]
struct AlertValue {
    seq: u64,
    done: bool,
    #[serde(flatten)]
    alert: AlertOut,
}

impl Alert {
    /// As people read it.
    pub fn out(&self, deliveries: &[Delivery]) -> AlertOut {
        let notice = &self.notice;
        let facts = notice.facts.iter().map(|fact| FactOut {
            name: fact.name.en.clone(),
            name_ko: fact.name.ko.clone(),
            value: fact.value.clone(),
        });
        let sent = deliveries.iter().map(|delivery| SentOut {
            route: delivery.route.clone(),
            channel: delivery.channel.as_str(),
            state: delivery.state.as_str(),
        });
        AlertOut {
            alert_id: self.alert_id.clone(),
            event: self.event.as_str(),
            severity: self.severity.as_str(),
            title: notice.title.en.clone(),
            title_ko: notice.title.ko.clone(),
            text: notice.text.en.clone(),
            text_ko: notice.text.ko.clone(),
            facts: facts.collect(),
            advice: notice.advice.en.clone(),
            advice_ko: notice.advice.ko.clone(),
            count: self.count,
            task_id: notice.task_id.clone(),
            ask_id: notice.ask_id.clone(),
            failure_code: notice.failure_code.clone(),
            correlation_id: notice.correlation_id.clone(),
            requested_by: notice.requested_by.clone(),
            created_at: self.created_at,
            last_at: self.last_at,
            deliveries: sent.collect(),
        }
    }

    /// The change that brings its present state into the view.
    pub fn change(&self, deliveries: &[Delivery]) -> ReportChange {
        let value = AlertValue { seq: self.seq, done: self.settled, alert: self.out(deliveries) };
        ReportChange::upsert("alerts", self.alert_id.as_str(), &value)
    }
}

/// A delivery as people read it.
#[derive(Serialize, ToSchema)]
pub struct DeliveryOut {
    /// `dlv_…`, and the `webhook-id` of every attempt.
    pub(crate) delivery_id: String,
    /// The alert that it carries.
    alert_id: String,
    /// The route's name.
    route: String,
    /// `webhook`, `slack`, `discord`, `teams`, `pagerduty` or `email`.
    channel: &'static str,
    /// `pending`, `sent`, `failed` or `dropped` (its route is gone).
    pub(crate) state: &'static str,
    /// Attempts so far.
    attempts: u32,
    /// What the destination answered last, if it speaks HTTP and did.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// `DELIVERY_FAILED` or `EGRESS_BLOCKED`, once it is given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_code: Option<String>,
    /// What went wrong last.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    /// When it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    next_at: Option<Time>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Time>,
}

impl Delivery {
    /// As people read it.
    pub fn out(&self) -> DeliveryOut {
        DeliveryOut {
            delivery_id: self.delivery_id.clone(),
            alert_id: self.alert_id.clone(),
            route: self.route.clone(),
            channel: self.channel.as_str(),
            state: self.state.as_str(),
            attempts: self.attempts,
            status: self.status,
            failure_code: self.code.clone(),
            error: self.error.clone(),
            created_at: self.created_at,
            next_at: self.next_at.filter(|_| self.state == State::Pending),
            finished_at: self.finished_at,
        }
    }
}
