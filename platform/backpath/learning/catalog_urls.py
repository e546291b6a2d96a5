"""The `catalog:` addresses. They are routed here because the pages show progress, and
learning may import the catalog while the catalog may not import learning.
"""

from django.urls import path

from backpath.catalog import views as files
from backpath.learning import views as pages

app_name = "catalog"

urlpatterns = [
    path("", pages.home, name="home"),
    path("paths/<slug:slug>/", pages.path_page, name="path"),
    path("paths/<slug:path_slug>/<slug:slug>/", pages.module_page, name="module"),
    path("lessons/<slug:slug>/", pages.lesson_page, name="lesson"),
    path("lessons/<slug:slug>.md", files.lesson_source, name="lesson_source"),
    path("projects/", pages.projects_page, name="projects"),
    path("projects/<slug:slug>/", pages.project_page, name="project"),
    path("projects/<slug:slug>/starter.zip", files.starter, name="starter"),
    path("content/<str:content_hash>.<slug:extension>", files.asset, name="asset"),
]
