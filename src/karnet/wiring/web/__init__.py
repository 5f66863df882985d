"""The web process: what Karnet answers over HTTP. So far: the log's tiles, /health and a page that says what this is.

Nothing here changes anything. `wsgi.application` is what the HTTP server loads.
"""
