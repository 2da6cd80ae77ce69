# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PyYAML, which comes with Ansible, for modules that run on the controller. A Python without it gets a sentence once it is needed."""

from __future__ import annotations

import sys
from typing import Any

from ._errors import KubestdError


class Absent:
    """Takes the place of the library, so that a module can be loaded and documented without it."""

    SafeLoader = SafeDumper = None
    YAMLError = KubestdError

    def load(self, *_: Any, **__: Any) -> Any:
        raise KubestdError(
            f"PyYAML is missing for {sys.executable}; install python3-yaml, or set ansible_python_interpreter to the Python "
            "that runs Ansible."
        )

    load_all = dump = load


LOADER: Any = None
try:
    import yaml
except ImportError:
    yaml = Absent()  # type: ignore[assignment]
else:

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """By libyaml where Python has it. A lone = is text, as it is to Kubernetes and helm; the CRDs of the Prometheus operator have one."""

    Loader.add_constructor("tag:yaml.org,2002:value", lambda _, node: node.value)
    LOADER = Loader

__all__ = ["LOADER", "yaml"]
