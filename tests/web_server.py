"""A real server process over the in-memory parts and a catalog that outlives it.

`python -m tests.web_server FOLDER PORT`: twenty images, pages told of labels by the real relay.
Where a file FOLDER/die-before or FOLDER/die-after lies, the process dies of the next label: before
it did anything, or after it did all but answer.
"""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from werkzeug.serving import make_server

from tests.news_parts import relayed
from tests.web_parts import image, new_web

IMAGES = 20

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Mortal:
    """An application whose process dies where a file says so."""

    def __init__(self, app: Application, folder: Path) -> None:
        self._app, self._folder = app, folder

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        """Answer, or die."""
        if environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"] == "/api/v1/labels":
            self._die("die-before")
            answer = self._app(environ, start)
            self._die("die-after")
            return answer
        return self._app(environ, start)

    def _die(self, name: str) -> None:
        if (self._folder / name).exists():
            (self._folder / name).unlink()
            os._exit(1)


def main() -> None:
    """Serve until the process is killed."""
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    web = new_web(folder)
    web.add([image(n) for n in range(IMAGES)])
    with relayed(web):
        app = Mortal(web.app().wsgi_app, folder)
        make_server("127.0.0.1", port, app, threaded=True).serve_forever()


if __name__ == "__main__":
    main()
