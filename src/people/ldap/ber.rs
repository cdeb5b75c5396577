//! BER as far as LDAP uses it (RFC 4511, section 5.1): definite lengths, tags of one byte.

/// A part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element<'a> {
    /// Class, form and number in one byte.
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
}

impl<'a> Element<'a> {
    /// What is in it, one by one.
    pub(super) fn parts(self) -> Parts<'a> {
        Parts(self.content)
    }

    pub(super) fn text(self) -> Option<&'a str> {
        std::str::from_utf8(self.content).ok()
    }

    /// As a number of at most four bytes that is not negative.
    pub(super) fn number(self) -> Option<u32> {
        let is_number = (1..=4).contains(&self.content.len());
        is_number.then(|| self.content.iter().fold(0, |sum, byte| (sum << 8) | u32::from(*byte)))
    }
}

/// Elements one behind the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'a>(pub(super) &'a [u8]);

impl<'a> Parts<'a> {
    /// The next element, if it is whole.
    pub(super) fn next(&mut self) -> Option<Element<'a>> {
        let (tag, head, length) = header(self.0)?.ok()?;
        let content = self.0.get(head..head.checked_add(length)?)?;
        self.0 = self.0.get(head + length..)?;
        Some(Element { tag, content })
    }

    /// The next element, if it is whole and has this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Option<Element<'a>> {
        let mut ahead = *self;
        let element = ahead.next().filter(|element| element.tag == tag)?;
        *self = ahead;
        Some(element)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Not what LDAP uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// Tag, length of the header and length of the content of what begins here; `None` while too little is there.
pub(super) fn header(bytes: &[u8]) -> Option<Result<(u8, usize, usize), Malformed>> {
    let (tag, first) = (*bytes.first()?, *bytes.get(1)?);
    if tag & 0x1f == 0x1f {
        return Some(Err(Malformed));
    }
    if first < 0x80 {
        return Some(Ok((tag, 2, usize::from(first))));
    }
    let more = usize::from(first & 0x7f);
    // No message needs more than four bytes for its length; none at all is the indefinite form.
    if !(1..=4).contains(&more) {
        return Some(Err(Malformed));
    }
    let digits = bytes.get(2..2 + more)?;
    let length = digits.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
    Some(Ok((tag, 2 + more, length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_whole_is_nothing() {
        assert_eq!(header(&[0x30]), None);
        assert_eq!(header(&[0x30, 0x82, 0x01]), None);
        assert_eq!(header(&[0x30, 0x82, 0x01, 0x02]), Some(Ok((0x30, 4, 0x102))));
        assert_eq!(header(&[0x30, 0x80]), Some(Err(Malformed)));
        assert_eq!(header(&[0x1f, 0x01]), Some(Err(Malformed)));
        assert_eq!(header(&[0x30, 0x85, 1, 1, 1, 1, 1]), Some(Err(Malformed)));
        let mut parts = Parts(&[0x04, 0x02, b'a', b'b', 0x02, 0x01, 7, 0x04, 0x05, b'x']);
        assert_eq!(parts.expect(0x02), None);
        assert_eq!(parts.expect(0x04).unwrap().text(), Some("ab"));
        assert_eq!(parts.next().unwrap().number(), Some(7));
        assert_eq!(parts.next(), None);
        assert!(!parts.is_empty());
    }
}
