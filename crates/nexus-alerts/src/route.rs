//! Where alerts go: the server's own routes out of the settings, and each tenant's out of the store.

use nexus_core::alert::{Channel, Event, Route, Severity};
use nexus_core::time::Time;
use nexus_kit::settings::load::read_secret_file;
use nexus_kit::settings::{Secret, Settings};

use crate::channels::Signer;

/// The name of the route that `ALERT_WEBHOOK_URL` makes.
pub(crate) const DEFAULT: &str = "default";

/// A tenant's own route, with what signs its webhook.
#[derive(Clone)]
pub(crate) struct Stored {
    pub route: Route,
    pub secret: Option<String>,
    /// Signs too, until `old_until`.
    pub old_secret: Option<String>,
    pub old_until: Option<Time>,
}

/// A route with everything that sending takes.
#[derive(Clone)]
pub(crate) struct Destination {
    pub route: Route,
    /// Where it leads; never shown.
    pub to: Secret,
    pub signer: Signer,
    /// One message at a time goes here.
    pub lane: String,
}

impl Destination {
    /// Whether an event goes here.
    pub fn takes(&self, event: Event, severity: Severity, owner: &str) -> bool {
        self.route.takes(event, severity, owner)
    }
}

/// The server's own destinations.
///
/// # Errors
/// A file that a route names and that cannot be read.
pub(crate) fn of_settings(settings: &Settings) -> Result<Vec<Destination>, String> {
    let alerts = &settings.alerts;
    let mut all = Vec::new();
    if !alerts.webhook_url.is_empty() {
        let url = alerts.webhook_url.expose();
        let channel = Channel::of_url(url);
        all.push(Destination {
            route: Route::all(DEFAULT, channel, String::new()),
            to: alerts.webhook_url.clone(),
            signer: Signer::new(alerts.webhook_secret.expose()),
            lane: format!("server/{DEFAULT}"),
        });
    }
    for route in &alerts.routes {
        let file = |path: &str| {
            let path = std::path::Path::new(path);
            read_secret_file(path).map_err(|why| {
                format!("ALERT_ROUTES, route {}: {} {}", route.name, path.display(), why.en)
            })
        };
        let to = match &route.to_file {
            Some(path) => file(path)?,
            None => Secret::new(route.to.clone()),
        };
        if let Some(why) = nexus_core::alert::check_to(route.channel, to.expose()) {
            return Err(format!("ALERT_ROUTES, route {}: where it leads {why}", route.name));
        }
        let secrets = match &route.secret_file {
            Some(path) => file(path)?,
            None => alerts.webhook_secret.clone(),
        };
        let signer = Signer::new(secrets.expose());
        if route.channel == Channel::Webhook && !signer.can_sign() {
            return Err(format!(
                "ALERT_ROUTES, route {}: it has no secret to sign with",
                route.name
            ));
        }
        let lane = format!("server/{}", route.name);
        // Where it leads stands in `to` alone.
        let route = Route { to: String::new(), ..route.clone() };
        all.push(Destination { route, to, signer, lane });
    }
    Ok(all)
}

/// A tenant's own destinations.
pub(crate) fn of_tenant(stored: &[Stored], now: Time) -> Vec<Destination> {
    let own = stored.iter().map(|stored| {
        let old =
            stored.old_secret.as_ref().filter(|_| stored.old_until.is_some_and(|at| now < at));
        let secrets: Vec<&str> = stored.secret.iter().chain(old).map(String::as_str).collect();
        Destination {
            route: Route { to: String::new(), ..stored.route.clone() },
            to: Secret::new(stored.route.to.clone()),
            signer: Signer::new(&secrets.join(",")),
            lane: format!("tenant/{}", stored.route.name),
        }
    });
    own.collect()
}

/// Where a route leads, as it may be shown: enough to know it again, not enough to use it.
pub(crate) fn shown(channel: Channel, to: &str) -> String {
    match channel {
        Channel::Email => nexus_core::mask::mask(to).into_owned(),
        Channel::Pagerduty => format!("{}…", to.get(..4).unwrap_or_default()),
        _ => {
            let rest = to.split_once("://");
            let (scheme, rest) = rest.unwrap_or(("https", to));
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            let host = host.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}/…")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_route_leads_is_not_shown() {
        let slack = "https://hooks.slack.com/services/T000/B000/abcdefgh";
        assert_eq!(shown(Channel::Slack, slack), "https://hooks.slack.com/…");
        assert_eq!(shown(Channel::Webhook, "https://u:p@x.example?k=v"), "https://x.example/…");
        assert_eq!(shown(Channel::Pagerduty, "0123456789abcdef0123456789abcdef"), "0123…");
        assert!(!shown(Channel::Email, "mina@example.com").contains("mina"));
    }

    #[test]
    fn both_secrets_sign_while_they_rotate_and_then_the_new_one_alone() {
        let route = Route::all("a", Channel::Webhook, "https://x.example/".into());
        let stored = Stored {
            route,
            secret: Some("whsec_bmV3".into()),
            old_secret: Some("whsec_b2xk".into()),
            old_until: Some(Time::from_millis(1_000)),
        };
        let signed = |at| {
            let all = of_tenant(std::slice::from_ref(&stored), Time::from_millis(at));
            all[0].signer.sign("id", 1, b"x").split(' ').count()
        };
        assert_eq!((signed(999), signed(1_000)), (2, 1));
    }
}
