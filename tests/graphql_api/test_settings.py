"""Settings are read from the environment, and errors name the invalid variable."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from graphql_api.execution.limits import Limits
from graphql_api.settings import Settings, SettingsError

ALGORITHMS = "some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA"
KEY_SET = "an http or https address without a password, or the path of a file"
SETTINGS = Path(__file__).parents[2] / "docs" / "settings.md"


def test_an_empty_environment_gives_the_defaults() -> None:
    assert (
        Settings.from_environment({})
        == Settings()
        == Settings.from_environment({"PORT": " ", "DATABASE_URL": ""})
    )


def test_every_setting_is_read_from_the_variable_of_its_name() -> None:
    settings = Settings.from_environment(
        {
            "HOST": "0.0.0.0",
            "PORT": "9000",
            "DATABASE_URL": "postgresql://u:secret@h/d",
            "DATA_DIR": "/srv/data",
            "POSTGRES_BIN": "/usr/lib/postgresql/15/bin",
            "POOL_SIZE": "3",
            "COMMAND_TIMEOUT": "1.5",
            "MAX_COST": "500",
            "INTROSPECTION": "off",
            "SUGGESTIONS": "on",
            "EXPLORER": "no",
            "STOREFRONT": "off",
            "TRUSTED_DOCUMENTS": "shop.json, /srv/office.json",
            "TRUSTED_DOCUMENTS_MODE": "enforce",
            "CORS_ORIGINS": "https://a.example, http://b.example:8080",
            "PUBLIC_ACCESS": "false",
            "JWT_ISSUER": "https://id.example",
            "JWT_AUDIENCE": "bookstore",
            "JWT_JWKS": "https://id.example/keys",
            "JWT_ALGORITHMS": "ES256, EdDSA",
            "JWT_ROLE_CLAIM": "realm_access.roles",
            "LOG_LEVEL": "debug",
        }
    )

    assert settings == Settings(
        host="0.0.0.0",
        port=9000,
        database_url="postgresql://u:secret@h/d",
        data_dir=Path("/srv/data"),
        postgres_bin=Path("/usr/lib/postgresql/15/bin"),
        pool_size=3,
        command_timeout=1.5,
        max_cost=500,
        introspection=False,
        suggestions=True,
        explorer=False,
        storefront=False,
        trusted_documents="shop.json, /srv/office.json",
        trusted_documents_mode="enforce",
        cors_origins="https://a.example, http://b.example:8080",
        public_access=False,
        jwt_issuer="https://id.example",
        jwt_audience="bookstore",
        jwt_jwks="https://id.example/keys",
        jwt_algorithms="ES256, EdDSA",
        jwt_role_claim="realm_access.roles",
        log_level="debug",
    )
    assert settings.limits == Limits(cost=500)
    assert settings.origins == ["https://a.example", "http://b.example:8080"]
    assert settings.manifest_paths == [Path("shop.json"), Path("/srv/office.json")]
    assert settings.token_algorithms == ["ES256", "EdDSA"]
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("PORT", "http", "PORT is 'http': give a number."),
        ("PORT", "65536", "PORT is 65536: give a number from 0 to 65535."),
        ("PORT", "-1", "PORT is -1: give a number from 0 to 65535."),
        ("POOL_SIZE", "0", "POOL_SIZE is 0: give at least 1."),
        ("POOL_SIZE", "1.5", "POOL_SIZE is '1.5': give a number."),
        ("MAX_QUEUED_REQUESTS", "-1", "MAX_QUEUED_REQUESTS is -1: give 0 or more."),
        ("COMMAND_TIMEOUT", "0", "COMMAND_TIMEOUT is 0.0: give seconds above 0."),
        ("COMMAND_TIMEOUT", "nan", "COMMAND_TIMEOUT is nan: give seconds above 0."),
        ("MAX_DEPTH", "0", "MAX_DEPTH is 0: give at least 1."),
        ("INTROSPECTION", "maybe", "INTROSPECTION is 'maybe': give true or false."),
        ("SUGGESTIONS", "maybe", "SUGGESTIONS is 'maybe': give true or false."),
        (
            "TRUSTED_DOCUMENTS_MODE",
            "on",
            "TRUSTED_DOCUMENTS_MODE is 'on': give off, log or enforce.",
        ),
        (
            "TRUSTED_DOCUMENTS_MODE",
            "log",
            "TRUSTED_DOCUMENTS is not set: give the manifests for TRUSTED_DOCUMENTS_MODE=log.",
        ),
        (
            "CORS_ORIGINS",
            "shop.example",
            "CORS_ORIGINS is 'shop.example': give origins like https://shop.example, separated by commas, or *.",
        ),
        ("PUBLIC_ACCESS", "maybe", "PUBLIC_ACCESS is 'maybe': give true or false."),
        *(
            ("JWT_ALGORITHMS", value, f"JWT_ALGORITHMS is {value!r}: give {ALGORITHMS}, separated by commas.")
            for value in ("none", "HS256", "RS256,HS256", "RS256,none", "rs256", ",")
        ),
        *(
            ("JWT_JWKS", value, f"JWT_JWKS is not valid: give {KEY_SET}.")
            for value in ("ftp://id.example/keys", "https://", "https://me:secret@id.example/keys")
        ),
        *(
            (
                key,
                "x",
                f"{missing} is not set: set all of JWT_ISSUER, JWT_AUDIENCE, JWT_JWKS, or none.",
            )
            for key, missing in (
                ("JWT_ISSUER", "JWT_AUDIENCE"),
                ("JWT_AUDIENCE", "JWT_ISSUER"),
                ("JWT_JWKS", "JWT_ISSUER"),
            )
        ),
        ("LOG_LEVEL", "loud", "LOG_LEVEL is 'loud': give debug, info, warning or error."),
    ],
)
def test_an_invalid_setting_is_an_error(variable: str, value: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({variable: value})

    assert str(caught.value) == message


def format_default(default: object) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)


def test_the_docs_list_every_setting_with_its_default_and_description() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \| (.*?) \|$", SETTINGS.read_text(encoding="utf-8"), re.M)

    assert rows == [
        (
            entry.name.upper(),
            "–" if entry.default in (None, "") else f"`{format_default(entry.default)}`",
            entry.metadata["description"],
        )
        for entry in fields(Settings)
    ]
