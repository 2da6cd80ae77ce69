# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""harbor_configuration against a stand-in of Harbor's API; tests/integration/test_harbor.py has a real Harbor."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.kubestd.platform.plugins.module_utils._harbor import run
from ansible_collections.kubestd.platform.plugins.module_utils._harbor.api import Api
from ansible_collections.kubestd.platform.plugins.module_utils._harbor.arguments import ARGUMENTS
from ansible_collections.kubestd.platform.plugins.module_utils._harbor.plan import HarborError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.standins.harbor_stand_in import HarborStandIn, SecretsStandIn

Run = Callable[..., dict[str, Any]]
EVERYTHING: dict[str, Any] = {
    "configuration": {"project_creation_restriction": "adminonly"},
    "oidc": {"endpoint": "https://keycloak.example.com/realms/platform", "admin_group": "platform-admins"},
    "registries": [
        {"name": "quay.io", "url": "https://quay.io"},
        {"name": "docker.io", "type": "docker-hub", "url": "https://hub.docker.com/", "secret_name": "hub"},
    ],
    "projects": [
        {"name": "quay.io", "registry": "quay.io", "public": True, "kilobits_per_second": 1000},
        {
            "name": "shop",
            "scan_on_push": True,
            "sbom_on_push": True,
            "block_on_severity": "high",
            "allowed_cves": ["CVE-2", "CVE-1"],
            "cosign": True,
            "notation": True,
            "quota": "50Gi",
            "members": [{"group": "developers"}, {"user": "ann", "role": "maintainer"}],
            "immutable_tags": [{"tags": "v*"}, {"except_tags": "dev-*", "repositories": "api/**", "enabled": False}],
            "retention": {
                "schedule": "0 4 * * *",
                "rules": [
                    {"keep": "latest_pushed", "count": 10},
                    {"keep": "always", "tags": "v*", "untagged": False},
                ],
            },
        },
    ],
    "robots": [
        {
            "name": "pull",
            "permissions": [
                {"project": "shop", "access": ["repository:pull"]},
                {"project": "*", "access": ["artifact:read"]},
            ],
            "secrets": [
                {"name": "pull", "namespace": "shop", "format": "pull", "registry": "harbor.example.com"},
                {"name": "robot-pull"},
            ],
        },
        {
            "name": "ci",
            "project": "shop",
            "days": 30,
            "permissions": [{"access": ["repository:push", "repository:pull"]}],
            "secrets": [{"name": "robot-ci"}],
        },
    ],
    "replications": [
        {
            "name": "mirror",
            "registry": "docker.io",
            "trigger": "scheduled",
            "schedule": "30 2 * * *",
            "filters": {"name": "library/**", "tag": "1.*", "labels": ["b", "a"]},
            "namespace": "shop",
        },
        {"name": "out", "registry": "quay.io", "direction": "push", "trigger": "event", "delete": True},
    ],
    "garbage_collection": {"schedule": "0 5 * * 6", "delete_untagged": True, "workers": 2},
    "scan_all": {"schedule": "0 6 * * *"},
}


def options(**given: Any) -> dict[str, Any]:
    """The options as the module gets them."""
    checked = ArgumentSpecValidator(ARGUMENTS).validate(given)
    assert not checked.error_messages, checked.error_messages
    return dict(checked.validated_parameters)


@pytest.fixture
def harbor() -> HarborStandIn:
    return HarborStandIn()


@pytest.fixture
def cluster() -> SecretsStandIn:
    made = SecretsStandIn("shop")
    made.add("harbor-generated", HARBOR_ADMIN_PASSWORD="marker-admin")
    made.add("hub", username="marker-user", password="marker-hub")
    made.add("harbor-oidc", clientSecret="marker-oidc")
    return made


@pytest.fixture
def configure(harbor: HarborStandIn, cluster: SecretsStandIn, monkeypatch: pytest.MonkeyPatch) -> Run:
    return runner(harbor, cluster, monkeypatch)


def runner(harbor: HarborStandIn, cluster: SecretsStandIn, monkeypatch: pytest.MonkeyPatch) -> Run:
    class Access:
        @staticmethod
        def client(*_: Any) -> SecretsStandIn:
            return cluster

    monkeypatch.setattr(run, "access", lambda _: Access)
    monkeypatch.setattr(run, "connect", lambda *_: Api(harbor))

    def call(check_mode: bool = False, **given: Any) -> dict[str, Any]:
        before = list(harbor.changes), dict(cluster.secrets)
        done = run.result(options(**given), check_mode)
        if check_mode or not done["changed"]:
            assert (harbor.changes, cluster.secrets) == before
        assert "marker" not in json.dumps(done)
        return done

    return call


def test_one_call_makes_everything_and_the_next_changes_nothing(configure: Run) -> None:
    said = configure(check_mode=True, **EVERYTHING)
    done = configure(**EVERYTHING)
    assert done["actions"] == said["actions"] and done["diff"] == said["diff"]
    assert done["actions"][0].startswith("change the configuration (")
    for phrase in (
        "make registry docker.io",
        "make project shop",
        "make the quota of project shop",
        "make member group developers of project shop",
        "make immutable tag matches v* of repoMatches ** of project shop",
        "make the retention of project shop",
        "make robot shop+ci",
        "make the Secret shop/pull of robot pull",
        "make replication mirror",
        "change the schedule of garbage collection (cron, delete_untagged, workers)",
    ):
        assert phrase in done["actions"]
    again = configure(**EVERYTHING)
    assert again == {"changed": False, "actions": [], "reached": True, "diff": {}}


def test_passwords_go_from_secret_to_harbor_and_from_harbor_to_secret(
    configure: Run, harbor: HarborStandIn, cluster: SecretsStandIn
) -> None:
    configure(**EVERYTHING)
    hub = next(one for one in harbor.tables["registries"].values() if one["name"] == "docker.io")
    assert hub["credential"] == {"type": "basic", "access_key": "marker-user", "access_secret": "marker-hub"}
    assert harbor.given["oidc"] == "marker-oidc"
    robot = next(one for one in harbor.tables["robots"].values() if one["name"] == "robot$pull")
    assert cluster.text("robot-pull", "username") == "robot$pull"
    assert cluster.text("robot-pull", "password") == robot["secret"]
    login = json.loads(cluster.text("pull", ".dockerconfigjson", "shop"))["auths"]["harbor.example.com"]
    assert (login["username"], login["password"]) == ("robot$pull", robot["secret"])
    assert cluster.secrets["shop", "pull"]["type"] == "kubernetes.io/dockerconfigjson"
    assert cluster.text("robot-ci", "username") == "robot$shop+ci"
    assert "marker" not in cluster.text("harbor-configuration", "record")


def test_a_new_password_in_the_secret_is_given_to_harbor_once(
    configure: Run, harbor: HarborStandIn, cluster: SecretsStandIn
) -> None:
    configure(**EVERYTHING)
    cluster.add("hub", username="marker-user", password="marker-new")
    cluster.add("harbor-oidc", clientSecret="marker-other")
    done = configure(**EVERYTHING)
    assert done["actions"] == [
        "change the configuration (oidc_client_secret)",
        "change registry docker.io (credential)",
    ]
    hub = next(one for one in harbor.tables["registries"].values() if one["name"] == "docker.io")
    assert hub["credential"]["access_secret"] == "marker-new" and harbor.given["oidc"] == "marker-other"
    assert not configure(**EVERYTHING)["changed"]


def test_a_registry_without_its_secret_is_asked_without_login(configure: Run, harbor: HarborStandIn) -> None:
    configure(registries=EVERYTHING["registries"])
    bare = [{**one, "secret_name": None} for one in EVERYTHING["registries"]]
    assert configure(registries=bare)["actions"] == ["change registry docker.io (credential)"]
    hub = next(one for one in harbor.tables["registries"].values() if one["name"] == "docker.io")
    assert hub["credential"] == {"type": "", "access_key": "", "access_secret": ""}
    assert not configure(registries=bare)["changed"]


def test_a_secret_of_a_robot_that_is_gone_is_filled_from_another_or_with_a_new_password(
    configure: Run, harbor: HarborStandIn, cluster: SecretsStandIn
) -> None:
    configure(**EVERYTHING)
    first = cluster.text("robot-pull", "password")
    del cluster.secrets["shop", "pull"]
    assert configure(**EVERYTHING)["actions"] == ["make the Secret shop/pull of robot pull"]
    assert cluster.text("pull", "password", "shop") == first
    del cluster.secrets["shop", "pull"], cluster.secrets["harbor", "robot-pull"]
    assert len(configure(**EVERYTHING)["actions"]) == 2
    robot = next(one for one in harbor.tables["robots"].values() if one["name"] == "robot$pull")
    assert (
        first != robot["secret"] == cluster.text("pull", "password", "shop") == cluster.text("robot-pull", "password")
    )


def test_a_robot_that_somebody_made_anew_gets_a_password_that_works(
    configure: Run, harbor: HarborStandIn, cluster: SecretsStandIn
) -> None:
    configure(**EVERYTHING)
    number = next(key for key, one in harbor.tables["robots"].items() if one["name"] == "robot$pull")
    # another Harbor may give it the same number
    harbor.tables["robots"][number].update({"creation_time": "2027-01-01T00:00:00.000Z", "secret": "other"})
    configure(**EVERYTHING)
    assert cluster.text("robot-pull", "password") == harbor.tables["robots"][number]["secret"] != "other"
    assert not configure(**EVERYTHING)["changed"]


def test_a_secret_that_is_not_ours_is_not_written_over(configure: Run, cluster: SecretsStandIn) -> None:
    cluster.add("robot-ci", password="theirs")
    with pytest.raises(HarborError, match="Secret harbor/robot-ci is there and was not made by this module"):
        configure(**EVERYTHING)


def test_the_type_of_a_secret_follows_its_format(configure: Run, cluster: SecretsStandIn) -> None:
    configure(**EVERYTHING)
    robots = json.loads(json.dumps(EVERYTHING["robots"]))
    robots[0]["secrets"][0].update({"format": "login", "registry": None})
    configure(**{**EVERYTHING, "robots": robots})
    assert cluster.secrets["shop", "pull"]["type"] == "Opaque"
    assert not configure(**{**EVERYTHING, "robots": robots})["changed"]


def test_a_namespace_that_is_not_there_is_named(configure: Run) -> None:
    robots = [{**EVERYTHING["robots"][1], "project": None, "permissions": [{"access": ["project:list"]}]}]
    robots[0]["secrets"] = [{"name": "x", "namespace": "nowhere"}]
    with pytest.raises(HarborError, match="There is no namespace nowhere for the Secret x"):
        configure(robots=robots)


def test_what_was_changed_by_hand_comes_back(configure: Run, harbor: HarborStandIn) -> None:
    configure(**EVERYTHING)
    shop = harbor.tables["projects"][harbor.project("shop")]
    shop["metadata"].update({"severity": "low", "auto_scan": "false", "enable_content_trust": "false"})
    harbor.rules[shop["project_id"]].popitem()
    done = configure(**EVERYTHING)
    assert "change project shop (auto_scan, enable_content_trust, severity)" in done["actions"]
    assert len(done["actions"]) == 2
    assert "severity: low" in done["diff"]["before"] and "severity: high" in done["diff"]["after"]


def test_what_is_not_named_stays_until_it_is_asked_for(configure: Run, harbor: HarborStandIn) -> None:
    configure(**EVERYTHING)
    less = {**EVERYTHING, "replications": EVERYTHING["replications"][1:], "robots": EVERYTHING["robots"][1:]}
    less["registries"] = EVERYTHING["registries"][:1]
    assert not configure(**less)["changed"]
    done = configure(**less, exclusive=["registries", "robots", "replications"])
    assert done["actions"] == ["delete replication mirror", "delete robot pull", "delete registry docker.io"]
    assert not configure(**less, exclusive=["registries", "robots", "replications"])["changed"]
    assert harbor.tables["projects"]


def test_members_leave_only_where_asked_and_never_the_owner(configure: Run, harbor: HarborStandIn) -> None:
    project = EVERYTHING["projects"][1]
    configure(projects=[project])
    fewer = [{**project, "members": [{"group": "developers", "role": "guest"}]}]
    assert configure(projects=fewer)["actions"] == ["change member group developers of project shop (role)"]
    done = configure(projects=fewer, exclusive=["members"])
    assert done["actions"] == ["delete member user ann of project shop"]
    left = {one["entity_name"] for one in harbor.members[harbor.project("shop")].values()}
    assert left == {"admin", "developers"}
    assert not configure(projects=fewer, exclusive=["members"])["changed"]


def test_a_project_with_images_is_never_deleted(configure: Run, harbor: HarborStandIn) -> None:
    configure(**EVERYTHING)
    harbor.tables["projects"][harbor.project("shop")]["repo_count"] = 3
    changes = list(harbor.changes)
    for gone in ({"exclusive": ["projects"]}, {"projects": [{"name": "shop", "state": "absent"}]}):
        with pytest.raises(HarborError, match="project shop holds 3 repositories and is not deleted with them"):
            configure(**gone)
    assert harbor.changes == changes


def test_an_empty_project_goes_with_what_is_in_it(configure: Run, harbor: HarborStandIn) -> None:
    configure(**EVERYTHING)
    gone = {"projects": [{"name": "shop", "state": "absent"}]}
    assert configure(**gone)["actions"] == ["delete project shop"]
    assert not configure(**gone)["changed"]
    assert [one["name"] for one in harbor.tables["projects"].values()] == ["library", "quay.io"]


def test_robots_of_a_project_go_with_it_in_one_step(configure: Run, harbor: HarborStandIn) -> None:
    configure(**EVERYTHING)
    only = {**EVERYTHING, "projects": EVERYTHING["projects"][:1], "robots": []}
    done = configure(**only, exclusive=["projects", "robots"])
    assert done["actions"] == ["delete robot pull", "delete project shop", "delete project library"]
    assert not harbor.tables["robots"]


def test_a_group_of_two_projects_is_one(configure: Run, harbor: HarborStandIn) -> None:
    members = [{"group": "developers"}]
    configure(projects=[{"name": name, "members": members} for name in ("a", "b")])
    assert [one["group_name"] for one in harbor.tables["usergroups"].values()] == ["developers"]


def test_a_registry_may_go_when_its_replication_moves_to_another(configure: Run, cluster: SecretsStandIn) -> None:
    configure(registries=EVERYTHING["registries"], replications=[{"name": "r", "registry": "docker.io"}])
    assert "docker.io" in cluster.text("harbor-configuration", "record")
    moved = {"replications": [{"name": "r", "registry": "quay.io"}]}
    done = configure(registries=[{"name": "docker.io", "state": "absent"}], **moved)
    assert done["actions"] == ["change replication r (registry)", "delete registry docker.io"]
    assert "docker.io" not in cluster.text("harbor-configuration", "record")


def test_a_secret_that_is_not_ours_stays_when_the_robot_goes(configure: Run, cluster: SecretsStandIn) -> None:
    configure(**EVERYTHING)
    cluster.add("robot-ci", password="theirs")
    configure(robots=[{**EVERYTHING["robots"][1], "state": "absent"}])
    assert cluster.text("robot-ci", "password") == "theirs"


def test_a_registry_that_is_used_is_not_deleted(configure: Run, harbor: HarborStandIn) -> None:
    configure(**EVERYTHING)
    changes = list(harbor.changes)
    with pytest.raises(HarborError, match="registry quay.io is used by project quay.io, replication out"):
        configure(registries=[{"name": "quay.io", "state": "absent"}])
    assert harbor.changes == changes


def test_a_robot_that_leaves_takes_its_secrets_along(configure: Run, cluster: SecretsStandIn) -> None:
    configure(**EVERYTHING)
    gone = [{**one, "state": "absent"} for one in EVERYTHING["robots"]]
    configure(robots=gone)
    assert {name for _, name in cluster.secrets} == {"harbor-generated", "hub", "harbor-oidc", "harbor-configuration"}
    assert not configure(robots=gone)["changed"]


def test_retention_without_a_rule_is_no_policy(configure: Run, harbor: HarborStandIn) -> None:
    configure(**EVERYTHING)
    none = [{"name": "quay.io", "registry": "quay.io", "retention": {}}]
    assert configure(projects=none)["actions"] == ["delete the retention of project quay.io"]
    assert not configure(projects=none)["changed"]


def test_schedules_end_when_they_are_empty(configure: Run, harbor: HarborStandIn) -> None:
    configure(**EVERYTHING)
    configure(garbage_collection={}, scan_all={})
    assert not harbor.schedules
    assert not configure(garbage_collection={}, scan_all={})["changed"]


def test_a_registry_that_harbor_cannot_reach_is_named_with_what_to_do(configure: Run) -> None:
    with pytest.raises(
        HarborError, match="Cannot make registry x: .* the registry is unhealthy .*its core has to reach"
    ):
        configure(registries=[{"name": "x", "url": "https://unreachable.example.com"}])


def test_what_was_done_before_a_failure_is_not_done_again(configure: Run, harbor: HarborStandIn) -> None:
    broken = [*EVERYTHING["registries"], {"name": "x", "url": "https://unreachable.example.com"}]
    with pytest.raises(HarborError, match="registry x"):
        configure(registries=broken)
    assert not configure(registries=EVERYTHING["registries"])["changed"]


def test_settings_of_the_environment_are_not_fought_over(configure: Run, harbor: HarborStandIn) -> None:
    harbor.read_only = True
    with pytest.raises(HarborError, match="set by the environment of Harbor .CONFIG_OVERWRITE_JSON"):
        configure(configuration={"project_creation_restriction": "adminonly"})
    assert not configure(configuration={"project_creation_restriction": "everyone"})["changed"]


def test_accounts_of_harbors_own_keep_the_provider_out(configure: Run, harbor: HarborStandIn) -> None:
    harbor.users = True
    with pytest.raises(HarborError, match="auth_mode of Harbor is db_auth and stays so, since there are accounts"):
        configure(oidc=EVERYTHING["oidc"])


def test_more_things_than_one_page_are_all_seen(configure: Run) -> None:
    many = [{"name": f"r{number}", "url": "https://quay.io"} for number in range(230)]
    assert len(configure(registries=many)["actions"]) == 230
    assert not configure(registries=many)["changed"]


def test_before_harbor_is_there_check_mode_says_what_an_empty_one_needs(
    configure: Run, cluster: SecretsStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise HarborError("The Secret harbor/harbor-generated for the password of admin is not there")

    monkeypatch.setattr(run, "connect", fails)
    cluster.secrets.clear()
    done = run.result(options(**EVERYTHING), True)
    assert not done["reached"] and "make project shop" in done["actions"]
    with pytest.raises(HarborError, match="harbor-generated"):
        run.result(options(**EVERYTHING), False)


PROJECTS = [{"name": "shop"}, {"name": "shop", "state": "absent"}]
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"projects": [{"name": "Shop"}]}, "The project 'Shop' has a name that Harbor refuses"),
    ({"projects": PROJECTS}, "projects has shop twice"),
    ({"projects": [{"name": "x", "registry": "y"}]}, "project x names the registry y, which is not there"),
    ({"projects": [{"name": "x", "registry": "y", "notation": True}]}, "notation of the project x"),
    ({"projects": [{"name": "x", "kilobits_per_second": 1}]}, "limits of a proxy cache and no registry"),
    ({"projects": [{"name": "library", "registry": "y"}]}, "names the registry y"),
    ({"projects": [{"name": "x", "quota": "5 GB"}]}, "quota of the project x is '5 GB'; write a size as 50Gi"),
    ({"projects": [{"name": "x", "members": [{}]}]}, "needs a group or a user"),
    ({"projects": [{"name": "x", "members": [{"group": "g"}, {"group": "g"}]}]}, "group g twice"),
    ({"projects": [{"name": "x", "immutable_tags": [{}, {}]}]}, "twice"),
    ({"projects": [{"name": "x", "immutable_tags": [{"tags": "a", "except_tags": "b"}]}]}, "write one of them"),
    ({"projects": [{"name": "x", "retention": {"rules": [{"keep": "latest_pushed"}]}}]}, "write how many"),
    ({"projects": [{"name": "x", "retention": {"rules": [{"keep": "always", "count": 1}]}}]}, "leave count out"),
    ({"projects": [{"name": "x", "retention": {"rules": [{"keep": "always"}] * 2}}]}, "a rule twice"),
    ({"projects": [{"name": "x", "retention": {"schedule": "often", "rules": [{"keep": "always"}]}}]}, "five fields"),
    ({"registries": [{"name": "x"}]}, "url of the registry x is missing"),
    ({"registries": [{"name": "x", "url": "quay.io"}]}, "write https://host"),
    ({"registries": [{"name": "x", "url": "https://quay.io", "secret_name": "no"}]}, "Secret harbor/no for registry x"),
    ({"oidc": {"endpoint": "https://x", "secret_name": "no"}}, "Secret harbor/no for configuration is not there"),
    ({"configuration": {"oidc_client_secret": "x"}}, "a secret does not stand there. Name the Secret"),
    ({"configuration": {"colour": "red"}}, "This Harbor has no setting colour"),
    ({"robots": [{"name": "x"}]}, "has no permissions"),
    ({"robots": [{"name": "x", "permissions": [{"access": ["pull"]}]}]}, "write resource:action"),
    ({"robots": [{"name": "x", "days": 0}]}, "lasts 0 days"),
    ({"robots": [{"name": "x", "permissions": [{"project": "no", "access": ["a:b"]}]}]}, "names the project no"),
    ({"robots": [{"name": "x", "project": "no", "permissions": [{"access": ["a:b"]}]}]}, "of a project that is not"),
    ({"robots": [{"name": "x", "project": "a", "permissions": [{"project": "b", "access": ["a:b"]}]}]}, "of b; leave"),
    ({"replications": [{"name": "x"}]}, "registry of the replication x is missing"),
    ({"replications": [{"name": "x", "registry": "y"}]}, "names the registry y"),
    ({"replications": [{"name": "x", "registry": "y", "trigger": "scheduled"}]}, "write when"),
    ({"replications": [{"name": "x", "registry": "y", "schedule": "0 0 * * *"}]}, "leave schedule out"),
    ({"replications": [{"name": "x", "registry": "y", "trigger": "event"}]}, "direction pull with the trigger event"),
    (
        {"replications": [{"name": "x", "registry": "y", "trigger": "scheduled", "schedule": "* * * * *"}]},
        "every minute",
    ),
    ({"garbage_collection": {"schedule": "0 0 * * *", "workers": 11}}, "write 1 to 10"),
]


@pytest.mark.parametrize(("given", "message"), WRONG)
def test_what_harbor_would_refuse_is_refused_before_anything_is_done(
    configure: Run, harbor: HarborStandIn, given: dict[str, Any], message: str
) -> None:
    changes = list(harbor.changes)
    with pytest.raises(HarborError, match=message):
        configure(**given)
    assert harbor.changes == changes


def test_a_project_does_not_become_a_proxy_cache(configure: Run) -> None:
    configure(**EVERYTHING)
    with pytest.raises(HarborError, match="registry of project shop is none, which Harbor does not change"):
        configure(projects=[{"name": "shop", "registry": "quay.io"}])
    with pytest.raises(HarborError, match="type of registry quay.io is docker-registry"):
        configure(registries=[{"name": "quay.io", "url": "https://quay.io", "type": "harbor"}])


NAMES = st.sampled_from(["a", "b", "c.d"])
SWITCHES = st.none() | st.booleans()
CRON = st.sampled_from(["", "0 3 * * *", "0 15 4 * * 1-5"])
SELECTED = st.fixed_dictionaries({}, optional={"tags": NAMES, "except_repositories": NAMES, "enabled": st.booleans()})
RULE = st.one_of(
    st.builds(lambda more: {"keep": "always", **more}, SELECTED),
    st.builds(lambda count, more: {"keep": "latest_pushed", "count": count, **more}, st.integers(1, 3), SELECTED),
)


def distinct(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rules that select different things."""
    return list({json.dumps({**one, "enabled": True}, sort_keys=True): one for one in found}.values())


PROJECT = st.fixed_dictionaries(
    {"name": NAMES},
    optional={
        "public": SWITCHES,
        "scan_on_push": SWITCHES,
        "cosign": SWITCHES,
        "block_on_severity": st.sampled_from(["never", "low", "critical"]),
        "allowed_cves": st.lists(st.sampled_from(["CVE-1", "CVE-2"]), unique=True),
        "quota": st.sampled_from(["1Gi", "unlimited"]),
        "members": st.lists(NAMES, unique=True).map(lambda names: [{"group": name} for name in names]),
        "immutable_tags": st.lists(SELECTED, max_size=3).map(distinct),
        "retention": st.builds(
            lambda when, rules: {"schedule": when, "rules": distinct(rules)}, CRON, st.lists(RULE, max_size=3)
        ),
    },
)
ROBOT = st.fixed_dictionaries(
    {
        "name": NAMES,
        "permissions": st.lists(st.sampled_from(["repository:pull", "tag:list"]), min_size=1, unique=True).map(
            lambda access: [{"project": "*", "access": access}]
        ),
        "secrets": st.lists(NAMES, unique=True, max_size=2),
    },
    optional={"days": st.sampled_from([-1, 7]), "enabled": st.booleans(), "description": NAMES},
).map(lambda one: {**one, "secrets": [{"name": f"{one['name']}-{name}"} for name in one["secrets"]]})
REPLICATION = st.fixed_dictionaries(
    {"name": NAMES, "registry": st.just("quay.io"), "direction": st.sampled_from(["pull", "push"])},
    optional={
        "delete": st.booleans(),
        "flatten": st.integers(-1, 2),
        "filters": st.fixed_dictionaries({}, optional={"name": NAMES, "tag": NAMES}),
    },
)


def unique(strategy: Any) -> Any:
    return st.lists(strategy, max_size=3, unique_by=lambda one: one["name"])


WANTED = st.fixed_dictionaries(
    {"registries": st.just([{"name": "quay.io", "url": "https://quay.io"}])},
    optional={
        "projects": unique(PROJECT),
        "robots": unique(ROBOT),
        "replications": unique(REPLICATION),
        "garbage_collection": st.fixed_dictionaries({"schedule": CRON, "delete_untagged": st.booleans()}),
        "scan_all": st.fixed_dictionaries({"schedule": CRON}),
        "exclusive": st.lists(
            st.sampled_from(["registries", "projects", "members", "robots", "replications"]), unique=True
        ),
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80)
@given(st.lists(WANTED, min_size=1, max_size=3))
def test_whatever_was_there_a_second_plan_is_empty(
    monkeypatch: pytest.MonkeyPatch, wishes: list[dict[str, Any]]
) -> None:
    harbor, cluster = HarborStandIn(), SecretsStandIn()
    call = runner(harbor, cluster, monkeypatch)
    for wish in wishes:
        said = call(check_mode=True, **wish)["actions"]
        assert call(**wish)["actions"] == said
        assert call(**wish)["actions"] == []
