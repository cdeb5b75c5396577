//! The SIP side of a phone: it registers with a simulated FreeSWITCH and hears its NOTIFYs.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::mpsc;

use super::Device;
use crate::simulator::freeswitch::FreeSwitch;
use crate::simulator::node::{MAX_ROWS, Node};
use crate::simulator::registrar::{AuthError, Phone, Registration};

/// NOTIFYs that wait while a phone boots; further ones are lost, as with a phone that does not answer.
const WAITING: usize = 8;

/// Where a phone is plugged in.
#[derive(Default)]
pub(super) struct Line {
    node: Mutex<Option<Weak<Node>>>,
    last: Mutex<Option<Result<Registration, AuthError>>>,
}

impl Line {
    /// The node, as long as it is there.
    fn node(&self) -> Option<Arc<Node>> {
        self.node.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.upgrade()
    }
}

impl Device {
    /// What came of the phone's last REGISTER; `None` when it never sent one.
    pub fn registration(&self) -> Option<Result<Registration, AuthError>> {
        self.inner.line.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// As a SIP phone, with what it was given; `None` before a file said it.
    pub fn phone(&self) -> Option<Phone> {
        let identity = self.identity()?;
        let mut phone = Phone::new(identity.user, identity.secret);
        phone.auth_user = identity.auth_user;
        phone.agent = self.software().sip_agent();
        Some(phone)
    }

    /// REGISTER with what the phone was given. Without an identity the old registration just ends.
    pub(super) async fn register(&self) {
        let Some(node) = self.inner.line.node() else {
            return;
        };
        let Some(phone) = self.phone() else {
            self.unregister();
            return;
        };
        let result = node.register(&phone).await;
        *self.inner.line.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
    }

    /// REGISTER with `Expires: 0`.
    pub(super) fn unregister(&self) {
        let mut last = self.inner.line.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(node), Some(Ok(registration))) = (self.inner.line.node(), last.take()) {
            node.unregister(&registration.user, "sofia::unregister");
        }
    }
}

impl FreeSwitch {
    /// Plugs a phone in: it registers here after each boot, and a NOTIFY to its registration reaches
    /// it. It fetches in the background then, one NOTIFY after the other. False when there are too many.
    pub fn attach(&self, device: &Device) -> bool {
        let node = self.node();
        let (heard_by, mut heard) = mpsc::channel::<String>(WAITING);
        {
            let mut state = node.lock();
            if state.devices.len() >= MAX_ROWS {
                return false;
            }
            state.devices.insert(device.settings().mac.to_string(), heard_by);
        }
        *device.inner.line.node.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Arc::downgrade(node));
        let (device, stop) = (device.clone(), node.stop.clone());
        node.tasks.spawn(async move {
            let answers = async {
                while let Some(event) = heard.recv().await {
                    device.notify(&event).await;
                }
            };
            tokio::select! {
                () = answers => {}
                () = stop.cancelled() => {}
            }
        });
        true
    }
}
