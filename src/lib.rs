//! hotdeskd
