"""Topic names and filters (OASIS MQTT 5, section 4.7), and which of them are a device's own."""

ROOT = "hansa"


def is_name(topic: str) -> bool:
    """Whether a PUBLISH may bear this topic: not empty, no wildcards."""
    return bool(topic) and "+" not in topic and "#" not in topic and "\0" not in topic


def is_filter(topic_filter: str) -> bool:
    """Whether a SUBSCRIBE may bear this filter: `+` fills a level, `#` the last one."""
    if not topic_filter or "\0" in topic_filter:
        return False
    levels = topic_filter.split("/")
    return (
        all(level in {"+", "#"} or ("+" not in level and "#" not in level) for level in levels)
        and "#" not in levels[:-1]
    )


def command_topic(device: str) -> str:
    """Where the commands of a device are published: `hansa/<device>/cmd`."""
    return f"{ROOT}/{device}/cmd"


def is_own(device: str, topic: str) -> bool:
    """Whether a topic lies under the device's own branch."""
    return topic.startswith(f"{ROOT}/{device}/")


def receives_commands(device: str, topic_filter: str) -> bool:
    """Whether a filter matches the device's command topic and nothing else that is ever published.

    `hansa/<device>/cmd/#` also matches its parent level (4.7.1.2), and nothing is published below it.
    """
    own = command_topic(device)
    return topic_filter in {own, f"{own}/#"}
