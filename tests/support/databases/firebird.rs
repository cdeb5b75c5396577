use super::DatabaseServer;

pub struct Firebird;

impl Firebird {
    pub fn start() -> Self {
        panic!("not yet")
    }
}

impl DatabaseServer for Firebird {
    fn url(&self) -> String {
        String::new()
    }
    fn run(&self, _: &str) {}
    fn stop(&mut self) {}
    fn start(&mut self) {}
    fn endless(&self) -> &'static str {
        ""
    }
    fn odd_types(&self) -> &'static str {
        ""
    }
}
