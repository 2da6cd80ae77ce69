#!/usr/bin/python
# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k8s_health
short_description: Wait until a list of checks passes, and name the root cause when it does not
description:
  - Waits for all checks at once against one deadline, through watches. When all is well the answer comes at the first look.
  - Each object gets one of Argo CD's words V(Healthy), V(Progressing), V(Degraded), V(Suspended), V(Missing), V(Unknown) and a sentence.
    Built-in kinds and the custom resources of the systems of this collection have rules of their own; others are judged as kstatus does,
    by C(observedGeneration) and their conditions.
  - A C(ValidatingWebhookConfiguration) or C(MutatingWebhookConfiguration) is healthy only when each service that it calls has a
    ready endpoint, since the API server refuses requests when nobody answers. This needs the permission to read EndpointSlices and
    pods in the namespace of the service.
  - Ends early when waiting is in vain, for example because an image cannot be pulled, a container crash-loops, a claim has no
    storage class, a Job has failed, or a quota is used up.
  - The module waits by itself and survives restarts of the API server and lost watches, so a task needs no C(until), C(retries) or
    C(delay). With C(until) the whole wait would begin again, with a new deadline.
  - With O(timeout=0), and in check mode, everything is asked exactly once and nothing is tried again. What is not healthy at that
    moment fails with O(timeout=0) and is only reported in check mode. Give the task C(retries) only around such single looks.
author:
  - kubestd.platform contributors (@kubestd)
requirements:
  - PyYAML
extends_documentation_fragment:
  - kubestd.platform.kube
  - kubestd.platform.kube.in_process
attributes:
  check_mode:
    support: full
    description: Looks once and does not wait; what is not healthy yet is no failure then. Probes are not sent.
  diff_mode:
    support: none
    description: Nothing is ever changed.
  idempotent:
    support: full
    description: Nothing is ever changed.
options:
  checks:
    description:
      - The checks. Each names objects with O(checks[].kind), a service with O(checks[].http), a release with O(checks[].release),
        or a chain of services with O(checks[].probe).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What messages call the check; without it, what it looks at.
        type: str
      api_version:
        description: API version of the objects; not needed for built-in kinds.
        type: str
      kind:
        description: Kind of the objects.
        type: str
      object:
        description: Name of the one object; without it all objects that O(checks[].selector) selects have to be healthy.
        type: str
      namespace:
        description: Namespace of the objects; without it V(default) for one object, and all namespaces for several.
        type: str
      selector:
        description: Labels of the objects.
        type: dict
      min_count:
        description: How many objects there have to be at least.
        type: int
        default: 1
      state:
        description: Whether the objects are to be healthy, or gone.
        type: str
        choices: [healthy, absent]
        default: healthy
      condition:
        description:
          - Only this condition counts instead of the health of the object.
          - The wait still ends early when the object itself cannot become healthy by waiting.
        type: dict
        suboptions:
          type:
            description: Type of the condition.
            type: str
            required: true
          status:
            description: What its status has to be.
            type: str
            default: "True"
      newest:
        description:
          - Only the newest object that has ended counts, as of backups; older ones may have failed, and one that is at work is waited for by nobody.
        type: dict
        suboptions:
          by:
            description: Dotted path of the time by which objects are ordered; that of their creation where nothing stands there.
            type: str
            default: metadata.creationTimestamp
          max_age:
            description: Seconds after which the newest is too old, and V(Degraded).
            type: int
      http:
        description:
          - A GET request to a service, through the API server's service proxy, so that nothing but access to the API server is needed.
            It needs the permission to get C(services/proxy).
          - The service is asked once a second until it answers as expected. One request is one try, whatever its answer; an answer
            that takes longer than 10 seconds is none.
          - All that is given of O(checks[].http.status), O(checks[].http.body_regex) and O(checks[].http.json) has to be true of one answer.
        type: dict
        suboptions:
          service:
            description: Name of the service.
            type: str
            required: true
          namespace:
            description: Its namespace.
            type: str
            required: true
          port:
            description: Number or name of its port.
            type: str
            required: true
          path:
            description: Path of the request, with its query.
            type: str
            default: /
          host:
            description: The Host header, for a service with many names behind it such as a gateway; that of the API server when not given.
            type: str
          scheme:
            description: How the service is spoken to.
            type: str
            choices: [http, https]
            default: http
          status:
            description: Status codes that are good.
            type: list
            elements: int
            default: [200]
          body_regex:
            description: A regular expression that the body has to contain.
            type: str
          json:
            description:
              - Values that a JSON body has to have, by their dotted path; a number in a path is a place in a list.
              - Numbers, booleans and texts are compared as templates write them, without regard to case.
            type: dict
      probe:
        description:
          - A signal that is sent to a service and looked for at another one, through the API server's service proxy. It passes when what was sent is
            found again, so that all between the two works.
          - It needs the permission to C(create) and to get C(services/proxy).
          - In paths, bodies and expectations, C(<marker>) stands for 16 and C(<trace>) for 32 hexadecimal digits that are new each time, and
            C(<seconds>), C(<milliseconds>) and C(<nanoseconds>) for the time of sending since 1970. Both sides have to have C(<marker>) or
            C(<trace>).
          - Each try sends one signal and looks for it twice a second for O(checks[].probe.within) seconds, also with O(timeout=0). While there is time
            left, a signal that was not found is followed by another. Nothing that was sent is taken away, so send something small.
        type: dict
        suboptions:
          send:
            description: What is sent, as a POST.
            type: dict
            required: true
            suboptions:
              service:
                description: Name of the service.
                type: str
                required: true
              namespace:
                description: Its namespace.
                type: str
                required: true
              port:
                description: Number or name of its port.
                type: str
                required: true
              path:
                description: Path of the request, with its query, in which everything but the placeholders is encoded as in any address.
                type: str
                default: /
              scheme:
                description: How the service is spoken to.
                type: str
                choices: [http, https]
                default: http
              body:
                description: The body; text is sent as it is, anything else as JSON.
                type: raw
              content_type:
                description: What the body is.
                type: str
                default: application/json
              host:
                description: The Host header, for one of many names behind a service.
                type: str
              status:
                description: Status codes that are good.
                type: list
                elements: int
                default: [200, 201, 202, 204]
              body_regex:
                description: A regular expression that the body of the answer has to contain.
                type: str
              json:
                description: Values that a JSON body of the answer has to have, by their dotted path, as in O(checks[].http.json).
                type: dict
          find:
            description: How it is found again; a POST when it has a body, otherwise a GET.
            type: dict
            required: true
            suboptions:
              service:
                description: Name of the service.
                type: str
                required: true
              namespace:
                description: Its namespace.
                type: str
                required: true
              port:
                description: Number or name of its port.
                type: str
                required: true
              path:
                description: Path of the request, with its query, in which everything but the placeholders is encoded as in any address.
                type: str
                default: /
              scheme:
                description: How the service is spoken to.
                type: str
                choices: [http, https]
                default: http
              body:
                description: The body; text is sent as it is, anything else as JSON.
                type: raw
              content_type:
                description: What the body is.
                type: str
                default: application/json
              host:
                description: The Host header, for one of many names behind a service.
                type: str
              status:
                description: Status codes that are good.
                type: list
                elements: int
                default: [200]
              body_regex:
                description: A regular expression that the body of the answer has to contain.
                type: str
              json:
                description: Values that a JSON body of the answer has to have, by their dotted path, as in O(checks[].http.json).
                type: dict
          within:
            description: Seconds that a signal may be on its way.
            type: int
            default: 20
      release:
        description:
          - All workloads of a Helm release, its claims, and its services of type LoadBalancer.
          - With O(checks[].state=absent), until these and the record of the release are gone.
        type: dict
        suboptions:
          name:
            description: Name of the release.
            type: str
            required: true
          namespace:
            description: Its namespace.
            type: str
            required: true
          namespaces:
            description: Further namespaces in which it has workloads.
            type: list
            elements: str
            default: []
  timeout:
    description: Seconds for all checks together; V(0) looks once.
    type: int
    default: 300
  fail_fast:
    description: Whether to end as soon as one check cannot pass by waiting.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Wait for Harbor as its users see it
  kubestd.platform.k8s_health:
    timeout: 600
    checks:
      - release:
          name: harbor
          namespace: harbor
      - name: the API answers that all parts are healthy
        http:
          service: harbor
          namespace: harbor
          port: 80
          path: /api/v2.0/health
          json:
            status: healthy
      - api_version: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        object: harbor
        namespace: harbor

- name: Wait for a service that answers with one of several codes, and with a certain text
  kubestd.platform.k8s_health:
    checks:
      - http:
          service: https-portal
          namespace: web
          port: https
          scheme: https
          path: /login?next=/
          status: [200, 302]
          body_regex: "(?i)sign in"

- name: Wait for one condition, whatever else the object says
  kubestd.platform.k8s_health:
    checks:
      - api_version: cert-manager.io/v1
        kind: Certificate
        object: wildcard
        namespace: gateway
        condition:
          type: Issuing
          status: "False"

- name: Wait until a namespace and a release are gone, or say which finalizer holds them
  kubestd.platform.k8s_health:
    checks:
      - kind: Namespace
        object: old
        state: absent
      - release:
          name: harbor
          namespace: harbor
        state: absent

- name: Wait until the API server can call the webhook of cert-manager
  kubestd.platform.k8s_health:
    checks:
      - kind: ValidatingWebhookConfiguration
        object: cert-manager-webhook

- name: Look once, and go on whatever the answer is
  kubestd.platform.k8s_health:
    timeout: 0
    checks:
      - kind: Deployment
        selector:
          app.kubernetes.io/part-of: shop
        namespace: shop
  register: shop
  failed_when: false

- name: Send a log line through the collectors, and find it again in Loki
  kubestd.platform.k8s_health:
    checks:
      - name: a log line arrives
        probe:
          send:
            service: otel-gateway-collector
            namespace: monitoring
            port: 4318
            path: /v1/logs
            body:
              resourceLogs:
                - resource:
                    attributes: [{key: service.name, value: {stringValue: probe}}]
                  scopeLogs:
                    - logRecords: [{timeUnixNano: <nanoseconds>, body: {stringValue: "probe <marker>"}}]
          find:
            service: loki-gateway
            namespace: monitoring
            port: 80
            path: /loki/api/v1/query_range?query=%7Bservice_name%3D%22probe%22%7D%7C%3D%22<marker>%22
            body_regex: "probe <marker>"

- name: Wait until all nodes are there and ready
  kubestd.platform.k8s_health:
    checks:
      - kind: Node
        min_count: 5
"""

RETURN = r"""
message:
  description: How many checks passed after how long, and why the others did not.
  returned: always
  type: str
  sample: "1 of 2 checks passed after 12 s, and waiting longer would not help; Deployment harbor/harbor-core:
    0/2 available: pod harbor-core-6d4cf56db6-x2x9z: container core: ImagePullBackOff: not found"
checks:
  description: The checks in the order they were given; the same on success and on failure.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: What messages call the check.
      type: str
      sample: release harbor/harbor
    status:
      description: The worst word among its objects.
      type: str
      sample: Progressing
    message:
      description: Why it is not healthy, empty when it is.
      type: str
      sample: "Deployment harbor/harbor-core 1/2 available"
    passed:
      description: Whether it passed.
      type: bool
      sample: false
    seconds:
      description: Seconds until it passed, or until it was last judged.
      type: float
      sample: 4.2
    objects:
      description: Its objects.
      type: list
      elements: dict
      contains:
        kind:
          description: Kind.
          type: str
          sample: Deployment
        namespace:
          description: Namespace, empty for objects without one.
          type: str
          sample: harbor
        name:
          description: Name.
          type: str
          sample: harbor-core
        status:
          description: One of the six words.
          type: str
          sample: Progressing
        message:
          description: Why it is not healthy.
          type: str
          sample: 1/2 available
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import KubestdError
from ..module_utils._health.engine import Engine
from ..module_utils._health.plan import make_check
from ..module_utils._kubeconfig import KUBE_ARGUMENTS, access
from ..module_utils._objects import Objects


def main() -> None:
    """Run the module."""
    text = {"type": "str"}
    required = {"type": "str", "required": True}
    condition = {"type": required, "status": {"type": "str", "default": "True"}}
    newest = {"by": {"type": "str", "default": "metadata.creationTimestamp"}, "max_age": {"type": "int"}}
    release = {
        "name": required,
        "namespace": required,
        "namespaces": {"type": "list", "elements": "str", "default": []},
    }
    http = {
        "service": required,
        "namespace": required,
        "port": required,
        "path": {"type": "str", "default": "/"},
        "host": text,
        "scheme": {"type": "str", "choices": ["http", "https"], "default": "http"},
        "status": {"type": "list", "elements": "int", "default": [200]},
        "body_regex": text,
        "json": {"type": "dict"},
    }
    request = {**http, "body": {"type": "raw"}, "content_type": {"type": "str", "default": "application/json"}}
    sent = {**request, "status": {"type": "list", "elements": "int", "default": [200, 201, 202, 204]}}
    probe = {
        "send": {"type": "dict", "required": True, "options": sent},
        "find": {"type": "dict", "required": True, "options": request},
        "within": {"type": "int", "default": 20},
    }
    check = {
        "name": text,
        "api_version": text,
        "kind": text,
        "object": text,
        "namespace": text,
        "selector": {"type": "dict"},
        "min_count": {"type": "int", "default": 1},
        "state": {"type": "str", "choices": ["healthy", "absent"], "default": "healthy"},
        "condition": {"type": "dict", "options": condition},
        "newest": {"type": "dict", "options": newest},
        "http": {"type": "dict", "options": http},
        "probe": {"type": "dict", "options": probe},
        "release": {"type": "dict", "options": release},
    }
    one_of = ("kind", "http", "probe", "release")
    checks = {"type": "list", "elements": "dict", "required": True, "options": check}
    checks.update(required_one_of=[one_of], mutually_exclusive=[one_of])
    module = AnsibleModule(
        argument_spec={
            **KUBE_ARGUMENTS,
            "checks": checks,
            "timeout": {"type": "int", "default": 300},
            "fail_fast": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    try:
        wanted = [make_check(options) for options in module.params["checks"]]
        who = access(module.params)
        seconds = float(module.params["timeout"])
        patience = {"timeout": min(30.0, max(5.0, seconds)), "retry_for": min(15.0, seconds)}
        engine = Engine(lambda: Objects(who.client(**patience)), wanted, seconds, module.params["fail_fast"])
        engine.send = not module.check_mode
        result = engine.run(wait=not module.check_mode)
    except KubestdError as error:
        module.fail_json(msg=str(error))
    if result.pop("passed") or module.check_mode:
        module.exit_json(changed=False, **result)
    module.fail_json(msg=result["message"], **result)


if __name__ == "__main__":
    main()
