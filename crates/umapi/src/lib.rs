//! A client of Adobe's User Management API.
