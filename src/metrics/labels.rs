//! The values that labels can have. Each is one of few, so that the number of series has a bound.

/// An enum whose values stand in a label, with all of them in order.
macro_rules! label {
    ($(#[$about:meta])* $name:ident { $($(#[$each:meta])* $value:ident = $text:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$each])* $value,)* }

        impl $name {
            /// All of them, in their order.
            pub const ALL: [Self; [$($text),*].len()] = [$(Self::$value),*];

            /// The label's value.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $text,)* }
            }
        }
    };
}

label! {
    /// How a conversation ended.
    CallOutcome {
        /// It came to what the caller wanted.
        Done = "done",
        /// The caller had all tries.
        GaveUp = "gave-up",
        /// It could not be done.
        Unavailable = "unavailable",
        /// The caller hung up before the end.
        HungUp = "hung-up",
    }
}

label! {
    /// What FreeSWITCH asked.
    Question {
        /// Somebody who wants to register.
        Registration = "registration",
        /// Somebody, for a call or else.
        User = "user",
        /// A call group.
        Group = "group",
        /// A domain as such.
        Domain = "domain",
        /// A configuration file.
        Configuration = "configuration",
        /// What is none of our business.
        Other = "other",
    }
}

label! {
    /// What a phone was given.
    PhoneAnswer {
        /// A file.
        File = "file",
        /// Word that the file is as it was.
        Unchanged = "unchanged",
        /// Firmware.
        Firmware = "firmware",
        /// Thanks for what it sent.
        Upload = "upload",
        /// A challenge.
        Challenge = "challenge",
        /// Nothing.
        Refusal = "refusal",
        /// Word that its template has a mistake.
        Broken = "broken",
    }
}

label! {
    /// Why a datagram at SIP PnP got no answer.
    Silence {
        /// It is no SIP.
        Malformed = "malformed",
        /// It is no question for a server.
        NoQuestion = "no-question",
        /// It names no MAC address.
        NoMac = "no-mac",
        /// The phone is not ours.
        Stranger = "stranger",
        /// Nothing is known of its vendor.
        NoVendor = "no-vendor",
        /// It was asked too often.
        TooOften = "too-often",
    }
}

label! {
    /// How a delivery to a webhook went.
    Delivery {
        /// It was taken.
        Taken = "taken",
        /// It was not, and is tried again.
        Failed = "failed",
        /// It was not, and is not tried any more.
        GivenUp = "given-up",
        /// It was not kept, because too many wait.
        Dropped = "dropped",
    }
}
