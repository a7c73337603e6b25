//! One test per rule of the facts sheet `aws-access-evaluation.md`, section 3, named by its id, one file per family.

use super::*;
use crate::iam::{Truth, is_public, public::publicness};

mod combination;
mod condition;
mod context;
mod divergences;
mod kms;
mod principal;
mod s3;
mod statement;
mod trust;

const ROLE: &str = "arn:aws:iam::111122223333:role/R";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/R/s";
const USER: &str = "arn:aws:iam::111122223333:user/u";
const FOREIGN: &str = "arn:aws:sts::444455556666:assumed-role/R/s";
