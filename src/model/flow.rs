//! The conversations that a caller can have with us.

/// A conversation: behind a dial code, or behind the service number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flow {
    /// Log in here, out everywhere else.
    Login,
    /// Log in here too.
    LoginAlso,
    /// Log this phone out.
    Logout,
    /// Log a user out of all phones.
    LogoutEverywhere,
    /// Say who is logged in here.
    Who,
    /// Restart this phone.
    RestartPhone,
    /// Send a customer to the right queue.
    CustomerService,
}

impl Flow {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Login,
        Self::LoginAlso,
        Self::Logout,
        Self::LogoutEverywhere,
        Self::Who,
        Self::RestartPhone,
        Self::CustomerService,
    ];

    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::LoginAlso => "login_also",
            Self::Logout => "logout",
            Self::LogoutEverywhere => "logout_everywhere",
            Self::Who => "who",
            Self::RestartPhone => "restart_phone",
            Self::CustomerService => "customer_service",
        }
    }

    /// What stands behind the port in `socket`, and what `variable_socket_path` says in the
    /// `connect` reply.
    pub fn socket_path(self) -> &'static str {
        match self {
            Self::Login => "hotdesk/login",
            Self::LoginAlso => "hotdesk/login-also",
            Self::Logout => "hotdesk/logout",
            Self::LogoutEverywhere => "hotdesk/logout-everywhere",
            Self::Who => "hotdesk/who",
            Self::RestartPhone => "hotdesk/restart-phone",
            Self::CustomerService => "customer-service",
        }
    }

    /// The flow of a socket path.
    pub fn of_socket_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flow| flow.socket_path() == path)
    }

    /// Whether an extension may be dialled behind the code.
    pub fn takes_extension(self) -> bool {
        matches!(self, Self::Login | Self::LoginAlso | Self::LogoutEverywhere)
    }
}
