//! Codes about the store of journals, drift memory and outbox.

use super::{Code, code};

/// What can be said about the declared store, sorted. None of it can be allowed with `--allow`.
pub const STORE: &[Code] = &[
    code(
        "store-diverged",
        "a journal and its copy in the store tell different things",
        "A journal belongs to one run and only grows, so that of the file in `.auditseal/runs` and the object in the store one is \
         the beginning of the other. Here neither is: somebody wrote to one of them, or two machines work with copies of one \
         folder. A run that meets this while it is under way stops before its next write.",
        "Compare the two, keep both until you know why, and move the wrong one out of `runs`. Find out who may write to the \
         store: journals hold what `rollback` puts back.",
    ),
    code(
        "store-unavailable",
        "the store could not be read or written",
        "`[store]` declares where journals, the memory of `drift` and the outbox are kept for machines that forget, and it could \
         not be reached, or refused. `apply`, `rollback` and `forget` do not begin, and stop before their next write: a change \
         that is in no journal could not be undone from another machine. `drift` and `alert` go on with the local folder and \
         end with 3 or 1: on a machine that has no folder yet everything that is open is told again, since something told twice \
         is better than something never told.",
        "Read the message: it names the missing permission, or what S3 said. `auditseal permissions COMMAND` prints what the \
         store needs; the bucket has to exist and to belong to the declared account. What is in the folder is kept in the store \
         by the next run.",
    ),
    code(
        "store-unusable",
        "what checks remember in the store cannot be used",
        "`drift.json` in the store is damaged, or was written by another version of the program. It is neither overwritten nor \
         taken for empty: everything that is open would be told again, and what closed meanwhile never.",
        "Use the program that wrote it, or put an earlier version of the object back (keep versions in the bucket). To begin anew \
         move it away, here and in the store.",
    ),
];
