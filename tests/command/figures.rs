//! Pages of figures: what they show is what the command says as JSON.

use super::*;

/// That a page is whole, loads nothing, and shows the figures of a report; in a browser too where there is one.
fn assert_shows(page: &Path, report: &Value) {
    let html = fs::read_to_string(page).unwrap();
    for loading in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!html.contains(loading), "{loading}");
    }
    let mut figures = 0;
    for cell in html.split("data-figure=\"").skip(1) {
        let (path, rest) = cell.split_once('"').unwrap();
        let text = rest.split_once('>').unwrap().1.split('<').next().unwrap();
        let shown: f64 = text.replace(',', "").parse().unwrap();
        let told = report.pointer(&format!("/{}", path.replace('.', "/")));
        let told = told.and_then(Value::as_f64).unwrap_or_else(|| panic!("{path}"));
        let is_memory = path.ends_with("memory_bytes");
        let told = if is_memory { told / f64::from(1 << 20) } else { told };
        let off = if is_memory { 1.0 } else { 0.005 };
        assert!((shown - told).abs() <= off, "{path}: {shown} on the page, {told} in the report");
        figures += 1;
    }
    assert!(figures > 5, "{figures}");
    let chromium = std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    let runs = |program: &str| {
        let version = Command::new(program).arg("--version").output();
        version.is_ok_and(|output| output.status.success())
    };
    if !runs(&chromium) || !runs("node") {
        eprintln!("not looked at in a browser: there is no `{chromium}` or no `node`");
        return;
    }
    let json = page.with_extension("json");
    fs::write(&json, report.to_string()).unwrap();
    let mut check = Command::new("node");
    check.arg(format!("{ROOT}/script/check-page.mjs")).args([page, &json]);
    // To look at them: PAGES=FOLDER.
    if let Some(folder) = std::env::var_os("PAGES").map(PathBuf::from) {
        check.arg(folder.join(page.file_stem().unwrap()));
    }
    let output = check.output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn inspect_draws_the_graph_with_its_figures() {
    let desk = Desk::new();
    let page = desk.path("inspect.html");
    let onnx = model("resnet8");
    let report = run(&["inspect", &onnx, "--html", text(&page)]);
    assert_shows(&page, &report);
    let html = fs::read_to_string(&page).unwrap();
    let nodes = report["nodes"].as_array().unwrap().len();
    let inputs = report["inputs"].as_array().unwrap().len();
    assert_eq!(html.matches("<tr data-row=").count(), nodes + inputs);
    // Each node takes something; residual sums take two.
    assert!(html.matches("data-from=").count() > nodes, "{nodes} nodes");

    // Differences stand beside the nodes; a model that no circuit holds is drawn all the same.
    let report = run(&[
        "inspect",
        &model("digits_cnn"),
        "--calibration",
        &samples("digits_cnn"),
        "--html",
        text(&page),
    ]);
    assert_shows(&page, &report);
    assert!(fs::read_to_string(&page).unwrap().contains("largest difference"));
    let output = call(&["inspect", &model("digits_mlp"), "--k", "5", "--html", text(&page)]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains("no circuit") && html.contains("<tr data-row="), "{html}");
}

#[test]
fn bench_draws_its_figures_beside_earlier_runs() {
    let desk = Desk::new();
    let page = desk.path("bench.html");
    let mut earlier =
        json!([{ "model": "credit_logreg", "prove_seconds": 9e3, "verify_gas": 434_334 }]);
    let file = desk.write("monday.json", earlier.to_string().as_bytes());
    let words = ["bench", "--proofs", "1", &model("credit_logreg"), "--html", text(&page)];
    let against = ["--against", text(&file)];
    let report = run(&[&words[..], &against].concat());
    assert_shows(&page, &report);
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains("monday") && html.contains("434,334") && html.contains("0.50×"));

    // What is no run of `bench` is refused before anything is measured.
    earlier[0]["verify_gas"] = json!(-1);
    for nothing in [earlier.to_string(), "[]".into(), "{}".into(), "[1]".into(), "nonsense".into()]
    {
        desk.write("monday.json", nothing.as_bytes());
        let error = fails(&[&words[..], &against].concat());
        assert!(error.contains("monday.json` is not what `bench` measured"), "{error}");
    }
    let error = fails(&["bench", &model("credit_logreg"), "--against", text(&file)]);
    assert!(error.contains("required arguments"), "{error}");
}
