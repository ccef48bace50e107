"""The pages: templates that load their data through the API."""

from flask import Flask, Response, abort, render_template

from plankton_stream.errors import NotFoundError
from plankton_stream.people import Role
from web.api.images import find
from web.parts import Parts
from web.people import page_for


def register(app: Flask, parts: Parts) -> None:
    """Serve the pages."""

    @app.get("/")
    def bench() -> str:
        return render_template("bench.html", page="bench")

    @app.get("/cameras")
    def cameras() -> str:
        return render_template("cameras.html", page="cameras")

    @app.get("/census")
    def census() -> str:
        return render_template("census.html", page="census")

    @app.get("/people")
    def people() -> Response:
        return page_for(Role.ADMIN, "people.html", page="people")

    @app.get("/people/<path:name>")
    def person(name: str) -> str:
        return render_template("person.html", page="person", name=name)

    @app.get("/account")
    def account() -> str:
        return render_template("account_page.html", page="account")

    @app.get("/taxa")
    def taxa() -> str:
        return render_template("taxa.html", page="taxa")

    @app.get("/review")
    def review() -> Response:
        return page_for(Role.LABELLER, "review.html", page="review")

    @app.get("/review/second")
    def second() -> Response:
        return page_for(Role.LABELLER, "second.html", page="review")

    @app.get("/review/agreement")
    def agreement() -> Response:
        return page_for(Role.REVIEWER, "agreement.html", page="review")

    @app.get("/progress")
    def progress() -> str:
        return render_template("progress.html", page="progress")

    @app.get("/map")
    def embedding_map() -> str:
        return render_template("map.html", page="map")

    @app.get("/images/<image_id>")
    def image(image_id: str) -> str:
        try:
            found = find(parts, image_id)
        except NotFoundError:
            abort(404, f"There is no image {image_id}. It may have been deleted with its sample.")
        return render_template("image.html", page="image", image=found)
