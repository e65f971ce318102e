# The sealed engine: the formgrader, and workers of a cluster. The course itself is mounted, and is in no image.
ARG PYTHON=python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d
FROM ${PYTHON}

RUN apt-get update \
    && apt-get install --yes --no-install-recommends libseccomp2=2.5.* \
    && rm -rf /var/lib/apt/lists/*

COPY requirements.txt requirements-hub.txt requirements-scale.txt /tmp/
RUN pip install --no-cache-dir --requirement /tmp/requirements.txt --requirement /tmp/requirements-scale.txt \
        --constraint /tmp/requirements-hub.txt jupyterhub 'psycopg[binary]'

COPY pyproject.toml LICENSE README.md /opt/nbseal/
COPY src /opt/nbseal/src
COPY deploy/nbseal_hub /opt/nbseal/deploy/nbseal_hub
RUN pip install --no-cache-dir --no-deps /opt/nbseal \
    && useradd --uid 10000 --create-home grader

USER 10000
WORKDIR /srv/course
CMD ["jupyterhub-singleuser"]
