"""Users in the admin."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from backpath.accounts.models import User

admin.site.site_header = "Backpath"
admin.site.site_title = "Backpath"
admin.site.index_title = "Operating"
# The admin's own sign-in has no rate limit; allauth's has.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # allauth documents it this way

admin.site.register(User, UserAdmin)
