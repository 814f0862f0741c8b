"""A Slack channel that calls the Slack server of the tests."""

from pydantic import SecretStr

from monitoring_pipeline.alerting.channels.slack import SlackChannel
from monitoring_pipeline.alerting.channels.slack_calls import SlackCalls
from monitoring_pipeline_tests.slack_server import SlackServer


def slack_channel(server: SlackServer, name: str = "ml-oncall", place: str = "#ml-oncall", **more) -> SlackChannel:
    """Return a channel of the server by its name or id."""
    calls = SlackCalls(SecretStr(more.pop("token", server.token)), base_url=server.url, **more)
    return SlackChannel(name, place, calls)
