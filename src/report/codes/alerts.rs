//! Codes about findings on their way to the declared sinks.

use super::{Code, code};

/// What can be said about a sink and what waits for it, sorted. None of it can be allowed with `--allow`.
pub const ALERTS: &[Code] = &[
    code(
        "alert-damaged",
        "a message that waits could not be read",
        "A file of the outbox (`.auditseal/outbox/<sink>/`) is not what was written there: something else wrote to it, or the \
         disk lost it. It was moved to `damaged` beside it and is not sent; every other message is.",
        "Look at the file. The finding that it told of is told again when it opens the next time; `auditseal drift` shows now \
         what is open.",
    ),
    code(
        "alert-outbox-full",
        "too many messages wait for a sink",
        "A sink takes nothing, and its outbox holds as many messages as it may. What waits is never dropped to make room: new \
         findings for this sink are refused instead, stay unsaid there, and are offered again by the next run.",
        "Make the sink work again: `auditseal alert test NAME` says what it answers. If it is gone for good, remove it from the \
         manifest, which removes what waits for it.",
    ),
    code(
        "alert-refused",
        "a sink refused a message",
        "The receiver answered that it does not take this message (400, 413 or 422): sending it again would change nothing. It \
         was put aside in `.auditseal/outbox/<sink>/refused`, and the messages after it are sent.",
        "Read what the receiver answered. Once it takes such messages, `auditseal alert send --refused` sends them again.",
    ),
    code(
        "alert-sink-removed",
        "messages waited for a sink that is not declared any more",
        "The outbox held messages for a name that no manifest of the directory declares. They were removed, since nothing says \
         where they should go; `refused` and `damaged` ones as well.",
        "Nothing, if the sink was removed on purpose. After renaming a sink, what waited under the old name is lost there: send \
         what waits (`auditseal alert send`) before the name changes.",
    ),
    code(
        "alert-test",
        "a test of the sinks",
        "Somebody ran `auditseal alert test`. Nothing is wrong with the audit logs.",
        "Nothing.",
    ),
    code(
        "alert-waiting",
        "a sink did not take what waits for it",
        "The receiver could not be reached, is busy (429), failed (5xx), or refuses whoever sends (401, 403, 404, a redirect), or \
         its URL or secret was not found. Nothing is lost: messages wait in `.auditseal/outbox/<sink>`, in order, and every run \
         tries again. Other sinks are not held up.",
        "Read the reason. URL and secret are looked up when something is sent: check the variable, file or AWS secret that the \
         manifest names, then run `auditseal alert test NAME`.",
    ),
];
