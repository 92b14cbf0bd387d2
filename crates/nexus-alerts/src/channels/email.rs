//! Mail: plain text, one message to all recipients of a route, by SMTP.
//!
//! The server is looked up and judged by the egress guard, and what is connected to is the address
//! that it judged; its name is what the certificate must show.

use std::net::SocketAddr;
use std::time::Duration;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message as Mail, Tokio1Executor};
use nexus_kit::settings::{self, MailTls};

use super::Message;
use crate::notice::cut;

const SUBJECT: usize = 200;
const TEXT: usize = 4_000;
const FACT: usize = 1_000;
const FACTS: usize = 20;

/// Why mail did not leave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum MailError {
    /// It cannot be sent as it is, now or later.
    Refused(String),
    /// Another attempt may help.
    Later(String),
}

/// The message as it is sent.
pub(crate) fn mail(message: &Message, from: &str, to: &str) -> Result<Mail, MailError> {
    let wrong = |what: &str| MailError::Refused(format!("{what} is no address that mail can have"));
    let mailbox = |text: &str| text.trim().parse::<Address>().map(|a| Mailbox::new(None, a)).ok();
    let from = mailbox(from).ok_or_else(|| wrong("NEXUS_SMTP_FROM"))?;
    let mut builder: MessageBuilder = Mail::builder().from(from).subject(subject(message));
    for one in to.split(',') {
        builder = builder.to(mailbox(one).ok_or_else(|| wrong("a recipient"))?);
    }
    // The same for every attempt, so that a mailbox can drop the second of two.
    let domain = builder_domain(to);
    builder = builder.message_id(Some(format!("<{}@{domain}>", message.alert_id)));
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    builder = builder.raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
    builder
        .header(ContentType::TEXT_PLAIN)
        .body(text(message))
        .map_err(|_| MailError::Refused("the message could not be put together".to_owned()))
}

fn builder_domain(to: &str) -> String {
    let first = to.split(',').next().unwrap_or_default().trim();
    first.rsplit_once('@').map_or("nexus.invalid", |(_, domain)| domain).to_owned()
}

/// One line; whatever looks like another header is one text with the rest.
fn subject(message: &Message) -> String {
    let line: String =
        message.headline().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    cut(&format!("NEXUS {line}"), SUBJECT)
}

fn text(message: &Message) -> String {
    let mut lines = vec![cut(&message.text, TEXT), String::new()];
    let facts = message.facts.iter().take(FACTS);
    lines.extend(facts.map(|(name, value)| format!("{}: {}", cut(name, FACT), cut(value, FACT))));
    lines.push(String::new());
    lines.push(cut(&message.advice, TEXT));
    lines.push(String::new());
    let links = message.short_links(3);
    lines.extend(links.map(|(label, url)| format!("{}: {url}", cut(label, FACT))));
    lines.push(format!("{} · {} · {}", message.owner, message.event.as_str(), message.at));
    lines.join("\n")
}

/// Sends to the address that was judged.
pub(crate) async fn send(
    mail: Mail,
    settings: &settings::Mail,
    address: SocketAddr,
    timeout: Duration,
) -> Result<(), MailError> {
    let parameters = || {
        TlsParameters::new(settings.host.clone())
            .map_err(|_| MailError::Later("TLS could not be prepared".to_owned()))
    };
    let tls = match settings.tls {
        MailTls::None => Tls::None,
        MailTls::StartTls => Tls::Required(parameters()?),
        MailTls::Implicit => Tls::Wrapper(parameters()?),
    };
    let domain = settings.from.rsplit_once('@').map_or("nexus.invalid", |(_, domain)| domain);
    let mut builder =
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string())
            .port(address.port())
            .tls(tls)
            .hello_name(ClientId::Domain(domain.to_owned()))
            .timeout(Some(timeout));
    if !settings.user.is_empty() {
        let password = settings.password.expose().to_owned();
        builder = builder.credentials(Credentials::new(settings.user.clone(), password));
    }
    let sent = tokio::time::timeout(timeout, builder.build().send(mail)).await;
    match sent {
        Ok(Ok(_)) => Ok(()),
        // The words of a server that somebody chose: its number is enough.
        Ok(Err(error)) => {
            let status = error.status().map(|code| format!(" ({code})")).unwrap_or_default();
            if error.is_permanent() {
                Err(MailError::Refused(format!("The mail server refused the message{status}")))
            } else {
                Err(MailError::Later(format!("The mail server did not take the message{status}")))
            }
        }
        Err(_) => Err(MailError::Later(format!(
            "The mail server did not answer within {} seconds",
            timeout.as_secs()
        ))),
    }
}
