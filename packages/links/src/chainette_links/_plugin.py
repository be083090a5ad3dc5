"""What chainette-links adds to chainette."""

from collections.abc import Mapping

from chainette.hooks import hookimpl

chainette_api = 1
TOP_LEVEL = ("Chain", "ChainList", "Link", "LinkHook", "Sequential")


@hookimpl
def chainette_names() -> Mapping[str, str | Mapping[str, str]]:
    return {
        "links": "chainette_links",
        "link_hooks": "chainette_links.link_hooks",
        "chainette": {name: f"chainette_links:{name}" for name in TOP_LEVEL},
    }
