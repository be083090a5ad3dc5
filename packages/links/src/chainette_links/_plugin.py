"""What chainette-links adds to chainette."""

from collections.abc import Mapping

from chainette.hooks import hookimpl

chainette_api = 1


@hookimpl
def chainette_names() -> Mapping[str, str | Mapping[str, str]]:
    return {
        "links": "chainette_links",
        "chainette": {name: f"chainette_links:{name}" for name in ("Chain", "ChainList", "Link", "Sequential")},
    }
