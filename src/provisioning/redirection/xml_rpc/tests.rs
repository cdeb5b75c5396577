use super::*;

fn response(value: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><methodResponse><params><param><value>{value}</value></param></params></methodResponse>"
    )
}

fn array(values: &str) -> Answer {
    Answer::read(&response(&format!("<array><data>{values}</data></array>"))).unwrap()
}

const YES: &str = "<value><boolean>1</boolean></value>";
const NO: &str = "<value><boolean>0</boolean></value>";

/// The call in the training slides of 2011 (`ST314`, page 11), without what the slides' letters are spaced by.
const SLIDES: &str = "<?xml version='1.0'?>
<methodCall>
<methodName>redirect.registerPhone</methodName>
  <params>
      <param><value>
        <string>000413244321</string>
      </value></param>
    <param><value>
        <string>http://fox.snom.com/prv2.php?mac={mac}</string>
    </value></param>
  </params>
</methodCall>";

#[test]
fn a_call_says_what_the_documents_call_says() {
    let mac = spelled("00:04:13:24:43:21".parse().unwrap());
    let ours =
        call("redirect.registerPhone", &[&mac, "http://fox.snom.com/prv2.php?mac={mac}"]).unwrap();
    let (ours, theirs) =
        (MethodCall::from_xml(&ours).unwrap(), MethodCall::from_xml(SLIDES).unwrap());
    assert_eq!((&ours.name, &ours.params), (&theirs.name, &theirs.params));
    // Byte for byte as the interface's own page has it: each text with its type.
    let xml = call("redirect.checkPhone", &["000413AABBCC"]).unwrap();
    assert_eq!(
        xml,
        "<?xml version=\"1.0\"?><methodCall><methodName>redirect.checkPhone</methodName><params><param><value>\
         <string>000413AABBCC</string></value></param></params></methodCall>"
    );
    let xml = call("m", &["a&b<c>\"{mac}\""]).unwrap();
    assert!(xml.contains("a&amp;b&lt;c&gt;") && xml.contains("{mac}"), "{xml}");
}

#[test]
fn arrays_of_each_length_are_read() {
    let ok = array(&format!("{YES}<value><string>Ok</string></value>"));
    assert!(ok.accepted().unwrap().is_ok());
    // A value without a type is a text.
    let untyped = array(&format!("{YES}<value>Ok</value>"));
    assert_eq!(ok, untyped);
    let url = "https://prov.example.net/p/k/{mac}.xml";
    for values in [
        format!(
            "{YES}<value><string>A Company</string></value><value><string>{url}</string></value>"
        ),
        format!("{YES}<value>A Company</value><value>\n {url}\n</value>"),
        format!("{YES}<value><string>{url}</string></value>"),
    ] {
        assert_eq!(array(&values).url().unwrap().unwrap(), url, "{values}");
    }
    assert_eq!(array(YES).url(), Err(Unreadable::Shape));
    assert_eq!(array("").accepted(), Err(Unreadable::Shape));
    assert!(array("<value><i4>1</i4></value>").accepted().unwrap().is_ok());
}

#[test]
fn a_list_has_phones_in_every_spelling_or_none() {
    let phones: Vec<Mac> =
        ["000413aa0001", "000413aa0002"].iter().map(|mac| mac.parse().unwrap()).collect();
    for values in [
        "<value><string>000413AA0001</string></value><value><string>00:04:13:aa:00:02</string></value>".to_owned(),
        "<value>000413aa0001</value><value>nonsense</value><value>00-04-13-AA-00-02</value>".to_owned(),
        format!("{YES}<value><array><data><value>000413aa0001</value><value>000413aa0002</value></data></array></value>"),
    ] {
        assert_eq!(array(&values).phones().unwrap().unwrap(), phones, "{values}");
    }
    assert_eq!(array("").phones().unwrap().unwrap(), []);
    let refused = array(&format!("{NO}<value>Error:unknown_type</value>"));
    assert_eq!(refused.phones().unwrap(), Err(Refusal::Other("Error:unknown_type".to_owned())));
    assert_eq!(array("<value><double>1.5</double></value>").phones(), Err(Unreadable::Shape));
}

#[test]
fn the_documented_words_are_understood_and_others_are_repeated_without_secrets() {
    let key = "k3yk3yk3yk3yk3yk3yk3yk3y22";
    let url = format!("https://prov.example.net/p/{key}/{{mac}}.xml");
    let echoed = format!(
        "Error:strange {url} and {} \u{7} x /p/{key}/0004132A0001.xml",
        key.to_ascii_uppercase()
    );
    for (told, refusal) in [
        ("Error:owned_by_other_user", Refusal::Elsewhere),
        ("Error:no_such_mac", Refusal::NoSuchPhone),
        ("Error:malformed_mac", Refusal::MalformedMac),
        ("Error:malformed_url https://prov.example.net/p/k3y", Refusal::MalformedUrl),
        ("mac_already_in_use:0001", Refusal::Elsewhere),
        ("mac_not_exist: 7C2F80", Refusal::NoSuchPhone),
        ("mac_not_found:x", Refusal::NoSuchPhone),
        ("mac_invalid:x", Refusal::MalformedMac),
        ("url_invalid:x", Refusal::MalformedUrl),
        ("", Refusal::Other("nothing".to_owned())),
        (&echoed, Refusal::Other("Error:strange (hidden) and (hidden) x (hidden)".to_owned())),
    ] {
        let text = told.replace('\u{7}', "&#x9;");
        let answer = array(&format!("{NO}<value><string>{text}</string></value>"));
        assert_eq!(answer.accepted().unwrap(), Err(refusal), "{told}");
    }
    let long = array(&format!("{NO}<value>{}</value>", "x ".repeat(10_000)));
    let Err(Refusal::Other(words)) = long.accepted().unwrap() else { panic!() };
    assert_eq!(words.chars().count(), LONGEST_WORDS);
}

#[test]
fn what_is_no_answer_is_told_apart() {
    let fault = "<?xml version='1.0'?><methodResponse><fault><value><struct>\
         <member><name>faultCode</name><value><int>4</int></value></member>\
         <member><name>faultString</name><value><string>no https://a/p/secret</string></value></member>\
         </struct></value></fault></methodResponse>";
    let told = Unreadable::Fault { code: 4, text: "no (hidden)".to_owned() };
    assert_eq!(Answer::read(fault), Err(told));
    for page in ["<!DOCTYPE html><html></html>", " \n<HTML><body>", "\u{feff}<!doctype HTML>"] {
        assert_eq!(Answer::read(page), Err(Unreadable::Html), "{page}");
    }
    let whole = response(&format!("<array><data>{YES}<value>Ok</value></data></array>"));
    for end in 0..whole.len() {
        let part = &whole[..end];
        assert_eq!(Answer::read(part), Err(Unreadable::Broken), "{part}");
    }
    for text in ["", "Ok", "{}", "<methodResponse/>", "<a></b>", "\0"] {
        assert_eq!(Answer::read(text), Err(Unreadable::Broken), "{text}");
    }
}

/// It would take all of the stack otherwise; dxr knows that.
#[test]
fn an_answer_that_is_too_deep_is_refused() {
    let many = 50_000;
    let deep = "<array><data><value>".repeat(many) + &"</value></data></array>".repeat(many);
    assert_eq!(Answer::read(&response(&deep)), Err(Unreadable::Broken));
}
