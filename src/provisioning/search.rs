//! A phone asks the phone book: which entries, and which page of them.

use minijinja::Value;
use minijinja::value::Serde;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::context::{Contact, Search};
use super::vendor::SearchRules;

/// How much of a text is searched for, in characters.
const LONGEST: usize = 60;
/// How many words of it: each is looked for in every entry.
const MOST_WORDS: usize = 6;

/// The phone book, made once for all phones.
#[derive(Debug)]
pub(super) struct Book {
    /// The entries in the order of their names.
    contacts: Vec<Contact>,
    /// What each entry is found by, in the same order.
    keys: Vec<String>,
    /// All entries as templates take them.
    value: Value,
}

impl Book {
    /// Of these entries.
    pub(super) fn new(contacts: Vec<Contact>) -> Self {
        let keys = contacts.iter().map(key).collect();
        let value = Value::from(Serde(contacts.clone()));
        Self { contacts, keys, value }
    }

    /// All entries.
    pub(super) fn all(&self) -> Value {
        self.value.clone()
    }

    /// What a request asks for: the entries in which each word of its text stands, and of them one page. A page that
    /// there is not is the nearest that there is.
    pub(super) fn search(
        &self,
        rules: &SearchRules,
        query: &[(String, String)],
    ) -> (Search, Value) {
        let asked = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        let text: String =
            asked(&rules.text).map_or("", String::as_str).trim().chars().take(LONGEST).collect();
        let words = words(&text);
        let fits = |key: &String| words.iter().all(|word| key.contains(word));
        let found = || self.contacts.iter().zip(&self.keys).filter(|(_, key)| fits(key));
        let total = found().count();
        let pages = total.div_ceil(rules.size).max(1);
        let page = asked(&rules.page).and_then(|page| page.trim().parse().ok()).unwrap_or(1);
        let page = usize::clamp(page, 1, pages);
        let shown: Vec<Contact> = found()
            .skip((page - 1) * rules.size)
            .take(rules.size)
            .map(|(contact, _)| contact.clone())
            .collect();
        let search = Search {
            encoded: utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string(),
            text,
            total,
            page,
            pages,
            next: Some(page + 1).filter(|next| *next <= pages),
            previous: page.checked_sub(1).filter(|previous| *previous > 0),
        };
        (search, Value::from(Serde(shown)))
    }
}

/// What an entry is found by: its name, its number as written, and the number's digits. A word has no white space, so
/// none reaches over from one to the next.
fn key(contact: &Contact) -> String {
    let digits: String = contact.number.chars().filter(char::is_ascii_digit).collect();
    format!("{}\n{}\n{digits}", fold(&contact.name), fold(&contact.number))
}

/// The words of a text. U+FFFD stands where a phone sent a letter in another encoding than UTF-8: what is on both
/// sides of it counts.
fn words(text: &str) -> Vec<String> {
    let folded = fold(text);
    let words = folded.split(|c: char| c.is_whitespace() || c == char::REPLACEMENT_CHARACTER);
    words.filter(|word| !word.is_empty()).take(MOST_WORDS).map(str::to_owned).collect()
}

/// Small letters without their accents, as far as Latin letters of Europe have them; others stay as they are.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        let plain = match c {
            // Accents that follow their letter.
            '\u{300}'..='\u{36f}' => "",
            'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
            'æ' => "ae",
            'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
            'ď' | 'đ' | 'ð' => "d",
            'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
            'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
            'ĥ' | 'ħ' => "h",
            'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
            'ĵ' => "j",
            'ķ' => "k",
            'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => "l",
            'ñ' | 'ń' | 'ņ' | 'ň' => "n",
            'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
            'œ' => "oe",
            'ŕ' | 'ŗ' | 'ř' => "r",
            'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
            'ß' => "ss",
            'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
            'þ' => "th",
            'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
            'ŵ' => "w",
            'ý' | 'ÿ' | 'ŷ' => "y",
            'ź' | 'ż' | 'ž' => "z",
            c => {
                folded.push(c);
                continue;
            }
        };
        folded.push_str(plain);
    }
    folded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: fn() -> SearchRules =
        || SearchRules { text: "q".to_owned(), page: "page".to_owned(), size: 30 };

    fn contact(name: &str, number: &str) -> Contact {
        let text = str::to_owned;
        let (first_name, last_name) = (String::new(), text(name));
        Contact { name: text(name), first_name, last_name, number: text(number) }
    }

    fn query(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn found(book: &Book, pairs: &[(&str, &str)]) -> (Search, Vec<String>) {
        let (search, page) = book.search(&RULES(), &query(pairs));
        let names = page.try_iter().unwrap().map(|one| one.get_attr("name").unwrap().to_string());
        (search, names.collect())
    }

    fn office() -> Book {
        Book::new(
            [
                ("Ada Lovelace", "1001"),
                ("Jürgen Groß", "1002"),
                ("Łukasz Żółć", "1003"),
                ("O'Neil & Sons <x>", "+43 1 234-5"),
                ("Zoe\u{308} 100%", "1004"),
                ("名前", "1005"),
            ]
            .map(|(name, number)| contact(name, number))
            .into(),
        )
    }

    #[test]
    fn all_words_must_stand_somewhere_whatever_their_case_and_accents() {
        for (text, names) in [
            ("ada", &["Ada Lovelace"][..]),
            ("LOVE ad", &["Ada Lovelace"]),
            ("love grace", &[]),
            ("jurgen", &["Jürgen Groß"]),
            ("JÜRGEN gross", &["Jürgen Groß"]),
            ("groß", &["Jürgen Groß"]),
            ("lukasz zolc", &["Łukasz Żółć"]),
            ("zoë", &["Zoe\u{308} 100%"]),
            ("100%", &["Zoe\u{308} 100%"]),
            ("%", &["Zoe\u{308} 100%"]),
            ("<x>", &["O'Neil & Sons <x>"]),
            ("& o'n", &["O'Neil & Sons <x>"]),
            ("4312345", &["O'Neil & Sons <x>"]),
            ("+43 234-5", &["O'Neil & Sons <x>"]),
            ("1003", &["Łukasz Żółć"]),
            ("名", &["名前"]),
            // As a phone that sends Latin-1 is understood.
            ("j\u{fffd}rgen", &["Jürgen Groß"]),
            ("lovelace1001", &[]),
        ] {
            let (search, page) = found(&office(), &[("q", text)]);
            assert_eq!(page, names, "{text:?}");
            assert_eq!((search.total, search.text.as_str()), (names.len(), text));
        }
    }

    #[test]
    fn nothing_asked_is_everybody_and_nobody_found_is_an_empty_page() {
        for pairs in [&[][..], &[("q", "")], &[("q", " \t ")], &[("x", "ada"), ("page", "")]] {
            let (search, page) = found(&office(), pairs);
            assert_eq!((page.len(), search.page, search.pages), (6, 1, 1), "{pairs:?}");
        }
        let (search, page) = found(&office(), &[("q", "nobody"), ("page", "3")]);
        assert_eq!((page.len(), search.page, search.pages, search.total), (0, 1, 1, 0));
        assert_eq!((search.next, search.previous), (None, None));
        let (search, page) = found(&Book::new(Vec::new()), &[]);
        assert_eq!((page.len(), search.pages), (0, 1));
    }

    #[test]
    fn ten_thousand_entries_come_in_pages() {
        let contacts = (0..10_000).map(|at| contact(&format!("Näme {at:05}"), &format!("7{at}")));
        let book = Book::new(contacts.collect());
        let (search, page) = found(&book, &[]);
        assert_eq!((page.len(), search.pages, search.next), (30, 334, Some(2)));
        let (search, page) = found(&book, &[("q", "name"), ("page", "334")]);
        assert_eq!((page.len(), page[9].as_str()), (10, "Näme 09999"));
        assert_eq!((search.next, search.previous), (None, Some(333)));
        for beyond in ["335", "99999999", "18446744073709551615"] {
            assert_eq!(found(&book, &[("page", beyond)]).0.page, 334, "{beyond}");
        }
        for none in ["0", "-1", "x", "18446744073709551616", "1.5", ""] {
            assert_eq!(found(&book, &[("page", none)]).0.page, 1, "{none}");
        }
        let (search, page) = found(&book, &[("q", "0999")]);
        assert_eq!((search.total, page.len()), (11, 11));
    }

    #[test]
    fn what_is_asked_is_bounded_and_can_stand_in_a_url() {
        let long = "ä ".repeat(500);
        let (search, _) = found(&office(), &[("q", &long)]);
        assert_eq!(search.text.chars().count(), LONGEST);
        assert_eq!(words(&search.text).len(), MOST_WORDS);
        let (search, _) = found(&office(), &[("q", "100% & ü")]);
        assert_eq!(search.encoded, "100%25%20%26%20%C3%BC");
    }

    proptest! {
        #[test]
        fn whoever_is_in_the_book_is_found_by_the_name(name in "\\PC{1,40}", page in any::<String>()) {
            let book = Book::new(vec![contact("Somebody Else", "1"), contact(&name, "2")]);
            let (search, names) = found(&book, &[("q", &name), ("page", &page)]);
            prop_assert!(names.contains(&name), "{search:?}");
        }
    }
}
