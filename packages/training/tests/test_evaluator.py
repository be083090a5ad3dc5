"""What a model gives on examples that it does not learn from."""

import numpy as np
import pytest

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import report
from chainette.errors import ArgumentError
from chainette.iterators import SerialIterator
from chainette.testing import fake_backend
from chainette.training import extensions


def once(dataset, batch_size=8):
    return SerialIterator(dataset, batch_size, repeat=False, shuffle=False)


@pytest.mark.parametrize("batch_size", [1, 8, 50])
def test_the_means_are_those_over_all_examples(examples, batch_size):
    model = L.Classifier(L.Linear(3, 2))
    found = extensions.Evaluator(once(examples, batch_size), model)()
    loss = model(examples.x, examples.t)
    assert found["main/loss"] == pytest.approx(loss.item(), rel=1e-5)
    assert found["main/accuracy"] == pytest.approx(model.accuracy.item())


def test_a_trainer_sees_them_behind_the_name_of_the_extension(make_trainer, examples):
    trainer, seen = make_trainer((2, "epoch")), []
    model = trainer.updater.get_optimizer("main").target
    trainer.extend(extensions.Evaluator(once(examples), model))
    trainer.extend(extensions.Evaluator(once(examples), model), name="again")
    trainer.extend(lambda trainer: seen.append(set(trainer.observation)), name="see", trigger=(1, "epoch"))
    trainer.run()
    assert seen == [{"main/loss", "main/accuracy", "validation/main/loss", "validation/main/accuracy"}] * 2


def test_a_model_is_evaluated_in_test_mode_and_without_a_graph(examples):
    class Watching(chainette.Chain):
        def forward(self, x, t):
            modes.append((chainette.config.train, chainette.config.enable_backprop))
            report({"size": len(x)}, self)

    modes = []
    assert extensions.Evaluator(once(examples), Watching())() == {"main/size": (6 * 8 * 8 + 2 * 2) / 50}
    assert set(modes) == {(False, False)}
    assert chainette.config.train


def test_evaluating_changes_nothing_in_how_training_goes_on(make_trainer, parameters, examples):
    def trained(evaluate):
        trainer = make_trainer()
        if evaluate:
            model = trainer.updater.get_optimizer("main").target
            trainer.extend(extensions.Evaluator(once(examples), model), trigger=(2, "iteration"))
        trainer.run()
        return parameters(trainer)

    for mine, theirs in zip(trained(True), trained(False), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_function_or_a_hook_can_take_part(examples):
    layer, hooked = L.Linear(3, 2), []
    evaluator = extensions.Evaluator(
        {"main": once(examples)}, {"main": layer}, eval_hook=hooked.append, eval_func=lambda x, t: report(
            {"mean": F.mean(layer(x))}, layer)
    )  # fmt: skip
    assert set(evaluator()) == {"main/mean"}
    assert hooked == [evaluator]
    assert evaluator.get_target("main") is layer


def test_a_value_with_a_weight_of_its_own_keeps_it(examples):
    class Weighted(chainette.Chain):
        def forward(self, x, t):
            report({"x": (1.0 if len(x) == 8 else 4.0, 1.0)}, self)

    assert extensions.Evaluator(once(examples), Weighted())()["main/x"] == (6 * 1 + 4) / 7


def test_a_model_on_another_device_gets_its_batches_there(isolated_plugins, examples):
    model = L.Classifier(L.Linear(3, 2))
    expected = extensions.Evaluator(once(examples), model)()
    with isolated_plugins(fake_backend.plugin, installed=True):
        found = extensions.Evaluator(once(examples), model.to_device("fake:1"))()
    assert found == pytest.approx(expected, rel=1e-5)


def test_an_iterator_that_never_ends_is_an_error(examples):
    evaluator = extensions.Evaluator(SerialIterator(examples, 8), L.Classifier(L.Linear(3, 2)))
    with pytest.raises(ArgumentError, match="repeat=False"):
        evaluator()
    with pytest.raises(ArgumentError, match="no target is called 'main'"):
        extensions.Evaluator(once(examples), {"other": L.Linear(1, 1)})
