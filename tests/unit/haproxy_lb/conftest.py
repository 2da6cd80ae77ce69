# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's files for many cases, and certificates for API servers that are none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[2]
VIRTUAL = {"mode": "dedicated", "virtual_ip": "10.0.0.9", "virtual_router_id": 77}
CA = "-----BEGIN CERTIFICATE-----\nplaceholder\n-----END CERTIFICATE-----\n"

# name of the case: (host it runs on, variables)
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "one_balancer": ("lb1", {"haproxy_lb_ca": None}),
    "two_balancers": ("lb1,lb2", {"cluster_load_balancer": VIRTUAL}),
    "colocated": (
        "cp1",
        {"cluster_load_balancer": {**VIRTUAL, "mode": "colocated"}, "cluster_endpoint": {"host": "api", "port": 8443}},
    ),
    "own_interface": ("lb1", {"cluster_load_balancer": {**VIRTUAL, "interface": "bond0"}}),
    "services": (
        "lb1",
        {
            "haproxy_lb_services": [
                {"name": "http", "port": 80, "node_port": 30080},
                {"name": "https", "port": 443, "node_port": 30443, "proxy_protocol": True, "addresses": ["10.0.0.50"]},
            ]
        },
    ),
    "own_backends": (
        "lb1",
        {"haproxy_lb_backends": [{"name": "far", "address": "192.0.2.7"}], "cluster_api_port": 7443},
    ),
    "external": ("lb1", {"cluster_load_balancer": {"mode": "external"}}),
    "absent": ("lb1", {"haproxy_lb_state": "absent"}),
}
INVENTORY = {
    "machines": {
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
        "children": {
            "load_balancers": {
                "hosts": {"lb1": {"cluster_node_ip": "10.0.0.11"}, "lb2": {"cluster_node_ip": "10.0.0.12"}}
            },
            "control_plane": {"hosts": {f"cp{n}": {"cluster_node_ip": f"10.0.0.2{n}"} for n in (1, 2, 3)}},
            "workers": {"hosts": {"w1": {"cluster_node_ip": "10.0.0.41"}}},
        },
    }
}


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One ansible-playbook run of the real role over all cases, with modules that write below a folder."""
    root = tmp_path_factory.mktemp("haproxy_lb")
    collection = root / "collections/ansible_collections/kubestd/platform"
    (collection / "roles").mkdir(parents=True)
    (collection / "galaxy.yml").write_text((CHECKOUT / "galaxy.yml").read_text())
    (collection / "roles/haproxy_lb").symlink_to(CHECKOUT / "roles/haproxy_lb")
    shutil.copytree(HERE / "stubs", collection / "plugins/modules")
    plays = [
        {
            "name": f"Render {case}",
            "hosts": hosts,
            "gather_facts": False,
            "vars": {"haproxy_lb_ca": CA, **variables},
            "environment": {"KUBESTD_STUB_ROOT": f"{root}/{case}/{{{{ inventory_hostname }}}}"},
            "roles": [{"role": "kubestd.platform.haproxy_lb"}],
        }
        for case, (hosts, variables) in CASES.items()
    ]
    (root / "inventory.yml").write_text(yaml.safe_dump(INVENTORY))
    (root / "play.yml").write_text(yaml.safe_dump(plays))
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": f"{root}/collections",
        "ANSIBLE_HOME": f"{root}/home",
        "ANSIBLE_PIPELINING": "1",
    }
    environment.pop("ANSIBLE_CONFIG", None)
    answer = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "-i", "inventory.yml", "play.yml"],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return root


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.crt, server.pem (name kubernetes) and other.pem (another name), made by openssl."""
    folder = tmp_path_factory.mktemp("pki")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    openssl(
        "req",
        "-x509",
        *key,
        "-keyout",
        "ca.key",
        "-out",
        "ca.crt",
        "-subj",
        "/CN=kubernetes-ca",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
    )
    for name, host in (("server", "kubernetes"), ("other", "kubelet")):
        openssl("req", *key[:-2], "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={host}")
        (folder / f"{name}.ext").write_text(f"subjectAltName=DNS:{host}\nauthorityKeyIdentifier=keyid\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-extfile", f"{name}.ext", "-out", f"{name}.crt")  # fmt: skip
        (folder / f"{name}.pem").write_text((folder / f"{name}.crt").read_text() + (folder / f"{name}.key").read_text())
    return folder


@pytest.fixture(scope="session")
def cluster_ca(pki: Path) -> Path:
    return pki / "ca.crt"
