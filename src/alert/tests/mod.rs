mod outbox;
mod route;
