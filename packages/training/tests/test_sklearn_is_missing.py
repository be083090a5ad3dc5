"""What is there where scikit-learn is not installed."""

import subprocess
import sys
import textwrap

import pytest


def run(program):
    """Run a program for which there is no scikit-learn."""
    program = "import sys\nsys.modules['sklearn'] = None\n" + textwrap.dedent(program)
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["Classifier", "Regressor"])
def test_the_names_are_there_without_a_warning_and_using_one_says_what_to_install(name):
    text = run(f"""
        from chainette.training import sklearn
        assert dir(sklearn) == ["Classifier", "Regressor"]
        from chainette.training.sklearn import {name}
        try:
            {name}(epochs=3)
        except ImportError as error:
            print(type(error).__name__, error)
    """)
    assert text == (
        f"MissingPluginError chainette.training.sklearn.{name} is an estimator for scikit-learn, which is not "
        "installed: pip install 'chainette-training[sklearn]'\n"
    )


def test_nothing_else_of_training_asks_for_scikit_learn():
    text = run("""
        import chainette.training, chainette_training.sklearn
        from chainette.training import extensions, triggers, updaters
        from chainette import datasets, iterators
        print(chainette_training.sklearn.__all__, [m for m in sys.modules if m.startswith("sklearn.")])
    """)
    assert text == "['Classifier', 'Regressor'] []\n"


def test_listing_the_names_does_not_import_scikit_learn_where_it_is():
    program = "import sys\nfrom chainette.training import sklearn\ndir(sklearn)\nprint('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_name_that_does_not_exist_is_an_attribute_error():
    import chainette_training.sklearn

    with pytest.raises(AttributeError, match="has no attribute 'Clasifier'"):
        chainette_training.sklearn.Clasifier  # noqa: B018
