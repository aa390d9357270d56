"""`strongroom policy schema`: what policy.toml may hold, for editors and for people."""

from __future__ import annotations

import json

import click


@click.command("schema")
@click.option("--markdown", "as_markdown", is_flag=True, help="The reference for people instead, as Markdown.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for machines.")
def schema(as_markdown: bool, as_json: bool) -> None:
    """Print the JSON Schema of policy.toml: every key with what it says, its spelling, and whether it is required.

    Editors check and complete a policy by it; for those that use taplo, such as Even Better TOML, write
    `#:schema ./policy.schema.json` as the first line of policy.toml.

    \b
    Examples:
      strongroom policy schema > config/policy.schema.json
      strongroom policy schema --markdown
    """
    from policies.schema.json_schema import json_schema
    from policies.schema.reference import markdown

    if as_markdown:
        click.echo(json.dumps({"markdown": markdown()}) if as_json else markdown(), nl=as_json)
    else:
        click.echo(json.dumps(json_schema(), indent=None if as_json else 2, separators=(",", ":") if as_json else None))
