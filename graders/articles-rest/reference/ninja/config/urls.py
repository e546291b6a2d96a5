from django.urls import path

from articles.api import api

urlpatterns = [path("", api.urls)]
