//! Token paging, as in log delivery and Unity Catalog lists.

use super::errors::ApiError;

/// One page of `items` and the token of the next one. Tokens are opaque to clients.
pub fn page<T>(
    items: Vec<T>,
    token: Option<&str>,
    size: usize,
    empty_first: bool,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let invalid = || ApiError::invalid("Invalid page token.");
    let start = match token {
        None if empty_first => return Ok((Vec::new(), Some(write(0)))),
        None => 0,
        Some(token) => read(token).ok_or_else(invalid)?,
    };
    let total = items.len();
    if start > total {
        return Err(invalid());
    }
    let end = start.saturating_add(size.max(1)).min(total);
    let taken = items.into_iter().skip(start).take(end - start).collect();
    Ok((taken, (end < total).then(|| write(end))))
}

fn write(offset: usize) -> String {
    aws_smithy_types::base64::encode(format!("page:{offset}"))
}

fn read(token: &str) -> Option<usize> {
    let text = String::from_utf8(aws_smithy_types::base64::decode(token).ok()?).ok()?;
    text.strip_prefix("page:")?.parse().ok()
}

/// The page size that a Unity Catalog list with `max_results` uses: none is the unpaged legacy
/// answer, 0 lets the server choose, sizes from 1 to `least - 1` and negative ones are refused.
pub fn size(given: Option<&str>, least: i64, server: usize) -> Result<Option<usize>, ApiError> {
    let Some(given) = given else { return Ok(None) };
    let wanted: i64 = given.parse().map_err(|_| ApiError::invalid(format!("Invalid max_results: {given}")))?;
    if wanted < 0 || (wanted > 0 && wanted < least) {
        return Err(ApiError::invalid(format!("max_results must be 0 or at least {least}, got {wanted}.")));
    }
    Ok(Some(match usize::try_from(wanted) {
        Ok(0) | Err(_) => server,
        Ok(wanted) => wanted.min(server),
    }))
}
