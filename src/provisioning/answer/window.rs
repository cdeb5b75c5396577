//! A phone that knows nothing but its MAC address: in its window, or where unknown phones are added.

use std::sync::Arc;
use std::time::SystemTime;

use jiff::Timestamp;

use super::file::made;
use super::{Answer, Asker, Method, Receipt, Request, entry};
use crate::model::{Mac, PhoneRefusal, Proof, Told};
use crate::provisioning::compose::Subject;
use crate::provisioning::vendor::{Agent, File, Route, Stage};
use crate::provisioning::{CannotMake, Provisioning};

impl Provisioning {
    /// A bare MAC address in its window: its own URL, once.
    pub(super) async fn bootstrap(
        &self,
        request: &Request<'_>,
        mac: Mac,
        agent: Option<Agent>,
        now: Timestamp,
    ) -> Answer {
        let phone = self.store().memory().phone(mac).cloned();
        let Some(phone) = phone else {
            return self.challenge(request, None, PhoneRefusal::Unknown, now);
        };
        let Some(vendor) = self.vendor_of(&phone, agent.as_ref()) else {
            return self.challenge(request, Some(mac), PhoneRefusal::NoVendor, now);
        };
        let file = match vendor.route(request.path, request.query) {
            Some(Route::File { file, .. })
                if file.has_bootstrap() && request.method == Method::Get =>
            {
                file
            }
            // Neither what has no secrets nor what is only looked at uses the window up.
            _ => return self.challenge(request, Some(mac), PhoneRefusal::NoFile, now),
        };
        let asker =
            Asker { phone: &phone, vendor: &vendor, agent: agent.as_ref(), proof: Proof::Key };
        let text = match self.bootstrap_text(&asker, file, now) {
            Ok(text) => text,
            Err(error) => {
                tracing::error!(phone = %mac, file = file.name, %error, "a phone's file cannot be made");
                return Answer::Broken;
            }
        };
        match self.desk().use_window(mac, now).await {
            Ok(true) => {}
            Ok(false) => {
                return self.challenge(request, Some(mac), PhoneRefusal::WindowClosed, now);
            }
            Err(error) => {
                tracing::error!(phone = %mac, %error, "a window cannot be closed, so it is not used");
                return Answer::Broken;
            }
        }
        let made = Arc::new(made(text.into(), file, SystemTime::now()));
        let request = entry(request, mac, Told::Bootstrap, now);
        Answer::File(made, Receipt { request: Some(request), given: None })
    }

    fn bootstrap_text(
        &self,
        asker: &Asker<'_>,
        file: &File,
        now: Timestamp,
    ) -> Result<String, CannotMake> {
        let memory = self.store().memory();
        let Some(enrolment) = memory.enrolment(asker.phone.mac).cloned() else {
            return Err(CannotMake::Gone);
        };
        let subject = Subject {
            phone: asker.phone,
            enrolment: &enrolment,
            user: None,
            memory: &memory,
            vendor: asker.vendor,
            model: asker.model(),
        };
        let book = minijinja::Value::from(Vec::<minijinja::Value>::new());
        let (site, store) = (self.site(), self.store());
        let mut context = subject.context(site, store, book, None, true, now);
        context.revision = self.cache().revision(asker.phone.mac, context.revision);
        drop(memory);
        Ok(asker.vendor.render(file, Stage::Bootstrap, &context)?)
    }

    /// A phone that is not in the inventory, from a network whose phones are added.
    pub(super) async fn unknown(
        &self,
        request: &Request<'_>,
        mac: Mac,
        agent: Option<Agent>,
        now: Timestamp,
    ) -> Answer {
        // Only what a phone of a vendor that we know could be, and never more than a site can have.
        let vendor = self.vendors().of_mac(mac).cloned();
        let Some(vendor) = vendor.filter(|_| request.method == Method::Get && self.may_add())
        else {
            return self.challenge(request, None, PhoneRefusal::Unknown, now);
        };
        let model = agent.as_ref().and_then(|agent| agent.model.clone());
        let hot_desk = vendor.model(model.as_deref()).hot_desk;
        let vendor = vendor.name().to_owned();
        match self.desk().add_unknown(mac, vendor, model, hot_desk, now).await {
            Ok(()) => self.bootstrap(request, mac, agent, now).await,
            Err(error) => {
                tracing::error!(phone = %mac, %error, "an unknown phone cannot be added");
                self.challenge(request, None, PhoneRefusal::Unknown, now)
            }
        }
    }
}
