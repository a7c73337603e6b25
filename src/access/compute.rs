//! Access through compute that acts as a role already (A4, A5): whoever may change its code, or get a session on it, acts as
//! that role without `iam:PassRole`. Which functions, instances, tasks and jobs there are was not read, so this says who
//! could, if one of them runs as the role.

use std::collections::{BTreeMap, BTreeSet};

use crate::iam::principal::{Level, PrincipalFacts, principal_level};
use crate::iam::symbolic::{Keys, Limits, Objects as Kinds};
use crate::iam::{Document, Effect, NamedPolicy, Principal};

use super::ask::Guard;
use super::estate::Estate;
use super::objects::ANY_OBJECT;
use super::second::may;
use super::subject::Subject;

/// An action, and what it acts on: service and resource of the ARN, or `*`.
pub(super) type Means = (&'static str, &'static str);

/// EC2 instances act as the role of their profile; so do EMR and CodeDeploy on them.
const INSTANCES: [Means; 10] = [
    ("ssm:SendCommand", "ec2 instance/?*"),
    ("ssm:StartSession", "ec2 instance/?*"),
    ("ssm:CreateAssociation", "ec2 instance/?*"),
    ("ssm:UpdateAssociation", "ssm association/?*"),
    ("ec2-instance-connect:SendSSHPublicKey", "ec2 instance/?*"),
    ("ec2-instance-connect:SendSerialConsoleSSHPublicKey", "ec2 instance/?*"),
    // User data of a stopped instance; templates of instances to come.
    ("ec2:ModifyInstanceAttribute", "ec2 instance/?*"),
    ("ec2:CreateLaunchTemplateVersion", "ec2 launch-template/?*"),
    ("codedeploy:CreateDeployment", "codedeploy deploymentgroup:?*"),
    ("elasticmapreduce:AddJobFlowSteps", "elasticmapreduce cluster/?*"),
];

/// Service in the trust of a role → what makes compute that runs as the role do something else (Service Authorization
/// Reference, 2026, for actions and resources; of the documentation of each service, what a caller may change without
/// passing the role again).
pub(super) const RUNNING: [(&str, &[Means]); 19] = [
    (
        "lambda.amazonaws.com",
        &[
            ("lambda:UpdateFunctionCode", "lambda function:?*"),
            // Layers, handler and environment; the role stays.
            ("lambda:UpdateFunctionConfiguration", "lambda function:?*"),
        ],
    ),
    ("ec2.amazonaws.com", &INSTANCES),
    // Managed nodes outside EC2.
    (
        "ssm.amazonaws.com",
        &[("ssm:SendCommand", "ssm managed-instance/?*"), ("ssm:StartSession", "ssm managed-instance/?*")],
    ),
    (
        "ecs-tasks.amazonaws.com",
        &[
            ("ecs:ExecuteCommand", "ecs task/?*"),
            ("ssm:StartSession", "ecs task/?*"),
            // With another command for the container.
            ("ecs:RunTask", "ecs task-definition/?*"),
            ("ecs:StartTask", "ecs task-definition/?*"),
            ("batch:SubmitJob", "batch job-queue/?*"),
        ],
    ),
    (
        "glue.amazonaws.com",
        &[
            // `--scriptLocation` and `--extra-py-files` of a run override those of the job.
            ("glue:StartJobRun", "glue job/?*"),
            ("glue:UpdateJob", "glue job/?*"),
            ("glue:UpdateDevEndpoint", "glue devEndpoint/?*"),
            ("glue:RunStatement", "glue session/?*"),
        ],
    ),
    (
        "codebuild.amazonaws.com",
        &[
            // `buildspecOverride`.
            ("codebuild:StartBuild", "codebuild project/?*"),
            ("codebuild:StartBuildBatch", "codebuild project/?*"),
            ("codebuild:UpdateProject", "codebuild project/?*"),
        ],
    ),
    ("states.amazonaws.com", &[("states:UpdateStateMachine", "states stateMachine:?*")]),
    // A stack keeps its service role for whoever may work on the stack, whether they may pass it or not
    // ("AWS CloudFormation service role").
    (
        "cloudformation.amazonaws.com",
        &[
            ("cloudformation:UpdateStack", "cloudformation stack/?*"),
            ("cloudformation:CreateChangeSet", "cloudformation stack/?*"),
            ("cloudformation:UpdateStackSet", "cloudformation stackset/?*"),
        ],
    ),
    (
        "sagemaker.amazonaws.com",
        &[
            ("sagemaker:CreatePresignedNotebookInstanceUrl", "sagemaker notebook-instance/?*"),
            ("sagemaker:CreatePresignedDomainUrl", "sagemaker user-profile/?*"),
            ("sagemaker:StartSession", "sagemaker space/?*"),
            ("sagemaker:UpdateNotebookInstanceLifecycleConfig", "sagemaker notebook-instance-lifecycle-config/?*"),
        ],
    ),
    (
        "pods.eks.amazonaws.com",
        &[
            ("eks:CreateAccessEntry", "eks cluster/?*"),
            ("eks:UpdateAccessEntry", "eks access-entry/?*"),
            ("eks:AssociateAccessPolicy", "eks access-entry/?*"),
        ],
    ),
    ("tasks.apprunner.amazonaws.com", &[("apprunner:UpdateService", "apprunner service/?*")]),
    // A location keeps its role: a task copies from it to any other location.
    ("datasync.amazonaws.com", &[("datasync:CreateTask", "datasync location/?*")]),
    ("transfer.amazonaws.com", &[("transfer:ImportSshPublicKey", "transfer user/?*")]),
    // COPY and UNLOAD as the role of the cluster or workgroup.
    (
        "redshift.amazonaws.com",
        &[
            ("redshift:GetClusterCredentials", "redshift dbuser:?*"),
            ("redshift:GetClusterCredentialsWithIAM", "redshift dbname:?*"),
            ("redshift-data:ExecuteStatement", "redshift cluster:?*"),
            ("redshift-data:ExecuteStatement", "redshift-serverless workgroup/?*"),
            ("redshift-serverless:GetCredentials", "redshift-serverless workgroup/?*"),
        ],
    ),
    (
        "redshift-serverless.amazonaws.com",
        &[
            ("redshift-data:ExecuteStatement", "redshift-serverless workgroup/?*"),
            ("redshift-serverless:GetCredentials", "redshift-serverless workgroup/?*"),
        ],
    ),
    (
        "airflow-env.amazonaws.com",
        &[("airflow:CreateWebLoginToken", "airflow role/?*"), ("airflow:CreateCliToken", "airflow environment/?*")],
    ),
    ("kinesisanalytics.amazonaws.com", &[("kinesisanalytics:UpdateApplication", "kinesisanalytics application/?*")]),
    // A registered location keeps its role, which is lent to whomever Lake Formation grants the data.
    (
        "lakeformation.amazonaws.com",
        &[
            ("lakeformation:GrantPermissions", "*"),
            ("lakeformation:PutDataLakeSettings", "*"),
            ("lakeformation:GetDataAccess", "*"),
        ],
    ),
    // A location keeps its role, which is lent to whomever a grant names.
    ("access-grants.s3.amazonaws.com", &[("s3:CreateAccessGrant", "s3 access-grants/default/?*")]),
];

/// Services that may act as a role, as far as they are known to run something that others may change.
pub(super) fn services(trust: &NamedPolicy) -> Vec<&'static str> {
    RUNNING.iter().map(|(service, _)| *service).filter(|service| is_trusted(trust, service)).collect()
}

fn is_trusted(trust: &NamedPolicy, service: &str) -> bool {
    let Document::Known(policy) = &trust.document else { return true };
    let service = Principal::Service { name: service.to_owned() };
    let facts = PrincipalFacts { canonical_user: None, has_boundary: false };
    policy.statements.iter().filter(|statement| statement.effect == Effect::Allow).any(|statement| {
        let of = |element| principal_level(element, Effect::Allow, &service, facts).reaches(Level::Account).possible();
        statement.principal.as_ref().is_none_or(of)
    })
}

/// What one principal could do, each answer worked out once.
pub(super) struct Compute<'a> {
    estate: &'a Estate<'a>,
    subject: &'a Subject,
    known: BTreeMap<Means, bool>,
}

impl<'a> Compute<'a> {
    pub fn of(estate: &'a Estate<'a>, subject: &'a Subject) -> Self {
        Self { estate, subject, known: BTreeMap::new() }
    }

    /// The actions by which the principal could act as whatever a service runs as.
    pub fn means(&mut self, service: &str) -> BTreeSet<&'static str> {
        let means = RUNNING.iter().filter(|(name, _)| *name == service).flat_map(|(_, means)| means.iter());
        means.filter(|means| self.able(**means)).map(|(action, _)| *action).collect()
    }

    fn able(&mut self, means: Means) -> bool {
        if let Some(known) = self.known.get(&means) {
            return *known;
        }
        let (action, on) = means;
        let able = self.subject.identity.may_allow(action) && self.may(action, on);
        self.known.insert(means, able);
        able
    }

    /// Whether the action may be allowed on some resource of its kind, of the account and in any region.
    fn may(&self, action: &str, on: &str) -> bool {
        let Self { estate, subject, .. } = self;
        let resources = match on.split_once(' ') {
            None => vec![on.to_owned()],
            Some((service, resource)) => {
                self.resources(&format!("arn:{}:{service}:?*:{}:{resource}", estate.partition(), estate.account()))
            }
        };
        let ask = |resource: &String| estate.to_bucket(subject, action, resource, Guard::default(), Keys::default());
        resources.iter().any(|resource| may(&ask(resource)))
    }

    /// One resource of every kind that the policies on the principal tell apart.
    fn resources(&self, pattern: &str) -> Vec<String> {
        let Self { estate, subject, .. } = self;
        let mut kinds = Kinds::matching(pattern);
        for document in subject.identity.sheets().chain(estate.limits.service_control.iter().flatten()) {
            if let Document::Known(policy) = &document.document {
                kinds.add(policy, Some(&subject.principal), &BTreeMap::new());
            }
        }
        kinds.witnesses(Limits::default()).unwrap_or_else(|_| {
            let any = pattern.replace("?*", ANY_OBJECT);
            std::iter::once(any).chain(kinds.named()).collect()
        })
    }
}
