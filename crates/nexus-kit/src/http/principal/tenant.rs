//! Which tenant a request names: a selector, never an authority.

use axum::extract::MatchedPath;
use axum::http::request::Parts;
use nexus_core::tenant::Tenant;

use super::credential::one_header;
use crate::http::problem::Problem;

/// What the paths of routes start with that name their tenant themselves.
const IN_PATH: &str = "/tenants/{org}/{project}/";

/// The tenant that path, headers and query name; naming it several times alike is fine, otherwise
/// it is an error.
pub(super) fn named(parts: &Parts) -> Result<Option<Tenant>, Problem> {
    let header = |name: &'static str| {
        one_header(parts, name).map_err(|()| {
            Problem::bad_request("tenant_malformed", format!("Send exactly one {name}."))
        })
    };
    let headers = pair(header("x-org-id")?, header("x-project-id")?)?;
    let query = parts.uri.query().unwrap_or("");
    let find = |name: &str| {
        let mut values = query.split('&').filter_map(|part| {
            part.split_once('=').filter(|(key, _)| *key == name).map(|(_, v)| v)
        });
        let first = values.next();
        match values.next() {
            None => Ok(first),
            Some(_) => {
                Err(Problem::bad_request("tenant_malformed", format!("Send exactly one {name}.")))
            }
        }
    };
    let query = pair(find("org_id")?, find("project_id")?)?;
    let mut named: Option<Tenant> = None;
    for tenant in [in_path(parts)?, headers, query].into_iter().flatten() {
        if named.as_ref().is_some_and(|other| *other != tenant) {
            return Err(Problem::bad_request(
                "tenant_mismatch",
                "Path, headers and query name different tenants.",
            ));
        }
        named = Some(tenant);
    }
    Ok(named)
}

/// The tenant in the path, as it stands there: a tenant's name needs no escaping, so an escaped
/// one is malformed.
fn in_path(parts: &Parts) -> Result<Option<Tenant>, Problem> {
    let matched = parts.extensions.get::<MatchedPath>();
    if !matched.is_some_and(|path| path.as_str().starts_with(IN_PATH)) {
        return Ok(None);
    }
    let mut segments = parts.uri.path().split('/').skip(2);
    pair(segments.next(), segments.next())
}

fn pair(org: Option<&str>, project: Option<&str>) -> Result<Option<Tenant>, Problem> {
    match (org, project) {
        (None, None) => Ok(None),
        (Some(org), Some(project)) => Tenant::new(org, project)
            .map(Some)
            .map_err(|error| Problem::bad_request("tenant_malformed", error.to_string())),
        _ => Err(Problem::bad_request(
            "tenant_missing",
            "Name both, x-org-id and x-project-id (or org_id and project_id in the query).",
        )),
    }
}
