"""Reading a form: small, of names that we know, each once."""

from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from benbot.experiments.dashboard.guard import LARGEST

MOST = 8  # fields


async def read_form(request: Request, names: tuple[str, ...]) -> dict[str, str]:
    """Return the fields of a form by name, empty where one is missing; refuse any other."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            raise HTTPException(413, "The body is too large.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST, errors="strict"
        )
    except ValueError:  # too many, or no text
        raise HTTPException(400, "The form cannot be read.") from None
    fields = dict(pairs)
    if len(fields) < len(pairs) or fields.keys() - set(names):
        raise HTTPException(400, "The form has fields that nobody asked for.")
    return dict.fromkeys(names, "") | fields
