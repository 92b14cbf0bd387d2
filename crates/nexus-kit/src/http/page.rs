//! How lists are answered: one page at a time.

use serde::Serialize;

use super::problem::Problem;

/// How many items a page has when nobody says.
pub const DEFAULT_LIMIT: u32 = 50;

/// The most items that a page can have.
pub const MAX_LIMIT: u32 = 200;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The items, in the order that the list promises.
    pub items: Vec<T>,
    /// Ask with it for the next page; null on the last.
    pub next: Option<String>,
}

/// How many items to read.
///
/// # Errors
/// 400 for none or for more than [`MAX_LIMIT`].
pub fn limit(asked: Option<u32>) -> Result<i64, Problem> {
    let limit = asked.unwrap_or(DEFAULT_LIMIT);
    if (1..=MAX_LIMIT).contains(&limit) {
        return Ok(limit.into());
    }
    Err(Problem::bad_request("invalid_parameter", format!("limit is 1 to {MAX_LIMIT}.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_has_bounds() {
        assert_eq!(limit(None).unwrap(), 50);
        assert_eq!(limit(Some(200)).unwrap(), 200);
        assert_eq!(limit(Some(0)).unwrap_err().code, "invalid_parameter");
        assert_eq!(limit(Some(201)).unwrap_err().status, 400);
    }
}
