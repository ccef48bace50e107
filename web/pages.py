"""The pages: templates that load their data through the API."""

from flask import Flask, render_template


def register(app: Flask) -> None:
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
