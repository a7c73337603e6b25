//! Other ways to act as a role than assuming it: compute services that run as it for whoever may pass it to them (A4).

use crate::iam::{Document, Effect, Element, NamedPolicy};

/// Services that run code or copy data as a role that they are passed, with the actions that start it (Service
/// Authorization Reference, 2026). A service that is not here is taken to need no action of its own.
const COMPUTE: [(&str, &[&str]); 17] = [
    (
        "ec2.amazonaws.com",
        &[
            "ec2:RunInstances",
            "ec2:AssociateIamInstanceProfile",
            "ec2:ReplaceIamInstanceProfileAssociation",
            "autoscaling:CreateLaunchConfiguration",
            "ec2:RequestSpotInstances",
            "ec2:CreateFleet",
        ],
    ),
    ("lambda.amazonaws.com", &["lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"]),
    (
        "ecs-tasks.amazonaws.com",
        &["ecs:RegisterTaskDefinition", "ecs:RunTask", "ecs:StartTask", "ecs:CreateService", "ecs:UpdateService"],
    ),
    (
        "glue.amazonaws.com",
        &[
            "glue:CreateJob",
            "glue:UpdateJob",
            "glue:CreateDevEndpoint",
            "glue:UpdateDevEndpoint",
            "glue:CreateSession",
            "glue:CreateCrawler",
        ],
    ),
    (
        "sagemaker.amazonaws.com",
        &[
            "sagemaker:CreateNotebookInstance",
            "sagemaker:CreateTrainingJob",
            "sagemaker:CreateProcessingJob",
            "sagemaker:CreateModel",
            "sagemaker:CreateDomain",
            "sagemaker:CreateUserProfile",
        ],
    ),
    ("codebuild.amazonaws.com", &["codebuild:CreateProject", "codebuild:UpdateProject", "codebuild:StartBuild"]),
    ("codepipeline.amazonaws.com", &["codepipeline:CreatePipeline", "codepipeline:UpdatePipeline"]),
    (
        "cloudformation.amazonaws.com",
        &["cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:CreateChangeSet"],
    ),
    ("states.amazonaws.com", &["states:CreateStateMachine", "states:UpdateStateMachine"]),
    ("batch.amazonaws.com", &["batch:CreateComputeEnvironment", "batch:UpdateComputeEnvironment"]),
    ("batchoperations.s3.amazonaws.com", &["s3:CreateJob"]),
    ("access-grants.s3.amazonaws.com", &["s3:CreateAccessGrantsLocation", "s3:UpdateAccessGrantsLocation"]),
    ("elasticmapreduce.amazonaws.com", &["elasticmapreduce:RunJobFlow"]),
    ("datasync.amazonaws.com", &["datasync:CreateLocationS3"]),
    ("scheduler.amazonaws.com", &["scheduler:CreateSchedule", "scheduler:UpdateSchedule"]),
    ("tasks.apprunner.amazonaws.com", &["apprunner:CreateService", "apprunner:UpdateService"]),
    ("pods.eks.amazonaws.com", &["eks:CreatePodIdentityAssociation", "eks:UpdatePodIdentityAssociation"]),
];

/// The actions that make a service act as a role; empty where none is known.
pub(super) fn starters(service: &str) -> &'static [&'static str] {
    COMPUTE.iter().find(|(name, _)| *name == service).map_or(&[], |(_, actions)| actions)
}

/// S3 takes a role only to replicate, and only for the bucket whose replication configuration names it: who may change that
/// of the audit bucket is a question of its own (B2).
const REPLICATION: &str = "s3.amazonaws.com";

/// Services that a trust policy lets act as its role, for whoever may pass it to them.
pub(super) fn services(trust: &NamedPolicy) -> Vec<String> {
    let Document::Known(policy) = &trust.document else { return Vec::new() };
    let allows = policy.statements.iter().filter(|statement| statement.effect == Effect::Allow);
    let mut services: Vec<String> = allows
        .filter_map(|statement| match &statement.principal {
            Some(Element::Is(spec)) => Some(spec.service.clone()),
            _ => None,
        })
        .flatten()
        .filter(|service| service != REPLICATION)
        .collect();
    services.sort();
    services.dedup();
    services
}

/// Whether a provider's trust is open to people whom the account does not know: a web identity provider signs for anybody
/// unless the trust asks for certain subjects (IAM User Guide, "Create a role for OpenID Connect federation").
pub(super) fn is_open(trust: &NamedPolicy, provider: &str) -> bool {
    if provider.contains(":saml-provider/") {
        return false;
    }
    let Document::Known(policy) = &trust.document else { return true };
    let names =
        |spec: &crate::iam::PrincipalSpec| spec.federated.iter().any(|one| one == provider || one.contains('*'));
    policy
        .statements
        .iter()
        .filter(|statement| statement.effect == Effect::Allow)
        .filter(|statement| match &statement.principal {
            Some(Element::Is(spec)) => names(spec),
            _ => true,
        })
        .any(|statement| {
            !statement.conditions.iter().any(|condition| {
                let operator = condition.operator_text.to_ascii_lowercase();
                let positive = operator.starts_with("stringequals")
                    || operator.starts_with("stringlike")
                    || operator.starts_with("foranyvalue:string");
                positive
                    && !operator.ends_with("ifexists")
                    && condition.key.to_ascii_lowercase().ends_with(":sub")
                    && !condition.values.is_empty()
                    && condition.values.iter().all(|value| is_narrow(value))
            })
        })
}

/// `repo:acme/*` says whose; `repo:*` and `*` do not: two parts at least have to be fixed.
fn is_narrow(value: &str) -> bool {
    match value.split_once(['*', '?']) {
        None => !value.is_empty(),
        Some((before, _)) => before.split([':', '/']).filter(|part| !part.is_empty()).count() >= 2,
    }
}
