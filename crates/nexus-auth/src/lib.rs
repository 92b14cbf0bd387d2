//! Who is asking: tenants, API keys, agent keys.
