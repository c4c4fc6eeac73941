mod planning;
mod service;
