# The exchange over HTTP. It loses data with SQLAlchemy 2, so it has an environment of its own.
ARG PYTHON=python:3.11.14-slim-bookworm
FROM ${PYTHON}

COPY deploy/kubernetes/ngshare-requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir --no-deps --requirement /tmp/requirements.txt

USER 65534
ENTRYPOINT ["python", "-m", "ngshare"]
