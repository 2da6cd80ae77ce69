# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role clickhouse tells ClickHouse, by its own engine: settings, users and rights are taken, statements run, a backup is restored.

chdb is that engine as a library of Python, without a server, a cluster or Keeper; what needs these is parsed alone.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
import yaml

from ..contract.records import EVERYTHING, manifests, record
from .conftest import ROOT

# A Python that has chdb, which the tests do not install: it has more than half a gigabyte.
PYTHON = os.environ.get("KUBESTD_CHDB") or sys.executable
PROGRAM = """
import json, sys, chdb
connection = chdb.connect(sys.argv[1])
said = []
for statement in json.load(sys.stdin):
    try:
        said.append(str(connection.query(statement, "TSV")).strip())
    except Exception as error:
        said.append("FAILED " + str(error))
print(json.dumps(said))
"""
ENDPOINT = "https://rook-ceph-rgw-ceph-objectstore.rook-ceph.svc/clickhouse"


@cache
def engine() -> str:
    """Why there is no engine, or nothing."""
    done = subprocess.run([PYTHON, "-c", "import chdb"], capture_output=True, check=False)
    return (
        ""
        if done.returncode == 0
        else "chdb, ClickHouse's engine for Python, is not here; KUBESTD_CHDB names a Python that has it"
    )


@cache
def described() -> dict[str, Any]:
    return record(ROOT / "roles/clickhouse", **EVERYTHING)


def file(name: str) -> dict[str, Any]:
    """A file of the server's configuration."""
    [item] = manifests(described(), "ClickHouseInstallation")
    return dict(yaml.safe_load(item["spec"]["configuration"]["files"][name]))


def job(name: str) -> str:
    """A file that a Job reads."""
    found = next(item for item in manifests(described(), "ConfigMap") if item["metadata"]["name"] == "clickhouse-jobs")
    return str(found["data"][name])


def xml(name: str, value: Any) -> str:
    """As ClickHouse reads its YAML, which chdb does not: @ is an attribute, a list is the element again and again."""
    if isinstance(value, list):
        return "".join(xml(name, item) for item in value)
    if isinstance(value, dict):
        attributes = "".join(f' {key[1:]}="{item}"' for key, item in value.items() if key.startswith("@"))
        inside = "".join(xml(key, item) for key, item in value.items() if not key.startswith("@"))
        return f"<{name}{attributes}>{inside}</{name}>"
    return f"<{name}>{escape(str(value).lower() if isinstance(value, bool) else str(value))}</{name}>"


@pytest.fixture
def ask(tmp_path: Path) -> Any:
    """Carry out statements one after another, with the configuration of the role."""
    if reason := engine():
        pytest.skip(reason)
    users = file("users.d/platform.yaml")
    own = {
        "no_password": "",
        "profile": "default",
        "quota": "default",
        "networks": {"ip": "::/0"},
        "access_management": 1,
    }
    users["users"]["default"], users["profiles"]["default"], users["quotas"] = own, {}, {"default": ""}
    (tmp_path / "users.xml").write_text(xml("clickhouse", users))
    where = {
        "users_config": f"{tmp_path}/users.xml",
        "user_directories": {"users_xml": {"path": f"{tmp_path}/users.xml"}},
    }
    config = {**file("config.d/platform.yaml"), **where, "macros": {"cluster": "main", "shard": "0", "replica": "r"}}
    (tmp_path / "config.xml").write_text(xml("clickhouse", config))
    [item] = manifests(described(), "ClickHouseInstallation")
    container = item["spec"]["templates"]["podTemplates"][0]["spec"]["containers"][0]
    environment = {**os.environ, **{one["name"]: f"secret-{one['name']}" for one in container["env"]}}

    def carry_out(*statements: str) -> list[str]:
        command = [PYTHON, "-c", PROGRAM, f":memory:?config-file={tmp_path}/config.xml"]
        text = json.dumps(statements)
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, check=False, env=environment, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return list(json.loads(done.stdout.splitlines()[-1]))

    return carry_out


def local(statement: str) -> str:
    """The statement for one server without Keeper."""
    text = statement.replace(" ON CLUSTER '{cluster}'", "")
    return re.sub(r"Replicated(\w*MergeTree)\('[^']*', '\{replica\}'\)", r"\1", text)


def statements() -> list[str]:
    return [one.strip() for one in job("schema.sql").split(";\n") if one.strip()]


def test_users_are_taken_with_their_passwords_and_their_rights(ask: Any) -> None:
    kinds, probe, idle, shop, profiles = ask(
        "SELECT name, auth_type[1] FROM system.users ORDER BY name",
        "SHOW GRANTS FOR probe",
        "SHOW GRANTS FOR idle",
        "SHOW GRANTS FOR shop",
        "SELECT profile_name, setting_name, value FROM system.settings_profile_elements WHERE setting_name != '' ORDER BY ALL",
    )
    assert dict(line.split("\t") for line in kinds.splitlines()) == {
        **dict.fromkeys(["admin", "grafana", "idle", "prometheus", "shop"], "plaintext_password"),
        **dict.fromkeys(["default", "probe"], "no_password"),
    }
    assert probe.splitlines() == [
        "GRANT SELECT ON system.one TO probe",
        "GRANT SELECT ON system.zookeeper_connection TO probe",
    ]
    assert (idle, shop) == ("", "GRANT SELECT ON shop.* TO shop")
    assert "probe\treadonly\t1" in profiles and "shop\tmax_memory_usage\t1000000000" in profiles


def test_statements_make_what_they_say_and_rows_go_from_the_queue_to_the_table(ask: Any) -> None:
    wanted = [local(one) for one in statements()]
    assert "CLUSTER" not in "".join(wanted) and "Replicated" not in "".join(wanted)
    queue = next(number for number, one in enumerate(wanted) if "ENGINE = Kafka" in one)
    # Kafka is not here; what stands in its place takes the rows that would come from there
    wanted[queue] = wanted[queue].partition(" ENGINE = Kafka")[0] + " ENGINE = Null"
    said = ask(
        "SET allow_experimental_time_series_table = 1",
        *wanted,
        *wanted,
        "INSERT INTO shop.orders_queue VALUES (1, now(), 2.5), (2, now(), 4)",
        "SELECT sum(amount) FROM shop.orders",
        "SELECT engine FROM system.tables WHERE database = 'metrics' AND name = 'prometheus'",
        "SELECT count() FROM system.tables WHERE database = 'metrics' AND create_table_query LIKE '%365)%'",
    )
    assert not [one for one in said if one.startswith("FAILED")], said
    assert said[-3:-1] == ["6.5", "TimeSeries"] and int(said[-1]) >= 1


def test_what_needs_a_cluster_or_kafka_is_good_sql(ask: Any) -> None:
    for said in ask(*[f"EXPLAIN AST {one}" for one in statements()]):
        assert said.startswith(("CreateQuery", "CreateDatabaseQuery")), said


def test_a_backup_as_the_job_makes_it_can_be_restored(ask: Any) -> None:
    found = re.search(r"BACKUP ALL .*'\)", job("backup.sh"))
    assert found and f"TO S3('{ENDPOINT}/NAME')" in found[0]
    here = local(found[0]).replace(f"S3('{ENDPOINT}/NAME')", "Memory('backup')")
    said = ask(
        f"EXPLAIN AST {found[0]}",
        "CREATE DATABASE shop",
        "CREATE TABLE shop.orders (id UInt64) ENGINE = MergeTree ORDER BY id",
        "INSERT INTO shop.orders VALUES (42)",
        here,
        "DROP DATABASE shop",
        "RESTORE ALL FROM Memory('backup')",
        "SELECT id FROM shop.orders",
    )
    assert said[0].startswith("BackupQuery") and "BACKUP_CREATED" in said[4] and said[-1] == "42", said


def test_a_wrong_right_would_be_seen(ask: Any) -> None:
    assert ask("EXPLAIN AST GRANT SELEKT ON shop.* TO shop")[0].startswith("FAILED")
