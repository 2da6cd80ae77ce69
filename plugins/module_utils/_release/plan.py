# Copyright: (c) 2026, kubestd.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release still needs: decided from its description and the labels of its revisions, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

DEPLOYED, FAILED, UNINSTALLED, UNINSTALLING = "deployed", "failed", "uninstalled", "uninstalling"
PENDING = ("pending-install", "pending-upgrade", "pending-rollback")


@dataclass(frozen=True)
class Revision:
    """One revision as its Secret's labels tell; what we did not write is ''."""

    number: int
    status: str
    secret: str = ""
    fingerprint: str = ""
    salt: str = ""
    chart: str = ""  # SHA-256 of the archive
    source: str = ""
    version: str = ""
    age: float = 0.0  # seconds since helm changed it last

    @property
    def ours(self) -> bool:
        """Whether this module made it."""
        return bool(self.fingerprint)


@dataclass(frozen=True)
class Wanted:
    """A release as it is to be. chart: SHA-256 of the archive, '' when not known yet; fingerprint: with found's salt."""

    state: str
    chart: str
    source: str
    fingerprint: str
    recover: bool = True
    patience: float = 300.0  # seconds that a helm that is not ours may take


@dataclass(frozen=True)
class Plan:
    """Steps in order, each with a sentence; wait is a sentence when somebody else's helm may be at work."""

    steps: tuple[tuple[str, str], ...] = ()
    wait: str = ""
    refuse: str = ""

    @property
    def changed(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.steps)

    def has(self, step: str) -> bool:
        """Whether a step is in it."""
        return any(name == step for name, _ in self.steps)


def newest(revisions: list[Revision]) -> Revision | None:
    """The revision that counts."""
    return max(revisions, key=lambda revision: revision.number, default=None)


def same_chart(wanted: Wanted, found: Revision) -> bool:
    """By digest when it is known, else by where the chart comes from."""
    return found.chart == wanted.chart if wanted.chart else found.source == wanted.source


def make_plan(name: str, wanted: Wanted, revisions: list[Revision], drifted: bool = False) -> Plan:
    """Pure: the same arguments give the same plan."""
    found = newest(revisions)
    if wanted.state == "absent":
        if found is None or found.status == UNINSTALLED:
            return Plan()
        if found.status in PENDING and not found.ours and found.age < wanted.patience:
            return Plan(wait=_busy(name, found))
        return Plan((("uninstall", f"uninstall {name}, revision {found.number} ({found.status})"),))
    if found is None or found.status == UNINSTALLED:
        return Plan((("upgrade", f"install {name}" + (" again" if found else "")),))
    if found.status in PENDING or found.status == UNINSTALLING:
        if not found.ours and found.age < wanted.patience:
            return Plan(wait=_busy(name, found))
        if not wanted.recover:
            return Plan(
                refuse=f"Revision {found.number} of the release {name} is {found.status}, left by a run that was ended;"
                " set recover to true, or mend it with helm."
            )
        if found.status == UNINSTALLING:
            return Plan(
                (
                    ("uninstall", f"finish the removal of {name} that was interrupted"),
                    ("upgrade", f"install {name} again"),
                )
            )
        return Plan(
            (
                (
                    "mark_failed",
                    f"close revision {found.number} of {name}, left {found.status} by a run that was ended",
                ),
                ("upgrade", f"release {name} again"),
            )
        )
    reason = _reason(wanted, found, drifted)
    return Plan((("upgrade", f"{'adopt' if not found.ours else 'upgrade'} {name}: {reason}"),)) if reason else Plan()


def _reason(wanted: Wanted, found: Revision, drifted: bool) -> str:
    if found.status != DEPLOYED:
        return f"revision {found.number} is {found.status}"
    if not found.ours:
        return "it was released by another hand"
    if not same_chart(wanted, found):
        return "another chart"
    if found.fingerprint != wanted.fingerprint:
        return "other values or options"
    return "its objects were changed by another hand" if drifted else ""


def _busy(name: str, found: Revision) -> str:
    return f"revision {found.number} of the release {name} is {found.status} since {found.age:.0f} s, by a helm that is not ours"
