//! Sending what is due: one attempt, and what follows from it.

use std::time::Duration;

use bytes::Bytes;
use nexus_core::alert::{Channel, Language};
use nexus_core::failure::FailureCode;
use nexus_core::time::Time;
use nexus_kit::db::DbError;
use nexus_kit::egress::{Guard, SendError};
use nexus_kit::settings::{self, Settings};
use serde_json::Value;

use crate::Alerts;
use crate::actions::{destinations, is_http, runbook, settle};
use crate::channels::email::{self, MailError};
use crate::channels::{self, Message};
use crate::jobs::outcome;
use crate::route::Destination;
use crate::row::{Alert, Delivery, Due, Owner, State};
use crate::sql;

/// Longest wait that a destination may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

const USER_AGENT: &str = concat!("nexus/", env!("CARGO_PKG_VERSION"));

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// The other side took it.
    Sent(Option<u16>),
    /// Another attempt may help.
    Again { status: Option<u16>, error: String, after: Option<Duration> },
    /// No attempt will.
    Never { status: Option<u16>, error: String, code: FailureCode },
}

/// What an attempt needs besides the message.
pub(crate) struct Way<'a> {
    pub guard: &'a Guard,
    pub mail: &'a settings::Mail,
    pub pagerduty_url: &'a str,
}

/// Makes one attempt. `id` is the same for every attempt of one delivery, so that a receiver can drop
/// what it has.
pub(crate) async fn attempt(
    way: &Way<'_>,
    to: &Destination,
    message: &Message,
    id: &str,
    now: Time,
) -> Attempt {
    if is_http(to.route.channel) {
        post(way, to, message, id, now).await
    } else {
        mail(way, to, message).await
    }
}

async fn post(way: &Way<'_>, to: &Destination, message: &Message, id: &str, now: Time) -> Attempt {
    let (channel, address) = (to.route.channel, to.to.expose());
    let (url, key) = match channel {
        Channel::Pagerduty => (way.pagerduty_url, address),
        _ => (address, ""),
    };
    let body = channels::body(channel, message, key).unwrap_or(Value::Null).to_string();
    let destination = match way.guard.check_url(url) {
        Ok(destination) => destination,
        Err(refusal) => return unsent(&refusal.into()),
    };
    let seconds = now.millis().div_euclid(1_000);
    let stamp = seconds.to_string();
    let signature = to.signer.sign(id, seconds, body.as_bytes());
    let mut headers = vec![("content-type", "application/json"), ("user-agent", USER_AGENT)];
    if channel == Channel::Webhook {
        if !to.signer.can_sign() {
            let error = "The route has no secret to sign with".to_owned();
            return Attempt::Never { status: None, error, code: FailureCode::DeliveryFailed };
        }
        headers.push(("webhook-id", id));
        headers.push(("webhook-timestamp", &stamp));
        headers.push(("webhook-signature", &signature));
    }
    match way.guard.post(&destination, &headers, Bytes::from(body)).await {
        Ok(answer) => answered(answer.status, answer.retry_after),
        Err(error) => unsent(&error),
    }
}

/// What an answer means: only what may pass is worth another attempt.
fn answered(status: u16, retry_after: Option<Duration>) -> Attempt {
    let error = format!("The destination answered {status}");
    match status {
        200..300 => Attempt::Sent(Some(status)),
        408 | 425 | 429 | 500.. => {
            let after = retry_after.map(|after| after.min(LONGEST_WAIT));
            Attempt::Again { status: Some(status), error, after }
        }
        300..400 => {
            let error = format!("{error}: it leads elsewhere, and redirects are not followed");
            Attempt::Never { status: Some(status), error, code: FailureCode::DeliveryFailed }
        }
        _ => Attempt::Never { status: Some(status), error, code: FailureCode::DeliveryFailed },
    }
}

/// No answer: blocked for good, or to be tried again, also where it may have arrived.
fn unsent(error: &SendError) -> Attempt {
    match error {
        SendError::Blocked(refusal) => Attempt::Never {
            status: None,
            error: refusal.to_string(),
            code: FailureCode::EgressBlocked,
        },
        error => Attempt::Again { status: None, error: error.to_string(), after: None },
    }
}

async fn mail(way: &Way<'_>, to: &Destination, message: &Message) -> Attempt {
    let never = |error| Attempt::Never { status: None, error, code: FailureCode::DeliveryFailed };
    if way.mail.host.is_empty() {
        return never("There is no mail server: NEXUS_SMTP_HOST is empty".to_owned());
    }
    let mail = match email::mail(message, &way.mail.from, to.to.expose()) {
        Ok(mail) => mail,
        Err(MailError::Refused(why) | MailError::Later(why)) => return never(why),
    };
    let address = match way.guard.find_server(&way.mail.host, way.mail.port).await {
        Ok(addresses) => addresses.first().copied(),
        Err(error) => return unsent(&error),
    };
    let Some(address) = address else { return unsent(&SendError::Lookup) };
    match email::send(mail, way.mail, address, way.guard.timeout()).await {
        Ok(()) => Attempt::Sent(None),
        Err(MailError::Refused(why)) => never(why),
        Err(MailError::Later(error)) => Attempt::Again { status: None, error, after: None },
    }
}

/// An alert in the words of a route.
pub(crate) fn message(
    alert: &Alert,
    owner: &Owner,
    language: Language,
    settings: &Settings,
    public: &str,
) -> Message {
    let notice = &alert.notice;
    let korean = language == Language::Ko;
    let label = |en: &str, ko: &str| if korean { ko.to_owned() } else { en.to_owned() };
    let mut links = Vec::new();
    if let Some(tenant) = owner.tenant() {
        let page = |kind: &str, id: &str| {
            let (org, project) = (tenant.org(), tenant.project());
            format!("{public}/ui#/{kind}/{id}?tenant={org}%3A{project}")
        };
        if let Some(ask_id) = &notice.ask_id {
            links.push((label("Open the ask", "승인 요청 열기"), page("ask", ask_id)));
        } else if let Some(task_id) = &notice.task_id {
            links.push((label("Open the task", "작업 열기"), page("task", task_id)));
        }
    }
    if let Some(code) = &notice.failure_code {
        let url = runbook(&settings.runbooks.base_url, public, code);
        links.push((label("Runbook", "런북"), url));
    }
    if links.is_empty() {
        links.push((label("Open NEXUS", "NEXUS 열기"), format!("{public}/ui")));
    }
    let facts =
        notice.facts.iter().map(|fact| (fact.name.get(language).to_owned(), fact.value.clone()));
    let mut facts: Vec<(String, String)> = facts.collect();
    if alert.count > 1 {
        facts.push((label("So often so far", "지금까지 횟수"), alert.count.to_string()));
    }
    Message {
        alert_id: alert.alert_id.clone(),
        event: alert.event,
        severity: alert.severity,
        owner: owner.key().to_owned(),
        title: notice.title.get(language).to_owned(),
        text: notice.text.get(language).to_owned(),
        facts,
        advice: notice.advice.get(language).to_owned(),
        links,
        task_id: notice.task_id.clone(),
        ask_id: notice.ask_id.clone(),
        failure_code: notice.failure_code.clone(),
        correlation_id: notice.correlation_id.clone(),
        key: alert.key.clone(),
        count: alert.count,
        at: alert.created_at,
    }
}

impl Alerts {
    /// Sends what is due, once, and writes down what became of it.
    pub(crate) async fn send_due(&self, owner: &Owner, due: &Due) -> Result<(), DbError> {
        let (whose, id, rules) = (owner.clone(), due.id.clone(), self.rules.clone());
        let lane = due.lane.clone();
        let now = self.app.clock.now();
        let found = self.app.db.read(owner.scope(), move |q| {
            let Some(delivery) = sql::load_delivery(q, whose.key(), &id)? else { return Ok(None) };
            let Some(alert) = sql::load(q, whose.key(), &delivery.alert_id)? else {
                return Ok(None);
            };
            let to = destinations(q, &whose, &rules, now)?.into_iter().find(|to| to.lane == lane);
            Ok::<_, DbError>(Some((alert, delivery, to)))
        });
        let Some((alert, delivery, to)) = found.await? else {
            return self.drop_send(owner, due).await;
        };
        if delivery.state != State::Pending {
            return self.drop_send(owner, due).await;
        }
        let tried = match to {
            Some(to) => Some(self.try_once(owner, &alert, &delivery, &to).await),
            None => None,
        };
        self.write_down(owner, due.lane.clone(), &delivery.delivery_id, tried, true).await
    }

    /// One attempt at one destination, in its language.
    pub(crate) async fn try_once(
        &self,
        owner: &Owner,
        alert: &Alert,
        delivery: &Delivery,
        to: &Destination,
    ) -> Attempt {
        let settings = &self.app.settings;
        let message = message(alert, owner, to.route.language, settings, self.public());
        let way = Way {
            guard: &self.guard,
            mail: &settings.mail,
            pagerduty_url: &settings.alerts.pagerduty_url,
        };
        let now = self.app.clock.now();
        attempt(&way, to, &message, &delivery.delivery_id, now).await
    }

    async fn drop_send(&self, owner: &Owner, due: &Due) -> Result<(), DbError> {
        let (whose, id) = (owner.clone(), due.id.clone());
        let dropped =
            self.app.db.write(owner.scope(), move |tx| sql::drop_due(tx, whose.key(), "send", &id));
        dropped.await
    }

    /// Writes down what became of an attempt; none where the route is gone. Where `again` is not
    /// wanted, a failure is the end.
    pub(crate) async fn write_down(
        &self,
        owner: &Owner,
        lane: String,
        delivery_id: &str,
        tried: Option<Attempt>,
        again: bool,
    ) -> Result<(), DbError> {
        let (whose, id) = (owner.clone(), delivery_id.to_owned());
        let delays = if again { self.rules.settings.retry_delays.clone() } else { Vec::new() };
        // Give or take a fifth, so that what failed together does not come back together.
        let spread = 80 + self.app.entropy.below(41);
        let written = self.app.db.write(owner.scope(), move |tx| {
            let Some(mut delivery) = sql::load_delivery(tx, whose.key(), &id)? else {
                return Ok(None);
            };
            let Some(mut alert) = sql::load(tx, whose.key(), &delivery.alert_id)? else {
                return Ok(None);
            };
            let (now, clock) = (tx.now(), tx.expiry());
            let wait = apply(&mut delivery, tried, &delays, spread, now);
            match wait {
                Some((wait, asked)) => {
                    let until = clock.plus(wait);
                    delivery.next_at = Some(until);
                    sql::drop_due(tx, whose.key(), "send", &id)?;
                    sql::schedule(tx, whose.key(), "send", &id, &lane, until)?;
                    if asked {
                        sql::hold_lane(tx, whose.key(), &lane, until)?;
                    }
                    sql::save_delivery(tx, whose.key(), &delivery)?;
                }
                None => {
                    sql::drop_due(tx, whose.key(), "send", &id)?;
                    sql::save_delivery(tx, whose.key(), &delivery)?;
                    settle(tx, &whose, &mut alert)?;
                }
            }
            Ok::<_, DbError>(Some(delivery))
        });
        let Some(delivery) = written.await? else { return Ok(()) };
        let came = match delivery.state {
            State::Pending => "retried",
            State::Sent => "sent",
            State::Failed => "failed",
            State::Dropped => "dropped",
        };
        self.app.metrics.alerts.get_or_create(&outcome(came)).inc();
        if delivery.state == State::Failed {
            tracing::warn!(
                tenant_id = owner.key(),
                alert_id = delivery.alert_id,
                delivery_id = delivery.delivery_id,
                route = delivery.route,
                failure_code = delivery.code,
                error = delivery.error,
                "an alert was not delivered"
            );
        }
        self.due.notify_one();
        Ok(())
    }
}

/// Changes a delivery by what became of an attempt. Says how long to wait for the next one, if there
/// is one, and whether the destination itself asked for that.
fn apply(
    delivery: &mut Delivery,
    tried: Option<Attempt>,
    delays: &[Duration],
    spread: u64,
    now: Time,
) -> Option<(Duration, bool)> {
    let Some(tried) = tried else {
        delivery.state = State::Dropped;
        delivery.error = Some("The route is gone".to_owned());
        delivery.finished_at = Some(now);
        return None;
    };
    delivery.attempts += 1;
    match tried {
        Attempt::Sent(status) => {
            (delivery.state, delivery.status) = (State::Sent, status);
            (delivery.error, delivery.code) = (None, None);
        }
        Attempt::Never { status, error, code } => {
            (delivery.state, delivery.status) = (State::Failed, status);
            (delivery.error, delivery.code) = (Some(error), Some(code.as_str().to_owned()));
        }
        Attempt::Again { status, error, after } => {
            (delivery.status, delivery.error) = (status, Some(error));
            let nth = usize::try_from(delivery.attempts).unwrap_or(usize::MAX) - 1;
            if let Some(delay) = delays.get(nth) {
                let delay = delay.saturating_mul(u32::try_from(spread).unwrap_or(100)) / 100;
                return Some((delay.max(after.unwrap_or_default()), after.is_some()));
            }
            delivery.state = State::Failed;
            delivery.code = Some(FailureCode::DeliveryFailed.as_str().to_owned());
        }
    }
    delivery.finished_at = Some(now);
    None
}

#[cfg(test)]
mod tests;
