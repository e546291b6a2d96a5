"""Grading in the admin: to look, to find what is stuck, and to run or cancel a job."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from backpath.core.errors import BackpathError
from backpath.execution.outcome import LIMIT_KINDS
from backpath.grading import jobs, selectors, submissions
from backpath.grading.limit_words import NAMES, amount, limit_words
from backpath.grading.models import (
    CheckResult,
    GraderHeartbeat,
    GradingJob,
    JobEvent,
    Report,
    Submission,
)


class LookOnly:
    """History is not edited: nothing is added or changed, and only superusers may delete."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002 - Django's signature
        return bool(getattr(request.user, "is_superuser", False))


class JobInline(LookOnly, admin.TabularInline):  # type: ignore[type-arg]  # generic for the stubs only
    model = GradingJob
    fields = ("attempt", "state", "worker", "requested_at", "finished_at", "error_code")
    readonly_fields = fields
    show_change_link = True


@admin.register(Submission)
class SubmissionAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the stubs only
    list_display = ("id", "learner", "assignment", "number", "created_at", "file_count")
    list_filter = ("assignment",)
    search_fields = ("id", "learner__username", "learner__email", "content_hash")
    date_hierarchy = "created_at"
    inlines = (JobInline,)


class StuckFilter(admin.SimpleListFilter):
    """Running jobs that lost their worker, and queued ones that nobody takes."""

    title = "stuck"
    parameter_name = "stuck"

    def lookups(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        model_admin: "admin.ModelAdmin[Any]",  # noqa: ARG002 - Django's signature
    ) -> list[tuple[str, str]]:
        return [("yes", "Stuck")]

    def queryset(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        queryset: QuerySet[GradingJob],
    ) -> QuerySet[GradingJob]:
        if self.value() != "yes":
            return queryset
        return queryset.filter(pk__in=selectors.stuck_jobs().values("pk"))


class EventInline(LookOnly, admin.TabularInline):  # type: ignore[type-arg]  # generic for the stubs only
    model = JobEvent
    fields = ("sequence", "kind", "payload", "created_at")
    readonly_fields = fields


@admin.register(GradingJob)
class GradingJobAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the stubs only
    list_display = (
        "id",
        "learner",
        "assignment",
        "submission_number",
        "attempt",
        "state",
        "phase",
        "worker",
        "requested_at",
        "lease_expires_at",
        "error_code",
    )
    list_filter = (StuckFilter, "state", "queue", "error_code", "assignment")
    list_select_related = ("learner", "assignment")
    search_fields = ("id", "submission__id", "learner__username", "worker")
    actions = ("run_again", "cancel")
    inlines = (EventInline,)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Who may act on jobs: staff with the permission to change them."""
        return request.user.has_perm("grading.change_gradingjob")

    @admin.action(description="Run crashed or canceled jobs again", permissions=["operate"])
    def run_again(self, request: HttpRequest, queryset: QuerySet[GradingJob]) -> None:
        started = 0
        for job in queryset.select_related("submission__assignment"):
            try:
                submissions.run_again(job.submission)
            except BackpathError as error:
                self.message_user(request, f"{job.pk}: {error.message}", messages.WARNING)
            else:
                started += 1
        self.message_user(request, f"Run again: {started}.", messages.SUCCESS)

    @admin.action(description="Cancel open jobs", permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[GradingJob]) -> None:
        canceled = sum(jobs.cancel_job(job_id) for job_id in queryset.values_list("pk", flat=True))
        self.message_user(request, f"Canceled: {canceled} of {len(queryset)}.")


class ResultInline(LookOnly, admin.TabularInline):  # type: ignore[type-arg]  # generic for the stubs only
    model = CheckResult
    fields = ("position", "check_id", "outcome", "points", "max_points", "message", "duration_ms")
    readonly_fields = fields


class LimitFilter(admin.SimpleListFilter):
    """Reports by the limit that they name."""

    title = "limit"
    parameter_name = "limit"

    def lookups(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        model_admin: "admin.ModelAdmin[Any]",  # noqa: ARG002 - Django's signature
    ) -> list[tuple[str, str]]:
        return [("any", "Any"), *((kind, NAMES[kind].capitalize()) for kind in LIMIT_KINDS)]

    def queryset(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        queryset: QuerySet[Report],
    ) -> QuerySet[Report]:
        wanted = self.value()
        if wanted is None:
            return queryset
        if wanted == "any":
            return queryset.filter(limit__isnull=False)
        return queryset.filter(limit__kind=wanted)


@admin.register(Report)
class ReportAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the stubs only
    list_display = (
        "id",
        "job",
        "verdict",
        "score",
        "max_score",
        "limit_met",
        "origin",
        "created_at",
    )
    list_filter = ("verdict", LimitFilter, "origin", "job__assignment")
    list_select_related = ("job",)
    search_fields = ("job__id", "job__learner__username")
    inlines = (ResultInline,)

    @admin.display(description="limit", empty_value="-")
    def limit_met(self, report: Report) -> str | None:
        """What the report names, as `memory: 511.9 of 512 MB`."""
        limit = report.limit
        words = limit_words(limit)
        if limit is None or words is None:
            return None
        used = "?" if limit["used"] is None else amount(limit["used"], "")
        return f"{words.name}: {used} of {amount(limit['limit'], limit['unit'])}"


@admin.register(GraderHeartbeat)
class GraderHeartbeatAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the stubs only
    list_display = ("worker", "is_ok", "message", "remedy", "queues", "seen_at")
