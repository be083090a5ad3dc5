"""Networks as scikit-learn estimators."""

import pickle
import threading
from functools import partial

import numpy as np
import pytest

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import optimizers
from chainette.errors import ArgumentError, ShapeError
from chainette.testing import fake_backend
from chainette.training.sklearn import Classifier, Regressor

pytest.importorskip("sklearn", reason="the estimators are for scikit-learn")

from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

X = np.random.default_rng(0).standard_normal((60, 3))
SIGN = np.where(X.sum(axis=1) > 0, "above", "below")
SUM = X.sum(axis=1)


class Net(chainette.Chain):
    """With dropout, so that it draws random numbers in each step."""

    def __init__(self, n_outputs, units=8):
        super().__init__(l1=L.Linear(None, units), l2=L.Linear(units, n_outputs))

    def forward(self, x):
        return self.l2(F.dropout(F.relu(self.l1(x)), 0.2))


def expected_failures(estimator):
    if isinstance(estimator, Regressor):
        return {"check_regressor_multioutput": "it wants float64, and predictions have the dtype of the network"}
    return {}


@parametrize_with_checks([Classifier(), Regressor()], expected_failed_checks=expected_failures)
def test_it_is_an_estimator_as_scikit_learn_wants_them(estimator, check):
    check(estimator)


def test_it_learns_to_tell_flowers_apart_in_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), Classifier(random_state=0))
    assert cross_val_score(pipeline, *load_iris(return_X_y=True), cv=3).mean() > 0.93


def test_it_learns_to_predict_numbers_whose_scale_is_taken_away():
    regressor = make_pipeline(StandardScaler(), Regressor(epochs=10, random_state=0))
    regressor = TransformedTargetRegressor(regressor, transformer=StandardScaler())
    assert cross_val_score(regressor, *load_diabetes(return_X_y=True), cv=3).mean() > 0.4


def test_a_grid_search_finds_settings_also_those_of_the_model():
    grid = {"model": [partial(Net, units=1), partial(Net, units=32)], "epochs": [1, 30]}
    search = GridSearchCV(Classifier(random_state=0, optimizer=partial(optimizers.Adam, 0.01)), grid, cv=2).fit(X, SIGN)
    assert search.best_params_["epochs"] == 30
    assert search.best_score_ > 0.9


def test_classes_keep_their_names_and_probabilities_their_order():
    classifier = Classifier(epochs=30, random_state=0).fit(X, SIGN)
    assert classifier.classes_.tolist() == ["above", "below"]
    probabilities = classifier.predict_proba(X)
    assert probabilities.shape == (60, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    assert (classifier.classes_[probabilities.argmax(axis=1)] == classifier.predict(X)).all()
    assert classifier.score(X, SIGN) > 0.9


def test_several_targets_are_predicted_in_the_form_that_they_had():
    targets = np.column_stack([SUM, -SUM])
    regressor = Regressor(epochs=60, random_state=0).fit(X, targets)
    assert regressor.predict(X).shape == (60, 2)
    assert regressor.score(X, targets) > 0.9
    assert Regressor(epochs=1).fit(X, SUM).predict(X).shape == (60,)
    assert Regressor(epochs=1).fit(X, SUM[:, None]).predict(X).shape == (60, 1)


def test_the_loss_curve_has_the_mean_loss_of_each_epoch():
    curve = Classifier(epochs=30, random_state=0).fit(X, SIGN).loss_curve_
    assert len(curve) == 30
    assert curve[-1] < curve[0] / 2
    assert all(isinstance(loss, float) for loss in curve)


@pytest.mark.parametrize("estimator", [Classifier(partial(Net), epochs=3), Regressor(partial(Net), epochs=3)])
def test_the_same_seed_gives_the_same_network_whatever_else_is_drawn(estimator):
    y = SIGN if isinstance(estimator, Classifier) else SUM
    estimator.set_params(random_state=3)
    first = clone(estimator).fit(X, y)
    chainette.seed(77)
    chainette.random.generator().random(5)
    second = clone(estimator).fit(X, y)
    other = clone(estimator).set_params(random_state=4).fit(X, y)
    assert first.loss_curve_ == second.loss_curve_ != other.loss_curve_
    for a, b in zip(first.model_.params(), second.model_.params(), strict=True):
        np.testing.assert_array_equal(a.array, b.array)


def test_chainette_s_own_random_numbers_are_as_if_nothing_had_been_fitted():
    chainette.seed(0)
    expected = chainette.random.generator().random(3)
    chainette.seed(0)
    classifier = Classifier(partial(Net), epochs=2, random_state=np.random.RandomState(1)).fit(X, SIGN)
    classifier.partial_fit(X, SIGN)
    np.testing.assert_array_equal(chainette.random.generator().random(3), expected)
    with pytest.raises(ShapeError):
        Classifier(lambda: Net(7), random_state=1).fit(X, SIGN)
    chainette.seed(0)
    np.testing.assert_array_equal(chainette.random.generator().random(3), expected)


def test_without_a_random_state_chainette_s_seed_counts():
    def curve(seed):
        chainette.seed(seed)
        return Classifier(epochs=2).fit(X, SIGN).loss_curve_

    assert curve(0) == curve(0) != curve(1)


def test_fits_in_several_threads_are_as_reproducible_as_one():
    alone = Classifier(partial(Net), epochs=5, random_state=0).fit(X, SIGN).loss_curve_
    fitted = [Classifier(partial(Net), epochs=5, random_state=0) for _ in range(3)]
    threads = [threading.Thread(target=each.fit, args=(X, SIGN)) for each in fitted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.loss_curve_ for each in fitted] == [alone] * 3


def test_a_fitted_one_can_be_pickled_and_goes_on_learning_as_if_it_had_not_been():
    classifier = Classifier(Net, epochs=2, random_state=0).fit(X, SIGN)
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(again.predict_proba(X), classifier.predict_proba(X))
    assert again.partial_fit(X, SIGN).loss_curve_ == classifier.partial_fit(X, SIGN).loss_curve_


MODELS = {
    "a function of nothing": lambda: Net(2),
    "a function of the outputs": Net,
    "a function of features and outputs": lambda n_in, n_out: chainette.Sequential(
        L.Linear(n_in, 8), L.Linear(8, n_out)
    ),
    "a function with more settings": lambda n_in, n_out, units=4: Net(n_out, units),
    "a link": Net(2),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_model_may_be(model):
    classifier = Classifier(model, epochs=1, random_state=0).fit(X, SIGN)
    assert classifier.predict_proba(X).shape == (60, 2)
    assert classifier.model_ is not model


def test_a_link_that_is_given_is_the_beginning_and_stays_as_it_is():
    link = Net(2)
    link(X[:1].astype("f"))
    before = [param.array.copy() for param in link.params()]
    classifier = Classifier(link, optimizer=partial(optimizers.SGD, 0.0), epochs=1).fit(X, SIGN)
    for param, trained, values in zip(link.params(), classifier.model_.params(), before, strict=True):
        np.testing.assert_array_equal(trained.array, values)
        np.testing.assert_array_equal(param.array, values)
        assert trained is not param
    Classifier(link, epochs=1).fit(X, SIGN)
    np.testing.assert_array_equal(link.l1.W.array, before[0])


def test_the_optimizer_may_be_a_class_or_one_that_is_copied():
    def curve(optimizer):
        return Classifier(optimizer=optimizer, epochs=3, random_state=0).fit(X, SIGN).loss_curve_

    given = optimizers.SGD(lr=0.5)
    assert curve(given) == curve(given) == curve(lambda: optimizers.SGD(lr=0.5)) != curve(optimizers.SGD)
    assert given.target is None


def test_another_loss_may_be_given():
    regressor = Regressor(loss=F.mean_absolute_error, epochs=1, optimizer=partial(optimizers.SGD, 0.0), random_state=0)
    y = regressor.fit(X[:32], SUM[:32]).predict(X[:32])
    np.testing.assert_allclose(regressor.loss_curve_, [abs(y - SUM[:32]).mean()], rtol=1e-5)


def test_images_may_have_all_their_axes():
    images, digits = load_digits(return_X_y=True)
    images = images.reshape(-1, 1, 8, 8)[:400] / 16

    def network(n_outputs):
        return chainette.Sequential(L.Convolution2D(None, 8, 3), F.relu, L.Linear(None, n_outputs))

    classifier = Classifier(network, epochs=10, random_state=0).fit(images[:300], digits[:300])
    assert classifier.score(images[300:], digits[300:400]) > 0.8


def test_learning_can_go_on_with_examples_that_come_later():
    whole = Classifier(epochs=1, random_state=0)
    with pytest.raises(ArgumentError, match="classes= is missing"):
        whole.partial_fit(X, SIGN)
    for _ in range(30):
        whole.partial_fit(X, SIGN, classes=["above", "below", "on it"])
    assert whole.score(X, SIGN) > 0.9
    assert whole.predict_proba(X).shape == (60, 3)
    assert len(whole.loss_curve_) == 30
    with pytest.raises(ArgumentError, match="y has 'beside' "):
        whole.partial_fit(X, ["beside"] * 60)
    regressor = Regressor(random_state=0)
    losses = [regressor.partial_fit(X, SUM).loss_curve_[-1] for _ in range(30)]
    assert losses[-1] < losses[0] / 4


def test_to_learn_in_parts_is_to_learn_at_once():
    def parts():
        regressor = Regressor(Net, epochs=1, batch_size=20, random_state=0)
        for _ in range(3):
            regressor.partial_fit(X, SUM)
        return regressor.loss_curve_

    assert parts() == parts()
    assert parts()[0] == Regressor(Net, epochs=1, batch_size=20, random_state=0).fit(X, SUM).loss_curve_[0]


def test_what_is_predicted_does_not_depend_on_the_mode_of_the_moment_and_neither_does_learning():
    classifier = Classifier(Net, epochs=3, random_state=0).fit(X, SIGN)
    with chainette.train_mode():
        np.testing.assert_array_equal(classifier.predict_proba(X), classifier.predict_proba(X))
    with chainette.test_mode(), chainette.no_backprop_mode():
        assert clone(classifier).fit(X, SIGN).loss_curve_ == classifier.loss_curve_


def test_it_is_cast_to_the_dtype_of_the_configuration_when_it_learns():
    with chainette.using_config("dtype", "float64"):
        regressor = Regressor(epochs=1).fit(X, SUM)
    assert regressor.predict(X).dtype == np.float64
    assert Regressor(epochs=1).fit(X, SUM).predict(X).dtype == np.float32


def test_it_learns_and_predicts_on_another_device(isolated_plugins):
    on_the_cpu = Classifier(epochs=2, random_state=0).fit(X, SIGN)
    with isolated_plugins(fake_backend.plugin, installed=True):
        classifier = Classifier(epochs=2, random_state=0, device="fake:1").fit(X, SIGN)
        assert str(classifier.model_.device) == "fake:1"
        assert type(classifier.predict_proba(X)) is np.ndarray
        np.testing.assert_allclose(classifier.predict_proba(X), on_the_cpu.predict_proba(X), rtol=1e-4)


def test_verbose_prints_a_line_an_epoch_and_leaves_no_file(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Classifier(epochs=3, verbose=True).fit(X, SIGN)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["epoch", "iteration", "main/loss", "elapsed_time"]
    assert len(lines) == 4
    Classifier(epochs=3).fit(X, SIGN)
    assert capsys.readouterr().out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"epochs": 0}, ArgumentError, r"Classifier: epochs=0 \(expected at least 1\)"),
        ({"batch_size": 0}, ArgumentError, r"Classifier: batch_size=0 \(expected at least 1\)"),
        ({"model": 3}, ArgumentError, r"model is a int \(expected a Link or a callable\)"),
        ({"model": lambda a, b, c: None}, ArgumentError, "model needs 3 arguments .*functools.partial"),
        ({"model": lambda: None}, ArgumentError, r"model\(\) made a NoneType \(expected a Link\)"),
        ({"model": lambda: Net(7)}, ShapeError, r"gives shape \(1, 7\) for one example \(expected \(1, 2\)\)"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_fit(options, error, text):
    classifier = Classifier(**options)
    with pytest.raises(error, match=text):
        classifier.fit(X, SIGN)
    with pytest.raises(NotFittedError):
        classifier.predict(X)
