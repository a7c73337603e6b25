//! What IAM itself says that a principal's policies decide (IAM API reference, SimulatePrincipalPolicy): policies of the
//! principal, its boundary and the organization's, but neither session policies nor the resource's own.

use std::collections::BTreeMap;

use aws_sdk_iam::Client;

use super::error::Answer;
use crate::model::Fact;
use crate::model::authorization::Simulated;

pub(super) async fn simulate(client: &Client, principal: &str, resource: &str, actions: &[String]) -> Answer {
    let results: Vec<_> = client
        .simulate_principal_policy()
        .policy_source_arn(principal)
        .set_action_names(Some(actions.to_vec()))
        .resource_arns(resource)
        .into_paginator()
        .items()
        .send()
        .try_collect()
        .await?;
    let simulated = |result: aws_sdk_iam::types::EvaluationResult| {
        let decision = Simulated {
            decision: result.eval_decision.as_str().to_owned(),
            missing_keys: result.missing_context_values.unwrap_or_default(),
        };
        (result.eval_action_name, decision)
    };
    Ok(Some(Fact::from(results.into_iter().map(simulated).collect::<BTreeMap<_, _>>())))
}
