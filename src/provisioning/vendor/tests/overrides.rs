//! The operator's folder: a vendor is added, changed, broken and mended while the daemon runs.

use std::fs;

use tempfile::TempDir;

use super::*;

const MANIFEST: &str = "title = \"Acme\"\nouis = [\"02:ac:3e\"]\nuser_agents = ['^Acme (?P<model>\\w+)']\n\
                        [resync]\nreload = \"check-sync\"\n\
                        [settings]\nlanguage = \"en\"\n\
                        [[files]]\nname = \"all\"\npaths = ['{mac}\\.cfg']\nkind = \"config\"\n\
                        template = \"all.cfg\"\nmain = true\n";

struct Site {
    folder: TempDir,
    vendors: Vendors,
}

impl Site {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let vendors = Vendors::load(Some(folder.path()));
        Self { folder, vendors }
    }

    fn write(&mut self, file: &str, text: &str) {
        let path = self.folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self.reload();
    }

    fn reload(&mut self) {
        if let Some(vendors) = self.vendors.reload() {
            self.vendors = vendors;
        }
    }

    /// What Acme's phone gets.
    fn rendered(&self) -> String {
        let vendor = self.vendors.get("acme").unwrap();
        let context = somebody(vendor, "A1", "02ac3e000001", "Ada Lovelace");
        let query = [(text("mac"), text("02ac3e000001"))];
        let Some(Route::File { file, .. }) = vendor.route("index.php", &query) else {
            panic!("the main file is what the documents' URL means")
        };
        vendor.render(file, Stage::Full, &context).unwrap()
    }

    /// The only fault: file name, line, words.
    fn fault(&self) -> (String, Option<usize>, String) {
        let [fault] = self.vendors.faults() else { panic!("{:#?}", self.vendors.faults()) };
        assert!(fault.file.starts_with(self.folder.path()), "{fault}");
        let name = fault.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (name, fault.line, fault.to_string())
    }
}

#[test]
fn a_vendor_is_added_changed_broken_and_mended_at_run_time() {
    let mut site = Site::new();
    assert!(site.vendors.get("acme").is_none());
    assert!(site.vendors.reload().is_none(), "nothing changed");

    site.write("acme/all.cfg", "name = {{ account.display_name }}\n");
    assert!(site.vendors.get("acme").is_none(), "half of it is none");
    assert!(site.vendors.faults()[0].problem.contains("found no `vendor.toml`"));
    site.write("acme/vendor.toml", MANIFEST);
    assert_eq!(site.vendors.faults(), []);
    assert_eq!(site.rendered(), "name = Ada Lovelace\n");
    assert_eq!(site.vendors.of_mac("02ac3e000001".parse().unwrap()).unwrap().title(), "Acme");
    assert_eq!(site.vendors.read_agent("Acme A1").unwrap().vendor, "acme");
    let before = site.vendors.get("acme").unwrap().fingerprint().to_owned();

    site.write("acme/all.cfg", "name: {{ account.display_name }}\n");
    assert_eq!(site.rendered(), "name: Ada Lovelace\n");
    let changed = site.vendors.get("acme").unwrap().fingerprint().to_owned();
    assert_ne!(changed, before);

    site.write("acme/all.cfg", "# one\n# two\nname: {{ account.display_nam }}\n");
    let (file, line, told) = site.fault();
    assert_eq!((file.as_str(), line), ("all.cfg", Some(3)), "{told}");
    assert!(told.contains("account.display_nam"), "{told}");
    assert!(told.contains("Correct the name"), "{told}");
    assert_eq!(site.rendered(), "name: Ada Lovelace\n", "the last good one is kept");
    assert_eq!(site.vendors.get("acme").unwrap().fingerprint(), changed);

    site.write("acme/all.cfg", "name; {{ account.display_name }}\n");
    assert_eq!(site.vendors.faults(), []);
    assert_eq!(site.rendered(), "name; Ada Lovelace\n");

    fs::remove_dir_all(site.folder.path().join("acme")).unwrap();
    site.reload();
    assert!(site.vendors.get("acme").is_none());
}

#[test]
fn one_file_of_a_built_in_vendor_is_replaced_and_the_others_stay() {
    let mut site = Site::new();
    let built_in = site.vendors.get("snom").unwrap().fingerprint().to_owned();
    site.write("snom/type.xml", "<?xml version=\"1.0\"?>\n<settings>ours</settings>\n");
    assert_eq!(site.vendors.faults(), []);
    let snom = site.vendors.get("snom").unwrap();
    assert!(snom.is_overridden());
    assert!(!site.vendors.get("polycom").unwrap().is_overridden());
    assert_ne!(snom.fingerprint(), built_in);
    let context = nobody(snom, "D785", "0004132a0001");
    let render = |file: &str| snom.render(snom.file(file).unwrap(), Stage::Full, &context).unwrap();
    assert!(render("type").contains("ours"));
    assert!(render("settings").contains("0004132a0001"));

    // A daemon that starts with a mistake in it serves the built-in one.
    let mut site = Site::new();
    site.write("snom/type.xml", "<settings>{{ urls.nowhere }}</settings>");
    let again = Vendors::load(Some(site.folder.path()));
    assert_eq!(again.faults().len(), 1);
    assert_eq!(again.get("snom").unwrap().fingerprint(), built_in);
}

#[test]
fn a_mistake_is_told_with_its_file_and_line_and_what_to_do() {
    let file = |more: &str| format!("{MANIFEST}{more}");
    for (name, text, at, said) in [
        ("all.cfg", text("{% if user %}\nx\n"), Some(2), "Correct the template"),
        ("all.cfg", text("x\n{{ user.nme if user else 1 }}"), Some(2), "user.nme"),
        ("all.cfg", text("\n{{ account.mailbox }}"), Some(2), "where a text or a number belongs"),
        ("all.cfg", text("\n\n{{ keys }}"), Some(3), "where a text or a number belongs"),
        ("all.cfg", text("{{ map(\"tones\", \"AT\") }}"), Some(1), "no table [maps.tones]"),
        ("all.cfg", text("\n{% include \"nowhere\" %}"), Some(2), "add the template"),
        ("all.cfg", text("\n{{ \"x\"|nofilter }}"), Some(2), "nofilter"),
        (
            "all.cfg",
            text("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"),
            Some(1),
            "Make the file shorter",
        ),
        ("all.cfg", text("{% include \"all.cfg\" %}"), Some(1), "Correct the template"),
        (
            "all.cfg",
            text("{% set x = \"x\" * 900000 %}{% for a in range(99) %}{{ x }}{% endfor %}"),
            None,
            "shorter",
        ),
        ("vendor.toml", file("nonsense = 1\n"), Some(14), "nonsense"),
        ("vendor.toml", file("shows = \"yes\"\n"), Some(14), "true or false"),
        (
            "vendor.toml",
            file("[[uploads]]\nname = \"log\"\npaths = ['(']\n"),
            Some(16),
            "unclosed group",
        ),
        (
            "vendor.toml",
            file("[[uploads]]\nname = \"log\"\npaths = []\nmax_bytes = 0\n"),
            Some(17),
            "expected 1 to",
        ),
        (
            "vendor.toml",
            file("[[files]]\nname = \"b\"\nkind = \"xml\"\ntemplate = \"b.xml\"\n"),
            Some(17),
            "no file of this folder",
        ),
        (
            "vendor.toml",
            file("[[files]]\nname = \"all\"\nkind = \"xml\"\ntemplate = \"all.cfg\"\n"),
            Some(15),
            "a second time",
        ),
        (
            "vendor.toml",
            file("[[files]]\nname = \"b\"\nkind = \"yaml\"\ntemplate = \"all.cfg\"\n"),
            Some(16),
            "yaml",
        ),
        (
            "vendor.toml",
            file("[[files]]\nname = \"b\"\nkind = \"xml\"\n"),
            Some(14),
            "neither `template` nor `personal`",
        ),
        (
            "vendor.toml",
            MANIFEST.replace("language = \"en\"", "snom.pnp_config = false"),
            Some(7),
            "in quotes",
        ),
        ("vendor.toml", MANIFEST.replace("02:ac:3e", "02:ac"), Some(2), "first three octets"),
        (
            "vendor.toml",
            MANIFEST.replace("\"check-sync\"", "\"a\\r\\nb: c\""),
            Some(5),
            "expected an event",
        ),
    ] {
        let mut site = Site::new();
        site.write("acme/vendor.toml", MANIFEST);
        site.write("acme/all.cfg", "name = {{ account.display_name }}\n");
        assert_eq!(site.vendors.faults(), []);
        site.write(&format!("acme/{name}"), &text);
        let (file, line, told) = site.fault();
        assert_eq!(line, at, "{told}");
        assert_eq!(file, name, "{told}");
        assert!(told.contains(said), "{told}");
        assert_eq!(site.rendered(), "name = Ada Lovelace\n", "{told}");
    }
}

#[test]
fn what_cannot_be_read_is_told_and_changes_nothing() {
    let mut site = Site::new();
    site.write("acme/vendor.toml", MANIFEST);
    site.write("acme/all.cfg", "x\n");
    let path = site.folder.path().join("acme/all.cfg");
    fs::write(&path, b"caf\xe9\n").unwrap();
    site.reload();
    assert!(site.fault().2.contains("not UTF-8"));
    assert_eq!(site.rendered(), "x\n");
    fs::write(&path, vec![b' '; (1 << 20) + 1]).unwrap();
    site.reload();
    assert!(site.fault().2.contains("longer than"));
    assert_eq!(site.rendered(), "x\n");
    // What editors leave behind is no file of a vendor's, and a name that is none is told.
    site.write("acme/all.cfg", "y\n");
    site.write("acme/.all.cfg.swp", "\u{1}");
    site.write("acme/all.cfg~", "{{ broken");
    assert_eq!(site.vendors.faults(), []);
    assert_eq!(site.rendered(), "y\n");
    site.write("Not A Vendor/x", "");
    assert!(site.vendors.faults()[0].problem.contains("name is no vendor's"));

    let missing = Vendors::load(Some(Path::new("/nowhere/templates")));
    assert!(missing.faults()[0].to_string().contains("/nowhere/templates"));
    assert!(missing.get("snom").is_some());
}

#[test]
fn an_error_repeats_no_secret() {
    let mut site = Site::new();
    site.write("acme/vendor.toml", MANIFEST);
    // The first is seen at load, the others only with a context that the samples are not.
    site.write(
        "acme/all.cfg",
        "{{ account.password|int if revision == 7 }}{{ urls.keyed|nothing if false }}",
    );
    site.write("acme/all.cfg", "{% if revision == 7 %}{{ account.password|int }}{% endif %}");
    assert_eq!(site.vendors.faults(), []);
    let vendor = site.vendors.get("acme").unwrap();
    let context = nobody(vendor, "A1", "02ac3e000001");
    let told = vendor.render(vendor.file("all").unwrap(), Stage::Full, &context).unwrap_err();
    assert_eq!(told.line, Some(1));
    assert!(!told.to_string().contains("sip-secret"), "{told}");
    assert!(!format!("{told:?}").contains("sip-secret"), "{told:?}");
}
