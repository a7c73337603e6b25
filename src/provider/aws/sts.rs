//! Security Token Service: who is calling.

use crate::model::Fact;
use crate::model::role::Caller;

use super::error::{Answer, Failure};

pub(super) async fn caller(client: &aws_sdk_sts::Client) -> Answer {
    let answer = client.get_caller_identity().send().await?;
    match (answer.account, answer.arn, answer.user_id) {
        (Some(account), Some(arn), Some(user_id)) => Ok(Some(Fact::from(Caller { account, arn, user_id }))),
        _ => Err(Failure::incomplete("GetCallerIdentity names no account, ARN or user id")),
    }
}
