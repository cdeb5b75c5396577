use proptest::prelude::*;

use super::*;

const ALL: [Spelling; 6] = [
    Spelling::E164,
    Spelling::Digits,
    Spelling::International,
    Spelling::National,
    Spelling::WithoutPrefix,
    Spelling::AsDialled,
];

fn plan(country: &str) -> NumberPlan {
    let country = (!country.is_empty()).then(|| country.parse().unwrap());
    NumberPlan { country, internal_digits: 6, plain_numbers: None }
}

fn caller(text: &str, country: &str) -> Caller {
    Caller::of(text, &plan(country), |digits| digits == "10012345")
}

/// The number in its one form, or what else the caller is.
fn told(text: &str, country: &str) -> String {
    match caller(text, country) {
        Caller::Number(number) => number.e164(),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_withheld_number_is_anonymous_however_it_is_written() {
    for text in [
        "",
        "  ",
        "anonymous",
        "Anonymous",
        "ANONYMOUS",
        "unknown",
        "Restricted",
        "Unavailable",
        "private",
        "0000000000",
        "0",
        "+",
        "+ ",
        "sip:anonymous@anonymous.invalid",
        "anonymous@example.net",
        "_undef_",
        "Out Of Area",
        "00",
    ] {
        assert_eq!(told(text, "AT"), "Anonymous", "{text:?}");
    }
}

#[test]
fn what_is_our_own_is_internal() {
    for text in [
        "1001",
        "112",
        "*98",
        "*111001",
        "#21#",
        "10012345",
        "sip:1001@example.net",
        "ada",
        "0004132a0001",
        "sips:ada@example.net;transport=tls",
        "sip:ada",
        "337123",
        "110",
    ] {
        assert_eq!(told(text, "DE"), "Internal", "{text:?}");
    }
}

#[test]
fn a_number_has_one_form_however_it_is_written() {
    for (text, country, number) in [
        ("+4315550100", "AT", "+4315550100"),
        ("+43 1 555 0100", "AT", "+4315550100"),
        ("004315550100", "AT", "+4315550100"),
        ("015550100", "AT", "+4315550100"),
        ("01/555-01 00", "AT", "+4315550100"),
        ("tel:+43-1-5550100;phone-context=x", "AT", "+4315550100"),
        ("+49 (0)2631 337-0", "AT", "+4926313370"),
        ("02631 337-0123", "DE", "+4926313370123"),
        ("0151 23456789", "DE", "+4915123456789"),
        ("06 1234 5678", "IT", "+390612345678"),
        ("+390612345678", "AT", "+390612345678"),
        ("2125550100", "US", "+12125550100"),
        ("12125550100", "US", "+12125550100"),
        ("011 43 1 5550100", "US", "+4315550100"),
        ("32123456", "DK", "+4532123456"),
        ("+12125550100", "", "+12125550100"),
        ("0012125550100", "", "+12125550100"),
    ] {
        assert_eq!(told(text, country), number, "{text} in {country}");
    }
}

#[test]
fn what_only_looks_like_a_number_is_none() {
    let long = "1".repeat(70);
    for text in [
        "15550100",
        "4315550100",
        "'; DROP TABLE customers; --",
        "0043155501001234567",
        "+43 1 555 0100 ext",
        "+43${system(id)}",
        "+43;x",
        "++4315550100",
        "0１５５５０１００",
        "-",
        "+4312",
        "+999123456789",
        &long,
        "\u{0}015550100",
    ] {
        let told = told(text, "AT");
        assert!(told == "NotANumber" || text == "-" && told == "Anonymous", "{text:?}: {told}");
    }
    assert_eq!(told("015550100", ""), "NotANumber");
}

#[test]
fn numbers_without_a_prefix_are_what_the_settings_say() {
    let told = |text, plain_numbers| {
        let plan = NumberPlan { plain_numbers: Some(plain_numbers), ..plan("AT") };
        match Caller::of(text, &plan, |_| false) {
            Caller::Number(number) => number.e164(),
            other => format!("{other:?}"),
        }
    };
    assert_eq!(told("4926313370", PlainNumbers::International), "+4926313370");
    assert_eq!(told("15550100", PlainNumbers::National), "+4315550100");
    // A number that begins with the home country's code is taken at its word.
    assert_eq!(told("4315550100", PlainNumbers::National), "+4315550100");
    assert_eq!(told("4315550100", PlainNumbers::Nothing), "NotANumber");
}

#[test]
fn a_number_is_spelled_in_each_way_once_and_in_order() {
    let spelled = |text, country| match caller(text, country) {
        Caller::Number(number) => number.spelled(&ALL, &plan(country)),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        spelled("01 555 0100", "AT"),
        ["+4315550100", "4315550100", "004315550100", "015550100", "15550100", "01 555 0100"]
    );
    // A number of another country has no national form here.
    assert_eq!(spelled("+4926313370", "AT"), ["+4926313370", "4926313370", "004926313370"]);
    assert_eq!(
        spelled("2125550100", "US"),
        ["+12125550100", "12125550100", "01112125550100", "2125550100"]
    );
    assert_eq!(
        spelled("06 12345678", "IT"),
        ["+390612345678", "390612345678", "00390612345678", "0612345678", "06 12345678"]
    );
}

#[test]
fn a_country_is_two_capital_letters() {
    assert_eq!("AT".parse::<HomeCountry>().unwrap().to_string(), "AT");
    for text in ["", "at", "Austria", "XX", "001"] {
        assert!(text.parse::<HomeCountry>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn whatever_calls_is_told_without_a_panic_and_spelled_with_digits(
        text in "(\\+|00|0|1|)[0-9 ()./-]{0,40}|\\PC{0,80}",
        country in prop::sample::select(vec!["", "AT", "DE", "US", "IT", "AR", "BR", "MX", "RU"]),
    ) {
        let plan = plan(country);
        if let Caller::Number(number) = Caller::of(&text, &plan, |_| false) {
            let spelled = number.spelled(&ALL, &plan);
            prop_assert!((3..=6).contains(&spelled.len()));
            prop_assert!(spelled[1].bytes().all(|b| b.is_ascii_digit()));
            prop_assert!(E164_DIGITS.contains(&spelled[1].len()));
        }
    }
}
