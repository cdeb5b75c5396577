//! The application `callcenter`: a caller waits, a free agent is offered the call and picks up, or the limits end it.

use std::time::Duration;

use tokio::time::Instant;

use super::super::call::Heard;
use super::super::channel::CallThread;
use super::super::packet::leading_number;
use super::tables::{Agent, Member, epoch};
use super::{Offer, SOURCE};

/// How often the module looks for an agent (a second in the real one).
const LOOK: Duration = Duration::from_millis(20);

/// How a wait ended.
enum End {
    /// An agent picked up, and the call is over.
    Served,
    /// The limits ended it; `CC-Cancel-Reason`.
    Cancelled(&'static str),
    /// The caller hung up, or something took the call away.
    Gone,
}

impl CallThread {
    /// The whole wait. A queue that cannot be loaded ends it at once.
    pub(in super::super) async fn callcenter(&mut self, queue: &str) {
        let known = self.node.lock().callcenter.queues.contains_key(queue);
        if !known && !self.node.load_queue(queue, false).await {
            return;
        }
        self.answer();
        let member = self.join(queue);
        let end = self.wait(&member).await;
        if let End::Served = end {
            self.channel.set("cc_cause", Some("answered"));
            return;
        }
        let reason = match end {
            End::Cancelled(reason) => reason,
            End::Served | End::Gone => "BREAK_OUT",
        };
        self.channel.set("cc_cause", Some("cancel"));
        self.channel.set("cc_cancel_reason", Some(reason));
        {
            let mut state = self.node.lock();
            let tables = &mut state.callcenter;
            tables.members.retain(|one| one.uuid != member.uuid);
            if let Some(queue) = tables.queues.get_mut(queue) {
                queue.abandoned += 1;
            }
        }
        self.member_event(
            &member,
            "member-queue-end",
            &[
                ("CC-Member-Leaving-Time", &epoch().to_string()),
                ("CC-Member-Joined-Time", &member.joined.to_string()),
                ("CC-Cause", "Cancel"),
                ("CC-Cancel-Reason", reason),
            ],
        );
        self.count(queue);
    }

    fn join(&mut self, queue: &str) -> Member {
        let channel = &self.channel;
        let value = |name: &str| channel.value(name).unwrap_or_default();
        let member = Member {
            queue: queue.to_owned(),
            uuid: self.node.uuid(),
            session: channel.uuid.clone(),
            number: value("caller_id_number"),
            name: value("caller_id_name"),
            joined: epoch(),
            score: i64::try_from(leading_number(&value("cc_base_score"))).unwrap_or_default(),
            agent: String::new(),
            state: "Waiting",
        };
        channel.set("cc_side", Some("member"));
        channel.set("cc_member_uuid", Some(&member.uuid));
        channel.set("cc_queue_joined_epoch", Some(&member.joined.to_string()));
        channel.set("cc_queue", Some(queue));
        self.member_event(&member, "member-queue-start", &[]);
        self.node.lock().callcenter.members.push(member.clone());
        self.count(queue);
        member
    }

    async fn wait(&mut self, member: &Member) -> End {
        let began = Instant::now();
        let mut unstaffed: Option<Instant> = None;
        loop {
            if let Some(agent) = self.turn(member) {
                if self.offer(member, &agent).await {
                    return End::Served;
                }
            } else if !self.pause(LOOK).await {
                return End::Gone;
            }
            if !self.channel.is_up() {
                return End::Gone;
            }
            let (queue, staffed) = {
                let state = self.node.lock();
                let tables = &state.callcenter;
                // A queue that was unloaded meanwhile leaves its callers waiting.
                (tables.queues.get(&member.queue).cloned(), tables.is_staffed(&member.queue))
            };
            let Some(queue) = queue else { continue };
            let longest = queue.seconds("max-wait-time", 0);
            if longest > 0 && began.elapsed().as_secs() >= longest {
                return End::Cancelled("TIMEOUT");
            }
            unstaffed = if staffed { None } else { unstaffed.or(Some(Instant::now())) };
            let longest = queue.seconds("max-wait-time-with-no-agent", 0);
            let reached = queue.seconds("max-wait-time-with-no-agent-time-reached", 5);
            if let Some(since) = unstaffed
                && longest > 0
                && since.elapsed().as_secs() >= longest
                && began.elapsed().as_secs() >= reached.min(longest)
            {
                return End::Cancelled("NO_AGENT_TIMEOUT");
            }
        }
    }

    /// The agent to whom this caller is offered, if it is this caller's turn: the highest score first.
    fn turn(&self, member: &Member) -> Option<Agent> {
        let state = self.node.lock();
        let tables = &state.callcenter;
        let score = |one: &Member| {
            let waited = i64::try_from(epoch().saturating_sub(one.joined)).unwrap_or_default();
            waited + one.score
        };
        let waiting =
            tables.members.iter().filter(|one| one.queue == member.queue && one.state == "Waiting");
        // Of two that are equal the first in the table: `max_by_key` takes the last.
        let first = waiting.rev().max_by_key(|one| score(one))?;
        (first.uuid == member.uuid).then(|| tables.free(&member.queue)).flatten()
    }

    /// Offers the call to an agent; whether the agent picked up.
    async fn offer(&mut self, member: &Member, agent: &Agent) -> bool {
        let name = agent.name.as_str();
        self.node.set_agent_state(name, "Receiving");
        self.serve(member, name, "Trying");
        let called = epoch().to_string();
        self.node.callcenter_event(&[
            ("CC-Queue", &member.queue),
            ("CC-Action", "agent-offering"),
            ("CC-Agent", name),
            ("CC-Agent-System", "single_box"),
            ("CC-Member-UUID", &member.uuid),
            ("CC-Member-Session-UUID", &member.session),
            ("CC-Member-CID-Name", &member.name),
            ("CC-Member-CID-Number", &member.number),
        ]);
        let ringing = self.node.dial(&agent.contact, 0).await;
        let phones: Vec<String> = ringing.phones().into_iter().map(str::to_owned).collect();
        let cause = if phones.is_empty() {
            "USER_NOT_REGISTERED"
        } else {
            let offer = Offer { agent: name.to_owned(), queue: member.queue.clone(), phones };
            self.node.lock().callcenter.offers.push(offer);
            match self.ring(name).await {
                Ok(()) => {
                    self.talk(member, agent, &called).await;
                    return true;
                }
                Err(cause) => cause,
            }
        };
        self.unanswered(member, agent, cause);
        false
    }

    /// Rings until the agent picks up, or the cause why not.
    async fn ring(&mut self, agent: &str) -> Result<(), &'static str> {
        let until = Instant::now() + self.node.settings.longest_offer;
        let result = loop {
            let (offered, picked_up) = {
                let state = self.node.lock();
                let tables = &state.callcenter;
                let offered = tables.offers.iter().any(|offer| offer.agent == agent);
                (offered, tables.picked_up.iter().any(|one| one == agent))
            };
            if picked_up {
                break Ok(());
            }
            if !offered || !self.channel.is_up() {
                break Err("ORIGINATOR_CANCEL");
            }
            if Instant::now() >= until {
                break Err("NO_ANSWER");
            }
            self.pause(LOOK).await;
        };
        let mut state = self.node.lock();
        let tables = &mut state.callcenter;
        tables.offers.retain(|offer| offer.agent != agent);
        tables.picked_up.retain(|one| one != agent);
        result
    }

    /// Agent and caller talk until the caller hangs up.
    async fn talk(&mut self, member: &Member, agent: &Agent, called: &str) {
        let (name, leg) = (agent.name.as_str(), self.node.uuid());
        let (answered, joined) = (epoch().to_string(), member.joined.to_string());
        self.channel.set("cc_agent_bridged", Some("true"));
        self.channel.set("cc_agent", Some(name));
        self.node.set_agent_state(name, "In a queue call");
        self.serve(member, name, "Answered");
        let bridged = [
            ("CC-Agent", name),
            ("CC-Agent-System", "single_box"),
            ("CC-Agent-UUID", &leg),
            ("CC-Agent-Called-Time", called),
            ("CC-Agent-Answered-Time", &answered),
            ("CC-Member-Joined-Time", &joined),
        ];
        self.member_event(member, "bridge-agent-start", &bridged);
        self.tell(Heard::Bridged { agent: name.to_owned() });
        self.pause(self.node.settings.longest_call).await;
        self.member_event(member, "bridge-agent-end", &bridged);
        let mut ended = vec![("CC-Hangup-Cause", "NORMAL_CLEARING"), ("CC-Cause", "Terminated")];
        ended.extend(bridged);
        let left = epoch().to_string();
        ended.push(("CC-Member-Leaving-Time", &left));
        self.member_event(member, "member-queue-end", &ended);
        {
            let mut state = self.node.lock();
            let tables = &mut state.callcenter;
            tables.members.retain(|one| one.uuid != member.uuid);
            tables.with_agent(name, |agent| {
                let [_, wrap_up, ..] = agent.timings;
                agent.calls_answered += 1;
                agent.last_bridge_end = epoch();
                agent.ready_time = epoch() + wrap_up;
                if agent.status == "Available (On Demand)" {
                    "On Break".clone_into(&mut agent.status);
                }
            });
            if let Some(queue) = tables.queues.get_mut(&member.queue) {
                queue.answered += 1;
            }
        }
        self.node.set_agent_state(name, "Waiting");
        self.count(&member.queue);
    }

    /// Nobody picked up: the agent rests for a while, or has a break.
    fn unanswered(&self, member: &Member, agent: &Agent, cause: &str) {
        let name = agent.name.as_str();
        self.serve(member, "", "Waiting");
        let mut on_break = false;
        self.node.lock().callcenter.with_agent(name, |agent| {
            let [most, _, _, _, delay] = agent.timings;
            match cause {
                "USER_NOT_REGISTERED" => agent.ready_time = epoch() + 5,
                "NO_ANSWER" => {
                    agent.no_answer_count += 1;
                    on_break = most > 0 && agent.no_answer_count >= most;
                    agent.ready_time = epoch() + delay;
                }
                _ => {}
            }
        });
        if on_break {
            self.node.set_agent_status(name, "On Break");
        }
        self.node.set_agent_state(name, "Waiting");
        self.node.callcenter_event(&[
            ("CC-Queue", &member.queue),
            ("CC-Action", "bridge-agent-fail"),
            ("CC-Hangup-Cause", cause),
            ("CC-Agent", name),
            ("CC-Agent-System", "single_box"),
            ("CC-Member-UUID", &member.uuid),
            ("CC-Member-Session-UUID", &member.session),
        ]);
    }

    fn serve(&self, member: &Member, agent: &str, state: &'static str) {
        let mut node = self.node.lock();
        let found = node.callcenter.members.iter_mut().find(|one| one.uuid == member.uuid);
        if let Some(found) = found {
            agent.clone_into(&mut found.agent);
            found.state = state;
        }
    }

    /// `callcenter::info` of this caller, with the channel's own headers in front.
    fn member_event(&self, member: &Member, action: &str, fields: &[(&str, &str)]) {
        let mut event = self.node.custom_event("callcenter::info", SOURCE);
        self.channel.describe(&self.node, &mut event, true);
        event.push("CC-Queue", &*member.queue);
        event.push("CC-Action", action);
        for (name, value) in fields {
            event.push(name, *value);
        }
        for (name, value) in [
            ("CC-Member-UUID", &member.uuid),
            ("CC-Member-Session-UUID", &member.session),
            ("CC-Member-CID-Name", &member.name),
            ("CC-Member-CID-Number", &member.number),
        ] {
            event.push(name, value.as_str());
        }
        self.node.fire(event);
    }

    /// How many wait, after somebody came or went.
    fn count(&self, queue: &str) {
        let count = {
            let state = self.node.lock();
            let waits = |one: &&Member| one.queue == queue && one.state != "Answered";
            state.callcenter.members.iter().filter(waits).count().to_string()
        };
        self.node.callcenter_event(&[
            ("CC-Queue", queue),
            ("CC-Action", "members-count"),
            ("CC-Count", &count),
            ("CC-Selection", "Single-Queue"),
        ]);
    }
}
