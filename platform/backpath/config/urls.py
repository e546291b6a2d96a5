"""Every address of the site. The apps say what lies below theirs."""

from django.contrib import admin
from django.urls import include, path

from backpath.config import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("accounts/", include("allauth.account.urls")),
    path("admin/", admin.site.urls),
    path("", include("backpath.learning.catalog_urls")),
    path("", include("backpath.learning.urls")),
    path("", include("backpath.grading.urls")),
]
