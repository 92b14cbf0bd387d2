//! stub until merge
/// c
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// c
    pub correlation_id: String,
    /// p
    pub peer: Option<std::net::SocketAddr>,
}
