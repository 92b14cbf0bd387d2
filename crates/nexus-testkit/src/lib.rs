//! Whole NEXUS instances for tests, speaking the user's language.
