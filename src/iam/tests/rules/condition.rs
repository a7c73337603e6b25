//! Condition blocks (M6–M9).

use super::*;

#[test]
fn rule_m06_and_over_lines_or_over_values() {
    let both = r#"{"StringEquals":{"a":["1","2"],"b":"3"}}"#;
    assert_eq!(under(both, &[("a", &["2"]), ("b", &["3"])]), Allowed);
    assert_eq!(under(both, &[("a", &["2"])]), ImplicitDeny);
    let none_of = r#"{"StringNotEquals":{"a":["1","2"]}}"#;
    assert_eq!(under(none_of, &[("a", &["3"])]), Allowed);
    assert_eq!(under(none_of, &[("a", &["2"])]), ImplicitDeny);
    let one_key_twice = r#"{"StringEquals":{"a":"1"},"StringLike":{"A":"2"}}"#;
    assert_eq!(under(one_key_twice, &[("a", &["1"])]), ImplicitDeny, "two lines about one key are both asked");
    for operator in ["StringEquals", "StringNotEquals", "Null", "ForAllValues:StringLike", "StringEqualsIfExists"] {
        let empty = format!(r#"{{"{operator}":{{"a":[]}}}}"#);
        assert_eq!(under(&empty, &[("a", &["1"])]), Unknown, "no values: {operator}");
        assert_eq!(under(&empty, &[]), Unknown, "no values: {operator}");
    }
    assert_eq!(under("{}", &[]), Allowed);
}

#[test]
fn rule_m07_missing_keys() {
    let table = [
        (r#"{"StringEquals":{"k":"v"}}"#, ImplicitDeny),
        (r#"{"StringEqualsIfExists":{"k":"v"}}"#, Allowed),
        (r#"{"StringNotEquals":{"k":"v"}}"#, Allowed),
        (r#"{"ArnNotLike":{"k":"*"}}"#, Allowed),
        (r#"{"NotIpAddress":{"k":"10.0.0.0/8"}}"#, Allowed),
        (r#"{"NumericLessThan":{"k":"1"}}"#, ImplicitDeny),
        (r#"{"Bool":{"k":"false"}}"#, ImplicitDeny),
        (r#"{"BoolIfExists":{"k":"false"}}"#, Allowed),
        (r#"{"Null":{"k":"true"}}"#, Allowed),
        (r#"{"Null":{"k":false}}"#, ImplicitDeny),
        (r#"{"NullIfExists":{"k":"true"}}"#, Unknown),
    ];
    for (condition, expected) in table {
        assert_eq!(under(condition, &[]), expected, "{condition}");
        assert_eq!(under(condition, &[("k", &[])]), expected, "an empty list is no value: {condition}");
    }
    assert_eq!(under(r#"{"Null":{"k":"false"}}"#, &[("k", &["x"])]), Allowed);
}

#[test]
fn rule_m08_set_operators_and_lists_without_them() {
    let table: [(&str, &[&str], Decision); 14] = [
        (r#"{"ForAllValues:StringEquals":{"k":["a","b"]}}"#, &["a", "b"], Allowed),
        (r#"{"ForAllValues:StringEquals":{"k":["a","b"]}}"#, &["a", "c"], ImplicitDeny),
        (r#"{"ForAllValues:StringEquals":{"k":["a","b"]}}"#, &[], Allowed),
        (r#"{"ForAllValues:StringNotEquals":{"k":["a"]}}"#, &["b", "a"], ImplicitDeny),
        (r#"{"ForAnyValue:StringEquals":{"k":["a"]}}"#, &["c", "a"], Allowed),
        (r#"{"ForAnyValue:StringEquals":{"k":["a"]}}"#, &[], ImplicitDeny),
        (r#"{"ForAnyValue:StringNotEquals":{"k":["a"]}}"#, &[], ImplicitDeny),
        (r#"{"ForAnyValue:StringEqualsIfExists":{"k":["a"]}}"#, &[], Unknown),
        (r#"{"ForAllValues:StringEqualsIfExists":{"k":["a"]}}"#, &[], Allowed),
        (r#"{"ForAnyValue:StringNotEquals":{"k":["a"]}}"#, &["a", "b"], Allowed),
        (r#"{"StringEquals":{"k":"a"}}"#, &["a", "b"], Unknown),
        (r#"{"StringEquals":{"k":"a"}}"#, &["c", "b"], ImplicitDeny),
        (r#"{"StringNotEquals":{"k":"a"}}"#, &["c", "b"], Unknown),
        (r#"{"StringNotEquals":{"k":"a"}}"#, &["a", "a"], ImplicitDeny),
    ];
    for (condition, values, expected) in table {
        assert_eq!(under(condition, &[("k", values)]), expected, "{condition} {values:?}");
    }
    let paths = r#"{"StringLike":{"aws:VpceOrgPaths":"o-1/*"}}"#;
    assert_eq!(under(paths, &[("aws:VpceOrgPaths", &["o-1/r/"])]), ImplicitDeny, "a list key without set operator");
    let alias = r#"{"StringEquals":{"kms:ResourceAliases":"alias/a"}}"#;
    assert_eq!(under(alias, &[("kms:ResourceAliases", &["alias/a"])]), Unknown, "a list key of a service");
    assert_eq!(under(alias, &[("kms:ResourceAliases", &["alias/b"])]), ImplicitDeny);
}

#[test]
fn rule_m09_operators() {
    let table = [
        ("StringEquals", r#""a*""#, "ab", ImplicitDeny),
        ("StringEquals", r#""A""#, "a", ImplicitDeny),
        ("StringEqualsIgnoreCase", r#""A""#, "a", Allowed),
        ("StringNotEqualsIgnoreCase", r#""A""#, "a", ImplicitDeny),
        ("StringLike", r#""a*:/?""#, "axx:/y", Allowed),
        ("StringNotLike", r#""a*""#, "ab", ImplicitDeny),
        ("NumericLessThan", "1.2", "1.10", Allowed),
        ("NumericLessThan", r#""1.2""#, "1.2", ImplicitDeny),
        ("NumericLessThanEquals", "1.2", "1.20", Allowed),
        ("NumericGreaterThan", "10", "9", ImplicitDeny),
        ("NumericGreaterThanEquals", "-1", "0", Allowed),
        ("NumericEquals", "9007199254740993", "9007199254740992", ImplicitDeny),
        ("NumericNotEquals", "5", "5.0", ImplicitDeny),
        ("NumericEquals", "5", "five", Unknown),
        ("DateLessThan", r#""2026-01-01T00:00:00Z""#, "2025-12-31T23:59:59Z", Allowed),
        ("DateGreaterThan", r#""2026-01-01""#, "1767225601", Allowed),
        ("DateEquals", "1767225600", "2026-01-01T01:00:00+01:00", Allowed),
        ("DateNotEquals", r#""<date>""#, "2026-01-01", Unknown),
        ("DateLessThan", r#""2026""#, "2025-12-31T23:59:59Z", Unknown),
        ("DateLessThan", r#""2026-01-01T00:00Z""#, "2025-12-31T23:59:59Z", Allowed),
        ("NumericEquals", r#""${aws:EpochTime}""#, "5", Unknown),
        ("Bool", "true", "True", Allowed),
        ("bool", r#""false""#, "true", ImplicitDeny),
        ("BinaryEquals", r#""QmluYXJ5""#, "QmluYXJ5", Allowed),
        ("IpAddress", r#""10.0.0.0/8""#, "10.255.0.1", Allowed),
        ("IpAddress", r#""0.0.0.0/0""#, "::1", ImplicitDeny),
        ("IpAddress", r#""203.0.113.7""#, "203.0.113.8", ImplicitDeny),
        ("IpAddress", r#""2001:db8::/32""#, "2001:db8:1::", Allowed),
        ("NotIpAddress", r#"["10.0.0.0/8","192.0.2.0/24"]"#, "192.0.2.9", ImplicitDeny),
        ("NotIpAddress", r#""10.0.0.0/33""#, "1.1.1.1", Unknown),
        ("ArnLike", r#""arn:aws:s3:::b*""#, "arn:aws:s3:::bucket", Allowed),
        ("ArnEquals", r#""arn:aws:s3:::b*""#, "arn:aws:s3:::bucket", Allowed),
        ("ArnEquals", r#""arn:aws:*:b""#, "arn:aws:s3:::b", Unknown),
        ("ArnLike", r#""arn:aws:iam::*:role/x""#, "arn:aws:iam::1:role/y:role/x", ImplicitDeny),
        ("ArnNotEquals", r#""arn:aws:iam::1:role/*""#, "arn:aws:iam::1:role/a/b", ImplicitDeny),
        ("ArnLike", r#""*""#, "arn:aws:s3:::b", Unknown),
        ("ArnNotLike", r#""arn:aws:s3:::b""#, "b", Unknown),
        ("ArnNotEquals", r#""<role>""#, "arn:aws:s3:::b", Unknown),
        ("StringResembles", r#""a""#, "a", Unknown),
    ];
    for (operator, wanted, value, expected) in table {
        let condition = format!(r#"{{"{operator}":{{"k":{wanted}}}}}"#);
        assert_eq!(under(&condition, &[("k", &[value])]), expected, "{condition} of {value}");
    }
}
