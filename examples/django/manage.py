"""
A Django project with the admin and a REST API, behind WSGI and ASGI.

Try it::

    pip install 'safeconduct[cli,django]' djangorestframework
    safeconduct keys new
    python manage.py migrate
    python manage.py createsuperuser
    python manage.py runserver

Then open http://localhost:8000/admin/ and sign in.
"""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    execute_from_command_line(sys.argv)
