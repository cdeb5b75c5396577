//! What callers and customers are called must do nothing.

use hotdeskd::model::LookUpFailure;

use super::*;

super::for_each_database!(
    whatever_a_customer_is_called_comes_back_as_text,
    a_caller_with_sql_in_the_number_changes_nothing,
    a_query_that_writes_fails_and_writes_nothing,
);

async fn whatever_a_customer_is_called_comes_back_as_text(database: impl DatabaseServer) {
    let names = [
        "${system(id)}",
        "$${domain}",
        "^^|a=b",
        "Robert'); DROP TABLE customers;--",
        ":number ? $1",
    ];
    let numbers: Vec<String> = (0..names.len()).map(|at| format!("+43155501{at:02}")).collect();
    let rows: Vec<(&str, &str, &str, i64)> =
        numbers.iter().zip(names).map(|(number, name)| (&**number, "sales", name, 1)).collect();
    fill(&database, &rows);
    let customers = customers(&database, QUERY);
    for (number, name) in numbers.iter().zip(names) {
        assert_eq!(customers.look_up(number).await.answer, found("sales", Some(name), Some(1)));
    }
}

async fn a_caller_with_sql_in_the_number_changes_nothing(database: impl DatabaseServer) {
    fill(&database, &[("+4315550100", "sales", "Ada", 1)]);
    // Compared with whatever it is, the number is only a text.
    let query =
        "SELECT team, name, priority FROM customers WHERE phone = :number OR name = :number";
    let lines = "cache.entries = 0\nspellings = [\"as-dialled\", \"e164\"]";
    let customers = with(&database, query, lines);
    for number in [
        "' OR '1'='1",
        "+4315550100'; DROP TABLE customers; --",
        "+43\\' OR 1=1 #",
        ":number",
        "?",
        "$1",
        "+4315550100\0",
        "+43 1 555 0100) OR (1=1",
        "０１５５５０１００",
    ] {
        let looked = customers.look_up(number).await;
        assert!(!matches!(looked.answer, LookUp::Found(_) | LookUp::Ambiguous(_)), "{looked:?}");
    }
    let looked = customers.look_up("(+43) 1 555-0100").await;
    assert_eq!(looked.answer, LookUp::NotAsked(hotdeskd::model::NotAsked::NotANumber));
    let looked = customers.look_up("01/555-0100").await;
    assert_eq!(looked.answer, found("sales", Some("Ada"), Some(1)), "{looked:?}");
    // The table stands.
    assert_eq!(customers.look_up("+4315550100").await.answer, found("sales", Some("Ada"), Some(1)));
}

async fn a_query_that_writes_fails_and_writes_nothing(database: impl DatabaseServer) {
    fill(&database, &[]);
    let Some((function, query)) = database.writing() else { return };
    database.run(function);
    let looked = customers(&database, query).look_up("+4315550100").await;
    assert_eq!(looked.answer, LookUp::Failed(LookUpFailure::Error), "{looked:?}");
    let told = looked.error.unwrap().to_lowercase().replace('-', " ");
    assert!(told.contains("read only"), "{told}");
    let looked = customers(&database, QUERY).look_up("+4315550100").await;
    assert_eq!(looked.answer, LookUp::NoMatch);
}
