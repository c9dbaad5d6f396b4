"""docker-compose.yml, Dockerfile and nginx.conf say the same as the code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands
from django.urls import reverse

from suoshe.stack import processes

ROOT = Path(settings.BASE_DIR)
OURS = ("migrate", "web", "worker", "beat", "clock")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return content


def test_every_process_is_a_service_and_nothing_is_forgotten(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {*OURS, "nginx", "postgres", "redis"}
    assert set(processes.PYTHON_PROCESSES) < set(OURS)


def test_services_run_the_same_commands_as_up(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert services["web"]["command"] == processes.web(host="0.0.0.0", port=8000)
    assert services["worker"]["command"] == processes.worker()
    assert services["beat"]["command"] == processes.beat(schedule="/var/lib/suoshe/beat/schedule")
    assert services["clock"]["command"] == processes.clock()
    for name in OURS:
        command = services[name]["command"]
        if command[:2] == ["python", "manage.py"]:
            assert command[2] in get_commands()


def test_the_image_runs_the_web_by_itself(compose: dict[str, Any]) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    command = json.loads(re.findall(r"^CMD (\[.*\])$", dockerfile, re.MULTILINE)[-1])
    assert command == compose["services"]["web"]["command"]
    assert re.search(r"^USER suoshe$", dockerfile, re.MULTILINE)
    assert "--require-hashes" in dockerfile
    assert all(
        line.startswith("FROM python:3.11-slim")
        for line in dockerfile.splitlines()
        if line.startswith("FROM")
    )


def test_every_service_has_a_health_check_or_says_why_not(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        reason = service.get("labels", {}).get("suoshe.no-healthcheck", "")
        assert bool(service.get("healthcheck")) != bool(len(reason) > 20), name
        assert service.get("restart"), name


def test_secrets_have_no_defaults(compose: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name in ("SUOSHE_SECRET_KEY", "SUOSHE_IDENTITY_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD"):
        uses = re.findall(r"\$\{" + name + r"(\S?)", text)
        assert uses
        assert all(use == ":" for use in uses)
        assert f"${{{name}:-" not in text


def test_variables_are_known_to_the_settings_and_to_the_operator(compose: dict[str, Any]) -> None:
    sources = "".join(path.read_text() for path in (ROOT / "suoshe" / "settings").glob("*.py"))
    manual = (ROOT / "docs" / "operations.md").read_text()
    given = compose["services"]["web"]["environment"]
    for name in given:
        if name != "DJANGO_SETTINGS_MODULE":
            assert f'"{name}"' in sources, name
        assert name in manual, name
    required = re.findall(r'_(?:required|secret)\("(\w+)"\)', sources)
    assert required
    assert set(required) <= set(given)
    for name in re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()):
        assert name in manual, name


def test_what_is_optional_comes_from_the_operators_file(compose: dict[str, Any]) -> None:
    """`environment` wins over `env_file`: a default there would hide what the operator wrote."""
    for name in OURS:
        service = compose["services"][name]
        assert service["env_file"] == [{"path": "suoshe.env", "required": False}], name
        for variable, value in service["environment"].items():
            assert ":-" not in value, f"{name}: {variable} has a default"
        optional = ("WECOM_BASE_URL", "REPORT_PUSH_AT", "IDLE_MINUTES", "SIGN_IN_RATE", "TILE_SERVERS")
        assert not {f"SUOSHE_{one}" for one in optional} & set(service["environment"])


def test_sign_in_is_slowed_down_at_both_doors() -> None:
    conf = (ROOT / "deploy" / "nginx.conf").read_text()
    for door in ("/api/v1/auth/login", reverse("admin:login").rstrip("/")):
        assert re.search(rf"location {door} {{ limit_req zone=sign_in .*proxy_pass http://web; }}", conf), (
            door
        )


def test_every_variable_of_the_settings_is_in_the_manual() -> None:
    manual = (ROOT / "docs" / "operations.md").read_text()
    for path in (ROOT / "suoshe" / "settings").glob("*.py"):
        for name in re.findall(r'"(SUOSHE_[A-Z_]+)"', path.read_text()):
            assert name in manual, f"{name} of {path.name}"


def test_data_is_on_volumes(compose: dict[str, Any]) -> None:
    for name, inside in (("postgres", "/var/lib/postgresql"), ("redis", "/data")):
        assert any(volume.endswith(f":{inside}") for volume in compose["services"][name]["volumes"])
    for name in ("web", "worker"):
        assert "media:/var/lib/suoshe/media" in compose["services"][name]["volumes"]
    used = {
        volume.split(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", [])
    }
    assert set(compose["volumes"]) == {name for name in used if re.fullmatch(r"\w+", name)}


def test_redis_drops_nothing_and_writes_what_it_is_told(compose: dict[str, Any]) -> None:
    command = compose["services"]["redis"]["command"][-1]
    assert "--maxmemory-policy noeviction" in command
    assert "--appendonly yes" in command


def test_postgresql_is_made_with_letters(compose: dict[str, Any]) -> None:
    assert "--lc-ctype=C.UTF-8" in compose["services"]["postgres"]["environment"]["POSTGRES_INITDB_ARGS"]


def test_nginx_stands_in_front(compose: dict[str, Any]) -> None:
    conf = (ROOT / "deploy" / "nginx.conf").read_text()
    command = compose["services"]["web"]["command"]
    port = command[command.index("--port") + 1]
    assert f"server web:{port};" in conf
    assert "proxy_request_buffering on;" in conf
    assert "proxy_set_header X-Forwarded-Proto https;" in conf
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in conf
    limits = re.findall(r"client_max_body_size (\d+)m;", conf)
    assert [int(limit) for limit in limits] == [101]
    assert "ports" not in compose["services"]["web"]
    health = compose["services"]["nginx"]["healthcheck"]["test"][-1]
    assert health.removeprefix("http://127.0.0.1") in conf


def test_the_lock_files_name_hashes_and_no_addresses() -> None:
    for path in (ROOT / "requirements.lock", ROOT / "deploy" / "requirements.lock"):
        text = path.read_text()
        assert "://" not in text
        pinned = re.findall(r"^[a-z0-9._-]+(?:\[[a-z,_-]+\])?==\S+", text, re.MULTILINE)
        assert len(pinned) > 40
        assert text.count("--hash=sha256:") >= len(pinned)
    both = (ROOT / "requirements.lock").read_text()
    for line in (ROOT / "deploy" / "requirements.lock").read_text().splitlines():
        if "==" in line:
            assert line.rstrip(" \\") in both
