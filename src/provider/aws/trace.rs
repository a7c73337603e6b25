//! One debug event per request, without bodies, and the last check before a request leaves the machine.

use std::time::Instant;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

use super::config::check_endpoint;

/// Attached to every SDK client. Service endpoints can also come from the environment (`AWS_ENDPOINT_URL_S3`), so the
/// refusal of plain text is repeated here, where the final URL is known.
#[derive(Debug)]
pub(super) struct Watch;

#[derive(Debug)]
struct Started {
    at: Instant,
    method: String,
}

impl Storable for Started {
    type Storer = StoreReplace<Self>;
}

#[dyn_dispatch_hint]
impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "auditseal::provider::aws::Watch"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        check_endpoint(context.request().uri())?;
        let method = context.request().method().to_owned();
        cfg.interceptor_state().store_put(Started { at: Instant::now(), method });
        Ok(())
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let metadata = cfg.load::<Metadata>();
        let started = cfg.load::<Started>();
        event(
            started.map_or("", |started| &started.method),
            metadata.map_or("", Metadata::service),
            metadata.map_or("", Metadata::name),
            context.response().status().as_u16(),
            started.map(|started| started.at),
        );
        Ok(())
    }
}

pub(super) fn event(method: &str, service: &str, operation: &str, status: u16, started: Option<Instant>) {
    let milliseconds = started.map(|started| u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
    tracing::debug!(method, service, operation, status, milliseconds, "aws request");
}
