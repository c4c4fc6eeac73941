//! Sockets, TLS, connections.
