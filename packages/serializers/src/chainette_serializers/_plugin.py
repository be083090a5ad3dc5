"""What chainette-serializers adds to chainette."""

from chainette.hooks import hookimpl

chainette_api = 1


@hookimpl
def chainette_names() -> dict[str, str]:
    return {"serializers": "chainette_serializers"}
