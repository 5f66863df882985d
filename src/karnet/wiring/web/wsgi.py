"""The application that the HTTP server loads, in a process of its own."""

from __future__ import annotations

from django.core.wsgi import get_wsgi_application

from karnet.wiring.installation import Installation
from karnet.wiring.serve.logs import start_logging
from karnet.wiring.web.parent import end_with_parent

end_with_parent()
start_logging(Installation.load(), "web")
application = get_wsgi_application()
