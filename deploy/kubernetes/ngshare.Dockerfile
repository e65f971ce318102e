# The exchange over HTTP. It loses data with SQLAlchemy 2, so it has an environment of its own.
ARG PYTHON=python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d
FROM ${PYTHON}

COPY deploy/kubernetes/ngshare-requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir --no-deps --requirement /tmp/requirements.txt

USER 65534
ENTRYPOINT ["python", "-m", "ngshare"]
