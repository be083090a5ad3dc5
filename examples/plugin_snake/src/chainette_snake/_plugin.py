"""What chainette-snake adds to chainette."""

from chainette.hooks import hookimpl

chainette_api = 1


@hookimpl
def chainette_names() -> dict[str, str]:
    return {"functions": "chainette_snake"}  # the names in its __all__
