//! Who is found, and how.

use hotdeskd::model::NotAsked;

use super::*;

super::for_each_database!(
    customers_are_found_by_any_spelling,
    any_type_of_column_is_read_as_text,
    a_query_with_the_wrong_columns_is_named_at_check,
);

async fn customers_are_found_by_any_spelling(database: impl DatabaseServer) {
    let mut rows = vec![
        ("+4315550100", "sales", "Ada & Söhne GmbH", 5),
        ("004315550101", "support", "", 0),
        ("015550102", "sales", "Grace", 1),
        ("+4315550103", "sales", "Ada", 1),
        ("+4315550103", "Sales", "Bob", 2),
        ("+4315550104", "sales", "Ada", 1),
        ("+4315550104", "support", "Ada", 1),
        ("+4315550105", "", "Nobody's", 1),
    ];
    rows.extend([("+4315550106", "sales", "Mass", 1); 40]);
    fill(&database, &rows);
    let customers = customers(&database, QUERY);
    let examined = customers.examine().await.unwrap().unwrap();
    assert!(!examined.finds_everybody);
    for (number, answer) in [
        ("+4315550100", found("sales", Some("Ada & Söhne GmbH"), Some(5))),
        ("01 5550100", found("sales", Some("Ada & Söhne GmbH"), Some(5))),
        ("015550101", found("support", None, Some(0))),
        ("+4315550102", found("sales", Some("Grace"), Some(1))),
        ("+4315550103", found("sales", None, Some(2))),
        ("+4315550104", LookUp::Ambiguous(vec!["sales".to_owned(), "support".to_owned()])),
        ("+4315550105", found("", Some("Nobody's"), Some(1))),
        ("+4315550106", LookUp::Ambiguous(vec!["sales".to_owned()])),
        ("+4315550199", LookUp::NoMatch),
        ("*98", LookUp::NotAsked(NotAsked::Internal)),
        ("anonymous", LookUp::NotAsked(NotAsked::Anonymous)),
        ("12345678901234", LookUp::NotAsked(NotAsked::NotANumber)),
    ] {
        let looked = customers.look_up(number).await;
        assert_eq!(looked.answer, answer, "{number}: {looked:?}");
    }
    let looked = customers.look_up("015550102").await;
    let tried: Vec<(&str, usize)> =
        looked.tried.iter().map(|tried| (&*tried.spelling, tried.rows)).collect();
    assert_eq!(tried, [("+4315550102", 0), ("004315550102", 0), ("015550102", 1)]);
    assert_eq!((looked.number.as_deref(), looked.cached), (Some("+4315550102"), false));
    // A number that is longer than any column is looked for, and not there.
    assert_eq!(customers.look_up("+431234567890123").await.answer, LookUp::NoMatch);
}

async fn any_type_of_column_is_read_as_text(database: impl DatabaseServer) {
    fill(&database, &[]);
    let customers = customers(&database, database.odd_types());
    let looked = customers.look_up("+4315550100").await;
    assert_eq!(looked.answer, found("42", Some("Müller"), Some(7)), "{looked:?}");
}

async fn a_query_with_the_wrong_columns_is_named_at_check(database: impl DatabaseServer) {
    fill(&database, &[]);
    for (columns, told) in [
        ("team, phone", "the columns"),
        ("phone, team, name, priority", "columns"),
        ("name", "the columns"),
        ("nmae", "nmae"),
    ] {
        let query = format!("SELECT {columns} FROM customers WHERE phone = :number");
        let customers = customers(&database, &query);
        let fault = customers.examine().await.unwrap_err().to_string();
        assert!(fault.to_lowercase().contains(told), "{columns}: {fault}");
        let looked = customers.look_up("+4315550100").await;
        assert!(matches!(looked.answer, LookUp::Failed(_)), "{looked:?}");
    }
    let all = customers(&database, "SELECT 'sales' AS team FROM customers WHERE :number <> 'x'");
    assert!(!all.examine().await.unwrap().unwrap().finds_everybody);
    database.run("INSERT INTO customers VALUES ('+4315550100', 'sales', 'Ada', 1);");
    assert!(all.examine().await.unwrap().unwrap().finds_everybody);
    for by_position in ["phone", "phone, UPPER(phone)", "phone, phone AS x, 3"] {
        let query = format!("SELECT {by_position} FROM customers WHERE phone = :number -- behind");
        let looked = customers(&database, &query).look_up("+4315550100").await;
        let LookUp::Found(customer) = &looked.answer else { panic!("{by_position}: {looked:?}") };
        assert_eq!(customer.team, "+4315550100");
    }
}
