"""Build what students get (release/) and the executed solutions (solutions/) from the instructor's sources."""

from nbseal.build.building import Built, build, stale

__all__ = ["Built", "build", "stale"]
