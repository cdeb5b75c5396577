//! Queues: mod_callcenter as FreeSWITCH has it, and how the daemon keeps it.

mod simulated;
