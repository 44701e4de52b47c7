"""Classic models of scikit-learn, XGBoost and LightGBM, as skl2onnx and onnxmltools write them.

For `script/exports.py --classic`. Every model comes with example inputs by name, and with its own framework's
answers for them: predictions, or labels and then probabilities or scores.
"""

import warnings

import numpy as np
from onnx import helper as h
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn import cluster, compose, ensemble, impute, linear_model, naive_bayes, pipeline, preprocessing, svm, tree

warnings.filterwarnings("ignore")
SETS = {"": 17, "ai.onnx.ml": 3}
EXAMPLES = 60


def data(rows=300, features=6, seed=20240607):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, features)).astype(np.float32)
    score = x @ rng.normal(size=features) + 0.5 * x[:, 0] * x[:, 1]
    return x, score


X, SCORE = data()
TWO = (SCORE > 0).astype(int)
THREE = np.digitize(SCORE, np.quantile(SCORE, [0.33, 0.66]))
NAMES = np.array(["low", "middle", "top"])[THREE]


def holes(x):
    """The same with every tenth value missing."""
    x = x.copy()
    x[np.random.default_rng(1).random(x.shape) < 0.1] = np.nan
    return x


def on_thresholds(file, inputs):
    """Some features lie on the thresholds themselves, where the comparisons decide."""
    for node in file.graph.node:
        own = {attribute.name: h.get_attribute_value(attribute) for attribute in node.attribute}
        splits = zip(own.get("nodes_featureids", []), own.get("nodes_values", []), own.get("nodes_modes", []))
        splits = [(feature, value) for feature, value, mode in splits if mode != b"LEAF"]
        for row, (feature, value) in zip(inputs[20:], splits[:: max(1, len(splits) // 40)]):
            row[feature] = np.float32(value)
    return inputs


def answers(model, x, names=None):
    """What the framework says of each row, flat: labels as positions among the classes."""
    if isinstance(model, ensemble.IsolationForest):
        return np.column_stack([model.predict(x), model.decision_function(x)])
    if isinstance(model, cluster.KMeans):
        return np.column_stack([model.predict(x), model.transform(x)])
    if not hasattr(model, "classes_"):
        return np.asarray(model.predict(x), float).reshape(len(x), -1)
    labels = np.searchsorted(model.classes_, model.predict(x))
    if hasattr(model, "predict_proba"):
        return np.column_stack([labels, model.predict_proba(x)])
    scores = model.decision_function(x)
    # Of two classes, files have the score and its negative.
    return np.column_stack([labels, scores, -scores] if scores.ndim == 1 else [labels, scores])


def sklearn(estimator, y, x=X, **options):
    def make():
        fitted = estimator.fit(x) if y is None else estimator.fit(x, y)
        if hasattr(fitted, "predict_proba"):
            options["zipmap"] = False
        file = to_onnx(fitted, x[:1], target_opset=SETS, options=options or None)
        inputs = on_thresholds(file, x[:EXAMPLES].copy())
        return file, {file.graph.input[0].name: inputs[:, None]}, answers(fitted, inputs)

    return make


def boosted(build, y, x=X):
    """XGBoost's and LightGBM's, by onnxmltools."""

    def make():
        import lightgbm
        import onnxmltools

        fitted = build().fit(x, y)
        convert = onnxmltools.convert_lightgbm if isinstance(fitted, lightgbm.LGBMModel) else onnxmltools.convert_xgboost
        extra = {"zipmap": False} if convert is onnxmltools.convert_lightgbm else {}
        file = convert(fitted, initial_types=[("x", onnxmltools.convert.common.data_types.FloatTensorType([None, x.shape[1]]))], target_opset=15, **extra)
        inputs = on_thresholds(file, x[:EXAMPLES].copy())
        return file, {"x": inputs[:, None]}, answers(fitted, inputs)

    return make


def xgboost(y, x=X, **options):
    def build():
        from xgboost import XGBClassifier, XGBRegressor

        kind = XGBClassifier if np.issubdtype(np.asarray(y).dtype, np.integer) else XGBRegressor
        return kind(n_jobs=1, **{"n_estimators": 20, "max_depth": 4, **options})

    return boosted(build, y, x)


def lightgbm(y, x=X, **options):
    def build():
        from lightgbm import LGBMClassifier, LGBMRegressor

        kind = LGBMClassifier if np.issubdtype(np.asarray(y).dtype, np.integer) else LGBMRegressor
        return kind(n_jobs=1, verbose=-1, **{"n_estimators": 20, "num_leaves": 15, "min_child_samples": 5, **options})

    return boosted(build, y, x)


def one_hot(final):
    """Credit data: two columns of numbers, two of names."""

    def make():
        import pandas

        rng = np.random.default_rng(5)
        housing = np.array(["own", "rent", "free"])[rng.integers(0, 3, len(X))]
        purpose = np.array(["car", "education", "repairs", "other"])[rng.integers(0, 4, len(X))]
        frame = pandas.DataFrame({"income": X[:, 0], "age": X[:, 1], "housing": housing, "purpose": purpose})
        y = (SCORE + (housing == "own") - 2 * (purpose == "other") > 0).astype(int)
        columns = compose.make_column_transformer(
            (preprocessing.StandardScaler(), ["income", "age"]),
            (preprocessing.OneHotEncoder(handle_unknown="ignore"), ["housing", "purpose"]),
        )
        fitted = pipeline.make_pipeline(columns, final).fit(frame, y)
        types = [("income", FloatTensorType([None, 1])), ("age", FloatTensorType([None, 1]))]
        types += [("housing", StringTensorType([None, 1])), ("purpose", StringTensorType([None, 1]))]
        file = to_onnx(fitted, initial_types=types, target_opset=SETS, options={"zipmap": False})
        rows = frame[:EXAMPLES]
        inputs = {name: rows[name].to_numpy().reshape(-1, 1, 1) for name in rows}
        inputs = {name: own.astype(np.float32 if own.dtype.kind == "f" else str) for name, own in inputs.items()}
        return file, inputs, answers(fitted, rows)

    return make


def models(_):
    scaled = lambda final: pipeline.make_pipeline(preprocessing.StandardScaler(), final)  # noqa: E731
    wide, wide_score = data(3000, 30)
    wide_two = (wide_score > 0).astype(int)
    fine, fine_score = data(1500, 2)
    return {
        "logistic_regression": sklearn(linear_model.LogisticRegression(), TWO),
        "logistic_regression_of_three": sklearn(linear_model.LogisticRegression(), THREE),
        "logistic_regression_of_names": sklearn(linear_model.LogisticRegression(), NAMES),
        "linear_regression": sklearn(linear_model.LinearRegression(), SCORE),
        "ridge": sklearn(linear_model.Ridge(), SCORE),
        "lasso": sklearn(linear_model.Lasso(alpha=0.01), SCORE),
        "linear_svc": sklearn(svm.LinearSVC(), THREE),
        "svr_linear": sklearn(svm.SVR(kernel="linear"), SCORE),
        "svr_rbf": sklearn(svm.SVR(kernel="rbf", C=2.0), SCORE),
        "svc_linear": sklearn(svm.SVC(kernel="linear"), TWO),
        "svc_rbf": sklearn(svm.SVC(kernel="rbf"), TWO),
        "svc_rbf_of_three": sklearn(svm.SVC(kernel="rbf"), THREE),
        "svc_with_probabilities": sklearn(svm.SVC(probability=True), TWO),
        "decision_tree": sklearn(tree.DecisionTreeRegressor(max_depth=4), SCORE),
        "decision_tree_classifier": sklearn(tree.DecisionTreeClassifier(max_depth=4), THREE),
        "random_forest": sklearn(ensemble.RandomForestRegressor(10, max_depth=4), SCORE),
        "random_forest_classifier": sklearn(ensemble.RandomForestClassifier(10, max_depth=4), THREE),
        "random_forest_of_names": sklearn(ensemble.RandomForestClassifier(5, max_depth=4), NAMES),
        "extra_trees": sklearn(ensemble.ExtraTreesRegressor(10, max_depth=4), SCORE),
        "gradient_boosting": sklearn(ensemble.GradientBoostingRegressor(n_estimators=30), SCORE),
        "gradient_boosting_classifier": sklearn(ensemble.GradientBoostingClassifier(n_estimators=30), TWO),
        "gradient_boosting_of_three": sklearn(ensemble.GradientBoostingClassifier(n_estimators=10), THREE),
        "histogram_boosting_with_holes": sklearn(ensemble.HistGradientBoostingClassifier(max_iter=15), TWO, holes(X)),
        "decision_tree_with_holes": sklearn(tree.DecisionTreeClassifier(max_depth=5), THREE, holes(X)),
        "xgboost": xgboost(SCORE),
        "xgboost_classifier": xgboost(TWO),
        "xgboost_of_three": xgboost(THREE),
        "xgboost_with_holes": xgboost(TWO, holes(X)),
        "lightgbm": lightgbm(SCORE),
        "lightgbm_classifier": lightgbm(TWO),
        "lightgbm_of_three": lightgbm(THREE),
        "lightgbm_with_holes": lightgbm(TWO, holes(X)),
        "forest_of_many_thresholds": sklearn(ensemble.RandomForestRegressor(6, max_leaf_nodes=120, random_state=1), fine_score, fine),
        "lightgbm_of_many_thresholds": lightgbm(fine_score, fine, n_estimators=30, num_leaves=31, max_bin=1000),
        "isolation_forest": sklearn(ensemble.IsolationForest(n_estimators=5, max_samples=64, random_state=1), None),
        "k_means": sklearn(cluster.KMeans(3, n_init=1), None),
        "gaussian_naive_bayes": sklearn(naive_bayes.GaussianNB(), THREE),
        "bernoulli_naive_bayes": sklearn(naive_bayes.BernoulliNB(), THREE),
        "multinomial_naive_bayes": sklearn(naive_bayes.MultinomialNB(), THREE, np.abs(X)),
        "scaler_pipeline": sklearn(scaled(linear_model.LogisticRegression()), THREE),
        "scaled_trees": sklearn(scaled(ensemble.GradientBoostingClassifier(n_estimators=10)), TWO),
        "normalizer_pipeline": sklearn(pipeline.make_pipeline(preprocessing.Normalizer(), linear_model.Ridge()), SCORE),
        "imputer_pipeline": sklearn(pipeline.make_pipeline(impute.SimpleImputer(), linear_model.Ridge()), SCORE, holes(X)),
        "imputed_trees": sklearn(pipeline.make_pipeline(impute.SimpleImputer(), tree.DecisionTreeClassifier(max_depth=5)), TWO, holes(X)),
        "one_hot_pipeline": one_hot(linear_model.LogisticRegression()),
        "one_hot_trees": one_hot(ensemble.GradientBoostingClassifier(n_estimators=10)),
        "lightgbm_100_trees_of_40_leaves": lightgbm(wide_two, wide, n_estimators=100, num_leaves=40, min_child_samples=20),
        "xgboost_100_trees_of_depth_6": xgboost(wide_two, wide, n_estimators=100, max_depth=6),
    }  # fmt: skip
