//! What the client tells a server of ours to publish: one line of its standard input each.

use std::fmt;

/// An order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// So many reports to a tenant, as one commit would, without the store.
    Publish(usize, u64),
    /// So many reports to a tenant, each in a transaction of its own; the last number says how many
    /// reports a transaction has.
    Commit(usize, u64, u64),
    /// Say when each transaction since the last question was acknowledged, in one line of
    /// `number:nanosecond`.
    Acks,
}

impl Order {
    /// Reads what [`fmt::Display`] writes.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let verb = words.next()?;
        let mut number = || words.next()?.parse::<u64>().ok();
        Some(match verb {
            "publish" => Self::Publish(usize::try_from(number()?).ok()?, number()?),
            "commit" => Self::Commit(usize::try_from(number()?).ok()?, number()?, number()?),
            "acks" => Self::Acks,
            _ => return None,
        })
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Publish(tenant, count) => write!(f, "publish {tenant} {count}"),
            Self::Commit(tenant, count, each) => write!(f, "commit {tenant} {count} {each}"),
            Self::Acks => f.write_str("acks"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_as_it_was_written() {
        for order in [Order::Publish(3, 64), Order::Commit(0, 2000, 100), Order::Acks] {
            assert_eq!(Order::parse(&order.to_string()), Some(order));
        }
        assert_eq!(Order::parse("publish 3"), None);
    }
}
