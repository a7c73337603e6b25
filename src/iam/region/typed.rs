//! Values that tell ranges apart: one in every interval that the endpoints of the conditions cut out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::condition::{Cidr, date, number};

/// Addresses: a nested or disjoint set of ranges changes only where a range begins and behind where one ends.
pub(super) fn addresses<'a>(ranges: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut found: Vec<String> = ["203.0.113.1", "2001:db8::1", "0.0.0.0", "::"].map(str::to_owned).to_vec();
    for range in ranges.filter_map(Cidr::parse) {
        let (first, last): (IpAddr, Option<IpAddr>) = match range.address {
            IpAddr::V4(address) => {
                let host = u32::MAX.checked_shr(range.prefix).unwrap_or(0);
                let first = address.to_bits() & !host;
                let after = (first | host).checked_add(1).map(|bits| Ipv4Addr::from_bits(bits).into());
                (Ipv4Addr::from_bits(first).into(), after)
            }
            IpAddr::V6(address) => {
                let host = u128::MAX.checked_shr(range.prefix).unwrap_or(0);
                let first = address.to_bits() & !host;
                let after = (first | host).checked_add(1).map(|bits| Ipv6Addr::from_bits(bits).into());
                (Ipv6Addr::from_bits(first).into(), after)
            }
        };
        found.push(first.to_string());
        found.extend(last.map(|after| after.to_string()));
    }
    found
}

/// Decimals, in the billionths that [`number`] compares.
pub(super) fn numbers<'a>(wanted: impl Iterator<Item = &'a str>, whole: bool) -> Vec<String> {
    const ONE: i128 = 1_000_000_000;
    let mut points: Vec<i128> = vec![0];
    for value in wanted.filter_map(number) {
        let floor = value.div_euclid(ONE) * ONE;
        points.extend([floor - ONE, floor, floor + ONE, floor + 2 * ONE]);
        if !whole {
            points.extend([value - 1, value, value + 1]);
        }
    }
    points.retain(|point| !whole || *point >= 0);
    points.sort_unstable();
    points.dedup();
    // Whole numbers first: they are what people write.
    points.sort_by_key(|point| point % ONE != 0);
    points.into_iter().map(decimal).collect()
}

fn decimal(billionths: i128) -> String {
    let sign = if billionths < 0 { "-" } else { "" };
    let digits = format!("{:010}", billionths.unsigned_abs());
    let (whole, fraction) = digits.split_at_checked(digits.len().saturating_sub(9)).unwrap_or((&digits, ""));
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    }
}

/// Times: the endpoints, a second to each side, and between any two that follow each other.
pub(super) fn times<'a>(wanted: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut ends: Vec<jiff::Timestamp> = wanted.filter_map(date).collect();
    ends.extend(jiff::Timestamp::from_second(1_767_225_600));
    ends.sort_unstable();
    ends.dedup();
    let mut found = Vec::new();
    for (at, end) in ends.iter().enumerate() {
        found.push(*end);
        let second = jiff::SignedDuration::from_secs(1);
        found.extend([end.checked_sub(second), end.checked_add(second)].into_iter().flatten());
        if let Some(next) = ends.get(at + 1) {
            let middle = (end.as_nanosecond() + next.as_nanosecond()).div_euclid(2);
            found.extend(jiff::Timestamp::from_nanosecond(middle));
        }
    }
    found.into_iter().map(|time| time.to_string()).collect()
}
