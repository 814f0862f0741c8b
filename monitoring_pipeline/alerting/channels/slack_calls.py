"""Calls of Slack's Web API through slack_sdk, with every failure as one kind of error."""

import datetime as dt
import http.client
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from monitoring_pipeline.alerting.channels.certificates import trusted_certificates, untrusted
from monitoring_pipeline.alerting.ports import DeliveryError

SLACK_API = "https://slack.com/api/"
UNNAMED_WAIT = dt.timedelta(seconds=30)

# https://docs.slack.dev/reference/methods/chat.postMessage#errors
_WHAT_TO_DO = {
    "invalid_auth": "Slack refuses the bot's token: set a valid one",
    "not_authed": "Slack got no token: set one",
    "account_inactive": "the token belongs to a deleted bot or workspace: set another",
    "token_revoked": "the token was revoked: set another",
    "token_expired": "the token has expired: set another",
    "missing_scope": "the bot lacks a permission: see docs/alerting.md for the scopes",
    "no_permission": "the bot may not do this: see docs/alerting.md for the scopes",
    "channel_not_found": "there is no such channel, or it is private and the bot is not in it",
    "not_in_channel": "invite the bot into the channel",
    "is_archived": "the channel is archived",
    "restricted_action": "the workspace does not let the bot post here",
    "access_denied": "the workspace does not let the bot do this",
    "org_login_required": "the workspace is being moved",
}
_REFUSED_CONTENT = frozenset({
    "invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long", "metadata_too_large",
    "invalid_metadata_format", "invalid_arguments",
})  # fmt: skip
_GONE_MESSAGE = frozenset({"message_not_found", "thread_not_found"})
_FROZEN_MESSAGE = frozenset({"edit_window_closed", "cant_update_message"})
_TOO_MANY, _SERVER_ERRORS = 429, 500


class SlackRefusalError(DeliveryError):
    """Slack refused the call."""

    def __init__(self, method: str, code: str) -> None:
        hint = _WHAT_TO_DO.get(code)
        text = f"Slack {method}: {code}" if hint is None else f"Slack {method}: {code}: {hint}"
        super().__init__(text, needs_a_person=hint is not None, channel_wide=hint is not None)
        self.code = code

    @property
    def refuses_content(self) -> bool:
        """Whether Slack refused the form of the message."""
        return self.code in _REFUSED_CONTENT

    @property
    def message_is_gone(self) -> bool:
        """Whether somebody has deleted the message."""
        return self.code in _GONE_MESSAGE

    @property
    def message_is_frozen(self) -> bool:
        """Whether the message is there and cannot be changed."""
        return self.code in _FROZEN_MESSAGE


class SlackCalls:
    """The calls of one bot. Nothing is repeated here, because the delivery decides what may be repeated."""

    def __init__(
        self,
        token: SecretStr,
        *,
        base_url: str = SLACK_API,
        timeout_seconds: int = 10,
        certificates: Path | None = None,
    ) -> None:
        """Take the bot's token; ``base_url`` is Slack's by default, and ``certificates`` a file of further ones."""
        self._token = token
        self._base_url = base_url
        self._timeout_seconds = timeout_seconds
        self._certificates = certificates
        self._client: Any = None

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Call a method of slack_sdk's client, such as ``chat_postMessage``, and return Slack's answer.

        Raises:
            DeliveryError: on any failure.
        """
        from slack_sdk.errors import SlackApiError, SlackClientError

        try:
            answer = getattr(self._connected(), method)(**arguments)
        except SlackApiError as error:
            raise _from_answer(method, error.response) from error
        except TimeoutError as error:
            text = f"Slack {method}: no answer within {self._timeout_seconds} s"
            raise DeliveryError(text) from error
        except (OSError, http.client.HTTPException) as error:
            cause = getattr(error, "reason", error)
            if isinstance(cause, ssl.SSLCertVerificationError):
                raise untrusted("Slack", urlsplit(self._base_url).hostname or "", cause) from error
            text = f"Slack {method}: cannot be reached: {error or type(error).__name__}"
            raise DeliveryError(text) from error
        except (SlackClientError, AttributeError, TypeError, ValueError) as error:
            text = f"Slack {method}: an answer that makes no sense: {type(error).__name__}: {error}"
            raise DeliveryError(text) from error
        return answer.data

    def _connected(self) -> Any:
        if self._client is None:
            from slack_sdk import WebClient

            # slack_sdk would repeat a request whose connection broke, which may post a message twice.
            self._client = WebClient(
                token=self._token.get_secret_value(),
                base_url=self._base_url,
                timeout=self._timeout_seconds,
                ssl=trusted_certificates(self._certificates, "Slack"),
                retry_handlers=[],
            )
        return self._client


def _from_answer(method: str, response: Any) -> DeliveryError:
    status = response.status_code
    code = response.data.get("error") if isinstance(response.data, dict) else None
    if status == _TOO_MANY or code in {"ratelimited", "rate_limited"}:
        return DeliveryError(f"Slack {method}: too many requests", retry_after=_retry_after(response.headers))
    if status >= _SERVER_ERRORS or code is None or " " in code:
        return DeliveryError(f"Slack {method}: HTTP {status}: {str(code)[:200]}")
    if code in {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}:
        return DeliveryError(f"Slack {method}: {code}")
    return SlackRefusalError(method, code)


def _retry_after(headers: dict[str, Any]) -> dt.timedelta:
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    return dt.timedelta(seconds=int(value)) if str(value).isdecimal() else UNNAMED_WAIT
