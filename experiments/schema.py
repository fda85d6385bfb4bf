"""The JSON schema of configurations, by which an editor completes and checks them."""

from typing import Any

from benbot.experiments.config import ExperimentConfig


def json_schema() -> dict[str, Any]:
    """Return the schema by which an editor completes and checks configuration files.

    No key is required, since a file may leave everything else to the one that it extends.
    """
    schema = _relaxed(ExperimentConfig.model_json_schema())
    schema["properties"] = {
        "extends": {
            "type": "string",
            "description": "file that this one changes, or the name of a packaged one",
        },
        **schema["properties"],
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _relaxed(schema: Any) -> Any:  # noqa: ANN401
    """Return a schema that a part of a configuration satisfies too; items of lists stay whole."""
    if isinstance(schema, list):
        return [_relaxed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        "anyOf" if key == "oneOf" else key: value if key == "items" else _relaxed(value)
        for key, value in schema.items()
        if key not in {"required", "discriminator"}
    }
