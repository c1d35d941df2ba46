"""Addresses of a shared journal: what is taken for one, and that no message has a password in it."""

from __future__ import annotations

import pytest

from fcdeploy.engine.holder import pipeline_of
from fcdeploy.engine.postgres_url import passwords_in, postgres_url, shown_url
from fcdeploy.errors import UsageError


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://db.example/fc", "postgresql://db.example/fc"),
        ("postgres://team@db.example:5432/fc", "postgres://team@db.example:5432/fc"),
        ("postgresql://team:s3cr3t@db.example/fc", "postgresql://team@db.example/fc"),
        ("postgresql://team:s3%40cr3t@[::1]:5432/fc", "postgresql://team@[::1]:5432/fc"),
        ("postgresql://team:s3cr3t@one:1,two:2/fc", "postgresql://team@one:1,two:2/fc"),
        ("postgresql:///fc?host=/run/pg&password=s3cr3t", "postgresql:///fc?host=%2Frun%2Fpg"),
        ("postgresql://%2Frun%2Fpg/fc", "postgresql://%2Frun%2Fpg/fc"),
        (
            "postgresql://team:s3cr3t@db/fc?sslmode=verify-full&sslpassword=s3cr3t&sslkey=k.pem",
            "postgresql://team@db/fc?sslmode=verify-full&sslkey=k.pem",
        ),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert postgres_url(url) == url
    assert shown_url(url) == shown
    assert postgres_url(shown) == shown and passwords_in(shown) == ()
    assert bool(passwords_in(url)) == ("s3" in url)


@pytest.mark.parametrize(
    "text",
    [
        "mysql://team:s3cr3t@db/fc",
        "team:s3cr3t@db/fc",
        "postgresql:team:s3cr3t",
        "postgresql://team:s3@cr3t@db/fc",
        "postgresql://team:s3/cr3t@db/fc",
        "postgresql://team:12/s3cr3t@db/fc",
        "postgresql://team:s3?cr3t@db/fc",
        "postgresql://team:s3#cr3t@db/fc",
        "postgresql://team:s3 cr3t@db/fc",
        "postgresql://team:s3cr3t@db:port/fc",
        "postgresql://@db/fc",
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        postgres_url(text)
    told = f"{caught.value.summary} {caught.value.detail} {caught.value.hint}"
    assert "s3" not in told and "cr3t" not in told and "PGPASSWORD" in told


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, ""),
        ({"CI": "true"}, ""),
        ({"CI_JOB_URL": "https://gitlab.example/shop/-/jobs/7"}, "https://gitlab.example/shop/-/jobs/7"),
        (
            {
                "GITHUB_SERVER_URL": "https://github.com",
                "GITHUB_REPOSITORY": "team/shop",
                "GITHUB_RUN_ID": "42",
                "BUILD_URL": "https://ci.example/7",
            },
            "https://github.com/team/shop/actions/runs/42",
        ),
        ({"GITHUB_SERVER_URL": "https://github.com", "BUILD_URL": "https://ci.example/7"}, "https://ci.example/7"),
        ({"BUILD_URL": "https://user:s3cr3t@ci.example/7"}, ""),
        ({"BUILD_URL": "say hello"}, ""),
        ({"BUILD_URL": "https://ci.example/\x1b[2J"}, ""),
    ],
)
def test_the_pipeline_is_known_by_its_address(environ: dict[str, str], found: str) -> None:
    assert pipeline_of(environ) == found
