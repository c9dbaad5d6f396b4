"""Rules of the house that a machine can hold. Every exemption carries its reason; a stale one fails."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib import admin
from django.core.management import call_command
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.views import APIView

from suoshe import checks

ROOT = Path(settings.BASE_DIR)
CHINESE = re.compile(r"[㐀-鿿]")


@cache
def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    paths = [ROOT / name for name in listed.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


@cache
def our_apps() -> list[AppConfig]:
    return [c for c in apps.get_app_configs() if Path(c.path).is_relative_to(ROOT) and ".venv" not in c.path]


def our_models() -> list[type[Model]]:
    return [model for config in our_apps() for model in config.get_models()]


def packages() -> set[str]:
    """Top-level packages of the product."""
    return {config.name.partition(".")[0] for config in our_apps()} | {"kernel"}


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the product but migrations, by its path from the top."""
    found = {}
    for path in tracked():
        name = path.relative_to(ROOT)
        if path.suffix == ".py" and name.parts[0] in packages() and "migrations" not in name.parts:
            found[str(name)] = ast.parse(path.read_text(encoding="utf-8"))
    return found


@cache
def nodes() -> dict[type[ast.AST], list[tuple[str, Any]]]:
    """Every node of every module, by its kind: they are walked through once, not once a rule."""
    found: dict[type[ast.AST], list[tuple[str, Any]]] = {}
    for name, tree in modules().items():
        for node in ast.walk(tree):
            found.setdefault(type(node), []).append((name, node))
    return found


def everywhere(kind: type[Any]) -> Iterator[tuple[str, Any]]:
    for one, found in nodes().items():
        if issubclass(one, kind):
            yield from found


def held(found: set[str], exempt: dict[str, str]) -> None:
    """What is found is exempted with a reason, and what is exempted is found."""
    assert found - set(exempt) == set(), "breaks the rule"
    assert set(exempt) - found == set(), "exempted, but keeps the rule now: take the exemption out"
    assert all(len(reason) > 10 for reason in exempt.values())


# --- models ----------------------------------------------------------------------------------------

SHOWN_ON_ITS_LEAD = "part of a lead: shown on the lead's page, never alone"
SHOWN_ON_ITS_DISPUTE = "part of a dispute: shown, with its acts, on the dispute's page, never alone"
SHOWN_ON_ITS_REPORT = "part of a kept report: shown on the report's page and in its workbook"
NO_ADMIN = {
    "clock.ClockOffset": "always zero outside tests; moved by `manage.py travel` alone",
    "credit.DirtyEntity": "a queue that empties itself within seconds: its rows say nothing but a number",
    "credit.GradingRun": "how far a night's grading came: kept for taking it up again, told by the log",
    "evidence.Evidence": SHOWN_ON_ITS_LEAD,
    "grids.SameBusiness": "follows from the pairs judged to be the same: shown and undone on the pair's page",
    "grids.BoundaryVersion": "one row that only a trigger writes",
    "leads.AnswerAttempt": "one try to answer a citizen: shown on the answer it belongs to",
    "leads.LeadEvidence": SHOWN_ON_ITS_LEAD,
    "leads.Disposal": SHOWN_ON_ITS_LEAD,
    "leads.CaseNumber": SHOWN_ON_ITS_LEAD,
    "leads.Rework": SHOWN_ON_ITS_LEAD,
    "leads.Extension": SHOWN_ON_ITS_LEAD,
    "leads.JointHandler": SHOWN_ON_ITS_LEAD,
    "leads.Reclassification": SHOWN_ON_ITS_LEAD,
    "leads.Rejection": SHOWN_ON_ITS_LEAD,
    "leads.Suspension": SHOWN_ON_ITS_LEAD,
    "leads.Signature": SHOWN_ON_ITS_LEAD,
    "leads.InterimFeedback": SHOWN_ON_ITS_LEAD,
    "leads.Recusal": SHOWN_ON_ITS_LEAD,
    "leads.Merge": SHOWN_ON_ITS_LEAD,
    "leads.Unmerge": SHOWN_ON_ITS_LEAD,
    "leads.Referral": SHOWN_ON_ITS_LEAD,
    "leads.Correction": SHOWN_ON_ITS_LEAD,
    "leads.Recheck": SHOWN_ON_ITS_LEAD,
    "leads.Reopening": SHOWN_ON_ITS_LEAD,
    "leads.OfficerSignature": "one of two signatures: shown with its decision on the lead's page",
    "leads.Acknowledgement": "shown on its supervision order",
    "leads.WhistleCall": "one department of a whistle: shown, acted on and exported on the whistle's pages",
    "leads.UsedSignature": "hashes of signed requests, forgotten after an hour: nothing to read",
    "leads.WhistleEvidence": "files of a department's report: shown on the whistle's page",
    "leads.WhistleLink": "a hash of a single-use link: nobody can read anything from it",
    "stations.Agreement": SHOWN_ON_ITS_DISPUTE,
    "stations.AgreementSignature": SHOWN_ON_ITS_DISPUTE,
    "stations.ConsumerWord": SHOWN_ON_ITS_DISPUTE,
    "stations.DisputeConsumer": "sealed: masked on the dispute's page, whole to its handlers for a reason",
    "stations.DisputeEvidence": SHOWN_ON_ITS_DISPUTE,
    "stations.DisputeLead": SHOWN_ON_ITS_DISPUTE,
    "stations.DisputeSurvey": "a consumer's rating: shown on the dispute's page and counted in the figures",
    "stations.Session": "an appointment: shown on the dispute's page and on the station's desk",
    "stations.Testing": SHOWN_ON_ITS_DISPUTE,
    "stations.TierStay": SHOWN_ON_ITS_DISPUTE,
    "reports.SlaLine": SHOWN_ON_ITS_REPORT,
    "reports.SlaOverdue": SHOWN_ON_ITS_REPORT,
    "reports.SlaOrder": SHOWN_ON_ITS_REPORT,
}
SHORT_NAME = {
    "grids.BusinessEntity": "entity",
    "grids.EntityContact": "contact",
    "credit.CreditFact": "fact",
    "credit.CreditReview": "review",
    "credit.CreditScheme": "scheme",
    "patrols.InspectionPaper": "inspection",
    "patrols.PatrolPolicy": "policy",
    "patrols.PatrolTask": "task",
    "patrols.PatrolVisit": "visit",
}
"""Constraints of this model are named by a shorter word than the model's."""
SPEAKS_FOR_ITSELF = {"SHA-256", "WGS-84", "A", "B", "C", "D"}


def test_every_model_has_an_admin() -> None:
    inline = {inline.model for shown in admin.site._registry.values() for inline in shown.inlines}
    shown = set(admin.site._registry) | inline
    held({model._meta.label for model in our_models() if model not in shown}, NO_ADMIN)


def test_relations_point_down() -> None:
    assert checks.relations_point_down() == []
    assert checks.every_app_has_a_layer() == []


def test_the_layers_of_models_and_of_imports_are_the_same() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    assert packages() <= set(config["root_packages"])
    (contract,) = config["contracts"]
    imports = [re.sub(r"\w+\.", "", layer).split(" | ") for layer in reversed(contract["layers"])]
    place = {label: height for height, layer in enumerate(imports) for label in layer}
    ours = [label for layer in checks.LAYERS for label in layer if label in place]
    assert ours == sorted(ours, key=place.__getitem__)
    assert {config.label for config in our_apps()} <= set(place), "an app that no import layer names"


def test_constraints_are_named_after_app_model_and_rule() -> None:
    odd = []
    for model in our_models():
        start = f"{model._meta.app_label}_{SHORT_NAME.get(model._meta.label, model._meta.model_name)}_"
        odd += [c.name for c in model._meta.constraints if not c.name.startswith(start)]
    assert odd == []


def words_of(model: type[Model]) -> Iterator[tuple[str, str]]:
    meta = model._meta
    yield meta.label, str(meta.verbose_name)
    yield meta.label, str(meta.verbose_name_plural)
    for field in meta.get_fields():
        if field.auto_created or not hasattr(field, "verbose_name"):
            continue
        where = f"{meta.label}.{field.name}"
        yield where, str(field.verbose_name)
        yield where, str(field.help_text)
        for _, label in field.flatchoices or []:
            yield where, str(label)
    for constraint in meta.constraints:
        message = constraint.violation_error_message
        if message != constraint.default_violation_error_message:
            yield constraint.name, str(message)


def test_people_are_spoken_to_in_chinese() -> None:
    english = [
        (where, word)
        for model in our_models()
        for where, word in words_of(model)
        if word and not CHINESE.search(word) and word not in SPEAKS_FOR_ITSELF
    ]
    assert english == []


def test_the_glossary_names_every_model() -> None:
    rows = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    missing = [
        (model._meta.label, str(model._meta.verbose_name))
        for model in our_models()
        if not any(f"`{model._meta.label}`" in row and str(model._meta.verbose_name) in row for row in rows)
    ]
    assert missing == []


@pytest.mark.django_db
def test_migrations_are_complete() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


# --- views -----------------------------------------------------------------------------------------

OPEN_VIEWS = {
    "kernel.accounts.api.views.Login": "the way in: name and password",
    "leads.api.matters.Intake": "other platforms sign every request with a secret of their own (HMAC)",
    "leads.api.surveys.SurveyByLink": "behind a single-use token that only one SMS carries; takes one rating",
    "suoshe.api_docs.Document": "paths and shapes, no rows",
    "suoshe.api_docs.Docs": "shows the document to browse",
}
PLAIN_VIEWS = {
    "home": "sends to the admin, which asks who it is",
    "healthz": "for the machine that watches; tells figures of the machinery, no rows",
    "live": "is the process alive",
    "ready": "are the clocks driven",
    "metrics": "for the machine that watches; nginx lets nobody else in",
    "api-unknown": "there is nothing here but a 404",
    "survey-page": "behind a single-use token that only one SMS carries; takes one rating",
    "survey-page-bare": "the same without its final slash",
    "whistle-link": "behind a single-use token that only one SMS carries; tells a place and takes one answer",
    "whistle-link-bare": "the same without its final slash",
    "door": "behind the code on a shop's door: what the shop shows in public anyway; reads only",
    "door-bare": "the same without its final slash",
    "door-tell": "a citizen's form behind a shop's door: a signed question, a rate limit; acts for nobody",
    "door-tell-bare": "the same without its final slash",
    "door-dispute": "a consumer's form behind a door: a signed question, a rate limit; acts for nobody",
    "door-dispute-bare": "the same without its final slash",
    "station-page": "where a station is and when it is open, and the same form; acts for nobody",
    "station-page-bare": "the same without its final slash",
}
OPEN_ADMIN = {"login", "logout", "jsi18n", "second_factor", "second_factor_enrol"}


def patterns(resolver: Any, path: str = "") -> Iterator[tuple[str, URLPattern]]:
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            yield from patterns(one, path + str(one.pattern))
        else:
            yield path + str(one.pattern), one


def api_views() -> set[type[APIView]]:
    found = {getattr(one.callback, "view_class", None) for _, one in patterns(get_resolver())}
    return {view for view in found if isinstance(view, type) and issubclass(view, APIView)}


def test_every_endpoint_asks_who_it_is() -> None:
    by_default = settings.REST_FRAMEWORK["DEFAULT_PERMISSION_CLASSES"]
    assert f"{IsAuthenticated.__module__}.{IsAuthenticated.__name__}" in by_default
    asks_nobody = {
        f"{view.__module__}.{view.__name__}"
        for view in api_views()
        if not view.permission_classes
        or AllowAny in view.permission_classes
        or not view.authentication_classes
    }
    held(asks_nobody, OPEN_VIEWS)
    for view in api_views() - {v for v in api_views() if f"{v.__module__}.{v.__name__}" in OPEN_VIEWS}:
        assert set(APIView.permission_classes) <= set(view.permission_classes), view
        assert view.authentication_classes == APIView.authentication_classes, view


def test_other_views_are_few_and_known() -> None:
    plain = {
        one.name or path
        for path, one in patterns(get_resolver())
        if not path.startswith("admin/") and getattr(one.callback, "view_class", None) not in api_views()
    }
    held(plain, PLAIN_VIEWS)


@pytest.mark.django_db
def test_every_page_of_the_admin_asks_who_it_is() -> None:
    client, answered = Client(), {}
    for path, one in patterns(get_resolver()):
        if path.startswith("admin/") and one.name not in OPEN_ADMIN and "(?P" not in path:
            concrete = "/" + re.sub(r"<[^>]+>", "1", path)
            answered[concrete] = redirects(client, concrete)
    assert len(answered) > 30
    for path, redirected in answered.items():
        assert redirected, path
        location, status = redirected[0]
        assert status == 302, path
        assert location.startswith(("/admin/login/", "/admin/")), path
        assert redirected[-1][0].startswith("/admin/login/"), path
    assert client.get(redirected[-1][0]).status_code == 200


def redirects(client: Client, path: str) -> list[tuple[str, int]]:
    """Where one is sent, as far as the sign-in, which is the same page whoever comes from where."""
    chain: list[tuple[str, int]] = []
    while len(chain) < 5 and not path.startswith("/admin/login/"):
        answer = client.get(path)
        if not 300 <= answer.status_code < 400:
            break
        path = answer["Location"]
        chain.append((path, answer.status_code))
    return chain


# --- code ------------------------------------------------------------------------------------------

OTHER_CLOCKS = {
    "kernel/accounts/admin_sign_in.py": "idleness is a person's, measured by the machine's clock",
    "kernel/accounts/middleware.py": "idleness is a person's, measured by the machine's clock",
    "kernel/accounts/second_factor.py": "compares with the lock of django-otp, kept by the machine's clock",
    "kernel/journal/models.py": "a default in the database that no code of ours uses: seal() says the moment",
}
CLOCK_CALLS = {"now", "utcnow", "today", "time"}
CLOCK_OWNERS = {"timezone", "datetime", "date", "time"}
BANNED_WORDS = {"utils", "util", "helpers", "helper", "manager", "managers", "data", "info", "misc", "common"}
BANNED_NAMES = {
    "UserManager": "Django's own word for what makes users; `createsuperuser` and axes look for it"
}


def names_of(call: ast.Call) -> tuple[str, str]:
    """`datetime.datetime.now()` → `("datetime", "now")`; `Now()` → `("", "Now")`."""
    if isinstance(call.func, ast.Name):
        return "", call.func.id
    if isinstance(call.func, ast.Attribute):
        owner = call.func.value
        named = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
        return named, call.func.attr
    return "", ""


def test_moments_come_from_the_one_clock() -> None:
    found = set()
    for name, call in everywhere(ast.Call):
        owner, method = names_of(call)
        if (owner in CLOCK_OWNERS and method in CLOCK_CALLS) or (owner, method) == ("", "Now"):
            found.add(name)
    for name, text in everywhere(ast.Constant):
        if isinstance(text.value, str) and re.search(
            r"(?<!kernel_)\bnow\(\)|\bCURRENT_(?:TIMESTAMP|DATE)\b", text.value
        ):
            docs = {ast.get_docstring(n, clean=False) for n in documented(modules()[name])}
            if text.value not in docs and re.search(r"\b(?:SELECT|UPDATE|INSERT)\b", text.value):
                found.add(name)
    held(found, OTHER_CLOCKS)


def documented(tree: ast.Module) -> Iterator[Any]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_model_signals() -> None:
    forbidden = {"django.db.models.signals", "django.dispatch"}
    imported = {
        f"{name}:{node.lineno}"
        for name, node in everywhere(ast.ImportFrom)
        if node.module in forbidden
        or (
            node.module in ("django", "django.db.models")
            and {"signals", "dispatch"} & {a.name for a in node.names}
        )
    }
    imported |= {
        f"{name}:{node.lineno}"
        for name, node in everywhere(ast.Import)
        if {alias.name for alias in node.names} & forbidden
    }
    assert imported == set()


def test_nothing_is_named_utils() -> None:
    files = {name for name in modules() if BANNED_WORDS & set(re.split(r"[/_.]", name))}
    classes = {
        node.name
        for _, node in everywhere(ast.ClassDef)
        if BANNED_WORDS & {word.lower() for word in re.findall(r"[A-Z][a-z]+|[A-Z]+(?![a-z])", node.name)}
    }
    assert files == set()
    held(classes, BANNED_NAMES)


def test_no_celery_timer_holds_a_deadline() -> None:
    """A countdown longer than the visibility timeout runs again and again (DESIGN.md §4)."""
    found = set()
    for name, call in everywhere(ast.Call):
        keywords = {keyword.arg for keyword in call.keywords}
        if keywords & {"eta", "countdown"} or (names_of(call)[1] == "retry" and keywords):
            found.add(f"{name}:{call.lineno}")
    assert found == set()


PAGES_OF_TASKS = ("patrols.api", "patrols.admin")
"""Whose `tasks` are patrol tasks, not Celery's."""


def test_services_know_no_tasks() -> None:
    callers = {
        f"{name}:{node.lineno}"
        for name, node in everywhere(ast.ImportFrom)
        if (node.module or "").endswith(".tasks")
        or ("tasks" in {alias.name for alias in node.names} and node.module not in PAGES_OF_TASKS)
    }
    assert callers == set()


def tasks() -> Iterator[tuple[str, ast.Module, ast.FunctionDef]]:
    for name, tree in modules().items():
        if Path(name).name == "tasks.py":
            for node in tree.body:
                if isinstance(node, ast.FunctionDef) and node.decorator_list:
                    yield name, tree, node


def test_tasks_are_short_and_say_why_they_may_run_twice() -> None:
    seen = list(tasks())
    assert seen
    for name, tree, task in seen:
        where = f"{name}:{task.name}"
        assert (task.end_lineno or 0) - task.lineno < 10, f"{where} is longer than 10 lines"
        assert not task.args.kwarg, where
        said = f"{ast.get_docstring(task)} {ast.get_docstring(tree)}"
        assert re.search(r"\b(?:twice|once|again|any number|repeat|[Rr]eads only)", said), (
            f"{where} says nothing of it"
        )


def test_every_task_is_scheduled_by_its_name() -> None:
    named = {
        keyword.value.value  # type: ignore[attr-defined]
        for _, _, task in tasks()
        for decorator in task.decorator_list
        if isinstance(decorator, ast.Call)
        for keyword in decorator.keywords
        if keyword.arg == "name"
    }
    assert named == {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}


def test_every_module_says_what_it_is_for() -> None:
    silent = {
        name
        for name, tree in modules().items()
        if ast.get_docstring(tree) is None and tree.body and not name.endswith("__init__.py")
    }
    assert silent == set()


def test_imports_point_down() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# --- what is committed -----------------------------------------------------------------------------

REGISTRY_HOSTS = [
    "py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com", "js" + "delivr.net",
    "un" + "pkg.com", "cdn" + "js.com", "crates" + ".io", "gh" + "cr.io", "qu" + "ay.io",
    "mirrors.ali" + "yun", "mirrors.tu" + "na", "proxy.go" + "lang",
]  # fmt: skip
HERE = [f"/{folder}/" for folder in ("work", "root")] + ["/tmp/" + "plan", "/ho" + "me/"]


def test_no_registry_and_no_path_of_a_machine_is_committed() -> None:
    found = []
    for path in tracked():
        content = path.read_bytes()
        if b"\0" in content[:4096]:
            continue
        text = content.decode("utf-8", "replace")
        found += [(str(path.relative_to(ROOT)), word) for word in [*REGISTRY_HOSTS, *HERE] if word in text]
        assert str(ROOT) + "/" not in text, path
    assert found == []
